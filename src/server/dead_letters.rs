//! What destinations refused for good: listed, shown, owed again, dropped.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::Desk;
use super::callers::Asked;
use super::health::administrator;
use super::page::{Page, object, ok};
use super::problem::Problem;
use crate::config::Scope;
use crate::delivery::{self, Undecided};
use crate::store::DeadLetter;
use crate::untrusted;

/// The longest reason that is kept, in graphemes.
const LONGEST_WHY: usize = 500;

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

/// `POST /v1/dead-letters/{id}/retry`: owed again, to be rendered by the files in force.
pub(super) async fn retry(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (seq, by, why) = decided(&desk, asked).await?;
    let letter = delivery::retry(&desk.live, seq, &by, &why).await?;
    Ok(ok(&object(&one(&letter), [("retried", true.into())])?))
}

/// `POST /v1/dead-letters/{id}/drop`: forgotten for good.
pub(super) async fn drop(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    let (seq, by, why) = decided(&desk, asked).await?;
    let letter = delivery::drop_for_good(&desk.live, seq, &by, &why).await?;
    Ok(ok(&object(&one(&letter), [("dropped", true.into())])?))
}

/// On which one, by whom, and why.
async fn decided(desk: &Desk, asked: Asked) -> Result<(i64, String, String), Problem> {
    let seq: Result<i64, Problem> = asked.segment(2).parse().map_err(|_| missing());
    let (by, mut form) = administrator(desk, asked, &["reason"]).await?;
    let why = form.text("reason").unwrap_or_default();
    form.finish()?;
    Ok((seq?, by, untrusted::person(why.trim(), LONGEST_WHY)))
}

fn missing() -> Problem {
    Problem::not_found("there is no such dead letter")
}

impl From<Undecided> for Problem {
    fn from(why: Undecided) -> Self {
        match why {
            Undecided::Store(error) => error.into(),
            Undecided::Unknown(_) => Self::not_found(why.to_string()),
            Undecided::NoDestination { .. } => Self::conflict("no_destination", why.to_string()),
            Undecided::Superseded { .. } => Self::conflict("superseded", why.to_string()),
        }
    }
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
