//! What the writer lets others see without asking it: how much it did, and whether there is room.

use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use rusqlite::Connection;

use super::columns::Count;
use super::error::Error;
use super::trouble::Trouble;

/// The size is read after each so many commits; reading it costs a few microseconds.
const MEASURE_EVERY: u64 = 32;

/// Intake is refused while the store's file system has fewer bytes free. It is what SQLite's log may
/// hold before it is moved, so that the move, marks, audit rows and retention still find room; it
/// passes by itself once the disk has room again. Other limits are `keep.at_most` and what the disk
/// refuses.
pub(super) const LEAST_FREE: u64 = 64 * 1024 * 1024;

/// Counters of one store.
#[derive(Debug)]
pub(super) struct Gauge {
    syncs: AtomicU64,
    /// How long each of them took.
    sync_seconds: Histogram,
    commits: AtomicU64,
    jobs: AtomicU64,
    bytes: AtomicU64,
    /// What stood in the way of the last write; 0 when nothing did.
    trouble: AtomicU8,
    /// Bytes free on the disk plus one; 0 when nobody could tell.
    free: AtomicU64,
}

impl Default for Gauge {
    fn default() -> Self {
        Self {
            syncs: AtomicU64::new(0),
            // 0.1 ms to 3.3 s.
            sync_seconds: Histogram::new(exponential_buckets(0.0001, 2.0, 16)),
            commits: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            trouble: AtomicU8::new(0),
            free: AtomicU64::new(0),
        }
    }
}

impl Gauge {
    pub(super) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    pub(super) fn sync_seconds(&self) -> &Histogram {
        &self.sync_seconds
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

    /// Bytes free on the disk when it was last looked at.
    pub(super) fn free(&self) -> Option<u64> {
        self.free.load(Ordering::Relaxed).checked_sub(1)
    }

    /// What stands in the way of writes, as far as is known.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        match self.trouble.load(Ordering::Relaxed) {
            0 => None,
            1 => Some(Trouble::Full),
            2 => Some(Trouble::Locked),
            3 => Some(Trouble::Refused),
            _ => Some(Trouble::Damaged),
        }
    }

    /// Whether there is trouble that may have passed: the next write that is kept says so.
    pub(super) fn is_worth_a_try(&self) -> bool {
        self.trouble()
            .is_some_and(|trouble| trouble != Trouble::Damaged)
    }

    /// Whether the disk had fewer bytes free than `least` when it was last looked at.
    pub(super) fn is_nearly_full(&self, least: u64) -> bool {
        self.free().is_some_and(|free| free < least)
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

    pub(super) fn synced(&self, took: Duration) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.sync_seconds.observe(took.as_secs_f64());
    }

    pub(super) fn committed(&self, jobs: usize) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.jobs
            .fetch_add(u64::try_from(jobs).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Something was written and synced, so nothing stands in the way any more. Damage stays: what was
    /// written may lie elsewhere.
    pub(super) fn wrote(&self) {
        if self.is_worth_a_try() {
            self.trouble.store(0, Ordering::Relaxed);
            tracing::info!("the store takes work again");
        }
    }

    /// Notes what stands in the way, where `error` says so.
    pub(super) fn failed(&self, error: &Error) {
        if let Some(trouble) = error.trouble() {
            let now = self.trouble();
            if now == Some(trouble) || now == Some(Trouble::Damaged) {
                return;
            }
            let number = match trouble {
                Trouble::Full => 1,
                Trouble::Locked => 2,
                Trouble::Refused => 3,
                Trouble::Damaged => 4,
            };
            self.trouble.store(number, Ordering::Relaxed);
            tracing::error!(why = %trouble, what_to_do = trouble.help(), %error, "the store takes nothing more");
        }
    }

    /// As [`Gauge::failed`], for what was only read: it tells of damage and of nothing else.
    pub(super) fn failed_to_read(&self, error: &Error) {
        if error.trouble() == Some(Trouble::Damaged) {
            self.failed(error);
        }
    }

    /// Reads how many bytes of the database are in use, now and then.
    pub(super) fn measure(&self, connection: &Connection) {
        if self.commits().is_multiple_of(MEASURE_EVERY) {
            self.measure_now(connection);
        }
    }

    /// Reads how many bytes of the database are in use.
    pub(super) fn measure_now(&self, connection: &Connection) {
        let pragma = |name: &str| -> u64 {
            connection
                .prepare_cached(&format!("PRAGMA {name}"))
                .and_then(|mut pragma| pragma.query_row([], |row| row.get::<_, Count>(0)))
                .map_or(0, |Count(number)| number)
        };
        let pages = pragma("page_count").saturating_sub(pragma("freelist_count"));
        self.note_bytes(pages.saturating_mul(pragma("page_size")));
    }

    pub(super) fn note_bytes(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }
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

    #[test]
    fn trouble_passes_with_a_write_and_damage_does_not() {
        let gauge = Gauge::default();
        gauge.failed(&Error::Hindered(Trouble::Locked));
        assert_eq!(gauge.trouble(), Some(Trouble::Locked));
        gauge.wrote();
        assert_eq!(gauge.trouble(), None);
        gauge.failed_to_read(&Error::Hindered(Trouble::Locked));
        assert_eq!(gauge.trouble(), None);
        gauge.failed_to_read(&Error::Hindered(Trouble::Damaged));
        gauge.failed(&Error::Hindered(Trouble::Full));
        gauge.wrote();
        assert_eq!(gauge.trouble(), Some(Trouble::Damaged));
    }
}
