//! What decides whether something is sent: deduplication, severity, resolving, repeating, routes.
//!
//! Judging ([`judge`]) is pure and runs anywhere; settling ([`settle`]) runs inside one store
//! transaction, so that the signal, what became of its alerts and what is owed are kept together or
//! not at all (design, promises 1 and 3). Nothing here sends anything.

mod answer;
mod echo;
mod judge;
mod revise;
mod settle;
mod reply;
mod retire;
mod timers;
#[cfg(test)]
mod tests;

pub use answer::{Heard, MOST_NOTES, Word, hear};
pub use judge::{Judged, judge};
pub use retire::retire;
pub use revise::{Why, keeps_state, owed, revise, state_heard, still_quiet_at};
pub use settle::{again, first, over, recovered, settle, tell};
pub use timers::{due, run};
