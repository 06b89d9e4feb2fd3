//! What a SOAR, or a person, asks to be done to a model: applied, proven, kept undoable, undone when due (design,
//! promise 4).
//!
//! A request is checked against `takes` and kept; the worker takes it up: it reads what is there, keeps what undo needs,
//! applies, reads back until the proof holds, and undoes what is due while it is still Andon's own. Every outgoing call is
//! in the store before and after it is made, so that a crash at any point is followed by reading, then deciding.
//!
//! What it must not do: act while `freeze` is up; send a change again without having read that it was not made;
//! overwrite what somebody else changed since; put a secret or kept state into the audit. Whether a caller may ask is
//! decided by `server/`.

mod refused;
mod canonical;
mod takes;
mod target;
mod describe;
mod ask;
mod plan;
mod pace;
mod exchange;
mod progress;
mod journal;
mod reading;
mod doing;
mod settling;
mod proving;
mod probing;
mod undoing;
mod holding;
mod run;
mod watch;
mod worker;
#[cfg(test)]
mod tests;

pub use ask::{Answer, Ask, action, ask, cancel, freeze, revert, unfreeze, wait};
pub use describe::describe;
pub use plan::{Plan, Planned};
pub use refused::Refused;
pub use worker::start;
