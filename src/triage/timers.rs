//! What happens to an open alert although no signal comes: it goes quiet, or is said again.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::retire::retire;
use super::revise::{Why, revise, still_quiet_at};
use super::settle::over;
use crate::alert::{Closed, ClosedHow, State};
use crate::catalog::Catalog;
use crate::live::Live;
use crate::store::{self, Tx};

/// How many alerts one transaction looks after.
const AT_ONCE: u32 = 200;
/// How often the clock is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// The two clocks parted by so much: the time of day jumped.
const JUMP: SignedDuration = SignedDuration::from_secs(1);

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
        let quiet_at = still_quiet_at(tx, catalog, &known)?;
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
    let mut apart = apart_from_steady(&live);
    let mut swapped = live.swapped.listen();
    // Files may have changed while the daemon was down.
    let mut may_have_retired = true;
    loop {
        tokio::select! {
            biased;
            () = live.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let apart_now = apart_from_steady(&live);
        if (apart_now - apart).abs() >= JUMP {
            apart = apart_now;
            jumped(&live).await;
        }
        if swapped.has_changed() {
            swapped.catch_up();
            may_have_retired = true;
        }
        if may_have_retired {
            match retire(&live).await {
                Ok(_) => may_have_retired = false,
                Err(error) => {
                    tracing::warn!(%error, "alerts of retired mappings could not be closed; trying again");
                }
            }
        }
        let now = live.clock.now();
        let next = live.store.read(|reader| reader.next_timer()).await;
        if !matches!(next, Ok(Some(next)) if next <= now) {
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

/// How far the time of day is from the clock that never jumps.
fn apart_from_steady(live: &Live) -> SignedDuration {
    let steady = SignedDuration::try_from(live.clock.steady()).unwrap_or(SignedDuration::MAX);
    live.clock
        .now()
        .duration_since(Timestamp::UNIX_EPOCH)
        .saturating_sub(steady)
}

/// The store moves its deadlines with the next write, which may be far off; then those who wait for one look anew.
pub(super) async fn jumped(live: &Live) {
    if let Err(error) = live.store.write(|_| Ok(())).await {
        tracing::warn!(%error, "deadlines could not follow the time of day yet");
    }
    live.owed.ring();
    live.look_ups.ring();
}
