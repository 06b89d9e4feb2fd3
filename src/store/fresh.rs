//! What was owed most recently, kept in memory too: a delivery that keeps up reads nothing from the disk.
//!
//! For each destination the rows since some row, without a gap. A row is put here after its commit, and
//! nothing here counts: whoever finds that the rows do not reach back far enough reads the outbox.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use super::due::Owed;
use crate::alert::Alert;

/// Rows kept for one destination. At the bound the oldest go; they are in the outbox.
const MOST_ROWS: usize = 4_096;
/// Bytes of revisions, as JSON, kept for one destination.
const MOST_BYTES: usize = 16_000_000;

/// A row and the revision it is about.
pub type Handed = (Owed, Arc<Alert>);

/// A revision that a transaction made, and its bytes as JSON.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) row: i64,
    pub(super) alert: Arc<Alert>,
    pub(super) bytes: usize,
}

/// What one transaction adds for one destination.
#[derive(Debug, Default)]
pub(super) struct News {
    /// In order. Without its revision a row cannot be handed over, nor what came before it.
    pub(super) rows: Vec<(Owed, Option<Made>)>,
    /// Whether rows of the destination are postponed or parked now; unsaid, it is as it was.
    pub(super) held: Option<bool>,
}

#[derive(Debug)]
struct Ring {
    /// Every row owed after this one is here.
    after: i64,
    rows: VecDeque<(Owed, Made)>,
    /// Of the revisions in `rows`.
    bytes: usize,
    /// Rows are postponed or parked: only the outbox knows what stands behind them.
    held: bool,
}

/// The rows of all destinations.
#[derive(Debug)]
pub(super) struct Fresh {
    rings: Mutex<HashMap<String, Ring>>,
    /// The last row that was owed before the store was opened.
    opened_at: i64,
}

impl Fresh {
    pub(super) fn new(opened_at: i64) -> Self {
        Self {
            rings: Mutex::default(),
            opened_at,
        }
    }

    /// Adds what a transaction made, after its commit.
    pub(super) fn add(&self, news: HashMap<String, News>) {
        if news.is_empty() {
            return;
        }
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        for (destination, news) in news {
            let ring = rings.entry(destination).or_insert_with(|| Ring {
                after: self.opened_at,
                rows: VecDeque::new(),
                bytes: 0,
                held: false,
            });
            if let Some(held) = news.held {
                ring.held = held;
            }
            for (owed, made) in news.rows {
                if let Some(made) = made {
                    ring.bytes += made.bytes;
                    ring.rows.push_back((owed, made));
                } else {
                    ring.after = owed.seq;
                    ring.rows.clear();
                    ring.bytes = 0;
                }
            }
            while ring.rows.len() > MOST_ROWS || ring.bytes > MOST_BYTES {
                let Some((owed, _)) = ring.pop() else { break };
                ring.after = owed.seq;
            }
        }
    }

    /// Forgets what is here of a destination. What comes later is handed over again.
    pub(super) fn forget(&self, destination: &str) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ring) = rings.get_mut(destination) {
            while let Some((owed, _)) = ring.pop() {
                ring.after = owed.seq;
            }
        }
    }

    /// The rows owed to `destination` after `after`, `limit` at most; they are forgotten here. `None`
    /// when only the outbox knows them.
    pub(super) fn take(&self, destination: &str, after: i64, limit: usize) -> Option<Vec<Handed>> {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = rings
            .get_mut(destination)
            .filter(|ring| !ring.held && ring.after <= after)?;
        while ring.rows.front().is_some_and(|(owed, _)| owed.seq <= after) {
            ring.pop();
        }
        let taken: Vec<Handed> = std::iter::from_fn(|| ring.pop())
            .take(limit)
            .map(|(owed, made)| (owed, made.alert))
            .collect();
        ring.after = taken.last().map_or(after, |(owed, _)| owed.seq);
        Some(taken)
    }
}

impl Ring {
    fn pop(&mut self) -> Option<(Owed, Made)> {
        let (owed, made) = self.rows.pop_front()?;
        self.bytes = self.bytes.saturating_sub(made.bytes);
        Some((owed, made))
    }
}
