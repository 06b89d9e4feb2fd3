//! Two sides of a replay, as an admin thinks of them: which alerts appear, vanish, or are another.

use std::collections::{BTreeMap, VecDeque};

use crate::alert::Alert;

/// An alert that one side made, and whether somebody was called for it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) alert: Box<Alert>,
    pub(super) paged: bool,
}

/// An alert on both sides, or on one.
#[derive(Debug)]
pub(super) enum Pair {
    Vanishes(Seen),
    Appears(Seen),
    Both { before: Seen, after: Seen },
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Vanishes,
    Appears,
    Severity,
    Text,
    Same,
}

impl What {
    /// All that is a difference, with its word.
    pub(super) const DIFFERENT: [(Self, &'static str); 4] = [
        (Self::Vanishes, "vanishes"),
        (Self::Appears, "appears"),
        (Self::Severity, "severity"),
        (Self::Text, "text"),
    ];

    pub(super) fn as_str(self) -> &'static str {
        let known = Self::DIFFERENT.iter().find(|(what, _)| *what == self);
        known.map_or("same", |(_, word)| word)
    }
}

impl Pair {
    /// What is shown of it: as it is after, else as it was.
    pub(super) fn shown(&self) -> &Seen {
        match self {
            Self::Vanishes(seen) | Self::Appears(seen) | Self::Both { after: seen, .. } => seen,
        }
    }

    pub(super) fn before(&self) -> Option<&Seen> {
        match self {
            Self::Vanishes(seen) | Self::Both { before: seen, .. } => Some(seen),
            Self::Appears(_) => None,
        }
    }

    pub(super) fn after(&self) -> Option<&Seen> {
        match self {
            Self::Appears(seen) | Self::Both { after: seen, .. } => Some(seen),
            Self::Vanishes(_) => None,
        }
    }

    pub(super) fn what(&self) -> What {
        match self {
            Self::Vanishes(_) => What::Vanishes,
            Self::Appears(_) => What::Appears,
            Self::Both { before, after } => {
                let (before, after) = (&before.alert, &after.alert);
                if before.severity != after.severity {
                    What::Severity
                } else if before.title != after.title
                    || before.summary != after.summary
                    || before.fields != after.fields
                    || before.model != after.model
                {
                    What::Text
                } else {
                    What::Same
                }
            }
        }
    }
}

/// Pairs the alerts of both sides, each in the order in which they opened: of one key those that were
/// open at the same time.
pub(super) fn pairs(before: Vec<Seen>, after: Vec<Seen>) -> Vec<Pair> {
    let mut left: BTreeMap<String, VecDeque<Seen>> = BTreeMap::new();
    for seen in before {
        let of_key = left.entry(seen.alert.key.clone()).or_default();
        of_key.push_back(seen);
    }
    let mut pairs = Vec::new();
    for after in after {
        let of_key = left.entry(after.alert.key.clone()).or_default();
        while let Some(gone) = of_key.pop_front_if(|before| is_over(&before.alert, &after.alert)) {
            pairs.push(Pair::Vanishes(gone));
        }
        let same = of_key.pop_front_if(|before| !is_over(&after.alert, &before.alert));
        pairs.push(match same {
            Some(before) => Pair::Both { before, after },
            None => Pair::Appears(after),
        });
    }
    pairs.extend(left.into_values().flatten().map(Pair::Vanishes));
    pairs.sort_by_key(|pair| (pair.shown().alert.first_seen, pair.what()));
    pairs
}

/// Whether `alert` was over before `other` opened.
fn is_over(alert: &Alert, other: &Alert) -> bool {
    let closed = alert.closed.as_ref();
    closed.is_some_and(|closed| closed.at < other.first_seen)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An alert of `key` that was open in these minutes of an hour.
    fn seen(key: &str, from: u32, to: Option<u32>, severity: &str) -> Seen {
        let at = |minute: u32| format!("2026-11-23T08:{minute:02}:00Z");
        let alert = json!({
            "id": "alt_1m81m3s2r0000", "revision": 1, "state": "open", "mapping": "m", "key": key,
            "kind": "feature-drift", "severity": severity, "title": key, "at": at(from), "revised_at": at(from),
            "first_seen": at(from), "last_seen": at(from), "count": 1, "model": {}, "measured": {},
            "fields": {}, "evidence": {}, "links": [], "contain": [],
            "origin": { "connection": "c", "connector": "c", "host": "h" }, "signal": "sig_1m81m3s2r0000",
            "closed": to.map(|to| json!({ "at": at(to), "how": "recovered" })), "notes": [], "told": [],
        });
        Seen {
            alert: Box::new(serde_json::from_value(alert).unwrap()),
            paged: false,
        }
    }

    fn whats(before: Vec<Seen>, after: Vec<Seen>) -> Vec<(String, &'static str)> {
        let pairs = pairs(before, after);
        let one = |pair: &Pair| (pair.shown().alert.key.clone(), pair.what().as_str());
        pairs.iter().map(one).collect()
    }

    #[test]
    fn alerts_of_one_key_are_the_same_when_they_were_open_together() {
        let table = [
            // Opens later: the same alert.
            (vec![(1, Some(20))], vec![(5, Some(20))], vec!["same"]),
            // The first no longer opens.
            (
                vec![(1, Some(5)), (10, None)],
                vec![(10, None)],
                vec!["vanishes", "same"],
            ),
            // One before is two now, because it closes in between.
            (
                vec![(1, None)],
                vec![(1, Some(5)), (10, None)],
                vec!["same", "appears"],
            ),
            (vec![], vec![(1, None)], vec!["appears"]),
            (vec![(1, None)], vec![], vec!["vanishes"]),
        ];
        for (before, after, wanted) in table {
            let side = |spans: &[(u32, Option<u32>)]| {
                let one = |(from, to): &(u32, Option<u32>)| seen("a", *from, *to, "high");
                spans.iter().map(one).collect()
            };
            let found = whats(side(&before), side(&after));
            let found: Vec<&str> = found.iter().map(|(_, what)| *what).collect();
            assert_eq!(found, wanted, "{before:?} {after:?}");
        }
    }

    #[test]
    fn another_severity_and_another_text_are_told_apart() {
        let mut renamed = seen("b", 1, None, "high");
        renamed.alert.title = "other".to_owned();
        let before = vec![seen("a", 1, None, "high"), seen("b", 1, None, "high")];
        let after = vec![seen("a", 1, None, "low"), renamed];
        let found = whats(before, after);
        assert_eq!(
            found,
            [("a".to_owned(), "severity"), ("b".to_owned(), "text")]
        );
    }
}
