//! The audit: rows that are only ever appended, chained by digests.

use aws_lc_rs::digest;
use jiff::Timestamp;
use serde_json::Value;

use super::columns::{from_ms, ms};
use super::error::{Error, from_json, to_json};
use super::memory::Chain;
use super::tx::{Reader, Tx};

/// One thing that somebody did.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// Its place, from 1, without gaps.
    pub seq: i64,
    /// When, to the millisecond.
    pub at: Timestamp,
    /// The caller, or `andon`.
    pub who: String,
    /// A word such as `action.requested`.
    pub what: String,
    /// The particulars; never a secret.
    pub about: Value,
}

/// What [`Reader::verify_audit`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// Each of so many rows fits the one before it; the last one's digest in hexadecimal.
    Whole {
        /// How many rows there are.
        rows: u64,
        /// To be compared with one noted elsewhere: it tells whether the end was cut off.
        digest: String,
    },
    /// This row was changed, or one before it is missing.
    Broken {
        /// Its place.
        seq: i64,
    },
}

impl Tx<'_> {
    /// Appends to the audit. Gives the row's place.
    ///
    /// # Errors
    /// When the store fails.
    pub fn audit(&mut self, who: &str, what: &str, about: &Value) -> Result<i64, Error> {
        let seq = self.memory.chain.seq.saturating_add(1);
        let at_ms = ms(self.now());
        let json = to_json("an audit row", about)?;
        let digest = link(&self.memory.chain.digest, seq, at_ms, who, what, &json);
        self.put(
            "append to the audit",
            "INSERT INTO audit (seq, at_ms, who, what, json, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (seq, at_ms, who, what, json, &digest),
        )?;
        self.memory.chain = Chain { seq, digest };
        Ok(seq)
    }
}

impl Reader<'_> {
    /// Rows of the audit after `after`, in order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn audit_rows(&self, after: i64, limit: u32) -> Result<Vec<AuditRow>, Error> {
        self.many(
            "read the audit",
            "SELECT seq, at_ms, who, what, json FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            (after, limit),
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get::<_, String>(4)?,
                ))
            },
        )?
        .into_iter()
        .map(|(seq, at, who, what, json)| {
            Ok(AuditRow {
                seq,
                at: from_ms(at),
                who,
                what,
                about: from_json("audit row", seq, &json)?,
            })
        })
        .collect()
    }

    /// Computes the chain anew and compares.
    ///
    /// # Errors
    /// When the store fails.
    pub fn verify_audit(&self) -> Result<Verified, Error> {
        let mut seq: i64 = 0;
        let mut before = Vec::new();
        loop {
            let rows = self.many(
                "read the audit",
                "SELECT seq, at_ms, who, what, json, digest FROM audit WHERE seq > ?1 ORDER BY seq LIMIT 1000",
                [seq],
                |row| {
                    Ok((
                        row.get::<_, i64>(0)?,
                        row.get(1)?,
                        row.get::<_, String>(2)?,
                        row.get::<_, String>(3)?,
                        row.get::<_, String>(4)?,
                        row.get::<_, Vec<u8>>(5)?,
                    ))
                },
            )?;
            if rows.is_empty() {
                return Ok(Verified::Whole {
                    rows: u64::try_from(seq).unwrap_or(0),
                    digest: data_encoding::HEXLOWER.encode(&before),
                });
            }
            for (place, at_ms, who, what, json, digest) in rows {
                let follows = place == seq.saturating_add(1);
                if !follows || link(&before, place, at_ms, &who, &what, &json) != digest {
                    return Ok(Verified::Broken { seq: place });
                }
                seq = place;
                before = digest;
            }
        }
    }
}

/// The digest of a row: each part with its length, so that no two rows read alike.
fn link(before: &[u8], seq: i64, at_ms: i64, who: &str, what: &str, json: &str) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(before);
    context.update(&seq.to_be_bytes());
    context.update(&at_ms.to_be_bytes());
    for part in [who, what, json] {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        context.update(&length.to_be_bytes());
        context.update(part.as_bytes());
    }
    context.finish().as_ref().to_vec()
}
