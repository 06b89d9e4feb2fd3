//! Reading `mappings/<name>.yaml` against the connectors it speaks of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{AlertRule, ContainRule, LookUp, Mapping, ResolveRule, Status, cases};
use crate::alert::Severity;
use crate::connector::{self, ANSWER, Connector, SignalRule, Step, check_head, is_name, lets};
use crate::diag::{Code, Faults, Source, nearest};
use crate::expr::{Expr, Names, Type};
use crate::kind::Kind;
use crate::shape::{Offered, Reading, Shape};
use crate::signal::SignalName;
use crate::template::Template;
use crate::yaml::{self, Fields, Node};

/// `from:` names nothing.
const UNKNOWN_SIGNAL: Code = Code("AND0501");
/// A kind that `kinds.yaml` does not have.
const UNKNOWN_KIND: Code = Code("AND0502");
/// A word that is not one of those allowed.
const UNKNOWN_WORD: Code = Code("AND0503");
/// Neither `resolve` nor `quiet`.
const NEVER_CLOSES: Code = Code("AND0504");
/// A severity that does not decide.
const BAD_SEVERITY: Code = Code("AND0505");
/// A containment that does not exist.
const UNKNOWN_ACTION: Code = Code("AND0506");
/// An argument that an action does not take, or that is missing.
const BAD_ARGUMENT: Code = Code("AND0507");
/// A key that does not tell alerts apart.
const BAD_KEY: Code = Code("AND0508");
/// A stable mapping without tests.
const NO_TESTS: Code = Code("AND0509");
/// A part of the wrong kind.
const BAD_PART: Code = Code("AND0510");

/// What a mapping is checked against.
#[derive(Clone, Copy)]
pub struct Known<'k> {
    /// The connectors, by name.
    pub connectors: &'k BTreeMap<String, Arc<Connector>>,
    /// Connectors that exist and could not be read: told where they are faulty, and not here again.
    pub faulty: &'k BTreeSet<String>,
    /// The kinds, by name.
    pub kinds: &'k BTreeMap<String, Arc<Kind>>,
    /// Whether every kind could be read; otherwise none is told to be missing.
    pub all_kinds: bool,
}

const KEYS: [&str; 15] = [
    "andon",
    "name",
    "about",
    "status",
    "false_positives",
    "runbook",
    "from",
    "look_up",
    "let",
    "when",
    "alert",
    "resolve",
    "quiet",
    "contain",
    "tests",
];

/// Reads the mapping in the file `name`.yaml.
pub fn parse(
    source: &Arc<Source>,
    name: &str,
    known: Known<'_>,
    faults: &mut Faults,
) -> Option<Mapping> {
    let node = yaml::parse(source, faults)?;
    let fields = Fields::of(&node, "a mapping", &KEYS, faults)?;
    let start = faults.errors();
    check_head(&fields, "mapping/v1", name, "the file's", faults);
    let status = status(&fields, faults);
    let about = fields.required_text("about", "say in a sentence what it finds", faults);
    let from_node = fields.require(
        "from",
        "name the signal, such as `from: mlflow/alias-created`",
        faults,
    );
    let from = from_node.and_then(|node| signal(node, known, faults));
    let (from, rule) = match from {
        Some((from, rule)) => (Some(from), Some(rule)),
        None => (None, None),
    };
    let data = rule.map_or(Type::Any, |rule| rule.data_type.clone());
    let mut names = base_names(data);
    let look_up_slots = look_up_names(&fields, &mut names, faults);
    let lets = lets(&fields, &mut names, faults);
    let look_up = look_ups(
        &fields,
        &names,
        &look_up_slots,
        from.as_ref(),
        known,
        faults,
    );
    let hidden = hide_answer(&names);
    let reading = Reading::over(&hidden);
    let when = fields
        .require(
            "when",
            "write the condition for an alert, such as `when: signal.status == \"FAIL\"`",
            faults,
        )
        .and_then(|node| reading.condition(node, faults));
    let alert = fields
        .require("alert", "write the alert under `alert:`", faults)
        .and_then(|node| alert(node, &reading, known, faults));
    let resolve = resolve(&fields, &reading, from.as_ref(), known, faults);
    let quiet = fields.duration("quiet", faults);
    if fields.get("resolve").is_none() && fields.get("quiet").is_none() {
        faults
            .error(
                NEVER_CLOSES,
                node.place_of_key("alert"),
                "an alert of this mapping never closes",
            )
            .help("write `resolve:` with what closes it, or `quiet: 24h`");
    }
    let contain = contain(&fields, &reading, known, faults);
    let cases = fields
        .get("tests")
        .map(|node| cases::parse(node, faults))
        .unwrap_or_default();
    if status == Status::Stable && cases.is_empty() {
        faults
            .error(
                NO_TESTS,
                fields.get("status").unwrap_or(&node).place(),
                "a stable mapping has tests",
            )
            .help("write `tests:`, or `status: draft` while it is being written");
    }
    let false_positives = fields
        .list_of_text("false_positives", faults)
        .unwrap_or_default();
    let runbook = fields.text("runbook", faults);
    (faults.errors() == start).then_some(())?;
    let from = from?;
    let key_has_connection = resolve
        .iter()
        .all(|rule: &ResolveRule| rule.from.connector == from.connector);
    Some(Mapping {
        name: name.to_owned(),
        about: about?,
        status,
        false_positives,
        runbook,
        from,
        look_up,
        lets,
        when: when?,
        alert: alert?,
        resolve,
        quiet,
        contain,
        cases,
        names: hidden,
        key_has_connection,
        place: fields.get("name").unwrap_or(&node).place(),
    })
}

fn base_names(data: Type) -> Names {
    let mut names = Names::new()
        .with("signal", data)
        .with("now", Type::Time)
        .with("received_at", Type::Time);
    for root in ANSWER {
        names = names.with(root, Type::Any);
    }
    names.with("item", Type::Any)
}

/// Names that only the answer of a look-up gives are not spoken elsewhere.
fn hide_answer(names: &Names) -> Names {
    names
        .all()
        .enumerate()
        .fold(Names::new(), |hidden, (slot, name)| {
            let of = names.of(slot).cloned().unwrap_or(Type::Any);
            if ANSWER.contains(&name) || name == "item" {
                hidden.with("\u{0}", of)
            } else {
                hidden.with(name, of)
            }
        })
}

fn status(fields: &Fields<'_>, faults: &mut Faults) -> Status {
    match fields.text("status", faults).as_deref() {
        Some("draft") => Status::Draft,
        Some("shadow") => Status::Shadow,
        Some("stable") => Status::Stable,
        Some("retired") => Status::Retired,
        other => {
            let place = fields.get("status").unwrap_or(fields.node()).place();
            let said = other.map_or("this says nothing about its status".to_owned(), |word| {
                format!("a mapping is never `{word}`")
            });
            faults
                .error(UNKNOWN_WORD, place, said)
                .help("write `status: draft`, `shadow`, `stable` or `retired`");
            Status::Draft
        }
    }
}

/// Reads `connector/signal`.
fn signal<'k>(
    node: &Node,
    known: Known<'k>,
    faults: &mut Faults,
) -> Option<(SignalName, &'k SignalRule)> {
    let text = node.as_text().unwrap_or_default();
    let Some((connector, name)) = text.split_once('/') else {
        faults
            .error(
                UNKNOWN_SIGNAL,
                node.place(),
                format!("`{text}` is no signal"),
            )
            .help("write connector and signal, such as `mlflow/alias-created`");
        return None;
    };
    let Some(found) = known.connectors.get(connector) else {
        if known.faulty.contains(connector) {
            return None;
        }
        let fault = faults.error(
            UNKNOWN_SIGNAL,
            node.place(),
            format!("there is no connector `{connector}`"),
        );
        match nearest(connector, known.connectors.keys().map(String::as_str)) {
            Some(meant) => fault
                .label(format!("did you mean `{meant}`?"))
                .help(format!("write `{meant}/{name}`")),
            None => fault.help(format!(
                "connectors are {}",
                known
                    .connectors
                    .keys()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        };
        return None;
    };
    let Some(rule) = found.signal(name) else {
        let signals: Vec<&str> = found
            .signals
            .iter()
            .map(|signal| signal.name.as_str())
            .collect();
        let fault = faults.error(
            UNKNOWN_SIGNAL,
            node.place(),
            format!("`{connector}` has no signal `{name}`"),
        );
        match nearest(name, signals.iter().copied()) {
            Some(meant) => fault
                .label(format!("did you mean `{meant}`?"))
                .help(format!("write `{connector}/{meant}`")),
            None => fault.help(format!("its signals are {}", signals.join(", "))),
        };
        return None;
    };
    Some((
        SignalName {
            connector: connector.to_owned(),
            signal: name.to_owned(),
        },
        rule,
    ))
}

fn look_up_names(
    fields: &Fields<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Vec<(String, usize)> {
    let mut slots = Vec::new();
    for entry in fields
        .get("look_up")
        .and_then(Node::as_map)
        .unwrap_or_default()
    {
        if names.find(&entry.key).is_some() || !is_name(&entry.key) || entry.key.contains('-') {
            faults
                .error(
                    BAD_PART,
                    entry.key_place(),
                    format!("what is looked up cannot be called `{}`", entry.key),
                )
                .help("choose a word of letters, digits and `_` that nothing else here is called");
            continue;
        }
        slots.push((entry.key.clone(), names.len()));
        *names = std::mem::take(names).with(&entry.key, Type::Any);
    }
    slots
}

fn look_ups(
    fields: &Fields<'_>,
    names: &Names,
    slots: &[(String, usize)],
    from: Option<&SignalName>,
    known: Known<'_>,
    faults: &mut Faults,
) -> Vec<LookUp> {
    let mut look_ups = Vec::new();
    let connector = from.and_then(|from| known.connectors.get(&from.connector));
    let settings = |wanted: &dyn Fn(connector::SettingKind) -> bool| -> Vec<String> {
        connector
            .map(|connector| {
                connector
                    .settings
                    .iter()
                    .filter(|setting| wanted(setting.kind))
                    .map(|setting| setting.name.clone())
                    .collect()
            })
            .unwrap_or_default()
    };
    let plain = settings(&|kind| kind != connector::SettingKind::Secret);
    let urls = settings(&|kind| kind == connector::SettingKind::Url);
    let secrets = settings(&|kind| kind == connector::SettingKind::Secret);
    let around = connector::Around {
        offered: Offered {
            plain: &plain,
            urls: &urls,
            secrets: &secrets,
        },
        prefix: None,
        reads: &[],
        what: "a look-up",
    };
    for entry in fields
        .get("look_up")
        .and_then(Node::as_map)
        .unwrap_or_default()
    {
        let Some((name, slot)) = slots.iter().find(|(name, _)| *name == entry.key) else {
            continue;
        };
        let keep = match entry.value.get("keep") {
            Some(node) => Reading::over(names).expr(node, faults),
            None => {
                faults
                    .error(BAD_PART, entry.value.place(), "this look-up keeps nothing")
                    .help("write `keep: =body` or a part of the answer");
                None
            }
        };
        let mut asking = entry.value.clone();
        let mut at = None;
        if let yaml::Kind::Map(entries) = &mut asking.kind {
            at = entries
                .iter()
                .find(|entry| entry.key == "at")
                .and_then(|entry| entry.value.as_text().map(str::to_owned));
            entries.retain(|entry| entry.key != "keep" && entry.key != "at");
        }
        let mut names = names.clone();
        if let (Some(step), Some(keep)) =
            (Step::parse(&asking, &[], &around, &mut names, faults), keep)
        {
            look_ups.push(LookUp {
                name: name.clone(),
                slot: *slot,
                at,
                call: step.call,
                answers: step.answers,
                keep,
                place: entry
                    .value
                    .get("at")
                    .map_or_else(|| entry.key_place(), Node::place),
            });
        }
    }
    look_ups
}

const ALERT_KEYS: [&str; 10] = [
    "kind", "title", "summary", "severity", "model", "same_as", "at", "measured", "fields",
    "evidence",
];

/// What titles and summaries may name beside `fields`.
const TEXT_NAMES: [&str; 5] = ["model", "measured", "severity", "kind", "connection"];

fn alert(
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
        .and_then(|node| kind(node, known, faults));
    let map = |key: &'static str, faults: &mut Faults| -> Option<Shape> {
        let node = fields.get(key)?;
        if node.as_map().is_none() {
            faults
                .error(
                    BAD_PART,
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
    Some(AlertRule {
        kind: kind?,
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

fn kind(node: &Node, known: Known<'_>, faults: &mut Faults) -> Option<Arc<Kind>> {
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

fn prose(node: &Node, key: &str, names: &[&str], faults: &mut Faults) -> Option<Template> {
    let Some(fragment) = node.fragment() else {
        faults
            .error(
                BAD_PART,
                node.place(),
                format!("`{key}` is a text, and this is {}", node.what()),
            )
            .help(format!("quote it: `{key}: \"{{{{name}}}} is down\"`"));
        return None;
    };
    Template::parse(&fragment, names, faults)
}

/// `high`, or a list of cases of which the last is `otherwise`.
fn severity(
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
                        BAD_SEVERITY,
                        entry.value.place(),
                        "what stands below `otherwise` is never reached",
                    )
                    .help("move this line to the end");
            }
            cases.push((severity, None));
        } else if let Some(when) = reading.condition(&entry.value, faults) {
            cases.push((severity, Some(when)));
        }
    }
    if faults.errors() == before && cases.last().is_none_or(|(_, when)| when.is_some()) {
        faults
            .error(
                BAD_SEVERITY,
                node.place(),
                "some alerts would have no severity",
            )
            .help("end with `- medium: otherwise`");
    }
    (faults.errors() == before).then_some(cases)
}

fn same_as(node: &Node, reading: &Reading<'_>, faults: &mut Faults) -> Option<Vec<Shape>> {
    let Some(items) = node.as_list().filter(|items| !items.is_empty()) else {
        faults
            .error(
                BAD_KEY,
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
                BAD_KEY,
                node.place(),
                "nothing here comes from the signal, so there is one alert for all of them",
            )
            .help("name what tells them apart, such as `=signal.name`");
    }
    (faults.errors() == before).then_some(values)
}

fn resolve(
    fields: &Fields<'_>,
    reading: &Reading<'_>,
    from: Option<&SignalName>,
    known: Known<'_>,
    faults: &mut Faults,
) -> Vec<ResolveRule> {
    let Some(node) = fields.get("resolve") else {
        return Vec::new();
    };
    let Some(items) = node.as_list() else {
        faults
            .error(
                BAD_PART,
                node.place(),
                format!("`resolve` is a list, and this is {}", node.what()),
            )
            .help("write `- when: …` for each way it can be over");
        return Vec::new();
    };
    let mut rules = Vec::new();
    for item in items {
        let Some(rule) = Fields::of(item, "a `resolve`", &["from", "when", "same_as"], faults)
        else {
            continue;
        };
        let other = match rule.get("from") {
            None => None,
            Some(node) => match signal(node, known, faults) {
                None => continue,
                Some((name, _)) if Some(&name) == from => None,
                Some(found) => Some(found),
            },
        };
        let names = other
            .as_ref()
            .map(|(_, rule)| hide_answer(&base_names(rule.data_type.clone())));
        let reading = names.as_ref().map_or(*reading, Reading::over);
        let Some(condition) =
            rule.require("when", "say when it is over, or `when: otherwise`", faults)
        else {
            continue;
        };
        let when = match condition.as_text() {
            Some("otherwise") => None,
            _ => match reading.condition(condition, faults) {
                None => continue,
                Some(when) => Some(when),
            },
        };
        let same = match rule.get("same_as") {
            None if other.is_some() => {
                faults
                    .error(BAD_KEY, item.place_of_key("from"), "another signal does not say which alert is over")
                    .help("write `same_as:` with the values of this signal, in the order of the alert's own");
                continue;
            }
            None => None,
            Some(node) => match same_as(node, &reading, faults) {
                None => continue,
                Some(values) => Some(values),
            },
        };
        let wanted = fields
            .get("alert")
            .and_then(|alert| alert.get("same_as"))
            .and_then(Node::as_list)
            .map(<[_]>::len);
        if let (Some(same), Some(wanted)) = (&same, wanted)
            && same.len() != wanted
        {
            faults
                .error(
                    BAD_KEY,
                    rule.get("same_as").unwrap_or(item).place(),
                    format!(
                        "this names {}, and the alert is told apart by {wanted}",
                        same.len()
                    ),
                )
                .help("give as many values as the alert's own `same_as`, in the same order");
        }
        let Some(from) = other
            .as_ref()
            .map(|(name, _)| name.clone())
            .or_else(|| from.cloned())
        else {
            continue;
        };
        rules.push(ResolveRule {
            from,
            when,
            same_as: same,
            names,
        });
    }
    rules
}

fn contain(
    fields: &Fields<'_>,
    reading: &Reading<'_>,
    known: Known<'_>,
    faults: &mut Faults,
) -> Vec<ContainRule> {
    let mut rules = Vec::new();
    for item in fields
        .get("contain")
        .and_then(Node::as_list)
        .unwrap_or_default()
    {
        let Some(rule) = Fields::of(
            item,
            "a containment",
            &["action", "at", "with", "ask"],
            faults,
        ) else {
            continue;
        };
        let Some(node) = rule.require(
            "action",
            "name connector and verb, such as `action: mlflow/move-alias`",
            faults,
        ) else {
            continue;
        };
        let text = node.as_text().unwrap_or_default();
        let (connector, verb) = text.split_once('/').unwrap_or((text, ""));
        if known.faulty.contains(connector) {
            continue;
        }
        let Some(action) = known
            .connectors
            .get(connector)
            .and_then(|connector| connector.action(verb))
        else {
            let all: Vec<String> = known
                .connectors
                .values()
                .flat_map(|connector| {
                    connector
                        .actions
                        .iter()
                        .map(|action| format!("{}/{}", connector.name, action.name))
                })
                .collect();
            let fault = faults.error(
                UNKNOWN_ACTION,
                node.place(),
                format!("there is no action `{text}`"),
            );
            match nearest(text, all.iter().map(String::as_str)) {
                Some(meant) => fault
                    .label(format!("did you mean `{meant}`?"))
                    .help(format!("write `action: {meant}`")),
                None => fault.help(format!("actions are {}", all.join(", "))),
            };
            continue;
        };
        let mut with = Vec::new();
        for entry in rule.get("with").and_then(Node::as_map).unwrap_or_default() {
            if !action.takes.iter().any(|take| take.name == entry.key) {
                let takes: Vec<&str> = action.takes.iter().map(|take| take.name.as_str()).collect();
                let fault = faults.error(
                    BAD_ARGUMENT,
                    entry.key_place(),
                    format!("`{text}` takes no `{}`", entry.key),
                );
                match nearest(&entry.key, takes.iter().copied()) {
                    Some(meant) => fault
                        .label(format!("did you mean `{meant}`?"))
                        .help(format!("write `{meant}:`")),
                    None => fault.help(format!("it takes {}", takes.join(", "))),
                };
            }
            if let Some(value) = reading.value(&entry.value, faults) {
                with.push((entry.key.clone(), value));
            }
        }
        let ask = rule.list_of_text("ask", faults).unwrap_or_default();
        for name in &ask {
            if !action.takes.iter().any(|take| take.name == *name) {
                faults
                    .error(
                        BAD_ARGUMENT,
                        rule.get("ask").unwrap_or(item).place(),
                        format!("`{text}` takes no `{name}`"),
                    )
                    .help("ask for what it takes");
            }
        }
        for take in &action.takes {
            let given = with.iter().any(|(name, _)| *name == take.name) || ask.contains(&take.name);
            if !given && !take.optional && take.default.is_none() {
                faults
                    .error(
                        BAD_ARGUMENT,
                        node.place(),
                        format!("`{text}` needs `{}`", take.name),
                    )
                    .help(format!(
                        "write `{}: =…` under `with:`, or `ask: [{}]`",
                        take.name, take.name
                    ));
            }
        }
        rules.push(ContainRule {
            connector: connector.to_owned(),
            verb: verb.to_owned(),
            at: rule.text("at", faults),
            with,
            ask,
            place: rule.get("at").map_or_else(|| item.head(), Node::place),
        });
    }
    rules
}
