//! What one model-side system said, kept verbatim.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::untrusted::Untrusted;

pub use crate::id::SignalId;

/// A signal, read: which connection said it, when, and its `data` as the connector's manifest cut it
/// out of the raw body. The raw body is kept apart (see [`Raw`]).
#[derive(Debug, Clone)]
pub struct Signal {
    /// Andon's own identifier.
    pub id: SignalId,
    /// The connection it came through, as named in `andon.yaml`.
    pub connection: String,
    /// `connector/signal`, such as `mlflow/alias-created`.
    pub name: SignalName,
    /// What the vendor calls this signal (`id:`), or a digest of its data where it has no name.
    pub vendor_id: String,
    /// When the platform says it happened (`at:`), else when it was received.
    pub at: Timestamp,
    /// When its bytes reached Andon.
    pub received_at: Timestamp,
    /// The instant it was read: what `now` is in expressions, stored so that replay is exact.
    pub now: Timestamp,
    /// For polled states: what became of the item since the last poll.
    pub change: Option<Change>,
    /// An action of Andon's own that this signal is the echo of.
    pub echo_of: Option<crate::id::ActionId>,
    /// The `data:` of the manifest: checked against the signal's schema.
    pub data: Untrusted<Document>,
}

/// `signal.at`, `signal.id` and `signal.change` are Andon's; no schema may use them.
pub fn with_own_fields(
    data: Document,
    at: Timestamp,
    id: &str,
    change: Option<Change>,
) -> Document {
    let at = at.to_string();
    match change {
        None => data.with(&[("at", &at), ("id", id)]),
        Some(change) => data.with(&[("at", &at), ("id", id), ("change", change.as_str())]),
    }
}

/// `connector/signal`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SignalName {
    /// The connector's name.
    pub connector: String,
    /// The signal's name in the connector's manifest.
    pub signal: String,
}

impl std::fmt::Display for SignalName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.connector, self.signal)
    }
}

/// What became of a polled item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Not seen before.
    New,
    /// Its data differ from the last reading.
    Changed,
    /// Read again, as it was.
    Same,
    /// A whole scan no longer finds it.
    Gone,
}

impl Change {
    /// As `signal.change` shows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Same => "same",
            Self::Gone => "gone",
        }
    }
}

/// The bytes as they came, with what is needed to read them again. Credentials are never in it.
#[derive(Debug, Clone)]
pub struct Raw {
    /// The body after decompression; one body may hold many signals.
    pub body: Untrusted<Vec<u8>>,
    /// Chosen headers, lower-case names; never credentials or signatures.
    pub headers: Vec<(String, String)>,
    /// For files: the path below the connection's folder.
    pub path: Option<String>,
}
