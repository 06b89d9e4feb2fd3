//! The one thread that writes: it runs what waits in one transaction, syncs once, and answers all.
//!
//! It must never run a job outside a transaction, and never answer a durable job before its commit
//! was synced.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::error::{Error, failed};
use super::fresh::Fresh;
use super::gauge::Gauge;
use super::jump::Watch;
use super::memory::Memory;
use super::open::PATIENCE;
use super::tx::Tx;
use crate::clock::Clock;
use crate::id::Ids;

/// Gives the job's caller its answer, once the fate of the transaction is known.
pub(super) type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;
/// A job, told when there is no transaction. Gives why it failed, if it did; its caller is then told
/// that, whatever else the answer is called with.
pub(super) type Work =
    Box<dyn FnOnce(Result<&mut Tx<'_>, Error>) -> (Result<(), Error>, Answer) + Send>;

/// What a job needs of the commit that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// A sync.
    Sync,
    /// To be made now.
    Commit,
    /// Nothing: it waits a little for one that is synced.
    Ride,
}

/// One job and its place in the queue.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) needs: Needs,
    pub(super) _place: OwnedSemaphorePermit,
}

/// What the writer is told.
pub(super) enum Message {
    Job(Job),
    /// Move the log into the database; cut the log's file when the store is idle.
    Checkpoint {
        cut: bool,
    },
    /// Nothing could be written, and intake is refused: see whether that has passed.
    Try,
    Close(Option<oneshot::Sender<()>>),
}

/// How much one transaction may hold.
pub(super) struct Bounds {
    /// Jobs in it.
    pub(super) jobs: usize,
    /// How long it may take in until it is committed.
    pub(super) time: Duration,
    /// How long jobs that may ride wait for one to ride with.
    pub(super) lazy_wait: Duration,
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) memory: Memory,
    pub(super) fresh: Arc<Fresh>,
    pub(super) ids: Arc<Ids>,
    pub(super) clock: Clock,
    pub(super) gauge: Arc<Gauge>,
    /// Whether the time of day jumped.
    pub(super) watch: Watch,
    pub(super) bounds: Bounds,
    pub(super) inbox: Receiver<Message>,
    /// Tells the checkpointer that something was written.
    pub(super) wrote: SyncSender<()>,
    /// Held so that no other process opens the store.
    pub(super) lock: File,
    /// Taken from the inbox, not yet run.
    pub(super) waiting: VecDeque<Job>,
    /// Whether commits sync now.
    pub(super) syncing: bool,
    /// Something was committed that no sync has covered yet.
    pub(super) unsynced: bool,
    pub(super) closing: bool,
    /// Whom to tell once it is closed.
    pub(super) closed: Vec<oneshot::Sender<()>>,
    /// What a simulation lets go wrong.
    #[cfg(test)]
    pub(super) disk: Option<Arc<super::simulated::Disk>>,
}

/// Gives each caller its answer.
pub(super) fn tell(outcome: &Result<(), Error>, answers: Vec<Answer>) {
    for answer in answers {
        answer(outcome.clone().map_err(|source| Error::RolledBack {
            source: Box::new(source),
        }));
    }
}

impl Writer {
    /// Runs until the store is closed.
    pub(super) fn run(mut self) {
        while !self.closing {
            if self.waiting.is_empty() {
                match self.inbox.recv() {
                    Ok(message) => self.told(message),
                    Err(_) => self.closing = true,
                }
            }
            self.wait_to_ride();
            self.group();
        }
        self.close();
    }

    /// Jobs that may ride wait a little for one that they can ride with.
    fn wait_to_ride(&mut self) {
        let begun = self.clock.steady();
        while !self.waiting.is_empty()
            && !self.closing
            && self.waiting.len() < self.bounds.jobs
            && self.waiting.iter().all(|job| job.needs == Needs::Ride)
        {
            let waited = self.clock.steady().saturating_sub(begun);
            let left = self.bounds.lazy_wait.saturating_sub(waited);
            match self.inbox.recv_timeout(left) {
                Ok(message) => self.told(message),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => self.closing = true,
            }
        }
    }

    /// Takes in one message, while no transaction is open.
    pub(super) fn told(&mut self, message: Message) {
        match message {
            Message::Job(job) => self.waiting.push_back(job),
            Message::Checkpoint { cut } => self.checkpoint(cut),
            Message::Try => self.try_again(),
            Message::Close(closed) => {
                self.closing = true;
                self.closed.extend(closed);
            }
        }
    }

    /// One transaction: what waits, and what arrives while it is open.
    fn group(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let (outcome, answers) = self.transact();
        tell(&outcome, answers);
        // Full means that the checkpointer has yet to look; it will.
        let _ = self.wrote.try_send(());
    }

    /// The transaction itself, with the answers that its jobs are owed.
    pub(super) fn transact(&mut self) -> (Result<(), Error>, Vec<Answer>) {
        let durable = self.waiting.iter().any(|job| job.needs == Needs::Sync);
        let mut answers = Vec::new();
        let outcome = match self.begin(durable) {
            Ok(()) => self.fill_and_commit(durable, &mut answers),
            Err(error) => {
                for job in self.waiting.drain(..) {
                    let (_, answer) = (job.work)(Err(error.clone()));
                    answers.push(answer);
                }
                Err(error)
            }
        };
        self.came_to(&outcome, answers.len());
        (outcome, answers)
    }

    fn came_to(&mut self, outcome: &Result<(), Error>, jobs: usize) {
        match outcome {
            Ok(()) => self.gauge.committed(jobs),
            Err(error) => {
                self.roll_back();
                self.gauge.measure_now(&self.connection);
                self.gauge.failed(error);
            }
        }
    }

    fn try_again(&mut self) {
        let changes = self.connection.total_changes();
        let outcome = self
            .begin(true)
            .and_then(|()| self.write_something())
            .and_then(|()| self.commit(true, changes));
        self.came_to(&outcome, 0);
        let _ = self.wrote.try_send(());
    }

    fn write_something(&self) -> Result<(), Error> {
        self.connection
            .execute(
                "INSERT INTO facts (name, value) VALUES ('synced', 1)
                 ON CONFLICT (name) DO UPDATE SET value = value + 1",
                [],
            )
            .map(drop)
            .map_err(failed("make a commit that syncs"))
    }

    fn begin(&mut self, durable: bool) -> Result<(), Error> {
        #[cfg(test)]
        self.disk_permits(super::simulated::Step::Begin)?;
        if self.syncing != durable {
            // NORMAL does not sync a commit to the log. The next commit under FULL syncs the whole
            // log, and so what was committed before it.
            let level = if durable { "FULL" } else { "NORMAL" };
            self.connection
                .pragma_update(None, "synchronous", level)
                .map_err(failed("say whether the next commit is synced"))?;
            self.syncing = durable;
        }
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")
            .and_then(|mut begin| begin.execute([]))
            .map(drop)
            .map_err(failed("begin a transaction"))
    }

    fn fill_and_commit(&mut self, durable: bool, answers: &mut Vec<Answer>) -> Result<(), Error> {
        let changes = self.connection.total_changes();
        let jumped = self.watch.jumped(&self.clock);
        if let Some(by) = jumped {
            self.tx().move_deadlines(by)?;
        }
        self.fill(durable, answers)?;
        self.commit(durable, changes)?;
        self.watch.follow(jumped.unwrap_or(0));
        Ok(())
    }

    /// Runs jobs until none waits or the transaction is large enough. A job that needs a sync does
    /// not join a transaction that has none.
    fn fill(&mut self, durable: bool, answers: &mut Vec<Answer>) -> Result<(), Error> {
        let begun = self.clock.steady();
        loop {
            while let Some(job) = self.waiting.pop_front() {
                let (done, answer) = self.run_job(job)?;
                answers.push(answer);
                done?;
                if answers.len() >= self.bounds.jobs
                    || self.clock.steady().saturating_sub(begun) >= self.bounds.time
                {
                    return self.flush();
                }
            }
            match self.inbox.try_recv() {
                Ok(Message::Job(job)) if job.needs == Needs::Sync && !durable => {
                    self.waiting.push_back(job);
                    return self.flush();
                }
                Ok(Message::Job(job)) => self.waiting.push_back(job),
                // The checkpointer asks again.
                Ok(Message::Checkpoint { .. } | Message::Try) => {}
                Ok(close @ Message::Close(_)) => {
                    self.told(close);
                    return self.flush();
                }
                Err(_) => return self.flush(),
            }
        }
    }

    fn run_job(&mut self, job: Job) -> Result<(Result<(), Error>, Answer), Error> {
        let mut tx = self.tx();
        catch_unwind(AssertUnwindSafe(|| (job.work)(Ok(&mut tx)))).map_err(|_| Error::Panicked)
    }

    /// Writes what was only counted in memory.
    fn flush(&mut self) -> Result<(), Error> {
        self.tx().write_counts()
    }

    fn tx(&mut self) -> Tx<'_> {
        Tx::new(&self.connection, &mut self.memory, &self.ids, &self.clock)
    }

    fn commit(&mut self, durable: bool, changes_before: u64) -> Result<(), Error> {
        let changed = self.connection.total_changes() != changes_before;
        if durable && !changed && self.unsynced {
            // A job may have answered from what an unsynced commit wrote: something must be
            // written, or this commit syncs nothing.
            self.write_something()?;
        }
        #[cfg(test)]
        self.disk_permits(super::simulated::Step::Commit)?;
        let begun = self.clock.steady();
        self.connection
            .prepare_cached("COMMIT")
            .and_then(|mut commit| commit.execute([]))
            .map_err(failed("commit a transaction"))?;
        #[cfg(test)]
        self.disk_took(&self.connection);
        if durable && (changed || self.unsynced) {
            let took = self.clock.steady().saturating_sub(begun);
            self.gauge.synced(took);
            self.gauge.wrote();
            self.unsynced = false;
        } else if changed {
            self.unsynced = true;
        }
        self.fresh.add(self.memory.settle(self.clock.now()));
        self.gauge.measure(&self.connection);
        Ok(())
    }

    fn roll_back(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "cannot roll back a transaction");
        }
        if let Err(error) = self.memory.take_back(&self.connection) {
            tracing::error!(%error, "cannot read the store's memory back after a rollback");
        }
    }

    /// Moves the log into the database while no transaction is open. The checkpointer has done the
    /// bulk of it; a log that is moved whole begins anew with the next write.
    pub(super) fn checkpoint(&mut self, cut: bool) {
        let how = if cut {
            "PRAGMA wal_checkpoint(TRUNCATE)"
        } else {
            "PRAGMA wal_checkpoint(PASSIVE)"
        };
        // A backup that reads meanwhile is not waited for: nothing could be written so long.
        let moved = self
            .connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| self.connection.query_row(how, [], |_| Ok(())));
        if let Err(error) = moved.and(self.connection.busy_timeout(PATIENCE)) {
            tracing::warn!(%error, "cannot move the store's log into its database");
        }
    }

    /// What was asked for before the store was closed is still done.
    pub(super) fn close(mut self) {
        loop {
            while let Ok(message) = self.inbox.try_recv() {
                self.told(message);
            }
            if self.waiting.is_empty() {
                break;
            }
            self.group();
        }
        self.checkpoint(true);
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "cannot close the store's database");
        }
        drop(self.lock);
        for closed in self.closed {
            // Nobody may be waiting any more.
            let _ = closed.send(());
        }
    }
}
