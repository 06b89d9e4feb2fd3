//! Arguments against what an action takes.

use serde_json::{Map, Value as Json};

use crate::connector::{ActionRule, Take, TakeKind};
use crate::diag::nearest;
use crate::yaml;

/// The longest argument, as JSON: nothing that a platform takes is near it.
const LONGEST: usize = 256 * 1024;

/// Checks `with` and puts the defaults in. All faults come in one line.
pub(super) fn check(
    rule: &ActionRule,
    with: &Map<String, Json>,
) -> Result<Map<String, Json>, String> {
    let mut faults = Vec::new();
    let known = || rule.takes.iter().map(|take| take.name.as_str());
    for name in with.keys() {
        if !known().any(|known| known == name) {
            let help = match nearest(name, known()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("it takes {}", known().collect::<Vec<_>>().join(", ")),
            };
            faults.push(format!("`{name}` is no argument of it: {help}"));
        }
    }
    let mut checked = Map::new();
    for take in &rule.takes {
        match with.get(&take.name).filter(|given| !given.is_null()) {
            Some(given) => match fault(take, given) {
                None => {
                    checked.insert(take.name.clone(), given.clone());
                }
                Some(fault) => faults.push(format!("`{}`: {fault}", take.name)),
            },
            None => match &take.default {
                Some(default) => {
                    checked.insert(take.name.clone(), default.clone());
                }
                None if take.optional => {}
                None => faults.push(format!("`{}` is missing", take.name)),
            },
        }
    }
    if faults.is_empty() {
        Ok(checked)
    } else {
        Err(faults.join("; "))
    }
}

fn fault(take: &Take, given: &Json) -> Option<String> {
    if given.to_string().len() > LONGEST {
        return Some(format!("it is longer than {LONGEST} bytes"));
    }
    if let Some(fault) = kind_fault(take.kind, given) {
        return Some(fault);
    }
    if let (Some(pattern), Some(text)) = (&take.matches, given.as_str())
        && !pattern.is_match(text)
    {
        return Some(format!("it does not match `{}`", pattern.as_str()));
    }
    if !take.one_of.is_empty() && !take.one_of.contains(given) {
        let choices: Vec<String> = take.one_of.iter().map(ToString::to_string).collect();
        return Some(format!("it is one of {}", choices.join(", ")));
    }
    range_fault(take, given)
}

fn kind_fault(kind: TakeKind, given: &Json) -> Option<String> {
    let text = given.as_str();
    let fits = match kind {
        TakeKind::Text | TakeKind::Secret => text.is_some(),
        TakeKind::Int => given.is_i64() || given.is_u64(),
        TakeKind::Number => given.is_number(),
        TakeKind::Bool => given.is_boolean(),
        TakeKind::Url => text
            .and_then(|text| url::Url::parse(text).ok())
            .is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()),
        TakeKind::Time => text.is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
        TakeKind::Duration => text.and_then(yaml::duration).is_some(),
        TakeKind::Object => given.is_object(),
        TakeKind::List => given.is_array(),
    };
    if fits {
        return (kind == TakeKind::Secret).then(|| {
            "a secret cannot be carried by a request yet: it would not survive a restart".to_owned()
        });
    }
    let wanted = match kind {
        TakeKind::Text | TakeKind::Secret => "a text",
        TakeKind::Int => "a whole number",
        TakeKind::Number => "a number",
        TakeKind::Bool => "true or false",
        TakeKind::Url => "an absolute URL of http or https",
        TakeKind::Time => "an RFC 3339 time such as 2026-11-23T08:00:00Z",
        TakeKind::Duration => "a span of time such as 30s",
        TakeKind::Object => "a map",
        TakeKind::List => "a list",
    };
    let help = match (kind, given) {
        (TakeKind::Text, Json::Number(number)) => format!("; write it as text: \"{number}\""),
        (TakeKind::Int | TakeKind::Number, Json::String(_)) => {
            "; write it without quotation marks".to_owned()
        }
        _ => String::new(),
    };
    Some(format!(
        "{wanted} is needed, and this is {}{help}",
        what(given)
    ))
}

fn range_fault(take: &Take, given: &Json) -> Option<String> {
    let (size, of) = match given {
        Json::String(text) => (
            u32::try_from(text.chars().count()).ok().map(f64::from),
            "characters",
        ),
        Json::Array(items) => (u32::try_from(items.len()).ok().map(f64::from), "items"),
        Json::Number(number) => (number.as_f64(), ""),
        _ => return None,
    };
    let of = if of.is_empty() {
        String::new()
    } else {
        format!(" {of}")
    };
    let size = size.unwrap_or(f64::MAX);
    match (take.min, take.max) {
        (Some(min), _) if size < min => Some(format!("at least {min}{of} are needed")),
        (_, Some(max)) if size > max => Some(format!("at most {max}{of} are allowed")),
        _ => None,
    }
}

fn what(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a truth value",
        Json::Number(_) => "a number",
        Json::String(_) => "another text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}
