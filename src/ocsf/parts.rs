//! The objects inside a Detection Finding, in the order in which it lists them.

use serde_json::{Map, Value};

use super::object::Object;
use super::{Product, VERSION};
use crate::alert::Alert;
use crate::kind::{Kind, Technique};

pub(super) fn metadata(alert: &Alert, kind: &Kind, product: &Product) -> Value {
    let mut of = Object::with(4);
    of.put("name", "Andon");
    of.put("vendor_name", "Andon");
    of.put("version", product.version.as_str());
    let mut metadata = Object::with(8);
    metadata.put("version", VERSION);
    metadata.put("product", of);
    metadata.put("uid", alert.event_id());
    metadata.put("correlation_uid", alert.id.to_string());
    metadata.put("sequence", alert.revision);
    metadata.put("log_provider", alert.origin.connector.as_str());
    metadata.put(
        "labels",
        vec![
            format!("kind:{}", kind.name),
            format!("connection:{}", alert.origin.connection),
        ],
    );
    metadata.into()
}

pub(super) fn finding_info(alert: &Alert, kind: &Kind) -> Value {
    let mut info = Object::with(12);
    info.put("uid", alert.id.to_string());
    info.put("title", alert.title.as_str());
    if !alert.summary.is_empty() {
        info.put("desc", alert.summary.as_str());
    }
    if !kind.types.is_empty() {
        info.put("types", kind.types.as_slice());
    }
    let mut analytic = Object::with(5);
    analytic.put("type_id", kind.analytic);
    analytic.put("type", analytic_type(kind.analytic));
    analytic.put("name", kind.title.as_str());
    analytic.put("uid", alert.mapping.as_str());
    analytic.put("category", kind.name.as_str());
    info.put("analytic", analytic);
    if !kind.atlas.is_empty() {
        info.put("attacks", kind.atlas.iter().map(attack).collect::<Vec<_>>());
    }
    info.put("first_seen_time", alert.first_seen.as_millisecond());
    info.put("last_seen_time", alert.last_seen.as_millisecond());
    info.put("modified_time", alert.revised_at.as_millisecond());
    info.put("related_events_count", alert.count);
    info.put(
        "data_sources",
        vec![alert.origin.connector.as_str(), alert.origin.host.as_str()],
    );
    if let Some(link) = alert.links.first() {
        info.put("src_url", link.href.as_str());
    }
    info.into()
}

fn analytic_type(id: u8) -> &'static str {
    match id {
        1 => "Rule",
        2 => "Behavioral",
        3 => "Statistical",
        4 => "Learning (ML/DL)",
        5 => "Fingerprinting",
        _ => "Unknown",
    }
}

/// A technique, or a sub-technique where the identifier has a second number (`AML.T0011.000`).
fn attack(technique: &Technique) -> Value {
    let mut named = Object::with(3);
    named.put("uid", technique.uid.as_str());
    named.put("name", technique.name.as_str());
    named.put(
        "src_url",
        format!("https://atlas.mitre.org/techniques/{}", technique.uid),
    );
    let is_sub = technique.uid.matches('.').count() > 1;
    let mut attack = Object::with(1);
    attack.put(if is_sub { "sub_technique" } else { "technique" }, named);
    attack.into()
}

/// The model or dataset. Nothing where the alert names neither a name nor a uri.
pub(super) fn resource(model: &Map<String, Value>) -> Option<Value> {
    let name = model.get("name").and_then(text);
    let uid = model.get("uri").or_else(|| model.get("uid")).and_then(text);
    if name.is_none() && uid.is_none() {
        return None;
    }
    let mut resource = Object::with(9);
    resource.put_some("uid", uid);
    resource.put_some("name", name);
    let of = model.get("type").and_then(text);
    resource.put("type", of.unwrap_or_else(|| "AI Model".to_owned()));
    resource.put_some("version", model.get("version").and_then(text));
    resource.put("role_id", 1);
    resource.put("role", "Target");
    if let Some(owner) = model.get("owner").and_then(text) {
        let mut user = Object::with(1);
        user.put("name", owner);
        resource.put("owner", user);
    }
    if let Some(environment) = model.get("environment").and_then(text) {
        resource.put("labels", vec![format!("environment:{environment}")]);
    }
    let named = ["name", "uri", "uid", "type", "version", "owner"];
    let rest: Map<String, Value> = model
        .iter()
        .filter(|(key, _)| !named.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !rest.is_empty() {
        resource.put("data", rest);
    }
    Some(resource.into())
}

/// What was measured against its limit: the observation is the value, the baseline the limit.
pub(super) fn anomaly(alert: &Alert) -> Option<Value> {
    let value = alert.measured.get("value").and_then(text)?;
    let what = alert
        .measured
        .get("what")
        .and_then(text)
        .unwrap_or_else(|| alert.kind.clone());
    let target = alert
        .model
        .get("name")
        .and_then(text)
        .unwrap_or_else(|| alert.origin.connection.clone());
    let mut named = Object::with(2);
    named.put("name", target);
    named.put("type", "AI Model");
    let mut analysis = Object::with(3);
    analysis.put("analysis_targets", vec![Value::from(named)]);
    if let Some(limit) = alert.measured.get("limit").and_then(text) {
        analysis.put("baselines", vec![observed(&what, limit, "Limit")]);
    }
    analysis.put("anomalies", vec![observed(&what, value, "Measured")]);
    Some(analysis.into())
}

fn observed(what: &str, value: String, of: &str) -> Value {
    let mut observation = Object::with(1);
    observation.put("value", value);
    let mut observed = Object::with(3);
    observed.put("observation_parameter", what);
    observed.put("observation_type", of);
    observed.put("observations", vec![Value::from(observation)]);
    observed.into()
}

/// Each with `data`, without which an evidence is not valid.
pub(super) fn evidences(evidence: &Map<String, Value>) -> Vec<Value> {
    let one = |(name, data): (&String, &Value)| {
        let mut evidence = Object::with(2);
        evidence.put("name", name.as_str());
        evidence.put("data", data.clone());
        evidence.into()
    };
    evidence.iter().map(one).collect()
}

pub(super) fn observables(alert: &Alert) -> Vec<Value> {
    let mut observables = Vec::with_capacity(3);
    let mut observe = |type_id: u8, of: &str, name: &str, value: String| {
        let mut observable = Object::with(4);
        observable.put("type_id", type_id);
        observable.put("type", of);
        observable.put("name", name);
        observable.put("value", value);
        observables.push(observable.into());
    };
    let model = &alert.model;
    if let Some(uid) = model.get("uri").or_else(|| model.get("uid")).and_then(text) {
        observe(10, "Resource UID", "resources[0].uid", uid);
    }
    if let Some(link) = alert.links.first() {
        observe(6, "URL String", "finding_info.src_url", link.href.clone());
    }
    observables
}

pub(super) fn remediation(alert: &Alert, kind: &Kind) -> Value {
    let mut remediation = Object::with(2);
    remediation.put("desc", kind.advice.as_str());
    let references: Vec<&str> = alert.links.iter().map(|link| link.href.as_str()).collect();
    if !references.is_empty() {
        remediation.put("references", references);
    }
    remediation.into()
}

/// What OCSF has no place for, under Andon's own words.
pub(super) fn unmapped(alert: &Alert, kind: &Kind) -> Value {
    let mut rest = Object::with(10);
    rest.put("kind", alert.kind.as_str());
    rest.put("mapping", alert.mapping.as_str());
    rest.put("connection", alert.origin.connection.as_str());
    rest.put("signal", alert.signal.to_string());
    rest.put("fields", alert.fields.clone());
    if !kind.owasp.is_empty() {
        rest.put("owasp", kind.owasp.as_slice());
    }
    let mut list = |key: &str, value: Result<Value, serde_json::Error>| {
        // These are plain structures of texts and maps; serialising them cannot fail.
        if let Ok(Value::Array(items)) = value
            && !items.is_empty()
        {
            rest.put(key, items);
        }
    };
    list("contain", serde_json::to_value(&alert.contain));
    list("notes", serde_json::to_value(&alert.notes));
    list("links", serde_json::to_value(&alert.links));
    if let Some(said) = alert
        .acknowledged
        .as_ref()
        .and_then(|said| serde_json::to_value(said).ok())
    {
        rest.put("acknowledged", said);
    }
    if let Some(action) = alert.caused_by {
        rest.put("caused_by", action.to_string());
    }
    rest.into()
}

/// A scalar as text, for the attributes that OCSF wants as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
