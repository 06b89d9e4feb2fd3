//! Names that Andon gives to what it keeps: time-sorted 63-bit numbers, written with a prefix.
//!
//! A number made later is larger, also across a restart and a clock that jumps back, so that a
//! table keyed by it is only ever appended to. 43 bits are milliseconds since 1970, 20 bits tell
//! apart what one millisecond made. See `docs/decisions/0003-identifiers.md`.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

/// What a kind of thing is called in its written identifiers.
pub trait Named {
    /// The letters before the underscore, such as `sig`.
    const PREFIX: &'static str;
}

/// The identifier of a `K`: `sig_01jd…`, thirteen base-32 digits after the prefix.
pub struct Id<K> {
    raw: i64,
    kind: PhantomData<fn() -> K>,
}

/// What a [`SignalId`] is of.
pub enum OfSignal {}
impl Named for OfSignal {
    const PREFIX: &'static str = "sig";
}
/// The identifier of a signal: `sig_…`.
pub type SignalId = Id<OfSignal>;

/// What an [`AlertId`] is of.
pub enum OfAlert {}
impl Named for OfAlert {
    const PREFIX: &'static str = "alt";
}
/// The identifier of an alert: `alt_…`.
pub type AlertId = Id<OfAlert>;

/// What an [`ActionId`] is of.
pub enum OfAction {}
impl Named for OfAction {
    const PREFIX: &'static str = "act";
}
/// The identifier of an action: `act_…`.
pub type ActionId = Id<OfAction>;

/// Crockford's base 32 in lower case: no `i l o u`, so that it can be read aloud.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const WIDTH: usize = 13;

impl<K> Id<K> {
    /// Takes back what [`Id::raw`] gave, such as a row's key.
    pub fn from_raw(raw: i64) -> Self {
        Self {
            raw,
            kind: PhantomData,
        }
    }

    /// The number itself: positive, larger for what was made later.
    pub fn raw(self) -> i64 {
        self.raw
    }
}

impl<K: Named> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'0'; WIDTH];
        let mut rest = self.raw.unsigned_abs();
        for place in text.iter_mut().rev() {
            let digit = usize::try_from(rest % 32).unwrap_or(0);
            *place = DIGITS.get(digit).copied().unwrap_or(b'0');
            rest /= 32;
        }
        f.write_str(K::PREFIX)?;
        f.write_str("_")?;
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

/// A text that is no identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an identifier that begins with `{prefix}_`")]
pub struct NotAnId {
    text: String,
    prefix: &'static str,
}

impl<K: Named> FromStr for Id<K> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let refuse = || NotAnId {
            text: crate::untrusted::log(text, 60),
            prefix: K::PREFIX,
        };
        let digits = text
            .strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .filter(|digits| digits.len() == WIDTH)
            .ok_or_else(refuse)?;
        let mut raw: i64 = 0;
        for byte in digits.bytes() {
            let digit = DIGITS
                .iter()
                .position(|known| *known == byte)
                .ok_or_else(refuse)?;
            let digit = i64::try_from(digit).map_err(|_| refuse())?;
            raw = raw
                .checked_mul(32)
                .and_then(|raw| raw.checked_add(digit))
                .ok_or_else(refuse)?;
        }
        Ok(Self::from_raw(raw))
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.raw.cmp(&other.raw)
    }
}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}
impl<K: Named> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl<K: Named> serde::Serialize for Id<K> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de, K: Named> serde::Deserialize<'de> for Id<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Makes identifiers. One for each store, begun after the largest that the store holds.
#[derive(Debug, Default)]
pub struct Ids {
    last: AtomicI64,
}

const COUNTER_BITS: u32 = 20;

impl Ids {
    /// Continues after `largest`, the largest number in use (0 for an empty store).
    pub fn after(largest: i64) -> Self {
        Self {
            last: AtomicI64::new(largest.max(0)),
        }
    }

    /// Makes the next identifier, larger than every one before it.
    pub fn next<K>(&self, now: jiff::Timestamp) -> Id<K> {
        let floor = now.as_millisecond().max(0) << COUNTER_BITS;
        let step = |last: i64| Some(floor.max(last.saturating_add(1)));
        let before = match self
            .last
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, step)
        {
            Ok(before) | Err(before) => before,
        };
        Id::from_raw(floor.max(before.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Thing;
    impl Named for Thing {
        const PREFIX: &'static str = "thg";
    }

    #[test]
    fn ids_grow_when_the_clock_jumps_back() {
        let ids = Ids::after(0);
        let later: Id<Thing> = ids.next("2026-11-23T08:00:00Z".parse().unwrap());
        let earlier: Id<Thing> = ids.next("2020-01-01T00:00:00Z".parse().unwrap());
        assert!(earlier > later);
    }

    #[test]
    fn ids_grow_across_a_restart() {
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        let first: Id<Thing> = Ids::after(0).next(now);
        let second: Id<Thing> = Ids::after(first.raw()).next(now);
        assert!(second > first);
    }

    #[test]
    fn a_foreign_prefix_is_refused() {
        let error = "sig_01jd3k9x8q2r0".parse::<Id<Thing>>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sig_01jd3k9x8q2r0` is not an identifier that begins with `thg_`"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(raw in 0..i64::MAX) {
            let id: Id<Thing> = Id::from_raw(raw);
            prop_assert_eq!(id.to_string().parse::<Id<Thing>>().unwrap(), id);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
            let _ = text.parse::<Id<Thing>>();
        }
    }
}
