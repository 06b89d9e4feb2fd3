//! While an action is in force: whether it still holds. Reads, and changes nothing on the platform.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::journal::{audit_call, tell};
use super::pace::Stop;
use super::probing::Probed;
use super::proving::Proof;
use super::run::Run;
use crate::action::{Action, Drift, Effect, State};
use crate::connector::{ActionRule, TakeKind};
use crate::live::Drifted;
use crate::store;

/// Between two looks of which both have to say that it holds no longer: one answer of several servers,
/// or one moment of a restart, is no change.
const ONCE_MORE: Duration = Duration::from_secs(1);
/// The longest name of who changed it, in characters.
const LONGEST_NAME: usize = 120;

impl Run {
    /// Looks once whether it holds. While that stays as it was, nothing is kept of it.
    pub(super) async fn look_again(mut self) -> Result<Action, Stop> {
        let mut proof = self.still().await?;
        if proof == Proof::Not && self.action.drift.is_none() {
            self.pause(ONCE_MORE).await?;
            proof = self.still().await?;
        }
        let name = self.action.action.clone();
        let count = |result| self.live.meters.looks.add(&name, result, 1);
        match proof {
            Proof::Holds => {
                count("holds");
                if self.action.drift.is_some() {
                    return self.holds_again().await;
                }
            }
            Proof::Not => {
                count("drifted");
                if self.action.drift.is_none() {
                    return self.drifted().await;
                }
            }
            Proof::Unreadable(why) => {
                count("unreadable");
                tracing::debug!(action = %self.action.id, "whether it holds cannot be read: {why}");
            }
        }
        Ok(self.action)
    }

    /// What was proven, proven again: the state, and what callers get where that was proven too.
    async fn still(&mut self) -> Result<Proof, Stop> {
        let held = self
            .action
            .drift
            .as_ref()
            .map_or(self.action.effect, |drift| drift.held);
        let Some(has_state) = self
            .target
            .find()
            .map(|parts| !parts.rule.prove.state.is_empty())
        else {
            return Ok(Proof::Unreadable("its connection is gone".to_owned()));
        };
        if has_state {
            let state = self.look("hold.state").await;
            if state != Proof::Holds {
                return Ok(state);
            }
        }
        if held != Effect::BehaviourHeld {
            return Ok(Proof::Holds);
        }
        Ok(match self.probe_once("hold.behaviour").await? {
            Probed::None | Probed::Held => Proof::Holds,
            Probed::Not => Proof::Not,
            Probed::Unanswered => Proof::Unreadable("no probe was answered".to_owned()),
            Probed::CannotRun(why) => Proof::Unreadable(why),
        })
    }

    /// Who changed it, as the platform says it over the first read of the proof.
    async fn changed_by(&mut self) -> Option<String> {
        let target = Arc::clone(&self.target);
        let parts = target.find()?;
        let by = parts.rule.hold.as_ref()?.by.as_ref()?;
        let step = &parts.rule.prove.state.first()?.step;
        let known = self.known();
        let said = self.hear("hold.by", 0, &known, step).await.ok()??.said?;
        let scope = known.scope(parts.rule, Some(&said), false);
        let name = by.eval(&scope).ok()?.to_json()?;
        let name = name
            .as_str()
            .map_or_else(|| name.to_string(), str::to_owned);
        let name = crate::untrusted::person(&name, LONGEST_NAME);
        (!name.is_empty()).then_some(name)
    }

    async fn drifted(mut self) -> Result<Action, Stop> {
        let by = self.changed_by().await;
        let since = self.live.clock.now();
        let who = by
            .as_ref()
            .map(|by| format!("; the platform says that {by} changed it"))
            .unwrap_or_default();
        let message = format!(
            "It held, and at {since} it holds no longer{who}. Nothing is applied again by itself."
        );
        let drift = Drift {
            since,
            by,
            held: self.action.effect,
        };
        self.keep("action.drifted", message, move |action| {
            action.effect = Effect::Drifted;
            action.drift = Some(drift);
        })
        .await
    }

    async fn holds_again(self) -> Result<Action, Stop> {
        let message = format!("It holds again, as of {}.", self.live.clock.now());
        self.keep("action.holds_again", message, |action| {
            if let Some(drift) = action.drift.take() {
                action.effect = drift.held;
            }
        })
        .await
    }

    /// Keeps what was seen, unless the action went on meanwhile: somebody asked for it to be undone.
    async fn keep(
        self,
        what: &'static str,
        message: String,
        change: impl FnOnce(&mut Action) + Send + 'static,
    ) -> Result<Action, Stop> {
        let Self {
            live,
            target,
            action: seen,
            calls,
            ..
        } = self;
        let action = live
            .store
            .write(move |tx| {
                let stored = tx.action(seen.id)?;
                let Some(mut action) = stored.filter(|stored| stored.state == State::Succeeded)
                else {
                    return Ok::<_, store::Error>(seen);
                };
                change(&mut action);
                action.after = seen.after;
                action.message = message;
                action.changed_at = tx.now();
                for call in &calls {
                    tx.add_call(action.id, call)?;
                    audit_call(tx, &action, call)?;
                }
                tx.put_action(&action)?;
                let about =
                    json!({ "id": action.id, "effect": action.effect, "drift": action.drift });
                tx.audit("andon", what, &about)?;
                if let Some(alert) = action.alert {
                    let note = format!("{}: {}", action.action, action.message);
                    tell(tx, target.catalog(), alert, note)?;
                }
                Ok(action)
            })
            .await?;
        if action.alert.is_some() {
            live.owed.ring();
        }
        live.actions.ring();
        Ok(action)
    }
}

/// As Andon's own signal tells it; `None` of one that holds or is over.
pub(super) fn told(action: &Action, rule: Option<&ActionRule>) -> Option<Drifted> {
    let drift = action.drift.as_ref().filter(|_| action.is_in_force())?;
    let is_secret = |name: &str| {
        rule.is_none_or(|rule| {
            let mut takes = rule.takes.iter();
            takes.any(|take| take.name == name && take.kind == TakeKind::Secret)
        })
    };
    let with: Vec<String> = action
        .with
        .iter()
        .filter(|(name, _)| !is_secret(name))
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}={text}"),
            None => format!("{name}={value}"),
        })
        .collect();
    Some(Drifted {
        action: action.action.clone(),
        connection: action.at.clone(),
        with: crate::untrusted::person(&with.join(", "), 200),
        since: drift.since,
        proven_at: action.proven_at,
        asked_by: action.by.clone(),
        changed_by: drift.by.clone(),
    })
}
