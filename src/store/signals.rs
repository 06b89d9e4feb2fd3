//! Signals: kept verbatim, appended, and told apart from repeats.

use jiff::Timestamp;
use rusqlite::Row;
use serde_json::Value;

use super::columns::{Count, Exact};
use super::error::{Error, damaged, from_json, to_json};
use super::standing::{Standing, StandingKind};
use super::tx::{Reader, Tx};
use crate::alert::AlertId;
use crate::document::Document;
use crate::id::Id;
use crate::signal::{self, Change, Raw, Signal, SignalId, SignalName};
use crate::untrusted::Untrusted;

/// A body that several signals share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BodyId(i64);

/// Where a signal's raw bytes are.
#[derive(Debug, Clone, Copy)]
pub enum RawRef<'a> {
    /// The body holds this signal alone.
    Own(&'a Raw),
    /// It is the signal's data, Andon's own fields aside; as JSON without a byte order mark.
    Whole(&'a Raw),
    /// The body was kept with [`Tx::insert_body`].
    Shared(BodyId),
}

/// A signal with all that is kept of it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The signal as it was read.
    pub signal: Signal,
    /// The bytes that it was read from.
    pub raw: Raw,
    /// What became of it.
    pub standing: StandingKind,
    /// The alerts that it counts in.
    pub alerts: Vec<AlertId>,
    /// Why it is stuck or refused.
    pub reason: Option<String>,
    /// What `explain` would have shown when it got stuck.
    pub trace: Option<String>,
}

/// One line of the list of what is not settled.
#[derive(Debug, Clone)]
pub struct Unsettled {
    /// The signal.
    pub id: SignalId,
    /// Its connection.
    pub connection: String,
    /// What it is.
    pub name: SignalName,
    /// When it came.
    pub received_at: Timestamp,
    /// What became of it.
    pub standing: StandingKind,
    /// Why it is stuck or refused.
    pub reason: Option<String>,
}

/// How many signals are not settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnsettledCounts {
    /// Waiting for a look-up.
    pub waiting: u64,
    /// Stuck.
    pub stuck: u64,
    /// Refused.
    pub refused: u64,
}

impl Unsettled {
    /// Of `id, connection, connector, signal, received_at, state, reason`.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: Id::from_raw(row.get(0)?),
            connection: row.get(1)?,
            name: SignalName {
                connector: row.get(2)?,
                signal: row.get(3)?,
            },
            received_at: row.get::<_, Exact>(4)?.0,
            standing: StandingKind::from_number(row.get(5)?).unwrap_or(StandingKind::Read),
            reason: row.get(6)?,
        })
    }
}

impl Tx<'_> {
    /// Keeps a body that holds several signals, once.
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_body(&mut self, raw: &Raw) -> Result<BodyId, Error> {
        let headers = to_json("a body's headers", &raw.headers)?;
        self.put(
            "keep a body",
            "INSERT INTO bodies (path, headers, raw) VALUES (?1, ?2, ?3)",
            (&raw.path, headers, raw.body.as_data()),
        )?;
        Ok(BodyId(self.connection().last_insert_rowid()))
    }

    /// Keeps a signal, and remembers it for [`Tx::repeat_of`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn insert_signal(
        &mut self,
        signal: &Signal,
        raw: RawRef<'_>,
        standing: Standing<'_>,
    ) -> Result<(), Error> {
        let id = signal.id.raw();
        let hash = self.repeat_hash(&signal.connection, &signal.name, &signal.vendor_id);
        let body = match raw {
            RawRef::Own(_) | RawRef::Whole(_) => None,
            RawRef::Shared(BodyId(body)) => Some(body),
        };
        self.put(
            "keep a signal",
            "INSERT INTO signals (id, repeat_hash, state, alert, body, connection, connector, signal, vendor_id,
                at, received_at, now, change, echo_of, reason)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            rusqlite::params![
                id,
                hash,
                standing.kind().number(),
                standing.alerts().first().map(|alert| alert.raw()),
                body,
                signal.connection,
                signal.name.connector,
                signal.name.signal,
                signal.vendor_id,
                Exact(signal.at),
                Exact(signal.received_at),
                Exact(signal.now),
                signal.change.map(change_number),
                signal.echo_of.map(Id::raw),
                standing.reason(),
            ],
        )?;
        self.insert_contents(signal, raw, standing.trace())?;
        self.more_alerts(id, standing.alerts())?;
        self.memory.saw(hash, id);
        Ok(())
    }

    fn insert_contents(
        &self,
        signal: &Signal,
        raw: RawRef<'_>,
        trace: Option<&str>,
    ) -> Result<(), Error> {
        let (own, data) = match raw {
            RawRef::Own(raw) => (Some(raw), true),
            RawRef::Whole(raw) => (Some(raw), false),
            RawRef::Shared(_) => (None, true),
        };
        let data = data
            .then(|| to_json("a signal's data", signal.data.as_data()))
            .transpose()?;
        let body = own.map(|raw| raw.body.as_data().as_slice());
        let headers = own
            .map(|raw| to_json("a signal's headers", &raw.headers))
            .transpose()?;
        self.put(
            "keep a signal's contents",
            "INSERT INTO contents (id, data, trace, path, headers, raw) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                signal.id.raw(),
                data.filter(|data| body != Some(data.as_bytes())),
                trace,
                own.and_then(|raw| raw.path.as_deref()),
                headers,
                body,
            ),
        )
        .map(drop)
    }

    /// Puts what was cut out anew in the place of what a signal said before; its raw bytes stay.
    ///
    /// # Errors
    /// When the store fails.
    pub fn reread_signal(&mut self, signal: &Signal) -> Result<(), Error> {
        let data = to_json("a signal's data", signal.data.as_data())?;
        self.put(
            "keep what a signal says",
            "UPDATE signals SET vendor_id = ?2, at = ?3 WHERE id = ?1",
            (signal.id.raw(), &signal.vendor_id, Exact(signal.at)),
        )?;
        self.put(
            "keep a signal's data",
            "UPDATE contents SET data = ?2 WHERE id = ?1",
            (signal.id.raw(), data),
        )
        .map(drop)
    }

    /// Says what became of a signal that was kept before. The alerts that it counted in already stay
    /// among its own.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settle_signal(&mut self, id: SignalId, standing: Standing<'_>) -> Result<(), Error> {
        let mut alerts = self.alerts_of(id)?;
        for alert in standing.alerts() {
            if !alerts.contains(alert) {
                alerts.push(*alert);
            }
        }
        self.put(
            "settle a signal",
            "UPDATE signals SET state = ?2, alert = ?3, reason = ?4 WHERE id = ?1",
            (
                id.raw(),
                standing.kind().number(),
                alerts.first().map(|alert| alert.raw()),
                standing.reason(),
            ),
        )?;
        self.put(
            "keep a signal's trace",
            "UPDATE contents SET trace = ?2 WHERE id = ?1 AND trace IS NOT ?2",
            (id.raw(), standing.trace()),
        )?;
        if !matches!(standing, Standing::Waiting(_)) {
            self.put(
                "end a look-up",
                "DELETE FROM look_ups WHERE signal = ?1",
                [id.raw()],
            )?;
        }
        self.more_alerts(id.raw(), &alerts)
    }

    fn more_alerts(&self, signal: i64, alerts: &[AlertId]) -> Result<(), Error> {
        for alert in alerts.iter().skip(1) {
            self.put(
                "keep a signal's alerts",
                "INSERT INTO signal_alerts (signal, alert) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (signal, alert.raw()),
            )?;
        }
        Ok(())
    }

    /// The newest signal with this vendor id that was received at `since` or later, among those that
    /// are remembered: the last 24 hours, a million at most.
    ///
    /// # Errors
    /// When the store fails.
    pub fn repeat_of(
        &mut self,
        connection: &str,
        name: &SignalName,
        vendor_id: &str,
        since: Timestamp,
    ) -> Result<Option<SignalId>, Error> {
        let hash = self.repeat_hash(connection, name, vendor_id);
        for id in self.memory.repeats.candidates(hash) {
            let received = self.one(
                "look for a repeat",
                "SELECT received_at FROM signals
                 WHERE id = ?1 AND connection = ?2 AND connector = ?3 AND signal = ?4 AND vendor_id = ?5",
                (id, connection, &name.connector, &name.signal, vendor_id),
                |row| row.get::<_, Exact>(0),
            )?;
            if let Some(Exact(received)) = received {
                return Ok((received >= since).then_some(Id::from_raw(id)));
            }
        }
        Ok(None)
    }

    fn repeat_hash(&self, connection: &str, name: &SignalName, vendor_id: &str) -> i64 {
        self.memory
            .hash(&[connection, &name.connector, &name.signal, vendor_id])
    }
}

impl Reader<'_> {
    /// A signal with all that is kept of it; `None` when it never was or is no longer kept.
    ///
    /// # Errors
    /// When the store fails, or the row is damaged.
    pub fn signal(&self, id: SignalId) -> Result<Option<Kept>, Error> {
        let row = self.one(
            "read a signal",
            &format!("{WHOLE} WHERE signals.id = ?1"),
            [id.raw()],
            Columns::read,
        )?;
        let Some(columns) = row else {
            return Ok(None);
        };
        columns.into_kept(self.alerts_of(id)?).map(Some)
    }

    /// The alerts that a signal counts in, in the order in which it was counted.
    fn alerts_of(&self, id: SignalId) -> Result<Vec<AlertId>, Error> {
        self.many(
            "read which alerts a signal counts in",
            "SELECT alert FROM signals WHERE id = ?1 AND alert IS NOT NULL
             UNION ALL SELECT alert FROM signal_alerts WHERE signal = ?1",
            [id.raw()],
            |row| row.get(0).map(Id::from_raw),
        )
    }

    /// What is waiting, stuck or refused, the newest first, from before `before`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unsettled(
        &self,
        standing: StandingKind,
        before: Option<SignalId>,
        limit: u32,
    ) -> Result<Vec<Unsettled>, Error> {
        self.many(
            "list signals that are not settled",
            "SELECT id, connection, connector, signal, received_at, state, reason FROM signals
             WHERE state > 0 AND state = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
            (standing.number(), before.map_or(i64::MAX, Id::raw), limit),
            Unsettled::read,
        )
    }

    /// How many are waiting, stuck and refused.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unsettled_counts(&self) -> Result<UnsettledCounts, Error> {
        let rows = self.many(
            "count signals that are not settled",
            "SELECT state, count(*) FROM signals WHERE state > 0 GROUP BY state",
            [],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Count>(1)?.0)),
        )?;
        let mut counts = UnsettledCounts::default();
        for (state, count) in rows {
            match StandingKind::from_number(state) {
                Some(StandingKind::Waiting) => counts.waiting = count,
                Some(StandingKind::Stuck) => counts.stuck = count,
                Some(StandingKind::Refused) => counts.refused = count,
                Some(StandingKind::Read) | None => {}
            }
        }
        Ok(counts)
    }

    /// How many of each connection are waiting, stuck and refused; up to 100,000 are counted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unsettled_by_connection(&self) -> Result<Vec<(String, StandingKind, u64)>, Error> {
        let rows = self.many(
            "count signals that are not settled, by connection",
            "SELECT connection, state, count(*) FROM
                 (SELECT connection, state FROM signals WHERE state > 0 LIMIT 100000)
             GROUP BY connection, state",
            [],
            |row| {
                Ok((
                    row.get(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, Count>(2)?.0,
                ))
            },
        )?;
        let known = rows.into_iter().filter_map(|(connection, state, count)| {
            Some((connection, StandingKind::from_number(state)?, count))
        });
        Ok(known.collect())
    }
}

/// All that is kept of signals, as [`Columns`] reads it.
pub(super) const WHOLE: &str =
    "SELECT connection, connector, signal, vendor_id, at, received_at, now, change, echo_of, state, reason, data, trace,
        coalesce(contents.path, bodies.path), coalesce(contents.headers, bodies.headers),
        coalesce(contents.raw, bodies.raw), signals.id
     FROM signals JOIN contents USING (id) LEFT JOIN bodies ON bodies.id = signals.body";

/// A row before its JSON is read.
pub(super) struct Columns {
    signal: Signal,
    state: i64,
    reason: Option<String>,
    data: Option<String>,
    trace: Option<String>,
    path: Option<String>,
    headers: String,
    raw: Vec<u8>,
}

impl Columns {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            signal: Signal {
                id: Id::from_raw(row.get(16)?),
                connection: row.get(0)?,
                name: SignalName {
                    connector: row.get(1)?,
                    signal: row.get(2)?,
                },
                vendor_id: row.get(3)?,
                at: row.get::<_, Exact>(4)?.0,
                received_at: row.get::<_, Exact>(5)?.0,
                now: row.get::<_, Exact>(6)?.0,
                change: row.get::<_, Option<i64>>(7)?.and_then(change_of),
                echo_of: row.get::<_, Option<i64>>(8)?.map(Id::from_raw),
                data: Untrusted::new(Document::null()),
            },
            state: row.get(9)?,
            reason: row.get(10)?,
            data: row.get(11)?,
            trace: row.get(12)?,
            path: row.get(13)?,
            headers: row.get::<_, Option<String>>(14)?.unwrap_or_default(),
            raw: row.get::<_, Option<Vec<u8>>>(15)?.unwrap_or_default(),
        })
    }

    pub(super) fn into_kept(self, alerts: Vec<AlertId>) -> Result<Kept, Error> {
        let id = self.signal.id;
        let data = if let Some(data) = &self.data {
            from_json::<Value>("signal", id.raw(), data)?.into()
        } else {
            let body: Value =
                serde_json::from_slice(&self.raw).map_err(damaged("signal", id.raw()))?;
            let signal = &self.signal;
            signal::with_own_fields(body.into(), signal.at, &signal.vendor_id, signal.change)
        };
        Ok(Kept {
            signal: Signal {
                data: Untrusted::new(data),
                ..self.signal
            },
            raw: Raw {
                body: Untrusted::new(self.raw),
                headers: from_json("signal's headers", id.raw(), &self.headers)?,
                path: self.path,
            },
            standing: StandingKind::from_number(self.state)
                .ok_or("its state is unknown")
                .map_err(damaged("signal", id.raw()))?,
            alerts,
            reason: self.reason,
            trace: self.trace,
        })
    }
}

fn change_number(change: Change) -> i64 {
    match change {
        Change::New => 0,
        Change::Changed => 1,
        Change::Same => 2,
        Change::Gone => 3,
    }
}

fn change_of(number: i64) -> Option<Change> {
    [Change::New, Change::Changed, Change::Same, Change::Gone]
        .into_iter()
        .find(|change| change_number(*change) == number)
}
