//! `andon alerts`: what is open, why, and what a person says to it.

use std::fmt::Write as _;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json};

use super::api::Api;
use super::shown::{self, Asked, Things, Told};
use super::{Ended, Where, output};

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// The newest first; open ones unless --all
    List(List),
    /// One of them, whole
    Show {
        /// Its id, `alt_…`
        id: String,
    },
    /// Say that somebody has taken it
    Ack {
        /// Its id, `alt_…`
        id: String,
        /// What to add
        #[arg(long)]
        text: Option<String>,
    },
    /// Close it
    Close {
        /// Its id, `alt_…`
        id: String,
        /// It was none
        #[arg(long)]
        false_positive: bool,
        /// What to add
        #[arg(long)]
        text: Option<String>,
    },
    /// Add a note
    Note {
        /// Its id, `alt_…`
        id: String,
        /// The note
        #[arg(long)]
        text: String,
    },
}

/// What to list.
#[derive(Debug, Default, Args)]
pub(crate) struct List {
    /// Closed ones too
    #[arg(long)]
    all: bool,
    /// The least severity
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<String>,
    /// How many; 50 without it
    #[arg(long)]
    limit: Option<u32>,
}

const ALERTS: Things = Things {
    path: "/v1/alerts",
    key: "alerts",
    none: "no alerts",
    columns: &[
        ("id", "/id", Told::Cell),
        ("severity", "/severity", Told::Cell),
        ("state", "/state", Told::Cell),
        ("count", "/count", Told::Cell),
        ("last seen", "/last_seen", Told::Since),
        ("title", "/title", Told::Cell),
    ],
    facts: &[
        ("alert", "/id", Told::Cell),
        ("title", "/title", Told::Cell),
        ("summary", "/summary", Told::Cell),
        ("severity", "/severity", Told::Cell),
        ("state", "/state", Told::Cell),
        ("closed", "/closed/how", Told::Cell),
        ("kind", "/kind", Told::Cell),
        ("mapping", "/mapping", Told::Cell),
        ("from", "/origin/connection", Told::Cell),
        ("first seen", "/first_seen", Told::Moment),
        ("last seen", "/last_seen", Told::Moment),
        ("count", "/count", Told::Cell),
        ("taken by", "/acknowledged/by", Told::Cell),
        ("told", "/told", Told::Cell),
        ("signal", "/signal", Told::Cell),
    ],
    below,
};

/// Does it.
pub(crate) fn run(typed: Asked<What>, at: &Where) -> anyhow::Result<Ended> {
    let api = Api::open(at)?;
    let format = typed.format;
    let what = typed.what.unwrap_or_else(|| What::List(List::default()));
    let (id, word, text, false_positive) = match what {
        What::List(list) => {
            let state = if list.all { "all" } else { "open" };
            let query = [
                ("state", Some(state.to_owned())),
                ("limit", list.limit.map(|limit| limit.to_string())),
                ("severity", list.severity),
            ];
            return ALERTS.list(&api, format, &query);
        }
        What::Show { id } => return ALERTS.show(&api, format, &id),
        What::Ack { id, text } => (id, "/ack", text, None),
        What::Note { id, text } => (id, "/note", Some(text), None),
        What::Close {
            id,
            false_positive,
            text,
        } => (id, "/resolve", text, Some(false_positive)),
    };
    let mut body = Map::new();
    body.extend(text.map(|text| ("text".to_owned(), text.into())));
    body.extend(false_positive.map(|was| ("false_positive".to_owned(), was.into())));
    let answered = api.post(&ALERTS.place(&id, word)?, body, Duration::ZERO)?;
    output::answer(format, &answered.json, said);
    Ok(Ended::Fine)
}

/// What an alert is after somebody said something to it.
fn said(json: &Json) -> String {
    format!(
        "{}  {}  {}\n",
        shown::cell(json, "/id"),
        shown::cell(json, "/state"),
        shown::cell(json, "/title")
    )
}

/// Its values, what may be done about it, and what was said and done.
fn below(json: &Json) -> String {
    let mut out = String::new();
    for (head, pointer) in [
        ("model", "/model"),
        ("fields", "/fields"),
        ("measured", "/measured"),
        ("evidence", "/evidence"),
    ] {
        out.push_str(&section(head, json.pointer(pointer)));
    }
    for offer in items(json, "contain") {
        let with = offer.get("with").and_then(Json::as_object);
        let with: Vec<String> = with
            .into_iter()
            .flatten()
            .map(|(name, value)| format!(" --with {}={}", shown::text(name), plain(value)))
            .collect();
        let ask: Vec<String> = items(offer, "ask")
            .filter_map(Json::as_str)
            .map(|name| format!(" --with {}=…", shown::text(name)))
            .collect();
        let _ = writeln!(
            out,
            "contain   andon actions request {} --at {}{}{} --alert {}",
            shown::cell(offer, "/action"),
            shown::cell(offer, "/at"),
            with.concat(),
            ask.concat(),
            shown::cell(json, "/id"),
        );
    }
    for note in items(json, "notes") {
        let _ = writeln!(
            out,
            "note      {}  {}: {}",
            shown::cell(note, "/at"),
            shown::cell(note, "/by"),
            shown::cell(note, "/text")
        );
    }
    for action in items(json, "actions") {
        let _ = writeln!(
            out,
            "action    {}  {}  {}  {}",
            shown::cell(action, "/action_id"),
            shown::cell(action, "/action"),
            shown::cell(action, "/state"),
            shown::cell(action, "/message")
        );
    }
    out
}

fn items<'j>(json: &'j Json, key: &str) -> impl Iterator<Item = &'j Json> {
    let items = json.get(key).and_then(Json::as_array);
    items.into_iter().flatten()
}

fn section(head: &str, map: Option<&Json>) -> String {
    let lines: Vec<Vec<String>> = map
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| vec![format!("  {}", shown::text(name)), shown::value(value, 120)])
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("{head}\n{}", shown::aligned(&lines))
}

/// A value as it would be typed: quoted for the shell where it has to be, so that what came from
/// outside cannot end a quotation.
fn plain(value: &Json) -> String {
    let text = match value {
        Json::String(text) => shown::text(text),
        other => shown::value(other, 120),
    };
    let is_word = !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_./:@".contains(c));
    if is_word {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    fn now() -> Timestamp {
        "2026-11-23T08:05:00Z".parse().unwrap()
    }

    fn alert() -> Json {
        json!({
            "id": "alt_01jd3k9x8q2r0", "revision": 1, "state": "open", "mapping": "evidently-column-drift",
            "kind": "feature-drift", "severity": "high", "title": "income of loans\u{1b}[31m has drifted",
            "first_seen": "2026-11-23T08:00:00Z", "last_seen": "2026-11-23T08:02:00Z", "count": 3,
            "model": { "name": "loans" }, "fields": { "column": "income" },
            "contain": [{ "action": "mlflow/move-alias", "at": "registry", "with": { "alias": "x'; rm -rf /" }, "ask": ["version"] }],
            "origin": { "connection": "drift" }, "told": ["soc"], "signal": "sig_01jd3k9x8q2r0",
            "notes": [{ "by": "ann", "at": "2026-11-23T08:03:00Z", "text": "looking" }],
        })
    }

    #[test]
    fn a_list_is_a_table() {
        let json = json!({ "alerts": [alert()], "next": null });
        insta::assert_snapshot!(ALERTS.listed(&json, now()), @r"
        ID                 SEVERITY  STATE  COUNT  LAST SEEN  TITLE
        alt_01jd3k9x8q2r0  high      open   3      3m ago     income of loans\u{1b}[31m has drifted
        ");
    }

    #[test]
    fn nothing_is_said_as_such() {
        assert_eq!(
            ALERTS.listed(&json!({ "alerts": [] }), now()),
            "no alerts\n"
        );
    }

    #[test]
    fn an_alert_is_shown_whole_and_its_offer_can_be_typed() {
        insta::assert_snapshot!(ALERTS.one(&alert(), now()), @r#"
        alert       alt_01jd3k9x8q2r0
        title       income of loans\u{1b}[31m has drifted
        severity    high
        state       open
        kind        feature-drift
        mapping     evidently-column-drift
        from        drift
        first seen  2026-11-23T08:00:00Z (5m ago)
        last seen   2026-11-23T08:02:00Z (3m ago)
        count       3
        told        soc
        signal      sig_01jd3k9x8q2r0
        model
          name  "loans"
        fields
          column  "income"
        contain   andon actions request mlflow/move-alias --at registry --with alias='x'\''; rm -rf /' --with version=… --alert alt_01jd3k9x8q2r0
        note      2026-11-23T08:03:00Z  ann: looking
        "#);
    }
}
