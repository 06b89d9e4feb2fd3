//! Reading what a request carries: bounded before it is read, within a time, as exactly what is known.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::problem::Problem;
use crate::diag::nearest;
use crate::untrusted;

/// The most a signal's body may have, in bytes, before decompression.
pub const SIGNAL_BYTES: usize = crate::intake::LONGEST_BODY;
/// The most a body of the API may have, in bytes.
pub const API_BYTES: usize = 256_000;
/// How long a body may take, from its first byte to its last.
const READ_WITHIN: Duration = Duration::from_secs(30);
/// Bodies larger than this need a place of their own; smaller ones are bounded by the connections.
const LARGE: usize = 64_000;
/// How many large bodies may be in memory at once.
const LARGE_AT_ONCE: usize = 32;

/// The places for large bodies.
#[derive(Debug)]
pub struct Places(Semaphore);

impl Default for Places {
    fn default() -> Self {
        Self(Semaphore::new(LARGE_AT_ONCE))
    }
}

/// A body, and the place that it takes up while it is looked at.
#[derive(Debug)]
pub struct Read<'p> {
    /// Its bytes.
    pub bytes: Vec<u8>,
    place: Option<SemaphorePermit<'p>>,
}

impl Places {
    /// Reads the body of a request to the API, an object of which every key is known.
    ///
    /// # Errors
    /// Those of [`Places::read`], and of [`Form::parse`].
    pub async fn form(
        &self,
        headers: &HeaderMap,
        body: Body,
        known: &[&str],
    ) -> Result<Form, Problem> {
        let read = self.read(headers, body, API_BYTES).await?;
        Form::parse(&read.bytes, known)
    }

    /// Reads a whole body of at most `at_most` bytes.
    ///
    /// # Errors
    /// 413 as soon as it is known to be larger, 408 when it takes too long, 503 when too many large
    /// ones are being read, 400 when the connection broke.
    pub async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        at_most: usize,
    ) -> Result<Read<'_>, Problem> {
        let announced = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok())
            .and_then(|length| length.parse::<u64>().ok())
            .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if announced.is_some_and(|length| length > at_most) {
            return Err(Problem::too_large(at_most));
        }
        let capacity = announced.unwrap_or(0).min(LARGE);
        tokio::time::timeout(READ_WITHIN, self.collect(body, capacity, at_most))
            .await
            .unwrap_or_else(|_| {
                Err(Problem::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "too_slow",
                    "the body did not arrive in time",
                )
                .closing())
            })
    }

    async fn collect(
        &self,
        mut body: Body,
        capacity: usize,
        at_most: usize,
    ) -> Result<Read<'_>, Problem> {
        let mut read = Read {
            bytes: Vec::with_capacity(capacity),
            place: None,
        };
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let broken = |_| {
                Problem::new(
                    StatusCode::BAD_REQUEST,
                    "broken_body",
                    "the body ended before it was whole",
                )
                .closing()
            };
            let Ok(data) = frame.map_err(broken)?.into_data() else {
                continue;
            };
            let length = read.bytes.len().saturating_add(data.len());
            if length > at_most {
                return Err(Problem::too_large(at_most));
            }
            if length > LARGE && read.bytes.len() <= LARGE {
                read.place = Some(self.0.try_acquire().map_err(|_| {
                    Problem::new(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "busy",
                        "too many large bodies are being read",
                    )
                    .after(Some(2))
                    .closing()
                })?);
            }
            read.bytes.extend_from_slice(&data);
        }
        Ok(read)
    }
}

/// A JSON object of which every key is known, or a query; all that is wrong with it is said at once.
#[derive(Debug)]
pub struct Form {
    values: Map<String, Value>,
    errors: Vec<String>,
}

impl Form {
    /// Reads an object; nothing at all is an empty one.
    ///
    /// # Errors
    /// 400 when it is no JSON object. Unknown keys are among what [`Form::finish`] reports.
    pub fn parse(bytes: &[u8], known: &[&str]) -> Result<Self, Problem> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::of(Map::new(), known, "key"));
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(values)) => Ok(Self::of(values, known, "key")),
            Ok(_) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "not_json",
                "the body is JSON, but no object",
            )),
            Err(error) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "not_json",
                format!(
                    "the body is not JSON: it breaks off at line {}, column {}",
                    error.line(),
                    error.column()
                ),
            )),
        }
    }

    /// Reads a query; of a parameter given twice the last one counts.
    pub fn query(query: Option<&str>, known: &[&str]) -> Self {
        let values = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .map(|(key, value)| (key.into_owned(), Value::String(value.into_owned())))
            .collect();
        Self::of(values, known, "parameter")
    }

    fn of(values: Map<String, Value>, known: &[&str], what: &str) -> Self {
        let mut errors = Vec::new();
        for key in values.keys().filter(|key| !known.contains(&key.as_str())) {
            let shown = untrusted::log(key, 60);
            errors.push(match nearest(key, known.iter().copied()) {
                Some(meant) => {
                    format!("`{shown}` is no {what} here: did you mean `{meant}`?")
                }
                None if known.is_empty() => format!("`{shown}`: no {what} is taken here"),
                None => format!(
                    "`{shown}` is no {what} here: there are {}",
                    known.join(", ")
                ),
            });
        }
        Self { values, errors }
    }

    /// A text that may be missing or null.
    pub fn text(&mut self, key: &str) -> Option<String> {
        match self.values.remove(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(_) => self.wrong(key, "a text"),
        }
    }

    /// `true` or `false`; false when it is missing.
    pub fn flag(&mut self, key: &str) -> bool {
        match self.values.remove(key) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => flag,
            Some(Value::String(text)) if text == "true" || text == "false" => text == "true",
            Some(_) => self.wrong(key, "true or false").unwrap_or_default(),
        }
    }

    /// A whole number, also as text: forms of some SOARs send nothing else.
    pub fn number(&mut self, key: &str, at_most: u64) -> Option<u64> {
        let value = self.values.remove(key)?;
        let number = match &value {
            Value::Null => return None,
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if number <= at_most => Some(number),
            _ => self.wrong(key, &format!("a whole number of at most {at_most}")),
        }
    }

    /// An object; an empty one when it is missing.
    pub fn object(&mut self, key: &str) -> Map<String, Value> {
        match self.values.remove(key) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(object)) => object,
            Some(_) => self.wrong(key, "an object").unwrap_or_default(),
        }
    }

    /// Anything.
    pub fn any(&mut self, key: &str) -> Option<Value> {
        self.values.remove(key).filter(|value| !value.is_null())
    }

    /// A text that `read` understands.
    pub fn word<T>(
        &mut self,
        key: &str,
        what: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key)?;
        read(&text).or_else(|| self.wrong(key, what))
    }

    /// Notes something else that is wrong.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.errors.push(fault.into());
    }

    /// Ends reading.
    ///
    /// # Errors
    /// 422 with everything that was wrong.
    pub fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(&self.errors))
        }
    }

    fn wrong<T>(&mut self, key: &str, what: &str) -> Option<T> {
        self.errors.push(format!("`{key}` has to be {what}"));
        None
    }
}
