//! `contain:`: what may be done about it, checked against the actions there are.

use super::super::ContainRule;
use super::{Known, part};
use crate::connector::{Refusal, Take, TakeKind};
use crate::diag::{Code, Faults, nearest};
use crate::expr::Type;
use crate::shape::{Reading, Shape};
use crate::yaml::{Fields, Node};

/// An argument that the action needs.
const MISSING_ARGUMENT: Code = Code("AND0511");
/// A containment that does not exist.
const UNKNOWN_ACTION: Code = Code("AND0506");

/// An argument that an action does not take, or that is missing.
const BAD_ARGUMENT: Code = Code("AND0507");
/// A value that the action would refuse whenever it is asked for.
const REFUSED: Code = Code("AND0310");

pub(super) fn contain(
    fields: &Fields<'_>,
    reading: &Reading<'_>,
    known: Known<'_>,
    faults: &mut Faults,
) -> Vec<ContainRule> {
    let mut rules = Vec::new();
    for item in fields.items("contain", faults) {
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
        if known.unsound.contains(connector) {
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
                if known.connectors.contains_key(connector) {
                    part(node, connector.len() + 1, text.len())
                } else {
                    part(node, 0, connector.len())
                },
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
        for entry in rule.entries("with", faults) {
            let take = action.takes.iter().find(|take| take.name == entry.key);
            if take.is_none() {
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
                if let Some(take) = take {
                    fits(text, take, &value, faults);
                }
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
                        MISSING_ARGUMENT,
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

/// What the action would refuse for every signal is told here, not to the person who needs it at night.
fn fits(action: &str, take: &Take, value: &Shape, faults: &mut Faults) {
    let refusal = match (value.as_constant(), value.as_expr()) {
        (Some(constant), _) if !constant.is_null() => take.refuses(constant),
        (None, Some(expr)) => take.refuses_all(expr.of()),
        _ => None,
    };
    let Some(Refusal { why, instead }) = refusal else {
        return;
    };
    let simple = Type::Number.or(Type::Bool);
    let help = match (value.as_expr(), take.kind) {
        (Some(expr), TakeKind::Text) if !take.is_choosy() && expr.of().can_be(&simple) => {
            let (name, value) = (&take.name, expr.source().trim());
            if expr.of().can_be(&Type::Null) {
                format!("write `{name}: \"={value} == null ? null : string({value})\"`")
            } else {
                format!("write `{name}: =string({value})`")
            }
        }
        _ => instead.unwrap_or_else(|| format!("write {}", take.wanted())),
    };
    let place = match value.as_expr() {
        Some(expr) => expr.place(),
        None => value.place().clone(),
    };
    faults
        .error(
            REFUSED,
            place,
            format!("`{action}` does not take this as `{}`: {why}", take.name),
        )
        .help(help);
}
