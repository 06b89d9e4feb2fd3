//! An alert as an OCSF 1.8.0 Detection Finding (class 2004): what every log destination gets.
//!
//! The model stands in `resources[]`, because `ai_model` at the top level of a finding is invalid
//! in 1.8.0. Only what the compiled schema knows is written; the rest of an alert goes under
//! `unmapped`. No profile is used, so `metadata.profiles` is left out. This runs once for each
//! delivery: it borrows from the alert, and is mostly written straight into the batch.

mod parts;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::alert::{Alert, ClosedHow, Severity, State};
use crate::kind::Kind;
use parts::{
    Analysis, Evidence, FindingInfo, Metadata, Observable, Remediation, Resource, Unmapped,
};

/// The version of the schema that is written.
pub const VERSION: &str = "1.8.0";
/// Detection Finding.
pub const CLASS_UID: u32 = 2004;

/// The product that speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Andon's own version, such as `0.1.0`.
    pub version: String,
}

/// A Detection Finding; serialised it is the event.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_field_names,
    reason = "attributes are called as in OCSF"
)]
pub struct Finding<'a> {
    class_uid: u32,
    class_name: &'static str,
    category_uid: u32,
    category_name: &'static str,
    activity_id: u32,
    activity_name: &'static str,
    type_uid: u32,
    type_name: String,
    time: i64,
    start_time: i64,
    end_time: i64,
    count: u64,
    severity_id: u8,
    severity: &'static str,
    status_id: u8,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<&'static str>,
    is_alert: bool,
    message: &'a str,
    metadata: Metadata<'a>,
    finding_info: FindingInfo<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<[Resource<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anomaly_analyses: Option<[Analysis<'a>; 1]>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidences: Vec<Evidence<'a>>,
    observables: Vec<Observable<'a>>,
    remediation: Remediation<'a>,
    unmapped: Unmapped<'a>,
}

/// The finding of one revision of an alert.
///
/// `time` and all times are integer milliseconds since 1970, UTC. `finding_info.uid` is the alert's
/// id for all of its life, `metadata.uid` names this revision.
pub fn finding<'a>(alert: &'a Alert, kind: &'a Kind, product: &'a Product) -> Finding<'a> {
    let (activity_id, activity_name) = activity(alert);
    let (status_id, status) = status(alert);
    Finding {
        class_uid: CLASS_UID,
        class_name: "Detection Finding",
        category_uid: 2,
        category_name: "Findings",
        activity_id,
        activity_name,
        type_uid: CLASS_UID * 100 + activity_id,
        type_name: format!("Detection Finding: {activity_name}"),
        time: alert.revised_at.as_millisecond(),
        start_time: alert.first_seen.as_millisecond(),
        end_time: alert.last_seen.as_millisecond(),
        count: alert.count,
        severity_id: severity_id(alert.severity),
        severity: severity_name(alert.severity),
        status_id,
        status,
        status_detail: status_detail(alert),
        is_alert: true,
        message: &alert.title,
        metadata: parts::metadata(alert, kind, product),
        finding_info: parts::finding_info(alert, kind),
        resources: parts::resource(&alert.model).map(|resource| [resource]),
        anomaly_analyses: parts::anomaly(alert).map(|analysis| [analysis]),
        evidences: parts::evidences(&alert.evidence),
        observables: parts::observables(alert),
        remediation: parts::remediation(alert, kind),
        unmapped: parts::unmapped(alert, kind),
    }
}

impl Finding<'_> {
    /// As a tree, for whoever looks into it.
    pub fn to_json(&self) -> Value {
        // Texts, numbers and maps of them: serialising cannot fail.
        serde_json::to_value(self).unwrap_or_else(|_| Value::Object(Map::new()))
    }
}

/// OCSF's `severity_id`.
pub fn severity_id(severity: Severity) -> u8 {
    match severity {
        Severity::Informational => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational => "Informational",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}

/// A resolve is a Close, also where an alert closes with its first revision.
fn activity(alert: &Alert) -> (u32, &'static str) {
    match alert.state {
        State::Resolved => (3, "Close"),
        State::Open if alert.revision <= 1 => (1, "Create"),
        State::Open | State::Updated => (2, "Update"),
    }
}

/// A false positive is Suppressed: the schema says of it that the finding was reviewed and
/// determined to be benign or a false positive, and is now suppressed. Archived (5) would say that
/// it has been put away, whatever it was.
fn status(alert: &Alert) -> (u8, &'static str) {
    match (alert.state, &alert.closed) {
        (State::Resolved, Some(closed)) if closed.how == ClosedHow::FalsePositive => {
            (3, "Suppressed")
        }
        (State::Resolved, _) => (4, "Resolved"),
        (State::Open, _) if alert.revision <= 1 && alert.acknowledged.is_none() => (1, "New"),
        (State::Open | State::Updated, _) => (2, "In Progress"),
    }
}

fn status_detail(alert: &Alert) -> Option<&'static str> {
    Some(match alert.closed.as_ref()?.how {
        ClosedHow::Recovered => "The source reported that it is over.",
        ClosedHow::Quiet => "No further signal came.",
        ClosedHow::Resolved => "A person closed it.",
        ClosedHow::FalsePositive => "A person marked it as a false positive.",
        ClosedHow::Retired => "The mapping that found it was retired.",
    })
}
