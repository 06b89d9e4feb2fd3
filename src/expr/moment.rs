//! Reading and moving times and durations.

use jiff::{SignedDuration, Timestamp};

use super::compare::{nearest_double, whole_part};
use super::value::Value;

/// Reads `90s`, `1h30m`, `-1.5h`, `7d`: CEL's units and `d`, which is 24 hours.
pub(super) fn read_duration(text: &str) -> Option<SignedDuration> {
    const UNITS: [(&str, i128); 8] = [
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ];
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() || rest.len() > 64 {
        return None;
    }
    let mut nanos: i128 = 0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (written, after) = rest.split_at_checked(number)?;
        let (unit, size) = UNITS
            .into_iter()
            .filter(|(unit, _)| after.starts_with(unit))
            .max_by_key(|(unit, _)| unit.len())?;
        nanos = nanos.checked_add(scaled(written, size)?)?;
        rest = after.strip_prefix(unit)?;
    }
    SignedDuration::try_from_nanos_i128(if negative { -nanos } else { nanos })
}

/// A decimal times a whole number of nanoseconds, exactly; digits below a nanosecond are dropped.
fn scaled(written: &str, size: i128) -> Option<i128> {
    let (whole, decimals) = written.split_once('.').unwrap_or((written, ""));
    if whole.is_empty() && decimals.is_empty() || decimals.contains('.') {
        return None;
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut nanos = whole.checked_mul(size)?;
    let mut tenth: i128 = 1;
    for digit in decimals.chars() {
        tenth = tenth.checked_mul(10)?;
        let part = size.checked_mul(i128::from(digit.to_digit(10)?))?;
        nanos = nanos.checked_add(part / tenth)?;
    }
    Some(nanos)
}

/// Reads RFC 3339 with an offset.
pub(super) fn read_time(text: &str) -> Option<Timestamp> {
    (text.len() <= 64).then(|| text.parse().ok()).flatten()
}

/// The instant that a number of `unit`s after 1970 is.
pub(super) fn time_since_1970(value: &Value<'_>, unit: &str) -> Option<Timestamp> {
    let size: i128 = match unit {
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" => 1_000,
        "ns" => 1,
        _ => return None,
    };
    let nanos = match value {
        Value::Int(whole) => i128::from(*whole).checked_mul(size)?,
        Value::Double(double) if double.is_finite() && double.abs() < 9e18 => {
            let whole = whole_part(*double);
            let rest = (double - nearest_double(whole)) * nearest_double(i64::try_from(size).ok()?);
            i128::from(whole)
                .checked_mul(size)?
                .checked_add(i128::from(whole_part(rest)))?
        }
        Value::Text(text) => {
            let text = text.trim();
            return match text.parse::<i64>() {
                Ok(whole) => time_since_1970(&Value::Int(whole), unit),
                Err(_) => text
                    .parse::<f64>()
                    .ok()
                    .and_then(|double| time_since_1970(&Value::Double(double), unit)),
            };
        }
        _ => return None,
    };
    Timestamp::from_nanosecond(nanos).ok()
}

/// A duration times a number.
pub(super) fn times(duration: SignedDuration, by: &Value<'_>) -> Option<SignedDuration> {
    match by {
        Value::Int(whole) => {
            let nanos = duration.as_nanos().checked_mul(i128::from(*whole))?;
            SignedDuration::try_from_nanos_i128(nanos)
        }
        Value::Double(double) => {
            SignedDuration::try_from_secs_f64(duration.as_secs_f64() * double).ok()
        }
        _ => None,
    }
}

/// A duration divided by a number.
pub(super) fn divided(duration: SignedDuration, by: &Value<'_>) -> Option<SignedDuration> {
    match by {
        Value::Int(whole) => {
            let nanos = duration.as_nanos().checked_div(i128::from(*whole))?;
            SignedDuration::try_from_nanos_i128(nanos)
        }
        Value::Double(double) => {
            SignedDuration::try_from_secs_f64(duration.as_secs_f64() / double).ok()
        }
        _ => None,
    }
}
