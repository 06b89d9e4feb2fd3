//! The objects inside a Detection Finding, in the order in which it lists them.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Product, VERSION};
use crate::alert::{Alert, Link, Offer, Said};
use crate::json;
use crate::kind::{Kind, Technique};

#[derive(Debug, Serialize)]
pub(super) struct Metadata<'a> {
    version: &'static str,
    product: Speaker<'a>,
    uid: String,
    correlation_uid: String,
    sequence: u32,
    log_provider: &'a str,
    labels: [String; 2],
}

#[derive(Debug, Serialize)]
struct Speaker<'a> {
    name: &'static str,
    vendor_name: &'static str,
    version: &'a str,
}

pub(super) fn metadata<'a>(alert: &'a Alert, kind: &Kind, product: &'a Product) -> Metadata<'a> {
    Metadata {
        version: VERSION,
        product: Speaker {
            name: "Andon",
            vendor_name: "Andon",
            version: &product.version,
        },
        uid: alert.event_id(),
        correlation_uid: alert.id.to_string(),
        sequence: alert.revision,
        log_provider: &alert.origin.connector,
        labels: [
            format!("kind:{}", kind.name),
            format!("connection:{}", alert.origin.connection),
        ],
    }
}

#[derive(Debug, Serialize)]
pub(super) struct FindingInfo<'a> {
    uid: String,
    title: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    desc: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    types: &'a [String],
    analytic: Analytic<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attacks: Vec<Attack<'a>>,
    first_seen_time: i64,
    last_seen_time: i64,
    modified_time: i64,
    related_events_count: u64,
    data_sources: [&'a str; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    src_url: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Analytic<'a> {
    type_id: u8,
    r#type: &'static str,
    name: &'a str,
    uid: &'a str,
    category: &'a str,
}

pub(super) fn finding_info<'a>(alert: &'a Alert, kind: &'a Kind) -> FindingInfo<'a> {
    FindingInfo {
        uid: alert.id.to_string(),
        title: &alert.title,
        desc: &alert.summary,
        types: &kind.types,
        analytic: Analytic {
            type_id: kind.analytic,
            r#type: analytic_type(kind.analytic),
            name: &kind.title,
            uid: &alert.mapping,
            category: &kind.name,
        },
        attacks: kind.atlas.iter().map(attack).collect(),
        first_seen_time: alert.first_seen.as_millisecond(),
        last_seen_time: alert.last_seen.as_millisecond(),
        modified_time: alert.revised_at.as_millisecond(),
        related_events_count: alert.count,
        data_sources: [&alert.origin.connector, &alert.origin.host],
        src_url: alert.links.first().map(|link| link.href.as_str()),
    }
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

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Attack<'a> {
    Technique(Named<'a>),
    SubTechnique(Named<'a>),
}

#[derive(Debug, Serialize)]
struct Named<'a> {
    uid: &'a str,
    name: &'a str,
    src_url: String,
}

/// A technique, or a sub-technique where the identifier has a second number (`AML.T0011.000`).
fn attack(technique: &Technique) -> Attack<'_> {
    let named = Named {
        uid: &technique.uid,
        name: &technique.name,
        src_url: format!("https://atlas.mitre.org/techniques/{}", technique.uid),
    };
    if technique.uid.matches('.').count() > 1 {
        Attack::SubTechnique(named)
    } else {
        Attack::Technique(named)
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Resource<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Cow<'a, str>>,
    r#type: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Cow<'a, str>>,
    role_id: u8,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Owner<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<[String; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Rest<'a>>,
}

#[derive(Debug, Serialize)]
struct Owner<'a> {
    name: Cow<'a, str>,
}

/// What of a model has no attribute of its own.
#[derive(Debug)]
struct Rest<'a>(&'a Map<String, Value>);

impl<'a> Rest<'a> {
    fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        let named = ["name", "uri", "uid", "type", "version", "owner"];
        self.0
            .iter()
            .filter(move |(key, _)| !named.contains(&key.as_str()))
    }
}

impl Serialize for Rest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries())
    }
}

/// The model or dataset. Nothing where the alert names neither a name nor a uri.
pub(super) fn resource(model: &Map<String, Value>) -> Option<Resource<'_>> {
    let of = |key: &str| json::get(model, key).and_then(text);
    let (name, uid) = (of("name"), uid(model));
    if name.is_none() && uid.is_none() {
        return None;
    }
    let rest = Rest(model);
    let has_more = rest.entries().next().is_some();
    Some(Resource {
        uid,
        name,
        r#type: of("type").unwrap_or(Cow::Borrowed("AI Model")),
        version: of("version"),
        role_id: 1,
        role: "Target",
        owner: of("owner").map(|name| Owner { name }),
        labels: of("environment").map(|environment| [format!("environment:{environment}")]),
        data: has_more.then_some(rest),
    })
}

fn uid(model: &Map<String, Value>) -> Option<Cow<'_, str>> {
    let of = |key| json::get(model, key);
    of("uri").or_else(|| of("uid")).and_then(text)
}

#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_field_names,
    reason = "attributes are called as in OCSF"
)]
pub(super) struct Analysis<'a> {
    analysis_targets: [Target<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    baselines: Option<[Observed<'a>; 1]>,
    anomalies: [Observed<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Target<'a> {
    name: Cow<'a, str>,
    r#type: &'static str,
}

#[derive(Debug, Serialize)]
struct Observed<'a> {
    observation_parameter: Cow<'a, str>,
    observation_type: &'static str,
    observations: [Observation<'a>; 1],
}

#[derive(Debug, Serialize)]
struct Observation<'a> {
    value: Cow<'a, str>,
}

/// What was measured against its limit: the observation is the value, the baseline the limit.
pub(super) fn anomaly(alert: &Alert) -> Option<Analysis<'_>> {
    let measured = |key: &str| json::get(&alert.measured, key).and_then(text);
    let value = measured("value")?;
    let what = measured("what").unwrap_or(Cow::Borrowed(&alert.kind));
    let observed = |value, observation_type| Observed {
        observation_parameter: what.clone(),
        observation_type,
        observations: [Observation { value }],
    };
    let model = json::get(&alert.model, "name").and_then(text);
    Some(Analysis {
        analysis_targets: [Target {
            name: model.unwrap_or(Cow::Borrowed(&alert.origin.connection)),
            r#type: "AI Model",
        }],
        baselines: measured("limit").map(|limit| [observed(limit, "Limit")]),
        anomalies: [observed(value, "Measured")],
    })
}

/// With `data`, without which an evidence is not valid.
#[derive(Debug, Serialize)]
pub(super) struct Evidence<'a> {
    name: &'a str,
    data: &'a Value,
}

pub(super) fn evidences(evidence: &Map<String, Value>) -> Vec<Evidence<'_>> {
    evidence
        .iter()
        .map(|(name, data)| Evidence { name, data })
        .collect()
}

#[derive(Debug, Serialize)]
pub(super) struct Observable<'a> {
    type_id: u8,
    r#type: &'static str,
    name: &'static str,
    value: Cow<'a, str>,
}

pub(super) fn observables(alert: &Alert) -> Vec<Observable<'_>> {
    let uid = uid(&alert.model).map(|value| Observable {
        type_id: 10,
        r#type: "Resource UID",
        name: "resources[0].uid",
        value,
    });
    let url = alert.links.first().map(|link| Observable {
        type_id: 6,
        r#type: "URL String",
        name: "finding_info.src_url",
        value: Cow::Borrowed(&link.href),
    });
    uid.into_iter().chain(url).collect()
}

#[derive(Debug, Serialize)]
pub(super) struct Remediation<'a> {
    desc: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<&'a str>,
}

pub(super) fn remediation<'a>(alert: &'a Alert, kind: &'a Kind) -> Remediation<'a> {
    Remediation {
        desc: &kind.advice,
        references: alert.links.iter().map(|link| link.href.as_str()).collect(),
    }
}

/// What OCSF has no place for, under Andon's own words.
#[derive(Debug, Serialize)]
pub(super) struct Unmapped<'a> {
    kind: &'a str,
    mapping: &'a str,
    connection: &'a str,
    signal: String,
    fields: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    owasp: &'a [String],
    #[serde(skip_serializing_if = "<[Offer]>::is_empty")]
    contain: &'a [Offer],
    #[serde(skip_serializing_if = "<[Said]>::is_empty")]
    notes: &'a [Said],
    #[serde(skip_serializing_if = "<[Link]>::is_empty")]
    links: &'a [Link],
    #[serde(skip_serializing_if = "Option::is_none")]
    acknowledged: Option<&'a Said>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caused_by: Option<String>,
}

pub(super) fn unmapped<'a>(alert: &'a Alert, kind: &'a Kind) -> Unmapped<'a> {
    Unmapped {
        kind: &alert.kind,
        mapping: &alert.mapping,
        connection: &alert.origin.connection,
        signal: alert.signal.to_string(),
        fields: &alert.fields,
        owasp: &kind.owasp,
        contain: &alert.contain,
        notes: &alert.notes,
        links: &alert.links,
        acknowledged: alert.acknowledged.as_ref(),
        caused_by: alert.caused_by.map(|action| action.to_string()),
    }
}

/// A scalar as text, for the attributes that OCSF wants as text.
fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        _ => None,
    }
}
