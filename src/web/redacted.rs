//! A request as people may see it: in a dry run, in the audit. Exact, but for the secrets.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::fill::Filled;
use crate::shape::Method;
use crate::untrusted;

/// A request with `<secret NAME>` where a secret goes. Foreign text in it is data, not prose.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Redacted {
    /// The method.
    pub method: String,
    /// The absolute URL, with its query.
    pub url: String,
    /// Lower-case names; several values of one name are joined by commas.
    pub headers: BTreeMap<String, String>,
    /// JSON as it is; other text as one string; other bytes as their number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl Redacted {
    pub(super) fn from_filled(method: Method, filled: Filled) -> Self {
        let mut url = String::from(filled.url);
        if !filled.query.is_empty() {
            url.push('?');
            url.push_str(&filled.query);
        }
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in filled.headers {
            headers
                .entry(name)
                .and_modify(|known| {
                    known.push_str(", ");
                    known.push_str(&value);
                })
                .or_insert(value);
        }
        Self {
            method: method.as_str().to_owned(),
            url,
            headers,
            body: filled.body.map(shown),
        }
    }
}

fn shown(body: Vec<u8>) -> Value {
    if let Ok(value) = serde_json::from_slice(&body) {
        return value;
    }
    match String::from_utf8(body) {
        Ok(text) => Value::String(text),
        Err(error) => Value::String(format!("<{} bytes>", error.as_bytes().len())),
    }
}

/// The most characters of one line that `Display` shows.
const LINE: usize = 4_096;

/// For a terminal: the request as it goes over the wire, hidden characters made visible.
impl std::fmt::Display for Redacted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, untrusted::person(&self.url, LINE))?;
        for (name, value) in &self.headers {
            write!(f, "\n{name}: {}", untrusted::person(value, LINE))?;
        }
        if let Some(body) = &self.body {
            let text = match body {
                Value::String(text) => untrusted::person(text, LINE),
                body => untrusted::person(&body.to_string(), LINE),
            };
            write!(f, "\n\n{text}")?;
        }
        Ok(())
    }
}
