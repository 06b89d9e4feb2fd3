//! The time of day can jump. Deadlines that are kept as time of day move with it, so that each still comes
//! after the span it was given: no alert goes quiet early, no delivery is stuck.
//!
//! The time limits of actions are promised as a time of day, and stay; containment keeps them by both
//! clocks. What decides this is in `docs/decisions/0010-clock-jumps.md`.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _};

use super::columns::{from_ms, ms};
use super::due::PARKED;
use super::error::{Error, failed};
use super::memory::made_ms;
use super::tx::Tx;
use crate::alert::AlertId;
use crate::clock::Clock;

/// Milliseconds by which the two clocks may part before it is a jump.
const NOTICED: i64 = 2_000;
/// After a restart under a clock that went back, no delivery or look-up is put off for longer, in milliseconds.
const AFTER_RESTART: i64 = 60 * 60 * 1000;

/// The name of the fact that says to what time of day it jumped last. Identifiers say what time it was only
/// where something was given one.
const JUMPED_TO: &str = "jumped_to_ms";

/// How far the time of day is from the clock that never jumps.
pub(super) struct Watch {
    apart: i64,
}

impl Watch {
    pub(super) fn new(clock: &Clock) -> Self {
        Self {
            apart: apart(clock),
        }
    }

    /// How far the time of day jumped since it was last followed, in milliseconds; forward is positive.
    pub(super) fn jumped(&self, clock: &Clock) -> Option<i64> {
        let by = apart(clock).saturating_sub(self.apart);
        (by.abs() >= NOTICED).then_some(by)
    }

    /// The deadlines have moved so far.
    pub(super) fn follow(&mut self, by: i64) {
        self.apart = self.apart.saturating_add(by);
    }
}

fn apart(clock: &Clock) -> i64 {
    let steady = i64::try_from(clock.steady().as_millis()).unwrap_or(i64::MAX);
    ms(clock.now()).saturating_sub(steady)
}

impl Tx<'_> {
    /// When an alert goes quiet, as it stands: whoever counts anew from a time of day would count a jump too.
    ///
    /// # Errors
    /// When the store fails.
    pub fn goes_quiet_at(&mut self, alert: AlertId) -> Result<Option<Timestamp>, Error> {
        if let Some(hot) = self.memory.warm.get(alert.raw()) {
            return Ok(hot.quiet_ms.map(from_ms));
        }
        let stored = self.one(
            "read when an alert goes quiet",
            "SELECT quiet_ms FROM alerts WHERE id = ?1",
            [alert.raw()],
            |row| row.get::<_, Option<i64>>(0),
        )?;
        Ok(stored.flatten().map(from_ms))
    }

    /// Moves every deadline by so many milliseconds.
    pub(super) fn move_deadlines(&mut self, by: i64) -> Result<(), Error> {
        tracing::warn!(
            seconds = by / 1000,
            "the time of day jumped; what was to happen after a while still does"
        );
        self.put(
            "move when alerts go quiet or are said again",
            "UPDATE alerts SET check_ms = check_ms + ?1, quiet_ms = quiet_ms + ?1, repeat_ms = repeat_ms + ?1
             WHERE open = 1 AND (check_ms IS NOT NULL OR repeat_ms IS NOT NULL)",
            [by],
        )?;
        self.put(
            "move when deliveries are tried again",
            "UPDATE outbox SET next_at_ms = max(1, next_at_ms + ?1) WHERE next_at_ms > 0 AND next_at_ms < ?2",
            [by, PARKED],
        )?;
        self.put(
            "move when look-ups are made again",
            "UPDATE look_ups SET next_at_ms = next_at_ms + ?1",
            [by],
        )?;
        self.put(
            "move until when echoes are expected",
            "UPDATE echoes SET from_ms = from_ms + ?1, until_ms = until_ms + ?1 WHERE used_by IS NULL",
            [by],
        )?;
        let now = ms(self.now());
        self.put(
            "keep to what the time of day jumped",
            "INSERT INTO facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            (JUMPED_TO, now),
        )?;
        self.memory.move_deadlines(by);
        Ok(())
    }
}

/// After a restart only the time of day is there. Where it lies before what the store has seen, it went
/// back, and nothing that was put off is believed to be due much later.
pub(super) fn after_restart(
    connection: &Connection,
    now: Timestamp,
    largest_id: i64,
) -> Result<(), Error> {
    let jumped_to = connection
        .query_row(
            "SELECT value FROM facts WHERE name = ?1",
            [JUMPED_TO],
            |row| row.get(0),
        )
        .optional()
        .map_err(failed("read to what the time of day jumped"))?;
    let seen = made_ms(largest_id).max(jumped_to.unwrap_or(0));
    if ms(now).saturating_add(NOTICED) >= seen {
        return Ok(());
    }
    let latest = ms(now).saturating_add(AFTER_RESTART);
    connection
        .execute(
            "UPDATE outbox SET next_at_ms = ?1 WHERE next_at_ms > ?1 AND next_at_ms < ?2",
            [latest, PARKED],
        )
        .and_then(|_| {
            connection.execute(
                "UPDATE look_ups SET next_at_ms = ?1 WHERE next_at_ms > ?1",
                [latest],
            )
        })
        .map(drop)
        .map_err(failed("bring forward what was put off"))
}
