//! The two paths, and the order in which a call is looked at.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::stream::{self, Stream};
use super::{Row, Workspace, locked, manager, token};
use crate::sandbox::body::{self, Unusable};

/// The token endpoint's form is small.
const FORM_AT_MOST: usize = 65_536;
/// Records of one call may span so much (tutorial-logs-ingestion-code, Troubleshooting).
const SPAN_AT_MOST: SignedDuration = SignedDuration::from_mins(30);

pub(super) fn all(workspace: Arc<Workspace>) -> Router {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(token_for))
        .route("/dataCollectionRules/{dcr}/streams/{stream}", post(ingest))
        .merge(manager::routes())
        .fallback(async || error(404, "NotFound", "The requested path does not exist"))
        .with_state(workspace)
}

async fn token_for(
    State(workspace): State<Arc<Workspace>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    let Ok(form) = body::read(sent, FORM_AT_MOST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let content_type = body::header(&headers, "content-type").unwrap_or_default();
    token::answer(&workspace, &tenant, content_type, &form)
}

async fn ingest(
    State(workspace): State<Arc<Workspace>>,
    Path((dcr, stream)): Path<(String, String)>,
    // The keys are decoded: the JavaScript SDK sends `api%2Dversion`.
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    match take(&workspace, &dcr, &stream, &query, &headers, sent).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refused) => refused,
    }
}

async fn take(
    workspace: &Workspace,
    dcr: &str,
    stream: &str,
    query: &HashMap<String, String>,
    headers: &HeaderMap,
    sent: Body,
) -> Result<(), Response> {
    let bearer =
        body::header(headers, "authorization").and_then(|text| text.strip_prefix("Bearer "));
    let now = workspace.clock.steady();
    let scope = &workspace.options.scope;
    if !bearer.is_some_and(|token| locked(&workspace.issued).is_good(token, scope, now)) {
        return Err(error(
            401,
            "Unauthorized",
            "Authentication failed: the token is missing, invalid or expired.",
        ));
    }
    if query.get("api-version").map(String::as_str) != Some("2023-01-01") {
        return Err(error(
            400,
            "UnsupportedApiVersion",
            "The api-version is missing or not supported; use 2023-01-01.",
        ));
    }
    if dcr != workspace.options.dcr {
        return Err(error(
            404,
            "NotFound",
            &format!("Data collection rule with immutable Id '{dcr}' not found."),
        ));
    }
    if !workspace.role_assigned.load(Ordering::Relaxed) {
        return Err(error(
            403,
            "OperationFailed",
            "The authentication token provided does not have access to ingest data for the data collection rule with immutable Id.",
        ));
    }
    let Some(stream) = workspace
        .options
        .streams
        .iter()
        .find(|known| known.name == stream)
    else {
        return Err(error(
            404,
            "NotFound",
            &format!("Stream '{stream}' was not found in the data collection rule."),
        ));
    };
    let body = unpacked(workspace.options.call_at_most, headers, sent).await?;
    let records = records(headers, &body)?;
    check_span(&records)?;
    let at = tokio::time::Instant::now().into_std();
    let row = |record| row(stream, record, at);
    *locked(&workspace.last) = body;
    workspace.take(records.into_iter().map(row).collect());
    Ok(())
}

fn row(stream: &Stream, record: Map<String, Value>, at: std::time::Instant) -> Row {
    let (columns, lost) = stream.ingest(record);
    Row {
        stream: stream.name.clone(),
        columns,
        lost,
        at,
    }
}

/// "Maximum allowed content length: 1048576 bytes (1 MB)", for compressed and uncompressed data alike.
async fn unpacked(most: usize, headers: &HeaderMap, sent: Body) -> Result<Vec<u8>, Response> {
    let refuse = |why| match why {
        Unusable::TooLong => error(
            413,
            "ContentLengthLimitExceeded",
            &format!(
                "Maximum allowed content length: {most} bytes (1 MB). Provided content length exceeds the limit."
            ),
        ),
        Unusable::NotGzip => error(400, "InvalidRequest", "Compressed data is invalid"),
        Unusable::Broken => error(
            400,
            "ReadyBody_ClientConnectionAbort",
            "The client closed the connection while the body was read.",
        ),
    };
    let packed = body::read(sent, most).await.map_err(refuse)?;
    match body::header(headers, "content-encoding") {
        None | Some("identity") => Ok(packed.to_vec()),
        Some("gzip") => body::gunzip(&packed, most).map_err(refuse),
        Some(_) => Err(error(
            415,
            "UnsupportedMediaType",
            "The content encoding is not supported.",
        )),
    }
}

fn records(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Map<String, Value>>, Response> {
    let is_json = body::header(headers, "content-type")
        .is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json {
        return Err(error(
            415,
            "UnsupportedMediaType",
            "The content type must be application/json.",
        ));
    }
    serde_json::from_slice(body).map_err(|_| {
        error(
            400,
            "InvalidRequestBody",
            "The request body must be a JSON array of objects.",
        )
    })
}

fn check_span(records: &[Map<String, Value>]) -> Result<(), Response> {
    let mut times = records
        .iter()
        .filter_map(|record| stream::instant(record.get("TimeGenerated")?));
    let Some(first) = times.next() else {
        return Ok(());
    };
    let (least, most) = times.fold((first, first), |(least, most), time| {
        (least.min(time), most.max(time))
    });
    if most.duration_since(least) > SPAN_AT_MOST {
        return Err(error(
            400,
            "RecordsTimeRangeIsMoreThan30Minutes",
            "The time range of the records in the request is more than 30 minutes.",
        ));
    }
    Ok(())
}

/// The shape is Azure's; texts are Microsoft's where a public source quotes them (413, gzip, 403),
/// else made up.
pub(super) fn error(status: u16, code: &str, message: &str) -> Response {
    let answer = json!({ "error": { "code": code, "message": message } });
    body::typed(
        status,
        "application/json; charset=utf-8",
        answer.to_string(),
    )
}
