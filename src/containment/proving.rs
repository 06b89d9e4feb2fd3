//! The proof: what the platform says, and what callers get, read until it holds or the time is up.

use std::sync::Arc;

use serde_json::Value as Json;

use super::pace::{Growing, Stop};
use super::probing::Probed;
use super::run::{Next, Run};
use crate::action::{Effect, State};
use crate::connector::{Step, StepVerdict};
use crate::expr::Expr;

/// In a row, so that one lucky answer of several servers is not a proof.
const TIMES: u32 = 2;
/// The longest answer that is kept as what was read afterwards.
const LONGEST_AFTER: usize = 64 * 1024;

/// What one look at the state gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    Holds,
    Not,
    Unreadable(String),
}

impl Run {
    /// The third part of a run.
    pub(super) async fn prove(&mut self) -> Result<Next, Stop> {
        let target = Arc::clone(&self.target);
        let end = self.steady() + self.window();
        let mut growing = Growing::default();
        let mut in_a_row = 0;
        let has_state = target
            .find()
            .is_some_and(|parts| !parts.rule.prove.state.is_empty());
        while has_state && in_a_row < TIMES {
            let proof = self.look("prove.state").await;
            if proof == Proof::Holds {
                // The next look follows at once: it asks the next server, not a later one.
                in_a_row += 1;
                continue;
            }
            in_a_row = 0;
            if self.steady() >= end {
                return match proof {
                    Proof::Unreadable(why) => self.undecided(why).await,
                    _ => self.not_held("the platform does not show it in time").await,
                };
            }
            self.pause(growing.next()).await?;
        }
        let (effect, message) = match self.probe().await? {
            Probed::None => (
                Effect::StateHeld,
                "It is done, and the platform says so.".to_owned(),
            ),
            Probed::Held => (
                Effect::BehaviourHeld,
                "It is done, and what callers get shows it.".to_owned(),
            ),
            Probed::CannotRun(why) if has_state => (
                Effect::StateHeld,
                format!(
                    "It is done, and the platform says so; what callers get could not be probed: {why}."
                ),
            ),
            Probed::CannotRun(_) => {
                return self.not_held("what callers get could not be probed").await;
            }
            Probed::Not | Probed::Unanswered => {
                return self
                    .not_held("callers still get what they should not")
                    .await;
            }
        };
        match self.others_stay().await? {
            Proof::Holds => {}
            Proof::Unreadable(why) => return self.undecided(why).await,
            Proof::Not => {
                return self
                    .finish(
                        State::Failed,
                        effect,
                        "action.not_held",
                        "It is done, but something beside it changed too; it stays until it is reverted.".to_owned(),
                    )
                    .await;
            }
        }
        let now = self.live.clock.now();
        self.action.changed = true;
        self.action.proven_at = Some(now);
        let ttl = self
            .action
            .ttl_seconds
            .and_then(|ttl| i64::try_from(ttl).ok());
        self.action.until =
            ttl.and_then(|ttl| now.checked_add(jiff::SignedDuration::from_secs(ttl)).ok());
        let message = match self.action.until {
            Some(until) => format!("{message} It is undone at {until}."),
            None => message,
        };
        self.progress.looks = 0;
        self.finish(State::Succeeded, effect, "action.proven", message)
            .await
    }

    /// Whether what has to stay is as it was. A platform that applies a whole state may touch it for a moment.
    async fn others_stay(&mut self) -> Result<Proof, Stop> {
        let Some(before) = self.progress.unchanged.clone() else {
            return Ok(Proof::Holds);
        };
        let end = self.steady() + self.window();
        let mut growing = Growing::default();
        loop {
            let proof = match self.others().await {
                Ok(others) if others == before => Proof::Holds,
                Ok(_) => Proof::Not,
                Err(why) => Proof::Unreadable(why),
            };
            if proof == Proof::Holds || self.steady() >= end {
                return Ok(proof);
            }
            self.pause(growing.next()).await?;
        }
    }

    async fn not_held(&mut self, why: &str) -> Result<Next, Stop> {
        self.action.changed = true;
        self.finish(
            State::Failed,
            Effect::NotHeld,
            "action.not_held",
            format!("It was applied, and {why}. It stays applied until it is reverted."),
        )
        .await
    }

    /// Every state read of the proof, once.
    pub(super) async fn look(&mut self, phase: &str) -> Proof {
        let target = Arc::clone(&self.target);
        let Some(parts) = target.find() else {
            return Proof::Unreadable("its connection is gone".to_owned());
        };
        let known = self.known();
        let mut all = Proof::Holds;
        for (place, proof) in parts.rule.prove.state.iter().enumerate() {
            match self
                .look_at(phase, place, &proof.step, &proof.until, &known, place == 0)
                .await
            {
                Proof::Holds => {}
                Proof::Not => return Proof::Not,
                unreadable @ Proof::Unreadable(_) => all = unreadable,
            }
        }
        if parts.rule.prove.state.is_empty() {
            return Proof::Not;
        }
        all
    }

    /// Whether `until` holds over the answer to one read.
    pub(super) async fn look_at(
        &mut self,
        phase: &str,
        place: usize,
        step: &Step,
        until: &Expr,
        known: &super::target::Known,
        shown: bool,
    ) -> Proof {
        let target = Arc::clone(&self.target);
        let Some(parts) = target.find() else {
            return Proof::Unreadable("its connection is gone".to_owned());
        };
        let heard = match self.hear(phase, place, known, step).await {
            Ok(Some(heard)) => heard,
            // A read that does not apply does not stand against the proof.
            Ok(None) => return Proof::Holds,
            Err(unmade) => return Proof::Unreadable(unmade.why),
        };
        let Some(said) = &heard.said else {
            return Proof::Unreadable(heard.why);
        };
        if shown
            && let Some(body) = said
                .body
                .as_ref()
                .filter(|_| said.text.len() <= LONGEST_AFTER)
        {
            self.action.after.insert("state".to_owned(), body.clone());
            self.action
                .after
                .insert("status".to_owned(), Json::from(said.status));
        }
        let holds = {
            let scope = known.scope(parts.rule, Some(said), false);
            until.holds(&scope).unwrap_or(false)
        };
        match heard.verdict {
            _ if holds => Proof::Holds,
            StepVerdict::Wait | StepVerdict::Unknown => Proof::Unreadable(heard.why),
            _ if heard.is_denied() => Proof::Unreadable(heard.why),
            _ => Proof::Not,
        }
    }

    /// Whether `until` holds now; what cannot be read does not.
    pub(super) async fn holds_once(
        &mut self,
        phase: &str,
        place: usize,
        step: &Step,
        until: &Expr,
    ) -> bool {
        let known = self.known();
        self.look_at(phase, place, step, until, &known, false).await == Proof::Holds
    }
}
