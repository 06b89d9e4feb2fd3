//! A dry run: what would be sent, to the letter; nothing is changed.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::refused::Refused;
use super::target::Target;
use crate::action::{Action, Call};
use crate::live::Live;
use crate::web::Redacted;

/// What an action would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// `connector/verb`.
    pub action: String,
    /// The connection.
    pub at: String,
    /// The arguments, defaults put in.
    pub with: Map<String, Json>,
    /// The calls that were made to find out: they only read, or are dry runs of the platform's own.
    pub reads: Vec<Call>,
    /// What would be sent.
    pub requests: Vec<Planned>,
    /// What undoing would send, if nobody changed it since.
    pub undo: Vec<Planned>,
    /// Whether it is so already: then nothing would be sent.
    pub already: bool,
    /// What was read, and would be kept for undoing.
    pub kept: Map<String, Json>,
    /// What it cannot do.
    pub limits: Json,
    /// SHA-256 of the canonical JSON of `action`, `at`, `with`, `requests`, `undo` and `kept`.
    pub hash: String,
}

/// A request that would be sent.
#[derive(Debug, Clone, Serialize)]
pub struct Planned {
    /// The step's place, from 0.
    pub step: u32,
    /// The request; `None` where it depends on what an earlier step answers.
    pub request: Option<Redacted>,
    /// Why there is no request.
    pub open: Option<String>,
    /// What the platform's own dry run said.
    pub preview: Option<u16>,
}

pub(super) async fn plan(
    _live: &Arc<Live>,
    _target: &Target,
    _action: Action,
) -> Result<Plan, Refused> {
    Err(Refused::Unavailable("planning is not there yet".to_owned()))
}
