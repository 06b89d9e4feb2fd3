//! What the store and the destinations say when it is over: what is lost, and what came twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use andon::alert::AlertId;
use rusqlite::Connection;

use crate::load::Accepted;
use crate::receiver::{Kind, Receiver, Seen};
use crate::support::{Outcome, until};

/// What a run came to.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Sentences; none when all is well.
    pub broken: Vec<String>,
    pub lost: usize,
    pub alerts: usize,
    pub revisions: usize,
    pub dead: usize,
    pub sightings: usize,
    pub twice: usize,
    /// Of those, after an answer that never reached the daemon.
    pub after_a_lost_answer: usize,
}

/// A sentence is not said more often than this.
const MOST: usize = 5;

fn store(folder: &Path) -> Outcome<Connection> {
    Ok(Connection::open(folder.join("data/andon.db"))?)
}

/// No trouble any more: waits until everything owed is delivered.
pub fn delivered(folder: &Path, receivers: &[&Receiver], within: Duration) -> Outcome<()> {
    for receiver in receivers {
        receiver.calm.store(true, Ordering::SeqCst);
    }
    until("everything owed is delivered", within, || {
        Ok((owed(folder)? == 0).then_some(()))
    })
}

/// How many deliveries are owed now. The daemon may be running.
pub fn owed(folder: &Path) -> Outcome<u64> {
    let count = store(folder)?.query_row("SELECT count(*) FROM outbox", [], |row| {
        row.get::<_, i64>(0)
    })?;
    Ok(u64::try_from(count)?)
}

/// Since how many seconds the oldest delivery is owed.
pub fn oldest(folder: &Path) -> Outcome<f64> {
    Ok(store(folder)?.query_row(
        "SELECT coalesce(max(unixepoch('subsec') - owed_ms / 1000.0), 0.0) FROM outbox",
        [],
        |row| row.get(0),
    )?)
}

/// Of these numbers, the signals that the store does not have.
pub fn lost(folder: &Path, ids: &[u64]) -> Outcome<Vec<u64>> {
    let store = store(folder)?;
    let mut all = store.prepare("SELECT vendor_id FROM signals")?;
    let kept: BTreeSet<String> = all
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(ids
        .iter()
        .filter(|id| !kept.contains(&format!("s{id}")))
        .copied()
        .collect())
}

/// Asks everything. The daemon must not be running.
pub fn of(folder: &Path, accepted: &Accepted, receivers: &[&Receiver]) -> Outcome<Verdict> {
    let mut verdict = Verdict::default();
    for id in lost(folder, &accepted.ids)? {
        verdict.lost += 1;
        verdict
            .broken
            .push(format!("s{id} was answered 202 and is lost"));
    }
    let store = store(folder)?;
    let mut counts = store.prepare(
        "SELECT json_extract(revisions.json, '$.fields.key'), sum(alerts.count), count(*)
         FROM alerts JOIN revisions ON revisions.id = alerts.revision
         WHERE alerts.mapping = 'platform-event' GROUP BY 1",
    )?;
    let mut counted: BTreeMap<String, u64> =
        accepted.counts.keys().map(|key| (key.clone(), 0)).collect();
    for row in counts.query_map([], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    })? {
        let (key, count, alerts): (String, i64, i64) = row?;
        counted.insert(key, u64::try_from(count)?);
        verdict.alerts += usize::try_from(alerts)?;
    }
    for (key, count) in &counted {
        let expected = accepted.counts.get(key).copied().unwrap_or(0);
        if *count != expected {
            verdict.broken.push(format!(
                "the alerts of {key} count {count}, accepted were {expected}"
            ));
        }
    }
    let mut rows = store.prepare("SELECT alert, number FROM revisions")?;
    let revisions: BTreeSet<(String, u32)> = rows
        .query_map([], |row| {
            Ok((AlertId::from_raw(row.get(0)?).to_string(), row.get(1)?))
        })?
        .collect::<Result<_, _>>()?;
    verdict.revisions = revisions.len();
    verdict.dead = usize::try_from(store.query_row(
        "SELECT count(*) FROM dead_letters",
        [],
        |row| row.get::<_, i64>(0),
    )?)?;
    let mut rows = store.prepare("SELECT id FROM alerts WHERE open = 1")?;
    let open: BTreeSet<String> = rows
        .query_map([], |row| Ok(AlertId::from_raw(row.get(0)?).to_string()))?
        .collect::<Result<_, _>>()?;
    for receiver in receivers {
        let seen = receiver.seen.lock().map_err(|_| "a receiver panicked")?;
        match receiver.kind {
            Kind::Log => log_has_all_in_order(&revisions, &seen, &mut verdict),
            Kind::Pager => pager_never_goes_back(&open, &seen, &mut verdict),
        }
        twice_only_where_it_could_not_be_known(receiver.kind, &seen, &mut verdict);
        nothing_is_told_that_is_not_kept(&revisions, &seen, &mut verdict);
        verdict.sightings += seen.len();
    }
    verdict.broken.truncate(40);
    Ok(verdict)
}

fn log_has_all_in_order(revisions: &BTreeSet<(String, u32)>, seen: &[Seen], verdict: &mut Verdict) {
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    for event in seen {
        let known = last.entry(&event.alert).or_default();
        if event.revision > *known + 1 {
            verdict.broken.push(format!(
                "the log got {}-{} after {known}",
                event.alert, event.revision
            ));
        }
        *known = (*known).max(event.revision);
    }
    let got: BTreeSet<(String, u32)> = seen
        .iter()
        .map(|event| (event.alert.clone(), event.revision))
        .collect();
    for (alert, revision) in revisions.difference(&got).take(MOST) {
        verdict
            .broken
            .push(format!("the log never got {alert}-{revision}"));
    }
}

/// What opened and closed before the pager heard of it is none of its business; what is open is.
fn pager_never_goes_back(open: &BTreeSet<String>, seen: &[Seen], verdict: &mut Verdict) {
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    for event in seen {
        let known = last.entry(&event.alert).or_default();
        if event.revision < *known {
            verdict.broken.push(format!(
                "the pager got {}-{} after {known}",
                event.alert, event.revision
            ));
        }
        *known = event.revision;
    }
    for alert in open
        .iter()
        .filter(|alert| !last.contains_key(alert.as_str()))
        .take(MOST)
    {
        verdict
            .broken
            .push(format!("the pager never heard of {alert}"));
    }
}

fn twice_only_where_it_could_not_be_known(kind: Kind, seen: &[Seen], verdict: &mut Verdict) {
    let mut last: BTreeMap<(&str, u32), &Seen> = BTreeMap::new();
    for event in seen {
        if let Some(before) = last.insert((&event.alert, event.revision), event) {
            verdict.twice += 1;
            if !before.answered {
                verdict.after_a_lost_answer += 1;
            } else if before.life == event.life {
                let who = if kind == Kind::Log { "log" } else { "pager" };
                verdict.broken.push(format!(
                    "the {who} got {}-{} twice in one life, though it had said that it took it",
                    event.alert, event.revision
                ));
            }
        }
    }
}

fn nothing_is_told_that_is_not_kept(
    revisions: &BTreeSet<(String, u32)>,
    seen: &[Seen],
    verdict: &mut Verdict,
) {
    for event in seen {
        if !revisions.contains(&(event.alert.clone(), event.revision)) {
            verdict.broken.push(format!(
                "{}-{} was told and is not in the store",
                event.alert, event.revision
            ));
        }
    }
}
