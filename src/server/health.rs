//! How the daemon fares: for load balancers, for Prometheus, for a person; and the freeze.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use super::Desk;
use super::body::Form;
use super::callers::Asked;
use super::page::{json as answer, ok};
use super::problem::Problem;
use super::reload;
use crate::config::Scope;
use crate::containment;
use crate::untrusted;

/// The flag that `freeze` raises.
const FREEZE: &str = "freeze";
/// The longest reason for a freeze, in graphemes.
const LONGEST_WHY: usize = 500;

/// `GET /healthz`: the process lives and answers.
pub(super) async fn alive() -> Response {
    ok(&json!({ "alive": true }))
}

/// `GET /readyz`: there is room for signals. A destination that is stopped is told of and makes no
/// difference: what it is owed is kept.
pub(super) async fn ready(State(desk): State<Arc<Desk>>) -> Response {
    let stopping = desk.live.stop.is_cancelled();
    let why = match desk.live.store.room() {
        _ if stopping => Some("the daemon is stopping".to_owned()),
        Ok(()) => None,
        Err(error) => Some(error.to_string()),
    };
    let status = if why.is_none() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let body = json!({ "ready": why.is_none(), "why_not": why, "stopped": stopped(&desk) });
    let mut response = answer(status, &body);
    if status != StatusCode::OK {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// The destinations that are stopped, and why. Who asks is not known: what they answered is left out,
/// and the names of files.
fn stopped(desk: &Desk) -> Vec<Value> {
    let standings = desk.live.board.all().into_values();
    let stopped = standings.filter_map(|standing| {
        // After the first colon the words are no longer ours.
        let why = standing.stopped?;
        let why = why
            .split_once(": ")
            .map_or(why.as_str(), |(first, _)| first);
        Some(json!({ "destination": standing.destination, "why": why }))
    });
    stopped.collect()
}

/// `GET /v1/whoami`: what a SOAR tests its connection with, so 401 for a wrong token.
pub(super) async fn who_am_i(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let frozen = desk.live.store.read(|reader| reader.flag(FREEZE)).await?;
    let scopes: Vec<String> = asked.caller.may.iter().map(ToString::to_string).collect();
    Ok(ok(&json!({
        "name": asked.caller.name,
        "may": scopes,
        "until": asked.caller.until,
        "frozen": frozen.is_some(),
        "version": env!("CARGO_PKG_VERSION"),
    })))
}

/// `GET /v1/status`
pub(super) async fn status(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.query(&[]).finish()?;
    let (unsettled, open, waiting, dead, unfinished, flag) = desk
        .live
        .store
        .read(|reader| {
            Ok((
                reader.unsettled_counts()?,
                reader.open_alerts()?,
                reader.waiting()?,
                reader.dead_letter_counts()?,
                reader.unfinished_actions()?.len(),
                reader.flag(FREEZE)?,
            ))
        })
        .await?;
    let snapshot = desk.live.snapshot();
    let catalog = &snapshot.catalog;
    let store = &desk.live.store;
    let frozen = flag.map_or(
        Value::Null,
        |flag| json!({ "by": flag.who, "why": flag.why, "since": flag.at }),
    );
    let (last_change, refused) = reload::standing(&desk.live.reloads.files());
    Ok(ok(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "catalog": {
            "hash": catalog.hash,
            "last_change": last_change,
            "refused": refused,
            "connectors": catalog.connectors.len(),
            "mappings": catalog.mappings.len(),
            "connections": catalog.config.written().count(),
        },
        "alerts": { "open": open },
        "signals": {
            "waiting": unsettled.waiting,
            "stuck": unsettled.stuck,
            "refused": unsettled.refused,
        },
        "deliveries": {
            "waiting": waiting.iter().map(|waiting| waiting.count).sum::<u64>(),
            "oldest_since": waiting.iter().filter_map(|waiting| waiting.oldest).min(),
            "dead_letters": dead.iter().map(|(_, count)| count).sum::<u64>(),
        },
        "actions": { "unfinished": unfinished },
        "frozen": frozen,
        "store": {
            "bytes": store.bytes(),
            "jobs": store.jobs(),
            "commits": store.commits(),
            "syncs": store.syncs(),
            "room": store.room().is_ok(),
        },
    })))
}

/// `POST /v1/freeze`: from now on Andon changes nothing on any platform.
pub(super) async fn freeze(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (by, mut form) = administrator(&desk, asked, &["reason"]).await?;
    let why = form.text("reason").unwrap_or_default();
    form.finish()?;
    let why = untrusted::person(why.trim(), LONGEST_WHY);
    containment::freeze(&desk.live, &by, &why).await?;
    Ok(ok(&json!({ "frozen": true })))
}

/// `POST /v1/unfreeze`
pub(super) async fn unfreeze(
    State(desk): State<Arc<Desk>>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (by, form) = administrator(&desk, asked, &[]).await?;
    form.finish()?;
    containment::unfreeze(&desk.live, &by).await?;
    Ok(ok(&json!({ "frozen": false })))
}

/// Only an administrator; gives its name and what was sent.
pub(super) async fn administrator(
    desk: &Desk,
    asked: Asked,
    keys: &[&str],
) -> Result<(String, Form), Problem> {
    asked.need(&Scope::Admin)?;
    let headers = &asked.parts.headers;
    let form = desk.places.form(headers, asked.body, keys).await?;
    Ok((asked.caller.name, form))
}
