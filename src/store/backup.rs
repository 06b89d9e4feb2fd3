//! Copies of a store: made while it runs, and put in its place again.
//!
//! A copy is one file, as the store was at one moment, written beside its name, synced, checked, and only
//! then given that name. Nothing is ever written over.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::Connection;

use super::check::{self, Checked};
use super::columns::ms;
use super::error::{Error, failed};
use super::handle::largest_id;
use super::open::{self, beside, holds};

/// What [`restore`] did.
#[derive(Debug)]
pub struct Restored {
    /// What was found in the backup.
    pub checked: Checked,
    /// Where the store that was there lies now.
    pub aside: Option<PathBuf>,
    /// The store that was there told which identifiers were given and what was revoked since.
    pub carried: bool,
}

/// Writes a copy of the store at `path` to `to`, which must not be there. The daemon may run. `now` is noted
/// in it.
///
/// # Errors
/// When there is no store, `to` is there, the copy is not sound, or the disk refuses; nothing is left then.
pub fn back_up(path: &Path, to: &Path, now: Timestamp) -> Result<Checked, Error> {
    is_there(path)?;
    // Claims the name, so that nothing that appears meanwhile is written over.
    drop(new_file(to)?);
    let made = open::reader(path)
        .and_then(|store| {
            open::schema_of(&store, path, open::MIGRATIONS)?;
            copy(&store, to, |copy| {
                set_fact(copy, "backup_ms", ms(now))?;
                check::check_open(copy, to)
            })
        })
        .map_err(|error| error.at_open(path))
        .and_then(|checked| sound(checked, to));
    if made.is_err() {
        // It is ours and holds nothing; that it cannot be removed is no more than untidy.
        let _ = std::fs::remove_file(to);
    }
    made
}

/// Puts a copy of the store beside it, in place of an older one of that name, before its schema is changed.
pub(super) fn keep_aside(store: &Connection, to: &Path) -> Result<(), Error> {
    copy(store, to, |copy| {
        let lines = check::lines(copy)?;
        if lines == ["ok"] {
            Ok(())
        } else {
            Err(unfit(to, lines.join("; ")))
        }
    })
}

/// Puts the backup `from` in the place of the store at `path`. A store that is there is kept aside with
/// `replace`, under a name that ends in `now`; without, it is left alone.
///
/// # Errors
/// When the backup is not sound or of a newer Andon, the daemon runs, a store is there and not to be
/// replaced, or the disk refuses. Until the last step nothing is changed.
pub fn restore(from: &Path, path: &Path, replace: bool, now: Timestamp) -> Result<Restored, Error> {
    is_there(from)?;
    let backup = open::reader(from).map_err(|error| error.at_open(from))?;
    let checked = check::check_open(&backup, from).map_err(|error| error.at_open(from))?;
    let checked = sound(checked, from)?;
    let lock = open::lock(path)?;
    let occupied = holds(path) || holds(&beside(path, "-wal"));
    if occupied && !replace {
        return Err(Error::Occupied {
            path: path.to_owned(),
        });
    }
    // What cannot be read of a damaged store is not carried over; the caller says so.
    let carried = Carried::read(path).ok();
    let fresh = beside(path, ".restoring");
    copy(&backup, &fresh, |copy| {
        if let Some(carried) = &carried {
            carried.write(copy)?;
        }
        set_fact(copy, "restored_ms", ms(now))?;
        copy.execute("DELETE FROM facts WHERE name = 'backup_ms'", [])
            .map(drop)
            .map_err(failed("note that a backup was restored"))
    })?;
    let aside = occupied.then(|| put_aside(path, now)).transpose()?;
    std::fs::rename(&fresh, path).map_err(file("put in its place", path))?;
    sync_folder(path)?;
    open::note(path, &lock)?;
    Ok(Restored {
        checked,
        aside,
        carried: carried.is_some(),
    })
}

/// What must not be forgotten with the store that is replaced: the largest identifier given, the tokens
/// that were revoked, and that Andon was frozen.
struct Carried {
    largest: i64,
    revoked: Vec<(String, i64, String)>,
    flags: Vec<(String, String, String, i64)>,
}

impl Carried {
    fn read(path: &Path) -> Result<Self, Error> {
        is_there(path)?;
        let store = open::reader(path)?;
        let rows = |sql| {
            store
                .prepare(sql)
                .map_err(failed("read what to carry over"))
        };
        Ok(Self {
            largest: largest_id(&store)?,
            revoked: rows("SELECT hash, at_ms, who FROM revoked")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .and_then(Iterator::collect)
                .map_err(failed("read which tokens are revoked"))?,
            flags: rows("SELECT name, who, why, at_ms FROM flags")?
                .query_map([], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })
                .and_then(Iterator::collect)
                .map_err(failed("read whether Andon is frozen"))?,
        })
    }

    fn write(&self, copy: &Connection) -> Result<(), Error> {
        let largest = self.largest.max(largest_id(copy)?);
        set_fact(copy, "largest_id", largest)?;
        for row in &self.revoked {
            copy.execute(
                "INSERT OR IGNORE INTO revoked (hash, at_ms, who) VALUES (?1, ?2, ?3)",
                row.clone(),
            )
            .map_err(failed("carry over a revoked token"))?;
        }
        for row in &self.flags {
            copy.execute(
                "INSERT OR IGNORE INTO flags (name, who, why, at_ms) VALUES (?1, ?2, ?3, ?4)",
                row.clone(),
            )
            .map_err(failed("carry over that Andon is frozen"))?;
        }
        Ok(())
    }
}

/// Copies what `store` sees at this moment to the file `to`, after `finish` has had its say about the copy.
fn copy<T>(
    store: &Connection,
    to: &Path,
    finish: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let part = beside(to, ".part");
    // Of a copy that was broken off.
    let _ = std::fs::remove_file(&part);
    drop(new_file(&part)?);
    let name = part.to_string_lossy();
    let made = store
        .execute("VACUUM INTO ?1", [name.as_ref()])
        .map_err(failed("copy the store"))
        .and_then(|_| Connection::open(&part).map_err(failed("open the copy")))
        .and_then(|copy| {
            let finished = finish(&copy)?;
            copy.close()
                .map_err(|(_, error)| failed("close the copy")(error))?;
            // SQLite syncs no copy (sqlite.org/lang_vacuum.html, VACUUM INTO).
            File::open(&part)
                .and_then(|copy| copy.sync_all())
                .map_err(file("sync", &part))?;
            std::fs::rename(&part, to).map_err(file("give its name to", to))?;
            sync_folder(to)?;
            Ok(finished)
        });
    if made.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    made
}

/// Moves a store with its log to a name that ends in the time, where SQLite finds both again.
fn put_aside(path: &Path, now: Timestamp) -> Result<PathBuf, Error> {
    let aside = beside(
        path,
        &format!(".replaced-{}", now.strftime("%Y%m%dT%H%M%SZ")),
    );
    for end in ["", "-wal"] {
        let (from, to) = (beside(path, end), beside(&aside, end));
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(file("keep aside", &from)(error));
            }
            _ => {}
        }
    }
    // The index of the log is made anew from it.
    let _ = std::fs::remove_file(beside(path, "-shm"));
    Ok(aside)
}

fn sound(checked: Checked, path: &Path) -> Result<Checked, Error> {
    match checked.faults.iter().find(|fault| fault.in_file) {
        Some(fault) => Err(unfit(path, fault.first.join("; "))),
        None => Ok(checked),
    }
}

fn unfit(path: &Path, why: String) -> Error {
    Error::Unfit {
        path: path.to_owned(),
        why,
    }
}

fn set_fact(copy: &Connection, name: &str, value: i64) -> Result<(), Error> {
    copy.execute(
        "INSERT INTO facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )
    .map(drop)
    .map_err(failed("note a fact in the copy"))
}

fn is_there(path: &Path) -> Result<(), Error> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() > 0 => Ok(()),
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(file("look at", path)(source))
        }
        _ => Err(Error::Missing {
            path: path.to_owned(),
        }),
    }
}

/// A file that was not there and that only its owner may read.
fn new_file(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(file("make", path))
}

/// Makes a name last: it is in its folder, which is synced.
fn sync_folder(path: &Path) -> Result<(), Error> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(file("sync", folder))
}

fn file(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File {
        doing,
        path: path.clone(),
        source: Arc::new(source),
    }
}
