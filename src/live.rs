//! What is on duty: the snapshot in force, the store, and the bells that wake the jobs.
//!
//! Holds no decision of its own. A job takes a [`Snapshot`] and finishes on it, whatever is swapped
//! in meanwhile.

mod reloads;

pub use reloads::{Ask, Change, Files, Outcome, Refusal, Reloads, Unanswered};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::action::ActionId;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Connection;
use crate::expr::{Names, Scope, Type, Value};
use crate::meters::Meters;
use crate::secret::Secrets;
use crate::shape::Auth;
use crate::store::Store;
use crate::web;

/// Everything that the jobs share.
pub struct Live {
    snapshot: ArcSwap<Snapshot>,
    /// What is kept.
    pub store: Store,
    /// Time and chance.
    pub clock: Clock,
    /// Rung when deliveries are owed, and when another snapshot is in force.
    pub owed: Bell,
    /// Rung when another snapshot is in force.
    pub swapped: Bell,
    /// Rung when look-ups wait.
    pub look_ups: Bell,
    /// Rung when actions wait.
    pub actions: Bell,
    /// Cancelled when the daemon stops.
    pub stop: CancellationToken,
    /// Owns every task.
    pub tasks: TaskTracker,
    /// Shown by `/metrics`.
    pub meters: Meters,
    /// How each destination stands.
    pub board: Board,
    /// How the last looks at each source ended.
    pub sources: Sources,
    /// Asking that the files be read again.
    pub reloads: Reloads,
}

/// One state of the configuration, with what is needed to act on it.
#[derive(Debug)]
pub struct Snapshot {
    /// The checked files.
    pub catalog: Catalog,
    /// The secrets that they refer to.
    pub secrets: Arc<Secrets>,
    connections: BTreeMap<String, web::Connection>,
    folder: PathBuf,
}

impl Snapshot {
    /// Makes what is needed to act on `catalog`. `folder` is that of `andon.yaml`.
    ///
    /// # Errors
    /// When a connection cannot be made ready: a private certificate authority that cannot be read.
    pub fn new(
        catalog: Catalog,
        folder: &Path,
        client: &web::Client,
        clock: Clock,
    ) -> Result<Self, web::Error> {
        let (made, unready) = Self::as_far_as_ready(catalog, folder, client, clock);
        match unready.into_values().next() {
            None => Ok(made),
            Some(error) => Err(error),
        }
    }

    /// As [`Snapshot::new`], without the connections that cannot be made ready; and why, by their names.
    pub fn as_far_as_ready(
        catalog: Catalog,
        folder: &Path,
        client: &web::Client,
        clock: Clock,
    ) -> (Self, BTreeMap<String, web::Error>) {
        let mut references = BTreeMap::new();
        for connection in &catalog.config.connections {
            for (setting, reference) in &connection.secrets {
                references.insert(
                    (connection.name.clone(), setting.clone()),
                    reference.clone(),
                );
            }
        }
        let secrets = Arc::new(Secrets::new(references, folder.to_path_buf(), clock));
        let mut connections = BTreeMap::new();
        let mut unready = BTreeMap::new();
        for connection in &catalog.config.connections {
            let name = connection.name.clone();
            match client.connection(web_settings(connection, &secrets, folder)) {
                Ok(made) => drop(connections.insert(name, made)),
                Err(error) => drop(unready.insert(name, error)),
            }
        }
        let made = Self {
            catalog,
            secrets,
            connections,
            folder: folder.to_path_buf(),
        };
        (made, unready)
    }

    /// To look at and not to act on: it has no way out and no secret, so that it can be made where
    /// neither certificates nor secrets are.
    pub fn to_look_at(catalog: Catalog, folder: &Path, clock: Clock) -> Self {
        let secrets = Secrets::new(BTreeMap::new(), folder.to_path_buf(), clock);
        Self {
            catalog,
            secrets: Arc::new(secrets),
            connections: BTreeMap::new(),
            folder: folder.to_path_buf(),
        }
    }

    /// The way out to a connection.
    pub fn web(&self, connection: &str) -> Option<&web::Connection> {
        self.connections.get(connection)
    }

    /// The folder of `andon.yaml`, which relative paths are below.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

fn web_settings(connection: &Connection, secrets: &Secrets, folder: &Path) -> web::Settings {
    let connector = &connection.connector;
    let mut settings = web::Settings::new(connection.name.clone());
    for setting in &connector.settings {
        match setting.kind {
            crate::connector::SettingKind::Url => {
                if let Some(url) = connection.text(&setting.name) {
                    settings.bases.insert(setting.name.clone(), url.to_owned());
                }
            }
            crate::connector::SettingKind::Secret if setting.optional => {
                settings.optional.insert(setting.name.clone());
            }
            _ => {}
        }
    }
    settings.reach = connection.reach;
    settings.ca = connection.ca.as_ref().map(|path| folder.join(path));
    settings.auth = auth(connection, &settings.optional, secrets);
    settings
}

/// The first way to make oneself known whose secrets are given.
fn auth(connection: &Connection, optional: &BTreeSet<String>, secrets: &Secrets) -> Auth {
    let names = Names::new().with("settings", Type::Any);
    let mut scope = Scope::new(&names);
    scope.set(0, Value::from_json(&connection.settings));
    for rule in &connection.connector.auth {
        let given = rule.secrets().iter().all(|secret| {
            !optional.contains(*secret)
                || secrets.is_given(&connection.name, secret).unwrap_or(true)
        });
        if given && let Ok(auth) = rule.resolve(&scope) {
            return auth;
        }
    }
    Auth::None
}

impl Live {
    /// Puts the parts together.
    pub fn new(snapshot: impl Into<Arc<Snapshot>>, store: Store, clock: Clock) -> Arc<Self> {
        let meters = Meters::new(&store, &clock);
        Arc::new(Self {
            snapshot: ArcSwap::new(snapshot.into()),
            store,
            clock,
            owed: Bell::default(),
            swapped: Bell::default(),
            look_ups: Bell::default(),
            actions: Bell::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            meters,
            board: Board::default(),
            sources: Sources::default(),
            reloads: Reloads::default(),
        })
    }

    /// The state in force.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// Puts another state in force; what runs finishes on the one it began with.
    pub fn swap(&self, snapshot: impl Into<Arc<Snapshot>>) {
        self.snapshot.store(snapshot.into());
        self.swapped.ring();
        self.owed.ring();
    }
}

/// Whether a destination gets what it is owed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Circuit {
    /// All of it.
    #[default]
    Closed,
    /// It failed too often: nothing is sent.
    Open,
    /// One event is on its way, to see whether it takes any again.
    HalfOpen,
}

impl Circuit {
    /// The word in the API and on the terminal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// How a destination stands, since the daemon was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The connection's name.
    pub destination: String,
    /// Revisions that wait for it.
    pub waiting: u64,
    /// Since when the first of them waits.
    pub oldest: Option<Timestamp>,
    /// When it last took something.
    pub last_delivered: Option<Timestamp>,
    /// What last went wrong: one line, clean.
    pub last_error: Option<String>,
    /// Whether it gets what it is owed.
    pub circuit: Circuit,
    /// Why nothing is sent but a probe now and then, until one is taken: somebody has to see to it.
    pub stopped: Option<String>,
    /// Nothing is sent before.
    pub paused_until: Option<Timestamp>,
    /// Since when it takes nothing, because it is stopped or asked for a long pause.
    pub halted: Option<Halted>,
}

/// A destination takes nothing until somebody mends something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halted {
    /// When that began.
    pub since: Timestamp,
    /// What it answered then: one line, clean.
    pub why: String,
}

/// A containment that holds no longer, as Andon's own signal tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drifted {
    /// `connector/verb`.
    pub action: String,
    /// The connection that it is on.
    pub connection: String,
    /// Its arguments in one clean line, without secrets.
    pub with: String,
    /// When Andon saw it first.
    pub since: Timestamp,
    /// When it was proven.
    pub proven_at: Option<Timestamp>,
    /// The caller that had asked for it.
    pub asked_by: String,
    /// Who changed it, where the platform says: one clean line.
    pub changed_by: Option<String>,
}

/// A poller or a reader of files waits until the store takes something again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Since when.
    pub since: Timestamp,
    /// What it waits for: one line, clean.
    pub why: String,
}

/// Where jobs write how their connections stand, for whoever asks.
#[derive(Debug, Default)]
pub struct Board {
    standings: Mutex<BTreeMap<String, Standing>>,
    /// By connection and signal; the signal is empty for files.
    held: Mutex<BTreeMap<(String, String), Held>>,
    /// By action; `None` until it is known which containments hold.
    drifted: Mutex<Option<BTreeMap<ActionId, Drifted>>>,
    /// Rung when Andon has something else to tell of itself: a destination that is halted or takes events
    /// again, a containment that no longer holds or holds again.
    pub news: Bell,
    resumed: Mutex<BTreeMap<String, Bell>>,
}

impl Board {
    /// Changes what is known of a destination.
    pub fn update(&self, destination: &str, change: impl FnOnce(&mut Standing)) {
        let mut standings = self
            .standings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let standing = standings
            .entry(destination.to_owned())
            .or_insert_with(|| Standing {
                destination: destination.to_owned(),
                ..Standing::default()
            });
        let was_halted = standing.halted.is_some();
        change(standing);
        if standing.halted.is_some() != was_halted {
            self.news.ring();
        }
    }

    /// Puts down which containments hold no longer, as the store has it.
    pub fn begin_drifted(&self, all: BTreeMap<ActionId, Drifted>) {
        *self.drifted.lock().unwrap_or_else(PoisonError::into_inner) = Some(all);
        self.news.ring();
    }

    /// Notes that a containment holds no longer, or that it does again, or is over.
    pub fn drift(&self, action: ActionId, drifted: Option<Drifted>) {
        let mut all = self.drifted.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all.get_or_insert_default();
        if all.get(&action) == drifted.as_ref() {
            return;
        }
        match drifted {
            Some(drifted) => drop(all.insert(action, drifted)),
            None => drop(all.remove(&action)),
        }
        self.news.ring();
    }

    /// The containments that hold no longer; `None` while that is not known.
    pub fn drifted(&self) -> Option<BTreeMap<ActionId, Drifted>> {
        self.drifted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// To be woken when a destination is resumed.
    pub fn listen(&self, destination: &str) -> Listener {
        let mut bells = self.resumed.lock().unwrap_or_else(PoisonError::into_inner);
        bells.entry(destination.to_owned()).or_default().listen()
    }

    /// Tells whoever delivers to a destination to try at once.
    pub fn resume(&self, destination: &str) {
        let bells = self.resumed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bell) = bells.get(destination) {
            bell.ring();
        }
    }

    /// Notes why a connection's signal is not fetched, or that it is again.
    pub fn hold(&self, connection: &str, signal: &str, held: Option<Held>) {
        let key = (connection.to_owned(), signal.to_owned());
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held {
            Some(held) => all.insert(key, held),
            None => all.remove(&key),
        };
    }

    /// Whether a connection is held back, by the signal that waits longest.
    pub fn held(&self, connection: &str) -> Option<Held> {
        let all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let of = all.iter().filter(|((name, _), _)| name == connection);
        of.map(|(_, held)| held)
            .min_by_key(|held| held.since)
            .cloned()
    }

    /// What is known, by destination.
    pub fn all(&self) -> BTreeMap<String, Standing> {
        self.standings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Where polls and readers of files write what went wrong last, for whoever asks.
#[derive(Debug, Default)]
pub struct Sources {
    failing: Mutex<BTreeMap<(String, String), String>>,
}

impl Sources {
    /// A look for a signal of a connection ended: `failed` says why it gave nothing, in one clean line.
    pub fn looked(&self, connection: &str, signal: &str, failed: Option<String>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (connection.to_owned(), signal.to_owned());
        match failed {
            Some(why) => drop(failing.insert(key, why)),
            None => drop(failing.remove(&key)),
        }
    }

    /// What the last look ended with, by connection; only where it failed.
    pub fn failing(&self) -> BTreeMap<String, String> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let each = failing.iter();
        each.map(|((connection, _), why)| (connection.clone(), why.clone()))
            .collect()
    }
}

/// Wakes whoever waits, in the order in which they began to; rings that nobody waited for are not lost.
/// (A `watch` of tokio wakes in an order of chance, and no run of the simulation would be like another.)
#[derive(Debug, Default)]
pub struct Bell {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    rung: AtomicU64,
    waiting: Notify,
}

impl Bell {
    /// Rings.
    pub fn ring(&self) {
        self.inner.rung.fetch_add(1, Ordering::SeqCst);
        self.inner.waiting.notify_waiters();
    }

    /// To be woken by: `changed().await`.
    pub fn listen(&self) -> Listener {
        Listener {
            heard: self.inner.rung.load(Ordering::SeqCst),
            inner: Arc::clone(&self.inner),
        }
    }
}

/// Hears a [`Bell`].
#[derive(Debug)]
pub struct Listener {
    inner: Arc<Inner>,
    heard: u64,
}

impl Listener {
    /// Waits for a ring that was not heard yet. Nothing is lost when it is dropped before.
    pub async fn changed(&mut self) {
        loop {
            // Made before the look: a ring between the two wakes it.
            let rings = self.inner.waiting.notified();
            let rung = self.inner.rung.load(Ordering::SeqCst);
            if rung != self.heard {
                self.heard = rung;
                return;
            }
            rings.await;
        }
    }

    /// Whether there was a ring that was not heard yet.
    pub fn has_changed(&self) -> bool {
        self.inner.rung.load(Ordering::SeqCst) != self.heard
    }

    /// Takes all rings so far as heard.
    pub fn catch_up(&mut self) {
        self.heard = self.inner.rung.load(Ordering::SeqCst);
    }
}
