//! Opening the file: its mode, its lock, its settings, its schema.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::columns::Count;
use super::error::{Error, failed};

/// Each schema change in order; `user_version` counts those that were applied.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
];

/// `ANDN`: tells a store of ours from another program's database.
pub(super) const APPLICATION: i32 = 0x414e_444e;

/// How long to wait for a tool that holds the database, such as a backup.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Statements that each connection keeps prepared: more than the store has.
const PREPARED: usize = 192;

/// Stands in the lock's file once there was a store, so that an empty one never takes its place unseen.
const THERE_WAS_ONE: &str = "Andon locks this file while it runs; that it is not empty says that there is a store beside it.\n";

/// Opens the file for writing, made if it is missing, and brings its schema up to date.
/// The second value holds the lock that keeps a second process out, as long as it lives.
pub(super) fn writer(path: &Path, most_bytes: u64) -> Result<(Connection, File), Error> {
    writer_of(path, most_bytes, MIGRATIONS)
}

/// As [`writer`], of a program that knows these schema changes.
pub(super) fn writer_of(
    path: &Path,
    most_bytes: u64,
    migrations: &[&str],
) -> Result<(Connection, File), Error> {
    let lock = lock(path)?;
    is_there_or_never_was(path, &lock)?;
    private_file(path)?;
    let mut connection = Connection::open(path).map_err(failed("open the store"))?;
    settle(&connection)?;
    connection
        .pragma_update(None, "auto_vacuum", "INCREMENTAL")
        .and_then(|()| connection.pragma_update(None, "journal_mode", "WAL"))
        .and_then(|()| connection.pragma_update(None, "synchronous", "FULL"))
        .and_then(|()| connection.pragma_update(None, "wal_autocheckpoint", 0))
        .map_err(failed("prepare the store for writing"))?;
    migrate(&mut connection, path, migrations)?;
    bound(&connection, most_bytes)?;
    note(path, &lock)?;
    Ok((connection, lock))
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(failed("open the store for reading"))?;
    settle(&connection)?;
    Ok(connection)
}

/// A connection that only moves the log into the database.
pub(super) fn checkpointer(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open(path).map_err(failed("open the store for checkpoints"))?;
    settle(&connection)?;
    connection
        .pragma_update(None, "wal_autocheckpoint", 0)
        .map_err(failed("prepare the store for checkpoints"))?;
    Ok(connection)
}

/// A file beside the database: its name and `end`.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Takes the lock that a process has while it has the store open.
pub(super) fn lock(path: &Path) -> Result<File, Error> {
    let lock_path = beside(path, ".lock");
    let file = private_file(&lock_path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse {
            path: path.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(Error::File {
            doing: "lock",
            path: lock_path,
            source: Arc::new(source),
        }),
    }
}

/// Whether a file is there, and not empty.
pub(super) fn holds(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

/// SQLite takes a missing or empty file for a new database, and deletes the log that lies beside it.
fn is_there_or_never_was(path: &Path, lock: &File) -> Result<(), Error> {
    let was = lock.metadata().is_ok_and(|file| file.len() > 0) || holds(&beside(path, "-wal"));
    if was && !holds(path) {
        return Err(Error::Gone {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Notes in the lock's file that there is a store.
pub(super) fn note(path: &Path, mut lock: &File) -> Result<(), Error> {
    if lock.metadata().is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    lock.write_all(THERE_WAS_ONE.as_bytes())
        .and_then(|()| lock.sync_all())
        .map_err(|source| Error::File {
            doing: "write",
            path: beside(path, ".lock"),
            source: Arc::new(source),
        })
}

/// Opens a file that only its owner may read; SQLite gives its log the same mode.
pub(super) fn private_file(path: &Path) -> Result<File, Error> {
    let file = |doing| {
        move |source| Error::File {
            doing,
            path: path.to_owned(),
            source: Arc::new(source),
        }
    };
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(file("make the folder of"))?;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(file("open"))
}

/// What every connection has in common.
fn settle(connection: &Connection) -> Result<(), Error> {
    connection
        .busy_timeout(PATIENCE)
        .and_then(|()| connection.pragma_update(None, "foreign_keys", false))
        .and_then(|()| connection.pragma_update(None, "trusted_schema", false))
        .and_then(|()| connection.pragma_update(None, "temp_store", "MEMORY"))
        .and_then(|()| connection.pragma_update(None, "cache_size", -16_000))
        // Plans do not depend on the values given. Without this SQLite, as it is compiled in, prepares most
        // queries anew for each new value, which costs more than running them.
        .and_then(|()| {
            connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
                .map(drop)
        })
        .map_err(failed("set up a connection to the store"))?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(())
}

/// The schema of a store, which has to be one of ours that this program knows.
pub(super) fn schema_of(
    connection: &Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<usize, Error> {
    let read = |pragma: &str| {
        connection
            .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
            .map_err(failed("read the schema's version"))
    };
    let found = usize::try_from(read("user_version")?).unwrap_or(usize::MAX);
    let application = read("application_id")?;
    if application != i64::from(APPLICATION)
        && (application != 0 || found != 0 || !empty(connection)?)
    {
        return Err(Error::Foreign {
            path: path.to_owned(),
        });
    }
    if found > migrations.len() {
        return Err(Error::Newer {
            path: path.to_owned(),
            found,
            known: migrations.len(),
        });
    }
    Ok(found)
}

/// Brings the schema up to date in one transaction. A store that holds something is copied first, so
/// that the program before this one can go on from there.
fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), Error> {
    let found = schema_of(connection, path, migrations)?;
    if found == migrations.len() {
        return Ok(());
    }
    if found > 0 {
        let copy = beside(path, &format!(".schema-{found}"));
        super::backup::keep_aside(connection, &copy)?;
        tracing::info!(from = found, to = migrations.len(), copy = %copy.display(), "the store's schema is brought up to date; the copy is of before");
    }
    let version = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    let change = connection
        .transaction()
        .map_err(failed("begin a schema change"))?;
    for migration in migrations.iter().skip(found) {
        change
            .execute_batch(migration)
            .map_err(failed("change the schema"))?;
    }
    change
        .pragma_update(None, "application_id", APPLICATION)
        .and_then(|()| change.pragma_update(None, "user_version", version))
        .and_then(|()| change.commit())
        .map_err(failed("change the schema"))
}

fn empty(connection: &Connection) -> Result<bool, Error> {
    connection
        .query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| {
            row.get(0)
        })
        .map_err(failed("look what the database holds"))
}

/// SQLite itself refuses to grow a tenth beyond the bound that intake keeps to, so that marks and
/// audit rows still fit when intake is refused.
pub(super) fn bound(connection: &Connection, most_bytes: u64) -> Result<(), Error> {
    let page: u64 = connection
        .pragma_query_value(None, "page_size", |row| row.get::<_, Count>(0))
        .map(|Count(bytes)| bytes)
        .map_err(failed("read the page size"))?;
    let bytes = most_bytes.saturating_add(most_bytes / 10);
    let pages = (bytes / page.max(1)).clamp(256, 0xffff_fffe);
    connection
        .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
        .map_err(failed("bound the size of the store"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const GIGABYTE: u64 = 1_000_000_000;

    #[test]
    fn only_its_owner_may_read_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/andon.db");
        let (_connection, _lock) = writer(&path, GIGABYTE).unwrap();
        for end in ["", "-wal", "-shm", ".lock"] {
            let file = PathBuf::from(format!("{}{end}", path.display()));
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{end}");
        }
    }

    #[test]
    fn a_second_process_is_kept_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("andon.db");
        let _first = writer(&path, GIGABYTE).unwrap();
        assert!(matches!(writer(&path, GIGABYTE), Err(Error::InUse { .. })));
    }

    #[test]
    fn a_newer_store_is_refused_with_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("andon.db");
        drop(writer(&path, GIGABYTE).unwrap());
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 99)
            .unwrap();
        let error = writer(&path, GIGABYTE).unwrap_err().to_string();
        assert!(
            error.contains("has schema 99; this Andon knows up to 2"),
            "{error}"
        );
    }

    #[test]
    fn another_programs_database_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("andon.db");
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE theirs (x)").unwrap();
        drop(other);
        assert!(matches!(
            writer(&path, GIGABYTE),
            Err(Error::Foreign { .. })
        ));
    }

    /// A schema change that is only here.
    const NEXT: &str =
        "ALTER TABLE destinations ADD COLUMN note TEXT; UPDATE destinations SET note = 'moved';";

    /// A store as schema 1 was written, by the program of that day.
    fn old(path: &Path) {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(include_str!("tests/schema-1.sql"))
            .unwrap();
    }

    fn schema(path: &Path) -> usize {
        let connection = Connection::open(path).unwrap();
        schema_of(&connection, path, &[MIGRATIONS[0], MIGRATIONS[1], NEXT]).unwrap()
    }

    #[test]
    fn an_older_store_is_brought_up_to_date_and_a_copy_of_before_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("andon.db");
        old(&path);
        let (connection, lock) =
            writer_of(&path, GIGABYTE, &[MIGRATIONS[0], MIGRATIONS[1], NEXT]).unwrap();
        let (note, signals): (String, i64) = connection
            .query_row(
                "SELECT (SELECT min(note) FROM destinations), (SELECT count(*) FROM signals)",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        assert_eq!((note.as_str(), signals), ("moved", 3));
        drop((connection, lock));
        let copy = folder.path().join("andon.db.schema-1");
        assert_eq!((schema(&path), schema(&copy)), (3, 1));
        let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // Back to the program of before: it refuses, says what to do, and that can be done.
        let refused = writer(&path, GIGABYTE).unwrap_err();
        assert!(
            refused
                .help()
                .unwrap()
                .contains("andon.db.schema-N --replace"),
            "{refused}"
        );
        let restored =
            super::super::restore(&copy, &path, true, jiff::Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(restored.checked.faults, []);
        writer(&path, GIGABYTE).unwrap();
        assert_eq!(schema(&path), 2);
    }

    #[test]
    fn a_schema_change_that_fails_leaves_the_store_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("andon.db");
        old(&path);
        let broken = "INSERT INTO nowhere VALUES (1);";
        let failed = writer_of(
            &path,
            GIGABYTE,
            &[MIGRATIONS[0], MIGRATIONS[1], NEXT, broken],
        )
        .unwrap_err();
        assert_eq!(failed.to_string(), "cannot change the schema");
        assert_eq!(schema(&path), 1);
        let (connection, _lock) = writer(&path, GIGABYTE).unwrap();
        let columns = connection
            .prepare("SELECT * FROM destinations")
            .unwrap()
            .column_count();
        assert_eq!(columns, 2);
    }

    #[test]
    fn a_store_of_schema_1_opens_and_is_sound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("andon.db");
        old(&path);
        let found = super::super::check(&path).unwrap();
        assert_eq!(found.faults, []);
        let holds = found.holds.unwrap();
        assert_eq!(
            (
                holds.signals,
                holds.open_alerts,
                holds.owed,
                holds.unfinished_actions
            ),
            (3, 2, 3, 0)
        );
    }
}
