//! Conditions and values: a bounded subset of CEL over JSON data.

mod names;
mod value;

pub use names::{Names, Object, Type};
pub use value::Value;
