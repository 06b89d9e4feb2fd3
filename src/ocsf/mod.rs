//! An alert as an OCSF 1.8.0 Detection Finding (class 2004): what every log destination gets.
//!
//! The model stands in `resources[]`, because `ai_model` at the top level of a finding is invalid
//! in 1.8.0. Only what the compiled schema knows is written; the rest of an alert goes under
//! `unmapped`. No profile is used, so `metadata.profiles` is left out. This runs once for each
//! delivery: it builds the tree in one pass and clones only what the finding keeps.

mod object;
mod parts;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::alert::{Alert, ClosedHow, Severity, State};
use crate::kind::Kind;
use object::Object;

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

/// The finding of one revision of an alert.
///
/// `time` and all times are integer milliseconds since 1970, UTC. `finding_info.uid` is the alert's
/// id for all of its life, `metadata.uid` names this revision.
pub fn finding(alert: &Alert, kind: &Kind, product: &Product) -> Value {
    let (activity, activity_name) = activity(alert);
    let (status, status_name) = status(alert);
    let mut event = Object::with(32);
    event.put("class_uid", CLASS_UID);
    event.put("class_name", "Detection Finding");
    event.put("category_uid", 2);
    event.put("category_name", "Findings");
    event.put("activity_id", activity);
    event.put("activity_name", activity_name);
    event.put("type_uid", CLASS_UID * 100 + activity);
    event.put("type_name", format!("Detection Finding: {activity_name}"));
    event.put("time", alert.revised_at.as_millisecond());
    event.put("start_time", alert.first_seen.as_millisecond());
    event.put("end_time", alert.last_seen.as_millisecond());
    event.put("count", alert.count);
    event.put("severity_id", severity_id(alert.severity));
    event.put("severity", severity_name(alert.severity));
    event.put("status_id", status);
    event.put("status", status_name);
    if let Some(detail) = status_detail(alert) {
        event.put("status_detail", detail);
    }
    event.put("is_alert", true);
    event.put("message", alert.title.as_str());
    event.put("metadata", parts::metadata(alert, kind, product));
    event.put("finding_info", parts::finding_info(alert, kind));
    if let Some(resource) = parts::resource(&alert.model) {
        event.put("resources", vec![resource]);
    }
    if let Some(analysis) = parts::anomaly(alert) {
        event.put("anomaly_analyses", vec![analysis]);
    }
    if !alert.evidence.is_empty() {
        event.put("evidences", parts::evidences(&alert.evidence));
    }
    event.put("observables", parts::observables(alert));
    event.put("remediation", parts::remediation(alert, kind));
    event.put("unmapped", parts::unmapped(alert, kind));
    event.into()
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
    })
}
