//! When something is tried again.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use crate::clock::Clock;
use crate::web::Answer;

/// The first pause is at most this long; each further one twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// No pause is longer than this, unless the destination says so.
const LONGEST: Duration = Duration::from_mins(5);
/// What a destination says is believed up to here; more is taken for a mistake.
const BELIEVED: Duration = Duration::from_hours(24);

/// The pause after so many tries: exponential, between half of it and all of it.
pub(super) fn back_off(clock: &Clock, attempts: u32) -> Duration {
    let doubled = 1_u32 << attempts.saturating_sub(1).min(16);
    let half = FIRST.saturating_mul(doubled).min(LONGEST) / 2;
    half.saturating_add(clock.jitter(half))
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
pub(super) fn retry_after(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    let wait = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let at = DateTimeParser::new().parse_timestamp(text).ok()?;
        Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
    };
    Some(wait.min(BELIEVED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(value: &str) -> Option<Duration> {
        let headers = vec![("retry-after".to_owned(), value.to_owned())];
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        retry_after(&Answer::made(503, headers, Vec::new()), now)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(said("17"), Some(Duration::from_secs(17)));
        assert_eq!(
            said("Mon, 23 Nov 2026 08:01:30 GMT"),
            Some(Duration::from_secs(90))
        );
        assert_eq!(said("Mon, 23 Nov 2026 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(said("soon"), None);
        assert_eq!(said("99999999999"), Some(BELIEVED));
    }

    #[test]
    fn pauses_grow_up_to_five_minutes() {
        let clock = Clock::system();
        for attempts in [0, 1, 2, 9, 30, u32::MAX] {
            for _ in 0..200 {
                let most = FIRST * 2_u32.pow(attempts.saturating_sub(1).min(9));
                let (most, pause) = (most.min(LONGEST), back_off(&clock, attempts));
                assert!(pause >= most / 2 && pause <= most, "{attempts}: {pause:?}");
            }
            // Those that failed together do not all come back together.
            let first = back_off(&clock, attempts);
            let spread = |_| back_off(&clock, attempts) != first;
            assert!((0..50).any(spread), "{attempts}");
        }
    }
}
