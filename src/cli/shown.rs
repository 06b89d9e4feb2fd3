//! How values, times and tables look on a terminal, and the frame of every command that lists things
//! and shows one.
//!
//! Everything that came from outside passes through here, so that nothing foreign reaches a terminal
//! as more than printable characters of one line (design 7, door 6).

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::Value as Json;
use unicode_segmentation::UnicodeSegmentation;

use super::api::{Api, segment};
use super::{Ended, Format, output};
use crate::clock::Clock;
use crate::untrusted;

/// The longest text in a cell or a sentence, in graphemes.
const LONGEST: usize = 160;
/// The longest where it has a line of its own.
const LONG: usize = 2_000;

/// What was typed after a command that lists things and shows one.
#[derive(Debug, Args)]
pub(crate) struct Asked<W: Subcommand> {
    #[command(subcommand)]
    pub(crate) what: Option<W>,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text", global = true)]
    pub(crate) format: Format,
}

/// Things that the API lists and shows.
pub(crate) struct Things {
    /// Their path.
    pub(crate) path: &'static str,
    /// The key of the list in the answer.
    pub(crate) key: &'static str,
    /// What is said when there are none.
    pub(crate) none: &'static str,
    /// What a list tells of each.
    pub(crate) columns: &'static [Part],
    /// What is told of one.
    pub(crate) facts: &'static [Part],
    /// What is told of one below that.
    pub(crate) below: fn(&Json) -> String,
}

/// A column of a list or a line about one thing: its name, where its value stands, and how that is told.
pub(crate) type Part = (&'static str, &'static str, Told);

/// How a value is told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Told {
    /// See [`cell`].
    Cell,
    /// See [`long`].
    Long,
    /// See [`since`].
    Since,
    /// See [`moment`].
    Moment,
}

impl Things {
    /// Lists them, of those that the query leaves.
    pub(crate) fn list(
        &self,
        api: &Api,
        format: Format,
        query: &[(&str, Option<String>)],
    ) -> anyhow::Result<Ended> {
        let query: Vec<(&str, String)> = query
            .iter()
            .filter_map(|(name, value)| Some((*name, value.clone()?)))
            .collect();
        let json = api.get(self.path, &query)?;
        let now = Clock::system().now();
        output::answer(format, &json, |json| self.listed(json, now));
        Ok(Ended::Fine)
    }

    /// Shows one.
    pub(crate) fn show(&self, api: &Api, format: Format, id: &str) -> anyhow::Result<Ended> {
        let json = api.get(&self.place(id, "")?, &[])?;
        let now = Clock::system().now();
        output::answer(format, &json, |json| self.one(json, now));
        Ok(Ended::Fine)
    }

    /// The path of one, and of what can be said to it.
    pub(crate) fn place(&self, id: &str, verb: &str) -> anyhow::Result<String> {
        Ok(format!("{}/{}{verb}", self.path, segment(id)?))
    }

    pub(crate) fn listed(&self, json: &Json, now: Timestamp) -> String {
        let found = json.get(self.key).unwrap_or(&Json::Null);
        let mut out = rows(found, self.columns, now);
        if out.is_empty() {
            out.push_str(self.none);
            out.push('\n');
        } else if json.get("next").is_some_and(|next| !next.is_null()) {
            out.push_str("there are more; --limit shows up to 200\n");
        }
        out
    }

    pub(crate) fn one(&self, json: &Json, now: Timestamp) -> String {
        let told: Vec<(&str, String)> = self
            .facts
            .iter()
            .map(|(name, pointer, told)| (*name, told.of(json, pointer, now)))
            .collect();
        facts(&told) + &(self.below)(json)
    }
}

impl Told {
    fn of(self, json: &Json, pointer: &str, now: Timestamp) -> String {
        match self {
            Self::Cell => cell(json, pointer),
            Self::Long => long(json, pointer),
            Self::Since => since(json, pointer, now),
            Self::Moment => moment(json, pointer, now),
        }
    }
}

/// A table of what stands in a list; nothing where there is nothing in it.
pub(crate) fn rows(list: &Json, columns: &[Part], now: Timestamp) -> String {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return String::new();
    }
    let heads: Vec<&str> = columns.iter().map(|(head, ..)| *head).collect();
    let row = |item| {
        columns
            .iter()
            .map(|(_, pointer, told)| told.of(item, pointer, now))
            .collect()
    };
    table(&heads, &items.iter().map(row).collect::<Vec<_>>())
}

/// A foreign text, printable and on one line.
pub(crate) fn text(text: &str) -> String {
    untrusted::log(text, LONGEST)
}

/// A value as JSON would write it, printable and on one line.
pub(crate) fn value(value: &Json, at_most: usize) -> String {
    match value {
        Json::String(text) => format!("\"{}\"", untrusted::log(text, at_most)),
        other => untrusted::log(&other.to_string(), at_most),
    }
}

/// As much of a digest as tells files apart at a glance.
pub(crate) fn digest(json: &Json, pointer: &str) -> String {
    cell(json, pointer).chars().take(12).collect()
}

/// What stands at a JSON Pointer, as a cell: texts without quotes, nothing for what is not there.
pub(crate) fn cell(json: &Json, pointer: &str) -> String {
    match json.pointer(pointer) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(found)) => text(found),
        Some(Json::Array(items)) if items.iter().all(Json::is_string) => {
            let words: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
            text(&words.join(", "))
        }
        Some(other) => untrusted::log(&other.to_string(), LONGEST),
    }
}

/// As [`cell`], for what may be long: up to 2,000 characters, still on one line.
pub(crate) fn long(json: &Json, pointer: &str) -> String {
    match json.pointer(pointer) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(found)) => untrusted::log(found, LONG),
        Some(other) => untrusted::log(&other.to_string(), LONG),
    }
}

/// The first of several places where something stands.
pub(crate) fn first_of(json: &Json, pointers: &[&str]) -> String {
    pointers
        .iter()
        .map(|pointer| cell(json, pointer))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// A time with how long ago that is: `2026-11-23T08:00:00Z (3m ago)`.
pub(crate) fn moment(json: &Json, pointer: &str, now: Timestamp) -> String {
    let Some(at) = json.pointer(pointer).and_then(Json::as_str) else {
        return String::new();
    };
    match at.parse::<Timestamp>() {
        Ok(at) => format!("{} ({})", seconds(at), ago(at, now)),
        Err(_) => text(at),
    }
}

/// How long ago a time is, for a table.
pub(crate) fn since(json: &Json, pointer: &str, now: Timestamp) -> String {
    let Some(at) = json.pointer(pointer).and_then(Json::as_str) else {
        return String::new();
    };
    at.parse()
        .map_or_else(|_| text(at), |at: Timestamp| ago(at, now))
}

/// As RFC 3339 with whole seconds, UTC.
pub(crate) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How long before `now`, or how long after it: one unit, rounded down.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(at.as_second());
    let span = span(seconds.unsigned_abs());
    match seconds {
        0 => "now".to_owned(),
        past if past > 0 => format!("{span} ago"),
        _ => format!("in {span}"),
    }
}

/// A span of time in its largest unit, rounded down.
pub(crate) fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds}s"),
        120..=7_199 => format!("{}m", seconds / 60),
        7_200..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A number with commas between its thousands.
pub(crate) fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A table with a line of heads, two blanks between columns, no blank at a line's end.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let heads: Vec<String> = heads.iter().map(|head| head.to_uppercase()).collect();
    let mut lines = vec![heads];
    lines.extend(rows.iter().cloned());
    aligned(&lines)
}

/// Lines of cells, each column as wide as its widest cell; the last column is not padded.
pub(crate) fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            lines
                .iter()
                .filter_map(|line| line.get(column))
                .map(|cell| width(cell))
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for line in lines {
        let mut written = String::new();
        for (cell, wide) in line.iter().zip(&widths) {
            written.push_str(cell);
            written.push_str(&" ".repeat(wide.saturating_sub(width(cell)) + 2));
        }
        out.push_str(written.trim_end());
        out.push('\n');
    }
    out
}

/// Names and values under one another; those without a value are left out.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let lines: Vec<Vec<String>> = facts
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![(*name).to_owned(), value.clone()])
        .collect();
    aligned(&lines)
}

/// How wide a text is on a terminal, kept simple: a grapheme is one column.
fn width(text: &str) -> usize {
    text.graphemes(true).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_time_is_told_in_its_largest_unit() {
        let now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        for (at, said) in [
            ("2026-11-23T08:00:00Z", "now"),
            ("2026-11-23T07:59:00Z", "60s ago"),
            ("2026-11-23T07:57:00Z", "3m ago"),
            ("2026-11-23T03:00:00Z", "5h ago"),
            ("2026-11-20T08:00:00Z", "3d ago"),
            ("2026-11-23T09:00:00Z", "in 60m"),
        ] {
            assert_eq!(ago(at.parse().unwrap(), now), said, "{at}");
        }
    }

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!(
            [0, 812, 2_314, 1_000_000].map(count),
            ["0", "812", "2,314", "1,000,000"]
        );
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let rows = vec![
            vec!["soc".to_owned(), "splunk".to_owned()],
            vec!["oncall".to_owned(), String::new()],
        ];
        insta::assert_snapshot!(table(&["name", "connector"], &rows), @r"
        NAME    CONNECTOR
        soc     splunk
        oncall
        ");
    }

    #[test]
    fn an_escape_sequence_does_not_reach_the_terminal() {
        let hostile = json!({ "title": "\u{1b}[2Jgone\r\n\u{202e}x" });
        assert_eq!(cell(&hostile, "/title"), "\\u{1b}[2Jgone\\r\\n\\u{202e}x");
    }

    proptest! {
        #[test]
        fn a_cell_is_one_printable_line(found in any::<String>()) {
            let shown = cell(&json!({ "x": found }), "/x");
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
