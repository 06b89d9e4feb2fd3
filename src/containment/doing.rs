//! Applying: each step is in the journal before it is sent, and again once it is answered.

use std::sync::Arc;

use super::exchange::{self, Heard, make, note};
use super::pace::{Growing, Stop, look_again};
use super::progress::Phase;
use super::run::{Next, Run};
use super::settling::Settled;
use crate::action::{Effect, State};
use crate::connector::{EchoOf, Step, StepVerdict};
use crate::shape::Request;

/// A step is sent at most so often when nobody knows what became of it, or it could not be sent.
const MOST_TRIES: u32 = 3;
/// A plan is made anew at most so often.
const MOST_PLANS: u32 = 3;

impl Run {
    /// The second part of a run.
    pub(super) async fn apply(&mut self) -> Result<Next, Stop> {
        let target = Arc::clone(&self.target);
        let mut growing = Growing::default();
        loop {
            let Some(parts) = target.find() else {
                return Err(Stop::Later(look_again(self.progress.looks)));
            };
            let Some(step) = parts.rule.steps.get(self.progress.step) else {
                return self.applied().await;
            };
            if self.progress.sent.is_some() {
                match self.settle().await? {
                    Settled::Done => self.step_done(),
                    Settled::NotDone => {
                        self.unsend();
                        if self.progress.tries >= MOST_TRIES {
                            let why = format!(
                                "it was sent {MOST_TRIES} times, and the platform shows no change"
                            );
                            return self.turned_down(why).await;
                        }
                        self.save().await?;
                    }
                    Settled::Neither(why) => return self.left_as_is(why).await,
                    Settled::Undecided(why) => return self.undecided(why).await,
                }
                continue;
            }
            let request = match make(parts, &self.known(), step, false) {
                Ok(Some(request)) => request,
                Ok(None) => {
                    self.progress.step += 1;
                    continue;
                }
                Err(unmade) => return self.turned_down(unmade.why).await,
            };
            let heard = self.send("do", EchoOf::Do, step, &request).await?;
            if !heard.sent {
                self.unsend();
                if heard.unsendable || self.progress.tries >= MOST_TRIES {
                    return self.turned_down(heard.why).await;
                }
                self.save().await?;
                self.pause(growing.next()).await?;
                continue;
            }
            match heard.verdict {
                StepVerdict::Done | StepVerdict::AlreadyDone | StepVerdict::None => {
                    // It is done, whatever can be kept of the answer.
                    if let Err(why) = self.keep_of(parts, step, &heard) {
                        tracing::warn!(action = %self.action.id, step = self.progress.step, "{why}");
                    }
                    self.step_done();
                }
                StepVerdict::Wait => {
                    self.unsend();
                    // Turned away unread: it does not count as a try.
                    self.progress.tries = self.progress.tries.saturating_sub(1);
                    let pause = heard.retry_after.unwrap_or_else(|| growing.next());
                    if self.steady() + pause >= self.ends {
                        return self
                            .turned_down("the platform asked to wait for too long".to_owned())
                            .await;
                    }
                    self.save().await?;
                    self.pause(pause).await?;
                }
                StepVerdict::Stale => {
                    self.unsend();
                    self.progress.plans += 1;
                    if self.progress.plans > MOST_PLANS {
                        return self
                            .turned_down("it is changed by somebody else all the time".to_owned())
                            .await;
                    }
                    if self.progress.done == 0 {
                        // Read before again: what was kept, and whether it is so already, may differ now.
                        self.progress.tries = 0;
                        self.progress.phase = Phase::Reading;
                        self.save().await?;
                        return Ok(Next::On);
                    }
                    if let super::reading::Read::Seen(seen) = self.read_patiently().await? {
                        self.progress.guard = seen.guard;
                    }
                    self.save().await?;
                }
                StepVerdict::Refused => {
                    self.unsend();
                    return self.turned_down(heard.why).await;
                }
                StepVerdict::Unknown => {
                    // The journal says that it was sent: settled at the top, by reading.
                    self.save().await?;
                }
            }
        }
    }

    /// Journals, sends once. What was heard is kept with the next entry.
    pub(super) async fn send(
        &mut self,
        phase: &str,
        of: EchoOf,
        step: &Step,
        request: &Request,
    ) -> Result<Heard, Stop> {
        let target = Arc::clone(&self.target);
        let Some(parts) = target.find() else {
            return Err(Stop::Later(look_again(self.progress.looks)));
        };
        let secrets = &target.snapshot.secrets;
        let call = note(parts, secrets, phase, self.progress.step, request);
        let call = self.save_sending(call, of).await?;
        let known = self.known();
        let (heard, call) =
            exchange::send(&self.live, parts, secrets, &known, step, request, call).await;
        if let Some(seq) = self.progress.sent {
            self.answered = Some((seq, call));
        }
        Ok(heard)
    }

    /// What was sent changed nothing, and will cause no signal.
    pub(super) fn unsend(&mut self) {
        self.progress.sent = None;
        self.withdrawn.append(&mut self.progress.echoes);
    }

    /// Kept with what follows at once: that the next step is sent, or that all are. A crash before that
    /// finds a step that was sent, and reads what became of it.
    fn step_done(&mut self) {
        self.progress.sent = None;
        self.progress.echoes.clear();
        self.progress.tries = 0;
        self.progress.step += 1;
        self.progress.done += 1;
        self.progress.looks = 0;
        self.action.changed = true;
        self.action.state = State::Running;
        self.action.effect = Effect::Partly;
    }

    async fn applied(&mut self) -> Result<Next, Stop> {
        self.progress.phase = Phase::Proving;
        self.progress.step = 0;
        self.action.state = State::Proving;
        self.action.effect = Effect::Applied;
        "It is applied, and being proven.".clone_into(&mut self.action.message);
        self.save_as("action.applied").await?;
        Ok(Next::On)
    }

    /// The platform will not. What was done before is undone.
    async fn turned_down(&mut self, why: String) -> Result<Next, Stop> {
        if self.progress.done == 0 {
            return self.nothing_done(why).await;
        }
        let can_undo = self
            .target
            .find()
            .is_some_and(|parts| !parts.rule.undo.is_empty());
        if !can_undo {
            return self.left_as_is(why).await;
        }
        self.action.message =
            format!("A step was refused ({why}); what was done before is being undone.");
        self.progress.refused = Some(why);
        self.progress.phase = Phase::Undoing;
        self.progress.step = 0;
        self.progress.tries = 0;
        self.save_as("action.refused").await?;
        Ok(Next::On)
    }

    /// It stays as it is until somebody reverts it.
    async fn left_as_is(&mut self, why: String) -> Result<Next, Stop> {
        self.action.changed = true;
        self.progress.sent = None;
        let effect = if self.progress.done == 0 {
            Effect::NotHeld
        } else {
            Effect::Partly
        };
        self.finish(
            State::Failed,
            effect,
            "action.failed",
            format!("It is not as asked for: {why}. What was applied stays until it is reverted."),
        )
        .await
    }

    /// Nothing could be read: it is not known what became of it, and is read again later.
    pub(super) async fn undecided(&mut self, why: String) -> Result<Next, Stop> {
        let again = look_again(self.progress.looks);
        self.progress.looks = self.progress.looks.saturating_add(1);
        self.finish(
            State::Unknown,
            self.action.effect,
            "action.unknown",
            format!("It is not known whether it was done ({why}); Andon reads on."),
        )
        .await?;
        Err(Stop::Later(again))
    }
}
