//! Where in its run an action is: what a start needs to go on without doing anything twice.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::action::Action;

/// A part of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Reads what is there; nothing was sent that changes anything.
    #[default]
    Reading,
    /// Applies, step by step.
    Doing,
    /// Applied; reads until the proof holds.
    Proving,
    /// Undoes, step by step.
    Undoing,
    /// Undone; reads whether it is as before.
    Checking,
}

/// What `Action::progress` holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    /// The part of the run.
    pub(super) phase: Phase,
    /// The next step of that part.
    pub(super) step: usize,
    /// The call of that step was sent, and how it was answered is not known: its place among the calls.
    pub(super) sent: Option<u32>,
    /// The signals that are expected from that call.
    pub(super) echoes: Vec<i64>,
    /// How often that step was sent.
    pub(super) tries: u32,
    /// How many steps of `do` were done.
    pub(super) done: usize,
    /// How often a new plan was made.
    pub(super) plans: u32,
    /// What may change without a new plan.
    pub(super) guard: Map<String, Json>,
    /// Names that were kept and are absent.
    pub(super) absent: Vec<String>,
    /// What `unchanged` read before.
    pub(super) unchanged: Option<Json>,
    /// Why what was done is being undone although nobody asked.
    pub(super) refused: Option<String>,
    /// How often nothing could be read by the deadline.
    pub(super) looks: u32,
}

impl Progress {
    /// That of `action`; of one that has none, the beginning.
    pub(super) fn of(action: &Action) -> Self {
        serde_json::from_value(action.progress.clone()).unwrap_or_default()
    }

    pub(super) fn to_json(&self) -> Json {
        serde_json::to_value(self).unwrap_or(Json::Null)
    }

    /// Whether nothing was sent that changes anything.
    pub(super) fn is_untouched(&self) -> bool {
        match self.phase {
            Phase::Reading => true,
            Phase::Doing => {
                self.step == 0 && self.done == 0 && self.sent.is_none() && self.tries == 0
            }
            _ => false,
        }
    }
}
