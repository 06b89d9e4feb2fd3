//! Which alerts are listed.

use crate::alert::{AlertId, Severity};
use crate::json;

/// Which alerts to list; the newest come first.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// Only open ones, or only closed ones.
    pub open: Option<bool>,
    /// At least this severe.
    pub severity: Option<Severity>,
    /// Of this kind.
    pub kind: Option<String>,
    /// From this connection.
    pub connection: Option<String>,
    /// By this mapping.
    pub mapping: Option<String>,
    /// Of this key, as [`Alert::key`](crate::alert::Alert::key) has it.
    pub key: Option<String>,
    /// The page before this one ended here.
    pub before: Option<AlertId>,
}

impl AlertFilter {
    /// What stands in the JSON of an alert of this key, and in no other: the quotes of a text in it are
    /// escaped.
    pub(super) fn member(&self) -> Option<String> {
        let key = json::to_string(self.key.as_ref()?).ok()?;
        Some(format!("\"key\":{key}"))
    }
}
