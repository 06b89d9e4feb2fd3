//! What a job is handed: a view of the store to read from, or a transaction to write in.
//!
//! The tables' own files add the methods. `Tx` reads through `Reader`, except where memory knows
//! better than the disk.

use std::ops::Deref;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};

use super::error::{Error, failed};
use super::memory::Memory;
use crate::clock::Clock;
use crate::id::{Id, Ids};

/// One consistent view of the store.
pub struct Reader<'c> {
    connection: &'c Connection,
}

impl<'c> Reader<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self { connection }
    }

    pub(super) fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// The first row, if there is one.
    pub(super) fn one<T>(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Error> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(parameters, read).optional())
            .map_err(failed(doing))
    }

    /// All rows.
    pub(super) fn many<T>(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Error> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(parameters, read)?.collect())
            .map_err(failed(doing))
    }

    /// A number that always exists, such as a count.
    pub(super) fn number(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl Params,
    ) -> Result<i64, Error> {
        self.one(doing, sql, parameters, |row| row.get(0))
            .map(|number| number.unwrap_or(0))
    }
}

/// The current transaction, shared with other jobs: an `Err` rolls all of them back. So a job
/// returns `Err` only when the store failed; what the domain refuses is an `Ok` value.
pub struct Tx<'c> {
    reader: Reader<'c>,
    pub(super) memory: &'c mut Memory,
    ids: &'c Ids,
    clock: &'c Clock,
}

impl<'c> Deref for Tx<'c> {
    type Target = Reader<'c>;

    fn deref(&self) -> &Reader<'c> {
        &self.reader
    }
}

impl<'c> Tx<'c> {
    pub(super) fn new(
        connection: &'c Connection,
        memory: &'c mut Memory,
        ids: &'c Ids,
        clock: &'c Clock,
    ) -> Self {
        Self {
            reader: Reader::new(connection),
            memory,
            ids,
            clock,
        }
    }

    /// The next identifier, larger than all before it.
    pub fn next_id<K>(&self) -> Id<K> {
        self.ids.next(self.clock.now())
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Runs one statement; gives the number of rows it changed.
    pub(super) fn put(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl Params,
    ) -> Result<usize, Error> {
        self.connection()
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(parameters))
            .map_err(failed(doing))
    }
}
