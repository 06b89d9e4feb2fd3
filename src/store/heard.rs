//! When each connection was last heard of. Keeping a signal does nothing for it: whoever asks reads
//! what came since it was last asked, once for all connections.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;

use super::columns::Exact;
use super::error::Error;
use super::handle::Store;
use super::memory::first_id;
use super::tx::Reader;

/// The most rows read at once; who was silent for longer when the daemon started is not found.
const MOST: u32 = 100_000;
/// Identifiers are given before they are kept: what was on its way at the last look is read again.
const ON_THE_WAY: Duration = Duration::from_mins(1);

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    last: HashMap<String, Timestamp>,
    /// Smaller identifiers need not be read again.
    from: i64,
}

impl Store {
    /// When the last signal of each connection was received: of those since the daemon first asked, and
    /// of the 100,000 before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn last_signals(&self) -> Result<HashMap<String, Timestamp>, Error> {
        let looked_at = self.now().checked_sub(ON_THE_WAY).unwrap_or(Timestamp::MIN);
        let from = self
            .heard()
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .from;
        let (last, newest) = self.read(move |reader| reader.heard_since(from)).await?;
        let mut heard = self.heard().lock().unwrap_or_else(PoisonError::into_inner);
        for (connection, received) in last {
            let last = heard.last.entry(connection).or_insert(received);
            *last = received.max(*last);
        }
        // Not beyond what was read: the time of day may jump back, and identifiers with it.
        heard.from = heard.from.max(newest.min(first_id(looked_at)));
        Ok(heard.last.clone())
    }
}

impl Reader<'_> {
    /// The last signal of each connection from `from` on, and the largest identifier.
    fn heard_since(&self, from: i64) -> Result<(HashMap<String, Timestamp>, i64), Error> {
        let mut last = HashMap::new();
        let mut newest = 0;
        self.many(
            "read which connections were heard of",
            "SELECT connection, received_at, id FROM signals WHERE id >= ?1 ORDER BY id DESC LIMIT ?2",
            (from, MOST),
            |row| {
                let connection = row.get_ref(0)?.as_str()?;
                if !last.contains_key(connection) {
                    last.insert(connection.to_owned(), row.get::<_, Exact>(1)?.0);
                }
                newest = newest.max(row.get(2)?);
                Ok(())
            },
        )?;
        Ok((last, newest))
    }
}
