//! `resolve:`: what closes an alert.

use super::super::ResolveRule;
use super::alert::same_as;
use super::{Known, base_names, signal};
use crate::diag::{Code, Faults, codes};
use crate::shape::Reading;
use crate::signal::SignalName;
use crate::yaml::{Fields, Node};

/// Another signal closes, and does not say which alert.
const NO_KEY: Code = Code("AND0512");
/// A `same_as` of another length than the alert's.
const OTHER_LENGTH: Code = Code("AND0508");

pub(super) fn resolve(
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
                codes::WRONG_TYPE,
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
            .map(|(_, rule)| base_names(rule.data_type.clone()));
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
                    .error(NO_KEY, item.place_of_key("from"), "another signal does not say which alert is over")
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
                    OTHER_LENGTH,
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
