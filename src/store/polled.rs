//! Where pollers and file readers were: cursors, the last reading of each item, files read.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Value;

use super::columns::ms;
use super::error::{Error, from_json, to_json};
use super::tx::{Reader, Tx};
use crate::signal::Change;

impl Tx<'_> {
    /// Remembers where a poller was; `null` forgets it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_cursor(
        &mut self,
        connection: &str,
        signal: &str,
        cursor: &Value,
    ) -> Result<(), Error> {
        self.put(
            "keep a cursor",
            "INSERT INTO cursors (connection, signal, json) VALUES (?1, ?2, ?3)
             ON CONFLICT (connection, signal) DO UPDATE SET json = excluded.json",
            (connection, signal, to_json("a cursor", cursor)?),
        )
        .map(drop)
    }

    /// Notes what was read of a polled item in scan `scan`, and says what became of it since the
    /// last reading. An item that is as it was costs a write only in a scan with a new number.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_item(
        &mut self,
        connection: &str,
        signal: &str,
        item: &str,
        data: &(impl serde::Serialize + ?Sized),
        scan: i64,
    ) -> Result<Change, Error> {
        let data = to_json("a polled item", data)?;
        let before = self.one(
            "read a polled item",
            "SELECT scan, data = ?4 FROM polled WHERE connection = ?1 AND signal = ?2 AND item = ?3",
            (connection, signal, item, &data),
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)),
        )?;
        let change = match before {
            None => Change::New,
            Some((_, false)) => Change::Changed,
            Some((_, true)) => Change::Same,
        };
        if before != Some((scan, true)) {
            self.put(
                "keep a polled item",
                "INSERT INTO polled (connection, signal, item, scan, data) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (connection, signal, item) DO UPDATE SET scan = excluded.scan, data = excluded.data",
                (connection, signal, item, scan, &data),
            )?;
        }
        Ok(change)
    }

    /// Forgets an item, after its end was said.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_item(&mut self, connection: &str, signal: &str, item: &str) -> Result<(), Error> {
        self.put(
            "forget a polled item",
            "DELETE FROM polled WHERE connection = ?1 AND signal = ?2 AND item = ?3",
            (connection, signal, item),
        )
        .map(drop)
    }

    /// Remembers that a file with this content was read whole.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_file(
        &mut self,
        connection: &str,
        path: &str,
        sha256: &[u8; 32],
    ) -> Result<(), Error> {
        self.put(
            "remember a file",
            "INSERT INTO files (connection, path, sha256, read_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            (connection, path, sha256.as_slice(), ms(self.now())),
        )
        .map(drop)
    }

    /// Forgets files that are no longer there, given those that are. Gives how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_files(
        &mut self,
        connection: &str,
        there: &HashSet<String>,
        read_before: Timestamp,
    ) -> Result<usize, Error> {
        let known: Vec<String> = self.many(
            "read which files were read",
            "SELECT DISTINCT path FROM files WHERE connection = ?1 AND read_ms < ?2",
            (connection, ms(read_before)),
            |row| row.get(0),
        )?;
        let mut forgotten: usize = 0;
        for path in known.iter().filter(|path| !there.contains(*path)) {
            let rows = self.put(
                "forget a file",
                "DELETE FROM files WHERE connection = ?1 AND path = ?2 AND read_ms < ?3",
                (connection, path, ms(read_before)),
            )?;
            forgotten = forgotten.saturating_add(rows);
        }
        Ok(forgotten)
    }
}

impl Reader<'_> {
    /// Where a poller was.
    ///
    /// # Errors
    /// When the store fails.
    pub fn cursor(&self, connection: &str, signal: &str) -> Result<Option<Value>, Error> {
        self.one(
            "read a cursor",
            "SELECT json FROM cursors WHERE connection = ?1 AND signal = ?2",
            (connection, signal),
            |row| row.get::<_, String>(0),
        )?
        .map(|json| from_json("cursor", 0, &json))
        .transpose()
    }

    /// Items that a whole scan numbered `scan` did not find, with their last reading.
    ///
    /// # Errors
    /// When the store fails.
    pub fn items_gone(
        &self,
        connection: &str,
        signal: &str,
        scan: i64,
        limit: u32,
    ) -> Result<Vec<(String, Value)>, Error> {
        self.many(
            "read which polled items are gone",
            "SELECT item, data FROM polled WHERE connection = ?1 AND signal = ?2 AND scan <> ?3 LIMIT ?4",
            (connection, signal, scan, limit),
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
        )?
        .into_iter()
        .map(|(item, data)| Ok((item, from_json("polled item", 0, &data)?)))
        .collect()
    }

    /// Whether a file with this content was read whole before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn file_was_read(
        &self,
        connection: &str,
        path: &str,
        sha256: &[u8; 32],
    ) -> Result<bool, Error> {
        self.one(
            "look whether a file was read",
            "SELECT 1 FROM files WHERE connection = ?1 AND path = ?2 AND sha256 = ?3",
            (connection, path, sha256.as_slice()),
            |_| Ok(()),
        )
        .map(|found| found.is_some())
    }
}
