//! A storm: every signal has the same key, so that all of them are one alert. The yardstick is the
//! same load with a key each.

use std::io;

use serde_json::Value;

use crate::Outcome;
use crate::api::Api;
use crate::candidate::Kind;
use crate::house::{House, MAPPING, ONE_KEY};
use crate::load::Plan;
use crate::run::{Figures, Run};
use crate::settings::Settings;

/// What the long storm may take at most.
const LONG: std::time::Duration = std::time::Duration::from_mins(3);

pub async fn table(settings: &Settings) -> Outcome<()> {
    println!(
        "{:<34} {:<9} {:>12} {:>8} {:>8} {:>12} {:>6} {:>7}  hold",
        "storm", "keys", "accepted/s", "of keyed", "peak MB", "open alerts", "lost", "refused"
    );
    for (name, plan) in [
        ("1 a request, 16 connections", Plan::ONE),
        ("50 a request, 8 connections", Plan::FIFTY),
    ] {
        let plan = settings.lasting(&plan);
        let (mut keyed, mut storms, mut most_open) = (Vec::new(), Vec::new(), 0);
        for _ in 0..settings.rounds {
            keyed.push(with_a_key_each(&plan).await?);
            let (figures, open) = with_one_key(&plan).await?;
            storms.push(figures);
            most_open = open.max(most_open);
        }
        let Some((keyed, storm)) = Figures::median(&keyed).zip(Figures::median(&storms)) else {
            continue;
        };
        show(name, "a key each", &keyed, None, None, "");
        let ratio = storm.accepted_per_second / keyed.accepted_per_second;
        let hold = "> 1.00 of keyed, < 100 MB, 1 open, 0 lost";
        show(name, "one key", &storm, Some(ratio), Some(most_open), hold);
    }
    let plan = Plan {
        lasts: LONG,
        at_most: settings.storm,
        ..Plan::FIFTY
    };
    let (figures, open) = with_one_key(&plan).await?;
    let name = format!("{} in all, 50 a request", figures.accepted);
    let hold = "< 100 MB, 1 open, 0 lost; a million in all";
    show(&name, "one key", &figures, None, Some(open), hold);
    println!(
        "\nOpen alerts by the API; lost: what the alert does not count, and of keyed what did not arrive."
    );
    Ok(())
}

fn show(
    name: &str,
    keys: &str,
    figures: &Figures,
    of_keyed: Option<f64>,
    open: Option<usize>,
    hold: &str,
) {
    println!(
        "{name:<34} {keys:<10} {:>11.0} {:>8} {:>8.0} {:>12} {:>6} {:>7}  {hold}",
        figures.accepted_per_second,
        of_keyed.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
        figures.peak_megabytes,
        open.map_or_else(|| "-".to_owned(), |open| open.to_string()),
        figures.lost,
        figures.refused,
    );
}

async fn with_a_key_each(plan: &Plan) -> Outcome<Figures> {
    let run = Run::start(Kind::Andon, |hec| House::of_rows(hec, MAPPING)).await?;
    run.measure(plan).await
}

/// Gives how many alerts are open afterwards, too: 200 stands for many.
async fn with_one_key(plan: &Plan) -> Outcome<(Figures, usize)> {
    let run = Run::start(Kind::Andon, |hec| House::of_rows(hec, ONE_KEY)).await?;
    let mut figures = run.measure_merged(plan).await?;
    let mut api = Api::of(&run.house).await?;
    let page = api.call("GET /v1/alerts?state=open&limit=200", "").await?;
    let alerts = page
        .get("alerts")
        .and_then(Value::as_array)
        .ok_or_else(|| io::Error::other("the list of alerts has another shape"))?;
    let counted: u64 = alerts
        .iter()
        .filter_map(|alert| alert.get("count")?.as_u64())
        .sum();
    figures.lost = figures.accepted.saturating_sub(usize::try_from(counted)?);
    Ok((figures, alerts.len()))
}
