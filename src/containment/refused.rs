//! Why a request is not taken: one line that names what to change.

use crate::store;

/// Why a request is not taken. Its text is one line, for the `detail` of a problem document.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Something in the request is wrong.
    #[error("{0}")]
    Bad(String),
    /// There is no such action, alert or verb.
    #[error("{0}")]
    Missing(String),
    /// It does not fit where the action, or the platform, stands.
    #[error("{0}")]
    Conflict(String),
    /// An idempotency key was used for something else.
    #[error("{0}")]
    KeyReused(String),
    /// Andon is frozen.
    #[error("Andon is frozen by {by}: {why}")]
    Frozen {
        /// Who froze it.
        by: String,
        /// Why; may be empty.
        why: String,
    },
    /// The platform cannot be read now, or too much waits.
    #[error("{0}")]
    Unavailable(String),
    /// The store failed.
    #[error("the request could not be kept")]
    Store(#[from] store::Error),
}

impl Refused {
    /// The HTTP status that says so.
    pub fn status(&self) -> u16 {
        match self {
            Self::Bad(_) => 400,
            Self::Missing(_) => 404,
            Self::Conflict(_) => 409,
            Self::KeyReused(_) => 422,
            Self::Frozen { .. } => 423,
            Self::Unavailable(_) | Self::Store(_) => 503,
        }
    }
}
