//! What is missing, by name: of a request, what the ways in ask for; of a connection, the secrets to check with.
//!
//! Whoever sets a sender up is told the first. It comes from the manifest and from which headers are there, never from a
//! secret: the answer is the same whether one is given, and whatever it is. So it helps nobody to forge a request.

use super::accepts::{Incoming, bearer, credentials};
use super::reference::Secrets;
use crate::connector::{Scheme, SentAt, Signature, SignedPart as Part};
use crate::shape::Leaf;

/// What a request would have to carry for this way in, and does not.
pub(super) fn lacks(scheme: &Scheme, incoming: &Incoming<'_>) -> Option<String> {
    let authorized = |fits: fn(&str) -> bool| incoming.all("authorization").any(fits);
    match scheme {
        Scheme::Signature(signature) => absent(headers_of(signature), incoming),
        Scheme::Header { name, .. } => absent([name.as_str()], incoming),
        Scheme::Bearer { .. } => (!authorized(|value| bearer(value).is_some()))
            .then(|| "the header `authorization: Bearer …`".to_owned()),
        Scheme::Basic { .. } => (!authorized(|value| credentials(value, "basic").is_some()))
            .then(|| "the header `authorization: Basic …`".to_owned()),
        Scheme::UrlToken { .. } => incoming
            .url_token
            .is_none()
            .then(|| "the token at the end of the URL".to_owned()),
        Scheme::Anyone => None,
    }
}

/// All that was missing, of the ways in as the manifest lists them.
pub(super) fn sentence(lacking: &[String]) -> String {
    match lacking {
        [one] => format!("it lacks {one}"),
        several => format!("it has neither {}", several.join(", nor ")),
    }
}

/// The settings that the ways in wait for, where none of them has its secrets: `` `user` and `password`, or `token` ``.
pub(super) fn not_given(schemes: &[Scheme], connection: &str, secrets: &Secrets) -> Option<String> {
    let mut ways = Vec::new();
    for scheme in schemes {
        let waits: Vec<&str> = settings_of(scheme)
            .filter(|setting| matches!(secrets.is_given(connection, setting), Ok(false)))
            .collect();
        if waits.is_empty() {
            return None;
        }
        ways.push(listed(&waits));
    }
    Some(ways.join(", or "))
}

fn headers_of(signature: &Signature) -> impl Iterator<Item = &str> {
    let signed = signature.signs.parts.iter().filter_map(|part| match part {
        Part::Header(name) => Some(name.as_str()),
        Part::Text(_) | Part::Field(_) | Part::Body => None,
    });
    let sent_at = match &signature.sent_at {
        Some(SentAt::Header(name)) => Some(name.as_str()),
        Some(SentAt::Field(_)) | None => None,
    };
    std::iter::once(signature.header.as_str())
        .chain(signed)
        .chain(sent_at)
}

fn absent<'s>(names: impl IntoIterator<Item = &'s str>, incoming: &Incoming<'_>) -> Option<String> {
    let mut absent: Vec<&str> = Vec::new();
    for name in names {
        if incoming.all(name).next().is_none() && !absent.contains(&name) {
            absent.push(name);
        }
    }
    match absent.as_slice() {
        [] => None,
        [_] => Some(format!("the header {}", listed(&absent))),
        _ => Some(format!("the headers {}", listed(&absent))),
    }
}

fn settings_of(scheme: &Scheme) -> impl Iterator<Item = &str> {
    let (first, second) = match scheme {
        Scheme::Signature(signature) => (Some(&signature.key), None),
        Scheme::Header { secret, .. } | Scheme::Bearer { secret } | Scheme::UrlToken { secret } => {
            (Some(secret), None)
        }
        Scheme::Basic { user, password } => match user {
            Leaf::Secret(user) => (Some(user), Some(password)),
            Leaf::Text(_) => (Some(password), None),
        },
        Scheme::Anyone => (None, None),
    };
    first.into_iter().chain(second).map(String::as_str)
}

/// `` `a`, `b` and `c` ``.
fn listed(names: &[&str]) -> String {
    let mut quoted = names.iter().map(|name| format!("`{name}`"));
    let last = quoted.next_back().unwrap_or_default();
    let before = quoted.collect::<Vec<_>>().join(", ");
    match before.as_str() {
        "" => last,
        before => format!("{before} and {last}"),
    }
}
