//! `andon stuck`: signals that a mapping or a schema failed on.

use std::path::Path;
use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::api::{Api, segment};
use super::{Ended, Format, output, shown};
use crate::clock::Clock;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    #[command(subcommand)]
    what: Option<What>,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text", global = true)]
    format: Format,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum What {
    /// The newest first
    List {
        /// `stuck`, `refused` (nobody knew it) or `waiting` (for a look-up)
        #[arg(long, default_value = "stuck")]
        standing: String,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One of them, with why
    Show {
        /// Its id, `sig_…`
        id: String,
    },
    /// Judge it again with the mappings in force
    Retry {
        /// Its id, `sig_…`
        id: String,
    },
}

/// Does it.
pub(crate) fn run(typed: Typed, config: Option<&Path>, url: Option<&str>) -> anyhow::Result<Ended> {
    let api = Api::open(config, url)?;
    let now = Clock::system().now();
    let list = What::List {
        standing: "stuck".to_owned(),
        limit: 50,
    };
    match typed.what.unwrap_or(list) {
        What::List { standing, limit } => {
            let query = [("standing", standing), ("limit", limit.to_string())];
            let json = api.get("/v1/stuck", &query)?;
            output::answer(typed.format, &json, |json| listed(json, now));
        }
        What::Show { id } => {
            let json = api.get(&format!("/v1/stuck/{}", segment(&id)?), &[])?;
            output::answer(typed.format, &json, |json| one(json, now));
        }
        What::Retry { id } => {
            let path = format!("/v1/stuck/{}/retry", segment(&id)?);
            let json = api.post(&path, Map::new(), Duration::ZERO)?.json;
            output::answer(typed.format, &json, retried);
        }
    }
    Ok(Ended::Fine)
}

fn listed(json: &Json, now: Timestamp) -> String {
    let rows: Vec<Vec<String>> = json
        .get("stuck")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .map(|row| {
            vec![
                shown::cell(row, "/id"),
                shown::cell(row, "/connection"),
                shown::cell(row, "/signal"),
                shown::since(row, "/received_at", now),
                shown::cell(row, "/reason"),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "nothing is stuck\n".to_owned();
    }
    let heads = ["id", "connection", "signal", "received", "reason"];
    shown::table(&heads, &rows)
}

fn one(json: &Json, now: Timestamp) -> String {
    shown::facts(&[
        ("signal", shown::cell(json, "/id")),
        ("name", shown::cell(json, "/signal")),
        ("connection", shown::cell(json, "/connection")),
        ("standing", shown::cell(json, "/standing")),
        ("received", shown::moment(json, "/received_at", now)),
        ("reason", shown::cell(json, "/reason")),
        ("file", shown::cell(json, "/path")),
        ("data", shown::long(json, "/data")),
    ])
}

fn retried(json: &Json) -> String {
    let alerts = shown::cell(json, "/alerts");
    format!(
        "{}  {}  {}\n",
        shown::cell(json, "/id"),
        shown::cell(json, "/standing"),
        shown::first_of(
            &serde_json::json!({ "reason": json.get("reason"), "alerts": alerts }),
            &["/reason", "/alerts"]
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stuck_signal_is_listed_with_its_reason() {
        let json = json!({ "stuck": [{ "id": "sig_01jd3k9x8q2r0", "connection": "drift", "signal": "evidently/test",
            "received_at": "2026-11-23T08:00:00Z", "reason": "mapping `x`, `when`: \u{1b}[2J" }] });
        insta::assert_snapshot!(listed(&json, "2026-11-23T08:05:00Z".parse().unwrap()), @r"
        ID                 CONNECTION  SIGNAL          RECEIVED  REASON
        sig_01jd3k9x8q2r0  drift       evidently/test  5m ago    mapping `x`, `when`: \u{1b}[2J
        ");
    }
}
