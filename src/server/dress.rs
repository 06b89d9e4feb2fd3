//! What every answer wears: its request's name, no caching, nothing for browsers; and the access log.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Desk;
use super::problem::Problem;

/// Names a request in both logs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest name of a request that is taken over, in bytes.
const LONGEST_ID: usize = 128;

/// The routes as logs show them.
const TEMPLATES: [&str; 30] = [
    "/v1/signals/{name}",
    "/v1/alerts",
    "/v1/alerts/{id}",
    "/v1/alerts/{id}/ack",
    "/v1/alerts/{id}/resolve",
    "/v1/alerts/{id}/note",
    "/v1/actions",
    "/v1/actions/{id}",
    "/v1/actions/{id}/cancel",
    "/v1/actions/{id}/revert",
    "/v1/catalog/actions",
    "/v1/connections",
    "/v1/connections/{name}/test",
    "/v1/destinations",
    "/v1/destinations/{name}/resume",
    "/v1/tokens/revoke",
    "/v1/stuck",
    "/v1/stuck/{id}",
    "/v1/stuck/{id}/retry",
    "/v1/dead-letters",
    "/v1/dead-letters/{id}",
    "/v1/dead-letters/{id}/retry",
    "/v1/dead-letters/{id}/drop",
    "/v1/whoami",
    "/v1/status",
    "/v1/freeze",
    "/v1/unfreeze",
    "/healthz",
    "/readyz",
    "/metrics",
];

/// The name that the sender gave its request, if it is one that no log and no header minds.
pub(super) fn request_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let id = headers.get(&REQUEST_ID)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    (id.len() <= LONGEST_ID && !id.is_empty() && id.as_bytes().iter().all(plain))
        .then(|| id.clone())
}

/// Dresses an answer.
pub(super) fn dress(response: &mut Response, id: Option<HeaderValue>) {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id);
    }
}

/// Around every route but the one for signals, which dresses its answers itself: it has to be fast.
pub(super) async fn around(
    State(desk): State<Arc<Desk>>,
    request: Request,
    next: Next,
) -> Response {
    let id = request_id(request.headers()).or_else(|| {
        let made = format!("{:016x}", desk.live.clock.chance());
        HeaderValue::try_from(made).ok()
    });
    let method = request.method().clone();
    let route = template(request.uri().path());
    let started = desk.live.clock.steady();
    let mut response = next.run(request).await;
    let took = desk.live.clock.steady().saturating_sub(started);
    dress(&mut response, id.clone());
    response.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    // The route's template, never the path: that is text from outside.
    tracing::debug!(
        method = known(&method),
        route,
        status = response.status().as_u16(),
        took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        request = id.as_ref().and_then(|id| id.to_str().ok()),
        "answered"
    );
    response
}

/// Which route a path takes.
fn template(path: &str) -> &'static str {
    let fits = |template: &&&str| {
        let mut segments = path.split('/');
        let all = template.split('/').all(|wanted| {
            segments
                .next()
                .is_some_and(|it| wanted == it || wanted.starts_with('{'))
        });
        all && segments.next().is_none()
    };
    TEMPLATES.iter().find(fits).copied().unwrap_or("none")
}

/// A method's name; what is none of HTTP's own is not logged as it was sent.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::POST
        | Method::PUT
        | Method::DELETE
        | Method::HEAD
        | Method::OPTIONS
        | Method::PATCH => method.as_str(),
        _ => "other",
    }
}

/// No such route.
pub(super) async fn no_route() -> Response {
    Problem::not_found("there is nothing at this path; the API begins at /v1/").into_response()
}

/// A route, but not with this method. The router adds `Allow`. Dressed here, because the route for
/// signals has no layer that would.
pub(super) async fn no_method() -> Response {
    let mut response = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "this path does not take this method; see the header `Allow`",
    )
    .into_response();
    dress(&mut response, None);
    response
}
