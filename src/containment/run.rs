//! One run of one action, from where its progress says.

use std::sync::Arc;
use std::time::Duration;

use super::pace::{Pace, Stop};
use super::progress::{Phase, Progress};
use super::target::{Known, Target};
use crate::action::{Action, Call};
use crate::live::Live;

/// How long one run may go on before it ends, or is put off.
const WITHIN: Duration = Duration::from_mins(15);

/// Whether there is more to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The progress says what.
    On,
    /// Nothing.
    Over,
}

/// A run.
pub(super) struct Run {
    pub(super) live: Arc<Live>,
    pub(super) target: Arc<Target>,
    pub(super) action: Action,
    pub(super) progress: Progress,
    pub(super) pace: Pace,
    /// Calls made and not yet kept.
    pub(super) calls: Vec<Call>,
    /// A change that was answered: to be kept with what follows from it.
    pub(super) answered: Option<(u32, Call)>,
    /// Expected echoes to be withdrawn: their call changed nothing.
    pub(super) withdrawn: Vec<i64>,
    /// When it has to end, by the clock that never jumps.
    pub(super) ends: Duration,
}

impl Run {
    pub(super) fn new(live: &Arc<Live>, target: Target, action: Action, pace: Pace) -> Self {
        Self {
            progress: Progress::of(&action),
            ends: live.clock.steady() + WITHIN,
            live: Arc::clone(live),
            target: Arc::new(target),
            action,
            pace,
            calls: Vec::new(),
            answered: None,
            withdrawn: Vec::new(),
        }
    }

    /// Goes on until it is over or has to stop. Gives the action as it was last kept.
    pub(super) async fn go(mut self) -> Result<Action, Stop> {
        loop {
            let next = match self.progress.phase {
                Phase::Reading => self.read().await?,
                Phase::Doing => self.apply().await?,
                Phase::Proving => self.prove().await?,
                Phase::Undoing => self.undo().await?,
                Phase::Checking => self.check_undone().await?,
            };
            if next == Next::Over {
                return Ok(self.action);
            }
        }
    }

    /// What its expressions may name now.
    pub(super) fn known(&self) -> Known {
        let parts = self.target.find();
        let mut known = match parts {
            Some(parts) => Known::of(&self.action, parts.connection),
            None => Known {
                settings: serde_json::Value::Null,
                about: serde_json::Value::Null,
                with: self.action.with.clone(),
                kept: self.action.kept.clone(),
                absent: Vec::new(),
                guard: serde_json::Map::new(),
            },
        };
        known.absent.clone_from(&self.progress.absent);
        known.guard.clone_from(&self.progress.guard);
        known
    }

    pub(super) fn steady(&self) -> Duration {
        self.live.clock.steady()
    }

    pub(super) async fn pause(&self, span: Duration) -> Result<(), Stop> {
        self.pace.pause(&self.live, span).await
    }

    /// How long the platform may take to show a change.
    pub(super) fn window(&self) -> Duration {
        let longest = self.target.find().and_then(|parts| {
            let proofs = &parts.rule.prove.state;
            proofs.iter().map(|proof| proof.within).max()
        });
        longest.unwrap_or(Duration::from_secs(30))
    }
}
