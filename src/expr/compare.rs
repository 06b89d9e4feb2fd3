//! Equality and order of values: ints and doubles by value, absent as null, severities with texts
//! that name one, JSON and what expressions build alike.

use std::cmp::Ordering;

use serde_json::Value as Json;

use crate::alert::Severity;
use crate::json;

use super::value::Value;

/// No steps were left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spent;

/// What a comparison may still cost: a step for each item looked at.
pub(super) struct Purse(pub(super) usize);

impl Purse {
    fn pay(&mut self, steps: usize) -> Result<(), Spent> {
        self.0 = self.0.checked_sub(steps).ok_or(Spent)?;
        Ok(())
    }
}

impl<'a> Value<'a> {
    /// Whether two values are the same: deeply, ints and doubles by value, absent as null, a
    /// severity and a text that names it. Values of different sorts are not the same.
    pub fn equals(&self, other: &Value<'_>) -> bool {
        equal(self, other, &mut Purse(usize::MAX)).unwrap_or(false)
    }

    /// Which comes first, where the two have an order: numbers, texts (by code point), times,
    /// durations, severities (also with a text that names one), truth values.
    pub fn order(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Self::Double(a), Value::Double(b)) => a.partial_cmp(b),
            (Self::Int(a), Value::Double(b)) => int_with_double(*a, *b),
            (Self::Double(a), Value::Int(b)) => int_with_double(*b, *a).map(Ordering::reverse),
            (Self::Text(a), Value::Text(b)) => Some(a.as_ref().cmp(b.as_ref())),
            (Self::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Self::Time(a), Value::Time(b)) => Some(a.cmp(b)),
            (Self::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
            (Self::Severity(a), Value::Severity(b)) => Some(a.cmp(b)),
            (Self::Severity(a), Value::Text(b)) => Severity::from_word(b).map(|b| a.cmp(&b)),
            (Self::Text(a), Value::Severity(b)) => Severity::from_word(a).map(|a| a.cmp(b)),
            _ => None,
        }
    }

    /// Whether it is null or absent.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }

    /// How many items or keys a list or map has.
    pub(super) fn count(&self) -> Option<usize> {
        Some(match self {
            Self::Json(Json::Array(items)) => items.len(),
            Self::Json(Json::Object(entries)) => entries.len(),
            Self::Data(place) => place.count(),
            Self::List(items) => items.len(),
            Self::Map(entries) => entries.len(),
            _ => return None,
        })
    }

    /// The item of a list.
    pub(super) fn item(&self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Json(Json::Array(items)) => items.get(index).map(Value::from_json),
            Self::Data(place) => place.item(index).map(Value::from_place),
            Self::List(items) => items.get(index).cloned(),
            _ => None,
        }
    }

    /// The value under a key of a map.
    pub(super) fn key(&self, key: &str) -> Option<Value<'a>> {
        match self {
            Self::Json(Json::Object(entries)) => json::get(entries, key).map(Value::from_json),
            Self::Data(place) => place.get(key).map(Value::from_place),
            Self::Map(entries) => entries
                .iter()
                .find(|(own, _)| own == key)
                .map(|(_, value)| value.clone()),
            _ => None,
        }
    }

    /// The key at a place of a map.
    pub(super) fn key_at(&self, index: usize) -> Option<Value<'a>> {
        match self {
            Self::Json(Json::Object(entries)) => entries
                .keys()
                .nth(index)
                .map(|key| Value::Text(key.as_str().into())),
            Self::Data(place) => place.key_at(index).map(|key| Value::Text(key.into())),
            Self::Map(entries) => entries.get(index).map(|(key, _)| Value::Text(key.clone())),
            _ => None,
        }
    }

    pub(super) fn is_list(&self) -> bool {
        match self {
            Self::Data(place) => place.is_list(),
            other => matches!(other, Self::List(_) | Self::Json(Json::Array(_))),
        }
    }

    pub(super) fn is_map(&self) -> bool {
        match self {
            Self::Data(place) => place.is_map(),
            other => matches!(other, Self::Map(_) | Self::Json(Json::Object(_))),
        }
    }
}

/// Deep equality that stops when the purse is empty.
pub(super) fn equal(a: &Value<'_>, b: &Value<'_>, purse: &mut Purse) -> Result<bool, Spent> {
    Ok(match (a, b) {
        (a, b) if a.is_nothing() || b.is_nothing() => a.is_nothing() && b.is_nothing(),
        (a, b) if a.is_list() && b.is_list() => return equal_lists(a, b, purse),
        (a, b) if a.is_map() && b.is_map() => return equal_maps(a, b, purse),
        (Value::Text(a), Value::Text(b)) => {
            purse.pay(a.len().min(b.len()) / 1024)?;
            a == b
        }
        (a, b) => a.order(b) == Some(Ordering::Equal),
    })
}

fn equal_lists(a: &Value<'_>, b: &Value<'_>, purse: &mut Purse) -> Result<bool, Spent> {
    if a.count() != b.count() {
        return Ok(false);
    }
    for index in 0..a.count().unwrap_or(0) {
        purse.pay(1)?;
        let (Some(a), Some(b)) = (a.item(index), b.item(index)) else {
            return Ok(false);
        };
        if !equal(&a, &b, purse)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_maps(a: &Value<'_>, b: &Value<'_>, purse: &mut Purse) -> Result<bool, Spent> {
    if a.count() != b.count() {
        return Ok(false);
    }
    let mut same = |key: &str, value: &Value<'_>| -> Result<bool, Spent> {
        purse.pay(1)?;
        match b.key(key) {
            Some(other) => equal(value, &other, purse),
            None => Ok(false),
        }
    };
    match a {
        Value::Json(Json::Object(entries)) => {
            for (key, value) in entries {
                if !same(key, &Value::from_json(value))? {
                    return Ok(false);
                }
            }
        }
        Value::Data(place) => {
            for (key, value) in place.entries() {
                if !same(key, &Value::from_place(value))? {
                    return Ok(false);
                }
            }
        }
        Value::Map(entries) => {
            for (key, value) in entries.iter() {
                if !same(key, value)? {
                    return Ok(false);
                }
            }
        }
        _ => {}
    }
    Ok(true)
}

/// Exactly: a double is split into its whole part, which is an int or out of range, and the rest.
fn int_with_double(int: i64, double: f64) -> Option<Ordering> {
    /// 2 to the power of 63: the first double above every int.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        None
    } else if double >= LIMIT {
        Some(Ordering::Less)
    } else if double < -LIMIT {
        Some(Ordering::Greater)
    } else {
        let whole = whole_part(double);
        let rest = double - double.trunc();
        Some(
            int.cmp(&whole)
                .then(0.0_f64.partial_cmp(&rest).unwrap_or(Ordering::Equal)),
        )
    }
}

/// The whole part of a double that lies within the ints.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "the caller has checked the range, and the standard library has no other way"
)]
pub(super) fn whole_part(double: f64) -> i64 {
    double.trunc() as i64
}

/// An int as the nearest double.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "arithmetic of an int with a double is done in doubles; the loss is documented"
)]
pub(super) fn nearest_double(int: i64) -> f64 {
    int as f64
}
