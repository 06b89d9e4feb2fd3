//! Why a request got no answer, whose fault that is, and whether it may have arrived.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::Reach;
use crate::secret;

/// Why there is no answer. Never holds a secret, a query or a body.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting of the connection cannot be used.
    #[error("`{setting}` of `{connection}` cannot be used: {problem}")]
    BadSetting {
        /// The connection.
        connection: String,
        /// The setting.
        setting: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The request has a part that cannot be sent as it is: a path that climbs, a header with a control character.
    #[error("cannot send the request's {part}: {problem}")]
    Unsendable {
        /// Such as `path` or ``header `x-reason` ``.
        part: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A required secret is not given.
    #[error("the secret `{name}` of `{connection}` is not given")]
    SecretMissing {
        /// The connection.
        connection: String,
        /// The setting.
        name: String,
    },
    /// A secret cannot be read.
    #[error("cannot read a secret of the connection")]
    Secret(#[from] secret::Error),
    /// The host resolves to an address that the connection may not reach.
    #[error("`{host}` is at {address}, which `reach: {reach}` does not allow")]
    Refused {
        /// The host.
        host: String,
        /// The first address that does not fit.
        address: IpAddr,
        /// What is allowed.
        reach: Reach,
    },
    /// No connection: the name, the port or TLS failed. Nothing was sent.
    #[error("cannot reach `{host}`: {problem}")]
    Unreachable {
        /// The host.
        host: String,
        /// The innermost cause.
        problem: String,
    },
    /// TLS with it was given up, because one side does not trust the other's certificate. Nothing was sent.
    #[error("`{connection}` makes no TLS connection to `{host}`: {problem}; {instead}")]
    Untrusted {
        /// The connection.
        connection: String,
        /// The host.
        host: String,
        /// What is wrong, and with whose certificate.
        problem: String,
        /// What to do about it.
        instead: &'static str,
    },
    /// It was sent, or may have been, and no whole answer came: it may have been done or not.
    #[error("no answer from `{host}` after {} ms: {problem}", after.as_millis())]
    NoAnswer {
        /// The host.
        host: String,
        /// How long was waited.
        after: Duration,
        /// The innermost cause.
        problem: String,
    },
    /// The answer is longer than is read.
    #[error("the answer of `{host}` (status {status}) is longer than {at_most} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// Its status.
        status: u16,
        /// The bound in bytes, after decompression.
        at_most: usize,
    },
    /// The token endpoint gave no token. The request itself was not sent.
    #[error("no token from `{host}`: {problem}")]
    NoToken {
        /// The token endpoint's host.
        host: String,
        /// What it said, as far as it can be shown.
        problem: String,
        /// An admin's, where it refused the client; else upstream's.
        blame: Blame,
    },
    /// The rate allows nothing before the deadline. Nothing was sent.
    #[error("the rate allows the next request only in {} ms", wait.as_millis())]
    RateLimited {
        /// Until then.
        wait: Duration,
    },
}

/// Who has to do something about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// Whoever wrote the connection, its secrets or its certificate files.
    Admin,
    /// The other side, or the network between.
    Upstream,
    /// What Andon or a manifest made of foreign text.
    Request,
}

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The same request would fail in the same way for ever.
    No,
    /// Later, with growing pauses.
    Later,
    /// Only if doing it twice does no harm, or after reading what became of it.
    IfHarmless,
}

impl Error {
    /// Whether the request may have reached the other side. If not, it certainly was not acted on.
    pub fn sent(&self) -> bool {
        matches!(self, Self::NoAnswer { .. } | Self::TooLarge { .. })
    }

    /// Who has to do something.
    pub fn blame(&self) -> Blame {
        match self {
            Self::BadSetting { .. }
            | Self::SecretMissing { .. }
            | Self::Secret(_)
            | Self::Refused { .. }
            | Self::Untrusted { .. } => Blame::Admin,
            Self::Unsendable { .. } => Blame::Request,
            Self::Unreachable { .. }
            | Self::NoAnswer { .. }
            | Self::TooLarge { .. }
            | Self::RateLimited { .. } => Blame::Upstream,
            Self::NoToken { blame, .. } => *blame,
        }
    }

    /// Whether to try again. What an admin can mend (an expired secret, a name's address) is tried again later: the
    /// request itself is fine, and must not be given up for it.
    pub fn again(&self) -> Again {
        match self {
            Self::Unsendable { .. } => Again::No,
            Self::NoAnswer { .. } | Self::TooLarge { .. } => Again::IfHarmless,
            Self::BadSetting { .. }
            | Self::SecretMissing { .. }
            | Self::Secret(_)
            | Self::Refused { .. }
            | Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::NoToken { .. }
            | Self::RateLimited { .. } => Again::Later,
        }
    }
}
