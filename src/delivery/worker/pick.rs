//! Which rows make the next batch, and sending it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Waiting, Worker, lane, row};
use crate::alert::AlertId;
use crate::connector::{Of, Verdict};
use crate::delivery::batch::Filling;
use crate::delivery::lane::{Later, Report};
use crate::delivery::{Way, event};
use crate::live::{Live, Snapshot};
use crate::store::{self, DeadLetterCause, Owed};
use crate::web::Limiter;

/// While a batch is on its way a further one that is not full waits so much longer: the answer to
/// the first is mostly quicker, and one larger batch costs both sides less than two small ones.
const LINGER: Duration = Duration::from_millis(10);
/// The least time from the beginning of one batch that is not full to that of the next: what arrives
/// within it travels together, and nobody sees the difference.
const BREATH: Duration = Duration::from_millis(1);
/// The longest wait for a turn by `rate:`; no rate is over more than a day.
const TURN: Duration = Duration::from_hours(24);

impl Worker {
    /// Sends what can be sent now. Gives when to look again, where only time is missing.
    pub(super) fn dispatch(&mut self) -> Option<Duration> {
        loop {
            let now = self.live.clock.steady();
            if let Some(until) = self.paused_until {
                if now < until {
                    return Some(until.saturating_sub(now));
                }
                self.paused_until = None;
            }
            let slow = self.slow_until.is_some_and(|until| now < until);
            let lanes = if slow || self.failing { 1 } else { self.lanes };
            if self.sending.len() >= lanes {
                return None;
            }
            let (picked, full) = self.pick(slow);
            let oldest = picked.iter().filter_map(|index| self.pending.get(*index));
            let since = oldest.map(|waiting| waiting.since).min()?;
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
            self.send(&picked);
        }
    }

    /// The places of the rows that the next batch takes, and whether nothing more would fit.
    fn pick(&self, slow: bool) -> (Vec<usize>, bool) {
        let mut bounds = self.bounds;
        if slow {
            bounds.events = (bounds.events / 2).max(1);
        }
        // A probe is one event; and a destination that keeps state gets one alert at a time.
        if self.stopped || self.of == Of::State {
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
            limiter: self.limiter.clone(),
            quit: self.quit.clone(),
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
    limiter: Limiter,
    quit: CancellationToken,
}

impl Outward {
    async fn deliver(self, taken: Vec<Waiting>) -> Report {
        let untried = |taken: Vec<Waiting>| Report {
            back: taken.into_iter().map(|waiting| waiting.owed).collect(),
            ..Report::default()
        };
        tokio::select! {
            biased;
            () = self.quit.cancelled() => return untried(taken),
            turn = self.limiter.ready(TURN) => if let Err(error) = turn {
                return Report {
                    later: Some(Later {
                        wait: TURN,
                        verdict: Verdict::Retry,
                        why: error.to_string(),
                    }),
                    ..untried(taken)
                };
            },
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
        let report = lane::deliver(&self.live, &way, rows, &self.quit).await;
        Report { gone, ..report }
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
