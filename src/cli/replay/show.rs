//! A replay's outcome, for a person and for a script.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value as Json, json};

use super::compare::{Pair, Seen, What};
use super::side::Unsaid;
use crate::cli::shown;

/// Differences that are told one by one; `--format json` has all of them.
const MOST: usize = 20;
/// Days and models that are told.
const MOST_GROUPS: usize = 31;

/// What was compared.
#[derive(Debug)]
pub(super) struct Compared {
    pub(super) before: String,
    pub(super) after: String,
    pub(super) since: Timestamp,
    pub(super) signals: u64,
    pub(super) unsaid: [Unsaid; 2],
    /// Only false positives: how many there are.
    pub(super) false_positives: Option<usize>,
}

/// How often each thing happened on each side.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    alerts: u64,
    pages: u64,
    offers: u64,
}

fn totals<'p>(seen: impl Iterator<Item = &'p Seen>) -> Totals {
    let mut totals = Totals::default();
    for one in seen {
        totals.alerts += 1;
        totals.pages += u64::from(one.paged);
        totals.offers += u64::from(!one.alert.contain.is_empty());
    }
    totals
}

fn day(seen: &Seen) -> String {
    let at = seen.alert.first_seen.to_zoned(TimeZone::UTC);
    at.date().to_string()
}

fn model(seen: &Seen) -> String {
    let name = seen.alert.model.get("name").and_then(Json::as_str);
    name.map_or_else(|| "(no model)".to_owned(), shown::text)
}

type Groups = BTreeMap<String, BTreeMap<What, u64>>;

fn groups(pairs: &[Pair], of: impl Fn(&Seen) -> String) -> Groups {
    let mut groups = Groups::new();
    for pair in pairs.iter().filter(|pair| pair.what() != What::Same) {
        let counts = groups.entry(of(pair.shown())).or_default();
        *counts.entry(pair.what()).or_default() += 1;
    }
    groups
}

/// For a person.
pub(super) fn text(compared: &Compared, pairs: &[Pair]) -> String {
    let mut text = format!(
        "{} signals since {}\nbefore: {}\nafter:  {}\n",
        shown::count(usize::try_from(compared.signals).unwrap_or(usize::MAX)),
        shown::seconds(compared.since),
        compared.before,
        compared.after
    );
    if let Some(count) = compared.false_positives {
        let _ = writeln!(
            text,
            "only alerts that were closed as false positives: {count}"
        );
    }
    text.push('\n');
    let before = totals(pairs.iter().filter_map(Pair::before));
    let after = totals(pairs.iter().filter_map(Pair::after));
    let row = |what: &str, before: u64, after: u64| {
        vec![what.to_owned(), before.to_string(), after.to_string()]
    };
    text.push_str(&shown::table(
        &["", "BEFORE", "AFTER"],
        &[
            row("alerts", before.alerts, after.alerts),
            row("somebody was called", before.pages, after.pages),
            row("containment was offered", before.offers, after.offers),
        ],
    ));
    let different: Vec<&Pair> = pairs
        .iter()
        .filter(|pair| pair.what() != What::Same)
        .collect();
    if different.is_empty() {
        text.push_str("\nno alert is another\n");
    } else {
        for (title, groups) in [("DAY", groups(pairs, day)), ("MODEL", groups(pairs, model))] {
            text.push('\n');
            text.push_str(&grouped(title, &groups));
        }
        text.push('\n');
        let lines: Vec<Vec<String>> = different.iter().take(MOST).map(|pair| line(pair)).collect();
        text.push_str(&shown::table(
            &["", "SEVERITY", "OPENED", "MAPPING", "ALERT"],
            &lines,
        ));
        if different.len() > MOST {
            let more = different.len() - MOST;
            let _ = writeln!(text, "… {more} more; --format json has all of them");
        }
    }
    text.push_str(&unsaid(&compared.unsaid));
    text
}

fn grouped(title: &str, groups: &Groups) -> String {
    let heads: Vec<String> = What::DIFFERENT
        .iter()
        .map(|(_, word)| word.to_uppercase())
        .collect();
    let mut all = vec![title];
    all.extend(heads.iter().map(String::as_str));
    let rows: Vec<Vec<String>> = groups
        .iter()
        .take(MOST_GROUPS)
        .map(|(name, counts)| {
            let mut row = vec![name.clone()];
            row.extend(What::DIFFERENT.iter().map(|(what, _)| {
                let count = counts.get(what).copied().unwrap_or(0);
                count.to_string()
            }));
            row
        })
        .collect();
    let mut text = shown::table(&all, &rows);
    if groups.len() > MOST_GROUPS {
        let _ = writeln!(text, "… {} more", groups.len() - MOST_GROUPS);
    }
    text
}

fn line(pair: &Pair) -> Vec<String> {
    let alert = &pair.shown().alert;
    let severity = match pair {
        Pair::Both { before, after } if before.alert.severity != after.alert.severity => {
            format!("{} → {}", before.alert.severity, after.alert.severity)
        }
        _ => alert.severity.to_string(),
    };
    let title = match pair {
        Pair::Both { before, after } if before.alert.title != after.alert.title => format!(
            "{} → {}",
            shown::text(&before.alert.title),
            shown::text(&after.alert.title)
        ),
        _ => shown::text(&alert.title),
    };
    vec![
        pair.what().as_str().to_owned(),
        severity,
        shown::seconds(alert.first_seen),
        shown::text(&alert.mapping),
        title,
    ]
}

/// What nobody can say, which is not the same as nothing.
fn unsaid([before, after]: &[Unsaid; 2]) -> String {
    let mut text = String::new();
    let names = |of: fn(&Unsaid) -> &BTreeMap<String, u64>| -> BTreeSet<String> {
        of(before).keys().chain(of(after).keys()).cloned().collect()
    };
    for mapping in names(|unsaid| &unsaid.look_up) {
        let count = |side: &Unsaid| side.look_up.get(&mapping).copied().unwrap_or(0);
        let _ = writeln!(
            text,
            "\nnot known: `{mapping}` looks something up, and what it found then is not kept: {} signals before, {} after",
            count(before),
            count(after)
        );
    }
    for mapping in names(|unsaid| &unsaid.stuck) {
        let count = |side: &Unsaid| side.stuck.get(&mapping).copied().unwrap_or(0);
        let _ = writeln!(
            text,
            "\nstuck: `{mapping}` fails on {} signals before, on {} after; `andon explain {mapping} last` shows why",
            count(before),
            count(after)
        );
    }
    text
}

/// For a script.
pub(super) fn json(compared: &Compared, pairs: &[Pair]) -> Json {
    let side = |seen: Totals, unsaid: &Unsaid, name: &str| {
        json!({
            "files": name,
            "alerts": seen.alerts,
            "paged": seen.pages,
            "offered_containment": seen.offers,
            "stuck": unsaid.stuck,
            "needs_look_up": unsaid.look_up,
        })
    };
    let alert = |seen: &Seen| {
        let alert = &seen.alert;
        json!({
            "severity": alert.severity,
            "title": alert.title,
            "summary": alert.summary,
            "fields": alert.fields,
            "count": alert.count,
            "opened": alert.first_seen,
            "closed": alert.closed,
            "paged": seen.paged,
            "contain": alert.contain.iter().map(|offer| &offer.action).collect::<Vec<_>>(),
        })
    };
    let differences: Vec<Json> = pairs
        .iter()
        .filter(|pair| pair.what() != What::Same)
        .map(|pair| {
            let shown = pair.shown();
            json!({
                "what": pair.what().as_str(),
                "mapping": shown.alert.mapping,
                "key": shown.alert.key,
                "model": shown.alert.model,
                "day": day(shown),
                "before": pair.before().map(alert),
                "after": pair.after().map(alert),
            })
        })
        .collect();
    let [unsaid_before, unsaid_after] = &compared.unsaid;
    let before = totals(pairs.iter().filter_map(Pair::before));
    let after = totals(pairs.iter().filter_map(Pair::after));
    json!({
        "signals": compared.signals,
        "since": compared.since,
        "false_positives": compared.false_positives,
        "before": side(before, unsaid_before, &compared.before),
        "after": side(after, unsaid_after, &compared.after),
        "differences": differences,
    })
}
