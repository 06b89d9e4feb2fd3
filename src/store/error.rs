//! What can go wrong with the store, and whether it is worth asking again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::trouble::Trouble;

/// Why the store did not do what it was asked. Cheap to clone: one failed commit answers many jobs.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The file, or the folder around it, could not be used.
    #[error("cannot {doing} `{}`", path.display())]
    File {
        /// What was attempted.
        doing: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// Another process has this store open.
    #[error("the store `{}` is in use by another process", path.display())]
    InUse {
        /// The store's file.
        path: PathBuf,
    },
    /// A newer Andon wrote it; going on would lose what this one does not know.
    #[error("the store `{}` has schema {found}; this Andon knows up to {known}", path.display())]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// Its schema.
        found: usize,
        /// The newest schema of this program.
        known: usize,
    },
    /// It is a database, of something else.
    #[error("`{}` is a database that is no store of Andon's", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// There was a store, and where it was is nothing, or an empty file. A new one in its place would hide that.
    #[error("the store `{}` is gone or empty, and there was one", path.display())]
    Gone {
        /// The store's file.
        path: PathBuf,
    },
    /// There is no store there.
    #[error("there is no store at `{}`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A store is there, and was not to be replaced.
    #[error("there is a store at `{}` already", path.display())]
    Occupied {
        /// The store's file.
        path: PathBuf,
    },
    /// A copy of a store that SQLite finds damaged.
    #[error("the copy `{}` is not sound: {why}", path.display())]
    Unfit {
        /// The copy.
        path: PathBuf,
        /// What SQLite said.
        why: String,
    },
    /// It could not be opened because another program keeps it locked.
    #[error("another program holds a lock on the store `{}`", path.display())]
    Locked {
        /// The store's file.
        path: PathBuf,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// It could not be opened because it does not read as what was written.
    #[error("the store `{}` is damaged", path.display())]
    NotSound {
        /// The store's file.
        path: PathBuf,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// Something stands in the way of every write; it was found out before this one.
    #[error("the store takes nothing more: {0}")]
    Hindered(Trouble),
    /// SQLite refused.
    #[error("cannot {doing}")]
    Sqlite {
        /// What was attempted.
        doing: &'static str,
        /// What SQLite said.
        source: Arc<rusqlite::Error>,
    },
    /// A row does not read back as what was written.
    #[error("cannot read {what} {id} back: {why}")]
    Damaged {
        /// What it is.
        what: &'static str,
        /// Its key.
        id: i64,
        /// What is wrong with it.
        why: String,
    },
    /// A value cannot be written as JSON, or is too large for its column.
    #[error("cannot write {what}: {why}")]
    Unwritable {
        /// What it is.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A bound is reached, or the disk is full.
    #[error("the store has no room: {why}")]
    Full {
        /// Which bound.
        why: &'static str,
    },
    /// More work waits for the writer than it may keep.
    #[error("more work waits for the store than it takes")]
    Busy,
    /// Another job of the same transaction failed, so this one was rolled back with it.
    #[error("the transaction was rolled back because of another job in it")]
    RolledBack {
        /// Why the other failed.
        source: Box<Error>,
    },
    /// The job panicked; its transaction was rolled back.
    #[error("a job of the store panicked")]
    Panicked,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// What stands in the way of every write, where this error says so.
    pub fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Full { .. } | Self::Busy => Some(Trouble::Full),
            Self::Hindered(trouble) => Some(*trouble),
            Self::RolledBack { source } => source.trouble(),
            Self::Sqlite { source, .. } => Trouble::of(source),
            Self::Locked { .. } => Some(Trouble::Locked),
            Self::NotSound { .. } => Some(Trouble::Damaged),
            Self::File { source, .. } => matches!(
                source.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            )
            .then_some(Trouble::Full),
            _ => None,
        }
    }

    /// The disk is full or a bound is reached.
    pub fn is_full(&self) -> bool {
        self.trouble() == Some(Trouble::Full)
    }

    /// Nothing is wrong with the job itself: the same again may succeed. Answer 503 with `Retry-After`.
    pub fn may_pass(&self) -> bool {
        self.trouble().is_some() || matches!(self, Self::RolledBack { .. })
    }

    /// The same, of a store that was just being opened: with its path, so that it can be acted on.
    pub(super) fn at_open(self, path: &Path) -> Self {
        let path = path.to_owned();
        match self {
            Self::Sqlite { source, .. } if Trouble::of(&source) == Some(Trouble::Locked) => {
                Self::Locked { path, source }
            }
            Self::Sqlite { source, .. } if Trouble::of(&source) == Some(Trouble::Damaged) => {
                Self::NotSound { path, source }
            }
            other => other,
        }
    }

    /// What a person can do about it, in one sentence.
    pub fn help(&self) -> Option<String> {
        let shown = |path: &Path| path.display().to_string();
        Some(match self {
            Self::InUse { path } | Self::Locked { path, .. } => format!(
                "end the other program, or wait until it is done; `fuser -v {}*` says which one it is",
                shown(path)
            ),
            Self::NotSound { path, .. } => format!(
                "keep a copy of `{0}*` as it is, see what `andon check --store` says, then `andon restore BACKUP --replace`; \
                 docs/store-trouble.md says what can be saved without one",
                shown(path)
            ),
            Self::Gone { path } => format!(
                "put it back, or `andon restore BACKUP`; to begin with an empty store remove `{0}`, `{0}-wal` and `{0}.lock`",
                shown(path)
            ),
            Self::Newer { path, .. } => format!(
                "start the newer Andon again; to stay with this one, restore the copy that was made before the upgrade: \
                 `andon restore {}.schema-N --replace`",
                shown(path)
            ),
            Self::Occupied { .. } => {
                "with `--replace` it is kept aside under another name".to_owned()
            }
            Self::Unfit { .. } => "use another backup".to_owned(),
            Self::Foreign { .. } => "name another file under `store:` in andon.yaml".to_owned(),
            Self::File { source, path, .. } => return help_with(path, source.kind()),
            Self::Full { .. } | Self::Hindered(_) | Self::Sqlite { .. } => {
                self.trouble()?.help().to_owned()
            }
            _ => return None,
        })
    }
}

fn help_with(path: &Path, kind: std::io::ErrorKind) -> Option<String> {
    use std::io::ErrorKind;
    let path = path.display();
    Some(match kind {
        ErrorKind::PermissionDenied => format!(
            "the user that runs Andon must be allowed to read and write `{path}` and the folder it is in: look at `ls -ld`, then `chown`"
        ),
        ErrorKind::ReadOnlyFilesystem => {
            "the file system is mounted read-only: mount it writable, or name a file elsewhere under `store:` in andon.yaml".to_owned()
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::Full.help().to_owned(),
        ErrorKind::AlreadyExists => "name another file: nothing is written over".to_owned(),
        ErrorKind::IsADirectory => {
            format!("`{path}` is a folder; name a file under `store:` in andon.yaml")
        }
        _ => return None,
    })
}

/// For `map_err`: SQLite's refusal, with what was attempted.
pub(super) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> Error {
    move |source| Error::Sqlite {
        doing,
        source: Arc::new(source),
    }
}

/// For `map_err`: a row that does not read back.
pub(super) fn damaged<E: std::fmt::Display>(what: &'static str, id: i64) -> impl Fn(E) -> Error {
    move |why| Error::Damaged {
        what,
        id,
        why: why.to_string(),
    }
}

/// A value as JSON.
pub(super) fn to_json<T: serde::Serialize + ?Sized>(
    what: &'static str,
    value: &T,
) -> Result<String, Error> {
    crate::json::to_string(value).map_err(|why| Error::Unwritable {
        what,
        why: why.to_string(),
    })
}

/// A value from JSON that this store wrote.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    id: i64,
    json: &str,
) -> Result<T, Error> {
    serde_json::from_str(json).map_err(damaged(what, id))
}
