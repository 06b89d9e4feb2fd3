//! Strict stand-ins on loopback: a SOC (Splunk, Azure, PagerDuty) and a model registry.
//!
//! `andon demo` and the tests talk to them. They refuse what the vendors refuse, with the vendors'
//! codes, bodies and content types, and lose what the vendors lose; a receiver that forgives would
//! prove nothing. They must not be kinder than the real thing, and they must not leave loopback.
//! Where no public source says what a vendor does, the place says so in a comment.

mod listen;
mod fault;
mod body;
mod outgoing;
pub mod splunk;
pub mod azure;
pub mod pagerduty;
pub mod registry;
pub mod features;
#[cfg(test)]
mod tests;

pub use fault::{Fault, Faults};
pub use listen::{Error, Listen, Pem, Running};
