//! What an answer means: the first line of `answers:` that holds.

use serde_json::Value as Json;

use super::Way;
use crate::connector::{AnswerRule, Verdict};
use crate::expr::{Scope, Value};
use crate::web::{Answer, header_object};

/// What an answer means for the events of its request.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    /// The same for all.
    All {
        verdict: Verdict,
        /// Delivered, and the destination asks for less.
        slow_down: bool,
        /// For `split`: which event was refused.
        bad: Option<usize>,
        /// For `pause`: how long; for `retry`: at least how long, where the answer does not say.
        wait: Option<std::time::Duration>,
    },
    /// One for each, in their order. Those that no item stands for are retried.
    Each(Vec<Verdict>),
}

/// What expressions see of an answer to a request of `events` events.
fn scope<'a>(way: &Way<'a>, answer: &'a Answer, headers: &'a Json, events: usize) -> Scope<'a> {
    let names = &way.deliver.answer_names;
    let mut scope = Scope::new(names);
    let mut set = |name: &str, value| {
        if let Some((slot, _)) = names.find(name) {
            scope.set(slot, value);
        }
    };
    set("settings", Value::from_json(&way.connection.settings));
    set("status", Value::Int(i64::from(answer.status)));
    set("body", answer.json().map_or(Value::Null, Value::from_json));
    set("text", Value::Text(answer.text()));
    set("header", Value::from_json(headers));
    set(
        "events",
        Value::Int(i64::try_from(events).unwrap_or(i64::MAX)),
    );
    scope
}

/// The id by which the acknowledgment of what was taken is asked for; none where the answer has none.
pub(super) fn acknowledged_by(way: &Way<'_>, answer: &Answer) -> Option<Json> {
    let acknowledged = way.acknowledges()?;
    let headers = header_object(&answer.headers);
    let scope = scope(way, answer, &headers, 0);
    let id = acknowledged.id.eval(&scope).ok()?.to_json()?;
    (!id.is_null()).then_some(id)
}

/// Those of `ids` that the answer to a request for acknowledgments says are there.
pub(super) fn acknowledged(way: &Way<'_>, answer: &Answer, ids: &[Json]) -> Vec<Json> {
    let Some(acknowledged) = way.acknowledges() else {
        return Vec::new();
    };
    let Some((slot, _)) = way.deliver.answer_names.find("id") else {
        return Vec::new();
    };
    let headers = header_object(&answer.headers);
    let scope = scope(way, answer, &headers, 0);
    let is_there = |id: &&Json| {
        let scope = scope.with_item(slot, Value::from_json(id));
        acknowledged.holds.holds(&scope).unwrap_or(false)
    };
    ids.iter().filter(is_there).cloned().collect()
}

/// What `answer` means for a request of `events` events. An answer that no line covers is retried.
pub(super) fn meaning(way: &Way<'_>, answer: &Answer, events: usize) -> Meaning {
    let names = &way.deliver.answer_names;
    let headers = header_object(&answer.headers);
    let scope = scope(way, answer, &headers, events);
    let Some(rule) = first(&way.deliver.answers, &scope) else {
        return retried();
    };
    if let Some((list, rules)) = &rule.each {
        let items = list.eval(&scope).ok().and_then(|value| value.to_json());
        let (Some(Json::Array(items)), Some((slot, _))) = (items, names.find("item")) else {
            return retried();
        };
        let verdict = |item| {
            let inner = scope.with_item(slot, Value::from_json(item));
            first(rules, &inner)
                .and_then(|rule| rule.verdict)
                .unwrap_or(Verdict::Retry)
        };
        let mut verdicts: Vec<Verdict> = items.iter().take(events).map(verdict).collect();
        verdicts.resize(events, Verdict::Retry);
        return Meaning::Each(verdicts);
    }
    Meaning::All {
        verdict: rule.verdict.unwrap_or(Verdict::Retry),
        slow_down: rule
            .slow_down
            .as_ref()
            .is_some_and(|when| when.holds(&scope).unwrap_or(false)),
        bad: rule
            .bad
            .as_ref()
            .and_then(|bad| match bad.eval(&scope).ok()? {
                Value::Int(index) => usize::try_from(index).ok(),
                _ => None,
            }),
        wait: rule.wait,
    }
}

fn retried() -> Meaning {
    Meaning::All {
        verdict: Verdict::Retry,
        slow_down: false,
        bad: None,
        wait: None,
    }
}

fn first<'r>(rules: &'r [AnswerRule], scope: &Scope<'r>) -> Option<&'r AnswerRule> {
    rules.iter().find(|rule| {
        rule.when
            .as_ref()
            .is_none_or(|when| when.holds(scope).unwrap_or(false))
    })
}
