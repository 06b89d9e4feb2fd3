//! What triage would do with what the mapping says, and to whom it would be owed. Decided by triage's
//! own functions; nothing is kept.

use jiff::Timestamp;
use serde::Serialize;

use super::sent::sent;
use super::story::{End, Story};
use crate::alert::{Alert, AlertId, Severity};
use crate::id::Id;
use crate::live::Snapshot;
use crate::mapping::{Judgement, Mapping, Status, Stuck};
use crate::signal::Signal;
use crate::triage::{self, Why};

/// What is known of the open alert of a key.
#[derive(Debug)]
pub(super) enum Known {
    /// It is there.
    Open(Box<Alert>),
    /// There is none.
    None,
    /// Nobody could be asked, and why.
    NotAsked(String),
}

/// What triage would do.
#[derive(Debug, Serialize)]
pub(crate) struct Outlook {
    /// What it would do.
    pub(crate) does: Does,
    /// The open alert of this key.
    pub(crate) open: Option<Open>,
    /// Why nobody was asked for it.
    pub(crate) not_asked: Option<String>,
}

/// What triage does with an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Does {
    /// A new one.
    Opens,
    /// The open one gets worse.
    Raises,
    /// The open one shows something else.
    Changes,
    /// The open one counts one more; nobody is told.
    Counts,
    /// The open one is over.
    Closes,
    /// None is open that could be closed.
    FindsNothing,
}

/// An alert that is open.
#[derive(Debug, Serialize)]
pub(crate) struct Open {
    /// Its identifier.
    pub(crate) id: AlertId,
    /// Its newest revision.
    pub(crate) revision: u32,
    /// How bad.
    pub(crate) severity: Severity,
    /// How many signals it stands for.
    pub(crate) count: u64,
    /// Its first signal.
    pub(crate) first_seen: Timestamp,
}

/// Adds what triage would do, and what each destination would get of it.
pub(super) fn add(
    story: &mut Story,
    snapshot: &Snapshot,
    mapping: &Mapping,
    signal: &Signal,
    judged: &Result<Judgement, Stuck>,
    known: Known,
) {
    // Nobody knows yet what it will say.
    if story.gives == End::Waits {
        return;
    }
    let catalog = &snapshot.catalog;
    let now = signal.now;
    let open = match &known {
        Known::Open(alert) => Some(Open {
            id: alert.id,
            revision: alert.revision,
            severity: alert.severity,
            count: alert.count,
            first_seen: alert.first_seen,
        }),
        _ => None,
    };
    let (does, alert, why) = match (judged, &known) {
        (Ok(Judgement::Open(proposal)), Known::Open(open)) => {
            match triage::again(catalog, mapping, signal, open, proposal, now) {
                Some((mut alert, why)) => {
                    alert.revised_at = now;
                    let worse = why == Why::Severity;
                    let does = if worse { Does::Raises } else { Does::Changes };
                    (does, Some(alert), Some(why))
                }
                // What it shows is what was sent of it last.
                None => (Does::Counts, Some(open.as_ref().clone()), None),
            }
        }
        (Ok(Judgement::Open(proposal)), Known::None | Known::NotAsked(_)) => {
            let mut proposal = proposal.clone();
            let alert = triage::first(
                catalog,
                mapping,
                signal,
                &mut proposal,
                Id::from_raw(0),
                now,
            );
            (Does::Opens, Some(alert), Some(Why::Opened))
        }
        (Ok(Judgement::Close { .. }), Known::Open(open)) => {
            let mut alert = triage::recovered(open, signal, now);
            alert.revised_at = now;
            (Does::Closes, Some(alert), Some(Why::Resolved))
        }
        (Ok(Judgement::Close { .. }), Known::None) => (Does::FindsNothing, None, None),
        (Ok(Judgement::Close { .. }), Known::NotAsked(_)) => (Does::Closes, None, None),
        (Ok(Judgement::Nothing) | Err(_), _) => return,
    };
    if let Some(alert) = &alert {
        story.send = sent(snapshot, mapping, alert, why);
    }
    if mapping.status == Status::Stable {
        story.triage = Some(Outlook {
            does,
            open,
            not_asked: match known {
                Known::NotAsked(why) => Some(why),
                _ => None,
            },
        });
    }
}
