//! What callers really get: rounds of probes until one round shows it.

use std::sync::Arc;
use std::time::Duration;

use super::exchange::Unmade;
use super::pace::Stop;
use super::run::Run;
use crate::connector::Share;

/// The shortest pause between two rounds.
const SHORTEST: Duration = Duration::from_millis(100);

/// What probing showed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Probed {
    /// There is nothing to probe.
    None,
    /// A round reached its share.
    Held,
    /// It did not, or none did in time.
    Not,
    /// Not one probe of a round was answered.
    Unanswered,
    /// A probe cannot be made or sent at all.
    CannotRun(String),
}

/// What one round counted.
#[derive(Debug, Clone, Copy, Default)]
struct Round {
    held: u32,
    unanswered: u32,
    times: u32,
}

impl Round {
    /// An unanswered probe counts against.
    fn reaches(self, share: Share) -> bool {
        let times = f64::from(self.times.max(1));
        match share {
            Share::AtLeast(least) => f64::from(self.held) / times >= least,
            Share::AtMost(most) => f64::from(self.held + self.unanswered) / times <= most,
        }
    }
}

impl Run {
    /// Probes until a round reaches its share, or `within` ends.
    pub(super) async fn probe(&mut self) -> Result<Probed, Stop> {
        let target = Arc::clone(&self.target);
        let Some((parts, rule)) = target
            .find()
            .and_then(|parts| Some((parts, parts.rule.prove.behaviour.as_ref()?)))
        else {
            return Ok(Probed::None);
        };
        if let Some(takes_hold) = parts.rule.limits.takes_hold {
            self.pause(takes_hold).await?;
        }
        let end = self.steady() + rule.probe.within;
        loop {
            match self.probe_once("prove.behaviour").await? {
                Probed::Not | Probed::Unanswered if self.steady() >= end => return Ok(Probed::Not),
                Probed::Not | Probed::Unanswered => {}
                over => return Ok(over),
            }
            self.pause(rule.every.max(SHORTEST)).await?;
        }
    }

    /// One round of probes.
    pub(super) async fn probe_once(&mut self, phase: &str) -> Result<Probed, Stop> {
        let target = Arc::clone(&self.target);
        let Some((parts, rule)) = target
            .find()
            .and_then(|parts| Some((parts, parts.rule.prove.behaviour.as_ref()?)))
        else {
            return Ok(Probed::None);
        };
        let known = self.known();
        let mut round = Round::default();
        for place in 0..rule.times {
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let heard = match self.hear(phase, place, &known, &rule.probe.step).await {
                Ok(Some(heard)) => heard,
                Ok(None) => return Ok(Probed::CannotRun("it does not apply".to_owned())),
                Err(Unmade { why, .. }) => return Ok(Probed::CannotRun(why)),
            };
            if heard.unsendable {
                return Ok(Probed::CannotRun(heard.why));
            }
            round.times += 1;
            match &heard.said {
                None => round.unanswered += 1,
                Some(said) => {
                    let scope = known.scope(parts.rule, Some(said), false);
                    round.held += u32::from(rule.probe.until.holds(&scope).unwrap_or(false));
                }
            }
            if u64::from(round.times) < rule.times {
                self.pause(rule.every).await?;
            }
        }
        Ok(if round.reaches(rule.share) {
            Probed::Held
        } else if round.unanswered == round.times {
            Probed::Unanswered
        } else {
            Probed::Not
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unanswered_probe_counts_against_whatever_is_asked_for() {
        let round = |held, unanswered| Round {
            held,
            unanswered,
            times: 10,
        };
        assert!(round(10, 0).reaches(Share::AtLeast(1.0)));
        assert!(!round(9, 1).reaches(Share::AtLeast(1.0)));
        assert!(round(1, 0).reaches(Share::AtMost(0.1)));
        assert!(!round(1, 1).reaches(Share::AtMost(0.1)));
    }
}
