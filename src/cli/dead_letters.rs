//! `andon dead-letters`: what a destination refused for good.

use clap::Subcommand;

use super::api::Api;
use super::shown::{Asked, Things, Told};
use super::{Ended, Where};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// The newest first
    List {
        /// Only those of one destination
        #[arg(long)]
        destination: Option<String>,
        /// How many; 50 without it
        #[arg(long)]
        limit: Option<u32>,
    },
    /// One of them, with what the destination answered
    Show {
        /// Its number
        id: String,
    },
}

const DEAD_LETTERS: Things = Things {
    path: "/v1/dead-letters",
    key: "dead_letters",
    none: "no dead letters",
    columns: &[
        ("id", "/id", Told::Cell),
        ("destination", "/destination", Told::Cell),
        ("alert", "/alert", Told::Cell),
        ("revision", "/revision", Told::Cell),
        ("refused", "/died_at", Told::Since),
        ("status", "/status", Told::Cell),
        ("reason", "/reason", Told::Cell),
    ],
    facts: &[
        ("dead letter", "/id", Told::Cell),
        ("destination", "/destination", Told::Cell),
        ("alert", "/alert", Told::Cell),
        ("revision", "/revision", Told::Cell),
        ("title", "/refused/title", Told::Cell),
        ("mapping", "/mapping", Told::Cell),
        ("signal", "/signal", Told::Cell),
        ("attempts", "/attempts", Told::Cell),
        ("refused", "/died_at", Told::Moment),
        ("status", "/status", Told::Cell),
        ("reason", "/reason", Told::Cell),
        ("answer", "/answer", Told::Long),
    ],
    below: |_| String::new(),
};

/// Does it.
pub(crate) fn run(typed: Asked<What>, at: &Where) -> anyhow::Result<Ended> {
    let api = Api::open(at)?;
    let list = What::List {
        destination: None,
        limit: None,
    };
    match typed.what.unwrap_or(list) {
        What::List { destination, limit } => {
            let limit = limit.map(|limit| limit.to_string());
            let query = [("destination", destination), ("limit", limit)];
            DEAD_LETTERS.list(&api, typed.format, &query)
        }
        What::Show { id } => DEAD_LETTERS.show(&api, typed.format, &id),
    }
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
        insta::assert_snapshot!(DEAD_LETTERS.one(&json, now), @r#"
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
            DEAD_LETTERS.listed(&json!({ "dead_letters": [] }), now),
            "no dead letters\n"
        );
    }
}
