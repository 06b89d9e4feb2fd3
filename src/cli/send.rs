//! `andon send CONNECTION FILE`: hands a body to the daemon as a model platform would.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value as Json;

use super::api::{Api, segment};
use super::{Ended, Format, Where, output, shown};
use crate::untrusted;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// The connection that it comes through
    connection: String,
    /// The body; `-` reads it from standard input
    file: PathBuf,
    /// A header to send with it, such as a platform's signature
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// The largest body that is read, in bytes; the daemon's own bound is lower.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Sends.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let headers = typed
        .header
        .iter()
        .map(|header| header_of(header))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let bytes = read(&typed.file)?;
    let media_type = media_type(&typed.file);
    let path = format!("/v1/signals/{}", segment(&typed.connection)?);
    let answered = Api::open(at)?.post_bytes(&path, headers, media_type, bytes)?;
    output::answer(typed.format, &answered.json, sent);
    Ok(Ended::Fine)
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin()
            .take(LARGEST)
            .read_to_end(&mut bytes)
            .context("standard input cannot be read")?;
    } else {
        std::fs::File::open(file)
            .and_then(|opened| opened.take(LARGEST).read_to_end(&mut bytes))
            .with_context(|| format!("`{}` cannot be read", file.display()))?;
    }
    Ok(bytes)
}

fn media_type(file: &Path) -> &'static str {
    let ending = file.extension().and_then(|ending| ending.to_str());
    match ending {
        Some("ndjson" | "jsonl") => "application/x-ndjson",
        _ => "application/json",
    }
}

fn header_of(typed: &str) -> anyhow::Result<(String, String)> {
    let Some((name, value)) = typed.split_once(':') else {
        bail!(
            "`{}` is no header; write such as `x-signature: v1,…`",
            shown::text(typed)
        );
    };
    let name = name.trim().to_ascii_lowercase();
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if !is_name {
        bail!("`{}` is no name of a header", shown::text(&name));
    }
    let value = untrusted::header(value.trim())?;
    Ok((name, value))
}

/// What became of it: each signal by its id.
fn sent(json: &Json) -> String {
    let signals = json.get("signals").and_then(Json::as_array);
    let lines: Vec<String> = signals.into_iter().flatten().map(one).collect();
    if lines.is_empty() {
        return "accepted; no signal recognised itself in it\n".to_owned();
    }
    format!("accepted, and kept\n{}\n", lines.join("\n"))
}

fn one(signal: &Json) -> String {
    let mut parts = vec![shown::cell(signal, "/id"), shown::cell(signal, "/alerts")];
    if signal.get("repeat") == Some(&Json::Bool(true)) {
        parts.push("known already".to_owned());
    }
    if signal.get("waiting") == Some(&Json::Bool(true)) {
        parts.push("waits for a look-up".to_owned());
    }
    if let Some(why) = signal.get("stuck").and_then(Json::as_str) {
        parts.push(format!("stuck: {}", shown::text(why)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_header_is_a_name_and_a_value_of_one_line() {
        assert_eq!(
            header_of("X-MLflow-Signature: v1,abc").unwrap(),
            ("x-mlflow-signature".to_owned(), "v1,abc".to_owned())
        );
        for wrong in ["abc", ": x", "a b: c", "a: b\r\nc: d"] {
            assert!(header_of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn lines_are_sent_as_lines() {
        assert_eq!(media_type(Path::new("a.ndjson")), "application/x-ndjson");
        assert_eq!(media_type(Path::new("-")), "application/json");
    }

    #[test]
    fn each_signal_is_told_by_its_id() {
        assert_eq!(
            sent(
                &json!({ "signals": [{ "id": "sig_01jd3k9x8q2r0", "alerts": ["alt_01jd3k9x8q2r1"] }] })
            ),
            "accepted, and kept\nsig_01jd3k9x8q2r0  alt_01jd3k9x8q2r1\n"
        );
    }
}
