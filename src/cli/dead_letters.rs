//! `andon dead-letters`: what a destination refused for good, and what becomes of it.

use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json, json};

use super::api::{Api, Error};
use super::shown::{self, Asked, Things, Told};
use super::{Ended, Format, Where, output};

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
    /// Send them again, made by the files in force
    Retry(Chosen),
    /// Forget them for good; nobody is told
    Drop {
        #[command(flatten)]
        chosen: Chosen,
        /// Needed for more than one
        #[arg(long)]
        yes: bool,
    },
}

/// Which of them, and why.
#[derive(Debug, Args)]
pub(crate) struct Chosen {
    #[command(flatten)]
    which: Which,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Which of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Their numbers
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Those of one destination
    #[arg(long)]
    destination: Option<String>,
    /// All there are
    #[arg(long)]
    all: bool,
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
        What::Retry(chosen) => {
            let ids = chosen.which.ids(&api)?;
            decide(&api, typed.format, RETRY, &ids, chosen.reason)
        }
        What::Drop { chosen, yes } => {
            let ids = chosen.which.ids(&api)?;
            if ids.len() > 1 && !yes {
                bail!(
                    "this forgets {} dead letters for good; say --yes if it shall",
                    shown::count(ids.len())
                );
            }
            decide(&api, typed.format, DROP, &ids, chosen.reason)
        }
    }
}

/// What can be done to one: the verb of its path, and how that is told.
type Verb = (&'static str, &'static str);

const RETRY: Verb = ("/retry", "owed again");
const DROP: Verb = ("/drop", "dropped");
/// Of more than so many only their number is told, and what was refused.
const MOST_LINES: usize = 20;
/// The most that one page of the list has.
const PAGE: &str = "200";

impl Which {
    /// The numbers, the oldest first: of one alert that is the order in which it is told.
    fn ids(self, api: &Api) -> anyhow::Result<Vec<String>> {
        let mut ids = self.ids;
        if !ids.is_empty() {
            ids.sort_by_key(|id| id.parse::<i64>().unwrap_or(i64::MAX));
            return Ok(ids);
        }
        let mut query = vec![("limit", PAGE.to_owned())];
        query.extend(self.destination.map(|name| ("destination", name)));
        loop {
            let page = api.get(DEAD_LETTERS.path, &query)?;
            let letters = page.get(DEAD_LETTERS.key).and_then(Json::as_array);
            ids.extend(
                letters
                    .into_iter()
                    .flatten()
                    .map(|letter| shown::cell(letter, "/id")),
            );
            let Some(next) = page.get("next").and_then(Json::as_str) else {
                break;
            };
            query.retain(|(name, _)| *name != "before");
            query.push(("before", next.to_owned()));
        }
        ids.reverse();
        Ok(ids)
    }
}

/// Does it to each in a request of its own; what is refused keeps none of the others from it. What was
/// done is told, also where the daemon goes away in the middle.
fn decide(
    api: &Api,
    format: Format,
    (verb, done): Verb,
    ids: &[String],
    reason: Option<String>,
) -> anyhow::Result<Ended> {
    let body: Map<_, _> = reason
        .map(|reason| ("reason".to_owned(), reason.into()))
        .into_iter()
        .collect();
    if ids.is_empty() && format == Format::Text {
        output::line(DEAD_LETTERS.none);
    }
    let mut said = Vec::with_capacity(ids.len());
    let (mut refused, mut broken) = (0, None);
    for id in ids {
        let path = DEAD_LETTERS.place(id, verb)?;
        match api.post(&path, body.clone(), Duration::ZERO) {
            Ok(answered) => said.push(answered.json),
            Err(Error::Refused { status, detail, .. }) if matches!(status, 404 | 409) => {
                refused += 1;
                said.push(json!({ "id": id, "status": status, "detail": detail }));
            }
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    output::answer(format, &json!({ DEAD_LETTERS.key: said }), |_| {
        decided(&said, done)
    });
    if let Some(error) = broken {
        return Err(error.into());
    }
    if refused > 0 {
        bail!(
            "{} of {} could not be {done}",
            shown::count(refused),
            shown::count(ids.len())
        );
    }
    Ok(Ended::Fine)
}

fn decided(said: &[Json], done: &str) -> String {
    let line = |letter: &Json| {
        let told = shown::long(letter, "/detail");
        let told = if told.is_empty() {
            format!(
                "{done}: revision {} of {} to {}",
                shown::cell(letter, "/revision"),
                shown::cell(letter, "/alert"),
                shown::cell(letter, "/destination")
            )
        } else {
            told
        };
        vec![shown::cell(letter, "/id"), told]
    };
    let is_done = |letter: &&Json| letter.get("detail").is_none();
    let count = said.iter().filter(is_done).count();
    let few = count <= MOST_LINES;
    let lines = said.iter().filter(|letter| few || !is_done(letter));
    let told = shown::aligned(&lines.map(line).collect::<Vec<_>>());
    if few {
        told
    } else {
        format!("{} {done}\n{told}", shown::count(count))
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

    #[test]
    fn each_is_told_with_what_became_of_it() {
        let mut said = vec![
            json!({ "id": 7, "destination": "soc", "alert": "alt_01jd3k9x8q2r0", "revision": 2, "retried": true }),
            json!({ "id": "12", "status": 404, "detail": "there is no dead letter 12" }),
        ];
        insta::assert_snapshot!(decided(&said, RETRY.1), @r"
        7   owed again: revision 2 of alt_01jd3k9x8q2r0 to soc
        12  there is no dead letter 12
        ");
        said.resize(1_202, said[0].clone());
        insta::assert_snapshot!(decided(&said, RETRY.1), @r"
        1,201 owed again
        12  there is no dead letter 12
        ");
    }
}
