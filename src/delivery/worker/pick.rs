//! Which rows make the next batch, and sending it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::circuit::Gate;
use super::{Waiting, Worker, lane, row};
use crate::alert::{AlertId, State};
use crate::connector::{Of, Verdict};
use crate::delivery::batch::Filling;
use crate::delivery::lane::{Later, Report, Terms, Turn};
use crate::delivery::{Way, event};
use crate::live::{Circuit, Live, Snapshot};
use crate::store::{self, DeadLetterCause, Owed, Reader};

/// While a batch is on its way a further one that is not full waits so much longer: the answer to
/// the first is mostly quicker, and one larger batch costs both sides less than two small ones.
const LINGER: Duration = Duration::from_millis(10);
/// The least time from the beginning of one batch that is not full to that of the next: what arrives
/// within it travels together, and nobody sees the difference.
const BREATH: Duration = Duration::from_millis(1);

impl Worker {
    /// Sends what can be sent now. Gives when to look again, where only time is missing.
    pub(super) fn dispatch(&mut self) -> Option<Duration> {
        loop {
            let now = self.live.clock.steady();
            let (probe, narrow, slow) = match self.circuit.gate(now) {
                Gate::Shut(wait) => return Some(wait),
                Gate::Probe => (true, true, false),
                Gate::Narrow { slow } => (false, true, slow),
                Gate::Wide => (false, false, false),
            };
            if !probe {
                self.ask_for_acks(now);
            }
            let lanes = if narrow { 1 } else { self.lanes };
            let asking = if probe { self.asking.len() } else { 0 };
            let on_their_way = self.sending.len() + asking;
            let is_full = self
                .acks
                .as_ref()
                .is_some_and(|acks| acks.is_full(on_their_way));
            if on_their_way >= lanes || is_full {
                return self.ask_at_most(now);
            }
            let (picked, full) = self.pick(probe, slow);
            let oldest = picked.iter().filter_map(|index| self.pending.get(*index));
            let Some(since) = oldest.map(|waiting| waiting.since).min() else {
                return self.ask_at_most(now);
            };
            let mut patience = self.wait;
            if !self.sending.is_empty() {
                patience = patience.saturating_add(LINGER);
            }
            let waited = since.elapsed();
            let rested = self.last_sent.map_or(BREATH, |sent| sent.elapsed());
            if !full && self.of == Of::Every && (waited < patience || rested < BREATH) {
                let left = patience.saturating_sub(waited);
                return Some(left.max(BREATH.saturating_sub(rested)));
            }
            self.last_sent = Some(Instant::now());
            if probe {
                self.live
                    .board
                    .update(&self.name, |standing| standing.circuit = Circuit::HalfOpen);
            }
            self.send(&picked);
        }
    }

    /// The places of the rows that the next batch takes, and whether nothing more would fit.
    fn pick(&self, probe: bool, slow: bool) -> (Vec<usize>, bool) {
        let mut bounds = self.bounds;
        if slow {
            bounds.events = (bounds.events / 2).max(1);
        }
        // A probe is one event; and a destination that keeps state gets one alert at a time.
        if probe || self.of == Of::State {
            bounds.events = 1;
        }
        let mut filling = Filling::default();
        let mut picked = Vec::new();
        let mut passed: HashSet<AlertId> = HashSet::new();
        for (index, waiting) in self.pending.iter().enumerate() {
            let alert = waiting.owed.revision.alert;
            if self.busy.contains_key(&alert) || (self.each && passed.contains(&alert)) {
                continue;
            }
            let taken = match &waiting.event {
                Some(event) => filling.take(&bounds, event),
                None => picked.is_empty(),
            };
            if !taken {
                return (picked, true);
            }
            picked.push(index);
            if self.each {
                passed.insert(alert);
            }
            if filling.is_full(&bounds) || waiting.event.is_none() {
                return (picked, true);
            }
        }
        (picked, false)
    }

    /// Takes rows out of the queue; they are mostly its front.
    fn take(&mut self, picked: &[usize]) -> Vec<Waiting> {
        let front = picked.iter().enumerate().all(|(at, index)| at == *index);
        let taken: Vec<Waiting> = if front {
            self.pending.drain(..picked.len()).collect()
        } else {
            let places: HashSet<usize> = picked.iter().copied().collect();
            let (taken, left): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
                .into_iter()
                .enumerate()
                .partition(|(index, _)| places.contains(index));
            self.pending = left.into_iter().map(|(_, waiting)| waiting).collect();
            taken.into_iter().map(|(_, waiting)| waiting).collect()
        };
        let bytes: usize = taken.iter().map(Waiting::bytes).sum();
        self.pending_bytes = self.pending_bytes.saturating_sub(bytes);
        taken
    }

    fn send(&mut self, picked: &[usize]) {
        let taken = self.take(picked);
        let alerts: Vec<AlertId> = taken
            .iter()
            .map(|waiting| waiting.owed.revision.alert)
            .collect();
        for alert in &alerts {
            self.hold(*alert);
        }
        let way = Outward {
            live: Arc::clone(&self.live),
            snapshot: Arc::clone(&self.snapshot),
            name: Arc::clone(&self.name),
            untried_after: self.untried_after,
            terms: Terms {
                limiter: self.limiter.clone(),
                quit: self.quit.clone(),
                failures: self.circuit.failures(),
                channel: self.acks.as_ref().map(|acks| Arc::clone(&acks.channel)),
            },
        };
        let tracker = self.live.tasks.clone();
        self.sending.spawn(tracker.track_future(async move {
            let report = way.deliver(taken).await;
            (alerts, report)
        }));
    }
}

/// What a batch on its way needs; it outlives the worker's own turn.
struct Outward {
    live: Arc<Live>,
    snapshot: Arc<Snapshot>,
    name: Arc<str>,
    untried_after: Option<i64>,
    terms: Terms,
}

impl Outward {
    async fn deliver(self, taken: Vec<Waiting>) -> Report {
        let untried = |taken: Vec<Waiting>| Report {
            back: taken.into_iter().map(|waiting| waiting.owed).collect(),
            ..Report::default()
        };
        // Before its turn: what is not sent costs a destination nothing that counts calls.
        for waiting in taken.iter().filter(|waiting| waiting.event.is_none()) {
            match self.came_and_went(&waiting.owed).await {
                Ok(gone) if gone.is_empty() => {}
                Ok(gone) => {
                    return Report {
                        gone,
                        ..Report::default()
                    };
                }
                Err(error) => return failed(waiting.owed.clone(), &error),
            }
        }
        match self.terms.turn().await {
            Turn::Taken => {}
            Turn::Quit => return untried(taken),
            Turn::Never(later) => {
                return Report {
                    later: Some(later),
                    ..untried(taken)
                };
            }
        }
        let Ok(way) = Way::to(&self.snapshot, &self.name) else {
            return untried(taken);
        };
        let mut rows = Vec::with_capacity(taken.len());
        let mut gone = Vec::new();
        for waiting in taken {
            match waiting.event {
                Some(event) => rows.push(row(waiting.owed, event)),
                None => match self.newest(&waiting.owed).await {
                    Ok(Some((owed, event))) => {
                        if owed.seq != waiting.owed.seq {
                            gone.push(waiting.owed.seq);
                        }
                        match event {
                            Ok(event) => rows.push(row(owed, event)),
                            Err(reason) => return dead(&owed, reason, gone),
                        }
                    }
                    Ok(None) => gone.push(waiting.owed.seq),
                    Err(error) => return failed(waiting.owed, &error),
                },
            }
        }
        let report = lane::deliver(&self.live, &way, rows, &self.terms).await;
        Report { gone, ..report }
    }

    /// An alert that opened and closed before a destination that keeps state heard of it is none of its
    /// business: such as in an outage, where one resolve for each would hold up what is open. Gives the rows
    /// that are gone. Only where it is certain that nothing of the alert was sent: its first revision waits,
    /// was never tried, and was owed after this worker began.
    async fn came_and_went(&self, head: &Owed) -> Result<Vec<i64>, store::Error> {
        let untried = head.attempts == 0
            && head.revision.number == 1
            && self.untried_after.is_some_and(|seq| head.seq > seq);
        let (name, first) = (Arc::clone(&self.name), head.clone());
        let newest = self
            .live
            .store
            .read(move |reader| {
                let Some(newest) = reader.newest(&name, &first)? else {
                    return Ok(None);
                };
                let closed = untried && newest.seq != first.seq && is_closed(reader, &newest)?;
                Ok(Some((newest, closed)))
            })
            .await?;
        match newest {
            None => Ok(vec![head.seq]),
            Some((_, false)) => Ok(Vec::new()),
            Some((newest, true)) => {
                let name = Arc::clone(&self.name);
                let (alert, below) = (
                    head.revision.alert,
                    newest.revision.number.saturating_add(1),
                );
                self.live
                    .store
                    .write_unsynced(move |tx| tx.supersede(&name, alert, below))
                    .await?;
                Ok(vec![head.seq, newest.seq])
            }
        }
    }

    /// What a destination that keeps state gets: the newest revision that waits. Those before it are
    /// superseded first, so that none of them is sent after it.
    async fn newest(
        &self,
        head: &Owed,
    ) -> Result<Option<(Owed, Result<event::Event, String>)>, store::Error> {
        let (name, snapshot) = (Arc::clone(&self.name), Arc::clone(&self.snapshot));
        let (alert, first) = (head.revision.alert, head.clone());
        let found = self
            .live
            .store
            .read(move |reader| {
                let Some(mut owed) = reader.newest(&name, &first)? else {
                    return Ok(None);
                };
                owed.attempts = owed.attempts.max(first.attempts);
                let revision = match reader.revision(owed.revision) {
                    Ok(revision) => revision,
                    Err(error @ store::Error::Damaged { .. }) => {
                        return Ok(Some((owed, Err(error.to_string()))));
                    }
                    Err(error) => return Err(error),
                };
                let event = Way::to(&snapshot, &name)
                    .and_then(|way| event::render(&way, &revision))
                    .map_err(|error| error.line());
                Ok(Some((owed, event)))
            })
            .await?;
        if let Some((owed, _)) = &found
            && owed.seq != head.seq
        {
            let (name, below) = (Arc::clone(&self.name), owed.revision.number);
            self.live
                .store
                .write_lazily(move |tx| tx.supersede(&name, alert, below))
                .await?;
        }
        Ok(found)
    }
}

/// A damaged revision is for whoever sends it.
fn is_closed(reader: &Reader<'_>, owed: &Owed) -> Result<bool, store::Error> {
    match reader.revision(owed.revision) {
        Ok(revision) => Ok(revision.state == State::Resolved),
        Err(store::Error::Damaged { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn dead(owed: &Owed, reason: String, gone: Vec<i64>) -> Report {
    Report {
        dead: vec![(owed.seq, DeadLetterCause::unsent(reason))],
        gone,
        ..Report::default()
    }
}

fn failed(owed: Owed, error: &store::Error) -> Report {
    Report {
        back: vec![owed],
        later: Some(Later {
            wait: Duration::from_secs(1),
            verdict: Verdict::Retry,
            why: format!("cannot read what is owed: {error}"),
        }),
        ..Report::default()
    }
}
