//! How many signals the store makes durable in a second, beside a bare journal that does the same
//! with nothing of what makes it useful.
//!
//! Run it with `cargo bench --bench store`. Compare figures of one run only.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use andon::alert::{Alert, Origin, Severity, State};
use andon::clock::Clock;
use andon::signal::{Raw, Signal, SignalName};
use andon::store::{Error, Options, RawRef, Sighting, Standing, Store, Times};
use andon::untrusted::Untrusted;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

const LONG: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let clock = Clock::system();
    println!("signals/s (signals a sync), each with 1 KB of body, its own alert, one delivery");
    println!(
        "{:>8} {:>22} {:>22} {:>22}",
        "waiting", "store", "store, one key", "journal"
    );
    for waiting in [1, 16, 64, 256] {
        let own = runtime.block_on(store(&clock, waiting, false))?;
        let one = runtime.block_on(store(&clock, waiting, true))?;
        let journal = runtime.block_on(journal(&clock, waiting))?;
        println!("{waiting:>8} {own:>22} {one:>22} {journal:>22}");
    }
    runtime.block_on(batches(&clock))?;
    runtime.block_on(backlog(&clock))?;
    Ok(())
}

fn folder() -> std::io::Result<tempfile::TempDir> {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))
}

fn rate(count: u64, syncs: u64, took: Duration) -> String {
    let per_second = u128::from(count) * 1000 / took.as_millis().max(1);
    format!("{per_second} ({})", count / syncs.max(1))
}

async fn store(
    clock: &Clock,
    waiting: usize,
    one_key: bool,
) -> Result<String, Box<dyn std::error::Error>> {
    let folder = folder()?;
    let store = Store::open(
        &folder.path().join("andon.db"),
        clock.clone(),
        Options::default(),
    )?;
    let done = Arc::new(AtomicU64::new(0));
    let begun = clock.steady();
    let mut tasks = JoinSet::new();
    for _ in 0..waiting {
        let (store, clock, done) = (store.clone(), clock.clone(), Arc::clone(&done));
        tasks.spawn(async move {
            while clock.steady().saturating_sub(begun) < LONG {
                let number = done.fetch_add(1, Ordering::Relaxed);
                keep(&store, &clock, number, one_key).await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let took = clock.steady().saturating_sub(begun);
    let answer = rate(done.load(Ordering::Relaxed), store.syncs(), took);
    store.close().await;
    Ok(answer)
}

/// What intake and triage do with one signal, less the judging.
async fn keep(store: &Store, clock: &Clock, number: u64, one_key: bool) -> Result<(), Error> {
    let (signal, raw) = signal(store, clock, number);
    let alert = alert(store, &signal, if one_key { 0 } else { number });
    store.write(move |tx| put(tx, &signal, &raw, &alert)).await
}

fn put(
    tx: &mut andon::store::Tx<'_>,
    signal: &Signal,
    raw: &Raw,
    alert: &Alert,
) -> Result<(), Error> {
    let since = signal
        .received_at
        .saturating_sub(jiff::SignedDuration::from_hours(1));
    let repeat = tx.repeat_of(
        &signal.connection,
        &signal.name,
        &signal.vendor_id,
        since.unwrap_or(signal.received_at),
    )?;
    if repeat.is_some() {
        return Ok(());
    }
    if let Some(open) = tx.open_alert(&alert.key)? {
        let id = open.id;
        drop(open);
        tx.count(
            id,
            Sighting {
                signal: signal.id,
                at: signal.at,
                seen: signal.received_at,
                quiet_at: None,
                measured: None,
                evidence: None,
            },
        )?;
        return tx.insert_signal(signal, RawRef::Own(raw), Standing::Read(&[id]));
    }
    let revision = tx.put_alert(alert.clone(), Times::default())?;
    tx.owe("soc", revision, false)?;
    tx.insert_signal(signal, RawRef::Own(raw), Standing::Read(&[alert.id]))
}

/// Fifty signals in one request: one body, one job.
async fn batches(clock: &Clock) -> Result<(), Box<dyn std::error::Error>> {
    let folder = folder()?;
    let store = Store::open(
        &folder.path().join("andon.db"),
        clock.clone(),
        Options::default(),
    )?;
    let done = Arc::new(AtomicU64::new(0));
    let begun = clock.steady();
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (store, clock, done) = (store.clone(), clock.clone(), Arc::clone(&done));
        tasks.spawn(async move {
            while clock.steady().saturating_sub(begun) < LONG {
                let first = done.fetch_add(50, Ordering::Relaxed);
                let all: Vec<_> = (first..first + 50)
                    .map(|number| {
                        let (signal, raw) = signal(&store, &clock, number);
                        let alert = alert(&store, &signal, number);
                        (signal, raw, alert)
                    })
                    .collect();
                store
                    .write(move |tx| {
                        all.iter()
                            .try_for_each(|(signal, raw, alert)| put(tx, signal, raw, alert))
                    })
                    .await?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let took = clock.steady().saturating_sub(begun);
    println!(
        "50 a job, 8 waiting: {}",
        rate(done.load(Ordering::Relaxed), store.syncs(), took)
    );
    store.close().await;
    Ok(())
}

/// New signals while many deliveries wait, and how long it takes to ask what is due.
async fn backlog(clock: &Clock) -> Result<(), Box<dyn std::error::Error>> {
    let folder = folder()?;
    let store = Store::open(
        &folder.path().join("andon.db"),
        clock.clone(),
        Options::default(),
    )?;
    let most: u64 = std::env::var("BACKLOG")
        .ok()
        .and_then(|most| most.parse().ok())
        .unwrap_or(200_000);
    let mut number = 0;
    println!("new signals beside a backlog, 64 waiting; microseconds to ask for 500 due");
    for rows in [0, most] {
        while number < rows {
            let all: Vec<_> = (number..number + 1000)
                .map(|number| {
                    let (signal, raw) = signal(&store, clock, number);
                    let alert = alert(&store, &signal, number);
                    (signal, raw, alert)
                })
                .collect();
            number += 1000;
            store
                .write(move |tx| {
                    all.iter()
                        .try_for_each(|(signal, raw, alert)| put(tx, signal, raw, alert))
                })
                .await?;
        }
        let done = Arc::new(AtomicU64::new(0));
        let syncs = store.syncs();
        let begun = clock.steady();
        let mut tasks = JoinSet::new();
        for _ in 0..64 {
            let (store, clock, done) = (store.clone(), clock.clone(), Arc::clone(&done));
            let base = number + 1_000_000_000;
            tasks.spawn(async move {
                while clock.steady().saturating_sub(begun) < LONG {
                    let number = base + done.fetch_add(1, Ordering::Relaxed);
                    keep(&store, &clock, number, false).await?;
                }
                Ok::<_, Error>(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        let took = clock.steady().saturating_sub(begun);
        let answer = rate(done.load(Ordering::Relaxed), store.syncs() - syncs, took);
        let begun = clock.steady();
        let now = clock.now();
        let due = store
            .read(move |reader| reader.due("soc", now, 0, 500))
            .await?;
        let asked = clock.steady().saturating_sub(begun).as_micros();
        println!("{rows:>8} {answer:>22} {asked:>8} for {}", due.ready.len());
    }
    store.close().await;
    Ok(())
}

/// One record of an append-only file for each signal, synced in groups.
async fn journal(clock: &Clock, waiting: usize) -> Result<String, Box<dyn std::error::Error>> {
    let folder = folder()?;
    let (send, receive) = mpsc::channel::<(Vec<u8>, oneshot::Sender<()>)>();
    let syncs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&syncs);
    let file = folder.path().join("journal");
    let writer = std::thread::spawn(move || append(&file, &receive, &counted));
    let scratch = Store::open(
        &folder.path().join("andon.db"),
        clock.clone(),
        Options::default(),
    )?;
    let done = Arc::new(AtomicU64::new(0));
    let begun = clock.steady();
    let mut tasks = JoinSet::new();
    for _ in 0..waiting {
        let (send, clock, done, store) = (
            send.clone(),
            clock.clone(),
            Arc::clone(&done),
            scratch.clone(),
        );
        tasks.spawn(async move {
            while clock.steady().saturating_sub(begun) < LONG {
                let number = done.fetch_add(1, Ordering::Relaxed);
                let (signal, raw) = signal(&store, &clock, number);
                let alert = alert(&store, &signal, number);
                let mut record = raw.body.into_data();
                let _ = serde_json::to_writer(&mut record, signal.data.as_data());
                let _ = serde_json::to_writer(&mut record, &alert);
                let (tell, told) = oneshot::channel();
                let _ = send.send((record, tell));
                let _ = told.await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task?;
    }
    let took = clock.steady().saturating_sub(begun);
    drop(send);
    let _ = writer.join();
    scratch.close().await;
    Ok(rate(
        done.load(Ordering::Relaxed),
        syncs.load(Ordering::Relaxed),
        took,
    ))
}

fn append(
    path: &Path,
    receive: &mpsc::Receiver<(Vec<u8>, oneshot::Sender<()>)>,
    syncs: &AtomicU64,
) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    while let Ok(first) = receive.recv() {
        let mut group = vec![first];
        group.extend(receive.try_iter().take(511));
        let mut bytes = Vec::new();
        for (record, _) in &group {
            bytes.extend_from_slice(&u64::try_from(record.len()).unwrap_or(0).to_le_bytes());
            bytes.extend_from_slice(record);
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
        syncs.fetch_add(1, Ordering::Relaxed);
        for (_, tell) in group {
            let _ = tell.send(());
        }
    }
    Ok(())
}

fn signal(store: &Store, clock: &Clock, number: u64) -> (Signal, Raw) {
    let now = clock.now();
    let data = json!({
        "status": "FAIL", "metric": "ValueDrift", "value": 0.52, "threshold": 0.1, "method": "psi",
        "dataset": "loans", "column": format!("column_{number}"), "at": "2026-11-23T08:00:00Z",
        "path": "reports/loans/1.json",
        "description": "x".repeat(700),
    });
    // Spaced as Python writes it, so that body and data differ.
    let body = data.to_string().replace("\":", "\": ").into_bytes();
    let signal = Signal {
        id: store.ids().next(now),
        connection: "local".to_owned(),
        name: SignalName {
            connector: "evidently".to_owned(),
            signal: "test".to_owned(),
        },
        vendor_id: format!("loans-{number}"),
        at: now,
        received_at: now,
        now,
        change: None,
        echo_of: None,
        data: Untrusted::new(data.into()),
    };
    let raw = Raw {
        body: Untrusted::new(body),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        path: None,
    };
    (signal, raw)
}

fn alert(store: &Store, signal: &Signal, key: u64) -> Alert {
    let map = |value: Value| match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    Alert {
        id: store.ids().next(signal.now),
        revision: 1,
        state: State::Open,
        mapping: "evidently-column-drift".to_owned(),
        key: format!("evidently-column-drift\u{1f}loans\u{1f}column_{key}"),
        kind: "feature-drift".to_owned(),
        severity: Severity::High,
        title: format!("column_{key} of loans has drifted from its reference"),
        summary: String::new(),
        at: signal.at,
        revised_at: signal.now,
        first_seen: signal.received_at,
        last_seen: signal.received_at,
        count: 1,
        model: map(json!({ "name": "loans", "environment": "production" })),
        measured: map(json!({ "what": "psi", "value": 0.52, "limit": 0.1 })),
        fields: map(
            json!({ "dataset": "loans", "column": format!("column_{key}"), "value": 0.52 }),
        ),
        evidence: map(json!({ "report": "reports/loans/1.json" })),
        links: Vec::new(),
        contain: Vec::new(),
        origin: Origin {
            connection: "local".to_owned(),
            connector: "evidently".to_owned(),
            host: "localhost".to_owned(),
        },
        signal: signal.id,
        closed: None,
        acknowledged: None,
        notes: Vec::new(),
        told: Vec::new(),
        caused_by: None,
    }
}
