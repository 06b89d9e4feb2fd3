//! Signals that wait for a look-up: retried from here, also after a restart.

use jiff::Timestamp;
use serde_json::Value;

use super::columns::{from_ms, ms};
use super::error::{Error, from_json, to_json};
use super::tx::{Reader, Tx};
use crate::id::Id;
use crate::signal::SignalId;

/// A look-up to be made.
#[derive(Debug, Clone)]
pub struct LookUp {
    /// The signal that waits for it.
    pub signal: SignalId,
    /// How often it was tried.
    pub attempts: u32,
    /// When to try again.
    pub next_at: Timestamp,
    /// What was looked up so far, as intake keeps it.
    pub progress: Value,
    /// What the last try came to.
    pub error: Option<String>,
}

impl Tx<'_> {
    /// Notes a look-up, or how far it came. [`Tx::settle_signal`] ends it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn wait_for_look_up(&mut self, look_up: &LookUp) -> Result<(), Error> {
        self.put(
            "keep a look-up",
            "INSERT INTO look_ups (signal, attempts, next_at_ms, progress, error) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (signal) DO UPDATE SET attempts = excluded.attempts, next_at_ms = excluded.next_at_ms,
                progress = excluded.progress, error = excluded.error",
            (
                look_up.signal.raw(),
                look_up.attempts,
                ms(look_up.next_at),
                to_json("a look-up's progress", &look_up.progress)?,
                &look_up.error,
            ),
        )
        .map(drop)
    }
}

impl Reader<'_> {
    /// The look-ups whose time has come, the longest due first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn look_ups_due(&self, now: Timestamp, limit: u32) -> Result<Vec<LookUp>, Error> {
        let rows = self.many(
            "read which look-ups are due",
            "SELECT signal, attempts, next_at_ms, progress, error FROM look_ups
             WHERE next_at_ms <= ?1 ORDER BY next_at_ms, signal LIMIT ?2",
            (ms(now), limit),
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get::<_, String>(3)?,
                    row.get(4)?,
                ))
            },
        )?;
        rows.into_iter()
            .map(|(signal, attempts, next_at, progress, error)| {
                Ok(LookUp {
                    signal: Id::from_raw(signal),
                    attempts,
                    next_at: from_ms(next_at),
                    progress: from_json("look-up", signal, &progress)?,
                    error,
                })
            })
            .collect()
    }

    /// When the next look-up is due.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_look_up(&self) -> Result<Option<Timestamp>, Error> {
        let next = self.one(
            "read when a look-up is due",
            "SELECT min(next_at_ms) FROM look_ups",
            [],
            |row| row.get::<_, Option<i64>>(0),
        )?;
        Ok(next.flatten().map(from_ms))
    }
}
