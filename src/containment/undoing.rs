//! The way back: only what is still Andon's own, only from what was kept, and read back.

use std::sync::Arc;
use std::time::Duration;

use super::exchange::make;
use super::pace::{Growing, Stop, look_again};
use super::progress::Phase;
use super::proving::Proof;
use super::run::{Next, Run};
use crate::action::{Effect, State};
use crate::connector::{EchoOf, StepVerdict};

/// A step is sent at most so often.
const MOST_TRIES: u32 = 3;

impl Run {
    /// The fourth part of a run.
    pub(super) async fn undo(&mut self) -> Result<Next, Stop> {
        let target = Arc::clone(&self.target);
        let fresh =
            self.progress.step == 0 && self.progress.sent.is_none() && self.progress.tries == 0;
        if fresh && self.progress.refused.is_none() {
            match self.ours_patiently().await? {
                Proof::Holds => {}
                Proof::Not => return self.not_ours().await,
                Proof::Unreadable(why) => return self.undo_later(why).await,
            }
        }
        let mut growing = Growing::default();
        loop {
            let Some(parts) = target.find() else {
                return Err(Stop::Later(look_again(self.progress.looks)));
            };
            let Some(step) = parts.rule.undo.get(self.progress.step) else {
                self.progress.phase = Phase::Checking;
                self.save().await?;
                return Ok(Next::On);
            };
            if self.progress.sent.is_some() {
                match self.settle_undo().await? {
                    Proof::Holds => self.undo_step_done().await?,
                    Proof::Not if self.progress.tries >= MOST_TRIES => {
                        return self
                            .undo_failed(format!(
                                "it was sent {MOST_TRIES} times, and changed nothing"
                            ))
                            .await;
                    }
                    Proof::Not => {
                        self.unsend();
                        self.save().await?;
                    }
                    Proof::Unreadable(why) => return self.undo_later(why).await,
                }
                continue;
            }
            let request = match make(parts, &self.known(), step, true) {
                Ok(Some(request)) => request,
                Ok(None) => {
                    self.progress.step += 1;
                    continue;
                }
                // It names something that no step kept, because that step was never done.
                Err(unmade) if unmade.absent => {
                    self.progress.step += 1;
                    continue;
                }
                Err(unmade) => return self.undo_failed(unmade.why).await,
            };
            let heard = self.send("undo", EchoOf::Undo, step, &request).await?;
            if !heard.sent {
                self.unsend();
                if heard.hopeless {
                    return self.undo_failed(heard.why).await;
                }
                if heard.unsendable || self.progress.tries >= MOST_TRIES {
                    // It was never sent, so it may be tried from the start, `ours` included.
                    self.progress.tries = 0;
                    return self.undo_later(heard.why).await;
                }
                self.save().await?;
                self.pause(growing.next()).await?;
                continue;
            }
            match heard.verdict {
                StepVerdict::Done | StepVerdict::AlreadyDone | StepVerdict::None => {
                    self.undo_step_done().await?;
                }
                StepVerdict::Wait => {
                    self.unsend();
                    self.progress.tries = self.progress.tries.saturating_sub(1);
                    let pause = heard.retry_after.unwrap_or_else(|| growing.next());
                    if self.steady() + pause >= self.ends {
                        return self.undo_later(heard.why).await;
                    }
                    self.save().await?;
                    self.pause(pause).await?;
                }
                StepVerdict::Stale => {
                    self.unsend();
                    if self.progress.tries >= MOST_TRIES {
                        return self.undo_failed(heard.why).await;
                    }
                    self.save().await?;
                    // Somebody else was faster: whether it is still Andon's own is asked anew.
                    match self.ours_patiently().await? {
                        Proof::Not if self.progress.step == 0 => return self.not_ours().await,
                        // Later steps run on what the earlier ones have undone already.
                        Proof::Holds | Proof::Not => {}
                        Proof::Unreadable(why) => return self.undo_later(why).await,
                    }
                }
                StepVerdict::Refused => {
                    self.unsend();
                    return self.undo_failed(heard.why).await;
                }
                StepVerdict::Unknown => self.save().await?,
            }
        }
    }

    async fn undo_step_done(&mut self) -> Result<(), Stop> {
        self.progress.sent = None;
        self.progress.echoes.clear();
        self.progress.tries = 0;
        self.progress.step += 1;
        self.save().await
    }

    /// Whether what is there is still Andon's own, asked until it can be told.
    async fn ours_patiently(&mut self) -> Result<Proof, Stop> {
        let end = self.steady() + self.window();
        let mut growing = Growing::default();
        loop {
            let ours = self.ours().await;
            if !matches!(ours, Proof::Unreadable(_)) || self.steady() >= end {
                return Ok(ours);
            }
            self.pause(growing.next()).await?;
        }
    }

    async fn ours(&mut self) -> Proof {
        let target = Arc::clone(&self.target);
        let Some(parts) = target.find() else {
            return Proof::Unreadable("its connection is gone".to_owned());
        };
        let Some(ours) = &parts.rule.ours else {
            return Proof::Holds;
        };
        let first = parts.rule.prove.state.first().map(|proof| &proof.step);
        let Some(step) = ours.read.as_ref().or(first) else {
            return Proof::Holds;
        };
        let known = self.known();
        let heard = match self.hear("ours", 0, &known, step).await {
            Ok(Some(heard)) => heard,
            Ok(None) => return Proof::Holds,
            Err(unmade) => return Proof::Unreadable(unmade.why),
        };
        let Some(said) = &heard.said else {
            return Proof::Unreadable(heard.why);
        };
        let holds = {
            let scope = known.scope(parts.rule, Some(said), false);
            ours.holds.holds(&scope).unwrap_or(false)
        };
        if !holds {
            return match heard.verdict {
                StepVerdict::Wait | StepVerdict::Unknown => Proof::Unreadable(heard.why),
                _ if heard.is_denied() => Proof::Unreadable(heard.why),
                _ => Proof::Not,
            };
        }
        // The guard of the read made just now is what the undo is guarded by.
        if !step.guard.is_empty() {
            let kept = self.action.kept.clone();
            if let Err(why) = self.keep_of(parts, step, &heard) {
                return Proof::Unreadable(why);
            }
            self.action.kept = kept;
        }
        Proof::Holds
    }

    /// It is as before, by `undone` or by what `before` reads.
    async fn is_back(&mut self) -> Proof {
        let target = Arc::clone(&self.target);
        let Some(parts) = target.find() else {
            return Proof::Unreadable("its connection is gone".to_owned());
        };
        if let Some(undone) = &parts.rule.undone {
            let known = self.known();
            return self
                .look_at("undone", 0, &undone.step, &undone.until, &known, false)
                .await;
        }
        match self.as_kept().await {
            Ok(Ok(())) => Proof::Holds,
            Ok(Err(_)) => Proof::Not,
            Err(why) => Proof::Unreadable(why),
        }
    }

    /// It is not Andon's own any more: left alone. Where it is as before, there is nothing left to undo.
    async fn not_ours(&mut self) -> Result<Next, Stop> {
        let keeps = self.target.find().is_some_and(|parts| {
            parts.rule.undone.is_some() || parts.rule.kept_before().next().is_some()
        });
        if keeps && self.is_back().await == Proof::Holds {
            return self
                .reverted("It is as before already; nothing had to be undone.")
                .await;
        }
        self.action.until = None;
        self.finish(
            State::RevertConflict,
            self.action.effect,
            "action.revert_conflict",
            "Somebody changed it since; it was left as it is.".to_owned(),
        )
        .await
    }

    /// How long the platform may take to show that it is undone.
    fn undone_window(&self) -> Duration {
        let undone = self.target.find().and_then(|parts| {
            let undone = parts.rule.undone.as_ref()?;
            Some(undone.within)
        });
        undone.unwrap_or_else(|| self.window())
    }

    /// What became of an undoing step: done, not done, or nobody knows.
    async fn settle_undo(&mut self) -> Result<Proof, Stop> {
        let end = self.steady() + self.undone_window();
        let mut growing = Growing::default();
        loop {
            let back = self.is_back().await;
            if back == Proof::Holds {
                return Ok(Proof::Holds);
            }
            if self.steady() >= end {
                if let Proof::Unreadable(_) = back {
                    return Ok(back);
                }
                // Still Andon's own: it was not undone. Neither: something was; reading back tells.
                return Ok(match self.ours().await {
                    Proof::Holds => Proof::Not,
                    Proof::Not => Proof::Holds,
                    unreadable @ Proof::Unreadable(_) => unreadable,
                });
            }
            self.pause(growing.next()).await?;
        }
    }

    /// The last part: it is undone when it reads as before.
    pub(super) async fn check_undone(&mut self) -> Result<Next, Stop> {
        let end = self.steady() + self.undone_window();
        let mut growing = Growing::default();
        loop {
            let back = self.is_back().await;
            match &back {
                Proof::Holds => return self.reverted("It is undone, and reads as before.").await,
                _ if self.steady() < end => self.pause(growing.next()).await?,
                Proof::Unreadable(why) => {
                    let why = why.clone();
                    return self.undo_later(why).await;
                }
                Proof::Not => {
                    let why = match self.as_kept().await {
                        Ok(Err(why)) => why,
                        _ => "it does not read as before".to_owned(),
                    };
                    return self.undo_failed(why).await;
                }
            }
        }
    }

    async fn reverted(&mut self, message: &str) -> Result<Next, Stop> {
        if let Some(why) = self.progress.refused.clone() {
            self.action.changed = false;
            return self
                .finish(
                    State::Failed,
                    Effect::None,
                    "action.failed",
                    format!("A step was refused: {why}. What was done before it is undone."),
                )
                .await;
        }
        self.action.until = None;
        self.finish(
            State::Reverted,
            Effect::None,
            "action.reverted",
            message.to_owned(),
        )
        .await
    }

    async fn undo_failed(&mut self, why: String) -> Result<Next, Stop> {
        self.progress.sent = None;
        if let Some(refused) = self.progress.refused.take() {
            self.action.changed = true;
            return self
                .finish(
                    State::Failed,
                    Effect::Partly,
                    "action.failed",
                    format!("A step was refused: {refused}. Undoing what was done before failed too: {why}."),
                )
                .await;
        }
        self.action.until = None;
        self.finish(
            State::RevertFailed,
            self.action.effect,
            "action.revert_failed",
            format!("Undoing failed: {why}."),
        )
        .await
    }

    /// Nothing could be read: undoing is put off, never given up.
    async fn undo_later(&mut self, why: String) -> Result<Next, Stop> {
        let again = look_again(self.progress.looks);
        self.progress.looks = self.progress.looks.saturating_add(1);
        self.action.message =
            format!("It is to be undone, and the platform cannot be read ({why}); Andon tries on.");
        self.save().await?;
        Err(Stop::Later(again))
    }
}
