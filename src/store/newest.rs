//! The newest signals, whatever became of them.

use super::error::Error;
use super::signals::Unsettled;
use super::tx::Reader;
use crate::id::Id;
use crate::signal::{SignalId, SignalName};

/// How far back is looked: a name has no index, so that a signal costs none.
const LOOKED_AT: u32 = 100_000;

impl Reader<'_> {
    /// The newest signals, of one name where it is given, from before `before`; of the newest 100,000.
    ///
    /// # Errors
    /// When the store fails.
    pub fn newest_signals(
        &self,
        name: Option<&SignalName>,
        before: Option<SignalId>,
        limit: u32,
    ) -> Result<Vec<Unsettled>, Error> {
        self.many(
            "list the newest signals",
            "SELECT id, connection, connector, signal, received_at, state, reason FROM
                (SELECT * FROM signals WHERE id < ?3 ORDER BY id DESC LIMIT ?4)
             WHERE ?1 IS NULL OR (connector = ?1 AND signal = ?2) ORDER BY id DESC LIMIT ?5",
            (
                name.map(|name| name.connector.as_str()),
                name.map(|name| name.signal.as_str()),
                before.map_or(i64::MAX, Id::raw),
                LOOKED_AT,
                limit,
            ),
            Unsettled::read,
        )
    }
}
