//! The one door to YAML: a bounded tree with a place on every node, and all faults in one run.
//!
//! What YAML would swallow or read in a way its writer did not mean is a fault here, with what to
//! write instead. Nothing here knows what a file is about.

mod node;
mod places;
mod codes;
mod traps;
mod tree;
mod refuse;
mod read;
mod units;
mod fields;
mod write;
mod foreign;

pub use fields::Fields;
pub use foreign::foreign;
pub use node::{Entry, Kind, Node, Scalar, Style};
pub use read::parse;
pub use units::{byte_size, duration};
pub use write::{condition, escaped, inline, key, members, text, written};

#[cfg(test)]
mod tests;
