//! The paths of HEC, and the order in which it looks at a request.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use serde_json::{Map, Value, json};

use super::envelope::{self, Envelope};
use super::{Code, Edition, Indexed, Indexer, Keep, Token, locked};
use crate::sandbox::body::{self, Unusable};

type Asked = Query<HashMap<String, String>>;

pub(super) fn all(indexer: Arc<Indexer>) -> Router {
    Router::new()
        .route("/services/collector", any(event))
        .route("/services/collector/event", any(event))
        .route("/services/collector/event/1.0", any(event))
        .route("/services/collector/raw", any(raw))
        .route("/services/collector/raw/1.0", any(raw))
        .route("/services/collector/ack", any(ack))
        .route("/services/collector/health", get(health).options(options))
        .route(
            "/services/collector/health/1.0",
            get(health).options(options),
        )
        .fallback(not_found)
        .with_state(indexer)
}

/// It answers 200 with no token and with a bogus one (measured): it cannot check a token.
async fn health(State(indexer): State<Arc<Indexer>>) -> Response {
    let unhealthy = locked(&indexer.script).front().copied();
    match unhealthy {
        Some(code @ (Code::UnhealthyQueues | Code::UnhealthyAck | Code::UnhealthyBoth)) => {
            code.answer()
        }
        _ => Code::Healthy.answer(),
    }
}

async fn options() -> Response {
    (StatusCode::OK, [(header::ALLOW, "POST,OPTIONS")]).into_response()
}

async fn not_found() -> Response {
    // HEC's own wording for a wrong path.
    let answer = json!({ "text": "The requested URL was not found on this server.", "code": 404 });
    body::json(404, &answer)
}

async fn event(
    State(indexer): State<Arc<Indexer>>,
    method: Method,
    Query(query): Asked,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    match admit(&indexer, &method, &query, &headers, sent).await {
        Ok(admitted) => index_events(&indexer, &admitted),
        Err(refused) => refused,
    }
}

async fn raw(
    State(indexer): State<Arc<Indexer>>,
    method: Method,
    Query(query): Asked,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    let admitted = match admit(&indexer, &method, &query, &headers, sent).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused,
    };
    let text = String::from_utf8_lossy(&admitted.body);
    let metadata = |name: &str| query.get(name).cloned();
    if metadata("index").is_some_and(|index| !admitted.token.may_write(&index)) {
        return Code::IncorrectIndex.answer_with(Some(1), None);
    }
    // Line breaking by props.conf is out of reach here: one line is one event.
    let events: Vec<Indexed> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let envelope = Envelope {
                host: metadata("host"),
                source: metadata("source"),
                sourcetype: metadata("sourcetype"),
                index: metadata("index"),
                ..Envelope::default()
            };
            indexed(&indexer, envelope, line.into(), line.len(), admitted.token)
        })
        .collect();
    if events.is_empty() {
        return Code::NoData.answer();
    }
    let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
    accept(&indexer, &admitted, events, count)
}

async fn ack(
    State(indexer): State<Arc<Indexer>>,
    method: Method,
    Query(query): Asked,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    if method == Method::OPTIONS {
        return options().await;
    }
    let token = match token_of(&indexer, &query, &headers) {
        Ok(token) => token,
        Err(code) => return code.answer(),
    };
    if !token.use_ack {
        return Code::AckDisabled.answer();
    }
    let channel = match channel_of(&indexer, &query, &headers) {
        Ok(channel) => channel,
        Err(code) => return code.answer(),
    };
    let Ok(sent) = body::read(sent, indexer.body_at_most).await else {
        return Code::InvalidDataFormat.answer();
    };
    let asked: Option<Vec<u64>> = serde_json::from_slice::<Value>(&sent)
        .ok()
        .and_then(|sent| {
            sent.get("acks")?
                .as_array()?
                .iter()
                .map(Value::as_u64)
                .collect()
        });
    let Some(asked) = asked else {
        return Code::InvalidDataFormat.answer();
    };
    let mut acks = locked(&indexer.acks);
    let answers: Map<String, Value> = asked
        .into_iter()
        .map(|id| (id.to_string(), acks.ask(&channel, id).into()))
        .collect();
    body::json(200, &json!({ "acks": answers }))
}

/// A request that may be looked into.
struct Admitted<'a> {
    token: &'a Token,
    channel: Option<String>,
    body: Bytes,
    scripted: Code,
}

/// Method, token, channel, script, encoding, size: in this order, the body last.
async fn admit<'a>(
    indexer: &'a Indexer,
    method: &Method,
    query: &HashMap<String, String>,
    headers: &HeaderMap,
    sent: Body,
) -> Result<Admitted<'a>, Response> {
    if method == Method::OPTIONS {
        return Err(options().await);
    }
    if method != Method::POST {
        let answer = json!({ "text": "Method Not Allowed", "code": 405 });
        return Err(body::json(405, &answer));
    }
    let token = token_of(indexer, query, headers).map_err(Code::answer)?;
    let channel = if token.use_ack {
        Some(channel_of(indexer, query, headers).map_err(Code::answer)?)
    } else {
        None
    };
    let scripted = locked(&indexer.script).pop_front().unwrap_or(Code::Success);
    if !scripted.is_success() {
        return Err(scripted.answer());
    }
    let body = unpacked(indexer, headers, sent).await?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Code::NoData.answer());
    }
    Ok(Admitted {
        token,
        channel,
        body,
        scripted,
    })
}

async fn unpacked(indexer: &Indexer, headers: &HeaderMap, sent: Body) -> Result<Bytes, Response> {
    let encoding = body::header(headers, "content-encoding").unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("gzip") && !encoding.eq_ignore_ascii_case("identity") {
        // Measured for deflate: 415, and the body is a page.
        let page = "<!doctype html><html><head><title>415 Unsupported Media Type</title></head>\
                    <body><h1>Unsupported Media Type</h1></body></html>";
        return Err(body::typed(
            415,
            "text/html; charset=UTF-8",
            page.to_owned(),
        ));
    }
    let most = indexer.body_at_most;
    let refuse = |why| match why {
        Unusable::TooLong if indexer.edition == Edition::Enterprise => body::typed(
            413,
            "text/html; charset=UTF-8",
            format!(
                "<!doctype html><html><head><title>413 Content-Length of message too large (maximum is {most})</title></head><body></body></html>"
            ),
        ),
        // Cloud answers an oversize body as if its first object were bad (measured).
        _ => Code::InvalidDataFormat.answer_with(Some(0), None),
    };
    let packed = body::read(sent, most).await.map_err(refuse)?;
    if encoding.eq_ignore_ascii_case("gzip") {
        body::gunzip(&packed, most).map(Bytes::from).map_err(refuse)
    } else {
        Ok(packed)
    }
}

fn index_events(indexer: &Indexer, admitted: &Admitted<'_>) -> Response {
    let batch = envelope::split(&admitted.body, admitted.token);
    let count = u64::try_from(batch.good.len()).unwrap_or(u64::MAX);
    let events = if indexer.keep == Keep::Count {
        Vec::new()
    } else {
        let keep = |envelope: Envelope<'_>| {
            let event = serde_json::from_str(envelope.event).unwrap_or(Value::Null);
            let length = envelope.event.len();
            indexed(indexer, envelope, event, length, admitted.token)
        };
        *locked(&indexer.last) = admitted.body.clone();
        batch.good.into_iter().map(keep).collect()
    };
    match batch.refused {
        None => accept(indexer, admitted, events, count),
        Some((code, number)) => {
            indexer.index(events, count);
            code.answer_with(Some(number), None)
        }
    }
}

fn accept(
    indexer: &Indexer,
    admitted: &Admitted<'_>,
    events: Vec<Indexed>,
    count: u64,
) -> Response {
    let lost = admitted
        .channel
        .as_ref()
        .and_then(|channel| locked(&indexer.acks).lose(channel));
    if lost.is_some() {
        return admitted.scripted.answer_with(None, lost);
    }
    let ack = match &admitted.channel {
        None => None,
        Some(channel) => match locked(&indexer.acks).give(channel) {
            Some(id) => Some(id),
            None => return Code::AckAtCapacity.answer(),
        },
    };
    indexer.index(events, count);
    admitted.scripted.answer_with(None, ack)
}

fn indexed(
    indexer: &Indexer,
    envelope: Envelope<'_>,
    event: Value,
    raw_bytes: usize,
    token: &Token,
) -> Indexed {
    let came = || indexer.clock.now().as_duration().as_secs_f64();
    Indexed {
        time: envelope.time.unwrap_or_else(came),
        host: envelope.host.unwrap_or_else(|| indexer.host.clone()),
        source: envelope.source.unwrap_or_else(|| "http:andon".to_owned()),
        sourcetype: envelope
            .sourcetype
            .unwrap_or_else(|| token.sourcetype.clone()),
        index: envelope.index.unwrap_or_else(|| token.index.clone()),
        event,
        fields: envelope.fields.unwrap_or(Value::Null),
        raw_bytes,
        at: tokio::time::Instant::now().into_std(),
    }
}

fn token_of<'a>(
    indexer: &'a Indexer,
    query: &HashMap<String, String>,
    headers: &HeaderMap,
) -> Result<&'a Token, Code> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return Err(if query.contains_key("token") {
            Code::QueryStringAuthorization
        } else {
            Code::TokenIsRequired
        });
    };
    let text = authorization
        .to_str()
        .map_err(|_| Code::InvalidAuthorization)?;
    let given = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("splunk") => token.trim().to_owned(),
        // Any user name, the token as the password.
        Some((scheme, basic)) if scheme.eq_ignore_ascii_case("basic") => {
            basic_password(basic.trim()).ok_or(Code::InvalidAuthorization)?
        }
        _ => return Err(Code::InvalidAuthorization),
    };
    let known = indexer.tokens.iter().find(|token| token.value == given);
    match known {
        None => Err(Code::InvalidToken),
        Some(token) if !token.enabled => Err(Code::TokenDisabled),
        Some(token) => Ok(token),
    }
}

fn basic_password(basic: &str) -> Option<String> {
    let plain = data_encoding::BASE64.decode(basic.as_bytes()).ok()?;
    let text = String::from_utf8(plain).ok()?;
    text.split_once(':')
        .map(|(_, password)| password.to_owned())
}

fn channel_of(
    indexer: &Indexer,
    query: &HashMap<String, String>,
    headers: &HeaderMap,
) -> Result<String, Code> {
    let named = body::header(headers, "x-splunk-request-channel")
        .map(str::to_owned)
        .or_else(|| query.get("channel").cloned())
        .filter(|channel| !channel.is_empty());
    let Some(channel) = named else {
        return Err(match indexer.edition {
            Edition::Enterprise => Code::ChannelMissing,
            Edition::Cloud => Code::ChannelMissingCloud,
        });
    };
    if is_guid(&channel) {
        Ok(channel.to_ascii_lowercase())
    } else {
        Err(Code::InvalidChannel)
    }
}

/// Eight, four, four, four and twelve hexadecimal digits.
fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}
