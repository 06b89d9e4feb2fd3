//! A thousand mappings instead of ten. Ten look at the signal that is sent, and one of them matches;
//! the others look at signals of other connectors.

use std::fmt::Write as _;
use std::io;

use crate::Outcome;
use crate::candidate::Kind;
use crate::house::{House, MAPPING};
use crate::load::Plan;
use crate::run::{Figures, Run, median};
use crate::settings::Settings;

const FEW: usize = 10;
const MANY: usize = 1_000;
/// Signals of one generated connector, each with a mapping.
const SIGNALS: usize = 10;

pub async fn table(settings: &Settings) -> Outcome<()> {
    println!(
        "{:<30} {:>8} {:>10} {:>7} {:>12} {:>7} {:>6} {:>7}  hold",
        "mappings", "how many", "start ms", "of 10", "accepted/s", "of 10", "lost", "refused"
    );
    for (name, plan) in [
        ("1 a request, 16 connections", Plan::ONE),
        ("50 a request, 8 connections", Plan::FIFTY),
    ] {
        let plan = settings.lasting(&plan);
        let mut measured = [FEW, MANY].map(|mappings| (mappings, Vec::new(), Vec::new()));
        for _ in 0..settings.rounds {
            for (mappings, figures, starts) in &mut measured {
                let run = Run::start(Kind::Andon, |hec| furnish(hec, *mappings)).await?;
                starts.push(run.candidate.started_in.as_secs_f64() * 1_000.0);
                figures.push(run.measure(&plan).await?);
            }
        }
        let mut of_few: Option<(f64, f64)> = None;
        for (mappings, figures, starts) in measured {
            let Some((figures, start)) = Figures::median(&figures).zip(median(starts)) else {
                continue;
            };
            let rate = figures.accepted_per_second;
            let (start_ratio, rate_ratio, hold) = match of_few {
                None => ("-".to_owned(), "-".to_owned(), ""),
                Some((few_start, few_rate)) => (
                    format!("{:.1}", start / few_start),
                    format!("{:.2}", rate / few_rate),
                    "rate >= 0.90 of 10",
                ),
            };
            println!(
                "{name:<30} {mappings:>8} {start:>10.1} {start_ratio:>7} {rate:>12.0} {rate_ratio:>7} {:>6} {:>7}  {hold}",
                figures.lost, figures.refused
            );
            of_few = of_few.or(Some((start, rate)));
        }
    }
    println!(
        "\nBeside them stand the built-in mappings. Start: from the spawn until /readyz answers 200."
    );
    Ok(())
}

/// The files of so many mappings.
pub fn furnish(hec: u16, mappings: usize) -> io::Result<House> {
    let house = House::of_rows(hec, MAPPING)?;
    for number in 1..FEW {
        house.put_mapping(&another(&format!("rows-{number}"), "rows/row", number))?;
    }
    for first in (FEW..mappings).step_by(SIGNALS) {
        let connector = format!("others-{first}");
        let numbers = first..(first + SIGNALS).min(mappings);
        let mut manifest = format!(
            "andon: connector/v1\nname: {connector}\nabout: Rows that nobody sends.\n\nwebhook:\n  accepts: anyone\n\nsignals:\n"
        );
        for number in numbers {
            let _ = write!(
                manifest,
                "  row-{number}:\n    schema: schemas/row.json\n    webhook:\n      only_if: body.kind == \"row-{number}\"\n    id: =body.id\n    at: =body.at\n    data: =body\n"
            );
            let from = format!("{connector}/row-{number}");
            house.put_mapping(&another(&format!("others-{number}"), &from, number))?;
        }
        let folder = format!("connectors/{connector}");
        house.put(&format!("{folder}/connector.yaml"), &manifest)?;
        house.put(
            &format!("{folder}/schemas/row.json"),
            include_str!("andon/row.json"),
        )?;
    }
    Ok(house)
}

/// A mapping as large as the one that matches, for rows that are never sent.
fn another(name: &str, from: &str, number: usize) -> String {
    MAPPING
        .replace("name: rows\n", &format!("name: {name}\n"))
        .replace("from: rows/row\n", &format!("from: {from}\n"))
        .replace(
            "when: signal.status == \"FAIL\"",
            &format!("when: signal.status == \"FAIL\" && signal.metric == \"Metric{number}\""),
        )
        .replace("a failed row is an alert", "another metric is none")
        .replace("gives: { severity: high }", "gives: nothing")
}
