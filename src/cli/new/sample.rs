//! Samples: JSON in files, as a system sent it.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value as Json;

use crate::cli::shown;
use crate::yaml;

/// The largest file that is read, in bytes. A sample is one thing that was said, and no archive.
const LARGEST: u64 = 8 * 1024 * 1024;
/// How many of the lines of a file are looked at.
const MOST: usize = 200;

/// What one file holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    /// The file, as a person knows it.
    pub(super) shown: String,
    /// What was sent.
    pub(super) body: Json,
}

/// The bytes of a file.
pub(super) fn bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = shown::text(&path.display().to_string());
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .with_context(|| format!("`{shown}` cannot be read"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        bail!(
            "`{shown}` is larger than {} MiB; take one message out of it, and use that",
            LARGEST / 1024 / 1024
        );
    }
    Ok(bytes)
}

/// The samples of a file: one, or one a line.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Sample>> {
    let shown = shown::text(&path.display().to_string());
    let bytes = bytes(path)?;
    let ending = path.extension().and_then(|ending| ending.to_str());
    if matches!(ending, Some("yaml" | "yml")) {
        let text = String::from_utf8_lossy(&bytes);
        let body = yaml::foreign(&text)
            .map_err(|why| anyhow::anyhow!("`{shown}` cannot be read: {why}"))?;
        return Ok(vec![Sample { shown, body }]);
    }
    of_bytes(&shown, &bytes)
}

/// The samples of a file's bytes.
pub(super) fn of_bytes(shown: &str, bytes: &[u8]) -> anyhow::Result<Vec<Sample>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let documents = serde_json::Deserializer::from_slice(bytes).into_iter::<Json>();
    let mut samples = Vec::new();
    for document in documents.take(MOST) {
        let body = match document {
            Ok(document) => body(document),
            Err(error) if error.to_string().starts_with("recursion limit") => {
                bail!("`{shown}` is nested deeper than 128 levels; take a part of it, and use that")
            }
            Err(error) => bail!(
                "`{shown}` is no JSON: it breaks off at line {}, column {}",
                error.line(),
                error.column()
            ),
        };
        samples.push(Sample {
            shown: shown.to_owned(),
            body,
        });
    }
    if samples.is_empty() {
        bail!("`{shown}` is empty; put into it what the system sends, as JSON");
    }
    Ok(samples)
}

/// A recording of a request has `headers` and `body`; only the body counts, because headers hold credentials.
fn body(document: Json) -> Json {
    let Json::Object(map) = &document else {
        return document;
    };
    match (map.get("headers"), map.get("body")) {
        (Some(Json::Object(_) | Json::Array(_)), Some(Json::String(text))) => {
            serde_json::from_str(text).unwrap_or(document)
        }
        (Some(Json::Object(_) | Json::Array(_)), Some(body)) => body.clone(),
        _ => document,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(bytes: &[u8]) -> String {
        match of_bytes("x.json", bytes) {
            Ok(samples) => samples
                .iter()
                .map(|sample| sample.body.to_string())
                .collect::<Vec<_>>()
                .join(" "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_file_is_one_sample_or_one_a_line() {
        assert_eq!(said(b"{\"a\":1}\n"), "{\"a\":1}");
        assert_eq!(
            said(b"\xef\xbb\xbf{\"a\":1}\n{\"a\":2}\n"),
            "{\"a\":1} {\"a\":2}"
        );
        let recorded =
            json!({ "method": "POST", "headers": [["authorization", "x"]], "body": "{\"a\":1}" });
        assert_eq!(said(recorded.to_string().as_bytes()), "{\"a\":1}");
    }

    #[test]
    fn what_is_none_is_told() {
        assert_eq!(
            said(b"{\"a\":"),
            "`x.json` is no JSON: it breaks off at line 1, column 5"
        );
        assert_eq!(
            said(b" \n"),
            "`x.json` is empty; put into it what the system sends, as JSON"
        );
        let deep = "[".repeat(4000);
        assert_eq!(
            said(deep.as_bytes()),
            "`x.json` is nested deeper than 128 levels; take a part of it, and use that"
        );
    }
}
