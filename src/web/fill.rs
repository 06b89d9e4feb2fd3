//! Puts the base URL and the secrets into a request; or, for people to read, the secrets' names.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::error::Error;
use super::place;
use crate::secret::Secrets;
use crate::shape::{Auth, Body, Leaf, Request, SecretAt};
use crate::untrusted;

/// What stands where a secret would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// The secrets themselves: to be sent.
    Secrets,
    /// `<secret NAME>`: to be read.
    Names,
}

/// Where secrets come from, and which of them need not be given.
#[derive(Clone, Copy)]
pub(super) struct Given<'s> {
    pub(super) connection: &'s str,
    pub(super) secrets: &'s Secrets,
    pub(super) optional: &'s BTreeSet<String>,
    pub(super) put: Put,
}

/// A request with everything in it. May hold secrets, so that it has no `Debug`.
pub(super) struct Filled {
    pub(super) url: Url,
    /// Encoded; kept apart from the URL so that the names of secrets stay readable.
    pub(super) query: String,
    /// Lower-case names, checked values.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Vec<u8>>,
}

/// Everything but RFC 3986's unreserved characters is encoded, in queries and forms alike.
const LEAF: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Headers that say where a message goes and where it ends; only the HTTP client sets them.
const NOT_OURS: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The longest value of a header, in bytes. Tokens of identity providers are long; servers stop at 8 or 16 KiB.
const LONGEST_HEADER: usize = 16_384;

impl Given<'_> {
    /// The secret, or its name to be shown; `None` for an optional one that is not given.
    pub(super) fn text(&self, name: &str) -> Result<Option<SecretString>, Error> {
        match self.secrets.get(self.connection, name)? {
            Some(secret) if self.put == Put::Secrets => Ok(Some(secret)),
            Some(_) => Ok(Some(SecretString::from(format!("<secret {name}>")))),
            None if self.optional.contains(name) => Ok(None),
            None => Err(Error::SecretMissing {
                connection: self.connection.to_owned(),
                name: name.to_owned(),
            }),
        }
    }

    fn leaf(&self, leaf: &Leaf) -> Result<Option<String>, Error> {
        match leaf {
            Leaf::Text(text) => Ok(Some(text.clone())),
            Leaf::Secret(name) => Ok(self
                .text(name)?
                .map(|secret| secret.expose_secret().to_owned())),
        }
    }

    /// `name=value` pairs, encoded; but what is to be read keeps the names of secrets as they are.
    fn pairs(&self, pairs: &[(String, Leaf)]) -> Result<String, Error> {
        let mut out = String::new();
        for (name, leaf) in pairs {
            let Some(value) = self.leaf(leaf)? else {
                continue;
            };
            if !out.is_empty() {
                out.push('&');
            }
            out.extend(utf8_percent_encode(name, LEAF));
            out.push('=');
            match (self.put, leaf) {
                (Put::Names, Leaf::Secret(_)) => out.push_str(&value),
                _ => out.extend(utf8_percent_encode(&value, LEAF)),
            }
        }
        Ok(out)
    }

    /// The request in full. `auth` is already resolved; for OAuth2 `token` is what goes into the header.
    pub(super) fn fill(
        &self,
        base: &Url,
        request: &Request,
        auth: &Auth,
        token: Option<&SecretString>,
    ) -> Result<Filled, Error> {
        let url =
            place::appended(base, &request.path, "").map_err(|problem| Error::Unsendable {
                part: "path".to_owned(),
                problem,
            })?;
        let mut headers = Vec::new();
        for (name, leaf) in &request.headers {
            if let Some(value) = self.leaf(leaf)? {
                headers.push(header(name, value)?);
            }
        }
        let mut body = None;
        if let Some(content) = &request.content {
            if !headers.iter().any(|(name, _)| name == "content-type") {
                headers.push(header("content-type", content.media_type.clone())?);
            }
            body = Some(match &content.body {
                Body::Json { value, secrets } => self.json(value, secrets)?,
                Body::Form(pairs) => self.pairs(pairs)?.into_bytes(),
                Body::Bytes(bytes) => bytes.clone(),
            });
        }
        if let Some((name, value)) = self.credentials(auth, token)? {
            headers.retain(|(known, _)| *known != name);
            headers.push(header(&name, value)?);
        }
        Ok(Filled {
            url,
            query: self.pairs(&request.query)?,
            headers,
            body,
        })
    }

    /// The header that makes the caller known. None where an optional secret is not given.
    fn credentials(
        &self,
        auth: &Auth,
        token: Option<&SecretString>,
    ) -> Result<Option<(String, String)>, Error> {
        let authorization = |value: String| Some(("authorization".to_owned(), value));
        let said = |name: &str| self.leaf(&Leaf::Secret(name.to_owned()));
        Ok(match auth {
            Auth::None | Auth::Connection => None,
            Auth::Bearer(name) => {
                said(name)?.and_then(|secret| authorization(format!("Bearer {secret}")))
            }
            Auth::Basic { user, password } => match (self.leaf(user)?, said(password)?) {
                (Some(user), Some(password)) if self.put == Put::Names => {
                    authorization(format!("Basic {user}:{password}"))
                }
                // RFC 7617, section 2: the first colon ends the user.
                (Some(user), Some(_)) if user.contains(':') => {
                    return Err(Error::BadSetting {
                        connection: self.connection.to_owned(),
                        setting: "user".to_owned(),
                        problem: "a user of basic authentication holds no colon".to_owned(),
                    });
                }
                (Some(user), Some(password)) => {
                    let pair = BASE64.encode(format!("{user}:{password}").as_bytes());
                    authorization(format!("Basic {pair}"))
                }
                _ => None,
            },
            Auth::Header {
                name,
                scheme,
                secret,
            } => said(secret)?.map(|secret| {
                let value = match scheme {
                    Some(scheme) => format!("{scheme} {secret}"),
                    None => secret,
                };
                (name.to_ascii_lowercase(), value)
            }),
            Auth::OAuth2 { .. } => {
                token.and_then(|token| authorization(format!("Bearer {}", token.expose_secret())))
            }
        })
    }

    /// The value with its secrets, each at its pointer. From the last to the first, so that one left out of a list
    /// moves none of those still to come.
    fn json(&self, value: &Value, secrets: &[SecretAt]) -> Result<Vec<u8>, Error> {
        let unsendable = |problem: String| Error::Unsendable {
            part: "body".to_owned(),
            problem,
        };
        let whole = |value: &Value| {
            serde_json::to_vec(value)
                .map_err(|_| unsendable("it cannot be written as JSON".to_owned()))
        };
        if secrets.is_empty() {
            return whole(value);
        }
        let mut value = value.clone();
        for SecretAt { pointer, name } in secrets.iter().rev() {
            let nowhere = || unsendable(format!("it has no place `{pointer}` for `{name}`"));
            match self.text(name)? {
                Some(secret) => {
                    *value.pointer_mut(pointer).ok_or_else(nowhere)? =
                        Value::String(secret.expose_secret().to_owned());
                }
                None => leave_out(&mut value, pointer).ok_or_else(nowhere)?,
            }
        }
        whole(&value)
    }
}

fn leave_out(value: &mut Value, pointer: &str) -> Option<()> {
    let (parent, name) = pointer.rsplit_once('/')?;
    // RFC 6901, section 4: `~1` first, so that `~01` stays `~1`.
    let name = name.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent)? {
        Value::Object(map) => map.shift_remove(&name).map(drop),
        Value::Array(list) => {
            let index: usize = name.parse().ok()?;
            (index < list.len()).then(|| drop(list.remove(index)))
        }
        _ => None,
    }
}

/// Door 4 for headers: a known shape of name, a value of one line. The error names the header, not its value.
fn header(name: &str, value: String) -> Result<(String, String), Error> {
    let unsendable = |problem: &str| Error::Unsendable {
        part: format!("header `{}`", untrusted::log(name, 60)),
        problem: problem.to_owned(),
    };
    let name = name.to_ascii_lowercase();
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return Err(unsendable(
            "its name is not made of letters, digits and `-`",
        ));
    }
    if NOT_OURS.contains(&name.as_str()) {
        return Err(unsendable("only the HTTP client may set it"));
    }
    if value.len() > LONGEST_HEADER {
        return Err(unsendable("its value is longer than 16384 bytes"));
    }
    let control = |character: char| character.is_control() && character != '\t';
    if value.chars().any(control) || HeaderValue::from_bytes(value.as_bytes()).is_err() {
        return Err(unsendable("its value holds a control character"));
    }
    Ok((name, value))
}
