//! What containment promises, against a registry that answers as MLflow does, through the real store.

mod asking;
mod crash;
mod doubt;
mod echo;
mod holding;
mod moving;
mod parts;
mod planning;
mod steps;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::ask::{Answer, Ask, ask};
use super::pace::Pace;
use super::refused::Refused;
use super::worker::Worker;
use crate::action::{Action, ActionId};
use crate::catalog::{self, Files};
use crate::clock::Clock;
use crate::diag::{Faults, Source};
use crate::live::{Live, Snapshot};
use crate::sandbox::registry::{self, NewVersion, Registry};
use crate::sandbox::{Fault, Running};
use crate::store::{Disk, Options, Store};
use crate::web;

pub(super) const ALIAS: &str = "/api/2.0/mlflow/registered-models/alias";

/// A registry with one model, whose `champion` is version 3, and Andon beside it on a stopped clock.
pub(super) struct House {
    folder: tempfile::TempDir,
    pub(super) clock: Clock,
    store: Store,
    pub(super) registry: Running<Registry>,
    pub(super) live: Arc<Live>,
    plug: Option<Plug>,
}

/// The disk under the store, which forgets at a power cut what was not synced.
struct Plug {
    disk: Arc<Disk>,
    path: PathBuf,
}

pub(super) async fn house() -> House {
    house_on(Options::default()).await
}

/// On a store with these bounds.
pub(super) async fn house_on(bounds: Options) -> House {
    let clock = Clock::stopped("2026-11-23T08:00:00Z".parse().unwrap());
    let registry = registry::start(registry::Options {
        retry_after: Duration::from_millis(1),
        clock: clock.clone(),
        ..registry::Options::default()
    })
    .await
    .unwrap();
    let shelf = registry.recorded();
    shelf.create_model("fraud", &[]).unwrap();
    for _ in 0..3 {
        let version = NewVersion {
            source: "s3://models/fraud".to_owned(),
            ..NewVersion::default()
        };
        shelf.create_version("fraud", version).unwrap();
    }
    shelf.set_alias("fraud", "champion", 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hook"), "not-a-real-secret").unwrap();
    let options = Options {
        lazy_wait: Duration::from_millis(5),
        ..bounds
    };
    let store = Store::open(&folder.path().join("andon.db"), clock.clone(), options).unwrap();
    let live = live(&folder, &clock, &store, &registry);
    House {
        folder,
        clock,
        store,
        registry,
        live,
        plug: None,
    }
}

fn live(
    folder: &tempfile::TempDir,
    clock: &Clock,
    store: &Store,
    registry: &Running<Registry>,
) -> Arc<Live> {
    let config = format!(
        "andon: config/v1\nconnections:\n  registry: {{ connector: mlflow, url: \"{}\", reach: loopback, timeout: 300ms, webhook_secret: {{ file: hook }} }}\n  trial: {{ connector: trial, url: \"{}\", reach: loopback, timeout: 300ms }}\n",
        registry.url(),
        registry.url()
    );
    let mut files = Files::built_in();
    files.put(
        "connectors/trial/connector.yaml",
        "trial.yaml",
        include_bytes!("trial.yaml"),
    );
    let mut faults = Faults::new();
    let source = Source::new("andon.yaml", config);
    let catalog = catalog::load(&files, &source, &mut faults);
    let catalog = catalog.unwrap_or_else(|| panic!("{:?}", faults.into_sorted()));
    let client = web::Client::new(clock.clone(), web::Options::default());
    let snapshot = Snapshot::new(catalog, folder.path(), &client, clock.clone()).unwrap();
    Live::new(snapshot, store.clone(), clock.clone())
}

pub(super) fn quick() -> Pace {
    Pace {
        moves_clock: true,
        points: None,
    }
}

pub(super) fn map(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

pub(super) fn move_alias(version: &str) -> Ask {
    Ask {
        action: "mlflow/move-alias".to_owned(),
        with: map(json!({ "model": "fraud", "version": version })),
        by: "soar".to_owned(),
        ..Ask::default()
    }
}

impl House {
    pub(super) async fn take(&self, what: Ask) -> Action {
        match ask(&self.live, what).await.unwrap() {
            Answer::Taken { action, .. } => action,
            Answer::Planned(plan) => panic!("{plan:?}"),
        }
    }

    pub(super) async fn refused(&self, what: Ask) -> Refused {
        ask(&self.live, what).await.unwrap_err()
    }

    pub(super) fn worker(&self) -> Worker {
        Worker::new(&self.live, quick())
    }

    /// As after a restart: nothing but the store is left.
    pub(super) fn restart(&mut self) {
        self.live = live(&self.folder, &self.clock, &self.store, &self.registry);
    }

    /// As after a power cut: of what no sync covered, anything may be gone. At first an empty store.
    pub(super) fn power_cut(&mut self, seed: u64) {
        let path = self.folder.path().join(format!("{seed}.db"));
        if let Some(plug) = self.plug.take() {
            plug.disk.die();
            plug.disk.after_power_cut(&plug.path, &path).unwrap();
        }
        let disk = Disk::new(&path, seed);
        let options = Options::default();
        let (store, running) =
            Store::simulated(&path, self.clock.clone(), options, Arc::clone(&disk)).unwrap();
        self.live.tasks.spawn(running);
        self.store = store;
        self.plug = Some(Plug { disk, path });
        self.restart();
    }

    /// Asks, and lets it run.
    pub(super) async fn run(&self, what: Ask) -> Action {
        let taken = self.take(what).await;
        self.worker().turn().await;
        self.now(taken.id).await
    }

    pub(super) async fn now(&self, id: ActionId) -> Action {
        super::action(&self.live, id).await.unwrap().unwrap()
    }

    /// `phase step verdict` of every call.
    pub(super) async fn calls(&self, id: ActionId) -> Vec<String> {
        let calls = self
            .live
            .store
            .read(move |reader| reader.calls(id))
            .await
            .unwrap();
        calls
            .into_iter()
            .map(|call| format!("{} {} {}", call.phase, call.method, call.verdict))
            .collect()
    }

    pub(super) fn champion(&self) -> Option<u64> {
        self.registry.recorded().alias("fraud", "champion")
    }

    /// The next calls of the alias meet these, in order; `None` goes well.
    pub(super) fn meet(&self, faults: &[Option<Fault>]) {
        self.registry.faults().only(ALIAS);
        for fault in faults {
            let well = Fault::SlowBy(Duration::ZERO);
            self.registry.faults().then(fault.clone().unwrap_or(well));
        }
    }
}

pub(super) fn crashing(points: i64) -> (Pace, Arc<AtomicI64>) {
    let points = Arc::new(AtomicI64::new(points));
    let pace = Pace {
        moves_clock: true,
        points: Some(Arc::clone(&points)),
    };
    (pace, points)
}
