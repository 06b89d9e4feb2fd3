//! What a SOAR, or a person, asked to be done to a model, and what became of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::AlertId;

pub use crate::id::ActionId;

/// Where an action stands (design, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a second person.
    PendingApproval,
    /// Approved, not yet taken up.
    Approved,
    /// Waits for its turn.
    Queued,
    /// Reads, decides and applies.
    Running,
    /// Applied; being proven.
    Proving,
    /// Done, and proven as far as `effect` says.
    Succeeded,
    /// Not done, or done and not held.
    Failed,
    /// An approver said no.
    Rejected,
    /// Nobody approved in time.
    Expired,
    /// Withdrawn before anything was applied.
    Cancelled,
    /// Nothing readable by the deadline; Andon reads on.
    Unknown,
    /// Being undone.
    Reverting,
    /// Undone, and read back.
    Reverted,
    /// Somebody changed it since; left alone.
    RevertConflict,
    /// Undoing failed.
    RevertFailed,
}

impl State {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PendingApproval => "pending_approval",
            Self::Approved => "approved",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Proving => "proving",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::Reverting => "reverting",
            Self::Reverted => "reverted",
            Self::RevertConflict => "revert_conflict",
            Self::RevertFailed => "revert_failed",
        }
    }
}

/// What is known of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing was changed.
    None,
    /// Every step was answered as done; nothing proven yet.
    Applied,
    /// Some steps were done.
    Partly,
    /// The platform says so.
    StateHeld,
    /// What callers get says so.
    BehaviourHeld,
    /// Applied, and the proof did not hold in time.
    NotHeld,
    /// Held once, and no longer.
    Drifted,
}

impl Effect {
    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Applied => "applied",
            Self::Partly => "partly",
            Self::StateHeld => "state_held",
            Self::BehaviourHeld => "behaviour_held",
            Self::NotHeld => "not_held",
            Self::Drifted => "drifted",
        }
    }
}

/// How much harm an action can do; what `risk:` says in a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// A label, a note.
    Low,
    /// Seen by some.
    Medium,
    /// Changes what callers get.
    High,
}

/// One request and its whole story, as the store keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Andon's identifier.
    pub id: ActionId,
    /// `connector/verb`.
    pub action: String,
    /// The connection it runs on.
    pub at: String,
    /// Its arguments, checked against `takes`.
    pub with: Map<String, Value>,
    /// Where it stands.
    pub state: State,
    /// What is known of the platform.
    pub effect: Effect,
    /// Whether Andon changed anything.
    pub changed: bool,
    /// One sentence for a person.
    pub message: String,
    /// The alert it answers.
    pub alert: Option<AlertId>,
    /// The caller that asked.
    pub by: String,
    /// Hostile text: why.
    pub reason: Option<String>,
    /// Hostile text: the incident of the SOAR.
    pub incident: Option<Value>,
    /// The caller's own key, so that asking twice is asking once.
    pub idempotency_key: Option<String>,
    /// The content of the request that used the key, as a digest.
    pub fingerprint: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
    /// When it was proven.
    pub proven_at: Option<Timestamp>,
    /// How long it holds, in seconds, counted from the proof.
    pub ttl_seconds: Option<u64>,
    /// When it undoes itself.
    pub until: Option<Timestamp>,
    /// A revert that a caller asked for, rather than a time limit.
    pub revert_asked: bool,
    /// Held once, and no longer: set while the effect is `drifted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
    /// What was read before, and what later steps kept: needed to prove and to undo.
    pub kept: Map<String, Value>,
    /// What the state proof read afterwards.
    pub after: Map<String, Value>,
    /// Where in its run it is; see `containment/`.
    pub progress: Value,
}

/// A containment that somebody else changed, and that holds no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// When Andon saw it first.
    pub since: Timestamp,
    /// Hostile text: who changed it, where the platform says.
    pub by: Option<String>,
    /// What was proven before.
    pub held: Effect,
}

impl Action {
    /// Whether it is proven again at an interval: Andon changed something, and it is to stay so.
    pub fn is_in_force(&self) -> bool {
        self.state == State::Succeeded && self.changed
    }

    /// Whether callers should ask again later (HTTP 202).
    pub fn is_open(&self) -> bool {
        match self.state {
            State::PendingApproval
            | State::Approved
            | State::Queued
            | State::Running
            | State::Proving => true,
            State::Reverting => self.revert_asked,
            _ => false,
        }
    }
}

/// One call that an action made, as the audit keeps it. Never a secret: headers are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Which part of the run: `before`, `do`, `prove.state`, `undo` …
    pub phase: String,
    /// The step's place in that part, from 0.
    pub step: u32,
    /// `GET`, `POST` …
    pub method: String,
    /// The URL, without credentials.
    pub url: String,
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// What it was taken for: `done`, `refused`, `unknown` …
    pub verdict: String,
    /// When it was sent.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}
