//! A test that failed: what was expected beside what came, key by key, where two texts differ, and why.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use unicode_segmentation::UnicodeSegmentation;

use crate::catalog::{Catalog, Ran};
use crate::cli::explain;
use crate::mapping::{Difference, Mapping, Outcome, WHOLE};
use crate::untrusted;

/// The longest value shown, in graphemes; of a longer text the part where it differs.
const LONGEST: usize = 100;
/// How much of what two texts share is shown before they part, in graphemes.
const BEFORE: usize = 30;

/// For a person; nothing where the test passed.
pub(super) fn text(catalog: &Catalog, mapping: &Mapping, ran: &Ran<'_>) -> String {
    let Outcome::Failed(failure) = &ran.outcome else {
        return String::new();
    };
    let (line, _) = ran
        .case
        .place
        .source
        .line_and_column(ran.case.place.span.start);
    let mut out = format!(
        "FAILED {}: {}\n  {}:{line}\n",
        mapping.name,
        untrusted::log(&ran.case.it, LONGEST),
        ran.case.place.source.name
    );
    let differences = failure.differences();
    let wide = differences
        .iter()
        .map(|one| one.key.len())
        .max()
        .unwrap_or(0);
    let mut at = None;
    for (index, one) in differences.iter().enumerate() {
        if one.signal != at
            && let Some(number) = one.signal
        {
            let count = failure.wanted.len().max(failure.got.len());
            let _ = writeln!(out, "  signal {number} of {count}");
        }
        at = one.signal;
        out.push_str(&difference(one, wide));
        // The last of this signal's: now why.
        if differences
            .get(index + 1)
            .is_none_or(|next| next.signal != at)
        {
            let of_signal = differences.iter().filter(|other| other.signal == at);
            let keys: Vec<&str> = of_signal.map(|other| other.key.as_str()).collect();
            out.push_str(&why(catalog, mapping, ran, at, &keys));
        }
    }
    out.push('\n');
    out
}

/// For a script.
pub(super) fn json(catalog: &Catalog, mapping: &Mapping, ran: &Ran<'_>) -> Json {
    let (line, _) = ran
        .case
        .place
        .source
        .line_and_column(ran.case.place.span.start);
    let (differences, stories) = match &ran.outcome {
        Outcome::Passed => (Vec::new(), Vec::new()),
        Outcome::Failed(failure) => {
            let story = |signal| explain::story(catalog, mapping, signal, &ran.case.look_up);
            let stories: Vec<_> = ran.signals.iter().map(story).collect();
            (failure.differences(), stories)
        }
    };
    json!({
        "it": ran.case.it, "file": ran.case.place.source.name, "line": line,
        "passed": ran.outcome == Outcome::Passed, "differences": differences, "why": stories,
    })
}

/// Why a signal gave what it gave, indented.
fn why(
    catalog: &Catalog,
    mapping: &Mapping,
    ran: &Ran<'_>,
    signal: Option<usize>,
    keys: &[&str],
) -> String {
    let Some(signal) = ran.signals.get(signal.map_or(0, |number| number - 1)) else {
        return String::new();
    };
    let story = explain::story(catalog, mapping, signal, &ran.case.look_up);
    let why = explain::why(&story, keys);
    if why.is_empty() {
        return why;
    }
    let lines: Vec<String> = why.lines().map(|line| format!("    {line}\n")).collect();
    format!("  why\n{}", lines.concat())
}

fn difference(one: &Difference, wide: usize) -> String {
    let (wanted, got) = (one.wanted.as_ref(), one.got.as_ref());
    let key = untrusted::log(&one.key, LONGEST);
    let (mut wanted, mut got, mark) = match (wanted, got) {
        (Some(Json::String(wanted)), Some(Json::String(got))) if one.key != WHOLE => {
            parted(wanted, got)
        }
        (wanted, got) => (said(one, wanted), said(one, got), None),
    };
    if wanted == got {
        // Two values that look alike are told apart by what they are.
        let _ = write!(wanted, " ({})", sort(one.wanted.as_ref()));
        let _ = write!(got, " ({})", sort(one.got.as_ref()));
    }
    let blank = "";
    let mut out =
        format!("  {key:<wide$}  expected  {wanted}\n  {blank:<wide$}  came      {got}\n");
    if let Some(mark) = mark {
        let _ = writeln!(out, "  {blank:<wide$}            {mark}");
    }
    out
}

fn said(one: &Difference, value: Option<&Json>) -> String {
    match value {
        None if one.key == WHOLE => "no signal".to_owned(),
        None => "nothing there".to_owned(),
        // What came as a whole is a word or a sentence, and no value of a file.
        Some(Json::String(text)) if one.key == WHOLE => untrusted::log(text, 400),
        Some(Json::Object(map)) if one.key == WHOLE => {
            let parts: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key} {}", crate::cli::shown::value(value, LONGEST)))
                .collect();
            format!("an alert: {}", parts.join(", "))
        }
        Some(value) => crate::cli::shown::value(value, LONGEST),
    }
}

fn sort(value: Option<&Json>) -> &'static str {
    match value {
        None => "nothing",
        Some(Json::Null) => "null",
        Some(Json::Bool(_)) => "a truth value",
        Some(Json::Number(_)) => "a number",
        Some(Json::String(_)) => "a text",
        Some(Json::Array(_)) => "a list",
        Some(Json::Object(_)) => "a map",
    }
}

/// Two texts, printable, from shortly before they part; and a line of carets under what differs in the
/// second.
fn parted(wanted: &str, got: &str) -> (String, String, Option<String>) {
    let (wanted, got) = (
        untrusted::log(wanted, usize::MAX),
        untrusted::log(got, usize::MAX),
    );
    let wanted: Vec<&str> = wanted.graphemes(true).collect();
    let got: Vec<&str> = got.graphemes(true).collect();
    let shared = wanted
        .iter()
        .zip(&got)
        .take_while(|(one, other)| one == other)
        .count();
    let rest = wanted.len().min(got.len()) - shared;
    let after = wanted.iter().rev().zip(got.iter().rev()).take(rest);
    let after = after.take_while(|(one, other)| one == other).count();
    let from = if wanted.len().max(got.len()) > LONGEST {
        shared.saturating_sub(BEFORE)
    } else {
        0
    };
    let window = |text: &[&str]| {
        let begins = if from > 0 { "…" } else { "" };
        let shown: String = text.iter().skip(from).take(LONGEST).copied().collect();
        let ends = if text.len() > from + LONGEST {
            "…"
        } else {
            ""
        };
        format!("\"{begins}{shown}{ends}\"")
    };
    // The quote, and the ellipsis where one stands.
    let before = 1 + usize::from(from > 0) + shared - from;
    let differing =
        (got.len() - shared - after).clamp(1, LONGEST.saturating_sub(shared - from).max(1));
    let mark = format!("{}{}", " ".repeat(before), "^".repeat(differing));
    (window(&wanted), window(&got), Some(mark))
}
