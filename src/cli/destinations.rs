//! `andon destinations`: how each destination stands, and trying one at once.

use std::time::Duration;

use clap::Subcommand;
use serde_json::{Map, Value as Json};

use super::api::Api;
use super::shown::{self, Asked, Things, Told};
use super::{Ended, Where, output};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// All of them: what waits, since when, whether it is paused or stopped, the last error
    List,
    /// Try one at once that is stopped or paused
    Resume {
        /// The destination
        name: String,
    },
}

const DESTINATIONS: Things = Things {
    path: "/v1/destinations",
    key: "destinations",
    none: "no destinations; write one under `connections:` in andon.yaml",
    columns: &[
        ("name", "/name", Told::Cell),
        ("waiting", "/waiting", Told::Cell),
        ("oldest", "/oldest_since", Told::Since),
        ("delivered", "/last_delivered", Told::Since),
        ("dead", "/dead_letters", Told::Cell),
        ("next try", "/paused_until", Told::Since),
        ("circuit", "/circuit", Told::Cell),
        ("stopped", "/stopped", Told::Cell),
        ("last error", "/last_error", Told::Cell),
    ],
    facts: &[],
    below: |_| String::new(),
};

/// Does it.
pub(crate) fn run(typed: Asked<What>, at: &Where) -> anyhow::Result<Ended> {
    let api = Api::open(at)?;
    match typed.what.unwrap_or(What::List) {
        What::List => DESTINATIONS.list(&api, typed.format, &[]),
        What::Resume { name } => {
            let path = DESTINATIONS.place(&name, "/resume")?;
            let json = api.post(&path, Map::new(), Duration::ZERO)?.json;
            output::answer(typed.format, &json, resumed);
            Ok(Ended::Fine)
        }
    }
}

fn resumed(json: &Json) -> String {
    format!(
        "{}: tried now; events that were put off: {}; `andon destinations` says whether it takes them\n",
        shown::cell(json, "/name"),
        shown::cell(json, "/due"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_destination_is_a_line() {
        let json = json!({ "destinations": [
            { "name": "oncall", "waiting": 2, "oldest_since": "2026-11-23T07:02:00Z", "dead_letters": 0,
              "last_delivered": "2026-11-23T07:01:00Z", "last_error": "status 403: \u{1b}[2J",
              "circuit": "open", "stopped": "status 403: \u{1b}[2J", "paused_until": "2026-11-23T08:05:40Z" },
            { "name": "soc", "waiting": 0, "oldest_since": null, "dead_letters": 1,
              "last_delivered": "2026-11-23T08:04:00Z", "last_error": "status 400", "circuit": "closed", "stopped": null, "paused_until": null },
        ] });
        insta::assert_snapshot!(DESTINATIONS.listed(&json, "2026-11-23T08:05:00Z".parse().unwrap()), @r"
        NAME    WAITING  OLDEST   DELIVERED  DEAD  NEXT TRY  CIRCUIT  STOPPED                LAST ERROR
        oncall  2        63m ago  64m ago    0     in 40s    open     status 403: \u{1b}[2J  status 403: \u{1b}[2J
        soc     0                 60s ago    1               closed                          status 400
        ");
    }

    #[test]
    fn a_resumed_one_is_told_with_what_was_put_off() {
        insta::assert_snapshot!(resumed(&json!({ "name": "soc", "due": 3 })), @"soc: tried now; events that were put off: 3; `andon destinations` says whether it takes them");
    }
}
