//! A dry run: what would be sent, to the letter; nothing is changed.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::canonical::digest;
use super::describe::limits;
use super::exchange::{make, note, send};
use super::pace::Pace;
use super::reading::Read;
use super::refused::Refused;
use super::run::Run;
use super::target::{Known, Parts, Target, unmade};
use crate::action::{Action, Call};
use crate::connector::{Step, StepVerdict};
use crate::live::Live;
use crate::secret::Secrets;
use crate::shape::{Absent, Leaf};
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
    /// Why there is no request, or why the platform's own dry run says no.
    pub open: Option<String>,
    /// What the platform's own dry run said.
    pub preview: Option<u16>,
}

/// Plans `action`: reads, and sends nothing that changes anything.
pub(super) async fn plan(
    live: &Arc<Live>,
    target: Target,
    action: Action,
) -> Result<Plan, Refused> {
    let mut run = Run::new(live, target, action, Pace::default());
    match run.read_before().await {
        Read::Seen(seen) => {
            run.action.kept = seen.kept;
            run.progress.absent = seen.absent;
            run.progress.guard = seen.guard;
        }
        Read::Refused(why) | Read::Denied(why) => {
            return Err(Refused::Conflict(format!(
                "what is there now cannot be read: {why}"
            )));
        }
        Read::Unreadable(why) => {
            return Err(Refused::Unavailable(format!(
                "what is there now cannot be read at the moment: {why}"
            )));
        }
    }
    let target = Arc::clone(&run.target);
    let gone = || Refused::Missing("its connection is gone".to_owned());
    let parts = target.find().ok_or_else(gone)?;
    let secrets = &target.snapshot.secrets;
    let known = run.known();
    let already = {
        let scope = known.scope(parts.rule, None, false);
        let already = parts.rule.already.as_ref();
        already.is_some_and(|already| already.holds(&scope).unwrap_or(false))
    };
    let mut requests = Vec::new();
    let mut undo = Vec::new();
    if !already {
        requests = planned(parts, secrets, &known, &parts.rule.steps, false)?;
        undo = planned(parts, secrets, &known, &parts.rule.undo, true)?;
        preview(&mut run, parts, &mut requests).await?;
    }
    let Run { action, calls, .. } = run;
    let hash = digest(&json!({
        "action": action.action, "at": action.at, "with": action.with, "kept": action.kept,
        "requests": requests, "undo": undo,
    }));
    Ok(Plan {
        limits: limits(&parts.rule.limits),
        action: action.action,
        at: action.at,
        with: action.with,
        reads: calls,
        requests,
        undo,
        already,
        kept: action.kept,
        hash,
    })
}

/// The requests of `steps` that apply, as they would be sent.
fn planned(
    parts: Parts<'_>,
    secrets: &Secrets,
    known: &Known,
    steps: &[Step],
    undo: bool,
) -> Result<Vec<Planned>, Refused> {
    let mut planned = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        let open = match make(parts, known, step, undo) {
            Ok(None) => continue,
            Ok(Some(request)) => {
                let shown = parts.web.redacted(&request, secrets).map_err(|error| {
                    Refused::Conflict(format!("step {place} could not be sent: {error}"))
                })?;
                planned.push(Planned {
                    step: u32::try_from(place).unwrap_or(u32::MAX),
                    request: Some(shown),
                    open: None,
                    preview: None,
                });
                continue;
            }
            // What an earlier step answers is not known before it is sent.
            Err(unmade) if place > 0 || undo => unmade.why,
            Err(unmade) => return Err(Refused::Conflict(unmade.why)),
        };
        planned.push(Planned {
            step: u32::try_from(place).unwrap_or(u32::MAX),
            request: None,
            open: Some(open),
            preview: None,
        });
    }
    Ok(planned)
}

/// Asks the platform for its own dry run where the manifest knows one.
async fn preview(run: &mut Run, parts: Parts<'_>, planned: &mut [Planned]) -> Result<(), Refused> {
    let live = Arc::clone(&run.live);
    let target = Arc::clone(&run.target);
    let secrets = &target.snapshot.secrets;
    let known = run.known();
    for one in planned.iter_mut().filter(|one| one.request.is_some()) {
        let place = usize::try_from(one.step).unwrap_or(usize::MAX);
        let Some(step) = parts.rule.steps.get(place) else {
            continue;
        };
        let Some(shape) = &step.preview else {
            continue;
        };
        let Ok(Some(mut request)) = make(parts, &known, step, false) else {
            continue;
        };
        let query = {
            let scope = known.scope(parts.rule, None, false);
            shape.data(&scope, Absent::Fault)
        };
        let query = query.map_err(|error| Refused::Conflict(unmade(&error)))?;
        let asked = query
            .as_ref()
            .and_then(Json::as_object)
            .filter(|query| !query.is_empty());
        // Without what makes it a dry run it would be the change itself.
        let Some(asked) = asked else {
            return Err(Refused::Conflict(format!(
                "`preview` of step {place} gives no query"
            )));
        };
        for (key, value) in asked {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            request.query.retain(|(known, _)| known != key);
            request.query.push((key.clone(), Leaf::Text(text)));
        }
        let call = note(parts, secrets, "preview", place, &request);
        let (heard, call) = send(&live, parts, secrets, &known, step, &request, call).await;
        run.calls.push(call);
        one.preview = heard.said.as_ref().map(|said| said.status);
        let well = matches!(heard.verdict, StepVerdict::Done | StepVerdict::AlreadyDone);
        one.open = (!well).then_some(heard.why);
    }
    Ok(())
}
