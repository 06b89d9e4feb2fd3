//! Reading `mappings/<name>.yaml` against the connectors it speaks of.

mod look_up;
mod alert;
mod resolve;
mod contain;
mod reach;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Mapping, ResolveRule, Status, cases};
use crate::connector::{ANSWER, Connector, SignalRule, check_head, lets};
use crate::diag::{Code, Faults, Place, Source, codes, nearest};
use crate::expr::{Names, Type};
use crate::kind::Kind;
use crate::shape::Reading;
use crate::signal::SignalName;
use crate::yaml;
use crate::yaml::{Fields, Node};
use alert::alert;
use contain::contain;
use look_up::{look_up_names, look_ups};
use resolve::resolve;

/// `open` where the mapping is not retired.
const NOT_RETIRED: Code = Code("AND0514");
/// `from:` names nothing.
const UNKNOWN_SIGNAL: Code = Code("AND0501");
/// Neither `resolve` nor `quiet`.
const NEVER_CLOSES: Code = Code("AND0504");
/// A stable mapping without tests.
const NO_TESTS: Code = Code("AND0509");

/// What to write where a mapping names settings.
const NO_SETTINGS: &str = "only connector.yaml sees settings: put what is needed under the signal's `data:` there, \
    and write `signal.…` here";
/// What to write where a mapping names what was answered.
const NO_ANSWER: &str =
    "what arrived is `signal` here; `answers` and `keep` of a look-up see what was answered";

/// What a mapping is checked against.
#[derive(Clone, Copy)]
pub struct Known<'k> {
    /// The connectors, by name.
    pub connectors: &'k BTreeMap<String, Arc<Connector>>,
    /// Connectors that exist and could not be read: told where they are unsound, and not here again.
    pub unsound: &'k BTreeSet<String>,
    /// The kinds, by name.
    pub kinds: &'k BTreeMap<String, Arc<Kind>>,
    /// Whether every kind could be read; otherwise none is told to be missing.
    pub all_kinds: bool,
}

const KEYS: [&str; 16] = [
    "andon",
    "name",
    "about",
    "status",
    "open",
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
    let resolves_open = resolves_open(&fields, status, faults);
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
    let reading = Reading::over(&names);
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
    if let (Some(from), Some(when), Some(alert)) = (&from, &when, &alert) {
        reach::check(&names, (from, when), alert, &resolve, faults);
    }
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
        names,
        key_has_connection,
        resolves_open,
        place: fields.get("name").unwrap_or(&node).place(),
    })
}

/// What every mapping names. What only the answer to a look-up gives has its slots here, and is not
/// spoken elsewhere.
fn base_names(data: Type) -> Names {
    let names = Names::new()
        .with("signal", data)
        .with("now", Type::Time)
        .with("received_at", Type::Time)
        .with("item", Type::Any)
        .elsewhere("settings", NO_SETTINGS);
    ANSWER
        .into_iter()
        .fold(names, |names, root| {
            names.with(root, Type::Any).elsewhere(root, NO_ANSWER)
        })
        .hiding(&ANSWER)
        .hiding(&["item"])
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
                .error(codes::UNKNOWN_WORD, place, said)
                .help("write `status: draft`, `shadow`, `stable` or `retired`");
            Status::Draft
        }
    }
}

/// `open: resolve | keep`: what becomes of the open alerts of a retired mapping. Kept, they wait for `quiet`
/// or for somebody to close them.
fn resolves_open(fields: &Fields<'_>, status: Status, faults: &mut Faults) -> bool {
    let Some(node) = fields.get("open") else {
        return false;
    };
    if status != Status::Retired {
        faults
            .error(
                NOT_RETIRED,
                node.place(),
                "`open` says what becomes of open alerts when a mapping is retired, and this one is not",
            )
            .help("write `status: retired` with it, or leave `open` out");
    }
    match fields.text("open", faults).as_deref() {
        Some("resolve") => true,
        Some("keep") | None => false,
        Some(other) => {
            faults
                .error(
                    codes::UNKNOWN_WORD,
                    node.place(),
                    format!("open alerts are never `{other}`"),
                )
                .help("write `open: resolve` or `open: keep`");
            false
        }
    }
}

/// The place of bytes `start..end` of a text.
fn part(node: &Node, start: usize, end: usize) -> Place {
    node.fragment()
        .map_or_else(|| node.place(), |fragment| fragment.place_of(start, end))
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
        if known.unsound.contains(connector) {
            return None;
        }
        let fault = faults.error(
            UNKNOWN_SIGNAL,
            part(node, 0, connector.len()),
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
            part(node, connector.len() + 1, text.len()),
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
