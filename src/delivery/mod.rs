//! Out: what triage owes is rendered, sent, and marked by what the destination answered.
//!
//! One worker a destination. It takes what is due from the outbox, renders it, cuts batches, and
//! does with each event what `answers:` of the manifest says. Everything that must survive is in
//! the outbox: a worker can be thrown away at any moment, and the next one goes on from the store.
//!
//! What it must not do: decide what is owed (`triage/`), put a secret or a host into a request
//! (`web/`), send a revision of an alert while an earlier one has not been taken, or drop anything
//! that was not taken: it is tried again, or becomes a dead letter that a person decides on.

mod error;
mod fit;
mod event;
mod batch;
mod answer;
mod pace;
mod file;
mod send;
mod lane;
mod worker;
mod supervise;
mod probe;
mod decide;
#[cfg(test)]
mod tests;

pub use crate::live::Standing;
pub use decide::{Undecided, drop_for_good, retry};
pub use error::Error;
pub use event::Rendered;
pub use probe::test_event;
pub use supervise::{resume, standings, start};

use std::path::PathBuf;
use std::sync::Arc;

use crate::alert::Alert;
use crate::config::Connection;
use crate::connector::{Connector, Deliver, Target};
use crate::live::Snapshot;
use crate::shape::Request;

/// The event of `destination` for this revision of an alert, as it would be sent.
///
/// # Errors
/// When there is no such destination, an expression or a text of its `event` fails, or the event is
/// larger than the destination takes.
pub fn render(snapshot: &Snapshot, destination: &str, alert: &Alert) -> Result<Rendered, Error> {
    let way = Way::to(snapshot, destination)?;
    event::render(&way, alert).map(|event| event.rendered)
}

/// Where a destination that is a file writes; `None` for any other.
///
/// # Errors
/// When its path cannot be made.
pub fn file_of(snapshot: &Snapshot, destination: &str) -> Option<Result<PathBuf, Error>> {
    let way = Way::to(snapshot, destination).ok()?;
    matches!(way.deliver.target, Target::File { .. }).then(|| way.path())
}

/// What a destination gets when one event is sent alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Alone {
    /// A request without its host and its secrets, before compression.
    Request(Box<Request>),
    /// Lines at the end of a file.
    Lines(PathBuf, Vec<u8>),
}

/// What `destination` would get of this revision of an alert if nothing else were due to it; and how
/// the event was made to fit. The worker sends the very same, with its host and secrets.
///
/// # Errors
/// As [`render`].
pub fn alone(
    snapshot: &Snapshot,
    destination: &str,
    alert: &Alert,
) -> Result<(Alone, Rendered), Error> {
    let way = Way::to(snapshot, destination)?;
    let event = event::render(&way, alert)?;
    let alone = match way.deliver.target {
        Target::Call(_) => Alone::Request(Box::new(way.unpacked(&[&event])?)),
        Target::File { .. } => Alone::Lines(way.path()?, batch::framed(way.deliver, &[&event])),
    };
    Ok((alone, event.rendered))
}

/// A destination in one snapshot.
#[derive(Clone, Copy)]
struct Way<'s> {
    snapshot: &'s Snapshot,
    connection: &'s Connection,
    connector: &'s Arc<Connector>,
    deliver: &'s Deliver,
}

impl<'s> Way<'s> {
    fn to(snapshot: &'s Snapshot, name: &str) -> Result<Self, Error> {
        let unknown = || Error::Unknown(name.to_owned());
        let connection = snapshot
            .catalog
            .config
            .connection(name)
            .ok_or_else(unknown)?;
        let connector = &connection.connector;
        Ok(Self {
            snapshot,
            connection,
            connector,
            deliver: connector.deliver.as_ref().ok_or_else(unknown)?,
        })
    }
}
