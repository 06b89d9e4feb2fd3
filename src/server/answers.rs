//! What a person says to an alert: taken, dealt with, none at all, a note.

use std::sync::Arc;

use super::Desk;
use super::alerts::with_links;
use super::body::Form;
use super::callers::Asked;
use super::page::ok;
use super::problem::Problem;
use crate::alert::{AlertId, ClosedHow};
use crate::config::Scope;
use crate::triage::{self, Heard, MOST_NOTES, Word};
use crate::untrusted;
use axum::extract::State;
use axum::response::Response;

/// The longest note that is kept, in graphemes.
const LONGEST: usize = 2_000;
/// `POST /v1/alerts/{id}/ack`
pub(super) async fn acknowledge(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    answer(&desk, asked, &["text"], |form| {
        Word::Acknowledged(clean(form))
    })
    .await
}

/// `POST /v1/alerts/{id}/resolve`
pub(super) async fn resolve(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    answer(&desk, asked, &["text", "false_positive"], |form| {
        let how = if form.flag("false_positive") {
            ClosedHow::FalsePositive
        } else {
            ClosedHow::Resolved
        };
        Word::Resolved {
            text: clean(form),
            how,
        }
    })
    .await
}

/// `POST /v1/alerts/{id}/note`
pub(super) async fn note(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    answer(&desk, asked, &["text"], |form| {
        let text = clean(form);
        if text.is_empty() {
            form.fault("`text` is the note, and there is none");
        }
        Word::Noted(text)
    })
    .await
}

fn clean(form: &mut Form) -> String {
    let text = form.text("text").unwrap_or_default();
    untrusted::person(text.trim(), LONGEST)
}

async fn answer(
    desk: &Desk,
    asked: Asked,
    keys: &[&str],
    word: impl FnOnce(&mut Form) -> Word,
) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsWrite)?;
    let id: AlertId = asked.id(2)?;
    let headers = &asked.parts.headers;
    let mut form = desk.places.form(headers, asked.body, keys).await?;
    let word = word(&mut form);
    form.finish()?;
    let snapshot = desk.live.snapshot();
    let by = asked.caller.name;
    let heard = desk
        .live
        .store
        .write(move |tx| triage::hear(tx, &snapshot.catalog, id, &by, word))
        .await?;
    match heard {
        Heard::Revised(alert) => {
            desk.live.owed.ring();
            Ok(ok(&with_links(&desk.live, &alert)?))
        }
        Heard::Known(alert) => Ok(ok(&with_links(&desk.live, &alert)?)),
        Heard::NoAlert => Err(Problem::not_found(format!("there is no alert `{id}`"))),
        Heard::Closed => Err(Problem::conflict(
            "alert_closed",
            format!("alert `{id}` is closed; a further signal opens a new one"),
        )),
        Heard::TooManyNotes => Err(Problem::conflict(
            "too_many_notes",
            format!("alert `{id}` has {MOST_NOTES} notes, and takes no more"),
        )),
    }
}
