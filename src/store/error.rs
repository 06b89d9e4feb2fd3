//! What can go wrong with the store, and whether it is worth asking again.

use std::path::PathBuf;
use std::sync::Arc;

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
    #[error("the store `{}` has schema {found}; this Andon knows up to {known}: use the newer one, or restore a backup", path.display())]
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
    /// The disk is full or a bound is reached: answer 503 with `Retry-After`.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Busy => true,
            Self::RolledBack { source } => source.is_full(),
            Self::Sqlite { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::TooBig)
            ),
            Self::File { source, .. } => matches!(
                source.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            ),
            _ => false,
        }
    }

    /// Nothing is wrong with the job itself: the same again may succeed.
    pub fn may_pass(&self) -> bool {
        self.is_full() || matches!(self, Self::RolledBack { .. }) || self.is_locked()
    }

    /// Somebody else holds the database.
    fn is_locked(&self) -> bool {
        match self {
            Self::Sqlite { source, .. } => matches!(
                source.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ),
            _ => false,
        }
    }
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
    serde_json::to_string(value).map_err(|why| Error::Unwritable {
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
