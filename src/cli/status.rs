//! `andon status`: how the daemon fares, in a few lines.

use std::fmt::Write as _;

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::api::Api;
use super::{Ended, Format, Where, output, shown};
use crate::clock::Clock;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// Only say whether signals are taken: the exit code is 0 when they are; needs no token
    #[arg(long)]
    ready: bool,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Shows it.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let api = Api::open(at)?;
    if typed.ready {
        let why_not = api.why_not_ready()?;
        let json = json!({ "ready": why_not.is_none(), "why_not": why_not });
        output::answer(typed.format, &json, |_| match &why_not {
            None => "ready\n".to_owned(),
            Some(_) => String::new(),
        });
        return match why_not {
            None => Ok(Ended::Fine),
            Some(why) => bail!("not ready: {why}"),
        };
    }
    let json = api.get("/v1/status", &[])?;
    let now = Clock::system().now();
    output::answer(typed.format, &json, |json| render(json, now));
    Ok(Ended::Fine)
}

fn render(json: &Json, now: Timestamp) -> String {
    let cell = |pointer: &str| shown::cell(json, pointer);
    let frozen = match json.get("frozen") {
        None | Some(Json::Null) => "no".to_owned(),
        Some(frozen) => format!(
            "yes, by {} {}: {}",
            shown::cell(frozen, "/by"),
            shown::since(frozen, "/since", now),
            shown::cell(frozen, "/why")
        ),
    };
    let mut waiting = format!("{} waiting", cell("/deliveries/waiting"));
    let oldest = shown::since(json, "/deliveries/oldest_since", now);
    if !oldest.is_empty() {
        let _ = write!(waiting, " (the oldest since {oldest})");
    }
    let room = match json.pointer("/store/room") {
        Some(Json::Bool(false)) => ", full: nothing more is taken",
        _ => "",
    };
    let bytes = json.pointer("/store/bytes").and_then(Json::as_u64);
    let bytes = bytes
        .and_then(|bytes| usize::try_from(bytes).ok())
        .map(shown::count)
        .unwrap_or_default();
    let mut files = shown::digest(json, "/catalog/hash");
    let changed = shown::since(json, "/catalog/last_change/at", now);
    if !changed.is_empty() {
        let _ = write!(files, " since {changed}");
    }
    let refused = shown::since(json, "/catalog/refused/at", now);
    if !refused.is_empty() {
        let why = cell("/catalog/refused/why");
        let _ = write!(files, "; what lies there was refused {refused}: {why}");
    }
    shown::facts(&[
        ("version", cell("/version")),
        ("in force", files),
        (
            "files",
            format!(
                "{} connections, {} mappings, {} connectors",
                cell("/catalog/connections"),
                cell("/catalog/mappings"),
                cell("/catalog/connectors")
            ),
        ),
        ("alerts", format!("{} open", cell("/alerts/open"))),
        (
            "signals",
            format!(
                "{} waiting for a look-up, {} stuck, {} that nobody knew",
                cell("/signals/waiting"),
                cell("/signals/stuck"),
                cell("/signals/refused")
            ),
        ),
        (
            "deliveries",
            format!(
                "{waiting}, {} dead letters",
                cell("/deliveries/dead_letters")
            ),
        ),
        (
            "actions",
            format!("{} unfinished", cell("/actions/unfinished")),
        ),
        ("frozen", frozen),
        ("store", format!("{bytes} bytes{room}")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_daemon_says_so() {
        let json = json!({
            "version": "0.1.0", "catalog": {
                "hash": "0123456789abcdef", "connectors": 10, "mappings": 18, "connections": 3,
                "last_change": { "at": "2026-11-23T06:05:00Z" },
                "refused": { "at": "2026-11-23T08:04:00Z", "why": "1 fault in 1 file; `andon check` shows them" },
            },
            "alerts": { "open": 2 }, "signals": { "waiting": 0, "stuck": 1, "refused": 0 },
            "deliveries": { "waiting": 4, "oldest_since": "2026-11-23T08:00:00Z", "dead_letters": 0 },
            "actions": { "unfinished": 0 },
            "frozen": { "by": "local", "why": "migration", "since": "2026-11-23T07:05:00Z" },
            "store": { "bytes": 1_048_576, "room": false },
        });
        insta::assert_snapshot!(render(&json, "2026-11-23T08:05:00Z".parse().unwrap()), @r"
        version     0.1.0
        in force    0123456789ab since 2h ago; what lies there was refused 60s ago: 1 fault in 1 file; `andon check` shows them
        files       3 connections, 18 mappings, 10 connectors
        alerts      2 open
        signals     0 waiting for a look-up, 1 stuck, 0 that nobody knew
        deliveries  4 waiting (the oldest since 5m ago), 0 dead letters
        actions     0 unfinished
        frozen      yes, by local 60m ago: migration
        store       1,048,576 bytes, full: nothing more is taken
        ");
    }
}
