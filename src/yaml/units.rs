//! Spans of time and sizes as people write them: `30s`, `7d`, `20ms`, `64KB`, `20GB`.

use std::time::Duration;

/// Reads `20ms`, `30s`, `5m`, `24h` or `7d`, also with decimals (`1.5h`) and in a row (`1h30m`).
/// `None` for anything else, and for a number without a unit.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let unit_length = after
            .find(|c: char| !c.is_ascii_lowercase())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at_checked(unit_length)?;
        let nanos: u64 = match unit {
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            _ => return None,
        };
        let part = Duration::from_nanos(u64::try_from(times(number, nanos)?).ok()?);
        total = total.checked_add(part)?;
        rest = next;
    }
    Some(total)
}

/// Reads a size in bytes: a plain number, or one with `B`, `KB`, `MB`, `GB` or `TB` (powers of a
/// thousand), or `KiB`, `MiB`, `GiB` (powers of 1,024). `None` for anything else.
pub fn byte_size(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text)?;
    let factor: u64 = match unit.strip_prefix(' ').unwrap_or(unit) {
        "" | "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    u64::try_from(times(number, factor)?).ok()
}

/// The digits (with at most one point) that a text begins with, and the rest.
fn split_number(text: &str) -> Option<(&str, &str)> {
    let length = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, rest) = text.split_at_checked(length)?;
    let sound = number.starts_with(|c: char| c.is_ascii_digit())
        && number.ends_with(|c: char| c.is_ascii_digit())
        && number.matches('.').count() <= 1
        && number.len() <= 24;
    sound.then_some((number, rest))
}

/// A decimal number times a whole one, exactly; `None` when it is not whole or too large.
fn times(number: &str, factor: u64) -> Option<u128> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let scale = 10_u128.checked_pow(u32::try_from(decimals.len()).ok()?)?;
    let digits: u128 = format!("{whole}{decimals}").parse().ok()?;
    let product = digits.checked_mul(u128::from(factor))?;
    (product % scale == 0).then_some(product / scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_read_as_they_are_written() {
        for (text, millis) in [
            ("20ms", Some(20)),
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("24h", Some(86_400_000)),
            ("7d", Some(604_800_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            ("0s", Some(0)),
            ("", None),
            ("5", None),
            ("5 m", None),
            ("m", None),
            ("-5m", None),
            ("5M", None),
            ("1.2.3s", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn sizes_read_as_they_are_written() {
        for (text, bytes) in [
            ("512", Some(512)),
            ("64KB", Some(64_000)),
            ("100MB", Some(100_000_000)),
            ("20GB", Some(20_000_000_000)),
            ("1.5GB", Some(1_500_000_000)),
            ("64KiB", Some(65_536)),
            ("1.5", None),
            ("-1", None),
            ("10XB", None),
            ("99999999999TB", None),
        ] {
            assert_eq!(byte_size(text), bytes, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[0-9.smhdKMGTiB -]{0,30}") {
            let _ = duration(&text);
            let _ = byte_size(&text);
        }
    }
}
