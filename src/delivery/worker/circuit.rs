//! The circuit breaker of one destination.
//!
//! Closed: all that is owed is sent; after a failure one request at a time. Open, after some failures in
//! a row, and at once where the destination stopped or is waited for: nothing is sent until its time is
//! up. Then half-open: one request with one event. What becomes of that closes it, or opens it again.

use std::time::Duration;

use crate::connector::Verdict;
use crate::live::Circuit as Shown;

/// So many failures in a row open it. Two are a server that restarts behind its load balancer.
const OPENS_AFTER: u32 = 3;
/// A destination that asked for less gets less for so long.
const SLOW_FOR: Duration = Duration::from_mins(1);

/// How far a destination is trusted, by the steady clock.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    /// In a row. Requests that were on their way together fail as one.
    failures: u32,
    open: bool,
    /// It stopped, or is waited for: somebody has to see to it.
    stopped: bool,
    /// Nothing is sent before.
    until: Option<Duration>,
    slow_until: Option<Duration>,
}

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nothing for so long.
    Shut(Duration),
    /// One request with one event, and nothing beside it.
    Probe,
    /// One request at a time.
    Narrow {
        /// And a smaller one.
        slow: bool,
    },
    /// Everything.
    Wide,
}

impl Circuit {
    pub(super) fn gate(&self, now: Duration) -> Gate {
        let slow = self.slow_until.is_some_and(|until| now < until);
        match self.until {
            Some(until) if now < until => Gate::Shut(until.saturating_sub(now)),
            _ if self.open => Gate::Probe,
            _ if slow || self.failures > 0 => Gate::Narrow { slow },
            _ => Gate::Wide,
        }
    }

    /// Failures in a row, before what is sent now.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// What a person is shown, where nothing is on its way.
    pub(super) fn shown(&self) -> Shown {
        if self.open {
            Shown::Open
        } else {
            Shown::Closed
        }
    }

    /// The destination took something, or refused it by itself: it is there. What another request was
    /// told to wait for holds all the same. Says whether it was stopped.
    pub(super) fn answered(&mut self) -> bool {
        self.failures = 0;
        self.open = false;
        std::mem::take(&mut self.stopped)
    }

    /// A request was put off. Gives until when nothing is sent.
    pub(super) fn failed(&mut self, wait: Duration, verdict: Verdict, now: Duration) -> Duration {
        let together = self.until.is_some_and(|until| now < until);
        if !together {
            self.failures = self.failures.saturating_add(1);
        }
        let stops = verdict.stops();
        self.stopped |= stops;
        self.open |= stops || self.failures >= OPENS_AFTER;
        let until = now.saturating_add(wait).max(self.until.unwrap_or_default());
        self.until = Some(until);
        until
    }

    /// The destination asked for less.
    pub(super) fn slows_down(&mut self, now: Duration) {
        self.slow_until = Some(now.saturating_add(SLOW_FOR));
    }

    /// What is next is tried at once; an open circuit tries one event.
    pub(super) fn resume(&mut self) {
        self.until = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u32) -> Duration {
        SECOND * seconds
    }

    #[test]
    fn the_third_failure_in_a_row_opens_it_and_one_answer_closes_it() {
        let mut circuit = Circuit::default();
        assert_eq!(circuit.gate(at(0)), Gate::Wide);
        for failure in 1..=2 {
            circuit.failed(SECOND, Verdict::Retry, at(failure * 10));
            assert_eq!(circuit.gate(at(failure * 10)), Gate::Shut(SECOND));
            let next = circuit.gate(at(failure * 10 + 1));
            assert_eq!(next, Gate::Narrow { slow: false });
        }
        circuit.failed(SECOND, Verdict::Retry, at(30));
        assert_eq!(circuit.shown(), Shown::Open);
        assert_eq!(circuit.gate(at(31)), Gate::Probe);
        circuit.failed(SECOND, Verdict::Retry, at(31));
        assert_eq!((circuit.gate(at(32)), circuit.failures()), (Gate::Probe, 4));
        assert!(!circuit.answered());
        assert_eq!((circuit.gate(at(32)), circuit.failures()), (Gate::Wide, 0));
    }

    #[test]
    fn requests_on_their_way_together_fail_as_one_and_wait_for_the_longest() {
        let mut circuit = Circuit::default();
        for wait in [5, 9, 2, 1] {
            circuit.failed(at(wait), Verdict::Retry, at(0));
        }
        assert_eq!((circuit.failures(), circuit.shown()), (1, Shown::Closed));
        assert_eq!(circuit.gate(at(8)), Gate::Shut(SECOND));
        // One of them was taken after all: the wait that another was told holds.
        circuit.answered();
        assert_eq!(circuit.gate(at(8)), Gate::Shut(SECOND));
        assert_eq!(circuit.gate(at(9)), Gate::Wide);
    }

    #[test]
    fn a_stop_and_a_pause_open_it_at_once_and_resuming_sends_one_event() {
        for verdict in [Verdict::Stop, Verdict::Pause] {
            let mut circuit = Circuit::default();
            circuit.failed(at(600), verdict, at(0));
            assert!(circuit.is_stopped());
            circuit.resume();
            assert_eq!(circuit.gate(at(0)), Gate::Probe);
            assert!(circuit.answered() && !circuit.is_stopped());
        }
    }

    #[test]
    fn what_asked_for_less_gets_less_for_a_minute() {
        let mut circuit = Circuit::default();
        circuit.slows_down(at(0));
        assert_eq!(circuit.gate(at(59)), Gate::Narrow { slow: true });
        assert_eq!(circuit.gate(at(60)), Gate::Wide);
    }
}
