//! What the store promises, checked on real files.

mod writing;
mod memory;
mod crash;
mod backup;
mod damage;
mod jump;
mod signals;
mod alerts;
mod outbox;
mod fresh;
mod containment;
mod polled;
mod audit;
mod retention;
mod over;
mod heard;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, json};

use super::{Options, RawRef, Standing, Store, Times, Tx};
use crate::alert::{Alert, Origin, Severity, State};
use crate::clock::Clock;
use crate::signal::{Raw, Signal, SignalName};
use crate::untrusted::Untrusted;

/// A store in a folder of its own, on a stopped clock.
struct Scratch {
    folder: tempfile::TempDir,
    clock: Clock,
    store: Store,
}

fn scratch() -> Scratch {
    scratch_with(options())
}

fn scratch_with(options: Options) -> Scratch {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::stopped(time("2026-11-23T08:00:00Z"));
    let store = Store::open(&folder.path().join("andon.db"), clock.clone(), options).unwrap();
    Scratch {
        folder,
        clock,
        store,
    }
}

fn options() -> Options {
    Options {
        lazy_wait: Duration::from_millis(5),
        ..Options::default()
    }
}

impl Scratch {
    /// As after a restart.
    async fn reopened(self) -> Self {
        self.store.close().await;
        let Self { folder, clock, .. } = self;
        let path = folder.path().join("andon.db");
        let store = Store::open(&path, clock.clone(), options()).unwrap();
        Self {
            folder,
            clock,
            store,
        }
    }

    fn after(&self, seconds: i64) -> Timestamp {
        self.clock.now() + jiff::SignedDuration::from_secs(seconds)
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn name() -> SignalName {
    SignalName {
        connector: "evidently".to_owned(),
        signal: "test".to_owned(),
    }
}

fn signal(tx: &Tx<'_>, vendor_id: &str) -> Signal {
    Signal {
        id: tx.next_id(),
        connection: "local".to_owned(),
        name: name(),
        vendor_id: vendor_id.to_owned(),
        at: time("2026-11-23T07:59:59.123456789Z"),
        received_at: tx.now(),
        now: tx.now(),
        change: None,
        echo_of: None,
        data: Untrusted::new(json!({ "column": vendor_id, "value": 0.52 }).into()),
    }
}

fn raw() -> Raw {
    Raw {
        body: Untrusted::new(br#"{ "as": "it came" }"#.to_vec()),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        path: Some("reports/1.json".to_owned()),
    }
}

/// Keeps a signal that was read and counts in nothing.
fn keep(tx: &mut Tx<'_>, vendor_id: &str) -> Result<Signal, super::Error> {
    let signal = signal(tx, vendor_id);
    tx.insert_signal(&signal, RawRef::Own(&raw()), Standing::Read(&[]))?;
    Ok(signal)
}

fn alert(tx: &Tx<'_>, key: &str) -> Alert {
    Alert {
        id: tx.next_id(),
        revision: 1,
        state: State::Open,
        mapping: "column-drift".to_owned(),
        key: key.to_owned(),
        kind: "feature-drift".to_owned(),
        severity: Severity::Medium,
        title: format!("{key} has drifted"),
        summary: String::new(),
        at: tx.now(),
        revised_at: tx.now(),
        first_seen: tx.now(),
        last_seen: tx.now(),
        count: 1,
        model: Map::new(),
        measured: json!({ "value": 0.5 }).as_object().unwrap().clone(),
        fields: Map::new(),
        evidence: Map::new(),
        links: Vec::new(),
        contain: Vec::new(),
        origin: Origin {
            connection: "local".to_owned(),
            connector: "evidently".to_owned(),
            host: "localhost".to_owned(),
        },
        signal: tx.next_id(),
        closed: None,
        acknowledged: None,
        notes: Vec::new(),
        told: Vec::new(),
        caused_by: None,
    }
}

/// Opens an alert that is owed to `destination`.
fn open_and_owe(
    tx: &mut Tx<'_>,
    key: &str,
    destination: &str,
) -> Result<(Alert, i64), super::Error> {
    let alert = alert(tx, key);
    let revision = tx.put_alert(alert.clone(), Times::default())?;
    let seq = tx.owe(destination, revision, false)?;
    Ok((alert, seq))
}

/// The next revision of an alert.
fn revised(alert: &Alert, state: State) -> Alert {
    Alert {
        revision: alert.revision + 1,
        state,
        ..alert.clone()
    }
}
