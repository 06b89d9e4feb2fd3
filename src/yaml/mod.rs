//! The one door to YAML: a bounded tree with a place on every node, and all faults in one run.

mod fields;
mod node;
mod read;

pub use fields::Fields;
pub use node::{Entry, Kind, Node, Scalar, Style};
pub use read::parse;
