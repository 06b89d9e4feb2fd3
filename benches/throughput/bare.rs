//! The yardstick: a server by hand that does what Andon promises, with nothing of what makes Andon
//! useful. It accepts the same requests, parses, maps in Rust code, appends to a log, answers 202
//! after a shared `fdatasync`, and forwards to the same HEC receiver in batches.
//!
//! Beside it stands the floor: a server that accepts and drops, for information.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::thread;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::wire::Connection;

/// Requests that wait for their sync, and batches that wait for the receiver, at most.
const WAITING: usize = 1_024;
/// Bytes and events of one post to the receiver.
const BATCH_EVENTS: usize = 500;
/// How long the forwarder waits for company.
const LINGER: Duration = Duration::from_millis(1);

/// The ten fields that the mapping reads; serde skips the rest.
#[derive(Deserialize)]
struct Row<'a> {
    id: &'a str,
    status: &'a str,
    metric: &'a str,
    value: f64,
    threshold: f64,
    method: &'a str,
    dataset: &'a str,
    column: &'a str,
    at: &'a str,
    path: &'a str,
    model: &'a str,
    environment: &'a str,
}

/// What one request owes: its envelopes, ready to send, and who waits for the sync.
struct Owed {
    envelopes: Vec<u8>,
    events: usize,
    synced: oneshot::Sender<()>,
}

struct Batch {
    envelopes: Vec<u8>,
    events: usize,
}

/// Serves on `port` until the process ends.
pub async fn serve(port: u16, hec: u16, log: &Path) -> io::Result<()> {
    let (owe, owed) = mpsc::channel(WAITING);
    let (forward, batches) = mpsc::channel(WAITING);
    let log = File::options().create(true).append(true).open(log)?;
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || append(log, owed, &forward))?;
    let tasks = TaskTracker::new();
    tasks.spawn(deliver(hec, batches));
    listen(port, &tasks, move |request| accept(request, owe.clone())).await
}

/// Accepts every request and keeps nothing.
pub async fn serve_drop(port: u16) -> io::Result<()> {
    let drop_it = |request: Request<Incoming>| async move {
        match request.into_body().collect().await {
            Ok(_) => StatusCode::ACCEPTED,
            Err(_) => StatusCode::BAD_REQUEST,
        }
    };
    listen(port, &TaskTracker::new(), drop_it).await
}

async fn listen<A>(
    port: u16,
    tasks: &TaskTracker,
    answer: impl Fn(Request<Incoming>) -> A + Clone + Send + 'static,
) -> io::Result<()>
where
    A: Future<Output = StatusCode> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answer = answer.clone();
        tasks.spawn(async move {
            let service = service_fn(move |request| {
                let status = answer(request);
                async move {
                    let mut response = Response::new(Empty::<Bytes>::new());
                    *response.status_mut() = status.await;
                    Ok::<_, Infallible>(response)
                }
            });
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
        });
    }
}

async fn accept(request: Request<Incoming>, owe: mpsc::Sender<Owed>) -> StatusCode {
    let Ok(body) = request.into_body().collect().await else {
        return StatusCode::BAD_REQUEST;
    };
    let body = body.to_bytes();
    let mut envelopes = Vec::with_capacity(body.len());
    let mut events = 0;
    for line in body.split(|byte| *byte == b'\n') {
        match serde_json::from_slice::<Row>(line) {
            Ok(row) => {
                if map(&row, &mut envelopes).is_err() {
                    return StatusCode::BAD_REQUEST;
                }
                events += 1;
            }
            Err(_) => return StatusCode::BAD_REQUEST,
        }
    }
    let (synced, wait) = oneshot::channel();
    let owed = Owed {
        envelopes,
        events,
        synced,
    };
    if owe.send(owed).await.is_err() || wait.await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::ACCEPTED
}

/// Three conditions, ten fields, two texts.
fn map(row: &Row, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let (kind, severity) = if row.metric == "ValueDrift" && row.value >= 0.5 {
        ("feature-drift", "high")
    } else if row.status == "FAIL" {
        ("feature-drift", "medium")
    } else {
        ("data-quality", "low")
    };
    let title = format!(
        "{} of {} has drifted from its reference",
        row.column, row.dataset
    );
    let summary = format!(
        "{} of {} is {:.2} by {}, over {:.2}, in {}",
        row.metric, row.column, row.value, row.method, row.threshold, row.environment
    );
    serde_json::to_writer(
        &mut *out,
        &serde_json::json!({
            "time": row.at, "host": "bare", "source": "bare", "sourcetype": "ocsf:andon",
            "event": {
                "id": row.id, "kind": kind, "severity": severity, "title": title, "summary": summary,
                "dataset": row.dataset, "column": row.column, "value": row.value, "threshold": row.threshold,
                "method": row.method, "model": row.model, "environment": row.environment, "path": row.path,
            },
        }),
    )?;
    out.push(b'\n');
    Ok(())
}

/// Writes what waits, syncs once, answers all, and hands the events on.
fn append(mut log: File, mut owed: mpsc::Receiver<Owed>, forward: &mpsc::Sender<Batch>) {
    let mut together = Vec::new();
    let mut bytes = Vec::new();
    while let Some(first) = owed.blocking_recv() {
        together.push(first);
        while let Ok(next) = owed.try_recv() {
            together.push(next);
        }
        bytes.clear();
        for owed in &together {
            bytes.extend_from_slice(&owed.envelopes);
        }
        if log
            .write_all(&bytes)
            .and_then(|()| log.sync_data())
            .is_err()
        {
            // Nobody is answered: what is not durable is not accepted.
            return;
        }
        for owed in together.drain(..) {
            // A caller that went away still has its events delivered.
            let _ = owed.synced.send(());
            let batch = Batch {
                envelopes: owed.envelopes,
                events: owed.events,
            };
            if forward.blocking_send(batch).is_err() {
                return;
            }
        }
    }
}

/// Posts in batches, one after the other; what was not answered 200 is sent again.
async fn deliver(hec: u16, mut batches: mpsc::Receiver<Batch>) {
    let mut connection = None;
    while let Some(Batch {
        mut envelopes,
        mut events,
    }) = batches.recv().await
    {
        let until = tokio::time::Instant::now() + LINGER;
        while events < BATCH_EVENTS {
            match tokio::time::timeout_at(until, batches.recv()).await {
                Ok(Some(more)) => {
                    envelopes.extend_from_slice(&more.envelopes);
                    events += more.events;
                }
                Ok(None) | Err(_) => break,
            }
        }
        while !post(&mut connection, hec, &envelopes).await {
            connection = None;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn post(connection: &mut Option<Connection>, hec: u16, envelopes: &[u8]) -> bool {
    let mut open = match connection.take() {
        Some(open) => open,
        None => match Connection::connect(hec).await {
            Ok(open) => open,
            Err(_) => return false,
        },
    };
    let head = format!(
        "POST /services/collector/event HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Splunk bench\r\nContent-Length: {}\r\n\r\n",
        envelopes.len()
    );
    let answered = open.write(head.as_bytes()).await.is_ok()
        && open.write(envelopes).await.is_ok()
        && matches!(open.message().await, Ok(Some(answer)) if answer.status() == 200);
    if answered {
        *connection = Some(open);
    }
    answered
}
