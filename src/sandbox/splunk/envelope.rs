//! A batch: JSON objects one after the other, each with its own metadata.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::{Code, Token};

/// What came out of one batch.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    /// The objects that are indexed.
    pub(super) good: Vec<Envelope<'a>>,
    /// Why the rest is not, and the number in the answer. None is success, also where an unknown
    /// key has silently swallowed the rest.
    pub(super) refused: Option<(Code, u64)>,
}

/// One object that Splunk would index.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    pub(super) time: Option<f64>,
    pub(super) host: Option<String>,
    pub(super) source: Option<String>,
    pub(super) sourcetype: Option<String>,
    pub(super) index: Option<String>,
    pub(super) event: &'a str,
    pub(super) fields: Option<Value>,
}

/// What to do with the object just read.
enum Verdict<'a> {
    Index(Envelope<'a>),
    /// Measured: HTTP 200, and nothing from this object on is indexed.
    LoseTheRest,
    Refuse(Code),
}

/// Splits a body into objects; what stands before a bad one is indexed (measured).
pub(super) fn split<'a>(body: &'a [u8], token: &Token) -> Batch<'a> {
    let mut batch = Batch {
        good: Vec::new(),
        refused: None,
    };
    let objects =
        serde_json::Deserializer::from_slice(body).into_iter::<BTreeMap<String, &'a RawValue>>();
    for (number, object) in (0_u64..).zip(objects) {
        // An array, a scalar and broken JSON all read as code 6.
        let verdict = object.map_or(Verdict::Refuse(Code::InvalidDataFormat), |object| {
            judge(&object, token)
        });
        match verdict {
            Verdict::Index(envelope) => batch.good.push(envelope),
            Verdict::LoseTheRest => return batch,
            Verdict::Refuse(code) => {
                // Code 7 names the object after the bad one (measured).
                let named = number + u64::from(code == Code::IncorrectIndex);
                batch.refused = Some((code, named));
                return batch;
            }
        }
    }
    if batch.good.is_empty() {
        batch.refused = Some((Code::NoData, 0));
    }
    batch
}

fn judge<'a>(object: &BTreeMap<String, &'a RawValue>, token: &Token) -> Verdict<'a> {
    let mut envelope = Envelope::default();
    let mut event = None;
    for (key, raw) in object {
        let raw = raw.get();
        let fine = match key.as_str() {
            "event" => {
                event = Some(raw);
                true
            }
            "time" => read_time(raw, &mut envelope.time),
            "host" => read_text(raw, &mut envelope.host),
            "source" => read_text(raw, &mut envelope.source),
            "sourcetype" => read_text(raw, &mut envelope.sourcetype),
            "index" => read_text(raw, &mut envelope.index),
            "fields" => match read_fields(raw) {
                Some(fields) => {
                    envelope.fields = Some(fields);
                    true
                }
                None => return Verdict::Refuse(Code::IndexedFields),
            },
            _ => return Verdict::LoseTheRest,
        };
        if !fine {
            return Verdict::Refuse(Code::InvalidDataFormat);
        }
    }
    let Some(event) = event else {
        return Verdict::Refuse(Code::EventRequired);
    };
    // Measured for null and false; that `true` is refused as well is an assumption.
    if matches!(event, "null" | "false" | "true") {
        return Verdict::Refuse(Code::InvalidDataFormat);
    }
    if serde_json::from_str::<String>(event).is_ok_and(|text| text.trim().is_empty()) {
        return Verdict::Refuse(Code::EventBlank);
    }
    if envelope
        .index
        .as_deref()
        .is_some_and(|index| !token.may_write(index))
    {
        return Verdict::Refuse(Code::IncorrectIndex);
    }
    envelope.event = event;
    Verdict::Index(envelope)
}

fn read_text(raw: &str, into: &mut Option<String>) -> bool {
    *into = serde_json::from_str(raw).ok();
    into.is_some()
}

/// Seconds as a number or its text. By magnitude, 13 digits are milliseconds and 19 digits
/// nanoseconds (measured); that 16 digits are microseconds is an assumption.
fn read_time(raw: &str, into: &mut Option<f64>) -> bool {
    let text = raw.trim_matches('"').trim();
    let Ok(number) = text.parse::<f64>() else {
        return false;
    };
    let whole = text.split('.').next().unwrap_or_default();
    let divisor = match whole.trim_start_matches('-').len() {
        13 => 1e3,
        16 => 1e6,
        19 => 1e9,
        _ => 1.0,
    };
    *into = Some((number / divisor * 1e6).round() / 1e6);
    number.is_finite()
}

/// A flat object whose values are scalars or lists of texts.
fn read_fields(raw: &str) -> Option<Value> {
    let fields: Value = serde_json::from_str(raw).ok()?;
    let flat = fields.as_object()?.values().all(|value| match value {
        Value::Object(_) => false,
        Value::Array(items) => items.iter().all(Value::is_string),
        _ => true,
    });
    flat.then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(body: &str) -> (usize, Option<(Code, u64)>) {
        let batch = split(body.as_bytes(), &Token::new("t"));
        (batch.good.len(), batch.refused)
    }

    #[test]
    fn what_becomes_of_a_batch() {
        let table = [
            (r#"{"event":1}{"event":"x"}"#, 2, None),
            ("{\"event\":{}} \n {\"event\":[]}{\"event\":0}", 3, None),
            (r#"[{"event":1}]"#, 0, Some((Code::InvalidDataFormat, 0))),
            (
                r#"{"event":1}{"event":"#,
                1,
                Some((Code::InvalidDataFormat, 1)),
            ),
            (
                r#"{"event":1}{"event":null}{"event":1}"#,
                1,
                Some((Code::InvalidDataFormat, 1)),
            ),
            (r#"{"event":false}"#, 0, Some((Code::InvalidDataFormat, 0))),
            (
                r#"{"event":1}{"event":" "}"#,
                1,
                Some((Code::EventBlank, 1)),
            ),
            (r#"{"host":"a"}"#, 0, Some((Code::EventRequired, 0))),
            (
                r#"{"event":1,"fields":{"a":{"b":1}}}"#,
                0,
                Some((Code::IndexedFields, 0)),
            ),
            (r#"{"event":1,"fields":{"a":["b"],"c":1}}"#, 1, None),
            // Code 7 names the one after.
            (
                r#"{"event":1}{"event":1,"index":"nope"}{"event":1}"#,
                1,
                Some((Code::IncorrectIndex, 2)),
            ),
            // An unknown key loses itself and what follows, and says 200.
            (
                r#"{"event":1}{"event":2,"severity":"high"}{"event":3}"#,
                1,
                None,
            ),
            (
                r#"{"event":1,"time":"now"}"#,
                0,
                Some((Code::InvalidDataFormat, 0)),
            ),
            ("  \n ", 0, Some((Code::NoData, 0))),
        ];
        for (body, good, refused) in table {
            assert_eq!(outcome(body), (good, refused), "{body}");
        }
    }

    #[test]
    fn time_is_read_by_magnitude() {
        let table = [
            ("1795422915.5491234", 1_795_422_915.549_123),
            ("\"1795422915\"", 1_795_422_915.0),
            ("1795422915549", 1_795_422_915.549),
            ("1795422915549317000", 1_795_422_915.549_317),
        ];
        for (raw, seconds) in table {
            let mut time = None;
            assert!(read_time(raw, &mut time), "{raw}");
            assert_eq!(time, Some(seconds), "{raw}");
        }
    }

    #[test]
    fn metadata_does_not_carry_to_the_next_object() {
        let batch = split(
            br#"{"event":1,"host":"a","sourcetype":"s"}{"event":2}"#,
            &Token::new("t"),
        );
        assert_eq!(batch.good[0].host.as_deref(), Some("a"));
        assert_eq!(batch.good[1].host, None);
        assert_eq!(batch.good[1].sourcetype, None);
    }
}
