//! `andon connections`: how each connection fares, and whether a destination takes an event.

use std::time::Duration;

use clap::Subcommand;
use serde_json::{Map, Value as Json};

use super::api::Api;
use super::shown::{self, Asked, Things, Told};
use super::{Ended, Where, output};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// All of them: the last signal, what waits, whether it is paused or stopped, the last error
    List,
    /// Send one marked event to a destination
    Test {
        /// The connection
        name: String,
    },
}

/// How long the daemon may take to try a destination, beside the usual.
const TEST_WITHIN: Duration = Duration::from_secs(30);

const CONNECTIONS: Things = Things {
    path: "/v1/connections",
    key: "connections",
    none: "no connections; write them under `connections:` in andon.yaml",
    columns: &[
        ("name", "/name", Told::Cell),
        ("connector", "/connector", Told::Cell),
        ("host", "/host", Told::Cell),
        ("last signal", "/last_signal", Told::Since),
        ("held since", "/held/since", Told::Since),
        ("because", "/held/why", Told::Cell),
        ("waiting", "/delivery/waiting", Told::Cell),
        ("oldest", "/delivery/oldest_since", Told::Since),
        ("dead", "/delivery/dead_letters", Told::Cell),
        ("paused", "/delivery/paused_until", Told::Since),
        ("stopped", "/delivery/stopped", Told::Cell),
        ("last error", "/delivery/last_error", Told::Cell),
    ],
    facts: &[],
    below: |_| String::new(),
};

/// Does it.
pub(crate) fn run(typed: Asked<What>, at: &Where) -> anyhow::Result<Ended> {
    let api = Api::open(at)?;
    match typed.what.unwrap_or(What::List) {
        What::List => CONNECTIONS.list(&api, typed.format, &[]),
        What::Test { name } => {
            let path = CONNECTIONS.place(&name, "/test")?;
            let json = api.post(&path, Map::new(), TEST_WITHIN)?.json;
            output::answer(typed.format, &json, |json| tested(&name, json));
            Ok(Ended::Fine)
        }
    }
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
            { "name": "registry", "connector": "mlflow", "host": "mlflow.local", "last_signal": "2026-11-23T08:00:00Z", "delivers": false,
              "held": { "since": "2026-11-23T08:01:00Z", "why": "its disk is full" } },
            { "name": "soc", "connector": "splunk", "host": "hec.example.com", "last_signal": null, "delivers": true,
              "delivery": { "waiting": 3, "oldest_since": "2026-11-23T08:02:00Z", "dead_letters": 1, "last_error": "503",
                            "stopped": null, "paused_until": "2026-11-23T08:15:00Z" } },
            { "name": "oncall", "connector": "pagerduty", "host": "events.pagerduty.com", "last_signal": null, "delivers": true,
              "delivery": { "waiting": 2, "oldest_since": "2026-11-23T07:02:00Z", "dead_letters": 0, "last_error": null,
                            "stopped": "it answered 403: \u{1b}[2J", "paused_until": null } },
        ] });
        insta::assert_snapshot!(CONNECTIONS.listed(&json, "2026-11-23T08:05:00Z".parse().unwrap()), @r"
        NAME      CONNECTOR  HOST                  LAST SIGNAL  HELD SINCE  BECAUSE           WAITING  OLDEST   DEAD  PAUSED  STOPPED                     LAST ERROR
        registry  mlflow     mlflow.local          5m ago       4m ago      its disk is full
        soc       splunk     hec.example.com                                                  3        3m ago   1     in 10m                              503
        oncall    pagerduty  events.pagerduty.com                                             2        63m ago  0             it answered 403: \u{1b}[2J
        ");
    }
}
