//! What the writer keeps in memory so that a signal costs no look-up on disk: which ids were seen
//! lately, which alerts are open, and the alerts that are being counted right now.
//!
//! Memory follows the disk: what a transaction changed here is taken back when it is rolled back.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hasher as _;
use std::sync::Arc;

use aws_lc_rs::rand;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use siphasher::sip::SipHasher24;

use super::error::{Error, failed};
use super::fresh::{Made, News};
use super::repeats::Repeats;
use crate::alert::Alert;

/// How long a repeat is recognised.
pub(super) const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Bits below the milliseconds in an identifier (see `id.rs`).
const ID_BITS: u32 = 20;

/// Hashes to row ids. Rows are verified by whoever asks, so a collision costs a read, not a mistake.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Index {
    newest: HashMap<i64, i64>,
    older: HashMap<i64, VecDeque<i64>>,
}

impl Index {
    pub(super) fn insert(&mut self, hash: i64, id: i64) {
        if let Some(before) = self.newest.insert(hash, id) {
            self.older.entry(hash).or_default().push_back(before);
        }
    }

    pub(super) fn remove(&mut self, hash: i64, id: i64) {
        if self.newest.get(&hash) == Some(&id) {
            match self.older.get_mut(&hash).and_then(VecDeque::pop_back) {
                Some(before) => self.newest.insert(hash, before),
                None => self.newest.remove(&hash),
            };
        } else if let Some(older) = self.older.get_mut(&hash) {
            if older.front() == Some(&id) {
                older.pop_front();
            } else {
                older.retain(|known| *known != id);
            }
        }
        if self.older.get(&hash).is_some_and(VecDeque::is_empty) {
            self.older.remove(&hash);
        }
    }

    /// The rows that may be meant, the newest first.
    pub(super) fn candidates(&self, hash: i64) -> impl Iterator<Item = i64> {
        let older = self.older.get(&hash).into_iter().flatten().rev();
        self.newest.get(&hash).into_iter().chain(older).copied()
    }
}

/// The smallest identifier of the window.
fn oldest_id(now: Timestamp) -> i64 {
    first_id(now.saturating_sub(WINDOW).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// When an identifier was made, in milliseconds since 1970.
pub(super) fn made_ms(id: i64) -> i64 {
    id >> ID_BITS
}

/// The smallest identifier that can be made at `from`.
pub(super) fn first_id(from: Timestamp) -> i64 {
    from.as_millisecond().max(0) << ID_BITS
}

/// An open alert in memory, with what was counted since it was last written.
#[derive(Debug)]
pub(super) struct Hot {
    pub(super) alert: Arc<Alert>,
    pub(super) quiet_ms: Option<i64>,
    /// `measured` or `evidence` are no longer what the newest revision shows.
    pub(super) moved: bool,
    pub(super) dirty: bool,
    used: u64,
}

/// The alerts that are being counted: bounded, the least lately used go.
#[derive(Debug, Default)]
pub(super) struct Warm {
    alerts: HashMap<i64, Hot>,
    uses: u64,
}

impl Warm {
    pub(super) fn get(&mut self, id: i64) -> Option<&mut Hot> {
        self.uses = self.uses.saturating_add(1);
        let uses = self.uses;
        let hot = self.alerts.get_mut(&id)?;
        hot.used = uses;
        Some(hot)
    }

    pub(super) fn insert(
        &mut self,
        id: i64,
        alert: Arc<Alert>,
        quiet_ms: Option<i64>,
        moved: bool,
    ) {
        self.uses = self.uses.saturating_add(1);
        let hot = Hot {
            alert,
            quiet_ms,
            moved,
            dirty: false,
            used: self.uses,
        };
        self.alerts.insert(id, hot);
    }

    pub(super) fn remove(&mut self, id: i64) {
        self.alerts.remove(&id);
    }

    pub(super) fn dirty(&mut self) -> impl Iterator<Item = (i64, &mut Hot)> {
        self.alerts
            .iter_mut()
            .filter(|(_, hot)| hot.dirty)
            .map(|(id, hot)| (*id, hot))
    }

    /// Half of them go at once, so that the search for the oldest is seldom.
    fn trim(&mut self, most: usize) {
        if self.alerts.len() <= most {
            return;
        }
        let mut uses: Vec<u64> = self.alerts.values().map(|hot| hot.used).collect();
        let middle = uses.len() / 2;
        let (_, median, _) = uses.select_nth_unstable(middle);
        let median = *median;
        self.alerts.retain(|_, hot| hot.dirty || hot.used > median);
    }
}

/// The end of the audit's chain.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain {
    pub(super) seq: i64,
    pub(super) digest: Vec<u8>,
}

enum Change {
    Seen { id: i64 },
    Opened { hash: i64, id: i64 },
    Closed { hash: i64, id: i64 },
}

/// All of it.
pub(super) struct Memory {
    pub(super) repeats: Repeats,
    pub(super) open: Index,
    pub(super) warm: Warm,
    pub(super) destinations: HashMap<String, i64>,
    pub(super) next_seq: i64,
    pub(super) chain: Chain,
    /// This transaction removed signals: none with a smaller identifier is kept any more.
    pub(super) signals_from: i64,
    /// No signal that is expected as an echo is expected after this; milliseconds since 1970.
    pub(super) echoes_until: i64,
    /// Destinations with rows that are postponed or parked.
    pub(super) held: HashSet<i64>,
    /// What this transaction owes, by destination, for whoever delivers.
    pub(super) news: HashMap<String, News>,
    /// The revisions that this transaction made.
    pub(super) made: Vec<Made>,
    chain_before: Chain,
    secret: [u8; 16],
    changes: Vec<Change>,
    most_repeats: usize,
    most_warm: usize,
}

impl Memory {
    /// Reads it from the disk.
    pub(super) fn load(
        connection: &Connection,
        now: Timestamp,
        most_repeats: usize,
        most_warm: usize,
    ) -> Result<Self, Error> {
        let chain = load_chain(connection)?;
        let mut memory = Self {
            repeats: Repeats::default(),
            open: Index::default(),
            warm: Warm::default(),
            destinations: load_destinations(connection)?,
            next_seq: load_next_seq(connection)?,
            signals_from: 0,
            echoes_until: load_echoes_until(connection)?,
            held: load_held(connection)?,
            news: HashMap::new(),
            made: Vec::new(),
            chain_before: chain.clone(),
            chain,
            secret: load_secret(connection)?,
            changes: Vec::new(),
            most_repeats,
            most_warm,
        };
        memory.news = memory
            .destinations
            .iter()
            .filter(|(_, id)| memory.held.contains(id))
            .map(|(name, _)| {
                let news = News {
                    held: Some(true),
                    ..News::default()
                };
                (name.clone(), news)
            })
            .collect();
        memory.load_repeats(connection, now)?;
        memory.load_open(connection)?;
        Ok(memory)
    }

    fn load_repeats(&mut self, connection: &Connection, now: Timestamp) -> Result<(), Error> {
        let most = i64::try_from(self.most_repeats).unwrap_or(i64::MAX);
        let mut newest = pairs(
            connection,
            "SELECT repeat_hash, id FROM signals WHERE id >= ?1 ORDER BY id DESC LIMIT ?2",
            [oldest_id(now), most],
        )
        .map_err(failed("read which signals came lately"))?;
        newest.reverse();
        for (hash, id) in newest {
            self.repeats.insert(hash, id);
        }
        Ok(())
    }

    fn load_open(&mut self, connection: &Connection) -> Result<(), Error> {
        let open = pairs(
            connection,
            "SELECT key_hash, id FROM alerts INDEXED BY alerts_open WHERE open = 1 ORDER BY id",
            [],
        )
        .map_err(failed("read which alerts are open"))?;
        for (hash, id) in open {
            self.open.insert(hash, id);
        }
        Ok(())
    }

    /// A stable hash under a key that only this store knows: attackers choose ids and keys. SipHash-2-4
    /// is made for that.
    pub(super) fn hash(&self, parts: &[&str]) -> i64 {
        let mut hasher = SipHasher24::new_with_key(&self.secret);
        for part in parts {
            hasher.write(&part.len().to_le_bytes());
            hasher.write(part.as_bytes());
        }
        i64::from_le_bytes(hasher.finish().to_le_bytes())
    }

    pub(super) fn saw(&mut self, hash: i64, id: i64) {
        self.repeats.insert(hash, id);
        self.changes.push(Change::Seen { id });
    }

    pub(super) fn opened(&mut self, hash: i64, id: i64) {
        self.open.insert(hash, id);
        self.changes.push(Change::Opened { hash, id });
    }

    pub(super) fn closed(&mut self, hash: i64, id: i64) {
        self.open.remove(hash, id);
        self.warm.remove(id);
        self.changes.push(Change::Closed { hash, id });
    }

    /// After a commit: what was changed stays, what is too old or too much goes. Gives what is owed anew.
    pub(super) fn settle(&mut self, now: Timestamp) -> HashMap<String, News> {
        self.changes.clear();
        self.made.clear();
        self.chain_before.clone_from(&self.chain);
        let floor = std::mem::take(&mut self.signals_from).max(oldest_id(now));
        self.repeats.forget(floor, self.most_repeats);
        self.warm.trim(self.most_warm);
        std::mem::take(&mut self.news)
    }

    /// Deadlines move by so many milliseconds.
    pub(super) fn move_deadlines(&mut self, by: i64) {
        for hot in self.warm.alerts.values_mut() {
            hot.quiet_ms = hot.quiet_ms.map(|at| at.saturating_add(by));
        }
        if self.echoes_until > 0 {
            self.echoes_until = self.echoes_until.saturating_add(by);
        }
    }

    /// After a rollback: takes back what the transaction changed.
    pub(super) fn take_back(&mut self, connection: &Connection) -> Result<(), Error> {
        while let Some(change) = self.changes.pop() {
            match change {
                Change::Seen { id } => self.repeats.take_back(id),
                Change::Opened { hash, id } => self.open.remove(hash, id),
                Change::Closed { hash, id } => self.open.insert(hash, id),
            }
        }
        self.chain.clone_from(&self.chain_before);
        self.warm = Warm::default();
        self.signals_from = 0;
        self.made.clear();
        self.news.clear();
        self.destinations = load_destinations(connection)?;
        self.echoes_until = load_echoes_until(connection)?;
        self.held = load_held(connection)?;
        Ok(())
    }
}

fn pairs<P: rusqlite::Params>(
    connection: &Connection,
    sql: &str,
    parameters: P,
) -> rusqlite::Result<Vec<(i64, i64)>> {
    connection
        .prepare(sql)?
        .query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

fn load_destinations(connection: &Connection) -> Result<HashMap<String, i64>, Error> {
    connection
        .prepare_cached("SELECT name, id FROM destinations")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
        .map_err(failed("read the names of the destinations"))
}

/// Where the outbox goes on. While the process lives no number is used twice, so that whoever reads
/// the outbox in order can remember where it was.
fn load_next_seq(connection: &Connection) -> Result<i64, Error> {
    let sql = "SELECT max(coalesce((SELECT max(seq) FROM dead_letters), 0), coalesce((SELECT max(newest) FROM
        (SELECT (SELECT max(seq) FROM outbox WHERE destination = destinations.id) AS newest FROM destinations)), 0))";
    connection
        .query_row(sql, [], |row| row.get::<_, i64>(0))
        .map(|largest| largest.saturating_add(1))
        .map_err(failed("read the end of the outbox"))
}

fn load_echoes_until(connection: &Connection) -> Result<i64, Error> {
    connection
        .query_row(
            "SELECT coalesce(max(until_ms), 0) FROM echoes WHERE used_by IS NULL",
            [],
            |row| row.get(0),
        )
        .map_err(failed("read until when echoes are expected"))
}

fn load_held(connection: &Connection) -> Result<HashSet<i64>, Error> {
    connection
        .prepare_cached("SELECT id FROM destinations WHERE EXISTS (SELECT 1 FROM outbox WHERE destination = destinations.id AND next_at_ms IS NOT NULL)")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(failed("read which destinations have postponed deliveries"))
}

fn load_chain(connection: &Connection) -> Result<Chain, Error> {
    connection
        .prepare_cached("SELECT seq, digest FROM audit ORDER BY seq DESC LIMIT 1")
        .and_then(|mut statement| {
            statement
                .query_map([], |row| {
                    Ok(Chain {
                        seq: row.get(0)?,
                        digest: row.get(1)?,
                    })
                })?
                .next()
                .transpose()
        })
        .map(|end| {
            end.unwrap_or(Chain {
                seq: 0,
                digest: Vec::new(),
            })
        })
        .map_err(failed("read the end of the audit"))
}

/// The key of [`Memory::hash`], made once for each store.
fn load_secret(connection: &Connection) -> Result<[u8; 16], Error> {
    let mut fresh = [0_u8; 16];
    rand::fill(&mut fresh).map_err(|_| Error::Unwritable {
        what: "the key of the store's hashes",
        why: "the system gives no random numbers".to_owned(),
    })?;
    connection
        .execute(
            "INSERT INTO facts (name, value) VALUES ('hash_key', ?1) ON CONFLICT DO NOTHING",
            [fresh.as_slice()],
        )
        .and_then(|_| {
            connection.query_row(
                "SELECT value FROM facts WHERE name = 'hash_key'",
                [],
                |row| row.get(0),
            )
        })
        .map_err(failed("read the key of the store's hashes"))
}
