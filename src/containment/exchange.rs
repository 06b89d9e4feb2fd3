//! One request of a run: made, sent once, its answer read and judged.

use std::time::Duration;

use serde_json::Map;

use super::run::Run;
use super::target::{Known, Parts, Said, unmade};
use crate::action::Call;
use crate::connector::{ActionRule, Step, StepVerdict};
use crate::live::Live;
use crate::shape::{self, Request};
use crate::web::{Again, Blame};

/// What was heard.
#[derive(Debug)]
pub(super) struct Heard {
    /// The answer, where there was one.
    pub(super) said: Option<Said>,
    /// What it was taken for.
    pub(super) verdict: StepVerdict,
    /// Whether the request may have arrived; if not, nothing was done.
    pub(super) sent: bool,
    /// Whether it cannot be sent as the request or the connection is.
    pub(super) unsendable: bool,
    /// Whether it cannot be sent whatever an admin mends.
    pub(super) hopeless: bool,
    /// How long the platform asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// For a person.
    pub(super) why: String,
}

impl Heard {
    /// Whether Andon itself was turned away, so that the answer says nothing of what was asked about.
    pub(super) fn is_denied(&self) -> bool {
        self.verdict == StepVerdict::Refused
            && self
                .said
                .as_ref()
                .is_some_and(|said| matches!(said.status, 401 | 403 | 407))
    }
}

/// Why a request could not be made.
#[derive(Debug)]
pub(super) struct Unmade {
    /// For a person.
    pub(super) why: String,
    /// Whether a name in it has no value.
    pub(super) absent: bool,
}

/// Makes a step's request; `None` when its `only_if` does not hold.
pub(super) fn make(
    parts: Parts<'_>,
    known: &Known,
    step: &Step,
    undo: bool,
) -> Result<Option<Request>, Unmade> {
    let scope = known.scope(parts.rule, None, undo);
    if let Some(only_if) = &step.only_if {
        match only_if.holds(&scope) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => {
                return Err(Unmade {
                    why: format!("`only_if: {}` cannot be told: {error}", only_if.source()),
                    absent: false,
                });
            }
        }
    }
    let first_url = parts.connector.first_url().unwrap_or_default();
    step.call
        .render(&scope, &Map::new(), first_url)
        .map(Some)
        .map_err(|error| Unmade {
            absent: matches!(error, shape::Error::Absent { .. }),
            why: unmade(&error),
        })
}

/// Sends once, within the connection's timeout. The call is noted with its URL and no secret.
pub(super) async fn send(
    live: &Live,
    parts: Parts<'_>,
    secrets: &crate::secret::Secrets,
    known: &Known,
    step: &Step,
    request: &Request,
    mut call: Call,
) -> (Heard, Call) {
    call.at = live.clock.now();
    let began = live.clock.steady();
    let timeout = parts.connection.timeout;
    let mut answered = parts.web.send(request, secrets, timeout).await;
    // A token that has just ended: the request was turned away unread, so another token may try once.
    if let Ok(answer) = &answered
        && answer.status == 401
        && parts.web.renew(answer).await
    {
        answered = parts.web.send(request, secrets, timeout).await;
    }
    let took = live.clock.steady().saturating_sub(began);
    call.took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let heard = match answered {
        Ok(answer) => {
            let said = Said::new(&answer);
            call.status = Some(said.status);
            let verdict = judge(parts.rule, known, step, &said);
            Heard {
                verdict,
                sent: true,
                unsendable: false,
                hopeless: false,
                retry_after: answer
                    .header("retry-after")
                    .and_then(|text| text.trim().parse().ok())
                    .map(Duration::from_secs),
                why: told(&said),
                said: Some(said),
            }
        }
        Err(error) => Heard {
            said: None,
            verdict: StepVerdict::Unknown,
            sent: error.sent(),
            unsendable: matches!(error.blame(), Blame::Admin | Blame::Request),
            hopeless: error.again() == Again::No,
            retry_after: None,
            why: error.to_string(),
        },
    };
    heard.verdict.as_str().clone_into(&mut call.verdict);
    (heard, call)
}

/// What the platform said, short and harmless.
fn told(said: &Said) -> String {
    let message = ["message", "error", "detail", "error_code"]
        .iter()
        .find_map(|key| said.body.as_ref()?.get(key)?.as_str());
    match message {
        Some(message) => format!(
            "the platform answered {}: {}",
            said.status,
            crate::untrusted::person(message, 200)
        ),
        None => format!("the platform answered {}", said.status),
    }
}

fn judge(rule: &ActionRule, known: &Known, step: &Step, said: &Said) -> StepVerdict {
    let scope = known.scope(rule, Some(said), false);
    let written = step.answers.iter().find(|answer| {
        answer
            .when
            .as_ref()
            .is_none_or(|when| when.holds(&scope).unwrap_or(false))
    });
    match (written, said.status) {
        (Some(answer), _) => answer.verdict,
        (None, 200..=299) => StepVerdict::Done,
        (None, 409 | 412) => StepVerdict::Stale,
        (None, 429) => StepVerdict::Wait,
        (None, 400..=499) => StepVerdict::Refused,
        (None, _) => StepVerdict::Unknown,
    }
}

impl Run {
    /// Reads once: for requests that change nothing. What was heard is noted and kept with the next entry.
    pub(super) async fn hear(
        &mut self,
        phase: &str,
        place: usize,
        known: &Known,
        step: &Step,
    ) -> Result<Option<Heard>, Unmade> {
        let target = std::sync::Arc::clone(&self.target);
        let Some(parts) = target.find() else {
            return Ok(None);
        };
        let Some(request) = make(parts, known, step, false)? else {
            return Ok(None);
        };
        let secrets = &target.snapshot.secrets;
        let call = note(parts, secrets, phase, place, &request);
        let (heard, call) = send(&self.live, parts, secrets, known, step, &request, call).await;
        self.calls.push(call);
        Ok(Some(heard))
    }
}

/// A call not yet made.
pub(super) fn note(
    parts: Parts<'_>,
    secrets: &crate::secret::Secrets,
    phase: &str,
    place: usize,
    request: &Request,
) -> Call {
    let url = parts
        .web
        .redacted(request, secrets)
        .map_or_else(|_| request.path.clone(), |shown| shown.url);
    Call {
        phase: phase.to_owned(),
        step: u32::try_from(place).unwrap_or(u32::MAX),
        method: request.method.as_str().to_owned(),
        url,
        status: None,
        verdict: "sent".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        took_ms: 0,
    }
}
