//! What destinations refused for good, listed and shown.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::Desk;
use super::callers::Asked;
use super::page::{Page, object, ok};
use super::problem::Problem;
use crate::config::Scope;
use crate::store::DeadLetter;

/// `GET /v1/dead-letters`
pub(super) async fn list(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    let mut form = asked.query(&["destination", "limit", "before"]);
    let page = Page::of(&mut form);
    let destination = form.text("destination");
    let before: Option<i64> = form.word("before", "what `next` said", |text| text.parse().ok());
    form.finish()?;
    let rows = desk
        .live
        .store
        .read(move |reader| reader.dead_letters(destination.as_deref(), before, page.to_read()))
        .await?;
    Ok(page.show("dead_letters", rows, |letter| letter.seq.to_string(), one))
}

/// `GET /v1/dead-letters/{id}`: with the answer's first bytes and the revision that was refused.
pub(super) async fn show(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    let missing = || Problem::not_found("there is no such dead letter");
    let seq: i64 = asked.segment(2).parse().map_err(|_| missing())?;
    let found = desk
        .live
        .store
        .read(move |reader| {
            let Some(letter) = reader.dead_letter(seq)? else {
                return Ok(None);
            };
            let alert = reader.revision(letter.revision)?;
            Ok(Some((letter, alert)))
        })
        .await?;
    let (letter, alert) = found.ok_or_else(missing)?;
    // What another system answered is hostile text too: one leaf.
    let answer = String::from_utf8_lossy(letter.cause.body.as_data()).into_owned();
    Ok(ok(&object(
        &one(&letter),
        [
            ("answer", answer.into()),
            ("mapping", alert.mapping.as_str().into()),
            ("signal", json!(alert.signal)),
            ("refused", json!(alert)),
        ],
    )?))
}

fn one(letter: &DeadLetter) -> Value {
    json!({
        "id": letter.seq,
        "destination": letter.destination,
        "alert": letter.revision.alert,
        "revision": letter.revision.number,
        "attempts": letter.attempts,
        "died_at": letter.died_at,
        "status": letter.cause.status,
        "reason": letter.cause.reason,
    })
}
