//! What only all files together show: routes that no alert takes, and mappings that open two alerts of
//! different kinds where one was meant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Catalog;
use crate::alert::Severity;
use crate::config::{alert_type, origin};
use crate::diag::{Code, Faults, nearest};
use crate::expr::{Because, Object, Supposed, Type, Why};
use crate::mapping::{Mapping, Status};
use crate::shape::Shape;

/// A route that no alert takes.
const NO_ALERT: Code = Code("AND0640");
/// Two mappings that open the same key with different kinds.
const TWO_KINDS: Code = Code("AND0315");

/// How many values a help line lists.
const LISTED: usize = 16;

/// Routes against the alerts that mappings can make, those of drafts and trials too.
pub(super) fn routes(catalog: &Catalog, faults: &mut Faults) {
    let mappings = catalog.mappings.values();
    let alerts: Vec<Type> = mappings
        .filter(|mapping| mapping.status != Status::Retired)
        .map(|mapping| alert_of(mapping, catalog))
        .collect();
    if alerts.is_empty() {
        return;
    }
    for route in &catalog.config.routes {
        let never = alerts.iter().map(|alert| route.never(alert.clone()));
        if let (Some(when), Some(never)) = (&route.when, never.collect::<Option<Vec<Why>>>()) {
            let cause = never.first().map(|why| (why.start, why.end));
            let shared = never.iter().all(|why| Some((why.start, why.end)) == cause);
            let place = match cause.filter(|_| shared) {
                Some((start, end)) => when.place_of(start, end),
                None => when.place(),
            };
            let fault = faults.warning(
                NO_ALERT,
                place,
                "no alert takes this route: no mapping makes such a one",
            );
            let (texts, asked) = asked(&never);
            let known = texts.iter().map(String::as_str);
            match asked.iter().find_map(|text| nearest(text, known.clone())) {
                Some(meant) if shared => {
                    fault
                        .label(format!("did you mean \"{meant}\"?"))
                        .help(format!("write \"{meant}\""));
                }
                _ if shared && !texts.is_empty() => {
                    let listed: Vec<&str> = known.take(LISTED).collect();
                    let more = if texts.len() > LISTED { ", …" } else { "" };
                    fault.help(format!("mappings make {}{more}", listed.join(", ")));
                }
                _ => {
                    fault.help(match unnamed(&never) {
                        Some(map) => {
                            format!("name it under `{map}:` of a mapping, or take the route out")
                        }
                        None => "change the condition, or take the route out".to_owned(),
                    });
                }
            }
        }
    }
}

/// The texts that could be there, and those that were asked for.
fn asked(never: &[Why]) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut all = (BTreeSet::new(), BTreeSet::new());
    for why in never {
        if let Because::Only { texts, asked, .. } = &why.because {
            all.0.extend(texts.iter().cloned());
            all.1.extend(asked.iter().cloned());
        }
    }
    all
}

/// The part of an alert under which no mapping names what is asked for: `fields` for `alert.fields.?team`.
fn unnamed(never: &[Why]) -> Option<&str> {
    let Because::Only { about, is, .. } = &never.first()?.because else {
        return None;
    };
    let map = about.strip_prefix("alert.")?.split(['.', '[']).next()?;
    (is == "absent").then_some(map)
}

/// What is known of the alerts of a mapping.
fn alert_of(mapping: &Mapping, catalog: &Catalog) -> Type {
    let word = |text: &str| Type::Values(vec![text.into()]);
    let rule = &mapping.alert;
    // What Andon's own containment caused is informational, whatever the cases say.
    let severities: BTreeSet<Severity> = rule
        .severity
        .iter()
        .map(|(severity, _)| *severity)
        .chain([Severity::Informational])
        .collect();
    let connections: Vec<serde_json::Value> = catalog
        .config
        .connections
        .iter()
        .filter(|connection| connection.connector.name == mapping.from.connector)
        .map(|connection| connection.name.as_str().into())
        .collect();
    let connection = if connections.is_empty() {
        Type::Text
    } else {
        Type::Values(connections)
    };
    alert_type(BTreeMap::from([
        ("kind", word(&rule.kind.name)),
        ("mapping", word(&mapping.name)),
        (
            "severity",
            Type::Values(severities.iter().map(|one| one.as_str().into()).collect()),
        ),
        ("origin", origin(connection, word(&mapping.from.connector))),
        ("model", map_of(rule.model.as_ref())),
        ("measured", map_of(rule.measured.as_ref())),
        ("fields", map_of(rule.fields.as_ref())),
        ("evidence", map_of(rule.evidence.as_ref())),
    ]))
}

/// A map of what a mapping names; what it names may be left out, and is cleaned on its way.
fn map_of(shape: Option<&Shape>) -> Type {
    let members = shape.into_iter().flat_map(Shape::members);
    let mut keys: BTreeMap<String, (Type, bool)> = members
        .map(|(key, _)| (key.to_owned(), (Type::Any, false)))
        .collect();
    let constant = shape.and_then(Shape::as_constant);
    if let Some(serde_json::Value::Object(constants)) = constant {
        keys.extend(
            constants
                .keys()
                .map(|key| (key.clone(), (Type::Any, false))),
        );
    }
    Type::Object(Arc::new(Object {
        title: String::new(),
        keys,
        others: None,
    }))
}

/// An alert's key begins with its mapping's name ([decision 5](../../docs/decisions/0005-what-tells-alerts-apart.md)),
/// so two mappings never share one. Where one signal surely opens an alert in both, told apart by the same
/// values, one finding is told as two.
pub(super) fn same_keys(catalog: &Catalog, faults: &mut Faults) {
    let mut alike: BTreeMap<(String, Vec<String>), Vec<&Mapping>> = BTreeMap::new();
    for mapping in catalog.mappings.values() {
        if mapping.status == Status::Stable {
            let key = mapping.alert.same_as.iter().map(written).collect();
            let from = mapping.from.to_string();
            alike.entry((from, key)).or_default().push(mapping);
        }
    }
    for mappings in alike.values().filter(|mappings| mappings.len() > 1) {
        let opens: Vec<(&Mapping, Supposed<'_>)> = mappings
            .iter()
            .map(|mapping| {
                let all = Supposed::nothing(&mapping.names);
                (*mapping, all.when(&mapping.when))
            })
            .collect();
        for (index, (mapping, own)) in opens.iter().enumerate() {
            let other = opens.iter().take(index).find(|(other, opens)| {
                other.alert.kind.name != mapping.alert.kind.name && own.surely_meets(opens)
            });
            if let Some((other, _)) = other {
                faults
                    .warning(
                        TWO_KINDS,
                        mapping.alert.kind_place.clone(),
                        format!(
                            "one signal can open this and a `{}` in `{}`, told apart by the same values",
                            other.alert.kind.name, other.name
                        ),
                    )
                    .help(format!(
                        "write `kind: {}`, let one `when` exclude the other, or begin `same_as:` with a word of its own, such as `{}`",
                        other.alert.kind.name, mapping.alert.kind.name
                    ));
            }
        }
    }
}

/// A value of `same_as` as it was written.
fn written(value: &Shape) -> String {
    match (value.as_expr(), value.as_constant()) {
        (Some(expr), _) => format!("={}", expr.source().trim()),
        (_, Some(constant)) => constant.to_string(),
        _ => format!("{:?}", value.place().span),
    }
}
