//! A change was sent and nobody knows what became of it: read, then decide. Nothing is sent here.

use super::pace::{Growing, Stop};
use super::proving::Proof;
use super::run::Run;

/// What became of a change.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// The platform shows it.
    Done,
    /// All is as it was before, for as long as a change may take to show.
    NotDone,
    /// It is neither as before nor as asked for.
    Neither(String),
    /// Nothing can be read.
    Undecided(String),
}

impl Run {
    /// What became of the step of `do` that was sent last.
    pub(super) async fn settle(&mut self) -> Result<Settled, Stop> {
        let end = self.steady() + self.window();
        let mut growing = Growing::default();
        let first = self.progress.done == 0;
        let proof = loop {
            let proof = self.look("settle.state").await;
            if matches!(proof, Proof::Holds) {
                return Ok(Settled::Done);
            }
            if self.steady() >= end {
                break proof;
            }
            self.pause(growing.next()).await?;
        };
        let unread = match proof {
            Proof::Unreadable(why) => Some(why),
            Proof::Not | Proof::Holds => None,
        };
        let keeps = self
            .target
            .find()
            .is_some_and(|parts| parts.rule.kept_before().next().is_some());
        let only = self
            .target
            .find()
            .is_some_and(|parts| parts.rule.steps.len() == 1);
        Ok(match (self.as_kept().await, unread) {
            (Ok(Ok(())), _) if first && keeps => Settled::NotDone,
            (Err(why), _) | (_, Some(why)) => Settled::Undecided(why),
            // Of several steps the first has changed it; whether all have is for the proof to say.
            (Ok(Err(_)), None) if first && !only => Settled::Done,
            (Ok(Err(why)), None) => Settled::Neither(why),
            (Ok(Ok(())), None) => Settled::Neither("the proof does not hold".to_owned()),
        })
    }
}
