//! What is owed to destinations, in order.
//!
//! Rows never tried are read in the order they were owed, from where the reader was before; rows
//! postponed have an index by time. A row behind a postponed one of its alert is parked beside it,
//! so that nobody reads over it again and again.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row};

use super::alerts::Revision;
use super::columns::{Count, from_ms, ms};
use super::error::{Error, failed, from_json};
use super::fresh::News;
use super::tx::{Reader, Tx};
use crate::alert::{Alert, AlertId};
use crate::id::Id;

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
    /// Never tried, but behind a postponed one of the same alert: hand them to [`Tx::park`].
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

/// Parked rows wait for the one before them, not for a time.
const PARKED: i64 = i64::MAX;
/// So many rows are worth a look whether one statement takes them away.
const RUN: usize = 4;

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

impl Tx<'_> {
    /// Owes a revision to a destination. `newest_only` for destinations that keep state: older
    /// revisions of the alert that still wait may be superseded.
    ///
    /// # Errors
    /// When the store fails.
    pub fn owe(
        &mut self,
        destination: &str,
        revision: Revision,
        newest_only: bool,
    ) -> Result<i64, Error> {
        let name = destination;
        let destination = self.destination(name)?;
        let seq = self.memory.next_seq;
        self.memory.next_seq = seq.saturating_add(1);
        let now = ms(self.now());
        self.put(
            "owe a delivery",
            "INSERT INTO outbox (destination, seq, alert, revision, number, owed_ms, newest_only, attempts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)",
            (
                destination,
                seq,
                revision.alert.raw(),
                revision.row,
                revision.number,
                now,
                newest_only,
            ),
        )?;
        let made = self.memory.made.iter().rev();
        let alert = made
            .filter(|(row, _)| *row == revision.row)
            .map(|(_, alert)| Arc::clone(alert))
            .next();
        let owed = Owed {
            seq,
            revision,
            owed_at: from_ms(now),
            attempts: 0,
            error: None,
        };
        self.news(name).rows.push((owed, alert));
        Ok(seq)
    }

    /// What is said of a destination once this transaction is committed.
    fn news(&mut self, destination: &str) -> &mut News {
        if !self.memory.news.contains_key(destination) {
            let nothing = News::default();
            self.memory.news.insert(destination.to_owned(), nothing);
        }
        self.memory.news.entry(destination.to_owned()).or_default()
    }

    /// Notes that rows of a destination are postponed or parked.
    fn holds(&mut self, name: &str) -> Result<(), Error> {
        let destination = self.destination(name)?;
        if self.memory.held.insert(destination) {
            self.news(name).held = Some(true);
        }
        Ok(())
    }

    /// Notes when none of them is any more.
    fn may_hold_no_more(&mut self, name: &str) -> Result<(), Error> {
        let destination = self.destination(name)?;
        if !self.memory.held.contains(&destination) {
            return Ok(());
        }
        let held = self.number(
            "look for postponed deliveries",
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE destination = ?1 AND next_at_ms IS NOT NULL)",
            [destination],
        )?;
        if held == 0 {
            self.memory.held.remove(&destination);
            self.news(name).held = Some(false);
        }
        Ok(())
    }

    /// Takes away what was delivered, and what it held up comes next.
    ///
    /// # Errors
    /// When the store fails.
    pub fn mark_delivered(&mut self, destination: &str, seqs: &[i64]) -> Result<(), Error> {
        self.take_away(destination, seqs)
    }

    /// Tries a delivery again at `next_at`. Give the first of its alert before those behind it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn postpone(
        &mut self,
        destination: &str,
        seq: i64,
        attempts: u32,
        next_at: Timestamp,
        error: &str,
    ) -> Result<(), Error> {
        self.holds(destination)?;
        let destination = self.destination(destination)?;
        self.put(
            "postpone a delivery",
            "UPDATE outbox SET attempts = ?3, next_at_ms = ?4, error = ?5 WHERE destination = ?1 AND seq = ?2",
            (
                destination,
                seq,
                attempts,
                ms(next_at).min(PARKED.saturating_sub(1)),
                error,
            ),
        )
        .map(drop)
    }

    /// Puts rows beside the postponed one of their alert, until that is delivered or dead.
    ///
    /// # Errors
    /// When the store fails.
    pub fn park(&mut self, destination: &str, seqs: &[i64]) -> Result<(), Error> {
        if !seqs.is_empty() {
            self.holds(destination)?;
        }
        let destination = self.destination(destination)?;
        for seq in seqs {
            // What held it up may have gone since it was read: then it is due at once.
            self.put(
                "park a delivery",
                "UPDATE outbox SET next_at_ms = CASE WHEN EXISTS (SELECT 1 FROM outbox AS first INDEXED BY outbox_of_alert
                        WHERE first.destination = ?1 AND first.alert = outbox.alert AND first.seq < ?2
                        AND first.next_at_ms > 0) THEN ?3 ELSE ?4 END
                 WHERE destination = ?1 AND seq = ?2 AND next_at_ms IS NULL",
                (destination, seq, PARKED, ms(self.now())),
            )?;
        }
        Ok(())
    }

    /// Takes away the waiting revisions of an alert below `below`, for a destination that keeps
    /// state. Gives how many. Rows in flight must not be among them: see to that first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn supersede(
        &mut self,
        destination: &str,
        alert: AlertId,
        below: u32,
    ) -> Result<usize, Error> {
        let destination_id = self.destination(destination)?;
        let seqs = self.many(
            "read which deliveries are superseded",
            "SELECT seq FROM outbox INDEXED BY outbox_of_alert
             WHERE destination = ?1 AND alert = ?2 AND newest_only = 1 AND number < ?3",
            (destination_id, alert.raw(), below),
            |row| row.get(0),
        )?;
        self.take_away(destination, &seqs)?;
        Ok(seqs.len())
    }

    /// Makes everything postponed for a destination due now, as when it was resumed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn hasten(&mut self, destination: &str) -> Result<usize, Error> {
        let destination = self.destination(destination)?;
        self.put(
            "hasten deliveries",
            "UPDATE outbox SET next_at_ms = ?2 WHERE destination = ?1 AND next_at_ms > ?2 AND next_at_ms < ?3",
            (destination, ms(self.now()), PARKED),
        )
    }

    /// Deletes rows; the first parked row of each alert they held up becomes due.
    pub(super) fn take_away(&mut self, destination: &str, seqs: &[i64]) -> Result<(), Error> {
        let name = destination;
        let destination = self.destination(name)?;
        if self.took_a_run_away(destination, seqs)? {
            return Ok(());
        }
        let now = ms(self.now());
        let connection = self.connection();
        for seq in seqs {
            let held_up = connection
                .prepare_cached(
                    "DELETE FROM outbox WHERE destination = ?1 AND seq = ?2 RETURNING alert, next_at_ms",
                )
                .and_then(|mut delete| {
                    delete
                        .query_map((destination, seq), |row| {
                            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
                        })?
                        .next()
                        .transpose()
                })
                .map_err(failed("take away a delivery"))?;
            if let Some((alert, Some(_))) = held_up {
                self.put(
                    "free the deliveries behind one",
                    "UPDATE outbox SET next_at_ms = ?3 WHERE destination = ?1 AND seq =
                        (SELECT min(seq) FROM outbox INDEXED BY outbox_of_alert WHERE destination = ?1 AND alert = ?2 AND next_at_ms > 0)
                     AND next_at_ms = ?4",
                    (destination, alert, now, PARKED),
                )?;
            }
        }
        self.may_hold_no_more(name)
    }

    /// The common case at a tenth of the cost: nothing is held up, and the rows are all there are
    /// between the first and the last of them.
    fn took_a_run_away(&mut self, destination: i64, seqs: &[i64]) -> Result<bool, Error> {
        if seqs.len() < RUN || self.memory.held.contains(&destination) {
            return Ok(false);
        }
        let mut sorted = seqs.to_vec();
        sorted.sort_unstable();
        let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
            return Ok(false);
        };
        let between: Vec<i64> = self.many(
            "read which deliveries there are",
            "SELECT seq FROM outbox WHERE destination = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq",
            (destination, first, last),
            |row| row.get(0),
        )?;
        if between != sorted {
            return Ok(false);
        }
        self.put(
            "take deliveries away",
            "DELETE FROM outbox WHERE destination = ?1 AND seq BETWEEN ?2 AND ?3",
            (destination, first, last),
        )?;
        Ok(true)
    }

    /// The number of a destination, given to it when it is first owed something.
    pub(super) fn destination(&mut self, name: &str) -> Result<i64, Error> {
        if let Some(id) = self.memory.destinations.get(name) {
            return Ok(*id);
        }
        self.put(
            "number a destination",
            "INSERT INTO destinations (name) VALUES (?1)",
            [name],
        )?;
        let id = self.connection().last_insert_rowid();
        self.memory.destinations.insert(name.to_owned(), id);
        Ok(id)
    }
}

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

    /// When the next postponed delivery of a destination is due.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_due(&self, destination: &str) -> Result<Option<Timestamp>, Error> {
        let Some(destination) = self.destination_id(destination)? else {
            return Ok(None);
        };
        let next = self.one(
            "read when a delivery is due",
            "SELECT min(next_at_ms) FROM outbox WHERE destination = ?1 AND next_at_ms > 0",
            [destination],
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
