//! More of something, and what it costs: mappings, open alerts, longer bodies. The yardstick is the
//! first line of each group; waiting rows have a table of their own.

use std::fs;
use std::time::Duration;

use crate::Outcome;
use crate::candidate::Kind;
use crate::house::{House, MAPPING};
use crate::load::{Plan, ratio};
use crate::mappings;
use crate::run::{Figures, Run};
use crate::settings::Settings;

const MAPPINGS: [usize; 4] = [10, 100, 1_000, 10_000];
const OPEN: [usize; 3] = [1_000, 100_000, 1_000_000];
/// Bytes that are added to a row of a kilobyte.
const MORE: [(&str, usize); 3] = [("1 KB", 0), ("100 KB", 99_000), ("5 MB", 4_999_000)];
/// Rows of one measurement among open alerts: each opens one more.
const PROBE: usize = 20_000;
/// What filling may take.
const FILL: Duration = Duration::from_mins(10);

pub async fn table(settings: &Settings) -> Outcome<()> {
    println!(
        "{:<22} {:>14} {:>9} {:>14} {:>9} {:>8} {:>9} {:>9} {:>6} {:>7}",
        "growth",
        "1 a request/s",
        "of first",
        "50 a request/s",
        "of first",
        "peak MB",
        "start ms",
        "store MB",
        "lost",
        "refused"
    );
    let mut group = Group::default();
    for mappings in MAPPINGS {
        let run = Run::start(Kind::Andon, |hec| mappings::furnish(hec, mappings)).await?;
        let point = Point::measure(&run, &settings.lasting(&Plan::ONE), 0).await?;
        group.show(&format!("{mappings} mappings"), &run, &point)?;
    }
    group = Group::default();
    let run = Run::start(Kind::Andon, |hec| House::of_rows(hec, MAPPING)).await?;
    let mut open = 0;
    for wanted in OPEN {
        let wanted = wanted.min(settings.alerts);
        if wanted > open {
            let fill = Plan {
                first: open,
                at_most: wanted - open,
                lasts: FILL,
                ..Plan::FIFTY
            };
            open += run.measure(&fill).await?.accepted;
        }
        let probe = Plan {
            at_most: PROBE,
            lasts: FILL,
            ..Plan::ONE
        };
        let point = Point::measure(&run, &probe, open).await?;
        group.show(&format!("{open} open alerts"), &run, &point)?;
        open += point.one.accepted + point.fifty.as_ref().map_or(0, |fifty| fifty.accepted);
    }
    group = Group::default();
    for (name, more) in MORE {
        let run = Run::start(Kind::Andon, |hec| House::of_rows(hec, MAPPING)).await?;
        let plan = Plan {
            more,
            ..settings.lasting(&Plan::ONE)
        };
        let point = Point {
            one: run.measure(&plan).await?,
            fifty: None,
        };
        group.show(&format!("bodies of {name}"), &run, &point)?;
    }
    println!(
        "\n1 a request over 16 connections, 50 a request over 8. Open alerts: {PROBE} more at most for each figure."
    );
    Ok(())
}

/// What was measured of one size.
struct Point {
    one: Figures,
    fifty: Option<Figures>,
}

impl Point {
    /// Both ways of sending, from the row `first` on.
    async fn measure(run: &Run, plan: &Plan, first: usize) -> Outcome<Self> {
        let one = run
            .measure(&Plan {
                first,
                ..plan.clone()
            })
            .await?;
        let first = first + one.accepted;
        let fifty = Plan {
            first,
            connections: Plan::FIFTY.connections,
            rows: Plan::FIFTY.rows,
            ..plan.clone()
        };
        Ok(Self {
            one,
            fifty: Some(run.measure(&fifty).await?),
        })
    }
}

/// Lines that are compared with the first of them.
#[derive(Default)]
struct Group {
    first: Option<(f64, Option<f64>)>,
}

impl Group {
    fn show(&mut self, name: &str, run: &Run, point: &Point) -> Outcome<()> {
        let one = point.one.accepted_per_second;
        let fifty = point.fifty.as_ref().map(|fifty| fifty.accepted_per_second);
        let first = *self.first.get_or_insert((one, fifty));
        let of = |now: f64, first: f64| format!("{:.2}", now / first);
        let refused = point.fifty.as_ref().map_or(0, |fifty| fifty.refused);
        let lost = point.fifty.as_ref().map_or(0, |fifty| fifty.lost);
        println!(
            "{name:<22} {one:>14.0} {:>9} {:>14} {:>9} {:>8.0} {:>9.0} {:>9.0} {:>6} {:>7}",
            of(one, first.0),
            fifty.map_or_else(|| "-".to_owned(), |fifty| format!("{fifty:.0}")),
            fifty
                .zip(first.1)
                .map_or_else(|| "-".to_owned(), |(now, first)| of(now, first)),
            run.candidate.peak_megabytes()?,
            run.candidate.started_in.as_secs_f64() * 1_000.0,
            store_megabytes(&run.house)?,
            point.one.lost + lost,
            point.one.refused + refused,
        );
        Ok(())
    }
}

/// The store's files together.
fn store_megabytes(house: &House) -> Outcome<f64> {
    let mut bytes: usize = 0;
    for entry in fs::read_dir(house.path().join("data"))? {
        bytes += usize::try_from(entry?.metadata()?.len())?;
    }
    Ok(ratio(bytes, 1_000_000))
}
