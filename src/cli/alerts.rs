//! `andon alerts`: what is open, why, and what a person says to it.

use std::fmt::Write as _;
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
struct List {
    /// Closed ones too
    #[arg(long)]
    all: bool,
    /// The least severity
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50)]
    limit: u32,
}

/// Does it.
pub(crate) fn run(typed: Typed, config: Option<&Path>, url: Option<&str>) -> anyhow::Result<Ended> {
    let api = Api::open(config, url)?;
    let now = Clock::system().now();
    let list = List {
        limit: 50,
        ..List::default()
    };
    match typed.what.unwrap_or(What::List(list)) {
        What::List(list) => {
            let state = if list.all { "all" } else { "open" };
            let mut query = vec![
                ("state", state.to_owned()),
                ("limit", list.limit.to_string()),
            ];
            query.extend(list.severity.map(|severity| ("severity", severity)));
            let json = api.get("/v1/alerts", &query)?;
            output::answer(typed.format, &json, |json| listed(json, now));
        }
        What::Show { id } => {
            let json = api.get(&format!("/v1/alerts/{}", segment(&id)?), &[])?;
            output::answer(typed.format, &json, |json| one(json, now));
        }
        What::Ack { id, text } => say(&api, typed.format, &id, "ack", text, None)?,
        What::Note { id, text } => say(&api, typed.format, &id, "note", Some(text), None)?,
        What::Close {
            id,
            false_positive,
            text,
        } => say(
            &api,
            typed.format,
            &id,
            "resolve",
            text,
            Some(false_positive),
        )?,
    }
    Ok(Ended::Fine)
}

fn say(
    api: &Api,
    format: Format,
    id: &str,
    word: &str,
    text: Option<String>,
    false_positive: Option<bool>,
) -> anyhow::Result<()> {
    let mut body = Map::new();
    if let Some(text) = text {
        body.insert("text".to_owned(), text.into());
    }
    if let Some(false_positive) = false_positive {
        body.insert("false_positive".to_owned(), false_positive.into());
    }
    let path = format!("/v1/alerts/{}/{word}", segment(id)?);
    let answered = api.post(&path, body, Duration::ZERO)?;
    output::answer(format, &answered.json, said);
    Ok(())
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

fn listed(json: &Json, now: Timestamp) -> String {
    let alerts = json.get("alerts").and_then(Json::as_array);
    let rows: Vec<Vec<String>> = alerts
        .into_iter()
        .flatten()
        .map(|alert| {
            vec![
                shown::cell(alert, "/id"),
                shown::cell(alert, "/severity"),
                shown::cell(alert, "/state"),
                shown::cell(alert, "/count"),
                shown::since(alert, "/last_seen", now),
                shown::cell(alert, "/title"),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "no alerts\n".to_owned();
    }
    let heads = ["id", "severity", "state", "count", "last seen", "title"];
    let more = match json.get("next") {
        None | Some(Json::Null) => "",
        Some(_) => "there are more; --limit shows up to 200\n",
    };
    format!("{}{more}", shown::table(&heads, &rows))
}

fn one(json: &Json, now: Timestamp) -> String {
    let mut out = shown::facts(&[
        ("alert", shown::cell(json, "/id")),
        ("title", shown::cell(json, "/title")),
        ("summary", shown::cell(json, "/summary")),
        ("severity", shown::cell(json, "/severity")),
        ("state", shown::cell(json, "/state")),
        ("closed", shown::cell(json, "/closed/how")),
        ("kind", shown::cell(json, "/kind")),
        ("mapping", shown::cell(json, "/mapping")),
        ("from", shown::cell(json, "/origin/connection")),
        ("first seen", shown::moment(json, "/first_seen", now)),
        ("last seen", shown::moment(json, "/last_seen", now)),
        ("count", shown::cell(json, "/count")),
        ("taken by", shown::cell(json, "/acknowledged/by")),
        ("told", shown::cell(json, "/told")),
        ("signal", shown::cell(json, "/signal")),
    ]);
    for (head, pointer) in [
        ("model", "/model"),
        ("fields", "/fields"),
        ("measured", "/measured"),
        ("evidence", "/evidence"),
    ] {
        out.push_str(&section(head, json.pointer(pointer)));
    }
    for offer in json
        .pointer("/contain")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let with = offer.get("with").and_then(Json::as_object);
        let with: Vec<String> = with
            .into_iter()
            .flatten()
            .map(|(name, value)| format!(" --with {}={}", shown::text(name), plain(value)))
            .collect();
        let ask = offer.get("ask").and_then(Json::as_array);
        let ask: Vec<String> = ask
            .into_iter()
            .flatten()
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
    for note in json
        .pointer("/notes")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let _ = writeln!(
            out,
            "note      {}  {}: {}",
            shown::cell(note, "/at"),
            shown::cell(note, "/by"),
            shown::cell(note, "/text")
        );
    }
    for action in json
        .pointer("/actions")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
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
        insta::assert_snapshot!(listed(&json, now()), @r"
        ID                 SEVERITY  STATE  COUNT  LAST SEEN  TITLE
        alt_01jd3k9x8q2r0  high      open   3      3m ago     income of loans\u{1b}[31m has drifted
        ");
    }

    #[test]
    fn nothing_is_said_as_such() {
        assert_eq!(listed(&json!({ "alerts": [] }), now()), "no alerts\n");
    }

    #[test]
    fn an_alert_is_shown_whole_and_its_offer_can_be_typed() {
        insta::assert_snapshot!(one(&alert(), now()), @r#"
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
