//! From a report to the outbox: delivered, dead, put off, parked.
//!
//! None of it syncs by itself (design, promise 1): a crash before the commit sends again what was
//! taken, in the same order and with the same event ids.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Worker;
use crate::alert::AlertId;
use crate::delivery::lane::Report;
use crate::live::Live;
use crate::store::{self, DeadLetterCause, Owed};

/// While the store refuses, it is asked again this often.
const AGAIN: Duration = Duration::from_millis(500);

/// What the store is told.
#[derive(Debug, Default)]
pub(super) struct Settled {
    delivered: Vec<i64>,
    dead: Vec<(i64, DeadLetterCause)>,
    /// Put off: alert, row, tries.
    back: Vec<(AlertId, i64, u32)>,
    /// Until when, by the clock that never jumps, and why: the store may take it only after the time of day
    /// jumped.
    until: Option<(Duration, String)>,
    park: Vec<i64>,
    /// Alerts that are let go once the store knows.
    held: Vec<AlertId>,
}

impl Worker {
    /// Hands a report to the store. Alerts with a row that is put off stay held until the store
    /// knows: what follows it must not be taken for ready.
    pub(super) fn settle(&mut self, mut report: Report, held: Vec<AlertId>) {
        // Rows that are gone are known no longer; to mark them does nothing.
        report.delivered.append(&mut report.gone);
        let mut back = Vec::new();
        for owed in report.back {
            let alert = owed.revision.alert;
            if report.later.is_some() {
                back.push((alert, owed.seq, owed.attempts.saturating_add(1)));
                self.hold(alert);
            } else {
                // It was not tried, because this worker ends; the next one finds it as it was.
                Arc::make_mut(&mut self.known).remove(&owed.seq);
            }
        }
        back.sort_unstable_by_key(|(_, seq, _)| *seq);
        let now = self.live.clock.steady();
        let until = report
            .later
            .map(|later| (now.saturating_add(later.wait), later.why));
        self.hand_over(Settled {
            delivered: report.delivered,
            dead: report.dead,
            back,
            until,
            park: Vec::new(),
            held,
        });
    }

    /// Parks rows behind the postponed one of their alert.
    pub(super) fn park(&mut self, park: Vec<i64>) {
        Arc::make_mut(&mut self.known).extend(&park);
        self.hand_over(Settled {
            park,
            ..Settled::default()
        });
    }

    /// Parks those rows in memory of which `stands_behind` holds.
    pub(super) fn park_behind(&mut self, stands_behind: impl Fn(&Owed) -> bool) {
        let mut behind = Vec::new();
        self.forget(|waiting| {
            let parked = stands_behind(&waiting.owed);
            if parked {
                behind.push(waiting.owed.seq);
            }
            parked
        });
        if !behind.is_empty() {
            self.park(behind);
        }
    }

    /// Gives up what no event can be made of.
    pub(super) fn bury(&mut self, dead: Vec<(i64, DeadLetterCause)>) {
        self.hand_over(Settled {
            dead,
            ..Settled::default()
        });
    }

    fn hand_over(&mut self, settled: Settled) {
        let nothing = settled.delivered.is_empty()
            && settled.dead.is_empty()
            && settled.back.is_empty()
            && settled.park.is_empty();
        if nothing {
            return;
        }
        let (live, name) = (Arc::clone(&self.live), Arc::clone(&self.name));
        let tracker = self.live.tasks.clone();
        self.settling
            .spawn(tracker.track_future(keep(live, name, settled)));
    }

    /// The store knows: what was put off is let go, and what stands behind it is parked.
    pub(super) fn settled(&mut self, settled: &Settled) {
        let known = Arc::make_mut(&mut self.known);
        for seq in settled
            .delivered
            .iter()
            .chain(settled.dead.iter().map(|(seq, _)| seq))
            .chain(settled.back.iter().map(|(_, seq, _)| seq))
            .chain(&settled.park)
        {
            known.remove(seq);
        }
        for alert in &settled.held {
            self.release(*alert);
        }
        let alerts: HashSet<AlertId> = settled.back.iter().map(|(alert, _, _)| *alert).collect();
        for (alert, _, _) in &settled.back {
            self.release(*alert);
        }
        self.park_behind(|owed| alerts.contains(&owed.revision.alert));
        // Rows may have come free, and the next one that is due may be another.
        self.more = true;
    }
}

async fn keep(live: Arc<Live>, name: Arc<str>, settled: Settled) -> Arc<Settled> {
    let settled = Arc::new(settled);
    loop {
        let (job, to) = (Arc::clone(&settled), Arc::clone(&name));
        let clock = live.clock.clone();
        let kept = live
            .store
            .write_lazily(move |tx| {
                tx.mark_delivered(&to, &job.delivered)?;
                for (seq, cause) in &job.dead {
                    tx.dead_letter(&to, *seq, cause)?;
                }
                if let Some((until, why)) = &job.until {
                    let left = until.saturating_sub(clock.steady());
                    let at = clock.now().checked_add(left).unwrap_or(Timestamp::MAX);
                    for (_, seq, attempts) in &job.back {
                        tx.postpone(&to, *seq, *attempts, at, why)?;
                    }
                }
                tx.park(&to, &job.park)
            })
            .await;
        match kept {
            Ok(()) | Err(store::Error::Closed) => break,
            Err(error) => {
                tracing::error!(destination = %name, %error, "cannot keep what was delivered; trying again");
                tokio::select! {
                    biased;
                    () = live.stop.cancelled() => break,
                    () = tokio::time::sleep(AGAIN) => {}
                }
            }
        }
    }
    settled
}
