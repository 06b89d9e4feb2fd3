//! Delivery as a whole: the built-in manifests, a real store, and the strict receivers.

mod acks;
mod answers;
mod meaning;
mod circuit;
mod partial;
mod items;
mod splunk;
mod azure;
mod pagerduty;
mod bulk;
mod order;
mod reading;
mod dead_letters;
mod resume;
mod halted;
mod tls;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, json};

use crate::alert::{Alert, Origin, Severity, State};
use crate::catalog::{self, Files};
use crate::clock::Clock;
use crate::connector::Of;
use crate::diag::{Faults, Source};
use crate::live::{Live, Snapshot};
use crate::store::{Options, Store, Times};
use crate::web;

/// A daemon's delivery, without the rest of it.
struct Scene {
    folder: tempfile::TempDir,
    clock: Clock,
    live: Arc<Live>,
    files: Files,
    connections: String,
}

const START: &str = "2026-11-23T08:00:00Z";

fn snapshot(files: &Files, folder: &Path, connections: &str, clock: &Clock) -> Snapshot {
    let client = web::Client::new(clock.clone(), web::Options::default());
    snapshot_with(&client, files, folder, connections, clock)
}

fn snapshot_with(
    client: &web::Client,
    files: &Files,
    folder: &Path,
    connections: &str,
    clock: &Clock,
) -> Snapshot {
    let text = format!(
        "andon: config/v1\nlisten: 127.0.0.1:7373\npublic_url: http://127.0.0.1:7373\nstore: andon.db\nconnections:\n{connections}\n"
    );
    let mut faults = Faults::new();
    let catalog = catalog::load(files, &Source::new("andon.yaml", text), &mut faults);
    let Some(catalog) = catalog else {
        panic!("{:#?}", faults.into_sorted());
    };
    Snapshot::new(catalog, folder, client, clock.clone()).unwrap()
}

fn open(folder: &Path, clock: &Clock) -> Store {
    let options = Options {
        lazy_wait: Duration::from_millis(2),
        ..Options::default()
    };
    Store::open(&folder.join("andon.db"), clock.clone(), options).unwrap()
}

impl Scene {
    /// With these lines under `connections:`, secrets in files of that name, and delivery running.
    fn begin(connections: &str, secrets: &[(&str, &str)]) -> Self {
        let scene = Self::idle(Files::built_in(), connections, secrets);
        super::start(&scene.live);
        scene
    }

    /// With delivery not yet running.
    fn idle(files: Files, connections: &str, secrets: &[(&str, &str)]) -> Self {
        let clock = Clock::stopped(START.parse().unwrap());
        Self::idle_at(clock, files, connections, secrets)
    }

    fn idle_at(clock: Clock, files: Files, connections: &str, secrets: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, secret) in secrets {
            std::fs::write(folder.path().join(name), secret).unwrap();
        }
        let made = snapshot(&files, folder.path(), connections, &clock);
        let live = Live::new(made, open(folder.path(), &clock), clock.clone());
        Self {
            folder,
            clock,
            live,
            files,
            connections: connections.to_owned(),
        }
    }

    /// As after a restart.
    async fn restarted(self) -> Self {
        self.stop().await;
        self.live.store.close().await;
        let made = snapshot(
            &self.files,
            self.folder.path(),
            &self.connections,
            &self.clock,
        );
        let store = open(self.folder.path(), &self.clock);
        let live = Live::new(made, store, self.clock.clone());
        super::start(&live);
        Self { live, ..self }
    }

    async fn stop(&self) {
        self.live.stop.cancel();
        self.live.tasks.close();
        within(self.live.tasks.wait()).await;
    }

    /// Keeps a revision of an alert, owed to a destination.
    async fn owe(&self, destination: &str, alert: &Alert) {
        self.owe_all(destination, std::slice::from_ref(alert)).await;
    }

    /// In one transaction.
    async fn owe_all(&self, destination: &str, alerts: &[Alert]) {
        let (to, alerts) = (destination.to_owned(), alerts.to_vec());
        let snapshot = self.live.snapshot();
        let connection = snapshot.catalog.config.connection(destination).unwrap();
        let state = connection.connector.deliver.as_ref().unwrap().of == Of::State;
        self.live
            .store
            .write(move |tx| {
                for alert in &alerts {
                    let revision = tx.put_alert(alert.clone(), Times::default())?;
                    tx.owe(&to, revision, state)?;
                }
                Ok(())
            })
            .await
            .unwrap();
        self.live.owed.ring();
    }

    fn alert(&self, name: &str) -> Alert {
        let now = self.clock.now();
        Alert {
            id: self.live.store.ids().next(now),
            revision: 1,
            state: State::Open,
            mapping: "evidently-column-drift".to_owned(),
            key: name.to_owned(),
            kind: "feature-drift".to_owned(),
            severity: Severity::High,
            title: format!("{name} has drifted"),
            summary: String::new(),
            at: now,
            revised_at: now,
            first_seen: now,
            last_seen: now,
            count: 1,
            model: json!({ "name": "loans", "environment": "production" })
                .as_object()
                .unwrap()
                .clone(),
            measured: Map::new(),
            fields: Map::new(),
            evidence: Map::new(),
            links: Vec::new(),
            contain: Vec::new(),
            origin: Origin {
                connection: "local".to_owned(),
                connector: "evidently".to_owned(),
                host: "reports.example.com".to_owned(),
            },
            signal: self.live.store.ids().next(now),
            closed: None,
            acknowledged: None,
            notes: Vec::new(),
            told: Vec::new(),
            caused_by: None,
        }
    }

    /// Waits until nothing is owed to a destination any more.
    async fn empty(&self, destination: &str) {
        within(async {
            while self.waiting(destination).await > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }

    async fn waiting(&self, destination: &str) -> u64 {
        self.standing(destination).await.waiting
    }

    async fn standing(&self, destination: &str) -> super::Standing {
        let all = super::standings(&self.live).await.unwrap();
        all.into_iter()
            .find(|standing| standing.destination == destination)
            .unwrap()
    }

    /// Waits until a destination's standing is so.
    async fn until(&self, destination: &str, holds: impl Fn(&super::Standing) -> bool) {
        within(async {
            while !holds(&self.standing(destination).await) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }

    /// The rows put off, and when each is tried again.
    async fn next_due(&self, destination: &'static str) -> Option<jiff::Timestamp> {
        let read = self
            .live
            .store
            .read(move |reader| reader.next_due(destination, jiff::Timestamp::UNIX_EPOCH));
        read.await.unwrap()
    }

    async fn dead(&self) -> Vec<crate::store::DeadLetter> {
        let read = self
            .live
            .store
            .read(|reader| reader.dead_letters(None, None, 100));
        read.await.unwrap()
    }

    fn passes(&self, time: Duration) {
        self.clock.advance(time);
        self.live.owed.ring();
    }
}

/// The built-in files with one manifest changed.
fn changed(connector: &str, replace: &[(&str, &str)]) -> Files {
    let mut files = Files::built_in();
    let path = format!("connectors/{connector}/connector.yaml");
    let mut text = String::from_utf8(files.get(&path).unwrap().bytes.to_vec()).unwrap();
    for (from, to) in replace {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    files.put(&path, &path, text.as_bytes());
    files
}

/// The next revision.
fn revised(alert: &Alert, state: State) -> Alert {
    Alert {
        revision: alert.revision + 1,
        state,
        ..alert.clone()
    }
}

/// A test that hangs fails.
async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work)
        .await
        .expect("it takes too long")
}

/// One connection of each kind, to nobody.
fn soc_alone() -> Scene {
    let connections = "  soc: { connector: splunk, url: \"https://hec.example.com\", token: { file: hec } }
  oncall: { connector: pagerduty, routing_key: { file: key } }
  logs: { connector: sentinel, url: \"https://in.example.com\", dcr: dcr-00000000000000000000000000000001, token_url: \"https://login.example.com/t\", client_id: c, client_secret: { file: app } }";
    Scene::idle(Files::built_in(), connections, &[])
}
