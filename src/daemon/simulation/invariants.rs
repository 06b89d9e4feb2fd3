//! What has to hold after every run, whatever went wrong in it.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};

use super::end::{BULK, End, LOG, PAGER};
use super::plan::Request;
use super::run::Tally;
use super::world::{Death, State};
use crate::alert::{Alert, State as Stands};
use crate::store::{DeadLetter, Waiting};

/// What the store says at the end.
pub(super) struct Evidence {
    /// Each with its revisions.
    pub(super) alerts: Vec<(Alert, Vec<Alert>)>,
    pub(super) dead: Vec<DeadLetter>,
    /// What was acknowledged and is not there.
    pub(super) missing: Vec<String>,
    pub(super) waiting: Vec<Waiting>,
}

impl Evidence {
    fn dead_of(&self, destination: &str) -> BTreeSet<(String, u32)> {
        self.dead
            .iter()
            .filter(|letter| letter.destination == destination)
            .map(|letter| (letter.revision.alert.to_string(), letter.revision.number))
            .collect()
    }
}

/// All that does not hold.
pub(super) fn all(state: &State, plan: &[Request], evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    everything_acknowledged_is_kept(evidence, &mut broken);
    counts_equal_what_was_accepted(plan, evidence, &mut broken);
    for (name, end) in &state.ends {
        everything_owed_was_taken_or_is_dead(name, end, evidence, &mut broken);
        revisions_come_in_order(name, end, evidence, &mut broken);
        nothing_is_delivered_that_is_not_kept(name, end, evidence, &mut broken);
        twice_only_where_an_answer_or_a_mark_was_lost(name, end, &state.deaths, &mut broken);
        one_event_has_one_body(name, end, &mut broken);
        bounds_hold(name, end, &mut broken);
    }
    broken
}

/// Promise 1: what was answered 202 is in the store, whatever happened since.
fn everything_acknowledged_is_kept(evidence: &Evidence, broken: &mut Vec<String>) {
    for said in &evidence.missing {
        broken.push(format!("{said} was answered 202 and is lost"));
    }
}

/// Each signal counts once in an alert of its key, however often it was sent.
fn counts_equal_what_was_accepted(plan: &[Request], evidence: &Evidence, broken: &mut Vec<String>) {
    let mut accepted: BTreeMap<&str, u64> = BTreeMap::new();
    for said in plan.iter().flat_map(|request| &request.signals) {
        *accepted.entry(&said.key).or_default() += u64::from(!said.over);
    }
    let mut counted: BTreeMap<&str, u64> = accepted.keys().map(|key| (*key, 0)).collect();
    for (alert, _) in &evidence.alerts {
        let key = alert.fields["key"].as_str().unwrap_or_default();
        *counted.entry(key).or_default() += alert.count;
    }
    if counted != accepted {
        broken.push(format!(
            "the alerts count {counted:?}, accepted were {accepted:?}"
        ));
    }
}

/// Promise 2: a log gets every revision, a pager the last state; what is refused is a dead letter.
fn everything_owed_was_taken_or_is_dead(
    name: &str,
    end: &End,
    evidence: &Evidence,
    broken: &mut Vec<String>,
) {
    let dead = evidence.dead_of(name);
    let taken: BTreeSet<(&str, Option<u32>)> = end
        .taken
        .iter()
        .map(|taken| (taken.alert.as_str(), taken.revision))
        .collect();
    for (alert, revisions) in &evidence.alerts {
        let id = alert.id.to_string();
        if name == PAGER {
            let over = alert.state == Stands::Resolved;
            let mut of_it = end
                .taken
                .iter()
                .filter(|taken| taken.alert == id)
                .peekable();
            // What opened and closed before the pager heard of it is none of its business.
            let told = (over && of_it.peek().is_none())
                || of_it.any(|taken| taken.revision.is_none() == over);
            let refused = dead
                .iter()
                .any(|(dead, number)| *dead == id && (!over || *number == alert.revision));
            if !told && !refused {
                broken.push(format!(
                    "{name} was not told how {id} stands, which is {:?}",
                    alert.state
                ));
            }
            continue;
        }
        for revision in revisions {
            let number = revision.revision;
            if !taken.contains(&(&id, Some(number))) && !dead.contains(&(id.clone(), number)) {
                broken.push(format!("{name} never got {id}-{number}"));
            }
        }
    }
}

/// Promise 3: of each alert a log first sees a revision after all before it, save those it had refused
/// (that it did is forgotten with an unsynced mark; it is asked again then); a pager never sees an
/// older one after a newer one, nor anything after the end.
fn revisions_come_in_order(name: &str, end: &End, evidence: &Evidence, broken: &mut Vec<String>) {
    let mut dead = evidence.dead_of(name);
    let mut refused = end.refused.iter().peekable();
    let mut seen: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for (at, taken) in end.taken.iter().enumerate() {
        while let Some((_, alert, number)) = refused.next_if(|(before, ..)| *before <= at) {
            dead.extend(number.map(|number| (alert.clone(), number)));
        }
        let before = seen.entry(&taken.alert).or_default();
        // A pager's end comes after everything.
        let number = taken.revision.unwrap_or(u32::MAX);
        if name == PAGER {
            if let Some(newer) = before.last().filter(|newer| **newer > number) {
                broken.push(format!("{name} got {}-{number} after {newer}", taken.alert));
            }
        } else if !before.contains(&number) {
            for earlier in 1..number {
                if !before.contains(&earlier) && !dead.contains(&(taken.alert.clone(), earlier)) {
                    broken.push(format!(
                        "{name} got {}-{number} before {earlier}",
                        taken.alert
                    ));
                }
            }
        }
        before.insert(number);
    }
}

/// Nothing is told to anybody that a crash can take back: each revision that a destination saw is in
/// the store at the end, and each alert has its signal.
fn nothing_is_delivered_that_is_not_kept(
    name: &str,
    end: &End,
    evidence: &Evidence,
    broken: &mut Vec<String>,
) {
    let kept: BTreeMap<String, u32> = evidence
        .alerts
        .iter()
        .map(|(alert, _)| (alert.id.to_string(), alert.revision))
        .collect();
    for taken in &end.taken {
        let known = kept.get(&taken.alert);
        if known.is_none_or(|last| taken.revision.is_some_and(|number| number > *last)) {
            broken.push(format!(
                "{name} got {}-{:?}, which the store does not know",
                taken.alert, taken.revision
            ));
        }
    }
}

/// Promise 3: at least once, and twice only where Andon could not know: the answer was lost, or the
/// mark that rides on the next commit was, with the power.
fn twice_only_where_an_answer_or_a_mark_was_lost(
    name: &str,
    end: &End,
    deaths: &[Death],
    broken: &mut Vec<String>,
) {
    let mut last: BTreeMap<(&str, Option<u32>), usize> = BTreeMap::new();
    for (at, taken) in end.taken.iter().enumerate() {
        if let Some(before) = last.insert((&taken.alert, taken.revision), at) {
            let first = &end.taken[before];
            let mark_lost = deaths[first.life..taken.life]
                .iter()
                .any(|death| !matches!(death, Death::Stopped { faults: 0 }));
            if first.answered && !mark_lost {
                broken.push(format!(
                    "{name} got {}-{:?} twice, though it had said that it took it",
                    taken.alert, taken.revision
                ));
            }
        }
    }
}

/// Promise 3: every event carries a stable id; what is sent again under one id says the same.
fn one_event_has_one_body(name: &str, end: &End, broken: &mut Vec<String>) {
    let mut bodies: BTreeMap<(&str, Option<u32>), u64> = BTreeMap::new();
    for taken in &end.taken {
        let known = *bodies
            .entry((&taken.alert, taken.revision))
            .or_insert(taken.body);
        if known != taken.body {
            broken.push(format!(
                "{name} got two bodies for {}-{:?}",
                taken.alert, taken.revision
            ));
        }
    }
}

/// Four batches of a log are under way at once, one of a pager, and no more.
fn bounds_hold(name: &str, end: &End, broken: &mut Vec<String>) {
    let most = match name {
        LOG | BULK => 4,
        _ => 1,
    };
    if end.most_at_once > most {
        broken.push(format!("{name} had {} requests at once", end.most_at_once));
    }
}

/// Adds up what a run was about.
pub(super) fn count(state: &State, plan: &[Request], evidence: &Evidence, tally: &mut Tally) {
    let number = |length: usize| u64::try_from(length).unwrap();
    tally.signals = number(plan.iter().map(|request| request.signals.len()).sum());
    tally.dead = number(evidence.dead.len());
    for end in state.ends.values() {
        let events: BTreeSet<_> = end
            .taken
            .iter()
            .map(|taken| (&taken.alert, taken.revision))
            .collect();
        tally.requests += end.requests;
        tally.sent += number(end.taken.len());
        tally.twice += number(end.taken.len() - events.len());
    }
}

/// Tells two stories apart.
pub(super) fn digest(story: &[String]) -> u64 {
    let mut digest = DefaultHasher::new();
    story.hash(&mut digest);
    digest.finish()
}
