//! The normalised finding: what an analyst sees, one open at a time for each `same_as` key.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::id::ActionId;
use crate::id::SignalId;

pub use crate::id::AlertId;

/// How bad it is. OCSF's `severity_id` 1 to 5; the order is the order of the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth keeping, nothing to do.
    Informational,
    /// Look at it this week.
    Low,
    /// Look at it today.
    Medium,
    /// Look at it now.
    High,
    /// Wake somebody.
    Critical,
}

impl Severity {
    /// All of them, the mildest first.
    pub const ALL: [Self; 5] = [
        Self::Informational,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// The word that files and events use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Reads the word that files and events use.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.as_str() == word)
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where an alert stands. `Updated` is an open alert after its first revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Just opened.
    Open,
    /// Open, and changed since.
    Updated,
    /// Closed.
    Resolved,
}

impl State {
    /// The word that files and events use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Updated => "updated",
            Self::Resolved => "resolved",
        }
    }
}

/// One finding about one thing. Serialised as it stands it is what `revisions` keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Andon's identifier; the deduplication key of pagers.
    pub id: AlertId,
    /// Counts from 1; each revision is one event for each destination that wants it.
    pub revision: u32,
    /// Where it stands.
    pub state: State,
    /// The mapping that made it.
    pub mapping: String,
    /// What it is about: mapping and `same_as` values as one canonical text.
    pub key: String,
    /// A name from `kinds.yaml`.
    pub kind: String,
    /// How bad it is now.
    pub severity: Severity,
    /// One line, clean.
    pub title: String,
    /// A few sentences, clean; empty where the mapping has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// When the latest signal says it happened.
    pub at: Timestamp,
    /// When this revision was made: OCSF's `time`.
    pub revised_at: Timestamp,
    /// The first and the last signal counted in it.
    pub first_seen: Timestamp,
    /// The last signal counted in it.
    pub last_seen: Timestamp,
    /// How many signals it stands for.
    pub count: u64,
    /// The model or dataset it is about: `name`, `version`, `environment`, `uri`, `owner` …
    pub model: Map<String, Value>,
    /// `what`, `value`, `limit` of what was measured.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub measured: Map<String, Value>,
    /// What leaves the house, by name.
    pub fields: Map<String, Value>,
    /// Where proof can be found.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub evidence: Map<String, Value>,
    /// To its source, to Andon's record, to each containment offered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// What may be done about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contain: Vec<Offer>,
    /// Where it came from.
    pub origin: Origin,
    /// The latest signal counted in it.
    pub signal: SignalId,
    /// Why it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
    /// Who has taken it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Said>,
    /// What people and containment added, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Said>,
    /// The destinations that were told of it, so that they also hear of its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
    /// The action of Andon's own that caused it; such an alert offers no containment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caused_by: Option<ActionId>,
}

/// A place to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// What is behind it.
    pub text: String,
    /// An absolute URL; its host comes from settings, never from data.
    pub href: String,
}

/// A containment that may be asked for, ready to call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// `connector/verb`.
    pub action: String,
    /// The connection it would run on.
    pub at: String,
    /// One line: what it does.
    pub about: String,
    /// The arguments that are known.
    pub with: Map<String, Value>,
    /// The arguments that a person fills in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ask: Vec<String>,
    /// Where to ask for it.
    pub href: String,
}

/// Where an alert came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The connection, as named in `andon.yaml`.
    pub connection: String,
    /// Its connector.
    pub connector: String,
    /// The host of the connection's URL, or the machine's name where it has none.
    pub host: String,
}

/// Something somebody said about an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The caller's name.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Clean text; may be empty.
    pub text: String,
}

/// Why an alert is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// What closed it.
    pub how: ClosedHow,
    /// The caller, where a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What closed an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedHow {
    /// A signal that the mapping's `resolve` recognised.
    Recovered,
    /// No signal for as long as `quiet` says.
    Quiet,
    /// A person, because it was dealt with.
    Resolved,
    /// A person, because it was none.
    FalsePositive,
    /// Its mapping was retired, with `open: resolve`.
    Retired,
}

impl Alert {
    /// The stable name of this revision's event, such as `alt_01jd3k9x8q2r0-3`.
    pub fn event_id(&self) -> String {
        format!("{}-{}", self.id, self.revision)
    }

    /// The words of [`Alert::shown`].
    pub fn words() -> impl Iterator<Item = &'static str> {
        WORDS.iter().map(|(word, _)| *word)
    }

    /// What expressions see as `alert` (design, section 3): of its words those that are wanted.
    pub fn shown(&self, wanted: impl Fn(&str) -> bool) -> Value {
        WORDS
            .iter()
            .filter(|(word, _)| wanted(word))
            .map(|(word, of)| ((*word).to_owned(), of(self)))
            .collect()
    }
}

/// A word that expressions and texts know of an alert, and what it stands for.
type Word = (&'static str, fn(&Alert) -> Value);

/// All of them; there are no others.
const WORDS: [Word; 22] = [
    ("id", |alert| json!(alert.id)),
    ("event_id", |alert| json!(alert.event_id())),
    ("revision", |alert| json!(alert.revision)),
    ("state", |alert| json!(alert.state)),
    ("kind", |alert| json!(alert.kind)),
    ("severity", |alert| json!(alert.severity)),
    ("title", |alert| json!(alert.title)),
    ("summary", |alert| json!(alert.summary)),
    ("at", |alert| json!(alert.at)),
    ("time", |alert| json!(alert.revised_at.as_millisecond())),
    ("first_seen", |alert| json!(alert.first_seen)),
    ("last_seen", |alert| json!(alert.last_seen)),
    ("count", |alert| json!(alert.count)),
    ("mapping", |alert| json!(alert.mapping)),
    ("model", |alert| json!(alert.model)),
    ("measured", |alert| json!(alert.measured)),
    ("fields", |alert| json!(alert.fields)),
    ("evidence", |alert| json!(alert.evidence)),
    ("links", |alert| json!(alert.links)),
    ("contain", |alert| json!(alert.contain)),
    ("origin", |alert| json!(alert.origin)),
    ("notes", |alert| json!(alert.notes)),
];
