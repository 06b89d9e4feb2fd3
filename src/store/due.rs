//! What is owed to destinations, read: what can be sent now, and how much waits.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row};

use super::alerts::Revision;
use super::columns::{Count, from_ms, ms};
use super::error::{Error, failed, from_json};
use super::tx::Reader;
use crate::alert::{Alert, AlertId};
use crate::id::Id;

/// Parked rows wait for the one before them, not for a time.
pub(super) const PARKED: i64 = i64::MAX;

/// One delivery that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Its place in the order of its destination.
    pub seq: i64,
    /// What is to be delivered; [`Reader::revision`] reads it.
    pub revision: Revision,
    /// Since when it is owed.
    pub owed_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// What the last try came to.
    pub error: Option<String>,
}

/// What can be sent to one destination now.
#[derive(Debug, Clone, Default)]
pub struct Due {
    /// In order; of one alert, the earlier revision first.
    pub ready: Vec<Owed>,
    /// Never tried, but behind a postponed one of the same alert: hand them to [`Tx::park`](super::Tx::park).
    pub behind: Vec<i64>,
    /// Give this as `after` next time, to read over nothing twice.
    pub after: i64,
}

/// How much waits for one destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The destination.
    pub destination: String,
    /// Rows.
    pub count: u64,
    /// Since when the first of them is owed.
    pub oldest: Option<Timestamp>,
}

/// Postponed, now due, and first of their alert.
pub(super) const POSTPONED: &str =
    "SELECT seq, alert, revision, number, owed_ms, attempts, error FROM outbox
     WHERE destination = ?1 AND next_at_ms <= ?2
        AND NOT EXISTS (SELECT 1 FROM outbox AS first INDEXED BY outbox_of_alert
            WHERE first.destination = ?1 AND first.alert = outbox.alert AND first.seq < outbox.seq AND first.next_at_ms > ?2)
     ORDER BY next_at_ms, seq LIMIT ?3";

/// Never tried, and whether each is behind a postponed one of its alert.
pub(super) const FRESH: &str = "SELECT seq, alert, revision, number, owed_ms, attempts, error,
        EXISTS (SELECT 1 FROM outbox AS first INDEXED BY outbox_of_alert
            WHERE first.destination = ?1 AND first.alert = outbox.alert AND first.seq < outbox.seq AND first.next_at_ms > 0)
     FROM outbox WHERE destination = ?1 AND seq > ?2 AND next_at_ms IS NULL ORDER BY seq LIMIT ?3";

impl Reader<'_> {
    /// What can be sent to a destination now: never tried and owed after `after`, and postponed
    /// until now. Rows of an alert with an earlier row postponed to later are held back. What is
    /// already on its way is given again when it was postponed before, or `after` lies before it:
    /// the caller knows what it is sending, and sends no two rows of one alert at once.
    ///
    /// # Errors
    /// When the store fails.
    pub fn due(
        &self,
        destination: &str,
        now: Timestamp,
        after: i64,
        limit: u32,
    ) -> Result<Due, Error> {
        let Some(destination) = self.destination_id(destination)? else {
            return Ok(Due {
                after,
                ..Due::default()
            });
        };
        let mut due = Due {
            ready: self.postponed(destination, now, limit)?,
            behind: Vec::new(),
            after,
        };
        let left = usize::try_from(limit)
            .unwrap_or(usize::MAX)
            .saturating_sub(due.ready.len());
        let again: HashSet<AlertId> = due.ready.iter().map(|owed| owed.revision.alert).collect();
        for (owed, held_up) in self.fresh(destination, after, left)? {
            due.after = owed.seq;
            if held_up || again.contains(&owed.revision.alert) {
                due.behind.push(owed.seq);
            } else {
                due.ready.push(owed);
            }
        }
        due.ready.sort_by_key(|owed| owed.seq);
        Ok(due)
    }

    /// Of each alert only its first postponed row can be due: what is behind it is parked or later.
    fn postponed(&self, destination: i64, now: Timestamp, limit: u32) -> Result<Vec<Owed>, Error> {
        self.many(
            "read which deliveries are due again",
            POSTPONED,
            (destination, ms(now), limit),
            read_owed,
        )
    }

    fn fresh(
        &self,
        destination: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(Owed, bool)>, Error> {
        self.many(
            "read which deliveries are due",
            FRESH,
            (destination, after, i64::try_from(limit).unwrap_or(i64::MAX)),
            |row| Ok((read_owed(row)?, row.get(7)?)),
        )
    }

    /// What to send in place of `head` to a destination that keeps state: the newest revision of its
    /// alert that waits, be it fresh, postponed or parked. A row that was owed while the destination
    /// was a log stands for itself. `None` when neither is owed any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn newest(&self, destination: &str, head: &Owed) -> Result<Option<Owed>, Error> {
        let Some(destination) = self.destination_id(destination)? else {
            return Ok(None);
        };
        let newest = self.one(
            "read the newest delivery of an alert",
            "SELECT seq, alert, revision, number, owed_ms, attempts, error
             FROM outbox INDEXED BY outbox_of_alert
             WHERE destination = ?1 AND alert = ?2 AND newest_only = 1 ORDER BY number DESC, seq DESC LIMIT 1",
            (destination, head.revision.alert.raw()),
            read_owed,
        )?;
        if newest.is_some() {
            return Ok(newest);
        }
        self.one(
            "read a delivery again",
            "SELECT seq, alert, revision, number, owed_ms, attempts, error
             FROM outbox WHERE destination = ?1 AND seq = ?2",
            (destination, head.seq),
            read_owed,
        )
    }

    /// The last row that waits for a destination, 0 when none does: what is owed from now on comes after it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_owed(&self, destination: &str) -> Result<i64, Error> {
        let Some(destination) = self.destination_id(destination)? else {
            return Ok(0);
        };
        let last = self.one(
            "read which delivery was owed last",
            "SELECT max(seq) FROM outbox WHERE destination = ?1",
            [destination],
            |row| row.get::<_, Option<i64>>(0),
        )?;
        Ok(last.flatten().unwrap_or(0))
    }

    /// When the first delivery of a destination that is put off until after `after` is due. One that is
    /// due already may stand behind it, and says nothing of when to look again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_due(
        &self,
        destination: &str,
        after: Timestamp,
    ) -> Result<Option<Timestamp>, Error> {
        let Some(destination) = self.destination_id(destination)? else {
            return Ok(None);
        };
        let next = self.one(
            "read when a delivery is due",
            "SELECT min(next_at_ms) FROM outbox WHERE destination = ?1 AND next_at_ms > ?2",
            (destination, ms(after)),
            |row| row.get::<_, Option<i64>>(0),
        )?;
        Ok(next.flatten().filter(|at| *at != PARKED).map(from_ms))
    }

    /// A revision as it was made: what is delivered.
    ///
    /// # Errors
    /// When the store fails, or the revision is not kept.
    pub fn revision(&self, revision: Revision) -> Result<Alert, Error> {
        let json = self.one(
            "read a revision",
            "SELECT json FROM revisions WHERE id = ?1",
            [revision.row],
            |row| row.get::<_, String>(0),
        )?;
        match json {
            Some(json) => from_json("revision", revision.row, &json),
            None => Err(Error::Damaged {
                what: "revision",
                id: revision.row,
                why: "it is missing".to_owned(),
            }),
        }
    }

    /// How much waits, for each destination that ever was owed something.
    ///
    /// # Errors
    /// When the store fails.
    pub fn waiting(&self) -> Result<Vec<Waiting>, Error> {
        self.many(
            "count what is owed",
            "SELECT name, (SELECT count(*) FROM outbox WHERE destination = destinations.id),
                (SELECT owed_ms FROM outbox WHERE destination = destinations.id ORDER BY seq LIMIT 1)
             FROM destinations ORDER BY name",
            [],
            |row| {
                Ok(Waiting {
                    destination: row.get(0)?,
                    count: row.get::<_, Count>(1)?.0,
                    oldest: row.get::<_, Option<i64>>(2)?.map(from_ms),
                })
            },
        )
    }

    pub(super) fn destination_id(&self, name: &str) -> Result<Option<i64>, Error> {
        self.connection()
            .prepare_cached("SELECT id FROM destinations WHERE name = ?1")
            .and_then(|mut select| select.query_row([name], |row| row.get(0)).optional())
            .map_err(failed("look for a destination"))
    }
}

fn read_owed(row: &Row<'_>) -> rusqlite::Result<Owed> {
    Ok(Owed {
        seq: row.get(0)?,
        revision: Revision {
            alert: Id::from_raw(row.get(1)?),
            row: row.get(2)?,
            number: row.get(3)?,
        },
        owed_at: from_ms(row.get(4)?),
        attempts: row.get(5)?,
        error: row.get(6)?,
    })
}
