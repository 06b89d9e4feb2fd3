//! What is answered when a request is refused: RFC 9457, with the sentence first.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::store;
use crate::untrusted;

/// A refusal. `detail` is one line and comes first: some SOARs show nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    retry_after: Option<u64>,
    challenge: bool,
    close: bool,
    /// Apart, so that a `Result` stays small where nothing went wrong.
    more: Box<Map<String, Value>>,
}

/// The longest `detail`, in graphemes: what a playbook's run shows without a fold.
const LONGEST: usize = 500;

impl Problem {
    /// A refusal with `status`; `code` is for programs, `detail` for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl AsRef<str>) -> Self {
        Self {
            status,
            code,
            detail: untrusted::person(detail.as_ref(), LONGEST),
            retry_after: None,
            challenge: false,
            close: false,
            more: Box::default(),
        }
    }

    /// 401: nobody known asks.
    pub fn unknown_caller(detail: &str) -> Self {
        Self {
            challenge: true,
            ..Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
        }
    }

    /// 403: the caller's scopes do not hold `scope`.
    pub fn missing_scope(caller: &str, scope: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "missing_scope",
            format!("`{caller}` lacks the scope `{scope}`"),
        )
        .with("scope", scope)
    }

    /// 404: there is no such thing, or no longer.
    pub fn not_found(detail: impl AsRef<str>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// 409: not in the state that it is in.
    pub fn conflict(code: &'static str, detail: impl AsRef<str>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 413: more bytes than the place takes.
    pub fn too_large(at_most: usize) -> Self {
        Self {
            close: true,
            ..Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                format!("the body is larger than the {at_most} bytes taken here"),
            )
        }
        .with("at_most", at_most)
    }

    /// 422: read, and not what it should be. All faults are listed under `errors`.
    pub fn invalid(errors: &[String]) -> Self {
        let detail = errors.join("; ");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).with("errors", json!(errors))
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// Says after how many seconds to ask again.
    #[must_use]
    pub fn after(mut self, seconds: Option<u64>) -> Self {
        self.retry_after = seconds;
        self
    }

    /// Closes the connection after the answer: what is left of the request is not read.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<store::Error> for Problem {
    /// The store's own words stay in the log: they name files.
    fn from(error: store::Error) -> Self {
        if error.may_pass() {
            let why = error.trouble().map(|trouble| format!(": {trouble}"));
            let detail = format!(
                "the store takes nothing more at present{}",
                why.unwrap_or_default()
            );
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_room", detail).after(Some(5));
        }
        if matches!(error, store::Error::Closed) {
            return Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "stopping",
                "the daemon is stopping",
            )
            .after(Some(5));
        }
        tracing::error!(%error, "the store failed a request");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "store_failed",
            "the store failed; the daemon's log says why",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("detail".into(), self.detail.into());
        body.insert("type".into(), "about:blank".into());
        body.insert(
            "title".into(),
            self.status.canonical_reason().unwrap_or("Refused").into(),
        );
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("code".into(), self.code.into());
        body.insert("retryable".into(), self.retry_after.is_some().into());
        for (name, value) in *self.more {
            body.entry(name).or_insert(value);
        }
        let mut response = Response::new(Body::from(Value::Object(body).to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.challenge {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"andon\""),
            );
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
