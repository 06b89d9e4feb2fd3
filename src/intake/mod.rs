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
mod ask;
mod hold;
mod page;
mod poll;
mod items;
mod open;
mod read_file;
mod file;
mod own;
mod look_up;
mod retry;
mod jobs;
mod look;

pub use body::{DEEPEST, LONGEST_BODY, LONGEST_INFLATED};
pub use jobs::{Options, start, start_with};
pub use keep::Received;
pub use look::{FirstPage, first_page, folder};
pub use poll::Error as PollError;
pub use refused::Refused;
pub use retry::{NotRetried, retry};
pub use webhook::{Arrival, Receipt, receive};

/// The header under which the status of a polled answer is kept; no real header has such a name.
const STATUS: &str = ":status";

#[cfg(test)]
mod tests;
