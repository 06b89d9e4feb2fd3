//! What Andon keeps: one SQLite file, one thread that writes, a few connections that read.
//!
//! A write is a job: a function over a transaction. The writer runs every job that waits in one
//! transaction, syncs it once, and answers all of them; so concurrent requests share one sync, and
//! an answer means that the disk has it (design, promise 1). SQL stays in this folder; each group of
//! tables has its file, with methods on [`Tx`] and [`Reader`].
//!
//! This module must not judge: what is an alert, what is due to whom, who may do what, is decided
//! above it.

mod trouble;
mod error;
mod columns;
mod gauge;
mod fresh;
mod repeats;
mod memory;
mod jump;
mod tx;
mod open;
mod writer;
mod checkpoint;
mod handle;
mod standing;
mod signals;
mod newest;
mod known_as;
mod look_ups;
mod filter;
mod alerts;
mod due;
mod outbox;
mod dead_letters;
mod actions;
mod echoes;
mod polled;
mod audit;
mod callers;
mod live_files;
mod retention;
mod over;
mod check;
mod backup;
mod history;
mod heard;
#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub use actions::ActionFilter;
pub use alerts::{Revision, Sighting, Times};
pub use audit::{AuditRow, Verified};
pub use backup::{Restored, back_up, restore};
pub use callers::Flag;
pub use check::{Checked, Fault, Inventory, check};
pub use dead_letters::{DeadLetter, DeadLetterCause};
pub use due::{Due, Owed, Waiting};
pub use echoes::{Echo, Expected};
pub use error::Error;
pub use filter::AlertFilter;
pub use fresh::Handed;
pub use handle::{Options, Store};
pub use history::History;
pub use live_files::Digests;
pub use look_ups::LookUp;
pub use retention::Swept;
pub use signals::{BodyId, Kept, RawRef, Unsettled, UnsettledCounts};
#[cfg(test)]
pub(crate) use simulated::{Disk, Weather};
pub use standing::{Standing, StandingKind};
pub use trouble::Trouble;
pub use tx::{Reader, Tx};
