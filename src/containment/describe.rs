//! An action for the catalog: what a SOAR shows before it asks.

use serde_json::{Map, Value as Json, json};

use crate::connector::{ActionRule, Connector, Limits, Take, TakeKind};

/// What `GET /v1/catalog/actions` says of an action: `name`, `class`, `risk`, `about`, `takes` as a JSON Schema,
/// `limits`, `undo` (whether it can be undone), `hold_seconds` (how often it is proven again, or null).
pub fn describe(rule: &ActionRule, connector: &Connector) -> Json {
    json!({
        "name": format!("{}/{}", connector.name, rule.name),
        "connector": connector.name,
        "class": "contain",
        "risk": rule.risk,
        "about": rule.about,
        "takes": schema(&rule.takes),
        "limits": limits(&rule.limits),
        "undo": !rule.undo.is_empty(),
        "hold_seconds": rule.hold.as_ref().map(|hold| hold.every.as_secs_f64()),
    })
}

/// The limits as approvers read them.
pub(super) fn limits(limits: &Limits) -> Json {
    json!({
        "reversible": limits.reversible,
        "advisory": limits.advisory,
        "cluster_wide": limits.cluster_wide,
        "restart_safe": limits.restart_safe,
        "bypass": limits.bypass,
        "takes_hold_seconds": limits.takes_hold.map(|span| span.as_secs_f64()),
    })
}

fn schema(takes: &[Take]) -> Json {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for take in takes {
        properties.insert(take.name.clone(), property(take));
        if !take.optional && take.default.is_none() {
            required.push(take.name.clone());
        }
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn property(take: &Take) -> Json {
    let (of, format) = match take.kind {
        TakeKind::Text => ("string", None),
        TakeKind::Url => ("string", Some("uri")),
        TakeKind::Secret => ("string", Some("password")),
        TakeKind::Time => ("string", Some("date-time")),
        TakeKind::Duration => ("string", Some("andon-duration")),
        TakeKind::Int => ("integer", None),
        TakeKind::Number => ("number", None),
        TakeKind::Bool => ("boolean", None),
        TakeKind::Object => ("object", None),
        TakeKind::List => ("array", None),
    };
    let (min, max) = match take.kind {
        TakeKind::Int | TakeKind::Number => ("minimum", "maximum"),
        TakeKind::List => ("minItems", "maxItems"),
        _ => ("minLength", "maxLength"),
    };
    let mut property = Map::new();
    let mut put = |key: &str, value: Option<Json>| {
        if let Some(value) = value {
            property.insert(key.to_owned(), value);
        }
    };
    put("type", Some(of.into()));
    put("format", format.map(Json::from));
    put(
        "description",
        (!take.about.is_empty()).then(|| take.about.clone().into()),
    );
    put("default", take.default.clone());
    put(
        "pattern",
        take.matches.as_ref().map(|pattern| pattern.as_str().into()),
    );
    put(
        "enum",
        (!take.one_of.is_empty()).then(|| take.one_of.clone().into()),
    );
    put(min, take.min.map(number));
    put(max, take.max.map(number));
    Json::Object(property)
}

/// Whole numbers without a decimal point: `minLength` has to be one.
fn number(value: f64) -> Json {
    let written = value.to_string();
    written
        .parse::<i64>()
        .map_or_else(|_| value.into(), Json::from)
}
