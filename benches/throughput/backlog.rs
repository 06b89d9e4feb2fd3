//! A destination that is down: nobody listens where the events go, so that every row waits. The
//! yardstick is the same daemon before anything waited.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::api::Api;
use crate::candidate::{Candidate, Kind};
use crate::house::{House, MAPPING, free_port};
use crate::load::{self, Plan, Sent};
use crate::run::median;
use crate::settings::Settings;

/// Rows of one measurement at most, beside a tenth of the backlog: so that what is called empty is.
const PROBE: usize = 20_000;
/// What a measurement may take at most, and what filling may.
const LONG: Duration = Duration::from_mins(1);
const FILL: Duration = Duration::from_mins(5);

/// What was measured while so many rows waited.
struct Point {
    waiting: usize,
    one: f64,
    fifty: f64,
    resident_megabytes: f64,
}

/// A daemon whose receiver is closed, and the number of its next row.
struct Stalled {
    // In this order: the program ends before its folder goes.
    candidate: Candidate,
    house: House,
    next: usize,
    accepted: usize,
    refused: usize,
}

pub async fn table(settings: &Settings) -> Outcome<()> {
    println!(
        "{:<14} {:>14} {:>9} {:>14} {:>9} {:>12} {:>6} {:>6} {:>7}  hold",
        "waiting rows",
        "1 a request/s",
        "of empty",
        "50 a request/s",
        "of empty",
        "resident MB",
        "times",
        "lost",
        "refused"
    );
    let rows = PROBE.min(settings.backlog / 10).max(50);
    let mut stalled = Stalled::start()?;
    let mut empty = vec![stalled.point(rows).await?];
    for _ in 1..settings.rounds {
        // A fresh one each: what was measured before waits now.
        stalled = Stalled::start()?;
        empty.push(stalled.point(rows).await?);
    }
    let missing = settings.backlog.saturating_sub(stalled.next);
    stalled.send(&Plan::FIFTY, missing, FILL).await?;
    let mut full = Vec::new();
    for _ in 0..settings.rounds {
        full.push(stalled.point(rows).await?);
    }
    let lost = stalled.lost().await?;
    let Some((empty, full)) = Point::median(&empty).zip(Point::median(&full)) else {
        return Ok(());
    };
    println!(
        "{:<14} {:>14.0} {:>9} {:>14.0} {:>9} {:>12.1}",
        empty.waiting, empty.one, "-", empty.fifty, "-", empty.resident_megabytes
    );
    println!(
        "{:<14} {:>14.0} {:>9.2} {:>14.0} {:>9.2} {:>12.1} {:>6.2} {:>6} {:>7}  rate >= 0.80 of empty (aim 0.95), memory flat",
        full.waiting,
        full.one,
        full.one / empty.one,
        full.fifty,
        full.fifty / empty.fifty,
        full.resident_megabytes,
        full.resident_megabytes / empty.resident_megabytes,
        lost,
        stalled.refused,
    );
    println!(
        "\nMedians of {} times {rows} rows 1 a request and {rows} rows 50 a request; memory after each. Lost: accepted and not among the deliveries that wait.",
        settings.rounds
    );
    Ok(())
}

impl Point {
    fn median(points: &[Self]) -> Option<Self> {
        let of = |figure: fn(&Self) -> f64| median(points.iter().map(figure).collect());
        Some(Self {
            waiting: points.iter().map(|point| point.waiting).min()?,
            one: of(|point| point.one)?,
            fifty: of(|point| point.fifty)?,
            resident_megabytes: of(|point| point.resident_megabytes)?,
        })
    }
}

impl Stalled {
    fn start() -> Outcome<Self> {
        let closed = free_port()?;
        let mut house = House::of_rows(closed, MAPPING)?;
        // That the receiver cannot be reached is meant.
        house.log = "error";
        Ok(Self {
            candidate: Candidate::start(Kind::Andon, closed, &house)?,
            house,
            next: 0,
            accepted: 0,
            refused: 0,
        })
    }

    async fn point(&mut self, rows: usize) -> Outcome<Point> {
        let waiting = self.accepted;
        let one = self.send(&Plan::ONE, rows, LONG).await?.per_second();
        let fifty = self.send(&Plan::FIFTY, rows, LONG).await?.per_second();
        Ok(Point {
            waiting,
            one,
            fifty,
            resident_megabytes: self.candidate.resident_megabytes()?,
        })
    }

    async fn send(&mut self, plan: &Plan, rows: usize, lasts: Duration) -> Outcome<Sent> {
        let plan = Plan {
            port: self.candidate.port,
            path: Kind::Andon.path(),
            first: self.next,
            at_most: rows,
            lasts,
            ..plan.clone()
        };
        let sent = load::send(&plan, Instant::now()).await?;
        self.next += rows;
        self.accepted += sent.accepted;
        self.refused += sent.refused;
        Ok(sent)
    }

    async fn lost(&self) -> Outcome<usize> {
        let mut api = Api::of(&self.house).await?;
        let waiting = api.count("/deliveries/waiting").await?;
        Ok(self.accepted.saturating_sub(waiting))
    }
}
