//! `cargo xtask bench`: durable signals a second, CPU and latency, as ratios to a bare server that
//! was written by hand and measured in the same run on the same machine.
//!
//! Absolute figures drift by tens of percent between machines and days; quote the ratios. The
//! generator and the receiver run in this process, each program under test in its own.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints a table and reads the clock"
)]

mod bare;
mod candidate;
mod load;
mod receiver;
mod rows;
mod wire;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::task::TaskTracker;

use candidate::{Candidate, Kind};
use load::{Plan, ratio};
use receiver::Arrivals;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// One row of the table for one program.
struct Figures {
    accepted_per_second: f64,
    cpu_per_million: f64,
    median_ms: f64,
    p99_ms: f64,
    peak_megabytes: f64,
    lost: usize,
    refused: usize,
}

impl Figures {
    /// The median of each figure, but all that was lost or refused; none of none.
    fn median(rounds: &[Self]) -> Option<Self> {
        let of = |figure: fn(&Self) -> f64| {
            let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied()
        };
        Some(Self {
            accepted_per_second: of(|round| round.accepted_per_second)?,
            cpu_per_million: of(|round| round.cpu_per_million)?,
            median_ms: of(|round| round.median_ms)?,
            p99_ms: of(|round| round.p99_ms)?,
            peak_megabytes: of(|round| round.peak_megabytes)?,
            lost: rounds.iter().map(|round| round.lost).sum(),
            refused: rounds.iter().map(|round| round.refused).sum(),
        })
    }
}

struct Row {
    name: &'static str,
    connections: usize,
    rows: usize,
    lasts: u64,
    pace: Option<usize>,
}

const ROWS: &[Row] = &[
    Row {
        name: "1 a request, 16 connections",
        connections: 16,
        rows: 1,
        lasts: 5,
        pace: None,
    },
    Row {
        name: "1 a request, 64 connections",
        connections: 64,
        rows: 1,
        lasts: 5,
        pace: None,
    },
    Row {
        name: "50 a request, 8 connections",
        connections: 8,
        rows: 50,
        lasts: 5,
        pace: None,
    },
    Row {
        name: "2,000/s, 16 connections",
        connections: 16,
        rows: 1,
        lasts: 5,
        pace: Some(2_000),
    },
];

/// How often each program is measured; the table shows medians.
const ROUNDS: usize = 3;
/// Rows in one measurement at most; bounds the memory of the bench.
const AT_MOST: usize = 3_000_000;
/// How long a program may take to deliver what it accepted.
const DRAIN: Duration = Duration::from_mins(1);

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match arguments.as_slice() {
        ["serve-bare", port, hec, log] => {
            Ok(runtime.block_on(bare::serve(port.parse()?, hec.parse()?, Path::new(log)))?)
        }
        ["serve-drop", port] => Ok(runtime.block_on(bare::serve_drop(port.parse()?))?),
        arguments => {
            let wanted = arguments
                .iter()
                .find_map(|argument| argument.strip_prefix("row="));
            let names: Vec<&str> = arguments
                .iter()
                .copied()
                .filter(|argument| !argument.contains('='))
                .collect();
            let rounds = arguments
                .iter()
                .find_map(|argument| argument.strip_prefix("rounds=")?.parse().ok());
            let chosen: Vec<Kind> = Kind::ALL
                .into_iter()
                .filter(|kind| names.is_empty() || names.contains(&kind.name()))
                .collect();
            if chosen.len() < names.len() {
                return Err(format!(
                    "programs are bare, drop, andon, then row=…, rounds=…; not {names:?}"
                )
                .into());
            }
            runtime.block_on(table(&chosen, wanted, rounds.unwrap_or(ROUNDS)))
        }
    }
}

/// `wanted` names the rows to measure by the beginning of their names.
async fn table(kinds: &[Kind], wanted: Option<&str>, rounds: usize) -> Outcome<()> {
    println!(
        "{:<30} {:<6} {:>12} {:>8} {:>12} {:>8} {:>8} {:>8} {:>6} {:>6} {:>7}",
        "",
        "",
        "accepted/s",
        "of bare",
        "CPU s/mill.",
        "of bare",
        "p50 ms",
        "p99 ms",
        "MB",
        "lost",
        "refused"
    );
    let wanted = |row: &&Row| wanted.is_none_or(|wanted| row.name.starts_with(wanted));
    for row in ROWS.iter().filter(wanted) {
        // The programs take turns, so that a slow minute of the machine meets all of them.
        let mut measured: Vec<Vec<Figures>> = kinds.iter().map(|_| Vec::new()).collect();
        for _ in 0..rounds {
            for (kind, own) in kinds.iter().zip(&mut measured) {
                own.extend(measure(*kind, row).await?);
            }
        }
        let mut yardstick: Option<Figures> = None;
        for (kind, own) in kinds.iter().zip(measured) {
            let Some(figures) = Figures::median(&own) else {
                println!("{:<30} {:<6} cannot be measured yet", row.name, kind.name());
                continue;
            };
            let of_bare = |own: f64, bare: fn(&Figures) -> f64| {
                yardstick.as_ref().map_or_else(
                    || "-".to_owned(),
                    |yardstick| format!("{:.2}", own / bare(yardstick)),
                )
            };
            println!(
                "{:<30} {:<6} {:>12.0} {:>8} {:>12.1} {:>8} {:>8.2} {:>8.2} {:>6.0} {:>6} {:>7}",
                row.name,
                kind.name(),
                figures.accepted_per_second,
                of_bare(figures.accepted_per_second, |bare| bare.accepted_per_second),
                figures.cpu_per_million,
                of_bare(figures.cpu_per_million, |bare| bare.cpu_per_million),
                figures.median_ms,
                figures.p99_ms,
                figures.peak_megabytes,
                figures.lost,
                figures.refused,
            );
            if *kind == Kind::Bare {
                yardstick = Some(figures);
            }
        }
    }
    println!(
        "\np50 and p99: from sending a row to its arrival at the receiver; they mean something at 2,000/s only.\nMedians of {rounds} rounds; lost and refused are sums."
    );
    Ok(())
}

async fn measure(kind: Kind, row: &Row) -> Outcome<Option<Figures>> {
    let began = Instant::now();
    let arrivals = Arc::new(Arrivals::new(began, AT_MOST));
    let hec = receiver::listen(Arc::clone(&arrivals), &TaskTracker::new()).await?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let Some(candidate) = Candidate::start(kind, hec, folder.path())? else {
        return Ok(None);
    };
    let plan = Plan {
        port: candidate.port,
        path: kind.path(),
        connections: row.connections,
        rows: row.rows,
        lasts: Duration::from_secs(row.lasts),
        at_most: AT_MOST,
        pace: row.pace,
    };
    let before = candidate.cpu_seconds()?;
    let sent = load::send(&plan, began).await?;
    if kind.delivers() {
        let until = Instant::now() + DRAIN;
        while arrivals.distinct() < sent.accepted && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let cpu = candidate.cpu_seconds()? - before;
    let mut waits: Vec<u32> = sent
        .at
        .iter()
        .enumerate()
        .filter_map(|(row, at)| {
            Some(
                arrivals
                    .at(row)?
                    .saturating_sub(at.load(std::sync::atomic::Ordering::Relaxed)),
            )
        })
        .collect();
    waits.sort_unstable();
    let millis = |percent: usize| {
        let place = waits.len().saturating_sub(1) * percent / 100;
        waits
            .get(place)
            .map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
    };
    Ok(Some(Figures {
        accepted_per_second: ratio(sent.accepted, 1) / sent.took.as_secs_f64(),
        cpu_per_million: cpu * 1_000_000.0 / ratio(sent.accepted.max(1), 1),
        median_ms: millis(50),
        p99_ms: millis(99),
        peak_megabytes: candidate.peak_megabytes()?,
        lost: if kind.delivers() {
            sent.accepted.saturating_sub(arrivals.distinct())
        } else {
            0
        },
        refused: sent.refused,
    }))
}
