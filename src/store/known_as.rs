//! What destinations call alerts, where they have names of their own for them.

use super::error::Error;
use super::tx::Tx;
use crate::alert::AlertId;
use crate::id::Id;

impl Tx<'_> {
    /// Keeps what a connection calls an alert; the last word counts. It goes with the alert.
    ///
    /// # Errors
    /// When the store fails.
    pub fn know_as(&mut self, connection: &str, name: &str, alert: AlertId) -> Result<(), Error> {
        self.put(
            "keep what an alert is called",
            "INSERT INTO known_as (connection, name, alert) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET alert = excluded.alert WHERE alert <> excluded.alert",
            (connection, name, alert.raw()),
        )
        .map(drop)
    }

    /// The alert that a connection calls so.
    ///
    /// # Errors
    /// When the store fails.
    pub fn known_as(&mut self, connection: &str, name: &str) -> Result<Option<AlertId>, Error> {
        self.one(
            "read which alert is called so",
            "SELECT alert FROM known_as WHERE connection = ?1 AND name = ?2",
            (connection, name),
            |row| row.get(0).map(Id::from_raw),
        )
    }

    /// Forgets what an alert was called.
    pub(super) fn forget_names(&mut self, alert: i64) -> Result<(), Error> {
        self.put(
            "forget what an alert was called",
            "DELETE FROM known_as WHERE alert = ?1",
            [alert],
        )
        .map(drop)
    }
}
