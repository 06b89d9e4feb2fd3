//! Before anything is changed: wait until it may be read, read what is there, keep what undo needs.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::exchange::Heard;
use super::pace::{Growing, Stop};
use super::progress::Phase;
use super::run::{Next, Run};
use super::target::{Known, Parts};
use crate::action::{Effect, State};
use crate::connector::{Kept, Step, StepVerdict};

/// The most that may be kept of one action: 16 MiB, as JSON.
const MOST_KEPT: usize = 16 * 1024 * 1024;
/// How long the platform may be unreadable before a run gives up.
const PATIENCE: Duration = Duration::from_mins(1);

/// What `before` read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) kept: Map<String, Json>,
    pub(super) absent: Vec<String>,
    pub(super) guard: Map<String, Json>,
}

/// What came of reading.
#[derive(Debug)]
pub(super) enum Read {
    /// It was read.
    Seen(Seen),
    /// The platform answered, and not with what was asked for.
    Refused(String),
    /// Andon may not read it.
    Denied(String),
    /// Nobody knows: no answer, or none to be had now.
    Unreadable(String),
}

impl Run {
    /// The first part of a run.
    pub(super) async fn read(&mut self) -> Result<Next, Stop> {
        let target = std::sync::Arc::clone(&self.target);
        let Some(parts) = target.find() else {
            return self.nothing_done("its connection is gone".to_owned()).await;
        };
        if self.action.state != State::Running {
            self.action.state = State::Running;
            "It reads what is there.".clone_into(&mut self.action.message);
            self.save_as("action.started").await?;
        }
        if let Some(ready) = &parts.rule.ready {
            let end = self.steady() + ready.within;
            let mut growing = Growing::default();
            while !self.holds_once("ready", 0, &ready.step, &ready.until).await {
                if self.steady() >= end {
                    return self
                        .nothing_done("the platform was not ready in time".to_owned())
                        .await;
                }
                self.pause(growing.next()).await?;
            }
        }
        let seen = match self.read_patiently().await? {
            Read::Seen(seen) => seen,
            Read::Refused(why) | Read::Denied(why) | Read::Unreadable(why) => {
                return self.nothing_done(why).await;
            }
        };
        if Json::Object(seen.kept.clone()).to_string().len() > MOST_KEPT {
            return self
                .nothing_done(format!(
                    "what would have to be kept is longer than {MOST_KEPT} bytes"
                ))
                .await;
        }
        self.action.kept = seen.kept;
        self.progress.absent = seen.absent;
        self.progress.guard = seen.guard;
        let already = {
            let known = self.known();
            let scope = known.scope(parts.rule, None, false);
            parts
                .rule
                .already
                .as_ref()
                .is_some_and(|already| already.holds(&scope).unwrap_or(false))
        };
        if already {
            self.action.changed = false;
            return self
                .finish(
                    State::Succeeded,
                    Effect::StateHeld,
                    "action.already",
                    "It was so already; nothing was changed.".to_owned(),
                )
                .await;
        }
        if parts.rule.unchanged.is_some() {
            match self.others_patiently().await? {
                Ok(others) => self.progress.unchanged = Some(others),
                Err(why) => {
                    return self
                        .nothing_done(format!(
                            "what has to stay as it is could not be read: {why}"
                        ))
                        .await;
                }
            }
        }
        self.progress.phase = Phase::Doing;
        self.progress.step = 0;
        self.save().await?;
        Ok(Next::On)
    }

    /// Ends a run that changed nothing.
    pub(super) async fn nothing_done(&mut self, why: String) -> Result<Next, Stop> {
        self.action.changed = false;
        self.finish(
            State::Failed,
            Effect::None,
            "action.failed",
            format!("Nothing was changed: {why}."),
        )
        .await
    }

    /// `before`, again and again while nothing can be read.
    pub(super) async fn read_patiently(&mut self) -> Result<Read, Stop> {
        let end = self.ends.min(self.steady() + PATIENCE);
        let mut growing = Growing::default();
        loop {
            let read = self.read_before().await;
            if !matches!(read, Read::Unreadable(_)) || self.steady() >= end {
                return Ok(read);
            }
            self.pause(growing.next()).await?;
        }
    }

    /// `before`, once.
    pub(super) async fn read_before(&mut self) -> Read {
        let target = std::sync::Arc::clone(&self.target);
        let Some(parts) = target.find() else {
            return Read::Unreadable("its connection is gone".to_owned());
        };
        let mut known = self.known();
        known.kept.clear();
        known.absent.clear();
        known.guard.clear();
        for (place, step) in parts.rule.before.iter().enumerate() {
            let heard = match self.hear("before", place, &known, step).await {
                Ok(Some(heard)) => heard,
                Ok(None) => continue,
                Err(unmade) => return Read::Refused(unmade.why),
            };
            match heard.verdict {
                StepVerdict::Done | StepVerdict::AlreadyDone => {
                    if let Err(why) = keep(parts, &mut known, step, &heard) {
                        return Read::Refused(why);
                    }
                }
                StepVerdict::None => {
                    for kept in &step.keep {
                        known.kept.insert(kept.name.clone(), Json::Null);
                    }
                    for guard in &step.guard {
                        known.guard.insert(guard.name.clone(), Json::Null);
                    }
                }
                StepVerdict::Refused if heard.is_denied() => return Read::Denied(heard.why),
                StepVerdict::Refused => return Read::Refused(heard.why),
                StepVerdict::Wait | StepVerdict::Stale | StepVerdict::Unknown => {
                    return Read::Unreadable(heard.why);
                }
            }
        }
        Read::Seen(Seen {
            kept: known.kept,
            absent: known.absent,
            guard: known.guard,
        })
    }

    /// What has to stay as it is, again and again while it cannot be read.
    async fn others_patiently(&mut self) -> Result<Result<Json, String>, Stop> {
        let end = self.ends.min(self.steady() + PATIENCE);
        let mut growing = Growing::default();
        loop {
            let others = self.others().await;
            if others.is_ok() || self.steady() >= end {
                return Ok(others);
            }
            self.pause(growing.next()).await?;
        }
    }

    /// What has to stay as it is, without the keys that may differ; null where the read does not apply.
    pub(super) async fn others(&mut self) -> Result<Json, String> {
        let target = std::sync::Arc::clone(&self.target);
        let found = target
            .find()
            .and_then(|parts| Some((parts, parts.rule.unchanged.as_ref()?)));
        let Some((parts, rule)) = found else {
            return Err("its connection is gone".to_owned());
        };
        let known = self.known();
        let heard = match self.hear("unchanged", 0, &known, &rule.read).await {
            Ok(Some(heard)) => heard,
            Ok(None) => return Ok(Json::Null),
            Err(unmade) => return Err(unmade.why),
        };
        let said = match (&heard.said, heard.verdict) {
            (Some(said), StepVerdict::Done | StepVerdict::AlreadyDone) => said,
            (_, StepVerdict::None) => return Ok(Json::Null),
            _ => return Err(heard.why),
        };
        let scope = known.scope(parts.rule, Some(said), false);
        let of = rule.of.eval(&scope).map_err(|error| error.to_string())?;
        let mut of = of
            .to_json()
            .ok_or_else(|| "the answer has nothing of it".to_owned())?;
        for except in &rule.except {
            let key = except.eval(&scope).map_err(|error| error.to_string())?;
            let (Some(map), Some(Json::String(key))) = (of.as_object_mut(), key.to_json()) else {
                return Err("`except` names keys of a map, and one of the two is none".to_owned());
            };
            map.remove(&key);
        }
        Ok(super::canonical::canonical(&of))
    }

    /// Whether what `before` reads is as it was kept. `Err` when that cannot be told now.
    pub(super) async fn as_kept(&mut self) -> Result<Result<(), String>, String> {
        match self.read_before().await {
            Read::Seen(seen) => Ok(differs(&self.action.kept, &seen.kept).map_or(Ok(()), Err)),
            Read::Refused(why) => Ok(Err(why)),
            Read::Denied(why) | Read::Unreadable(why) => Err(why),
        }
    }

    /// What somebody may keep of an answer.
    pub(super) fn keep_of(
        &mut self,
        parts: Parts<'_>,
        step: &Step,
        heard: &Heard,
    ) -> Result<(), String> {
        let mut known = self.known();
        keep(parts, &mut known, step, heard)?;
        self.action.kept = known.kept;
        self.progress.absent = known.absent;
        self.progress.guard = known.guard;
        Ok(())
    }
}

/// Which of the values kept before are no longer so; values that only later steps kept do not count.
fn differs(before: &Map<String, Json>, now: &Map<String, Json>) -> Option<String> {
    let different: Vec<&str> = now
        .iter()
        .filter(|(name, value)| before.get(*name).unwrap_or(&Json::Null) != *value)
        .map(|(name, _)| name.as_str())
        .collect();
    (!different.is_empty()).then(|| format!("{} differs from before", different.join(", ")))
}

/// Puts what `step` keeps of an answer into `known`. What is absent is noted as such.
fn keep(parts: Parts<'_>, known: &mut Known, step: &Step, heard: &Heard) -> Result<(), String> {
    let Some(said) = &heard.said else {
        return Ok(());
    };
    let values = |kept: &[Kept]| -> Result<Vec<(String, Option<Json>)>, String> {
        let scope = known.scope(parts.rule, Some(said), false);
        kept.iter()
            .map(|kept| match kept.value.eval(&scope) {
                Ok(value) => Ok((kept.name.clone(), value.to_json())),
                Err(error) => Err(format!(
                    "`{}` cannot be kept: {error}; {}",
                    kept.name, heard.why
                )),
            })
            .collect()
    };
    let (keep, guard) = (values(&step.keep)?, values(&step.guard)?);
    for (name, value) in keep {
        known.absent.retain(|absent| *absent != name);
        if value.is_none() {
            known.absent.push(name.clone());
        }
        known.kept.insert(name, value.unwrap_or(Json::Null));
    }
    for (name, value) in guard {
        match value {
            Some(value) => known.guard.insert(name, value),
            None => known.guard.remove(&name),
        };
    }
    Ok(())
}
