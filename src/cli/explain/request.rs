//! A request as its destination would get it, with the names of secrets where they go. Pure: neither
//! certificates nor secrets are needed to look at one.

use serde::Serialize;
use serde_json::Value as Json;

use crate::config::Connection;
use crate::connector::Deliver;
use crate::delivery::Alone;
use crate::expr::{Names, Scope, Type, Value};
use crate::shape::{Auth, Body, Content, Leaf, Request};

/// What goes to a destination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Goes {
    /// The method; none where lines are written to a file.
    pub(crate) method: Option<&'static str>,
    /// The URL, or the file.
    pub(crate) to: String,
    /// The headers that Andon sets beside those of the transport.
    pub(crate) headers: Vec<(String, String)>,
    /// The body before compression, byte for byte but for secrets.
    pub(crate) body: String,
}

/// Shows what goes to a connection.
pub(crate) fn goes(connection: &Connection, deliver: &Deliver, alone: Alone) -> Goes {
    match alone {
        Alone::Lines(path, lines) => Goes {
            method: None,
            to: path.display().to_string(),
            headers: Vec::new(),
            body: String::from_utf8_lossy(&lines).into_owned(),
        },
        Alone::Request(request) => Goes {
            method: Some(request.method.as_str()),
            to: url(connection, &request),
            headers: headers(connection, deliver, &request),
            body: request
                .content
                .map(|content| body(content.body))
                .unwrap_or_default(),
        },
    }
}

fn secret(name: &str) -> String {
    format!("<secret {name}>")
}

fn leaf(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Text(text) => text.clone(),
        Leaf::Secret(name) => secret(name),
    }
}

fn url(connection: &Connection, request: &Request) -> String {
    let base = connection.text(&request.base).unwrap_or_default();
    let query: Vec<String> = request
        .query
        .iter()
        .map(|(name, value)| format!("{name}={}", leaf(value)))
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let (base, path, query) = (base.trim_end_matches('/'), &request.path, query.join("&"));
    format!("{base}{path}{mark}{query}")
}

fn headers(connection: &Connection, deliver: &Deliver, request: &Request) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), leaf(value)))
        .collect();
    headers.extend(auth(connection, request));
    if let Some(Content { media_type, body }) = &request.content {
        headers.push(("content-type".to_owned(), media_type.clone()));
        if deliver.gzip && matches!(body, Body::Bytes(_)) {
            headers.push(("content-encoding".to_owned(), "gzip".to_owned()));
        }
    }
    if let Some(acknowledged) = &deliver.acknowledged
        && acknowledged.is_used(&connection.settings)
        && let Some(channel) = &acknowledged.channel
    {
        headers.push((
            channel.clone(),
            "<a channel of the worker's own>".to_owned(),
        ));
    }
    headers
}

/// The header that makes Andon known: by the first way whose secrets `andon.yaml` names.
fn auth(connection: &Connection, request: &Request) -> Option<(String, String)> {
    let own;
    let auth = match &request.auth {
        Auth::Connection => {
            let names = Names::new().with("settings", Type::Any);
            let mut scope = Scope::new(&names);
            scope.set(0, Value::from_json(&connection.settings));
            let named = |secret: &&str| connection.secrets.contains_key(*secret);
            let rules = connection.connector.auth.iter();
            let mut rules = rules.filter(|rule| rule.secrets().iter().all(named));
            own = rules.find_map(|rule| rule.resolve(&scope).ok())?;
            &own
        }
        auth => auth,
    };
    let authorization = |value: String| Some(("authorization".to_owned(), value));
    match auth {
        Auth::None | Auth::Connection => None,
        Auth::Bearer(name) => authorization(format!("Bearer {}", secret(name))),
        Auth::Basic { user, password } => {
            authorization(format!("Basic {}:{}", leaf(user), secret(password)))
        }
        Auth::Header {
            name,
            scheme,
            secret: key,
        } => {
            let scheme = scheme
                .as_ref()
                .map_or_else(String::new, |word| format!("{word} "));
            Some((
                name.to_ascii_lowercase(),
                format!("{scheme}{}", secret(key)),
            ))
        }
        Auth::OAuth2 { client_id, .. } => authorization(format!("Bearer <token of {client_id}>")),
    }
}

fn body(body: Body) -> String {
    match body {
        Body::Json { mut value, secrets } => {
            for place in &secrets {
                if let Some(leaf) = value.pointer_mut(&place.pointer) {
                    *leaf = Json::from(secret(&place.name));
                }
            }
            value.to_string()
        }
        Body::Form(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(name, value)| format!("{name}={}", leaf(value)))
                .collect();
            pairs.join("&")
        }
        Body::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    }
}
