//! The pages of a poll: which comes next, and how its request differs from the first.

use url::Url;

use super::draw::said;
use crate::config::Connection;
use crate::connector::{Input, Next, SignalRule};
use crate::expr::Value;
use crate::shape::{Leaf, Request};

/// Which page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Page {
    /// The first, where it differs in nothing.
    First,
    /// What the last answer gave.
    Token(String),
    /// The URL that the last answer gave.
    Link(Url),
    /// Its number.
    Number(u64),
}

impl Page {
    /// The first page.
    pub fn first(next: Option<&Next>) -> Self {
        match next {
            Some(Next::Page { first, .. }) => Self::Number(*first),
            _ => Self::First,
        }
    }

    /// Makes the first page's request that of this page.
    ///
    /// # Errors
    /// When a link leads out of the connection's URL.
    pub fn put_into(
        &self,
        request: &mut Request,
        next: Option<&Next>,
        base: Option<&Url>,
    ) -> Result<(), String> {
        match (self, next) {
            (Self::Token(token), Some(Next::Token { query, .. })) => {
                put(request, query, token.clone());
            }
            (Self::Number(number), Some(Next::Page { query, .. })) => {
                put(request, query, number.to_string());
            }
            (Self::Link(url), _) => {
                let base = base.ok_or("the connection has no URL")?;
                follow(request, base, url)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The page after this one; `None` at the end.
    ///
    /// # Errors
    /// When the answer does not say it in a way that can be followed.
    pub fn after(
        &self,
        rule: &SignalRule,
        next: Option<&Next>,
        input: &Input<'_>,
        asked: Option<&Url>,
    ) -> Result<Option<Self>, String> {
        let Some(next) = next else { return Ok(None) };
        let scope = rule.scope(input);
        match next {
            Next::Token { from, .. } => {
                let token = from.eval(&scope).map_err(|error| said("next", &error))?;
                Ok(text(&token).map(Self::Token))
            }
            Next::Link(from) => {
                let link = from.eval(&scope).map_err(|error| said("next", &error))?;
                let Some(link) = text(&link) else {
                    return Ok(None);
                };
                let asked = asked.ok_or("the connection has no URL")?;
                let url = asked
                    .join(&link)
                    .map_err(|_| "the link to the next page is no URL".to_owned())?;
                Ok(Some(Self::Link(url)))
            }
            Next::Page { first, more, .. } => {
                let more = more.holds(&scope).map_err(|error| said("while", &error))?;
                let number = match self {
                    Self::Number(number) => *number,
                    _ => *first,
                };
                Ok(more.then(|| Self::Number(number.saturating_add(1))))
            }
        }
    }

    /// The URL that this page was asked at, without credentials: what a relative link is relative to.
    pub fn asked_at(&self, base: Option<&Url>, request: &Request) -> Option<Url> {
        if let Self::Link(url) = self {
            return Some(url.clone());
        }
        let mut url = base?.clone();
        let path = format!("{}{}", url.path().trim_end_matches('/'), request.path);
        url.set_path(&path);
        Some(url)
    }
}

/// The base URL that a request goes to.
pub(super) fn base_of(connection: &Connection, request: &Request) -> Option<Url> {
    Url::parse(connection.text(&request.base)?.trim()).ok()
}

fn text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(text) if !text.is_empty() => Some(text.clone().into_owned()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

fn put(request: &mut Request, name: &str, value: String) {
    request.query.retain(|(known, _)| known != name);
    request.query.push((name.to_owned(), Leaf::Text(value)));
}

/// Only path and query of a link are taken, and only below the base: hosts come from settings alone.
fn follow(request: &mut Request, base: &Url, url: &Url) -> Result<(), String> {
    let here = (base.scheme(), base.host_str(), base.port_or_known_default());
    let there = (url.scheme(), url.host_str(), url.port_or_known_default());
    if here != there {
        return Err("the link to the next page leads to another host".to_owned());
    }
    let below = base.path().trim_end_matches('/');
    let path = url
        .path()
        .strip_prefix(below)
        .filter(|path| path.starts_with('/'))
        .ok_or("the link to the next page leads out of the connection's URL")?;
    path.clone_into(&mut request.path);
    let mut query: Vec<(String, Leaf)> = url
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), Leaf::Text(value.into_owned())))
        .collect();
    // A secret in the query is in no link that may be trusted to repeat it.
    for (name, leaf) in &request.query {
        if matches!(leaf, Leaf::Secret(_)) {
            query.retain(|(known, _)| known != name);
            query.push((name.clone(), leaf.clone()));
        }
    }
    request.query = query;
    Ok(())
}
