//! Signals that a mapping or a schema failed on: listed, shown with their trace, tried again.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::Desk;
use super::body::{API_BYTES, Form};
use super::callers::Asked;
use super::page::{Page, object, ok};
use super::problem::Problem;
use super::signals::{contents, refusal, standing};
use super::stand_in::intake;
use crate::config::Scope;
use crate::signal::SignalId;
use crate::store::StandingKind;

/// `GET /v1/stuck`
pub(super) async fn list(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    let mut form = asked.query(&["limit", "before"]);
    let page = Page::of(&mut form);
    let before: Option<SignalId> =
        form.word("before", "what `next` said", |text| text.parse().ok());
    form.finish()?;
    let rows = desk
        .live
        .store
        .read(move |reader| reader.unsettled(StandingKind::Stuck, before, page.to_read()))
        .await?;
    Ok(page.show(
        "stuck",
        rows,
        |row| row.id.to_string(),
        |row| {
            json!({
                "id": row.id,
                "connection": row.connection,
                "signal": row.name.to_string(),
                "received_at": row.received_at,
                "reason": row.reason,
            })
        },
    ))
}

/// `GET /v1/stuck/{id}`
pub(super) async fn show(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    let id: SignalId = asked.id(2)?;
    let kept = desk
        .live
        .store
        .read(move |reader| reader.signal(id))
        .await?;
    let kept = kept
        .filter(|kept| kept.standing == StandingKind::Stuck)
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
    let read = desk
        .places
        .read(&asked.parts.headers, asked.body, API_BYTES)
        .await?;
    Form::parse(&read.bytes, &[])?.finish()?;
    let kept = desk
        .live
        .store
        .read(move |reader| reader.signal(id))
        .await?;
    if kept.is_none_or(|kept| kept.standing != StandingKind::Stuck) {
        return Err(Problem::not_found(format!("signal `{id}` is not stuck")));
    }
    intake::retry(&desk.live, id)
        .await
        .map_err(|refused| refusal(&refused))?;
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
