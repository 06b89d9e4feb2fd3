//! `andon check --live`: what each connection answers, and what could not be asked.

use std::fmt::Write as _;

use anyhow::Context;
use serde_json::{Value as Json, json};

use super::super::shown;
use crate::asking::{self, Asked, Outcome};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::daemon::Folder;
use crate::diag::{self, Diagnostic, Faults};
use crate::untrusted;

/// The longest that is said of a question, in graphemes.
const LONGEST: usize = 400;

/// Asks; what is wrong is added to `said`.
pub(super) fn ask(
    catalog: Catalog,
    folder: &Folder,
    said: &mut Vec<Diagnostic>,
) -> anyhow::Result<Vec<Asked>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let asking = asking::ask(catalog, &folder.path, Clock::system());
    let (asked, faults): (Vec<Asked>, Faults) = runtime.block_on(asking);
    said.extend(faults.into_sorted());
    Ok(asked)
}

/// For a script: the faults as without `--live`, and what came of each question.
pub(super) fn json(asked: &[Asked], said: &[Diagnostic]) -> Json {
    let faults = diag::render(said, diag::Format::Json);
    let connection = |asked: &Asked| {
        let found = asked.found.iter().map(|found| {
            json!({ "about": found.about, "outcome": found.outcome.as_str(), "said": found.said })
        });
        json!({
            "name": asked.connection,
            "connector": asked.connector,
            "host": asked.host,
            "asked": found.collect::<Json>(),
        })
    };
    json!({
        "faults": serde_json::from_str::<Json>(&faults).unwrap_or_default(),
        "connections": asked.iter().map(connection).collect::<Json>(),
    })
}

/// For a person: a paragraph for each connection, a line for each question.
pub(super) fn text(asked: &[Asked]) -> String {
    let mut out = String::new();
    for asked in asked {
        let _ = writeln!(
            out,
            "\n{} ({} at {})",
            asked.connection,
            asked.connector,
            shown::text(&asked.host)
        );
        let lines: Vec<Vec<String>> = asked
            .found
            .iter()
            .map(|found| {
                let outcome = match found.outcome {
                    Outcome::Fine => "  fine",
                    Outcome::Fault => "  fault",
                    Outcome::NotAsked => "  not asked",
                };
                vec![
                    outcome.to_owned(),
                    shown::text(&found.about),
                    untrusted::log(&found.said, LONGEST),
                ]
            })
            .collect();
        out.push_str(&shown::aligned(&lines));
    }
    if asked.is_empty() {
        out.push_str("there are no connections to ask\n");
    } else {
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asking::Found;

    #[test]
    fn each_question_is_a_line_with_what_came_of_it() {
        let found = |about: &str, outcome, said: &str| Found {
            about: about.to_owned(),
            outcome,
            said: said.to_owned(),
        };
        let asked = [Asked {
            connection: "soc".to_owned(),
            connector: "splunk".to_owned(),
            host: "hec.example.com".to_owned(),
            found: vec![
                found("secrets", Outcome::Fine, "`token` is there"),
                found(
                    "the token",
                    Outcome::Fault,
                    "`soc`: the collector does not know this \u{1b}[2Jtoken",
                ),
                found("the index", Outcome::NotAsked, "only an event shows it"),
            ],
        }];
        insta::assert_snapshot!(text(&asked), @r"

        soc (splunk at hec.example.com)
          fine       secrets    `token` is there
          fault      the token  `soc`: the collector does not know this \u{1b}[2Jtoken
          not asked  the index  only an event shows it
        ");
        assert_eq!(
            json(&asked, &[])["connections"][0]["asked"][2]["outcome"],
            "not_asked"
        );
    }
}
