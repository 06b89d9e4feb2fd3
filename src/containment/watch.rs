//! Which actions are in force, and when each is looked at again.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::action::{Action, ActionId};
use crate::catalog::Catalog;

/// How soon an action whose manifest asks for no looks is considered again: its files may have changed.
const NO_HOLD: Duration = Duration::from_mins(5);

/// What is in force.
#[derive(Debug, Default)]
pub(super) struct Watch {
    in_force: BTreeMap<ActionId, Watched>,
}

#[derive(Debug)]
struct Watched {
    action: String,
    /// By the clock that never jumps.
    next: Duration,
}

impl Watch {
    /// Notes an action as it now is: in force, to be looked at after its interval; or not.
    pub(super) fn note(&mut self, action: &Action, catalog: &Catalog, now: Duration) {
        if !action.is_in_force() {
            self.in_force.remove(&action.id);
            return;
        }
        let watched = Watched {
            next: now.saturating_add(every(catalog, &action.action).unwrap_or(NO_HOLD)),
            action: action.action.clone(),
        };
        self.in_force.insert(action.id, watched);
    }

    /// It is not in force any more.
    pub(super) fn forget(&mut self, id: ActionId) {
        self.in_force.remove(&id);
    }

    /// Not to be looked at for another interval, whatever came of it.
    pub(super) fn put_off(&mut self, id: ActionId, catalog: &Catalog, now: Duration) {
        if let Some(watched) = self.in_force.get_mut(&id) {
            watched.next = now.saturating_add(every(catalog, &watched.action).unwrap_or(NO_HOLD));
        }
    }

    /// Those to be looked at now, whoever waits longest first.
    pub(super) fn due(&mut self, catalog: &Catalog, now: Duration) -> Vec<ActionId> {
        let mut due = Vec::new();
        for (id, watched) in &mut self.in_force {
            if watched.next > now {
                continue;
            }
            if every(catalog, &watched.action).is_some() {
                due.push((watched.next, *id));
            } else {
                watched.next = now.saturating_add(NO_HOLD);
            }
        }
        due.sort_unstable();
        due.into_iter().map(|(_, id)| id).collect()
    }
}

fn every(catalog: &Catalog, action: &str) -> Option<Duration> {
    let (_, rule) = catalog.action(action)?;
    rule.hold.as_ref().map(|hold| hold.every)
}
