//! What happens to an open alert although no signal comes: it goes quiet, or is said again.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::revise::{Why, revise};
use super::settle::over;
use crate::alert::{Closed, ClosedHow, State};
use crate::catalog::Catalog;
use crate::live::Live;
use crate::store::{self, Tx};

/// How many alerts one transaction looks after.
const AT_ONCE: u32 = 200;
/// How often the clock is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Closes what has gone quiet and repeats what is to be repeated, as of `now`. Gives how many.
///
/// # Errors
/// When the store fails.
pub fn due(tx: &mut Tx<'_>, catalog: &Catalog, now: Timestamp) -> Result<usize, store::Error> {
    let mut done = 0;
    for id in tx.quiet_due(now, AT_ONCE)? {
        let Some(known) = tx.alert(id)?.filter(|alert| alert.state != State::Resolved) else {
            continue;
        };
        let mut alert = known.as_ref().clone();
        over(
            &mut alert,
            Closed {
                at: now,
                how: ClosedHow::Quiet,
                by: None,
            },
        );
        revise(tx, catalog, alert, Why::Resolved, now, None)?;
        done += 1;
    }
    for id in tx.repeat_due(now, AT_ONCE)? {
        let Some(known) = tx.alert(id)?.filter(|alert| alert.state != State::Resolved) else {
            continue;
        };
        let quiet_at = catalog
            .mappings
            .get(&known.mapping)
            .and_then(|mapping| super::revise::quiet_at(mapping, known.last_seen));
        let mut alert = known.as_ref().clone();
        alert.revision += 1;
        alert.state = State::Updated;
        revise(tx, catalog, alert, Why::Repeated, now, quiet_at)?;
        done += 1;
    }
    Ok(done)
}

/// Looks after open alerts until the daemon stops.
pub async fn run(live: Arc<Live>) {
    loop {
        tokio::select! {
            () = live.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let now = live.clock.now();
        let waiting = live.store.read(move |reader| reader.timers_due(now)).await;
        if !matches!(waiting, Ok(true)) {
            continue;
        }
        let snapshot = live.snapshot();
        match live
            .store
            .write(move |tx| due(tx, &snapshot.catalog, now))
            .await
        {
            Ok(0) => {}
            Ok(_) => live.owed.ring(),
            Err(error) => tracing::warn!(%error, "alerts could not be looked after; trying again"),
        }
    }
}
