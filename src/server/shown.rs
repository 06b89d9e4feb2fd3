//! An action as the API shows it: flat, with the same paths in every state.

use serde_json::{Map, Value, json};

use crate::action::{Action, State};

/// Where an action is asked about.
pub(super) fn status_url(action: &Action, public_url: &str) -> String {
    format!("{public_url}/v1/actions/{}", action.id)
}

/// An action. `reason` and `incident` are hostile text: leaves of JSON, and nothing else.
pub(super) fn flat(action: &Action, public_url: &str) -> Value {
    json!({
        "action_id": action.id,
        "action": action.action,
        "at": action.at,
        "state": action.state,
        "open": action.is_open(),
        "effect": action.effect,
        "drift": action.drift,
        "changed": action.changed,
        "message": action.message,
        "with": action.with,
        "before": action.kept,
        "after": action.after,
        "alert": action.alert,
        "incident": action.incident,
        "reason": action.reason,
        "by": action.by,
        "requested_at": action.requested_at,
        "changed_at": action.changed_at,
        "proven_at": action.proven_at,
        "ttl_seconds": action.ttl_seconds,
        "until": action.until,
        "status_url": status_url(action, public_url),
    })
}

/// The members of [`flat`].
pub(super) fn members(action: &Action, public_url: &str) -> Map<String, Value> {
    match flat(action, public_url) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Every state, by its word.
pub(super) fn state_of(word: &str) -> Option<State> {
    serde_json::from_value(Value::from(word)).ok()
}
