//! What a caller says about how it asks: under which key, and how long it waits.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};

use super::body::Form;
use super::problem::Problem;

/// The longest key, in bytes.
const LONGEST: usize = 255;
/// The longest that a request is held open, in seconds.
pub(super) const LONGEST_WAIT: u64 = 60;

/// The key under which asking twice is asking once: the header `Idempotency-Key`, quoted as the draft
/// wants it or bare as clients send it; its twin in the body; or what Logic Apps sends with every
/// call, whose HTTP action repeats what timed out (soar-and-standards.md, 4.2 and 7.3).
///
/// # Errors
/// 400 when header and body differ, or it is no plain text.
pub(super) fn idempotency(headers: &HeaderMap, form: &mut Form) -> Result<Option<String>, Problem> {
    let in_header = match headers.get("idempotency-key") {
        None => None,
        Some(value) => Some(bare(value.to_str().unwrap_or_default())?),
    };
    let in_body = match form.text("idempotency_key") {
        None => None,
        Some(text) => Some(bare(&text)?),
    };
    match (in_header, in_body) {
        (Some(header), Some(body)) if header != body => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "two_keys",
            "`Idempotency-Key` and `idempotency_key` differ: send one of them",
        )),
        (None, None) => Ok(logic_apps(headers)),
        (header, body) => Ok(header.or(body)),
    }
}

fn bare(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    let bare = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(text);
    let plain = bare.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    if bare.is_empty() || bare.len() > LONGEST || !plain {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "bad_key",
            format!("an idempotency key is 1 to {LONGEST} printable ASCII characters"),
        ));
    }
    Ok(bare.to_owned())
}

fn logic_apps(headers: &HeaderMap) -> Option<String> {
    let header = |name| headers.get(name)?.to_str().ok();
    let run = header("x-ms-workflow-run-id")?;
    let operation = header("x-ms-workflow-operation-name")?;
    bare(&format!("{run}:{operation}")).ok()
}

/// How long the caller waits: `wait_seconds`, else `Prefer: wait=N` (RFC 7240). A preference for more
/// than is given is cut; a `wait_seconds` of more is a fault.
pub(super) fn wait(headers: &HeaderMap, form: &mut Form) -> Option<Duration> {
    let asked = form.number("wait_seconds", LONGEST_WAIT);
    let preferred = || {
        headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split([',', ';']))
            .find_map(|part| {
                let (name, value) = part.split_once('=')?;
                (name.trim().eq_ignore_ascii_case("wait")).then_some(())?;
                value.trim().trim_matches('"').parse::<u64>().ok()
            })
            .map(|seconds| seconds.min(LONGEST_WAIT))
    };
    asked
        .or_else(preferred)
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
}
