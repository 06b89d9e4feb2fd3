//! Tokens that are refused, and flags such as the freeze.

use jiff::Timestamp;

use super::columns::{from_ms, ms};
use super::error::Error;
use super::tx::{Reader, Tx};

/// Something that is switched on for the whole daemon, such as `freeze`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// What it is called.
    pub name: String,
    /// Who switched it on.
    pub who: String,
    /// Why.
    pub why: String,
    /// When, to the millisecond.
    pub at: Timestamp,
}

impl Tx<'_> {
    /// Refuses the token with this hash from now on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn revoke(&mut self, hash: &str, who: &str) -> Result<(), Error> {
        self.put(
            "revoke a token",
            "INSERT INTO revoked (hash, at_ms, who) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            (hash, ms(self.now()), who),
        )
        .map(drop)
    }

    /// Switches a flag on. Gives `false` when it was on: then nothing is changed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn raise_flag(&mut self, name: &str, who: &str, why: &str) -> Result<bool, Error> {
        self.put(
            "raise a flag",
            "INSERT INTO flags (name, who, why, at_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            (name, who, why, ms(self.now())),
        )
        .map(|raised| raised > 0)
    }

    /// Switches a flag off. Gives `false` when it was off.
    ///
    /// # Errors
    /// When the store fails.
    pub fn lower_flag(&mut self, name: &str) -> Result<bool, Error> {
        self.put("lower a flag", "DELETE FROM flags WHERE name = ?1", [name])
            .map(|lowered| lowered > 0)
    }
}

impl Reader<'_> {
    /// The hashes of all tokens that are refused.
    ///
    /// # Errors
    /// When the store fails.
    pub fn revoked(&self) -> Result<Vec<String>, Error> {
        self.many(
            "read which tokens are revoked",
            "SELECT hash FROM revoked ORDER BY hash",
            [],
            |row| row.get(0),
        )
    }

    /// A flag that is on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flag(&self, name: &str) -> Result<Option<Flag>, Error> {
        self.one(
            "read a flag",
            "SELECT name, who, why, at_ms FROM flags WHERE name = ?1",
            [name],
            |row| {
                Ok(Flag {
                    name: row.get(0)?,
                    who: row.get(1)?,
                    why: row.get(2)?,
                    at: from_ms(row.get(3)?),
                })
            },
        )
    }
}
