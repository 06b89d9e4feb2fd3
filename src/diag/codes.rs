//! Faults that more than one sort of file can have. The others are named where they are found.

use super::Code;

/// A key that a map needs.
pub const MISSING_KEY: Code = Code("AND0112");
/// A value of another type than the key takes.
pub const WRONG_TYPE: Code = Code("AND0113");
/// The first key does not name this kind of file, or not a version that is known.
pub const WRONG_KIND: Code = Code("AND0124");
/// A key that takes one of a few words has another.
pub const UNKNOWN_WORD: Code = Code("AND0126");
/// A case below `otherwise`.
pub const NEVER_REACHED: Code = Code("AND0127");
/// A list of cases that does not end with `otherwise`, where something has to hold.
pub const NO_OTHERWISE: Code = Code("AND0128");
/// A name with letters that names do not have, or that means something else already.
pub const BAD_NAME: Code = Code("AND0129");
/// Two things of one name.
pub const SAME_NAME: Code = Code("AND0130");
/// A file that is named and is not there.
pub const MISSING_FILE: Code = Code("AND0435");
/// A connection that `andon.yaml` does not have.
pub const UNKNOWN_CONNECTION: Code = Code("AND0530");
/// A secret that the connector does not declare.
pub const UNKNOWN_SECRET: Code = Code("AND0801");
/// A setting that the connector does not declare, or not as the type that is wanted.
pub const UNKNOWN_SETTING: Code = Code("AND0824");
/// A header with a name that headers do not have, or that Andon sets itself.
pub const BAD_HEADER: Code = Code("AND0822");
