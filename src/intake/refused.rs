//! Why a push was not kept: what the sender hears, one line each, never a value of theirs.

use std::time::Duration;

/// A push that was not kept. What was accepted is kept, even when nobody could read it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No connection of that name takes pushes.
    #[error("no connection of this name takes signals by push")]
    UnknownConnection,
    /// The sender did not prove who it is. Why is in our log only.
    #[error("the request does not prove that it comes from the connection's system")]
    NotAccepted,
    /// The sender shows nothing of what would prove it. What that is stands in the connector's file, which is no secret.
    #[error("the request does not prove that it comes from the connection's system: {what}")]
    Lacking {
        /// The names of what is not there, never a value.
        what: String,
    },
    /// No secret is given to check with, so that nobody can be let in. Which setting it is, is in our log only.
    #[error(
        "this connection takes no pushes until it is given a secret to check them with; the log of Andon names the setting"
    )]
    NothingToCheckWith,
    /// The secret to check with cannot be read: the sender should try again.
    #[error("the request cannot be checked now; try again")]
    Ours,
    /// More than is taken in one request.
    #[error("the request holds more than {at_most} {of}")]
    TooLarge {
        /// The bound.
        at_most: usize,
        /// What is bounded, such as `bytes`.
        of: &'static str,
    },
    /// A `Content-Encoding` that is not gzip.
    #[error("the content encoding is not known; send gzip or none")]
    UnsupportedEncoding,
    /// Not JSON, or not whole.
    #[error("the body cannot be read: {detail}")]
    NotParseable {
        /// What is wrong with it, and where.
        detail: String,
    },
    /// Nested too deeply.
    #[error("the body nests deeper than {at_most}")]
    TooDeep {
        /// The bound.
        at_most: usize,
    },
    /// Nothing more can be kept now.
    #[error("nothing more can be kept now; try again")]
    Full {
        /// When to try again.
        retry_after: Duration,
    },
}

/// How long a sender should wait when nothing more can be kept.
pub(super) const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Refused {
    /// The HTTP status that says so.
    pub fn status(&self) -> u16 {
        match self {
            Self::UnknownConnection => 404,
            Self::NotAccepted | Self::Lacking { .. } | Self::NothingToCheckWith => 401,
            Self::Ours | Self::Full { .. } => 503,
            Self::TooLarge { .. } => 413,
            Self::UnsupportedEncoding => 415,
            Self::NotParseable { .. } | Self::TooDeep { .. } => 400,
        }
    }

    /// Whether it was within bounds, and nobody can read it.
    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self, Self::NotParseable { .. } | Self::TooDeep { .. })
    }

    /// The word for it in metrics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::UnknownConnection => "unknown",
            Self::NotAccepted | Self::Lacking { .. } | Self::NothingToCheckWith => "not_authentic",
            Self::Ours => "no_secret",
            Self::TooLarge { .. } => "too_large",
            Self::UnsupportedEncoding => "encoding",
            Self::NotParseable { .. } | Self::TooDeep { .. } => "unreadable",
            Self::Full { .. } => "no_room",
        }
    }

    /// One line for `problem+json`.
    pub fn detail(&self) -> String {
        self.to_string()
    }

    /// What goes into `Retry-After`, where trying again helps.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Full { retry_after } => Some(*retry_after),
            Self::Ours => Some(RETRY_AFTER),
            _ => None,
        }
    }
}
