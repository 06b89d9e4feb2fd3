//! What was kept, read from the file without the daemon: for whoever asks what other files would have
//! made of it.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::error::Error;
use super::filter::AlertFilter;
use super::memory::first_id;
use super::open::{self, MIGRATIONS};
use super::signals::{Columns, Kept, WHOLE};
use super::standing::StandingKind;
use super::tx::Reader;
use crate::alert::{Alert, ClosedHow};
use crate::id::Id;
use crate::signal::SignalId;

/// Closed alerts that are looked through for false positives, the newest first.
const MOST_ALERTS: u32 = 100_000;

/// A store's file, opened for reading beside whoever writes it.
pub struct History {
    connection: Connection,
}

impl History {
    /// Opens it.
    ///
    /// # Errors
    /// When there is none, it is no store of Andon's, a newer Andon wrote it, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, Error> {
        if !open::holds(path) {
            return Err(Error::Missing {
                path: path.to_owned(),
            });
        }
        let connection = open::reader(path).map_err(|error| error.at_open(path))?;
        open::schema_of(&connection, path, MIGRATIONS).map_err(|error| error.at_open(path))?;
        Ok(Self { connection })
    }

    /// The newest signal there is now; none where there are none.
    ///
    /// # Errors
    /// When the store fails.
    pub fn newest(&self) -> Result<Option<SignalId>, Error> {
        let newest = Reader::new(&self.connection).one(
            "read which signal is the newest",
            "SELECT max(id) FROM signals",
            [],
            |row| row.get::<_, Option<i64>>(0),
        )?;
        Ok(newest.flatten().map(Id::from_raw))
    }

    /// How many signals were received from `since` on, up to `to`; those that nobody knew are left out.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count(&self, since: Timestamp, to: SignalId) -> Result<u64, Error> {
        let count = Reader::new(&self.connection).number(
            "count signals",
            "SELECT count(*) FROM signals WHERE id >= ?1 AND id <= ?2 AND state <> ?3",
            (first_id(since), to.raw(), StandingKind::Refused.number()),
        )?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Signals in the order in which they came: from `since` on or after `after`, up to `to`, `limit` at
    /// most. Those that nobody knew are left out.
    ///
    /// # Errors
    /// When the store fails, or a row is damaged.
    pub fn signals(
        &self,
        since: Timestamp,
        after: Option<SignalId>,
        to: SignalId,
        limit: u32,
    ) -> Result<Vec<Kept>, Error> {
        let after = after.map_or(first_id(since).saturating_sub(1), Id::raw);
        let sql = format!(
            "{WHOLE} WHERE signals.id > ?1 AND signals.id <= ?2 AND state <> ?3 ORDER BY signals.id LIMIT ?4"
        );
        let refused = StandingKind::Refused.number();
        Reader::new(&self.connection)
            .many(
                "read signals",
                &sql,
                (after, to.raw(), refused, limit),
                Columns::read,
            )?
            .into_iter()
            .map(|columns| columns.into_kept(Vec::new()))
            .collect()
    }

    /// Alerts that a person closed as false positives, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn false_positives(&self) -> Result<Vec<Alert>, Error> {
        let closed = AlertFilter {
            open: Some(false),
            ..AlertFilter::default()
        };
        let mut alerts = Reader::new(&self.connection).alerts(&closed, MOST_ALERTS)?;
        alerts.retain(|alert| {
            let how = alert.closed.as_ref().map(|closed| closed.how);
            how == Some(ClosedHow::FalsePositive)
        });
        Ok(alerts)
    }
}
