//! `andon connections`: how each connection fares, and whether a destination takes an event.

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
    /// All of them: the last signal, what waits, the last error
    List,
    /// Send one marked event to a destination
    Test {
        /// The connection
        name: String,
    },
}

/// How long the daemon may take to try a destination, beside the usual.
const TEST_WITHIN: Duration = Duration::from_secs(30);

/// Does it.
pub(crate) fn run(
    typed: &Typed,
    config: Option<&Path>,
    url: Option<&str>,
) -> anyhow::Result<Ended> {
    let api = Api::open(config, url)?;
    let now = Clock::system().now();
    match typed.what.as_ref().unwrap_or(&What::List) {
        What::List => {
            let json = api.get("/v1/connections", &[])?;
            output::answer(typed.format, &json, |json| listed(json, now));
        }
        What::Test { name } => {
            let path = format!("/v1/connections/{}/test", segment(name)?);
            let json = api.post(&path, Map::new(), TEST_WITHIN)?.json;
            output::answer(typed.format, &json, |json| tested(name, json));
        }
    }
    Ok(Ended::Fine)
}

fn listed(json: &Json, now: Timestamp) -> String {
    let connections = json.get("connections").and_then(Json::as_array);
    let rows: Vec<Vec<String>> = connections
        .into_iter()
        .flatten()
        .map(|connection| {
            vec![
                shown::cell(connection, "/name"),
                shown::cell(connection, "/connector"),
                shown::cell(connection, "/host"),
                shown::since(connection, "/last_signal", now),
                shown::cell(connection, "/delivery/waiting"),
                shown::since(connection, "/delivery/oldest_since", now),
                shown::cell(connection, "/delivery/dead_letters"),
                shown::cell(connection, "/delivery/last_error"),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "no connections; write them under `connections:` in andon.yaml\n".to_owned();
    }
    let heads = [
        "name",
        "connector",
        "host",
        "last signal",
        "waiting",
        "oldest",
        "dead",
        "last error",
    ];
    shown::table(&heads, &rows)
}

fn tested(name: &str, json: &Json) -> String {
    let said = shown::first_of(json, &["/message", "/verdict", "/status"]);
    format!("{}: {said}\n", shown::text(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_connection_is_a_line() {
        let json = json!({ "connections": [
            { "name": "registry", "connector": "mlflow", "host": "mlflow.local", "last_signal": "2026-11-23T08:00:00Z", "delivers": false },
            { "name": "soc", "connector": "splunk", "host": "hec.example.com", "last_signal": null, "delivers": true,
              "delivery": { "waiting": 3, "oldest_since": "2026-11-23T08:02:00Z", "dead_letters": 1, "last_error": "503" } },
        ] });
        insta::assert_snapshot!(listed(&json, "2026-11-23T08:05:00Z".parse().unwrap()), @r"
        NAME      CONNECTOR  HOST             LAST SIGNAL  WAITING  OLDEST  DEAD  LAST ERROR
        registry  mlflow     mlflow.local     5m ago
        soc       splunk     hec.example.com               3        3m ago  1     503
        ");
    }
}
