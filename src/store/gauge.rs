//! What the writer lets others see without asking it: how much it did, and whether there is room.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;

use super::columns::Count;
use super::error::Error;

/// After a refusal for want of space, how long intake is refused before the disk is tried again.
const FULL_FOR: Duration = Duration::from_secs(2);

/// The size is read after each so many commits; reading it costs a few microseconds.
const MEASURE_EVERY: u64 = 32;

/// Intake is refused while the store's file system has fewer bytes free. It is what SQLite's log may
/// hold before it is moved, so that the move, marks, audit rows and retention still find room; it
/// passes by itself once the disk has room again. Other limits are `keep.at_most` and what the disk
/// refuses.
pub(super) const LEAST_FREE: u64 = 64 * 1024 * 1024;

/// Counters of one store.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    syncs: AtomicU64,
    commits: AtomicU64,
    jobs: AtomicU64,
    bytes: AtomicU64,
    /// Steady milliseconds plus one; 0 when the last commit succeeded.
    full_since: AtomicU64,
    /// Bytes free on the disk plus one; 0 when nobody could tell.
    free: AtomicU64,
}

impl Gauge {
    pub(super) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(super) fn jobs(&self) -> u64 {
        self.jobs.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether the disk refused lately.
    pub(super) fn is_full(&self, steady: Duration) -> bool {
        let since = self.full_since.load(Ordering::Relaxed);
        since != 0 && millis(steady).saturating_sub(since) < millis(FULL_FOR)
    }

    /// Whether the disk had fewer bytes free than `least` when it was last looked at.
    pub(super) fn is_nearly_full(&self, least: u64) -> bool {
        let free = self.free.load(Ordering::Relaxed);
        free != 0 && free <= least
    }

    /// Asks how many bytes the file system of `path` has free for us.
    pub(super) fn look_at_disk(&self, path: &Path) {
        let free =
            rustix::fs::statvfs(path).map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
        self.free.store(
            free.map_or(0, |free| free.saturating_add(1)),
            Ordering::Relaxed,
        );
    }

    pub(super) fn synced(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn committed(&self, jobs: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.jobs
            .fetch_add(u64::try_from(jobs).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.full_since.store(0, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, error: &Error, steady: Duration) {
        if error.is_full() {
            self.full_since
                .store(millis(steady).saturating_add(1), Ordering::Relaxed);
        }
    }

    /// Reads how many bytes of the database are in use, now and then.
    pub(super) fn measure(&self, connection: &Connection) {
        if self.commits().is_multiple_of(MEASURE_EVERY) {
            let pragma = |name: &str| -> u64 {
                connection
                    .prepare_cached(&format!("PRAGMA {name}"))
                    .and_then(|mut pragma| pragma.query_row([], |row| row.get::<_, Count>(0)))
                    .map_or(0, |Count(number)| number)
            };
            let pages = pragma("page_count").saturating_sub(pragma("freelist_count"));
            self.bytes
                .store(pages.saturating_mul(pragma("page_size")), Ordering::Relaxed);
        }
    }
}

fn millis(steady: Duration) -> u64 {
    u64::try_from(steady.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_nearly_full_below_the_bound_and_when_nobody_can_tell_it_is_not() {
        let gauge = Gauge::default();
        assert!(!gauge.is_nearly_full(u64::MAX));
        gauge.look_at_disk(&std::env::temp_dir());
        assert!(gauge.is_nearly_full(u64::MAX));
        assert!(!gauge.is_nearly_full(0));
        gauge.look_at_disk(Path::new("no/such/folder"));
        assert!(!gauge.is_nearly_full(u64::MAX));
    }
}
