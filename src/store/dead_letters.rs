//! What a destination refused for good, kept until a person decides.

use jiff::Timestamp;
use rusqlite::Row;

use super::alerts::Revision;
use super::columns::{Count, from_ms, ms};
use super::error::Error;
use super::tx::{Reader, Tx};
use crate::id::Id;
use crate::untrusted::Untrusted;

/// Why a delivery is dead.
#[derive(Debug, Clone)]
pub struct DeadLetterCause {
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// The answer's first 512 bytes.
    pub body: Untrusted<Vec<u8>>,
    /// One line, clean.
    pub reason: String,
}

impl DeadLetterCause {
    /// Why something is given up that nobody answered.
    pub fn unsent(reason: String) -> Self {
        Self {
            status: None,
            body: Untrusted::new(Vec::new()),
            reason,
        }
    }
}

/// A delivery that was refused for good.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its number, by which it is retried or dropped.
    pub seq: i64,
    /// Who refused it.
    pub destination: String,
    /// What was refused; [`Reader::revision`] reads it, and it names mapping and signal.
    pub revision: Revision,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub died_at: Timestamp,
    /// Why.
    pub cause: DeadLetterCause,
}

/// The most that is kept of an answer (design, section 3.2).
const BODY: usize = 512;

const COLUMNS: &str = "SELECT seq, destinations.name, alert, revision, number, attempts, died_ms, status, body, reason
    FROM dead_letters JOIN destinations ON destinations.id = dead_letters.destination";

impl Tx<'_> {
    /// Gives a delivery up. What waited behind it comes next. Gives `false` when it is not owed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dead_letter(
        &mut self,
        destination: &str,
        seq: i64,
        cause: &DeadLetterCause,
    ) -> Result<bool, Error> {
        let id = self.destination(destination)?;
        let body = cause.body.as_data();
        let kept = self.put(
            "keep a dead letter",
            "INSERT INTO dead_letters (seq, destination, alert, revision, number, newest_only, attempts, died_ms,
                status, body, reason)
             SELECT seq, destination, alert, revision, number, newest_only, attempts + 1, ?3, ?4, ?5, ?6
             FROM outbox WHERE destination = ?1 AND seq = ?2",
            (
                id,
                seq,
                ms(self.now()),
                cause.status,
                body.get(..BODY).unwrap_or(body),
                &cause.reason,
            ),
        )?;
        self.take_away(destination, &[seq])?;
        Ok(kept > 0)
    }

    /// Owes a dead letter again, in its old place: before what waits of its alert. It was owed since
    /// before it died, and nobody has it yet. `newest_only` as for [`Tx::owe`]. Gives `false` when
    /// there is no such dead letter.
    ///
    /// # Errors
    /// When the store fails.
    pub fn retry_dead_letter(&mut self, seq: i64, newest_only: bool) -> Result<bool, Error> {
        let Some(letter) = Reader::dead_letter(self, seq)? else {
            return Ok(false);
        };
        // As a postponed row that is due: readers of fresh rows are past its place.
        self.holds(&letter.destination)?;
        self.put(
            "owe a dead letter again",
            "INSERT INTO outbox (destination, seq, alert, revision, number, owed_ms, newest_only, attempts, next_at_ms,
                error)
             SELECT destination, seq, alert, revision, number, died_ms, ?2, attempts, ?3, reason
             FROM dead_letters WHERE seq = ?1",
            (seq, newest_only, ms(self.now())),
        )?;
        self.drop_dead_letter(seq)
    }

    /// Forgets a dead letter. Gives `false` when there is no such one.
    ///
    /// # Errors
    /// When the store fails.
    pub fn drop_dead_letter(&mut self, seq: i64) -> Result<bool, Error> {
        self.put(
            "drop a dead letter",
            "DELETE FROM dead_letters WHERE seq = ?1",
            [seq],
        )
        .map(|dropped| dropped > 0)
    }
}

impl Reader<'_> {
    /// A dead letter.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dead_letter(&self, seq: i64) -> Result<Option<DeadLetter>, Error> {
        let sql = format!("{COLUMNS} WHERE seq = ?1");
        self.one("read a dead letter", &sql, [seq], read)
    }

    /// Dead letters, of one destination or of all, the newest first, from before `before`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dead_letters(
        &self,
        destination: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<DeadLetter>, Error> {
        let sql = format!(
            "{COLUMNS} WHERE (?1 IS NULL OR destinations.name = ?1) AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
        );
        self.many(
            "list dead letters",
            &sql,
            (destination, before.unwrap_or(i64::MAX), limit),
            read,
        )
    }

    /// How many dead letters each destination has.
    ///
    /// # Errors
    /// When the store fails.
    pub fn dead_letter_counts(&self) -> Result<Vec<(String, u64)>, Error> {
        self.many(
            "count dead letters",
            "SELECT destinations.name, count(*) FROM dead_letters
             JOIN destinations ON destinations.id = dead_letters.destination
             GROUP BY destinations.name ORDER BY destinations.name",
            [],
            |row| Ok((row.get(0)?, row.get::<_, Count>(1)?.0)),
        )
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        seq: row.get(0)?,
        destination: row.get(1)?,
        revision: Revision {
            alert: Id::from_raw(row.get(2)?),
            row: row.get(3)?,
            number: row.get(4)?,
        },
        attempts: row.get(5)?,
        died_at: from_ms(row.get(6)?),
        cause: DeadLetterCause {
            status: row.get(7)?,
            body: Untrusted::new(row.get(8)?),
            reason: row.get(9)?,
        },
    })
}
