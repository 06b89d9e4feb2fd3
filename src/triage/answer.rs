//! What a person says to an alert: taken, dealt with, none at all, a note. By the API, or where the alert
//! was sent to.

use serde_json::json;

use super::revise::{Why, revise, still_quiet_at};
use super::settle::over;
use crate::alert::{Alert, AlertId, Closed, ClosedHow, Said, State};
use crate::catalog::Catalog;
use crate::store::{self, Tx};

/// How many notes an alert keeps: every destination gets all of them with each revision.
pub const MOST_NOTES: usize = 100;

/// What is said; texts are clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Somebody has taken it.
    Acknowledged(String),
    /// It is over.
    Resolved {
        /// Why, in words; may be empty.
        text: String,
        /// As what.
        how: ClosedHow,
    },
    /// Something to know.
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
#[derive(Debug)]
pub enum Heard {
    /// It is another revision now.
    Revised(Alert),
    /// It was said before.
    Known(Alert),
    /// There is no such alert.
    NoAlert,
    /// It is over, and this cannot be said to it any more.
    Closed,
    /// It takes no more notes.
    TooManyNotes,
}

/// Hears what `by` says to an alert. One that is over can still be said to have been none: people find that
/// out later.
///
/// # Errors
/// When the store fails.
pub fn hear(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    id: AlertId,
    by: &str,
    word: Word,
) -> Result<Heard, store::Error> {
    let Some(known) = tx.alert(id)? else {
        return Ok(Heard::NoAlert);
    };
    let now = tx.now();
    let mut alert = known.as_ref().clone();
    let is_over = alert.state == State::Resolved;
    let said = |text: String| Said {
        by: by.to_owned(),
        at: now,
        text,
    };
    let what = word.what();
    let (why, noted) = match word {
        Word::Resolved {
            text,
            how: ClosedHow::FalsePositive,
        } if is_over => {
            match &mut alert.closed {
                Some(closed) if closed.how != ClosedHow::FalsePositive => {
                    closed.how = ClosedHow::FalsePositive;
                    closed.by = Some(by.to_owned());
                }
                _ => return Ok(Heard::Known(alert)),
            }
            alert.revision = alert.revision.saturating_add(1);
            (Why::Changed, Some(text).filter(|text| !text.is_empty()))
        }
        _ if is_over => return Ok(Heard::Closed),
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
            over(&mut alert, closed);
            (Why::Resolved, Some(text).filter(|text| !text.is_empty()))
        }
        Word::Noted(text) => (Why::Changed, Some(text)),
    };
    if let Some(text) = noted {
        if alert.notes.len() < MOST_NOTES || alert.closed.is_some() {
            alert.notes.push(said(text));
        } else {
            return Ok(Heard::TooManyNotes);
        }
    }
    if alert.closed.is_none() {
        alert.revision = alert.revision.saturating_add(1);
        alert.state = State::Updated;
    }
    // A word keeps no alert awake: it goes quiet when it would have.
    let quiet_at = still_quiet_at(tx, catalog, &alert)?;
    let alert = revise(tx, catalog, alert, why, now, quiet_at)?;
    tx.audit(
        by,
        what,
        &json!({ "alert": alert.id, "revision": alert.revision }),
    )?;
    Ok(Heard::Revised(std::sync::Arc::unwrap_or_clone(alert)))
}
