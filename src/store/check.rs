//! Tells the truth about a store's file: what SQLite finds in it, and whether Andon's own rows fit each
//! other. Only reads, so it may run beside the daemon.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::audit::Verified;
use super::columns::{Exact, from_ms};
use super::error::{Error, failed};
use super::open::{self, MIGRATIONS};
use super::trouble::Trouble;
use super::tx::Reader;
use crate::alert::Alert;
use crate::untrusted;

/// What a store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Its schema.
    pub schema: usize,
    /// Signals.
    pub signals: u64,
    /// Alerts that are open.
    pub open_alerts: u64,
    /// Revisions that are owed to destinations.
    pub owed: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Actions that are not finished.
    pub unfinished_actions: u64,
    /// When its newest signal was received.
    pub newest_signal: Option<Timestamp>,
    /// When it was made, where it is a backup.
    pub made: Option<Timestamp>,
}

/// Something that is wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, for a person.
    pub what: String,
    /// How often, where that is known.
    pub count: u64,
    /// The keys of the first ones, or what SQLite said.
    pub first: Vec<String>,
    /// SQLite itself finds the file damaged, so that nothing in it is to be trusted.
    pub in_file: bool,
}

/// What [`check`] found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What the store holds; `None` where that cannot be read.
    pub holds: Option<Inventory>,
    /// What is wrong with it; nothing when it is sound.
    pub faults: Vec<Fault>,
}

/// Lines that SQLite may say about a damaged file.
const MOST_LINES: u32 = 20;
/// Keys that are shown of each fault.
const MOST_KEYS: usize = 5;

/// What must not be there: a sentence, and a query for the keys of what breaks it.
const RULES: &[(&str, &str)] = &[
    (
        "deliveries are owed without the revision that they are of",
        "SELECT outbox.seq FROM outbox LEFT JOIN revisions ON revisions.id = outbox.revision
         WHERE revisions.id IS NULL OR revisions.alert <> outbox.alert OR revisions.number <> outbox.number",
    ),
    (
        "deliveries are owed of alerts that are not kept",
        "SELECT seq FROM outbox WHERE NOT EXISTS (SELECT 1 FROM alerts WHERE id = outbox.alert)",
    ),
    (
        "deliveries are owed to destinations without a name",
        "SELECT seq FROM outbox WHERE NOT EXISTS (SELECT 1 FROM destinations WHERE id = outbox.destination)",
    ),
    (
        "dead letters are kept without the revision that they are of",
        "SELECT seq FROM dead_letters WHERE NOT EXISTS
            (SELECT 1 FROM revisions WHERE id = dead_letters.revision AND alert = dead_letters.alert)",
    ),
    (
        "alerts lack their newest revision",
        "SELECT alerts.id FROM alerts LEFT JOIN revisions ON revisions.id = alerts.revision
         WHERE revisions.id IS NULL OR revisions.alert <> alerts.id",
    ),
    (
        "alerts are open and their newest revision says resolved, or the other way round",
        "SELECT alerts.id FROM alerts JOIN revisions ON revisions.id = alerts.revision
         WHERE json_valid(json) AND (json_extract(json, '$.state') = 'resolved') = alerts.open",
    ),
    (
        "alerts have a later revision than the one that counts as their newest",
        "SELECT alert FROM revisions AS later WHERE EXISTS (SELECT 1 FROM alerts
            JOIN revisions AS newest ON newest.id = alerts.revision
            WHERE alerts.id = later.alert AND newest.number < later.number)",
    ),
    (
        "alerts count fewer sightings than signals that are kept of them",
        // The signal that closes an alert is one more.
        "SELECT alert FROM signals WHERE alert IS NOT NULL GROUP BY alert
         HAVING count(*) > 1 + coalesce((SELECT count FROM alerts WHERE id = signals.alert), 9223372036854775806)",
    ),
    (
        "signals lack their contents",
        "SELECT id FROM signals WHERE NOT EXISTS (SELECT 1 FROM contents WHERE id = signals.id)",
    ),
    (
        "signals lack the body that they share",
        "SELECT id FROM signals WHERE body IS NOT NULL AND NOT EXISTS (SELECT 1 FROM bodies WHERE id = signals.body)",
    ),
    (
        "signals wait for a look-up that nobody will make",
        "SELECT id FROM signals WHERE state = 1 AND NOT EXISTS (SELECT 1 FROM look_ups WHERE signal = signals.id)",
    ),
    (
        "look-ups are to be made for signals that are not kept",
        "SELECT signal FROM look_ups WHERE NOT EXISTS (SELECT 1 FROM signals WHERE id = look_ups.signal)",
    ),
    (
        "calls are kept of actions that are not",
        "SELECT DISTINCT action FROM calls WHERE NOT EXISTS (SELECT 1 FROM actions WHERE id = calls.action)",
    ),
    (
        "actions cannot be read",
        "SELECT id FROM actions WHERE NOT json_valid(json)",
    ),
    (
        "identifiers are no positive numbers",
        "SELECT id FROM signals WHERE id <= 0 UNION ALL SELECT id FROM alerts WHERE id <= 0
         UNION ALL SELECT id FROM actions WHERE id <= 0
         UNION ALL SELECT value FROM facts WHERE name = 'largest_id' AND (typeof(value) <> 'integer' OR value < 0)",
    ),
];

/// Reads the whole store at `path`, or a backup, as it is at this moment.
///
/// # Errors
/// When there is none, it is no store of Andon's, a newer Andon wrote it, or it cannot be read at all.
/// What is wrong inside is no error but a [`Fault`].
pub fn check(path: &Path) -> Result<Checked, Error> {
    if !open::holds(path) {
        return Err(Error::Missing {
            path: path.to_owned(),
        });
    }
    let checked = open::reader(path).and_then(|connection| check_open(&connection, path));
    match checked.map_err(|error| error.at_open(path)) {
        Err(error) if error.trouble() == Some(Trouble::Damaged) => Ok(Checked {
            holds: None,
            faults: vec![in_file(vec![untrusted::with_causes(&error)])],
        }),
        other => other,
    }
}

/// As [`check`], over a connection.
pub(super) fn check_open(connection: &Connection, path: &Path) -> Result<Checked, Error> {
    connection
        .execute_batch("BEGIN")
        .map_err(failed("begin to read"))?;
    let schema = open::schema_of(connection, path, MIGRATIONS)?;
    let mut faults = Vec::new();
    let lines = lines(connection)?;
    if lines != ["ok"] {
        faults.push(in_file(lines));
    }
    let mut note = |what: &str, found: Result<Vec<String>, Error>| match found {
        Ok(keys) if keys.is_empty() => {}
        Ok(mut keys) => {
            let count = u64::try_from(keys.len()).unwrap_or(u64::MAX);
            keys.truncate(MOST_KEYS);
            faults.push(Fault {
                what: what.to_owned(),
                count,
                first: keys,
                in_file: false,
            });
        }
        Err(error) => faults.push(Fault {
            what: format!("this could not be looked at: {what}"),
            count: 1,
            first: vec![untrusted::with_causes(&error)],
            in_file: error.trouble() == Some(Trouble::Damaged),
        }),
    };
    note(
        "tables or indexes are not those of this schema",
        tables(connection, schema),
    );
    let reader = Reader::new(connection);
    for (what, sql) in RULES {
        note(
            what,
            reader.many("check a rule", sql, [], |row| {
                row.get::<_, i64>(0).map(|key| key.to_string())
            }),
        );
    }
    note(
        "alerts that are open, owed or dead cannot be read back",
        unread(&reader),
    );
    note(
        "the audit's chain is broken from here on",
        reader.verify_audit().map(|verified| match verified {
            Verified::Whole { .. } => Vec::new(),
            Verified::Broken { seq } => vec![seq.to_string()],
        }),
    );
    let holds = match inventory(&reader, schema) {
        Ok(holds) => Some(holds),
        Err(error) => {
            note("what the store holds", Err(error));
            None
        }
    };
    connection
        .execute_batch("COMMIT")
        .map_err(failed("end reading"))?;
    Ok(Checked { holds, faults })
}

/// Counts what a store holds.
pub(super) fn inventory(reader: &Reader<'_>, schema: usize) -> Result<Inventory, Error> {
    let count = |sql: &str| {
        reader
            .number("count what the store holds", sql, [])
            .map(|count| u64::try_from(count).unwrap_or(0))
    };
    let newest = reader.one(
        "read the newest signal",
        "SELECT received_at FROM signals ORDER BY id DESC LIMIT 1",
        [],
        |row| row.get::<_, Exact>(0),
    )?;
    let made = reader.one(
        "read when a backup was made",
        "SELECT value FROM facts WHERE name = 'backup_ms'",
        [],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(Inventory {
        schema,
        signals: count("SELECT count(*) FROM signals")?,
        open_alerts: reader.open_alerts()?,
        owed: count("SELECT count(*) FROM outbox")?,
        dead_letters: count("SELECT count(*) FROM dead_letters")?,
        unfinished_actions: reader.count_unfinished_actions()?,
        newest_signal: newest.map(|Exact(at)| at),
        made: made.map(from_ms),
    })
}

/// What SQLite says about the file: one line `ok`, or what is wrong.
pub(super) fn lines(connection: &Connection) -> Result<Vec<String>, Error> {
    connection
        .prepare(&format!("PRAGMA integrity_check({MOST_LINES})"))
        .and_then(|mut check| check.query_map([], |row| row.get(0))?.collect())
        .map_err(failed("check the store's file"))
}

fn in_file(lines: Vec<String>) -> Fault {
    Fault {
        what: "the file is damaged".to_owned(),
        count: u64::try_from(lines.len()).unwrap_or(u64::MAX),
        first: lines,
        in_file: true,
    }
}

/// Tables and indexes that are missing, changed, or nobody's.
fn tables(connection: &Connection, schema: usize) -> Result<Vec<String>, Error> {
    type Made = (String, Option<String>);
    let read = |connection: &Connection| -> Result<Vec<Made>, Error> {
        connection
            .prepare(
                "SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
            )
            .and_then(|mut tables| {
                tables
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .map_err(failed("read the tables"))
    };
    let wanted = Connection::open_in_memory().map_err(failed("make the tables to compare with"))?;
    for migration in MIGRATIONS.iter().take(schema) {
        wanted
            .execute_batch(migration)
            .map_err(failed("make the tables to compare with"))?;
    }
    let (found, wanted) = (read(connection)?, read(&wanted)?);
    let one_way = |these: &[Made], those: &[Made]| -> Vec<String> {
        let lacking = these.iter().filter(|made| !those.contains(made));
        lacking.map(|(name, _)| name.clone()).collect()
    };
    let mut names = one_way(&found, &wanted);
    names.extend(one_way(&wanted, &found));
    names.sort();
    names.dedup();
    Ok(names)
}

/// The alerts whose newest or owed revisions do not read back.
fn unread(reader: &Reader<'_>) -> Result<Vec<String>, Error> {
    let read = reader.many(
        "read the alerts that are open or owed",
        "SELECT alert, json FROM revisions WHERE id IN (SELECT revision FROM alerts WHERE open = 1
            UNION SELECT revision FROM outbox UNION SELECT revision FROM dead_letters)",
        [],
        |row| {
            let sound = serde_json::from_str::<Alert>(row.get_ref(1)?.as_str()?).is_ok();
            Ok((!sound).then_some(row.get::<_, i64>(0)?))
        },
    )?;
    Ok(read
        .into_iter()
        .flatten()
        .map(|id| id.to_string())
        .collect())
}
