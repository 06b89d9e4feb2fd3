//! The signals that Andon's own calls are expected to cause: each call is recognised once.

use jiff::Timestamp;
use serde_json::Value;

use super::columns::{from_ms, ms};
use super::error::{Error, from_json, to_json};
use super::tx::Tx;
use crate::action::ActionId;
use crate::id::Id;
use crate::signal::{SignalId, SignalName};

/// A signal to be expected.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Through which connection.
    pub connection: String,
    /// Which signal.
    pub name: SignalName,
    /// The action whose call causes it.
    pub action: ActionId,
    /// What containment needs to recognise it.
    pub expected: Value,
    /// Not before: when the call was made.
    pub from: Timestamp,
    /// Not after.
    pub until: Timestamp,
}

/// An expected signal that has not come yet.
#[derive(Debug, Clone)]
pub struct Echo {
    /// By which it is used up.
    pub id: i64,
    /// What is expected.
    pub expected: Expected,
}

impl Tx<'_> {
    /// Expects a signal. Gives the number by which it is used up or withdrawn.
    ///
    /// # Errors
    /// When the store fails.
    pub fn expect_echo(&mut self, expected: &Expected) -> Result<i64, Error> {
        self.memory.echoes_until = self.memory.echoes_until.max(ms(expected.until));
        self.put(
            "expect an echo",
            "INSERT INTO echoes (connection, connector, signal, action, expected, from_ms, until_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                &expected.connection,
                &expected.name.connector,
                &expected.name.signal,
                expected.action.raw(),
                to_json("an echo", &expected.expected)?,
                ms(expected.from),
                ms(expected.until),
            ),
        )?;
        Ok(self.connection().last_insert_rowid())
    }

    /// Uses an echo up. Gives `false` when another signal did before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn use_echo(&mut self, echo: i64, by: SignalId) -> Result<bool, Error> {
        self.put(
            "use an echo up",
            "UPDATE echoes SET used_by = ?2 WHERE id = ?1 AND used_by IS NULL",
            (echo, by.raw()),
        )
        .map(|used| used > 0)
    }

    /// Expects it no longer: the call was never made.
    ///
    /// # Errors
    /// When the store fails.
    pub fn withdraw_echo(&mut self, echo: i64) -> Result<(), Error> {
        self.put(
            "withdraw an echo",
            "DELETE FROM echoes WHERE id = ?1 AND used_by IS NULL",
            [echo],
        )
        .map(drop)
    }

    /// The echoes that a signal received at `at` may be, the earliest expected first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn echoes(
        &self,
        connection: &str,
        name: &SignalName,
        at: Timestamp,
    ) -> Result<Vec<Echo>, Error> {
        // Mostly none is expected at all, and then no signal pays for a look.
        if ms(at) > self.memory.echoes_until {
            return Ok(Vec::new());
        }
        let rows = self.many(
            "look for an echo",
            "SELECT id, action, expected, from_ms, until_ms FROM echoes
             WHERE used_by IS NULL AND connection = ?1 AND signal = ?3 AND until_ms >= ?4
                AND connector = ?2 AND from_ms <= ?4 ORDER BY id",
            (connection, &name.connector, &name.signal, ms(at)),
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get(1)?,
                    row.get::<_, String>(2)?,
                    row.get(3)?,
                    row.get(4)?,
                ))
            },
        )?;
        rows.into_iter()
            .map(|(id, action, expected, from, until)| {
                Ok(Echo {
                    id,
                    expected: Expected {
                        connection: connection.to_owned(),
                        name: name.clone(),
                        action: Id::from_raw(action),
                        expected: from_json("echo", id, &expected)?,
                        from: from_ms(from),
                        until: from_ms(until),
                    },
                })
            })
            .collect()
    }
}
