//! `alert:`: kind, words, severity, and what tells alerts apart.

use std::sync::Arc;

use super::super::AlertRule;
use super::Known;
use crate::alert::Severity;
use crate::diag::{Code, Faults, codes, nearest};
use crate::expr::Expr;
use crate::kind::Kind;
use crate::shape::{Reading, Shape};
use crate::template::Template;
use crate::yaml::{Fields, Node};

/// A `same_as` in which nothing comes from the signal.
const ONE_FOR_ALL: Code = Code("AND0513");
/// A kind that `kinds.yaml` does not have.
const UNKNOWN_KIND: Code = Code("AND0502");

/// A severity that does not decide.
const BAD_SEVERITY: Code = Code("AND0505");

const ALERT_KEYS: [&str; 10] = [
    "kind", "title", "summary", "severity", "model", "same_as", "at", "measured", "fields",
    "evidence",
];

/// What titles and summaries may name beside `fields`.
const TEXT_NAMES: [&str; 5] = ["model", "measured", "severity", "kind", "connection"];

pub(super) fn alert(
    node: &Node,
    reading: &Reading<'_>,
    known: Known<'_>,
    faults: &mut Faults,
) -> Option<AlertRule> {
    let fields = Fields::of(node, "`alert`", &ALERT_KEYS, faults)?;
    let kind = fields
        .require(
            "kind",
            "name its kind, such as `kind: feature-drift`",
            faults,
        )
        .and_then(|node| Some((kind(node, known, faults)?, node.place())));
    let map = |key: &'static str, faults: &mut Faults| -> Option<Shape> {
        let node = fields.get(key)?;
        if node.as_map().is_none() {
            faults
                .error(
                    codes::WRONG_TYPE,
                    node.place(),
                    format!("`{key}` is a map, and this is {}", node.what()),
                )
                .help(format!("write `{key}: {{ name: =signal.name }}`"));
            return None;
        }
        reading.value(node, faults)
    };
    let model = map("model", faults);
    let measured = map("measured", faults);
    let values = map("fields", faults);
    let evidence = map("evidence", faults);
    let mut text_names: Vec<&str> = fields
        .get("fields")
        .and_then(Node::as_map)
        .unwrap_or_default()
        .iter()
        .map(|entry| entry.key.trim_end_matches('?'))
        .collect();
    text_names.extend(TEXT_NAMES);
    let title = fields
        .require("title", "write one line for the person on duty", faults)
        .and_then(|node| prose(node, "title", &text_names, faults));
    let summary = fields
        .get("summary")
        .map(|node| prose(node, "summary", &text_names, faults));
    let severity = fields
        .require(
            "severity",
            "write cases such as `- high: signal.value >= 0.5`, and `- medium: otherwise` last",
            faults,
        )
        .and_then(|node| severity(node, reading, faults));
    let same_as = fields
        .require("same_as", "write what tells alerts apart, such as `same_as: [=signal.name]`: one open alert for each", faults)
        .and_then(|node| same_as(node, reading, faults));
    let at = fields.get("at").map(|node| reading.expr(node, faults));
    let (kind, kind_place) = kind?;
    Some(AlertRule {
        kind,
        kind_place,
        title: title?,
        summary: match summary {
            None => None,
            Some(read) => Some(read?),
        },
        severity: severity?,
        model,
        same_as: same_as?,
        at: match at {
            None => None,
            Some(read) => Some(read?),
        },
        measured,
        fields: values,
        evidence,
    })
}

pub(super) fn kind(node: &Node, known: Known<'_>, faults: &mut Faults) -> Option<Arc<Kind>> {
    let name = node.as_text().unwrap_or_default();
    if let Some(kind) = known.kinds.get(name) {
        return Some(Arc::clone(kind));
    }
    if !known.all_kinds {
        return None;
    }
    let fault = faults.error(
        UNKNOWN_KIND,
        node.place(),
        format!("there is no kind `{name}`"),
    );
    match nearest(name, known.kinds.keys().map(String::as_str)) {
        Some(meant) => fault
            .label(format!("did you mean `{meant}`?"))
            .help(format!("write `kind: {meant}`")),
        None => fault.help(format!(
            "kinds are {}",
            known.kinds.keys().cloned().collect::<Vec<_>>().join(", ")
        )),
    };
    None
}

pub(super) fn prose(
    node: &Node,
    key: &str,
    names: &[&str],
    faults: &mut Faults,
) -> Option<Template> {
    let Some(fragment) = node.fragment() else {
        faults
            .error(
                codes::WRONG_TYPE,
                node.place(),
                format!("`{key}` is a text, and this is {}", node.what()),
            )
            .help(format!("quote it: `{key}: \"{{{{name}}}} is down\"`"));
        return None;
    };
    Template::parse(&fragment, names, faults)
}

/// `high`, or a list of cases of which the last is `otherwise`.
pub(super) fn severity(
    node: &Node,
    reading: &Reading<'_>,
    faults: &mut Faults,
) -> Option<Vec<(Severity, Option<Expr>)>> {
    let words: Vec<&str> = Severity::ALL
        .iter()
        .map(|severity| severity.as_str())
        .collect();
    if let Some(word) = node.as_text() {
        let Some(severity) = Severity::from_word(word) else {
            let fault = faults.error(
                BAD_SEVERITY,
                node.place(),
                format!("`{word}` is no severity"),
            );
            match nearest(word, words.iter().copied()) {
                Some(meant) => fault
                    .label(format!("did you mean `{meant}`?"))
                    .help(format!("write `severity: {meant}`")),
                None => fault.help(format!("write one of {}", words.join(", "))),
            };
            return None;
        };
        return Some(vec![(severity, None)]);
    }
    let items = node.as_list().unwrap_or_default();
    let mut cases = Vec::new();
    let before = faults.errors();
    for (index, item) in items.iter().enumerate() {
        let Some([entry]) = item.as_map() else {
            faults
                .error(
                    BAD_SEVERITY,
                    item.place(),
                    "each line has one severity and its condition",
                )
                .help("write such as `- high: signal.value >= 0.5`");
            continue;
        };
        let Some(severity) = Severity::from_word(&entry.key) else {
            let fault = faults.error(
                BAD_SEVERITY,
                entry.key_place(),
                format!("`{}` is no severity", entry.key),
            );
            match nearest(&entry.key, words.iter().copied()) {
                Some(meant) => fault
                    .label(format!("did you mean `{meant}`?"))
                    .help(format!("write `- {meant}: …`")),
                None => fault.help(format!("write one of {}", words.join(", "))),
            };
            continue;
        };
        let is_last = index + 1 == items.len();
        if entry.value.as_text() == Some("otherwise") {
            if !is_last {
                faults
                    .error(
                        codes::NEVER_REACHED,
                        entry.value.place(),
                        "what stands below `otherwise` is never reached",
                    )
                    .help("move this line to the end");
            }
            cases.push((severity, None));
        } else if let Some(when) = reading.one_of_cases(&entry.value, faults) {
            cases.push((severity, Some(when)));
        }
    }
    if faults.errors() == before && cases.last().is_none_or(|(_, when)| when.is_some()) {
        faults
            .error(
                codes::NO_OTHERWISE,
                items.last().unwrap_or(node).place(),
                "some alerts would have no severity",
            )
            .help("end with `- medium: otherwise`");
    }
    (faults.errors() == before).then_some(cases)
}

pub(super) fn same_as(
    node: &Node,
    reading: &Reading<'_>,
    faults: &mut Faults,
) -> Option<Vec<Shape>> {
    let Some(items) = node.as_list().filter(|items| !items.is_empty()) else {
        faults
            .error(
                codes::WRONG_TYPE,
                node.place(),
                format!("`same_as` is a list of values, and this is {}", node.what()),
            )
            .help("write such as `same_as: [=signal.name, =signal.version]`");
        return None;
    };
    let before = faults.errors();
    let values: Vec<Shape> = items
        .iter()
        .filter_map(|item| reading.value(item, faults))
        .collect();
    if values.iter().all(|value| value.as_constant().is_some()) && faults.errors() == before {
        faults
            .warning(
                ONE_FOR_ALL,
                node.place(),
                "nothing here comes from the signal, so there is one alert for all of them",
            )
            .help("name what tells them apart, such as `=signal.name`");
    }
    (faults.errors() == before).then_some(values)
}
