//! One destination's worker: reads what is due, sends it in batches, and settles what was answered.
//!
//! Of one alert nothing is sent while an earlier row of it is on its way, or put off and not yet
//! marked so in the store. Rows that wait behind one that is put off are parked beside it.

mod acks;
mod circuit;
mod load;
mod pick;
mod settle;

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Way;
use super::batch::Bounds;
use super::event::Event;
use super::lane::{self, Report, Row};
use super::send::Asked;
use crate::alert::AlertId;
use crate::connector::{Of, Target};
use crate::live::{self, Halted, Live, Snapshot};
use crate::store::Owed;
use crate::web::{Limiter, Rate};
pub(super) use acks::{Ledger, guid};
use circuit::{Circuit, Gate};
use settle::Settled;

/// Batches of a log on their way at once.
const LANES: usize = 4;
/// While a destination is stopped, its secrets are looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// No sleep is longer, whatever the clocks say.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// Why a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The daemon stops.
    Stopped,
    /// Another snapshot is in force.
    Changed,
    /// One of its tasks panicked; what it knew is to be read from the store again.
    Broken,
}

/// A row in memory that is not on its way.
#[derive(Debug)]
struct Waiting {
    owed: Owed,
    /// None for destinations that keep state: what they get is rendered at the last moment.
    event: Option<Event>,
    /// When it was read.
    since: Instant,
}

pub(super) struct Worker {
    live: Arc<Live>,
    snapshot: Arc<Snapshot>,
    name: Arc<str>,
    of: Of,
    lanes: usize,
    /// Of one alert only one is in a batch: answers stand for single events, or a part of a batch may be
    /// acknowledged and another not.
    each: bool,
    bounds: Bounds,
    wait: Duration,
    limiter: Limiter,
    pending: VecDeque<Waiting>,
    pending_bytes: usize,
    /// Rows that were read and are not yet settled in the store.
    known: Arc<HashSet<i64>>,
    /// Alerts of which a row is on its way, or put off and not yet marked so.
    busy: HashMap<AlertId, u32>,
    sending: JoinSet<(Vec<AlertId>, Report)>,
    settling: JoinSet<Arc<Settled>>,
    /// Where the destination acknowledges what it took.
    acks: Option<Ledger>,
    /// One request at most.
    asking: JoinSet<Asked>,
    after: i64,
    /// What was owed after this row was tried by nobody but this worker; not known where it could not be read.
    untried_after: Option<i64>,
    /// There is more to read than was read.
    more: bool,
    next_due: Option<Timestamp>,
    circuit: Circuit,
    last_sent: Option<Instant>,
    /// When its secrets are looked at next, should it still be stopped.
    look_at: Duration,
    /// Nothing more is begun; what is on its way is answered.
    quit: CancellationToken,
}

impl Worker {
    /// A worker on the snapshot in force, which goes on with what the one before it waited for. None
    /// when that has no such destination.
    pub(super) fn new(live: &Arc<Live>, name: &str, before: Option<Ledger>) -> Option<Self> {
        let snapshot = live.snapshot();
        let way = Way::to(&snapshot, name).ok()?;
        let deliver = way.deliver;
        let one = deliver.of == Of::State || matches!(deliver.target, Target::File { .. });
        let acks = Ledger::of(&way, before, || live.clock.chance());
        let each = acks.is_some() || deliver.answers.iter().any(|rule| rule.each.is_some());
        let rate = deliver
            .rate
            .and_then(|(count, per)| NonZeroU32::new(count).map(|count| Rate { count, per }));
        live.store.forget_fresh(name);
        let (of, bounds, wait) = (deliver.of, Bounds::of(deliver), deliver.batch.wait);
        let mut worker = Self {
            live: Arc::clone(live),
            name: name.into(),
            of,
            lanes: if one { 1 } else { LANES },
            each,
            bounds,
            wait,
            limiter: Limiter::new(live.clock.clone(), rate),
            pending: VecDeque::new(),
            pending_bytes: 0,
            known: Arc::default(),
            busy: HashMap::new(),
            sending: JoinSet::new(),
            settling: JoinSet::new(),
            acks: None,
            asking: JoinSet::new(),
            after: 0,
            untried_after: None,
            more: true,
            next_due: None,
            circuit: Circuit::default(),
            last_sent: None,
            look_at: Duration::ZERO,
            quit: live.stop.child_token(),
            snapshot,
        };
        for owed in acks.iter().flat_map(Ledger::rows) {
            Arc::make_mut(&mut worker.known).insert(owed.seq);
            worker.hold(owed.revision.alert);
        }
        worker.acks = acks;
        Some(worker)
    }

    /// Gives why it ended, and what waits for its acknowledgment.
    pub(super) async fn run(mut self) -> (Ended, Option<Ledger>) {
        let mut bell = self.live.owed.listen();
        let mut resumed = self.live.board.listen(&self.name);
        let stop = self.live.stop.clone();
        if self.of == Of::State {
            let name = Arc::clone(&self.name);
            let last = self.live.store.read(move |reader| reader.last_owed(&name));
            self.untried_after = last.await.ok();
        }
        let ended = loop {
            if stop.is_cancelled() {
                break Ended::Stopped;
            }
            if !Arc::ptr_eq(&self.snapshot, &self.live.snapshot()) {
                break Ended::Changed;
            }
            let now = self.live.clock.now();
            if self.next_due.is_some_and(|at| at <= now) {
                self.next_due = None;
                self.more = true;
            }
            self.look_for_a_new_secret().await;
            if self.more && self.has_room() {
                self.load().await;
            }
            let wake = self.dispatch();
            if self.more && self.has_room() {
                tokio::task::yield_now().await;
                continue;
            }
            let nap = self.sleep(wake);
            tokio::select! {
                biased;
                () = stop.cancelled() => break Ended::Stopped,
                Some(done) = self.sending.join_next(), if !self.sending.is_empty() => match done {
                    Ok((alerts, report)) => self.reported(&alerts, report),
                    Err(_) => break Ended::Broken,
                },
                Some(done) = self.settling.join_next(), if !self.settling.is_empty() => match done {
                    Ok(settled) => self.settled(&settled),
                    Err(_) => break Ended::Broken,
                },
                Some(done) = self.asking.join_next(), if !self.asking.is_empty() => match done {
                    Ok(asked) => self.asked(asked),
                    Err(_) => break Ended::Broken,
                },
                () = resumed.changed() => self.resume(),
                () = bell.changed() => self.more = true,
                () = tokio::time::sleep(nap) => {}
            }
        };
        self.drain().await;
        // What a worker knew in which something panicked is not gone on with.
        let acks = self.acks.take().filter(|_| ended != Ended::Broken);
        (ended, acks)
    }

    /// Until something can be sent, or is due.
    fn sleep(&self, wake: Option<Duration>) -> Duration {
        let due = self.next_due.map(|at| {
            let left = at.duration_since(self.live.clock.now());
            Duration::try_from(left).unwrap_or(Duration::ZERO)
        });
        let look = self.circuit.is_stopped().then_some(LOOK_EVERY);
        [wake, due, look]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(LONGEST_SLEEP)
            // A row is due in whole milliseconds; a moment early would be a turn for nothing.
            .saturating_add(Duration::from_millis(1))
            .min(LONGEST_SLEEP)
    }

    /// Lets what is on its way come to its end, and keeps what became of it.
    async fn drain(&mut self) {
        self.quit.cancel();
        while let Some(done) = self.sending.join_next().await {
            if let Ok((alerts, report)) = done {
                self.reported(&alerts, report);
            }
        }
        while self.settling.join_next().await.is_some() {}
    }

    /// Takes in what became of a batch.
    fn reported(&mut self, alerts: &[AlertId], mut report: Report) {
        let now = self.live.clock.steady();
        if report.slow_down {
            self.circuit.slows_down(now);
        }
        let unacknowledged = std::mem::take(&mut report.unacknowledged);
        let dead = report.dead.iter().any(|(_, cause)| cause.status.is_some());
        if !report.delivered.is_empty() || !unacknowledged.is_empty() || dead {
            self.was_answered(!report.delivered.is_empty());
        }
        if let Some(later) = &report.later {
            self.went_wrong(later, now);
        }
        let waiting: HashSet<AlertId> = unacknowledged
            .iter()
            .flat_map(|(_, rows)| rows.iter().map(|row| row.revision.alert))
            .collect();
        let over: Vec<AlertId> = alerts
            .iter()
            .copied()
            .filter(|alert| !waiting.contains(alert))
            .collect();
        self.over(report, &over);
        self.wait_for_acks(unacknowledged, now);
    }

    /// Hands to the store what became of rows, and lets their alerts go.
    fn over(&mut self, report: Report, alerts: &[AlertId]) {
        // Of a pager's alert the store is asked for the newest revision that waits: not before it knows
        // that this one was taken.
        let held = if self.of == Of::State && !report.delivered.is_empty() {
            alerts.to_vec()
        } else {
            for alert in alerts {
                self.release(*alert);
            }
            Vec::new()
        };
        let gone: HashSet<i64> = report
            .delivered
            .iter()
            .chain(&report.gone)
            .copied()
            .chain(report.dead.iter().map(|(seq, _)| *seq))
            .chain(report.back.iter().map(|owed| owed.seq))
            .collect();
        Arc::make_mut(&mut self.known).extend(&gone);
        self.forget(|waiting| gone.contains(&waiting.owed.seq));
        self.settle(report, held);
    }

    /// The destination took events, or refused one by itself: it is there.
    fn was_answered(&mut self, delivered: bool) {
        if self.circuit.answered() {
            tracing::info!(destination = %self.name, "the destination takes events again");
        }
        let now = self.live.clock.now();
        let shut = matches!(self.circuit.gate(self.live.clock.steady()), Gate::Shut(_));
        self.live.board.update(&self.name, |standing| {
            if delivered {
                standing.last_delivered = Some(now);
            }
            standing.stopped = None;
            standing.halted = None;
            standing.circuit = live::Circuit::Closed;
            // Another batch may have been told to wait; that holds all the same.
            if !shut {
                standing.paused_until = None;
            }
        });
    }

    fn went_wrong(&mut self, later: &lane::Later, now: Duration) {
        let stopped = self.circuit.is_stopped();
        let until = self.circuit.failed(later.wait, later.verdict, now);
        let wait = until.saturating_sub(now);
        let until = self.live.clock.now().checked_add(wait).ok();
        let stops = later.verdict.stops();
        if stops && !stopped {
            tracing::error!(destination = %self.name, why = later.why, probe_every_s = later.wait.as_secs(), "stopped: nothing but probes until it is mended");
        } else {
            tracing::warn!(destination = %self.name, why = later.why, wait_ms = later.wait.as_millis(), "put off");
        }
        if stops {
            self.look_at = now.saturating_add(LOOK_EVERY);
        }
        let circuit = self.circuit.shown();
        let since = self.live.clock.now();
        self.live.board.update(&self.name, |standing| {
            if stops && standing.halted.is_none() {
                let why = later.why.clone();
                standing.halted = Some(Halted { since, why });
            }
            standing.last_error = Some(later.why.clone());
            standing.paused_until = until;
            standing.circuit = circuit;
            if stops || !stopped {
                standing.stopped = stops.then(|| later.why.clone());
            }
        });
    }

    /// The next event is tried at once. The store has made due what was put off.
    fn resume(&mut self) {
        self.circuit.resume();
        self.more = true;
        self.live
            .board
            .update(&self.name, |standing| standing.paused_until = None);
    }

    /// What stopped it was mostly its credential; a new one is tried without waiting for the next
    /// probe.
    async fn look_for_a_new_secret(&mut self) {
        if !self.circuit.is_stopped() || !self.sending.is_empty() || !self.settling.is_empty() {
            return;
        }
        let now = self.live.clock.steady();
        if now < self.look_at {
            return;
        }
        self.look_at = now.saturating_add(LOOK_EVERY);
        if !self.snapshot.secrets.changed(&self.name) {
            return;
        }
        let name = Arc::clone(&self.name);
        match self.live.store.write(move |tx| tx.hasten(&name)).await {
            Ok(_) => {
                tracing::info!(destination = %self.name, "a secret of it was changed; trying it");
                self.resume();
            }
            Err(error) => {
                tracing::error!(destination = %self.name, %error, "its secret was changed, but it cannot be resumed");
            }
        }
    }

    fn hold(&mut self, alert: AlertId) {
        *self.busy.entry(alert).or_insert(0) += 1;
    }

    fn release(&mut self, alert: AlertId) {
        if let Some(held) = self.busy.get_mut(&alert) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.busy.remove(&alert);
            }
        }
    }

    /// Drops rows from memory, not from the store.
    fn forget(&mut self, mut which: impl FnMut(&Waiting) -> bool) {
        let mut left = 0;
        self.pending.retain(|waiting| {
            let stays = !which(waiting);
            if stays {
                left += waiting.bytes();
            }
            stays
        });
        self.pending_bytes = left;
    }
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.event
            .as_ref()
            .map_or(0, |event| event.rendered.bytes.len())
    }
}

/// A row ready to be sent.
fn row(owed: Owed, event: Event) -> Row {
    Row { owed, event }
}
