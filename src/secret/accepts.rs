//! What a request must show to be accepted: a list of schemes, of which the first that fits wins.

use std::time::Duration;

use data_encoding::BASE64;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::missing::{lacks, not_given, sentence};
use super::reference::{Error, Secrets};
use super::signature::lines;
use crate::connector::{Accepts, Scheme};
use crate::shape::Leaf;

/// A request, before anything of it is believed. The default has no headers and no body.
#[derive(Clone, Copy)]
pub struct Incoming<'r> {
    /// Lower-case names, in the order they came.
    pub headers: &'r [(String, String)],
    /// The body as it came, before parsing.
    pub body: &'r [u8],
    /// The token in the URL, if there is one.
    pub url_token: Option<&'r str>,
    /// When it was received.
    pub now: Timestamp,
}

impl std::fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming")
            .field("body_bytes", &self.body.len())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

impl<'r> Incoming<'r> {
    /// The values of a header.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'r str> {
        let named = self.headers.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// A header that must be there exactly once: of two that differ, nobody knows which one was meant.
    pub(super) fn one(&self, name: &str) -> Result<&'r str, Refusal> {
        let mut found = self.all(name);
        match (found.next(), found.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(Refusal::Lacking {
                what: sentence(&[format!("the header `{name}`")]),
            }),
            (Some(_), Some(_)) => Err(Refusal::HeaderTwice {
                header: name.to_owned(),
            }),
        }
    }
}

/// What a request has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Which of the schemes fitted, from 0.
    pub scheme: usize,
    /// When the sender says it was sent; signed along.
    pub sent_at: Option<Timestamp>,
}

/// Why a request was refused. For our log: a caller hears no more than 401, or 503 where [`Refusal::is_ours`], and of the
/// first two in general words what is missing.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No scheme has its secrets, so that nothing can be let in, whatever it carries.
    #[error(
        "no push is let in until this connection is given {settings} (in andon.yaml, by a file or a variable that is not empty)"
    )]
    NothingToCheckWith {
        /// The settings that each scheme waits for.
        settings: String,
    },
    /// For each scheme something is not there at all. Made of the manifest and the names of headers alone.
    #[error("{what}")]
    Lacking {
        /// What it has not, in words.
        what: String,
    },
    /// The request fits a scheme that has not its secret; others have.
    #[error("it comes in a way that is shut: this connection is not given `{setting}`")]
    NotGiven {
        /// The setting.
        setting: String,
    },
    /// A header that must be there once is there more often.
    #[error("the header `{header}` is there more than once")]
    HeaderTwice {
        /// Its name.
        header: String,
    },
    /// The header holds no such field.
    #[error("the header `{header}` does not hold `{field}=` once")]
    NoField {
        /// Its name.
        header: String,
        /// The field.
        field: String,
    },
    /// No signature in the header is right for any key.
    #[error("no signature in `{header}` is right")]
    WrongSignature {
        /// Its name.
        header: String,
    },
    /// A token, a password or a shared secret is wrong.
    #[error("the {what} is wrong")]
    WrongSecret {
        /// Which kind.
        what: &'static str,
    },
    /// Signed, but the time of sending cannot be read.
    #[error("the time of sending is no Unix time and no RFC 3339")]
    NoTime,
    /// Signed, but sent too long ago: perhaps a replay, perhaps a clock that is wrong.
    #[error("sent too long ago, by {} s", by.as_secs())]
    TooOld {
        /// Beyond what is tolerated.
        by: Duration,
    },
    /// Signed, but sent in the future: a clock is wrong.
    #[error("sent in the future, by {} s", by.as_secs())]
    TooEarly {
        /// Beyond what is tolerated.
        by: Duration,
    },
    /// The key is not written as the manifest says.
    #[error("the secret of `{setting}` cannot be decoded as a key")]
    UnusableKey {
        /// The setting.
        setting: String,
    },
    /// The secret cannot be read now.
    #[error("the secret to check with cannot be read")]
    Unreadable(#[source] Error),
}

impl Refusal {
    /// Whether the fault lies with us, so that the sender should try again later (503) instead of giving up (401).
    pub fn is_ours(&self) -> bool {
        matches!(self, Self::UnusableKey { .. } | Self::Unreadable(_))
    }

    /// How much it tells: of several schemes that did not fit, the reason that came furthest is the one to log.
    fn weight(&self) -> u8 {
        match self {
            Self::NothingToCheckWith { .. } | Self::Lacking { .. } => 0,
            Self::NotGiven { .. } => 1,
            Self::HeaderTwice { .. } | Self::NoField { .. } => 2,
            Self::WrongSecret { .. } | Self::WrongSignature { .. } => 3,
            Self::NoTime | Self::TooOld { .. } | Self::TooEarly { .. } => 4,
            Self::UnusableKey { .. } | Self::Unreadable(_) => 5,
        }
    }
}

/// Checks a request against what its connection accepts, over the raw bytes, comparing in constant time.
pub fn check(
    accepts: &Accepts,
    connection: &str,
    secrets: &Secrets,
    incoming: &Incoming<'_>,
) -> Result<Accepted, Refusal> {
    let mut lacking = Vec::new();
    let mut most_telling: Option<Refusal> = None;
    for (scheme, wanted) in accepts.schemes.iter().enumerate() {
        if let Some(what) = lacks(wanted, incoming) {
            lacking.push(what);
            continue;
        }
        match fits(wanted, connection, secrets, incoming) {
            Ok(sent_at) => return Ok(Accepted { scheme, sent_at }),
            Err(refusal) => {
                let known = most_telling.as_ref().map(Refusal::weight);
                if known.is_none_or(|known| refusal.weight() > known) {
                    most_telling = Some(refusal);
                }
            }
        }
    }
    if let Some(settings) = not_given(&accepts.schemes, connection, secrets) {
        return Err(Refusal::NothingToCheckWith { settings });
    }
    Err(most_telling.unwrap_or_else(|| Refusal::Lacking {
        what: sentence(&lacking),
    }))
}

fn fits(
    scheme: &Scheme,
    connection: &str,
    secrets: &Secrets,
    incoming: &Incoming<'_>,
) -> Result<Option<Timestamp>, Refusal> {
    let secret = |setting: &str| {
        secrets
            .get(connection, setting)
            .map_err(Refusal::Unreadable)?
            .ok_or_else(|| Refusal::NotGiven {
                setting: setting.to_owned(),
            })
    };
    let verbatim = |setting: &str, given: &str, what| {
        if is_one_of(&secret(setting)?, given) {
            Ok(None)
        } else {
            Err(Refusal::WrongSecret { what })
        }
    };
    match scheme {
        Scheme::Signature(signature) => signature.verify(&secret(&signature.key)?, incoming),
        Scheme::Header { name, secret } => verbatim(secret, incoming.one(name)?, "shared secret"),
        Scheme::Bearer { secret } => {
            let given = bearer(incoming.one("authorization")?);
            verbatim(secret, given.unwrap_or_default(), "bearer token")
        }
        Scheme::Basic { user, password } => {
            let wrong = Refusal::WrongSecret { what: "password" };
            let (given_user, given_password) =
                basic(incoming.one("authorization")?).ok_or(wrong)?;
            let user = match user {
                Leaf::Text(text) => SecretString::from(text.as_str()),
                Leaf::Secret(setting) => secret(setting)?,
            };
            let user_fits = is_one_of(&user, &given_user);
            let password_fits = is_one_of(&secret(password)?, given_password.expose_secret());
            if user_fits & password_fits {
                Ok(None)
            } else {
                Err(Refusal::WrongSecret { what: "password" })
            }
        }
        Scheme::UrlToken { secret } => {
            let given = incoming.url_token.unwrap_or_default();
            verbatim(secret, given, "token in the URL")
        }
        Scheme::Anyone => Ok(None),
    }
}

/// The token of an `Authorization: Bearer …` header's value (RFC 6750, section 2.1; the scheme in any case).
pub fn bearer(authorization: &str) -> Option<&str> {
    credentials(authorization, "bearer")
}

fn basic(authorization: &str) -> Option<(String, SecretString)> {
    let bytes = BASE64
        .decode(credentials(authorization, "basic")?.as_bytes())
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), SecretString::from(password)))
}

pub(super) fn credentials<'a>(authorization: &'a str, scheme: &str) -> Option<&'a str> {
    let (given, credentials) = authorization.trim().split_once(' ')?;
    given
        .eq_ignore_ascii_case(scheme)
        .then(|| credentials.trim_start())
}

/// Compares with every line, so that the time taken does not tell which of them it was.
fn is_one_of(secret: &SecretString, given: &str) -> bool {
    lines(secret).fold(false, |found, line| {
        found | bool::from(line.as_bytes().ct_eq(given.as_bytes()))
    })
}
