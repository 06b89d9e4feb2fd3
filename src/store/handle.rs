//! The handle that everybody holds: hands jobs to the writer and views to readers.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::metrics::histogram::Histogram;
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::error::{Error, failed};
use super::fresh::{Fresh, Handed};
use super::gauge::{Gauge, LEAST_FREE};
use super::heard::Heard;
use super::jump::{self, Watch};
use super::memory::Memory;
#[cfg(test)]
use super::simulated::Disk;
use super::tx::{Reader, Tx};
use super::writer::{Answer, Bounds, Job, Message, Needs, Work, Writer};
use super::{checkpoint, open};
use crate::clock::Clock;
use crate::id::Ids;

/// The bounds of a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of the database at which intake is refused (`keep.at_most`).
    pub most_bytes: u64,
    /// Bytes that have to be free on the store's disk, or intake is refused.
    pub least_free: u64,
    /// Jobs that may wait for the writer.
    pub most_waiting: usize,
    /// Jobs in one transaction.
    pub most_in_group: usize,
    /// How long a transaction may be filled before it is committed.
    pub group_time: Duration,
    /// How long a lazy job waits for a durable one to ride with.
    pub lazy_wait: Duration,
    /// Connections that read.
    pub readers: usize,
    /// Signals that are remembered to recognise repeats, within the last 24 hours.
    pub most_repeats: usize,
    /// Open alerts that are kept parsed in memory.
    pub most_warm_alerts: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            most_bytes: 20_000_000_000,
            least_free: LEAST_FREE,
            most_waiting: 4_096,
            most_in_group: 512,
            group_time: Duration::from_millis(20),
            lazy_wait: Duration::from_millis(100),
            readers: 3,
            most_repeats: 1_000_000,
            most_warm_alerts: 2_048,
        }
    }
}

/// The store. Clones are handles to the same one; the last one dropped closes it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    clock: Clock,
    ids: Arc<Ids>,
    options: Options,
    /// The bound that holds now, in bytes.
    most_bytes: AtomicU64,
    gauge: Arc<Gauge>,
    fresh: Arc<Fresh>,
    places: Arc<Semaphore>,
    inbox: Sender<Message>,
    closed: AtomicBool,
    writer: Mutex<Option<JoinHandle<()>>>,
    reading: Semaphore,
    idle_readers: Mutex<Vec<Connection>>,
    heard: Mutex<Heard>,
    #[cfg(test)]
    disk: Option<Arc<Disk>>,
}

impl Store {
    /// Opens the store at `path`, made with mode 0600 if it is missing, and starts its threads.
    ///
    /// # Errors
    /// When another process holds it, a newer Andon wrote it, it is damaged, or the disk refuses.
    pub fn open(path: &Path, clock: Clock, options: Options) -> Result<Self, Error> {
        Self::start(path, clock, options).map_err(|error| error.at_open(path))
    }

    fn start(path: &Path, clock: Clock, options: Options) -> Result<Self, Error> {
        let (mut inner, writer, written) = parts(path, clock, options)?;
        let (going, stop) = mpsc::sync_channel(1);
        let (inbox, gauge) = (inner.inbox.clone(), Arc::clone(&inner.gauge));
        checkpoint::start(path, written, stop, inbox, gauge)?;
        let thread = std::thread::Builder::new()
            .name("andon-store".to_owned())
            .spawn(move || {
                writer.run();
                drop(going);
            })
            .map_err(|source| Error::File {
                doing: "start a thread for",
                path: path.to_owned(),
                source: source.into(),
            })?;
        inner.writer = Mutex::new(Some(thread));
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// As [`Store::open`], without a thread: the writer is what is to be run on the caller's runtime,
    /// and reads run where they are asked for. Things go wrong as `disk` says.
    #[cfg(test)]
    pub(crate) fn simulated(
        path: &Path,
        clock: Clock,
        options: Options,
        disk: Arc<Disk>,
    ) -> Result<(Self, impl Future<Output = ()> + Send + use<>), Error> {
        let (mut inner, mut writer, written) = parts(path, clock, options)?;
        inner.disk = Some(Arc::clone(&disk));
        writer.disk = Some(disk);
        let store = Self {
            inner: Arc::new(inner),
        };
        let running = async move {
            let _written = written;
            writer.run_in_turns().await;
        };
        Ok((store, running))
    }

    /// Runs `job` in the current transaction; answers after the commit that made it durable was
    /// synced. `job` runs on the writer's thread, so it must be short and must not block.
    ///
    /// # Errors
    /// What `job` gave, or why its transaction was rolled back. Nothing of it was kept then.
    pub async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.hand_over(job, Needs::Sync).await
    }

    /// As [`Store::write`], but without a sync of its own: it rides on the next durable commit, or
    /// is committed unsynced after a short wait. For what may be found undone after a power cut.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_lazily<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.hand_over(job, Needs::Ride).await
    }

    /// As [`Store::write`], but the commit is made at once and not synced: a kill loses nothing of it, a
    /// power cut may. The next durable write covers it. For what can be found out again.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub async fn write_unsynced<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.hand_over(job, Needs::Commit).await
    }

    async fn hand_over<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        needs: Needs,
    ) -> Result<T, Error> {
        if self.inner.closed.load(Ordering::SeqCst) {
            return Err(Error::Closed);
        }
        let place = Arc::clone(&self.inner.places)
            .acquire_owned()
            .await
            .map_err(|_| Error::Closed)?;
        let (tell, told) = oneshot::channel();
        // A caller that went away is told nothing; that is no fault of the store.
        let work: Work = Box::new(move |tx| match tx.and_then(job) {
            Ok(value) => {
                let answer: Answer = Box::new(move |committed| {
                    let _ = tell.send(committed.map(|()| value));
                });
                (Ok(()), answer)
            }
            Err(error) => {
                let why = error.clone();
                let answer: Answer = Box::new(move |_| {
                    let _ = tell.send(Err(why));
                });
                (Err(error), answer)
            }
        });
        let job = Job {
            work,
            needs,
            _place: place,
        };
        self.inner
            .inbox
            .send(Message::Job(job))
            .map_err(|_| Error::Closed)?;
        #[cfg(test)]
        if let Some(disk) = &self.inner.disk {
            disk.bell.notify_one();
        }
        match told.await {
            Ok(answer) => answer,
            Err(_) if self.inner.closed.load(Ordering::SeqCst) => Err(Error::Closed),
            Err(_) => Err(Error::Panicked),
        }
    }

    /// Runs `job` over one consistent view that holds every write answered before.
    ///
    /// # Errors
    /// What `job` gave, or why no connection could be had.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let _place = self
            .inner
            .reading
            .acquire()
            .await
            .map_err(|_| Error::Closed)?;
        let inner = Arc::clone(&self.inner);
        #[cfg(test)]
        if let Some(disk) = &inner.disk {
            disk.reads().await?;
            return inner.read(job);
        }
        tokio::task::spawn_blocking(move || inner.read(job))
            .await
            .unwrap_or(Err(Error::Panicked))
    }

    /// Whether there is room for new work; intake asks before it accepts.
    ///
    /// # Errors
    /// `Busy` when most places in the writer's queue are taken, `Full` when the bound on bytes is
    /// reached or the disk is nearly full, `Hindered` when the last write failed for a reason that
    /// holds for all, or the file is damaged: answer 503 with `Retry-After`.
    pub fn room(&self) -> Result<(), Error> {
        let inner = &self.inner;
        if inner.closed.load(Ordering::SeqCst) {
            return Err(Error::Closed);
        }
        // A quarter is left to deliveries and containment, which free what intake fills.
        if inner.places.available_permits() < inner.options.most_waiting / 4 {
            return Err(Error::Busy);
        }
        if inner.gauge.bytes() > inner.most_bytes.load(Ordering::SeqCst) {
            return Err(Error::Full {
                why: "it holds as many bytes as `keep.at_most` allows",
            });
        }
        if inner.gauge.is_nearly_full(inner.options.least_free) {
            return Err(Error::Full {
                why: "its disk is nearly full; free some space there",
            });
        }
        match inner.gauge.trouble() {
            Some(trouble) => Err(Error::Hindered(trouble)),
            None => Ok(()),
        }
    }

    /// The rows owed to `destination` after `after` in their order, `limit` at most, each with its
    /// revision: what was committed lately and is not taken yet. `None` when memory does not reach back
    /// so far, or rows are postponed: then the outbox has to be read.
    pub fn take_fresh(&self, destination: &str, after: i64, limit: usize) -> Option<Vec<Handed>> {
        self.inner.fresh.take(destination, after, limit)
    }

    /// Sets another bound on the bytes of the database (`keep.at_most`).
    ///
    /// # Errors
    /// When the store fails; the bound of before holds then.
    pub async fn bound(&self, most_bytes: u64) -> Result<(), Error> {
        self.write_lazily(move |tx| open::bound(tx.connection(), most_bytes))
            .await?;
        self.inner.most_bytes.store(most_bytes, Ordering::SeqCst);
        Ok(())
    }

    pub(super) fn note_bytes(&self, bytes: u64) {
        self.inner.gauge.note_bytes(bytes);
    }

    /// To be called by whoever begins to take from [`Store::take_fresh`]: what is in memory by now may have
    /// been read from the outbox and delivered by the one before.
    pub fn forget_fresh(&self, destination: &str) {
        self.inner.fresh.forget(destination);
    }

    /// Makes identifiers that continue after the largest in the store.
    pub fn ids(&self) -> &Ids {
        &self.inner.ids
    }

    pub(super) fn heard(&self) -> &Mutex<Heard> {
        &self.inner.heard
    }

    pub(super) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Where the store lies.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Commits that were synced since the store was opened.
    pub fn syncs(&self) -> u64 {
        self.inner.gauge.syncs()
    }

    /// How long each of them took.
    pub fn sync_seconds(&self) -> &Histogram {
        self.inner.gauge.sync_seconds()
    }

    /// Commits since the store was opened.
    pub fn commits(&self) -> u64 {
        self.inner.gauge.commits()
    }

    /// Jobs that were committed since the store was opened.
    pub fn jobs(&self) -> u64 {
        self.inner.gauge.jobs()
    }

    /// Bytes of the database in use, measured now and then.
    pub fn bytes(&self) -> u64 {
        self.inner.gauge.bytes()
    }

    /// Bytes free on its disk, looked at now and then; `None` where nobody can tell.
    pub fn free(&self) -> Option<u64> {
        self.inner.gauge.free()
    }

    /// Does what was handed over before, syncs, moves the log into the database, and lets go of the
    /// file. Later calls on any clone give `Closed`.
    pub async fn close(&self) {
        self.inner.closed.store(true, Ordering::SeqCst);
        let (tell, told) = oneshot::channel();
        if self.inner.inbox.send(Message::Close(Some(tell))).is_ok() {
            #[cfg(test)]
            if let Some(disk) = &self.inner.disk {
                disk.bell.notify_one();
            }
            // An error means that it is closed already.
            let _ = told.await;
        }
        lock(&self.inner.idle_readers).clear();
    }
}

impl Inner {
    fn read<T>(&self, job: impl FnOnce(&Reader<'_>) -> Result<T, Error>) -> Result<T, Error> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::Closed);
        }
        let idle = lock(&self.idle_readers).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.path)?,
        };
        connection
            .execute_batch("BEGIN")
            .map_err(failed("begin to read"))?;
        let answer =
            job(&Reader::new(&connection)).inspect_err(|error| self.gauge.failed_to_read(error));
        // A connection that cannot end its view would hold the log: it is dropped.
        if connection.execute_batch("COMMIT").is_ok() {
            lock(&self.idle_readers).push(connection);
        }
        answer
    }
}

impl Drop for Inner {
    /// Waits for the writer, so that the file is free when the last handle is gone.
    fn drop(&mut self) {
        // Fails when it was closed before.
        let _ = self.inbox.send(Message::Close(None));
        if let Some(writer) = lock(&self.writer).take()
            && writer.thread().id() != std::thread::current().id()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer panicked");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a store is made of: the handles' side, and the writer that is yet to run.
fn parts(
    path: &Path,
    clock: Clock,
    options: Options,
) -> Result<(Inner, Writer, Receiver<()>), Error> {
    let (connection, lock) = open::writer(path, options.most_bytes)?;
    let mut memory = Memory::load(
        &connection,
        clock.now(),
        options.most_repeats,
        options.most_warm_alerts,
    )?;
    let fresh = Arc::new(Fresh::new(memory.next_seq.saturating_sub(1)));
    fresh.add(std::mem::take(&mut memory.news));
    let largest = largest_id(&connection)?;
    jump::after_restart(&connection, clock.now(), largest)?;
    let ids = Arc::new(Ids::after(largest));
    let gauge = Arc::new(Gauge::default());
    gauge.measure(&connection);
    gauge.look_at_disk(path);
    let (inbox, messages) = mpsc::channel();
    let (wrote, written) = mpsc::sync_channel(1);
    let writer = Writer {
        connection,
        memory,
        fresh: Arc::clone(&fresh),
        ids: Arc::clone(&ids),
        clock: clock.clone(),
        gauge: Arc::clone(&gauge),
        watch: Watch::new(&clock),
        bounds: Bounds {
            jobs: options.most_in_group.max(1),
            time: options.group_time,
            lazy_wait: options.lazy_wait,
        },
        inbox: messages,
        wrote,
        lock,
        waiting: std::collections::VecDeque::new(),
        syncing: true,
        unsynced: false,
        closing: false,
        closed: Vec::new(),
        #[cfg(test)]
        disk: None,
    };
    let inner = Inner {
        path: path.to_owned(),
        clock,
        ids,
        gauge,
        fresh,
        places: Arc::new(Semaphore::new(options.most_waiting.max(1))),
        inbox,
        closed: AtomicBool::new(false),
        writer: Mutex::default(),
        reading: Semaphore::new(options.readers.max(1)),
        idle_readers: Mutex::new(Vec::new()),
        heard: Mutex::default(),
        most_bytes: AtomicU64::new(options.most_bytes),
        options,
        #[cfg(test)]
        disk: None,
    };
    Ok((inner, writer, written))
}

/// Identifiers go on after this one, also when retention has removed the row that bore it.
pub(super) fn largest_id(connection: &Connection) -> Result<i64, Error> {
    let sql = "SELECT max(
        coalesce((SELECT max(id) FROM signals), 0),
        coalesce((SELECT max(id) FROM alerts), 0),
        coalesce((SELECT max(id) FROM actions), 0),
        coalesce((SELECT value FROM facts WHERE name = 'largest_id'), 0))";
    connection
        .query_row(sql, [], |row| row.get(0))
        .map_err(failed("read the largest identifier"))
}
