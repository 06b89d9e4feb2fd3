//! What an answer means: the first line of `answers:` that holds.

use serde_json::{Map, Value as Json};

use super::Way;
use crate::connector::{AnswerRule, Verdict};
use crate::expr::{Scope, Value};
use crate::web::Answer;

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
        /// For `pause`: how long.
        wait: Option<std::time::Duration>,
    },
    /// One for each, in their order. Those that no item stands for are retried.
    Each(Vec<Verdict>),
}

/// What `answer` means for a request of `events` events. An answer that no line covers is retried.
pub(super) fn meaning(way: &Way<'_>, answer: &Answer, events: usize) -> Meaning {
    let names = &way.deliver.answer_names;
    let headers: Json = answer
        .headers
        .iter()
        .rev()
        .map(|(name, value)| (name.clone(), Json::from(value.as_str())))
        .collect::<Map<_, _>>()
        .into();
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
    set("header", Value::from_json(&headers));
    set(
        "events",
        Value::Int(i64::try_from(events).unwrap_or(i64::MAX)),
    );
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
