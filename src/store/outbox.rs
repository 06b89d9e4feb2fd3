//! What is owed to destinations, in order.
//!
//! Rows never tried are read in the order they were owed, from where the reader was before; rows
//! postponed have an index by time. A row behind a postponed one of its alert is parked beside it,
//! so that nobody reads over it again and again.

use jiff::Timestamp;

use super::alerts::Revision;
use super::columns::{from_ms, ms};
use super::due::{Owed, PARKED};
use super::error::{Error, failed};
use super::fresh::News;
use super::tx::Tx;
use crate::alert::AlertId;

/// So many rows are worth a look whether one statement takes them away.
const RUN: usize = 4;

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
        let mut made = self.memory.made.iter().rev();
        let made = made.find(|made| made.row == revision.row).cloned();
        let owed = Owed {
            seq,
            revision,
            owed_at: from_ms(now),
            attempts: 0,
            error: None,
        };
        self.news(name).rows.push((owed, made));
        Ok(seq)
    }

    /// What is said of a destination once this transaction is committed.
    fn news(&mut self, destination: &str) -> &mut News {
        self.memory.news.entry(destination.to_owned()).or_default()
    }

    /// Notes that rows of a destination are postponed or parked.
    pub(super) fn holds(&mut self, name: &str) -> Result<(), Error> {
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
