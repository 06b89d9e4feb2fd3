//! What an event must look like. The rules are those of PagerDuty's developer documentation; the
//! wording of `errors[]` follows what users report and is not promised anywhere.

use serde_json::{Map, Value};

const SUMMARY_AT_MOST: usize = 1024;
const DEDUP_KEY_AT_MOST: usize = 255;
const ROUTING_KEY_LENGTH: usize = 32;

/// What an event asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Trigger,
    Acknowledge,
    Resolve,
}

/// An event that is fine.
#[derive(Debug, PartialEq)]
pub(super) struct Event {
    pub(super) routing_key: String,
    pub(super) act: Act,
    pub(super) dedup_key: Option<String>,
    /// All of it but the routing key.
    pub(super) whole: Value,
}

/// Every fault of an event, or the event.
pub(super) fn check(mut sent: Map<String, Value>) -> Result<Event, Vec<String>> {
    let mut errors = Vec::new();
    let routing_key = match sent.shift_remove("routing_key") {
        Some(Value::String(key)) => {
            if key.chars().count() != ROUTING_KEY_LENGTH {
                errors.push(
                    "Length of 'routing_key' is incorrect (should be 32 characters)".to_owned(),
                );
            }
            if !key.chars().all(char::is_alphanumeric) {
                errors.push("'routing_key' cannot contain non-alphanumeric characters.".to_owned());
            }
            key
        }
        Some(_) => {
            errors.push("'routing_key' is invalid: must be a string".to_owned());
            String::new()
        }
        None => {
            errors.push("'routing_key' is missing or blank".to_owned());
            String::new()
        }
    };
    let act = match sent.get("event_action").and_then(Value::as_str) {
        Some("trigger") => Some(Act::Trigger),
        Some("acknowledge") => Some(Act::Acknowledge),
        Some("resolve") => Some(Act::Resolve),
        Some(_) => {
            errors.push(
                "'event_action' is invalid: must be one of [trigger, acknowledge, resolve]"
                    .to_owned(),
            );
            None
        }
        None => {
            errors.push("'event_action' is missing or blank".to_owned());
            None
        }
    };
    let dedup_key = read_dedup_key(&sent, act, &mut errors);
    if act == Some(Act::Trigger) {
        match sent.get("payload") {
            Some(Value::Object(payload)) => check_payload(payload, &mut errors),
            Some(_) => errors.push("'payload' is invalid: must be an object".to_owned()),
            None => errors.push("'payload' is missing or blank".to_owned()),
        }
    }
    check_list(&sent, "links", "href", &mut errors);
    check_list(&sent, "images", "src", &mut errors);
    match act {
        Some(act) if errors.is_empty() => Ok(Event {
            routing_key,
            act,
            dedup_key,
            whole: Value::Object(sent),
        }),
        _ => Err(errors),
    }
}

fn read_dedup_key(
    sent: &Map<String, Value>,
    act: Option<Act>,
    errors: &mut Vec<String>,
) -> Option<String> {
    match sent.get("dedup_key") {
        Some(Value::String(key)) if key.chars().count() > DEDUP_KEY_AT_MOST => {
            errors.push("'dedup_key' is invalid: length must be at most 255".to_owned());
            None
        }
        Some(Value::String(key)) if !key.is_empty() => Some(key.clone()),
        Some(Value::Null | Value::String(_)) | None => {
            if matches!(act, Some(Act::Acknowledge | Act::Resolve)) {
                errors.push("'dedup_key' is missing or blank".to_owned());
            }
            None
        }
        Some(_) => {
            errors.push("'dedup_key' is invalid: must be a string".to_owned());
            None
        }
    }
}

fn check_payload(payload: &Map<String, Value>, errors: &mut Vec<String>) {
    for name in ["summary", "source", "severity"] {
        match payload.get(name) {
            Some(Value::String(text)) if !text.trim().is_empty() => {}
            Some(Value::String(_) | Value::Null) | None => {
                errors.push(format!("'payload.{name}' is missing or blank"));
            }
            Some(_) => errors.push(format!("'payload.{name}' is invalid: must be a string")),
        }
    }
    let text = |name: &str| payload.get(name).and_then(Value::as_str);
    if text("summary").is_some_and(|text| text.chars().count() > SUMMARY_AT_MOST) {
        errors.push("'payload.summary' is too long: at most 1024 characters".to_owned());
    }
    if text("severity").is_some_and(|word| {
        !word.is_empty() && !matches!(word, "critical" | "error" | "warning" | "info")
    }) {
        errors.push(
            "'payload.severity' is invalid: must be one of [critical, warning, error, info]"
                .to_owned(),
        );
    }
    if payload.get("timestamp").is_some_and(|time| {
        time.as_str()
            .is_none_or(|time| time.parse::<jiff::Timestamp>().is_err())
    }) {
        errors.push("'payload.timestamp' is invalid: must be ISO 8601".to_owned());
    }
    for name in ["component", "group", "class"] {
        if payload
            .get(name)
            .is_some_and(|value| !value.is_string() && !value.is_null())
        {
            errors.push(format!("'payload.{name}' is invalid: must be a string"));
        }
    }
    if payload
        .get("custom_details")
        .is_some_and(|details| !details.is_object() && !details.is_null())
    {
        errors.push("'payload.custom_details' is invalid: must be an object".to_owned());
    }
}

/// `links[].href` and `images[].src` are required; an image's source is https.
fn check_list(sent: &Map<String, Value>, list: &str, required: &str, errors: &mut Vec<String>) {
    let Some(value) = sent.get(list).filter(|value| !value.is_null()) else {
        return;
    };
    let fine = value.as_array().is_some_and(|items| {
        items.iter().all(|item| {
            item.get(required)
                .and_then(Value::as_str)
                .is_some_and(|text| {
                    !text.is_empty() && (list != "images" || text.starts_with("https://"))
                })
        })
    });
    if !fine {
        errors.push(format!("'{list}' is invalid: each needs '{required}'"));
    }
}
