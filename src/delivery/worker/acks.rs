//! What a destination took and has not yet acknowledged, such as by Splunk's indexer acknowledgment.
//!
//! A batch that was taken is still owed. It is delivered once its id is said to be acknowledged, and sent
//! again, with the same event ids, where that does not come in time. Nothing of this is kept on disk: after
//! a restart all of it is sent again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::Worker;
use crate::alert::AlertId;
use crate::connector::Verdict;
use crate::delivery::Way;
use crate::delivery::lane::{Later, PROBE_EVERY, Report};
use crate::delivery::pace::back_off;
use crate::delivery::send::Asked;
use crate::store::Owed;

/// So many batches may wait. Splunk keeps 1,000,000 ids for a channel; this bounds our memory, and what
/// is sent twice when a collector loses them all.
const MOST: usize = 128;

/// The batches of one destination that wait for their acknowledgment.
#[derive(Debug)]
pub(in crate::delivery) struct Ledger {
    /// Under which the destination counts this worker's batches.
    pub(in crate::delivery) channel: Arc<str>,
    /// The settings that the channel was made for.
    settings: Json,
    batches: Vec<Batch>,
    every: Duration,
    again_after: Duration,
    ask_at: Duration,
}

#[derive(Debug)]
struct Batch {
    id: Json,
    rows: Vec<Owed>,
    since: Duration,
}

impl Ledger {
    /// For a destination that acknowledges; the one before it is gone on with where it is about the same.
    pub(super) fn of(
        way: &Way<'_>,
        before: Option<Self>,
        chance: impl Fn() -> u64,
    ) -> Option<Self> {
        let acknowledged = way.acknowledges()?;
        let settings = &way.connection.settings;
        let (every, again_after) = acknowledged.times(settings);
        if let Some(before) = before.filter(|before| before.settings == *settings) {
            return Some(Self {
                every,
                again_after,
                ..before
            });
        }
        Some(Self {
            channel: guid(chance(), chance()).into(),
            settings: settings.clone(),
            batches: Vec::new(),
            every,
            again_after,
            ask_at: Duration::ZERO,
        })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Owed> {
        self.batches.iter().flat_map(|batch| &batch.rows)
    }

    /// Whether no more may be sent, with so many requests on their way.
    pub(super) fn is_full(&self, on_their_way: usize) -> bool {
        self.batches.len().saturating_add(on_their_way) >= MOST
    }

    /// Takes in a batch. Gives back the rows of an older one with the same id: the destination has begun
    /// to count anew and knows nothing of that one.
    fn take_in(&mut self, id: Json, rows: Vec<Owed>, now: Duration) -> Vec<Owed> {
        if self.batches.is_empty() {
            self.ask_at = now.saturating_add(self.every);
        }
        let forgotten = self.take_out(|batch| batch.id == id);
        self.batches.push(Batch {
            id,
            rows,
            since: now,
        });
        forgotten
    }

    /// When it is to be asked next.
    pub(super) fn ask_in(&self, now: Duration) -> Option<Duration> {
        (!self.batches.is_empty()).then(|| self.ask_at.saturating_sub(now))
    }

    fn ids(&self) -> Vec<Json> {
        self.batches.iter().map(|batch| batch.id.clone()).collect()
    }

    /// Those that have waited too long.
    fn overdue(&mut self, now: Duration) -> Vec<Owed> {
        let again_after = self.again_after;
        self.take_out(|batch| now.saturating_sub(batch.since) >= again_after)
    }

    fn take_out(&mut self, which: impl Fn(&Batch) -> bool) -> Vec<Owed> {
        let out = self.batches.extract_if(.., |batch| which(batch));
        out.flat_map(|batch| batch.rows).collect()
    }
}

/// A random GUID (RFC 9562, version 4) from two chance numbers.
pub(in crate::delivery) fn guid(one: u64, other: u64) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        one >> 32,
        (one >> 16) & 0xffff,
        one & 0xfff,
        0x8000 | (other >> 50),
        other & 0xffff_ffff_ffff,
    )
}

impl Worker {
    /// Notes batches that were taken and wait for their acknowledgment; of their alerts nothing else is
    /// sent meanwhile.
    pub(super) fn wait_for_acks(&mut self, taken: Vec<(Json, Vec<Owed>)>, now: Duration) {
        let Some(ledger) = &mut self.acks else { return };
        let mut forgotten = Vec::new();
        for (id, rows) in taken {
            Arc::make_mut(&mut self.known).extend(rows.iter().map(|row| row.seq));
            forgotten.extend(ledger.take_in(id, rows, now));
        }
        self.send_again(
            forgotten,
            "the destination gave the same id for another batch",
        );
    }

    /// Where nothing can be sent: asks, when it is time to, and says when that will be.
    pub(super) fn ask_at_most(&mut self, now: Duration) -> Option<Duration> {
        // A probe that is on its way decides first.
        if self.sending.is_empty() || !self.circuit.is_open() {
            self.ask_for_acks(now);
        }
        let ledger = self.acks.as_ref().filter(|_| self.asking.is_empty());
        ledger.and_then(|ledger| ledger.ask_in(now))
    }

    /// Asks what was acknowledged, when it is time to.
    pub(super) fn ask_for_acks(&mut self, now: Duration) {
        let Some(ledger) = &mut self.acks else { return };
        if !self.asking.is_empty() || ledger.ask_in(now).is_none_or(|wait| !wait.is_zero()) {
            return;
        }
        ledger.ask_at = now.saturating_add(ledger.every);
        let (ids, channel) = (ledger.ids(), Arc::clone(&ledger.channel));
        let (snapshot, name) = (Arc::clone(&self.snapshot), Arc::clone(&self.name));
        let tracker = self.live.tasks.clone();
        self.asking.spawn(tracker.track_future(async move {
            match Way::to(&snapshot, &name) {
                Ok(way) => way.ask(&channel, ids).await,
                Err(error) => Asked::trouble(Verdict::Retry, error.line()),
            }
        }));
    }

    /// Takes in what was acknowledged. What has waited too long is sent again.
    pub(super) fn asked(&mut self, asked: Asked) {
        let now = self.live.clock.steady();
        let Some(ledger) = &mut self.acks else { return };
        let acknowledged = ledger.take_out(|batch| asked.acknowledged.contains(&batch.id));
        let overdue = ledger.overdue(now);
        if !acknowledged.is_empty() {
            self.acknowledged(&acknowledged);
        }
        self.send_again(
            overdue,
            "not acknowledged in time: sent again, perhaps twice",
        );
        let Some((verdict, why)) = asked.trouble else {
            // It is there, whatever else it does with events.
            if self.circuit.is_open() {
                self.was_answered(false);
            }
            return;
        };
        let wait = if verdict.stops() {
            PROBE_EVERY
        } else {
            back_off(&self.live.clock, self.circuit.failures().saturating_add(1))
        };
        let why = format!("cannot ask for acknowledgments: {why}");
        self.went_wrong(&Later { wait, verdict, why }, now);
    }

    fn acknowledged(&mut self, rows: &[Owed]) {
        let now = self.live.clock.now();
        let meters = &self.live.meters;
        let after = rows
            .iter()
            .map(|row| now.duration_since(row.owed_at).as_secs_f64());
        meters.delivered(&self.name, after);
        self.live
            .board
            .update(&self.name, |standing| standing.last_delivered = Some(now));
        let report = Report {
            delivered: rows.iter().map(|row| row.seq).collect(),
            ..Report::default()
        };
        self.over(report, &alerts(rows));
    }

    /// Owes rows again at once; they come before what waits of their alerts.
    fn send_again(&mut self, rows: Vec<Owed>, why: &str) {
        if rows.is_empty() {
            return;
        }
        tracing::warn!(destination = %self.name, events = rows.len(), why, "sent again");
        self.say(why.to_owned());
        let alerts = alerts(&rows);
        let report = Report {
            back: rows,
            later: Some(Later {
                wait: Duration::ZERO,
                verdict: Verdict::Retry,
                why: why.to_owned(),
            }),
            ..Report::default()
        };
        self.over(report, &alerts);
    }

    fn say(&self, why: String) {
        self.live
            .board
            .update(&self.name, |standing| standing.last_error = Some(why));
    }
}

fn alerts(rows: &[Owed]) -> Vec<AlertId> {
    rows.iter().map(|row| row.revision.alert).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_a_guid() {
        assert_eq!(
            guid(0x0123_4567_89ab_cdef, u64::MAX),
            "01234567-89ab-4def-bfff-ffffffffffff"
        );
        assert_eq!(guid(0, 0), "00000000-0000-4000-8000-000000000000");
    }
}
