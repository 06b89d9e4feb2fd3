//! `andon stuck`: signals that a mapping or a schema failed on.

use std::time::Duration;

use clap::Subcommand;
use serde_json::{Map, Value as Json};

use super::api::Api;
use super::shown::{self, Asked, Things, Told};
use super::{Ended, Format, Where, output};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// The newest first
    List {
        /// `stuck`, `refused` (nobody knew it, or could read it) or `waiting` (for a look-up)
        #[arg(long)]
        standing: Option<String>,
        /// How many; 50 without it
        #[arg(long)]
        limit: Option<u32>,
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

const STUCK: Things = Things {
    path: "/v1/stuck",
    key: "stuck",
    none: "nothing is stuck",
    columns: &[
        ("id", "/id", Told::Cell),
        ("connection", "/connection", Told::Cell),
        ("signal", "/signal", Told::Cell),
        ("received", "/received_at", Told::Since),
        ("reason", "/reason", Told::Cell),
    ],
    facts: &[
        ("signal", "/id", Told::Cell),
        ("name", "/signal", Told::Cell),
        ("connection", "/connection", Told::Cell),
        ("standing", "/standing", Told::Cell),
        ("received", "/received_at", Told::Moment),
        ("reason", "/reason", Told::Cell),
        ("file", "/path", Told::Cell),
        ("data", "/data", Told::Long),
    ],
    below: |_| String::new(),
};

/// Does it.
pub(crate) fn run(typed: Asked<What>, at: &Where) -> anyhow::Result<Ended> {
    let api = Api::open(at)?;
    let list = What::List {
        standing: None,
        limit: None,
    };
    match typed.what.unwrap_or(list) {
        What::List { standing, limit } => {
            let limit = limit.map(|limit| limit.to_string());
            let is_plain = standing.is_none() && typed.format == Format::Text;
            let query = [("standing", standing), ("limit", limit)];
            let ended = STUCK.list(&api, typed.format, &query)?;
            if is_plain {
                tell_of_unknown(&api)?;
            }
            Ok(ended)
        }
        What::Show { id } => STUCK.show(&api, typed.format, &id),
        What::Retry { id } => {
            let path = STUCK.place(&id, "/retry")?;
            let json = api.post(&path, Map::new(), Duration::ZERO)?.json;
            output::answer(typed.format, &json, retried);
            Ok(Ended::Fine)
        }
    }
}

/// Bodies that no signal of their connection knew, and those that nobody could read, are kept beside what is stuck, in
/// a list of their own.
fn tell_of_unknown(api: &Api) -> anyhow::Result<()> {
    let one = [
        ("standing", "refused".to_owned()),
        ("limit", "1".to_owned()),
    ];
    output::text(unknown(&api.get(STUCK.path, &one)?));
    Ok(())
}

fn unknown(json: &Json) -> &'static str {
    match json.pointer("/stuck/0") {
        Some(_) => {
            "nobody knew or could read some of what came in: andon stuck list --standing refused\n"
        }
        None => "",
    }
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
    fn what_nobody_knew_is_pointed_to_where_there_is_some() {
        assert_eq!(unknown(&json!({ "stuck": [] })), "");
        let there = unknown(&json!({ "stuck": [{ "id": "sig_1", "signal": "acme/unmatched" }] }));
        assert!(there.ends_with("andon stuck list --standing refused\n"));
    }

    #[test]
    fn a_stuck_signal_is_listed_with_its_reason() {
        let json = json!({ "stuck": [{ "id": "sig_01jd3k9x8q2r0", "connection": "drift", "signal": "evidently/test",
            "received_at": "2026-11-23T08:00:00Z", "reason": "mapping `x`, `when`: \u{1b}[2J" }] });
        insta::assert_snapshot!(STUCK.listed(&json, "2026-11-23T08:05:00Z".parse().unwrap()), @r"
        ID                 CONNECTION  SIGNAL          RECEIVED  REASON
        sig_01jd3k9x8q2r0  drift       evidently/test  5m ago    mapping `x`, `when`: \u{1b}[2J
        ");
    }
}
