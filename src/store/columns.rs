//! Instants and counts as columns.

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};

/// An instant kept exactly, because a replay must see what the first reading saw.
pub(super) struct Exact(pub(super) Timestamp);

impl ToSql for Exact {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match i64::try_from(self.0.as_nanosecond()) {
            Ok(nanoseconds) => ToSqlOutput::Owned(Value::Integer(nanoseconds)),
            Err(_) => ToSqlOutput::Owned(Value::Text(self.0.to_string())),
        })
    }
}

impl FromSql for Exact {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Integer(nanoseconds) => Timestamp::from_nanosecond(nanoseconds.into())
                .map(Self)
                .map_err(|_| FromSqlError::OutOfRange(nanoseconds)),
            text => text
                .as_str()?
                .parse()
                .map(Self)
                .map_err(|_| FromSqlError::InvalidType),
        }
    }
}

/// A count: SQLite's integers are signed.
pub(super) struct Count(pub(super) u64);

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let count = i64::try_from(self.0).unwrap_or(i64::MAX);
        Ok(ToSqlOutput::Owned(Value::Integer(count)))
    }
}

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(|count| Self(u64::try_from(count).unwrap_or(0)))
    }
}

/// Milliseconds since 1970, for what only has to be compared.
pub(super) fn ms(instant: Timestamp) -> i64 {
    instant.as_millisecond()
}

/// Back from [`ms`].
pub(super) fn from_ms(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(if milliseconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_back_to_the_nanosecond_in_every_century() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        for text in [
            "2026-11-23T08:00:00.123456789Z",
            "1969-12-31T23:59:59.999999999Z",
            "9999-01-01T00:00:00.000000001Z",
            "-000044-03-15T12:00:00Z",
        ] {
            let at: Timestamp = text.parse().unwrap();
            let back: Exact = connection
                .query_row("SELECT ?1", [Exact(at)], |row| row.get(0))
                .unwrap();
            assert_eq!(back.0, at);
        }
    }
}
