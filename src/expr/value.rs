//! What an expression gives. Paths into data borrow from it; nothing is copied to be looked at.

use std::borrow::Cow;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use crate::alert::Severity;
use crate::document::{Place, Seen};

/// A value while an expression runs.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// Not there: what `x.?y` gives when there is no `y`. Equals null in comparisons.
    Absent,
    /// There, and null.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A JSON number that is integral and fits; compares with doubles by value.
    Int(i64),
    /// Any other number.
    Double(f64),
    /// A text.
    Text(Cow<'a, str>),
    /// An object or array of the data, borrowed.
    Json(&'a Json),
    /// The same of a document.
    Data(Place<'a>),
    /// JSON that is written already. It is passed on whole; nothing looks into it.
    Written(&'a str),
    /// A list made here.
    List(Rc<Vec<Value<'a>>>),
    /// A map made here, in the order written.
    Map(Rc<Vec<(Cow<'a, str>, Value<'a>)>>),
    /// An instant.
    Time(Timestamp),
    /// A span of time.
    Duration(SignedDuration),
    /// `informational` … `critical`.
    Severity(Severity),
}

impl<'a> Value<'a> {
    /// Borrows a JSON value: integral numbers become ints, arrays and objects stay where they are.
    pub fn from_json(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, Some(double)) => Self::Double(double),
                (None, None) => Self::Null,
            },
            Json::String(text) => Self::Text(Cow::Borrowed(text)),
            Json::Array(_) | Json::Object(_) => Self::Json(json),
        }
    }

    /// Borrows a value of a document, as [`Value::from_json`] does.
    pub fn from_place(place: Place<'a>) -> Self {
        match place.seen() {
            Seen::Null => Self::Null,
            Seen::Bool(truth) => Self::Bool(truth),
            Seen::Int(whole) => Self::Int(whole),
            Seen::Large(whole) => Self::Double(nearest_double(whole)),
            Seen::Double(double) => Self::Double(double),
            Seen::Text(text) => Self::Text(Cow::Borrowed(text)),
            Seen::List | Seen::Map => Self::Data(place),
        }
    }

    /// As JSON: times as RFC 3339, durations as `90s`, severities as their word. `None` when absent;
    /// absent items of lists and maps are left out. A double that JSON cannot hold becomes null.
    pub fn to_json(&self) -> Option<Json> {
        Some(match self {
            Self::Absent => return None,
            Self::Null => Json::Null,
            Self::Bool(truth) => Json::Bool(*truth),
            Self::Int(whole) => Json::from(*whole),
            Self::Double(double) => {
                serde_json::Number::from_f64(*double).map_or(Json::Null, Json::Number)
            }
            Self::Text(text) => Json::String(text.clone().into_owned()),
            Self::Json(json) => (*json).clone(),
            Self::Data(place) => place.to_json(),
            Self::Written(written) => serde_json::from_str(written).unwrap_or(Json::Null),
            Self::List(items) => items.iter().filter_map(Self::to_json).collect(),
            Self::Map(entries) => Json::Object(
                entries
                    .iter()
                    .filter_map(|(key, value)| Some((key.clone().into_owned(), value.to_json()?)))
                    .collect(),
            ),
            Self::Time(time) => Json::String(time.to_string()),
            Self::Duration(duration) => Json::String(seconds(*duration)),
            Self::Severity(severity) => Json::from(severity.as_str()),
        })
    }

    /// What to call it in a sentence.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Double(_) => "a number",
            Self::Text(_) => "a text",
            Self::Json(Json::Array(_)) | Self::List(_) => "a list",
            Self::Data(place) if place.is_list() => "a list",
            Self::Json(_) | Self::Data(_) | Self::Written(_) | Self::Map(_) => "a map",
            Self::Time(_) => "a time",
            Self::Duration(_) => "a duration",
            Self::Severity(_) => "a severity",
        }
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "what is no int is a double; the loss is that of JSON everywhere"
)]
fn nearest_double(whole: u64) -> f64 {
    whole as f64
}

/// CEL's way of writing a duration: seconds with what decimals it needs, and `s`.
fn seconds(duration: SignedDuration) -> String {
    let nanos = duration.subsec_nanos().unsigned_abs();
    let sign = if duration.is_negative() { "-" } else { "" };
    let whole = duration.as_secs().unsigned_abs();
    if nanos == 0 {
        return format!("{sign}{whole}s");
    }
    let decimals = format!("{nanos:09}");
    format!("{sign}{whole}.{}s", decimals.trim_end_matches('0'))
}
