//! The store of a simulation: no threads, and a disk that fails as a seed says.
//!
//! The writer and its transactions are the real ones. What is modelled is the disk below SQLite's log:
//! a commit under `synchronous=FULL` that made the log longer has synced it; of what was appended since
//! the last sync any beginning may be there after the machine stopped. `power/` proves the same for
//! the whole program, with the checkpoints of its second thread, which is not run here.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Notify;

use super::checkpoint::{IDLE, PAUSE};
use super::error::Error;
use super::writer::{Message, Needs, Writer, tell};

/// Where in a transaction the disk is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Begin,
    Commit,
}

/// How often what goes wrong, in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    /// No transaction can be begun: the disk is full.
    pub(crate) full: u64,
    /// The commit fails, and is rolled back.
    pub(crate) failed_commit: u64,
    /// The machine stops in a commit: nobody is answered, and nobody knows whether it is there.
    pub(crate) dies_in_commit: u64,
    /// A view cannot be had.
    pub(crate) failed_read: u64,
    /// The longest that a sync takes, in milliseconds.
    pub(crate) slowest_ms: u64,
}

/// The disk under one store.
pub(crate) struct Disk {
    pub(super) bell: Notify,
    died: Notify,
    log: PathBuf,
    state: Mutex<State>,
}

struct State {
    weather: Weather,
    chance: u64,
    dead: bool,
    /// The log's length that the last sync covered.
    synced: u64,
    /// Its length after the last commit.
    written: u64,
    dies_now: bool,
    faults: u64,
    commits: u64,
}

impl Disk {
    /// Under the store at `path`.
    pub(crate) fn new(path: &Path, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            bell: Notify::new(),
            died: Notify::new(),
            log: PathBuf::from(format!("{}-wal", path.display())),
            state: Mutex::new(State {
                weather: Weather::default(),
                chance: seed | 1,
                dead: false,
                synced: 0,
                written: 0,
                dies_now: false,
                faults: 0,
                commits: 0,
            }),
        })
    }

    /// From now on.
    pub(crate) fn weather(&self, weather: Weather) {
        self.state().weather = weather;
    }

    /// Nothing is written or answered any more.
    pub(crate) fn die(&self) {
        self.state().dead = true;
        self.died.notify_one();
    }

    /// Waits until it died of itself.
    pub(crate) async fn died(&self) {
        self.died.notified().await;
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// Commits so far, and how often something was made to go wrong.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let state = self.state();
        (state.commits, state.faults)
    }

    /// Copies what the machine finds when it starts again to `to`. Gives how many bytes of the log no
    /// sync had covered, and how many of those are there all the same.
    pub(crate) fn after_power_cut(&self, from: &Path, to: &Path) -> std::io::Result<(u64, u64)> {
        fs::copy(from, to)?;
        let log = fs::read(&self.log).unwrap_or_default();
        let mut state = self.state();
        let synced = state.synced;
        let unsynced = u64::try_from(log.len())
            .unwrap_or(u64::MAX)
            .saturating_sub(synced);
        // The whole, nothing, or a torn end.
        let kept = match state.roll(4) {
            0 => unsynced,
            1 => 0,
            _ => state.roll(unsynced + 1),
        };
        let left = usize::try_from(synced.saturating_add(kept)).unwrap_or(usize::MAX);
        let log = log.get(..left.min(log.len())).unwrap_or_default();
        fs::write(format!("{}-wal", to.display()), log)?;
        Ok((unsynced, kept))
    }

    /// A read's turn.
    pub(super) async fn reads(&self) -> Result<(), Error> {
        let (failed, wait) = {
            let mut state = self.state();
            let often = state.weather.failed_read;
            (state.rolls(often), state.roll(3))
        };
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(wait)).await;
        if failed {
            return Err(refused("begin to read", rusqlite::ffi::SQLITE_IOERR_READ));
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn roll(&mut self, below: u64) -> u64 {
        self.chance = self
            .chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.chance >> 33) % below.max(1)
    }

    fn rolls(&mut self, per_thousand: u64) -> bool {
        let hit = per_thousand > 0 && self.roll(1_000) < per_thousand;
        self.faults += u64::from(hit);
        hit
    }
}

impl Writer {
    /// As `run`, on the caller's runtime: it takes time that can be stopped.
    pub(super) async fn run_in_turns(mut self) {
        let Some(disk) = self.disk.clone() else {
            return;
        };
        // SQLite has read what the last life left of its log. From here the log begins anew, so that its
        // length says what was appended.
        self.move_log(&disk);
        while !self.closing {
            while let Ok(message) = self.inbox.try_recv() {
                self.told(message);
            }
            if self.closing {
                break;
            }
            if self.waiting.is_empty() {
                // The checkpointer's part, which has no thread here.
                let pause = if self.gauge.is_worth_a_try() {
                    PAUSE
                } else {
                    IDLE
                };
                tokio::select! {
                    biased;
                    () = disk.bell.notified() => {}
                    () = tokio::time::sleep(pause) => if self.gauge.is_worth_a_try() {
                        self.told(Message::Try);
                    }
                }
                continue;
            }
            let patience = tokio::time::sleep(self.bounds.lazy_wait);
            tokio::pin!(patience);
            while self.waiting.len() < self.bounds.jobs
                && !self.closing
                && self.waiting.iter().all(|job| job.needs == Needs::Ride)
            {
                tokio::select! {
                    biased;
                    () = disk.bell.notified() => {}
                    () = &mut patience => break,
                }
                while let Ok(message) = self.inbox.try_recv() {
                    self.told(message);
                }
            }
            if self.closing {
                break;
            }
            let (outcome, answers) = self.transact();
            let slowest = disk.state().weather.slowest_ms;
            let slow = disk.state().roll(slowest + 1);
            tokio::time::sleep(Duration::from_millis(slow)).await;
            if disk.is_dead() {
                // What was dropped here would be an answer, too.
                let _unanswered = answers;
                std::future::pending::<()>().await;
                return;
            }
            tell(&outcome, answers);
            let moves = disk.state().roll(40) == 0;
            if moves {
                self.move_log(&disk);
            }
        }
        self.close();
    }

    fn move_log(&mut self, disk: &Disk) {
        self.checkpoint(true);
        assert_eq!(length(&disk.log), 0, "the log could not be moved whole");
        let mut state = disk.state();
        (state.synced, state.written) = (0, 0);
    }

    pub(super) fn disk_permits(&self, step: Step) -> Result<(), Error> {
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        let mut state = disk.state();
        let weather = state.weather;
        match step {
            Step::Begin if state.rolls(weather.full) => {
                Err(refused("begin a transaction", rusqlite::ffi::SQLITE_FULL))
            }
            Step::Commit if state.rolls(weather.failed_commit) => Err(refused(
                "commit a transaction",
                rusqlite::ffi::SQLITE_IOERR_FSYNC,
            )),
            Step::Commit => {
                state.dies_now = state.rolls(weather.dies_in_commit);
                Ok(())
            }
            Step::Begin => Ok(()),
        }
    }

    /// What a commit left on the disk. It asks SQLite whether it syncs, not our own book-keeping.
    pub(super) fn disk_took(&self, connection: &Connection) {
        let Some(disk) = &self.disk else { return };
        let level: i64 = connection
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .unwrap_or(0);
        let length = length(&disk.log);
        let dies = {
            let mut state = disk.state();
            state.commits += 1;
            let grew = length > state.written;
            state.written = length;
            if level >= 2 && grew && !state.dies_now {
                state.synced = length;
            }
            state.dies_now
        };
        if dies {
            disk.die();
        }
    }
}

fn length(log: &Path) -> u64 {
    fs::metadata(log).map_or(0, |log| log.len())
}

fn refused(doing: &'static str, code: std::ffi::c_int) -> Error {
    super::error::failed(doing)(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(code),
        None,
    ))
}
