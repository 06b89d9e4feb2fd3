//! Alerts and their revisions.
//!
//! What an alert shows is its newest revision. Counting a further signal makes none: it moves a few
//! columns of a narrow row, written once for each transaction, however many signals are counted.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Row;
use serde_json::{Map, Value};

use super::columns::{Count, Exact, from_ms, ms};
use super::error::{Error, from_json, to_json};
use super::filter::AlertFilter;
use super::fresh::Made;
use super::tx::{Reader, Tx};
use crate::alert::{Alert, AlertId, Severity, State};
use crate::id::Id;
use crate::signal::SignalId;

/// One revision as it was kept: what a delivery is owed of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Revision {
    pub(super) row: i64,
    /// The alert.
    pub alert: AlertId,
    /// Its `revision`, from 1.
    pub number: u32,
}

/// When something is to be done about an open alert although no signal comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    /// It has gone quiet then (`quiet:`).
    pub quiet_at: Option<Timestamp>,
    /// It is said again then (`repeat:`).
    pub repeat_at: Option<Timestamp>,
}

/// One more signal of an open alert that changes nothing worth a revision.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The signal.
    pub signal: SignalId,
    /// When it says it happened.
    pub at: Timestamp,
    /// When it was seen.
    pub seen: Timestamp,
    /// The alert goes quiet then, from now on.
    pub quiet_at: Option<Timestamp>,
    /// The newest `measured`, where it differs from what the alert has.
    pub measured: Option<Map<String, Value>>,
    /// The newest `evidence`, where it differs.
    pub evidence: Option<Map<String, Value>>,
}

/// How many checks are put off in one call, so that no transaction grows long.
const REARMED_AT_ONCE: i64 = 4_096;

const COLUMNS: &str =
    "SELECT alerts.id, revisions.json, alerts.count, alerts.signal, alerts.last_seen, alerts.at,
    alerts.measured, alerts.evidence, alerts.quiet_ms
    FROM alerts JOIN revisions ON revisions.id = alerts.revision";

impl Tx<'_> {
    /// The open alert with this key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_alert(&mut self, key: &str) -> Result<Option<Arc<Alert>>, Error> {
        let hash = self.memory.hash(&[key]);
        let candidates: Vec<i64> = self.memory.open.candidates(hash).collect();
        for id in candidates {
            if let Some(alert) = self.warm(id)?.filter(|alert| alert.key == key) {
                return Ok(Some(alert));
            }
        }
        Ok(None)
    }

    /// An alert as this transaction sees it, with what was counted in it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn alert(&mut self, id: AlertId) -> Result<Option<Arc<Alert>>, Error> {
        self.warm(id.raw())
    }

    /// From memory, else from the disk; an open one then stays in memory.
    fn warm(&mut self, id: i64) -> Result<Option<Arc<Alert>>, Error> {
        if let Some(hot) = self.memory.warm.get(id) {
            return Ok(Some(Arc::clone(&hot.alert)));
        }
        let Some(found) = self.stored_alert(id)? else {
            return Ok(None);
        };
        let moved = found.measured.is_some() || found.evidence.is_some();
        let quiet_ms = found.quiet_ms;
        let alert = Arc::new(found.into_alert()?);
        if alert.state != State::Resolved {
            self.memory
                .warm
                .insert(id, Arc::clone(&alert), quiet_ms, moved);
        }
        Ok(Some(alert))
    }

    /// Keeps a new revision of a new or known alert; its number is `alert.revision`. An alert that
    /// is `resolved` is closed by it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_alert(
        &mut self,
        alert: impl Into<Arc<Alert>>,
        times: Times,
    ) -> Result<Revision, Error> {
        let alert = alert.into();
        let id = alert.id.raw();
        // The first revision has none before it.
        let before = if alert.revision == 1 {
            None
        } else {
            self.one(
                "read an alert's newest revision",
                "SELECT revision, open FROM alerts WHERE id = ?1",
                [id],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?)),
            )?
        };
        let json = to_json("an alert", alert.as_ref())?;
        self.put(
            "keep a revision",
            "INSERT INTO revisions (alert, number, previous, made_ms, json) VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                id,
                alert.revision,
                before.map(|(row, _)| row),
                ms(alert.revised_at),
                &json,
            ),
        )?;
        let row = self.connection().last_insert_rowid();
        let hash = self.memory.hash(&[&alert.key]);
        let open = alert.state != State::Resolved;
        self.put_row(&alert, hash, row, times)?;
        match (before.is_some_and(|(_, open)| open), open) {
            (false, true) => self.memory.opened(hash, id),
            (true, false) => self.memory.closed(hash, id),
            (true, true) => {
                if self.memory.warm.get(id).is_some() {
                    let quiet_ms = times.quiet_at.map(ms);
                    self.memory
                        .warm
                        .insert(id, Arc::clone(&alert), quiet_ms, false);
                }
            }
            (false, false) => {}
        }
        let revision = Revision {
            row,
            alert: alert.id,
            number: alert.revision,
        };
        let bytes = json.len();
        self.memory.made.push(Made { row, alert, bytes });
        Ok(revision)
    }

    fn put_row(&self, alert: &Alert, hash: i64, row: i64, times: Times) -> Result<(), Error> {
        let quiet_ms = times.quiet_at.map(ms);
        self.put(
            "keep an alert",
            "INSERT INTO alerts (id, key_hash, open, severity, revision, count, signal, last_seen, at, check_ms,
                quiet_ms, repeat_ms, kind, mapping, connection)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12, ?13, ?14)
             ON CONFLICT (id) DO UPDATE SET open = excluded.open, severity = excluded.severity,
                revision = excluded.revision, count = excluded.count, signal = excluded.signal,
                last_seen = excluded.last_seen, at = excluded.at, check_ms = excluded.check_ms,
                quiet_ms = excluded.quiet_ms, repeat_ms = excluded.repeat_ms, kind = excluded.kind,
                measured = NULL, evidence = NULL",
            rusqlite::params![
                alert.id.raw(),
                hash,
                alert.state != State::Resolved,
                severity_number(alert.severity),
                row,
                Count(alert.count),
                alert.signal.raw(),
                Exact(alert.last_seen),
                Exact(alert.at),
                quiet_ms,
                times.repeat_at.map(ms),
                alert.kind,
                alert.mapping,
                alert.origin.connection,
            ],
        )
        .map(drop)
    }

    /// Counts one more signal in an open alert, without a revision. Durable with the transaction.
    /// Gives `false` when there is no such alert, or it is closed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count(&mut self, id: AlertId, sighting: Sighting) -> Result<bool, Error> {
        if self.warm(id.raw())?.is_none() {
            return Ok(false);
        }
        let Some(hot) = self.memory.warm.get(id.raw()) else {
            return Ok(false);
        };
        let alert = Arc::make_mut(&mut hot.alert);
        alert.count = alert.count.saturating_add(1);
        alert.signal = sighting.signal;
        alert.at = sighting.at;
        alert.last_seen = alert.last_seen.max(sighting.seen);
        if let Some(measured) = sighting.measured {
            alert.measured = measured;
            hot.moved = true;
        }
        if let Some(evidence) = sighting.evidence {
            alert.evidence = evidence;
            hot.moved = true;
        }
        hot.quiet_ms = sighting.quiet_at.map(ms);
        hot.dirty = true;
        Ok(true)
    }

    /// Writes what [`Tx::count`] left in memory; the writer calls it before each commit.
    pub(super) fn write_counts(&mut self) -> Result<(), Error> {
        let connection = self.connection();
        for (id, hot) in self.memory.warm.dirty() {
            let alert = &hot.alert;
            let shown = |map: &Map<String, Value>| {
                hot.moved
                    .then(|| to_json("an alert's measure", map))
                    .transpose()
            };
            let (measured, evidence) = (shown(&alert.measured)?, shown(&alert.evidence)?);
            // `check_ms` stays: `Tx::quiet_due` moves it when its time has come, so that no signal
            // has to touch an index.
            connection
                .prepare_cached(
                    "UPDATE alerts SET count = ?2, signal = ?3, last_seen = ?4, at = ?5, quiet_ms = ?6,
                        measured = ?7, evidence = ?8 WHERE id = ?1",
                )
                .and_then(|mut update| {
                    update.execute(rusqlite::params![
                        id,
                        Count(alert.count),
                        alert.signal.raw(),
                        Exact(alert.last_seen),
                        Exact(alert.at),
                        hot.quiet_ms,
                        measured,
                        evidence,
                    ])
                })
                .map_err(super::error::failed("count in an alert"))?;
            hot.dirty = false;
        }
        Ok(())
    }

    /// Open alerts that have gone quiet, the longest quiet first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn quiet_due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<AlertId>, Error> {
        self.write_counts()?;
        self.put(
            "put off the checks of alerts that were seen again",
            "UPDATE alerts SET check_ms = quiet_ms WHERE id IN (SELECT id FROM alerts WHERE open = 1
                AND check_ms <= ?1 AND (quiet_ms IS NULL OR quiet_ms > ?1) ORDER BY check_ms LIMIT ?2)",
            (ms(now), REARMED_AT_ONCE),
        )?;
        self.many(
            "read which alerts have gone quiet",
            "SELECT id FROM alerts WHERE open = 1 AND check_ms <= ?1 AND quiet_ms <= ?1 ORDER BY check_ms, id LIMIT ?2",
            (ms(now), limit),
            |row| row.get(0).map(Id::from_raw),
        )
    }
}

impl Reader<'_> {
    /// When the next open alert may go quiet, or is to be said again. It may be too early where counts are
    /// not yet written, never too late. Cheap: it looks at the first row of each index.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_timer(&self) -> Result<Option<Timestamp>, Error> {
        let next = self.one(
            "read when an alert's time comes",
            // Most alerts have no such time: the comparison with 0 steps over them in the index.
            "SELECT min(at) FROM (SELECT min(check_ms) AS at FROM alerts WHERE open = 1 AND check_ms > 0
                UNION ALL SELECT min(repeat_ms) FROM alerts WHERE open = 1 AND repeat_ms > 0)",
            [],
            |row| row.get::<_, Option<i64>>(0),
        )?;
        Ok(next.flatten().map(from_ms))
    }

    /// An alert with what was counted in it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn alert(&self, id: AlertId) -> Result<Option<Alert>, Error> {
        self.stored_alert(id.raw())?
            .map(Stored::into_alert)
            .transpose()
    }

    fn stored_alert(&self, id: i64) -> Result<Option<Stored>, Error> {
        let sql = format!("{COLUMNS} WHERE alerts.id = ?1");
        self.one("read an alert", &sql, [id], Stored::read)
    }

    /// Alerts that pass `filter`, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn alerts(&self, filter: &AlertFilter, limit: u32) -> Result<Vec<Alert>, Error> {
        let index = if filter.open == Some(true) {
            "alerts.open = 1"
        } else {
            "(?1 IS NULL OR alerts.open = ?1)"
        };
        let sql = format!(
            "{COLUMNS} WHERE {index} AND (?1 IS NULL OR alerts.open = ?1) AND (?2 IS NULL OR alerts.severity >= ?2)
             AND (?3 IS NULL OR alerts.kind = ?3) AND (?4 IS NULL OR alerts.connection = ?4)
             AND (?5 IS NULL OR alerts.mapping = ?5) AND (?8 IS NULL OR instr(revisions.json, ?8) > 0)
             AND alerts.id < ?6 ORDER BY alerts.id DESC LIMIT ?7"
        );
        let rows = self.many(
            "list alerts",
            &sql,
            (
                filter.open,
                filter.severity.map(severity_number),
                &filter.kind,
                &filter.connection,
                &filter.mapping,
                filter.before.map_or(i64::MAX, Id::raw),
                limit,
                filter.member(),
            ),
            Stored::read,
        )?;
        rows.into_iter().map(Stored::into_alert).collect()
    }

    /// Open alerts to be said again, the longest due first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn repeat_due(&self, now: Timestamp, limit: u32) -> Result<Vec<AlertId>, Error> {
        self.many(
            "read which alerts are to be repeated",
            "SELECT id FROM alerts WHERE open = 1 AND repeat_ms <= ?1 ORDER BY repeat_ms, id LIMIT ?2",
            (ms(now), limit),
            |row| row.get(0).map(Id::from_raw),
        )
    }

    /// Every revision of an alert as it was made, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn revisions(&self, id: AlertId) -> Result<Vec<Alert>, Error> {
        let mut revisions = self.chain(id, 0, u32::MAX)?;
        revisions.reverse();
        Ok(revisions)
    }

    /// An alert's revisions from its newest back to number `down_to`, `most` of them at most.
    ///
    /// # Errors
    /// When the store fails.
    pub fn chain(&self, id: AlertId, down_to: u32, most: u32) -> Result<Vec<Alert>, Error> {
        let rows = self.many(
            "read an alert's revisions",
            "WITH RECURSIVE chain (id, number, previous, json) AS (
                SELECT id, number, previous, json FROM revisions
                WHERE id = (SELECT revision FROM alerts WHERE id = ?1)
                UNION ALL
                SELECT revisions.id, revisions.number, revisions.previous, revisions.json FROM revisions, chain
                WHERE revisions.id = chain.previous AND chain.number > ?2)
             SELECT id, json FROM chain LIMIT ?3",
            (id.raw(), down_to, most),
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
        )?;
        rows.iter()
            .map(|(row, json)| from_json("revision", *row, json))
            .collect()
    }

    /// How many alerts are open.
    ///
    /// # Errors
    /// When the store fails.
    pub fn open_alerts(&self) -> Result<u64, Error> {
        self.number(
            "count open alerts",
            "SELECT count(*) FROM alerts INDEXED BY alerts_open WHERE open = 1",
            [],
        )
        .map(|count| u64::try_from(count).unwrap_or(0))
    }
}

/// A row before its JSON is read.
struct Stored {
    id: i64,
    json: String,
    count: u64,
    signal: i64,
    last_seen: Timestamp,
    at: Timestamp,
    measured: Option<String>,
    evidence: Option<String>,
    quiet_ms: Option<i64>,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            json: row.get(1)?,
            count: row.get::<_, Count>(2)?.0,
            signal: row.get(3)?,
            last_seen: row.get::<_, Exact>(4)?.0,
            at: row.get::<_, Exact>(5)?.0,
            measured: row.get(6)?,
            evidence: row.get(7)?,
            quiet_ms: row.get(8)?,
        })
    }

    /// The revision, with what was counted since.
    fn into_alert(self) -> Result<Alert, Error> {
        let mut alert: Alert = from_json("alert", self.id, &self.json)?;
        alert.count = self.count;
        alert.signal = Id::from_raw(self.signal);
        alert.last_seen = self.last_seen;
        alert.at = self.at;
        if let Some(measured) = self.measured {
            alert.measured = from_json("alert", self.id, &measured)?;
        }
        if let Some(evidence) = self.evidence {
            alert.evidence = from_json("alert", self.id, &evidence)?;
        }
        Ok(alert)
    }
}

fn severity_number(severity: Severity) -> i64 {
    match severity {
        Severity::Informational => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}
