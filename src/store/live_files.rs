//! Which files were in force last, so that a start can tell what changed while the daemon was down.

use std::collections::BTreeMap;

use super::error::{Error, from_json, to_json};
use super::tx::{Reader, Tx};

/// Digests of files, by path.
pub type Digests = BTreeMap<String, String>;

impl Tx<'_> {
    /// Notes which files are in force.
    ///
    /// # Errors
    /// When the store fails.
    pub fn note_files(&mut self, files: &Digests) -> Result<(), Error> {
        let json = to_json("the digests of the files", files)?;
        self.put(
            "note which files are in force",
            "INSERT INTO facts (name, value) VALUES ('files', ?1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [json],
        )
        .map(drop)
    }
}

impl Reader<'_> {
    /// The files that were in force last; none before the first start.
    ///
    /// # Errors
    /// When the store fails.
    pub fn noted_files(&self) -> Result<Option<Digests>, Error> {
        self.one(
            "read which files were in force",
            "SELECT value FROM facts WHERE name = 'files'",
            [],
            |row| row.get::<_, String>(0),
        )?
        .map(|json| from_json("digests of files", 0, &json))
        .transpose()
    }
}
