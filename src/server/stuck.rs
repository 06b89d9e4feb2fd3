//! Signals that a mapping or a schema failed on, or that nobody knew: listed, shown with their trace, tried again.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::Desk;
use super::callers::Asked;
use super::page::{Page, object, ok};
use super::problem::Problem;
use super::signals::{contents, kept, line, standing};
use crate::config::Scope;
use crate::intake::{self, NotRetried};
use crate::signal::SignalId;
use crate::store::StandingKind;

/// What is left lying: read no further until somebody looks, or waiting for a look-up.
const LYING: [StandingKind; 3] = [
    StandingKind::Stuck,
    StandingKind::Refused,
    StandingKind::Waiting,
];

/// `GET /v1/stuck`: with `standing`, what nobody knew (`refused`) or what waits for a look-up instead.
pub(super) async fn list(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    let mut form = asked.query(&["standing", "limit", "before"]);
    let page = Page::of(&mut form);
    let before: Option<SignalId> =
        form.word("before", "what `next` said", |text| text.parse().ok());
    let standing = form.word("standing", "stuck, refused or waiting", |word| {
        LYING.into_iter().find(|kind| kind.as_str() == word)
    });
    let standing = standing.unwrap_or(StandingKind::Stuck);
    form.finish()?;
    let rows = desk
        .live
        .store
        .read(move |reader| reader.unsettled(standing, before, page.to_read()))
        .await?;
    Ok(page.show("stuck", rows, |row| row.id.to_string(), line))
}

/// `GET /v1/stuck/{id}`
pub(super) async fn show(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    let id: SignalId = asked.id(2)?;
    let kept = kept(&desk, id)
        .await?
        .filter(|kept| LYING.contains(&kept.standing))
        .ok_or_else(|| Problem::not_found(format!("signal `{id}` is not stuck")))?;
    Ok(ok(&object(&standing(&kept), contents(&kept))?))
}

/// `POST /v1/stuck/{id}/retry`: judged again by the mappings in force.
pub(super) async fn retry(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsWrite)?;
    let id: SignalId = asked.id(2)?;
    let headers = &asked.parts.headers;
    let form = desk.places.form(headers, asked.body, &[]).await?;
    form.finish()?;
    let received = intake::retry(&desk.live, id).await.map_err(not_retried)?;
    // One that nobody knew comes in as a new signal.
    let id = received.id;
    let kept = desk
        .live
        .store
        .read(move |reader| reader.signal(id))
        .await?;
    let kept = kept.ok_or_else(|| Problem::not_found(format!("signal `{id}` is not kept")))?;
    Ok(ok(&object(
        &standing(&kept),
        [("reason", kept.reason.as_deref().into())],
    )?))
}

fn not_retried(why: NotRetried) -> Problem {
    match why {
        NotRetried::Store(error) => error.into(),
        NotRetried::Unknown(_) => Problem::not_found(why.to_string()),
        NotRetried::NotStuck { .. } => Problem::conflict("not_stuck", why.to_string()),
        NotRetried::NoConnection { .. } => Problem::conflict("no_connection", why.to_string()),
        NotRetried::StillUnread { .. } => Problem::conflict("still_unread", why.to_string()),
    }
}
