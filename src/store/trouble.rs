//! What can stand in the way of every write, and whether it passes by itself.

use std::fmt;

use rusqlite::ErrorCode;

/// What stands in the way of every write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// A bound is reached, or the disk is full.
    Full,
    /// Another program holds a lock on the database.
    Locked,
    /// The disk or its rights: it is read-only, or fails.
    Refused,
    /// The file does not read as what was written. This one stays until the daemon is started again.
    Damaged,
}

impl Trouble {
    /// What SQLite's refusal says about the store as a whole.
    pub(super) fn of(error: &rusqlite::Error) -> Option<Self> {
        Some(match error.sqlite_error_code()? {
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked,
            // A limit on the size of files (RLIMIT_FSIZE) is a failure of the disk to SQLite.
            ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::CannotOpen => Self::Refused,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Damaged,
            _ => return None,
        })
    }

    /// What a person can do about it.
    pub fn help(self) -> &'static str {
        match self {
            Self::Full => {
                "free some space on the store's disk, or raise `keep.at_most`; Andon goes on by itself"
            }
            Self::Locked => "end the program that holds the lock; Andon goes on by itself",
            Self::Refused => {
                "look at the disk, its mount and the rights on the store's folder; Andon goes on by itself"
            }
            Self::Damaged => {
                "stop Andon, see what `andon check --store` says, then `andon restore BACKUP --replace`"
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the disk refused to take more",
            Self::Locked => "another program holds a lock on it",
            Self::Refused => "the disk refuses what is written, or is read-only",
            Self::Damaged => "its file is damaged",
        })
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn what_sqlite_says_of_the_disk_is_told_from_what_it_says_of_one_job() {
        use Trouble::{Damaged, Full, Locked, Refused};
        for (code, trouble) in [
            (ffi::SQLITE_FULL, Some(Full)),
            (ffi::SQLITE_BUSY, Some(Locked)),
            (ffi::SQLITE_BUSY_SNAPSHOT, Some(Locked)),
            (ffi::SQLITE_LOCKED, Some(Locked)),
            (ffi::SQLITE_IOERR_WRITE, Some(Refused)),
            (ffi::SQLITE_IOERR_FSYNC, Some(Refused)),
            (ffi::SQLITE_IOERR_SHMMAP, Some(Refused)),
            (ffi::SQLITE_READONLY, Some(Refused)),
            (ffi::SQLITE_READONLY_DIRECTORY, Some(Refused)),
            (ffi::SQLITE_PERM, Some(Refused)),
            (ffi::SQLITE_CANTOPEN, Some(Refused)),
            (ffi::SQLITE_CORRUPT, Some(Damaged)),
            (ffi::SQLITE_NOTADB, Some(Damaged)),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, None),
            (ffi::SQLITE_TOOBIG, None),
            (ffi::SQLITE_INTERRUPT, None),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(Trouble::of(&error), trouble, "{error}");
        }
        assert_eq!(Trouble::of(&rusqlite::Error::QueryReturnedNoRows), None);
    }
}
