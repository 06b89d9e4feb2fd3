//! What came back.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Map, Value};

use super::token::TokenUse;

/// An answer, whole and bounded. Everything in it is foreign; its `Debug` shows no more than status and size.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Lower-case names, in the order they came. Bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body after decompression.
    pub body: Vec<u8>,
    /// From sending to the last byte.
    pub took: Duration,
    pub(super) json: OnceLock<Option<Value>>,
    pub(super) token: Option<TokenUse>,
}

/// A body with more values than this is not parsed: each takes some fifty times its bytes.
const MOST_VALUES: usize = 2_000_000;

impl Answer {
    /// An answer made by hand, for tests of what reads answers.
    pub fn made(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self {
            status,
            headers,
            body,
            took: Duration::ZERO,
            json: OnceLock::new(),
            token: None,
        }
    }

    /// The body as JSON, whatever its `Content-Type` says; `None` if it is not JSON, or nests deeper than 128 or holds
    /// more than two million values. Parsed when first asked for.
    pub fn json(&self) -> Option<&Value> {
        self.json
            .get_or_init(|| {
                let body = self
                    .body
                    .strip_prefix(b"\xef\xbb\xbf")
                    .unwrap_or(&self.body);
                let values = body
                    .iter()
                    .filter(|byte| matches!(byte, b',' | b'[' | b'{'))
                    .take(MOST_VALUES)
                    .count();
                (values < MOST_VALUES)
                    .then(|| serde_json::from_slice(body).ok())
                    .flatten()
            })
            .as_ref()
    }

    /// The body as text. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The first header of that lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Headers as expressions see them; of one that comes twice the first counts.
pub fn header_object(headers: &[(String, String)]) -> Value {
    let mut map = Map::new();
    for (name, value) in headers {
        map.entry(name.as_str())
            .or_insert_with(|| Value::String(value.clone()));
    }
    Value::Object(map)
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("took", &self.took)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(body: &str) -> Option<Value> {
        Answer::made(200, Vec::new(), body.as_bytes().to_vec())
            .json()
            .cloned()
    }

    #[test]
    fn json_is_read_whatever_its_type_and_nothing_else_is() {
        assert_eq!(
            json("\u{feff} {\"a\": 1} \n"),
            Some(serde_json::json!({"a": 1}))
        );
        assert_eq!(json("<html>"), None);
        assert_eq!(json(""), None);
        assert_eq!(json("{} trailing"), None);
    }

    #[test]
    fn json_that_would_fill_the_memory_is_not_read() {
        assert_eq!(json(&"[".repeat(100_000)), None);
        let many = format!("[{}0]", "0,".repeat(MOST_VALUES));
        assert_eq!(json(&many), None);
    }
}
