//! The load: kept connections, a bounded number of rows in a bounded time, loopback only.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::rows;
use crate::wire::Connection;

/// Rows in one measurement at most; bounds the memory of the bench.
pub const AT_MOST: usize = 3_000_000;

/// What to send.
#[derive(Clone)]
pub struct Plan {
    pub port: u16,
    pub path: &'static str,
    pub connections: usize,
    /// Rows in one request.
    pub rows: usize,
    /// Bytes by which each row is longer than a kilobyte.
    pub more: usize,
    /// The number of the first row.
    pub first: usize,
    /// For how long at most.
    pub lasts: Duration,
    /// Rows in all at most.
    pub at_most: usize,
    /// Rows a second; none is as fast as the answers come.
    pub pace: Option<usize>,
}

impl Plan {
    /// One row a request over 16 connections, as fast as the answers come.
    pub const ONE: Self = Self {
        port: 0,
        path: "",
        connections: 16,
        rows: 1,
        more: 0,
        first: 0,
        lasts: Duration::from_secs(5),
        at_most: AT_MOST,
        pace: None,
    };
    /// Fifty rows a request over 8 connections.
    pub const FIFTY: Self = Self {
        connections: 8,
        rows: 50,
        ..Self::ONE
    };
}

/// What became of it.
pub struct Sent {
    /// Rows in requests that were answered 202.
    pub accepted: usize,
    /// Requests answered otherwise.
    pub refused: usize,
    pub took: Duration,
    /// When each row from the first was sent, in microseconds since `began`; 0 for never.
    pub at: Vec<AtomicU32>,
}

impl Sent {
    pub fn per_second(&self) -> f64 {
        ratio(self.accepted, 1) / self.took.as_secs_f64()
    }
}

struct Shared {
    next: AtomicUsize,
    accepted: AtomicUsize,
    refused: AtomicUsize,
    at: Vec<AtomicU32>,
}

/// Sends until the time or the rows are used up.
pub async fn send(plan: &Plan, began: Instant) -> io::Result<Sent> {
    let shared = Arc::new(Shared {
        next: AtomicUsize::new(0),
        accepted: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        at: (0..plan.at_most).map(|_| AtomicU32::new(0)).collect(),
    });
    let start = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..plan.connections {
        let (plan, shared) = (plan.clone(), Arc::clone(&shared));
        workers.spawn(async move { one_connection(&plan, &shared, start, began).await });
    }
    while let Some(ended) = workers.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    let took = start.elapsed();
    let shared = Arc::into_inner(shared).ok_or_else(|| io::Error::other("a worker still runs"))?;
    Ok(Sent {
        accepted: shared.accepted.into_inner(),
        refused: shared.refused.into_inner(),
        took,
        at: shared.at,
    })
}

async fn one_connection(
    plan: &Plan,
    shared: &Shared,
    start: Instant,
    began: Instant,
) -> io::Result<()> {
    let mut connection = Connection::connect(plan.port).await?;
    while start.elapsed() < plan.lasts {
        let first = shared.next.fetch_add(plan.rows, Ordering::Relaxed);
        if first + plan.rows > plan.at_most {
            break;
        }
        if let Some(pace) = plan.pace {
            // Every row has its own moment, so that a slow answer does not slow the load.
            let due = Duration::from_secs(1).mul_f64(ratio(first, pace));
            tokio::time::sleep_until((start + due).into()).await;
        }
        let body = rows::body(plan.first + first, plan.rows, plan.more);
        let kind = if plan.rows == 1 {
            "application/json"
        } else {
            "application/x-ndjson"
        };
        let request = format!(
            "POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            plan.path,
            plan.port,
            body.len()
        );
        let now = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
        for at in shared.at.iter().skip(first).take(plan.rows) {
            at.store(now, Ordering::Relaxed);
        }
        connection.write(request.as_bytes()).await?;
        let Some(answer) = connection.message().await? else {
            return Err(io::Error::other("the server closed the connection"));
        };
        if answer.status() == 202 {
            shared.accepted.fetch_add(plan.rows, Ordering::Relaxed);
        } else {
            shared.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// `part / whole` of two counts.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "counts below 2^53"
)]
pub fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
