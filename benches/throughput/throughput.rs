//! Durable signals a second, CPU and latency, beside the bare server.

use std::io;

use crate::Outcome;
use crate::candidate::Kind;
use crate::house::{House, MAPPING};
use crate::load::Plan;
use crate::run::{Figures, Run};
use crate::settings::Settings;

struct Row {
    name: &'static str,
    plan: Plan,
    /// What Andon shall hold, of bare.
    hold: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        name: "1 a request, 16 connections",
        plan: Plan::ONE,
        hold: "rate >= 0.60, CPU <= 1.60",
    },
    Row {
        name: "1 a request, 64 connections",
        plan: Plan {
            connections: 64,
            ..Plan::ONE
        },
        hold: "rate >= 0.60, CPU <= 1.60",
    },
    Row {
        name: "50 a request, 8 connections",
        plan: Plan::FIFTY,
        hold: "rate >= 0.40, CPU <= 2.50",
    },
    Row {
        name: "2,000/s, 16 connections",
        plan: Plan {
            pace: Some(2_000),
            ..Plan::ONE
        },
        hold: "p99 <= 3.00",
    },
];

pub async fn table(settings: &Settings) -> Outcome<()> {
    println!(
        "{:<30} {:<6} {:>12} {:>8} {:>12} {:>8} {:>8} {:>8} {:>8} {:>6} {:>6} {:>7}  hold, of bare",
        "",
        "",
        "accepted/s",
        "of bare",
        "CPU s/mill.",
        "of bare",
        "p50 ms",
        "p99 ms",
        "of bare",
        "MB",
        "lost",
        "refused"
    );
    let wanted = |row: &&Row| {
        let wanted = settings.row.as_ref();
        wanted.is_none_or(|wanted| row.name.starts_with(wanted))
    };
    for row in ROWS.iter().filter(wanted) {
        // The programs take turns, so that a slow minute of the machine meets all of them.
        let mut measured: Vec<Vec<Figures>> = settings.kinds.iter().map(|_| Vec::new()).collect();
        for _ in 0..settings.rounds {
            for (kind, own) in settings.kinds.iter().zip(&mut measured) {
                let run = Run::start(*kind, |hec| furnish(*kind, hec)).await?;
                own.push(run.measure(&settings.lasting(&row.plan)).await?);
            }
        }
        let mut yardstick: Option<Figures> = None;
        for (kind, own) in settings.kinds.iter().zip(measured) {
            let Some(figures) = Figures::median(&own) else {
                continue;
            };
            let of_bare = |figure: fn(&Figures) -> f64| {
                yardstick.as_ref().map_or_else(
                    || "-".to_owned(),
                    |yardstick| format!("{:.2}", figure(&figures) / figure(yardstick)),
                )
            };
            let hold = if *kind == Kind::Andon { row.hold } else { "" };
            println!(
                "{:<30} {:<6} {:>12.0} {:>8} {:>12.1} {:>8} {:>8.2} {:>8.2} {:>8} {:>6.0} {:>6} {:>7}  {hold}",
                row.name,
                kind.name(),
                figures.accepted_per_second,
                of_bare(|figures| figures.accepted_per_second),
                figures.cpu_per_million,
                of_bare(|figures| figures.cpu_per_million),
                figures.median_ms,
                figures.p99_ms,
                of_bare(|figures| figures.p99_ms),
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
        "\np50 and p99: from sending a row to its arrival at the receiver; they mean something at 2,000/s only.\nMedians of {} rounds; lost and refused are sums.",
        settings.rounds
    );
    Ok(())
}

fn furnish(kind: Kind, hec: u16) -> io::Result<House> {
    match kind {
        Kind::Bare | Kind::Drop => House::new(),
        Kind::Andon => House::of_rows(hec, MAPPING),
    }
}
