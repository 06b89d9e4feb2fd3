//! Conditions and values: a bounded subset of CEL over JSON data.

mod names;
mod schema;
mod value;
mod sort;
mod compare;
mod error;
mod scope;
mod fault;
mod token;
mod tree;
mod parse;
mod function;
mod node;
mod check;
mod program;
mod moment;
mod call;
mod eval;
mod trace;
#[cfg(test)]
mod tests;

pub use error::{Error, ErrorKind};
pub use names::{Names, Object, Type};
pub use program::Expr;
pub use scope::Scope;
pub use trace::{Outcome, Trace};
pub use value::Value;
