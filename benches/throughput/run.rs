//! One program under one load, from its start until what it accepted has arrived.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::candidate::{Candidate, Kind};
use crate::house::House;
use crate::load::{self, AT_MOST, Plan, ratio};
use crate::receiver::{Arrivals, Receiver};

/// How long a program may take to deliver what it accepted.
const DRAIN: Duration = Duration::from_mins(1);

/// What was measured of one program.
pub struct Figures {
    pub accepted_per_second: f64,
    pub cpu_per_million: f64,
    pub median_ms: f64,
    pub p99_ms: f64,
    pub peak_megabytes: f64,
    pub accepted: usize,
    pub lost: usize,
    pub refused: usize,
}

impl Figures {
    /// The median of each figure, but all that was accepted, lost or refused; none of none.
    pub fn median(rounds: &[Self]) -> Option<Self> {
        let of = |figure: fn(&Self) -> f64| median(rounds.iter().map(figure).collect());
        Some(Self {
            accepted_per_second: of(|round| round.accepted_per_second)?,
            cpu_per_million: of(|round| round.cpu_per_million)?,
            median_ms: of(|round| round.median_ms)?,
            p99_ms: of(|round| round.p99_ms)?,
            peak_megabytes: of(|round| round.peak_megabytes)?,
            accepted: rounds.iter().map(|round| round.accepted).sum(),
            lost: rounds.iter().map(|round| round.lost).sum(),
            refused: rounds.iter().map(|round| round.refused).sum(),
        })
    }
}

/// The one in the middle.
pub fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// The figure that so many of a hundred do not exceed; 0 of none.
pub fn percentile(figures: &mut [f64], percent: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    let place = figures.len().saturating_sub(1) * percent / 100;
    figures.get(place).copied().unwrap_or(0.0)
}

/// A program that runs in a house of its own and sends to a receiver of its own.
pub struct Run {
    kind: Kind,
    began: Instant,
    arrivals: Arc<Arrivals>,
    _receiver: Receiver,
    pub candidate: Candidate,
    // The last: the program ends before its folder goes.
    pub house: House,
}

impl Run {
    /// `furnish` makes the house for a receiver's port.
    pub async fn start(
        kind: Kind,
        furnish: impl FnOnce(u16) -> io::Result<House>,
    ) -> Outcome<Self> {
        let began = Instant::now();
        let arrivals = Arc::new(Arrivals::new(began, AT_MOST));
        let receiver = Receiver::start(Arc::clone(&arrivals)).await?;
        let house = furnish(receiver.port)?;
        Ok(Self {
            kind,
            began,
            arrivals,
            candidate: Candidate::start(kind, receiver.port, &house)?,
            _receiver: receiver,
            house,
        })
    }

    /// Sends, waits until it arrived, and says what it took. The rows are lost that did not arrive.
    pub async fn measure(&self, plan: &Plan) -> Outcome<Figures> {
        self.figures(plan, self.kind.delivers()).await
    }

    /// The same where many rows make one event, so that arrivals do not tell what was lost.
    pub async fn measure_merged(&self, plan: &Plan) -> Outcome<Figures> {
        self.figures(plan, false).await
    }

    async fn figures(&self, plan: &Plan, each_arrives: bool) -> Outcome<Figures> {
        let plan = Plan {
            port: self.candidate.port,
            path: self.kind.path(),
            ..plan.clone()
        };
        let before = self.candidate.cpu_seconds()?;
        let sent = load::send(&plan, self.began).await?;
        if each_arrives {
            let until = Instant::now() + DRAIN;
            while self.arrivals.distinct() < sent.accepted && Instant::now() < until {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let cpu = self.candidate.cpu_seconds()? - before;
        let mut waits: Vec<f64> = sent
            .at
            .iter()
            .enumerate()
            .filter_map(|(row, at)| {
                let micros = self
                    .arrivals
                    .at(plan.first + row)?
                    .saturating_sub(at.load(Ordering::Relaxed));
                Some(f64::from(micros) / 1_000.0)
            })
            .collect();
        let lost = sent.accepted.saturating_sub(self.arrivals.distinct());
        Ok(Figures {
            accepted_per_second: sent.per_second(),
            cpu_per_million: cpu * 1_000_000.0 / ratio(sent.accepted.max(1), 1),
            median_ms: percentile(&mut waits, 50),
            p99_ms: percentile(&mut waits, 99),
            peak_megabytes: self.candidate.peak_megabytes()?,
            accepted: sent.accepted,
            lost: if each_arrives { lost } else { 0 },
            refused: sent.refused,
        })
    }
}
