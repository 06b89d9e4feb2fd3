//! Secrets, and the checks that use them on what comes in.
//!
//! A secret is a reference in `andon.yaml` (an environment variable or a file), never a literal. This module reads it,
//! keeps it in a type that cannot be printed, and reads it again when its file was changed. It also holds the checks
//! of incoming requests as data (signatures, bearer tokens, shared headers) and the API's own tokens.
//!
//! What it must not do: put a secret, or anything made from one but a salted or one-way digest, into a text, a log or an
//! error; compare secrets in a time that tells where they differ; parse a body before its signature held.

mod reference;
mod token;
mod signature;
mod missing;
mod accepts;

pub use accepts::{Accepted, Incoming, Refusal, bearer, check};
pub use reference::{Error, Secrets};
pub use token::{Token, hash, matching};

#[cfg(test)]
mod tests;
