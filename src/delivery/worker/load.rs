//! From the outbox into memory: what is due, read and rendered in one view of the store.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Waiting, Worker};
use crate::alert::{Alert, AlertId};
use crate::connector::Of;
use crate::delivery::event::{self, Event};
use crate::delivery::{Error, Way};
use crate::live::Snapshot;
use crate::store::{self, DeadLetterCause, Owed, Reader};

/// Rows read at once.
const AT_ONCE: u32 = 512;
/// Rows taken from memory at once; they are rendered between two other turns of the runtime.
const FRESH_AT_ONCE: usize = 64;
/// Bytes rendered at once.
const BYTES: usize = 4_000_000;
/// After a failure of the store, the next look is this much later.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What a read brought.
struct Loaded {
    ready: Vec<(Owed, Option<Event>)>,
    /// Those that no event can be made of, and why.
    dead: Vec<(Owed, String)>,
    behind: Vec<i64>,
    after: i64,
    more: bool,
    next_due: Option<Timestamp>,
}

/// What to read.
struct Wanted {
    snapshot: Arc<Snapshot>,
    name: Arc<str>,
    now: Timestamp,
    after: i64,
    limit: u32,
    known: Arc<HashSet<i64>>,
    largest: super::Bounds,
}

impl Worker {
    /// Whether more may be kept in memory.
    pub(super) fn has_room(&self) -> bool {
        self.pending.len() < self.bounds.events.saturating_mul(2).clamp(64, 2_048)
            && self.pending_bytes < self.bounds.bytes.saturating_mul(4).min(16_000_000)
    }

    /// Takes what is due: what was owed lately from memory, else from the outbox.
    pub(super) async fn load(&mut self) {
        if !self.take_fresh() {
            self.read().await;
        }
    }

    /// `false` when only the outbox knows what is due.
    fn take_fresh(&mut self) -> bool {
        let fresh = self
            .live
            .store
            .take_fresh(&self.name, self.after, FRESH_AT_ONCE);
        let Some(fresh) = fresh else { return false };
        let snapshot = Arc::clone(&self.snapshot);
        let Ok(way) = Way::to(&snapshot, &self.name) else {
            return false;
        };
        self.more = fresh.len() == FRESH_AT_ONCE;
        let since = tokio::time::Instant::now();
        let mut dead = Vec::new();
        for (owed, alert) in fresh {
            self.after = owed.seq;
            if way.deliver.of == Of::State {
                self.take_in(owed, None, since);
                continue;
            }
            match render(&way, &alert, &self.bounds) {
                Ok(event) => self.take_in(owed, Some(event), since),
                Err(error) => dead.push((owed, error.line())),
            }
        }
        self.give_up(dead);
        true
    }

    fn take_in(&mut self, owed: Owed, event: Option<Event>, since: tokio::time::Instant) {
        Arc::make_mut(&mut self.known).insert(owed.seq);
        let waiting = Waiting { owed, event, since };
        self.pending_bytes += waiting.bytes();
        self.pending.push_back(waiting);
    }

    /// Rows that no event can be made of.
    fn give_up(&mut self, dead: Vec<(Owed, String)>) {
        if dead.is_empty() {
            return;
        }
        let dead = dead.into_iter().map(|(owed, reason)| {
            tracing::error!(destination = %self.name, alert = %owed.revision.alert, reason, "no event can be made");
            (owed.seq, DeadLetterCause::unsent(reason))
        });
        let dead: Vec<_> = dead.collect();
        Arc::make_mut(&mut self.known).extend(dead.iter().map(|(seq, _)| *seq));
        self.bury(dead);
    }

    /// Reads the outbox.
    async fn read(&mut self) {
        let known = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        let wanted = Wanted {
            snapshot: Arc::clone(&self.snapshot),
            name: Arc::clone(&self.name),
            now: self.live.clock.now(),
            after: self.after,
            limit: AT_ONCE.saturating_add(known),
            known: Arc::clone(&self.known),
            largest: self.bounds,
        };
        let loaded = match self
            .live
            .store
            .read(move |reader| wanted.read(reader))
            .await
        {
            Ok(loaded) => loaded,
            Err(error) => {
                if !self.live.stop.is_cancelled() {
                    tracing::error!(destination = %self.name, %error, "cannot read what is owed");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
                return;
            }
        };
        let passed = std::mem::replace(&mut self.after, loaded.after);
        self.more = loaded.more;
        self.next_due = loaded.next_due;
        self.give_way(&loaded.ready, passed);
        let since = tokio::time::Instant::now();
        for (owed, event) in loaded.ready {
            self.take_in(owed, event, since);
        }
        if !loaded.behind.is_empty() {
            self.park(loaded.behind);
        }
        self.give_up(loaded.dead);
    }

    /// A dead letter that is owed again comes back in its old place: what is in memory of its alert,
    /// and comes after it, waits behind it.
    fn give_way(&mut self, ready: &[(Owed, Option<Event>)], passed: i64) {
        let mut back: HashMap<AlertId, i64> = HashMap::new();
        for (owed, _) in ready.iter().filter(|(owed, _)| owed.seq <= passed) {
            back.entry(owed.revision.alert).or_insert(owed.seq);
        }
        if back.is_empty() || self.pending.is_empty() {
            return;
        }
        self.park_behind(|owed| {
            back.get(&owed.revision.alert)
                .is_some_and(|first| *first < owed.seq)
        });
    }
}

impl Wanted {
    fn read(self, reader: &Reader<'_>) -> Result<Loaded, store::Error> {
        let mut due = reader.due(&self.name, self.now, self.after, self.limit)?;
        let read = due.ready.len().saturating_add(due.behind.len());
        let mut loaded = Loaded {
            ready: Vec::with_capacity(due.ready.len()),
            dead: Vec::new(),
            behind: std::mem::take(&mut due.behind),
            after: due.after,
            more: read >= usize::try_from(self.limit).unwrap_or(usize::MAX),
            next_due: reader.next_due(&self.name, self.now)?,
        };
        let Ok(way) = Way::to(&self.snapshot, &self.name) else {
            return Ok(loaded);
        };
        let mut bytes = 0;
        for owed in due.ready {
            if self.known.contains(&owed.seq) {
                continue;
            }
            if bytes > BYTES {
                // The rest is read again, from here on.
                loaded.more = true;
                loaded.after = loaded.after.min(self.after.max(owed.seq - 1));
                break;
            }
            if way.deliver.of == Of::State {
                loaded.ready.push((owed, None));
                continue;
            }
            match self.event(reader, &way, &owed)? {
                Ok(event) => {
                    bytes += event.rendered.bytes.len();
                    loaded.ready.push((owed, Some(event)));
                }
                Err(error) => loaded.dead.push((owed, error.line())),
            }
        }
        loaded.ready.sort_by_key(|(owed, _)| owed.seq);
        Ok(loaded)
    }

    fn event(
        &self,
        reader: &Reader<'_>,
        way: &Way<'_>,
        owed: &Owed,
    ) -> Result<Result<Event, Error>, store::Error> {
        let alert = match reader.revision(owed.revision) {
            Ok(alert) => alert,
            Err(error @ store::Error::Damaged { .. }) => return Ok(Err(error.into())),
            Err(error) => return Err(error),
        };
        Ok(render(way, &alert, &self.largest))
    }
}

/// The event of a revision, unless no batch could take it.
fn render(way: &Way<'_>, alert: &Alert, largest: &super::Bounds) -> Result<Event, Error> {
    let event = event::render(way, alert)?;
    if largest.excludes(&event) {
        return Err(Error::TooLarge {
            destination: way.connection.name.clone(),
            bytes: event.rendered.bytes.len(),
            at_most: u64::try_from(largest.bytes).unwrap_or(u64::MAX),
        });
    }
    Ok(event)
}
