//! Answers as JSON, and lists a page at a time.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Map, Value};

use super::body::Form;
use super::problem::Problem;

/// How many a page has when the caller does not say.
const USUAL: u64 = 50;
/// The most that a page may have.
const MOST: u64 = 200;

/// `200` with JSON.
pub(super) fn ok(body: &Value) -> Response {
    json(StatusCode::OK, body)
}

/// JSON with a status.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// How many to read: one more than are shown, which tells whether there is another page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page(u32);

impl Page {
    /// Reads `limit`.
    pub(super) fn of(form: &mut Form) -> Self {
        let limit = form.number("limit", MOST).unwrap_or(USUAL).max(1);
        Self(u32::try_from(limit).unwrap_or(1))
    }

    /// How many to read.
    pub(super) fn to_read(self) -> u32 {
        self.0.saturating_add(1)
    }

    /// A page under `name`, and under `next` what to give as `before` for the one after it.
    pub(super) fn show<T>(
        self,
        name: &str,
        mut rows: Vec<T>,
        cursor: impl Fn(&T) -> String,
        show: impl Fn(&T) -> Value,
    ) -> Response {
        let shown = usize::try_from(self.0).unwrap_or(usize::MAX);
        let more = rows.len() > shown;
        rows.truncate(shown);
        let next = rows.last().filter(|_| more).map(cursor);
        let mut body = Map::new();
        body.insert(name.to_owned(), rows.iter().map(show).collect());
        body.insert("next".to_owned(), next.into());
        ok(&Value::Object(body))
    }
}

/// A value that serialises to an object, with more members.
pub(super) fn object<T: serde::Serialize>(
    value: &T,
    more: impl IntoIterator<Item = (&'static str, Value)>,
) -> Result<Value, Problem> {
    let unwritable = |_| {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "unwritable",
            "the answer cannot be written as JSON",
        )
    };
    let mut value = serde_json::to_value(value).map_err(unwritable)?;
    if let Value::Object(members) = &mut value {
        for (name, member) in more {
            members.insert(name.to_owned(), member);
        }
    }
    Ok(value)
}
