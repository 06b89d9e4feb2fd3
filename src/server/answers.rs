//! What a person says to an alert: taken, dealt with, none at all, a note.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::Desk;
use super::alerts::with_links;
use super::body::Form;
use super::callers::Asked;
use super::page::ok;
use super::problem::Problem;
use crate::alert::{Alert, AlertId, Closed, ClosedHow, Said, State as AlertState};
use crate::config::Scope;
use crate::store::{self, Tx};
use crate::triage::{self, Why};
use crate::untrusted;

/// The longest note that is kept, in graphemes.
const LONGEST: usize = 2_000;
/// How many notes an alert keeps: every destination gets all of them with each revision.
const MOST_NOTES: usize = 100;

/// What is said.
#[derive(Debug, Clone)]
enum Word {
    Acknowledged(String),
    Resolved { text: String, how: ClosedHow },
    Noted(String),
}

impl Word {
    /// The word of the audit.
    fn what(&self) -> &'static str {
        match self {
            Self::Acknowledged(_) => "alert.acknowledged",
            Self::Resolved {
                how: ClosedHow::FalsePositive,
                ..
            } => "alert.false_positive",
            Self::Resolved { .. } => "alert.resolved",
            Self::Noted(_) => "alert.noted",
        }
    }
}

/// What became of it.
enum Heard {
    Revised(Alert),
    Known(Alert),
    NoAlert,
    Closed,
    TooManyNotes,
}

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
        .write(move |tx| hear(tx, &snapshot.catalog, id, &by, word))
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

fn hear(
    tx: &mut Tx<'_>,
    catalog: &crate::catalog::Catalog,
    id: AlertId,
    by: &str,
    word: Word,
) -> Result<Heard, store::Error> {
    let Some(known) = tx.alert(id)? else {
        return Ok(Heard::NoAlert);
    };
    if known.state == AlertState::Resolved {
        return Ok(Heard::Closed);
    }
    let now = tx.now();
    let mut alert = known.as_ref().clone();
    let said = |text: String| Said {
        by: by.to_owned(),
        at: now,
        text,
    };
    let what = word.what();
    let (why, noted) = match word {
        // Said again by the same person it is the same word: playbooks repeat what timed out.
        Word::Acknowledged(text)
            if alert
                .acknowledged
                .as_ref()
                .is_some_and(|before| before.by == by && before.text == text) =>
        {
            return Ok(Heard::Known(alert));
        }
        Word::Acknowledged(text) => {
            alert.acknowledged = Some(said(text));
            (Why::Changed, None)
        }
        Word::Resolved { text, how } => {
            let closed = Closed {
                at: now,
                how,
                by: Some(by.to_owned()),
            };
            triage::over(&mut alert, closed);
            (Why::Resolved, Some(text).filter(|text| !text.is_empty()))
        }
        Word::Noted(text) => (Why::Changed, Some(text)),
    };
    if let Some(text) = noted {
        if alert.notes.len() >= MOST_NOTES && why != Why::Resolved {
            return Ok(Heard::TooManyNotes);
        }
        alert.notes.push(said(text));
    }
    if why != Why::Resolved {
        alert.revision = alert.revision.saturating_add(1);
        alert.state = AlertState::Updated;
    }
    // A word keeps no alert awake: it goes quiet when it would have.
    let quiet_at = triage::still_quiet_at(tx, catalog, &alert)?;
    let alert = triage::revise(tx, catalog, alert, why, now, quiet_at)?;
    tx.audit(
        by,
        what,
        &json!({ "alert": alert.id, "revision": alert.revision }),
    )?;
    Ok(Heard::Revised(Arc::unwrap_or_clone(alert)))
}
