//! `andon dead-letters`: what a destination refused for good.

use std::path::Path;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::Value as Json;

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
        /// Only those of one destination
        #[arg(long)]
        destination: Option<String>,
        /// How many
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One of them, with what the destination answered
    Show {
        /// Its number
        id: String,
    },
}

/// Does it.
pub(crate) fn run(typed: Typed, config: Option<&Path>, url: Option<&str>) -> anyhow::Result<Ended> {
    let api = Api::open(config, url)?;
    let now = Clock::system().now();
    let list = What::List {
        destination: None,
        limit: 50,
    };
    match typed.what.unwrap_or(list) {
        What::List { destination, limit } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(destination.map(|destination| ("destination", destination)));
            let json = api.get("/v1/dead-letters", &query)?;
            output::answer(typed.format, &json, |json| listed(json, now));
        }
        What::Show { id } => {
            let json = api.get(&format!("/v1/dead-letters/{}", segment(&id)?), &[])?;
            output::answer(typed.format, &json, |json| one(json, now));
        }
    }
    Ok(Ended::Fine)
}

fn listed(json: &Json, now: Timestamp) -> String {
    let rows: Vec<Vec<String>> = json
        .get("dead_letters")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .map(|row| {
            vec![
                shown::cell(row, "/id"),
                shown::cell(row, "/destination"),
                shown::cell(row, "/alert"),
                shown::cell(row, "/revision"),
                shown::since(row, "/died_at", now),
                shown::cell(row, "/status"),
                shown::cell(row, "/reason"),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "no dead letters\n".to_owned();
    }
    let heads = [
        "id",
        "destination",
        "alert",
        "revision",
        "refused",
        "status",
        "reason",
    ];
    shown::table(&heads, &rows)
}

fn one(json: &Json, now: Timestamp) -> String {
    shown::facts(&[
        ("dead letter", shown::cell(json, "/id")),
        ("destination", shown::cell(json, "/destination")),
        ("alert", shown::cell(json, "/alert")),
        ("revision", shown::cell(json, "/revision")),
        ("title", shown::cell(json, "/refused/title")),
        ("mapping", shown::cell(json, "/mapping")),
        ("signal", shown::cell(json, "/signal")),
        ("attempts", shown::cell(json, "/attempts")),
        ("refused", shown::moment(json, "/died_at", now)),
        ("status", shown::cell(json, "/status")),
        ("reason", shown::cell(json, "/reason")),
        ("answer", shown::long(json, "/answer")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_dead_letter_shows_what_was_answered() {
        let json = json!({ "id": 7, "destination": "soc", "alert": "alt_01jd3k9x8q2r0", "revision": 2, "attempts": 1,
            "died_at": "2026-11-23T08:00:00Z", "status": 400, "reason": "the destination refused it", "answer": "{\"text\":\"\u{9b}31mNo data\"}" });
        let now = "2026-11-23T08:05:00Z".parse().unwrap();
        insta::assert_snapshot!(one(&json, now), @r#"
        dead letter  7
        destination  soc
        alert        alt_01jd3k9x8q2r0
        revision     2
        attempts     1
        refused      2026-11-23T08:00:00Z (5m ago)
        status       400
        reason       the destination refused it
        answer       {"text":"\u{9b}31mNo data"}
        "#);
        assert_eq!(
            listed(&json!({ "dead_letters": [] }), now),
            "no dead letters\n"
        );
    }
}
