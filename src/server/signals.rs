//! Signals in, and one signal shown.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::{Value, json};

use super::Desk;
use super::body::SIGNAL_BYTES;
use super::callers::{Asked, segment};
use super::dress::{dress, request_id};
use super::page::{Page, object, ok};
use super::problem::Problem;
use crate::config::Scope;
use crate::intake::{self, Arrival, Receipt};
use crate::signal::{SignalId, SignalName};
use crate::store::{Kept, Unsettled};

/// The answer to signals: what became of each.
#[derive(Serialize)]
struct Shown<'a> {
    signals: Vec<ShownSignal<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unmatched: bool,
}

#[derive(Serialize)]
struct ShownSignal<'a> {
    id: SignalId,
    repeat: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stuck: Option<&'a str>,
    waiting: bool,
}

/// `POST /v1/signals/{connection}[/{token}]`: 202 once what it holds is durable.
pub(super) async fn receive(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let id = request_id(request.headers());
    let mut response = match take(&desk, request).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    // The route's template, never the path: a token may stand in it.
    tracing::debug!(
        route = "/v1/signals/{connection}",
        status = response.status().as_u16(),
        request = id.as_ref().and_then(|id| id.to_str().ok()),
        "answered"
    );
    dress(&mut response, id);
    response
}

async fn take(desk: &Desk, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let connection = decoded(segment(&parts, 2))?;
    let url_token = match segment(&parts, 3) {
        "" => None,
        token => Some(decoded(token)?),
    };
    let read = desk
        .places
        .read(&parts.headers, body, SIGNAL_BYTES)
        .await
        .inspect_err(|problem| refused(desk, &connection, problem.status()))?;
    let trusted_caller = desk.gate.may_signal(&desk.live, &parts.headers).await?;
    let headers = plain(&parts.headers);
    let arrival = Arrival {
        connection: &connection,
        url_token: url_token.as_deref(),
        headers: &headers,
        body: read.bytes,
        trusted_caller,
    };
    match intake::receive(&desk.live, arrival).await {
        Ok(receipt) => accepted(&receipt),
        Err(refused) => Err(refusal(&refused)),
    }
}

fn decoded(segment: &str) -> Result<Cow<'_, str>, Problem> {
    percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| Problem::not_found("the path is no UTF-8"))
}

/// Headers as the checks of signatures want them: lower-case names, values as text.
fn plain(headers: &HeaderMap) -> Vec<(String, String)> {
    let mut plain = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        plain.push((name.as_str().to_owned(), value));
    }
    plain
}

/// Counts what intake never saw. Only connections that exist are named in metrics.
fn refused(desk: &Desk, connection: &str, status: StatusCode) {
    let snapshot = desk.live.snapshot();
    if snapshot.catalog.config.connection(connection).is_some() {
        let reason = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "encoding",
            StatusCode::REQUEST_TIMEOUT => "too_slow",
            StatusCode::SERVICE_UNAVAILABLE => "no_room",
            _ => "unreadable",
        };
        desk.live.meters.refused.add(connection, reason, 1);
    }
}

fn accepted(receipt: &Receipt) -> Result<Response, Problem> {
    let shown = Shown {
        signals: receipt
            .signals
            .iter()
            .map(|signal| ShownSignal {
                id: signal.id,
                repeat: signal.repeat,
                stuck: signal.stuck.as_deref(),
                waiting: signal.waiting,
            })
            .collect(),
        unmatched: receipt.unmatched,
    };
    let body = serde_json::to_vec(&shown).map_err(|_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "unwritable",
            "the receipt cannot be written as JSON; what it is for is kept",
        )
    })?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::ACCEPTED;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// Intake's refusal as a problem.
pub(super) fn refusal(refused: &intake::Refused) -> Problem {
    let status = StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let code = match status {
        StatusCode::UNAUTHORIZED => "not_authentic",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::CONFLICT => "conflict",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_encoding",
        StatusCode::SERVICE_UNAVAILABLE => "no_room",
        status if status.is_server_error() => "failed",
        _ => "not_readable",
    };
    let after = refused.retry_after().map(|after| after.as_secs().max(1));
    Problem::new(status, code, refused.detail()).after(after)
}

/// `GET /v1/signals`: the newest first, of one name with `signal`.
pub(super) async fn list(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    let mut form = asked.query(&["signal", "limit", "before"]);
    let page = Page::of(&mut form);
    let before: Option<SignalId> =
        form.word("before", "what `next` said", |text| text.parse().ok());
    let name = form.word("signal", "CONNECTOR/SIGNAL", |text| {
        let (connector, signal) = text.split_once('/')?;
        Some(SignalName {
            connector: connector.to_owned(),
            signal: signal.to_owned(),
        })
    });
    form.finish()?;
    let rows = desk
        .live
        .store
        .read(move |reader| reader.newest_signals(name.as_ref(), before, page.to_read()))
        .await?;
    Ok(page.show("signals", rows, |row| row.id.to_string(), line))
}

/// A signal in a list.
pub(super) fn line(row: &Unsettled) -> Value {
    json!({
        "id": row.id,
        "connection": row.connection,
        "signal": row.name.to_string(),
        "standing": row.standing.as_str(),
        "received_at": row.received_at,
        "reason": row.reason,
    })
}

/// `GET /v1/signals/{id}`: what became of it; what it says only for those who may read alerts.
pub(super) async fn show(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    let reads = asked.caller.may(&Scope::AlertsRead);
    if !reads {
        asked.need(&Scope::SignalsWrite)?;
    }
    let id: SignalId = asked.id(2)?;
    let kept = kept(&desk, id).await?;
    let kept = kept.ok_or_else(|| Problem::not_found(format!("signal `{id}` is not kept")))?;
    let contents = if reads { contents(&kept) } else { Vec::new() };
    Ok(ok(&object(&standing(&kept), contents)?))
}

/// A signal as it is kept.
pub(super) async fn kept(desk: &Desk, id: SignalId) -> Result<Option<Kept>, Problem> {
    let store = &desk.live.store;
    Ok(store.read(move |reader| reader.signal(id)).await?)
}

/// What became of a signal, without a word of what it says.
pub(super) fn standing(kept: &Kept) -> Value {
    let signal = &kept.signal;
    json!({
        "id": signal.id,
        "connection": signal.connection,
        "signal": signal.name.to_string(),
        "standing": kept.standing.as_str(),
        "alerts": kept.alerts,
        "at": signal.at,
        "received_at": signal.received_at,
        "now": signal.now,
        "change": signal.change.map(crate::signal::Change::as_str),
        "echo_of": signal.echo_of,
    })
}

/// What a signal says: hostile text, each a leaf of JSON.
pub(super) fn contents(kept: &Kept) -> Vec<(&'static str, Value)> {
    let raw = kept.raw.body.as_data();
    vec![
        ("vendor_id", kept.signal.vendor_id.as_str().into()),
        ("reason", kept.reason.as_deref().into()),
        ("trace", kept.trace.as_deref().into()),
        ("data", kept.signal.data.as_data().to_json()),
        ("raw", String::from_utf8_lossy(raw).into()),
        ("raw_bytes", raw.len().into()),
        ("headers", json!(kept.raw.headers)),
        ("path", kept.raw.path.as_deref().into()),
    ]
}
