//! The names of what can be wrong with a YAML file, and two texts that several of them share.

use crate::diag::Code;

/// The file breaks YAML's rules.
pub const SYNTAX: Code = Code("AND0101");
/// A tab where blanks indent.
pub const TAB: Code = Code("AND0102");
/// `&name`.
pub const ANCHOR: Code = Code("AND0103");
/// `*name`.
pub const ALIAS: Code = Code("AND0104");
/// `<<:` or `$ref:`, which bring in what stands elsewhere.
pub const MERGE: Code = Code("AND0105");
/// `!name`.
pub const TAG: Code = Code("AND0106");
/// A text that holds a colon and a blank, unquoted.
pub const COLON: Code = Code("AND0122");
/// A key twice in one map.
pub const DUPLICATE: Code = Code("AND0108");
/// A key that is no text.
pub const KEY_NOT_TEXT: Code = Code("AND0109");
/// `on off yes no y n` as a key.
pub const TRUTH_KEY: Code = Code("AND0114");
/// More than one document in a file.
pub const DOCUMENTS: Code = Code("AND0115");
/// More than 256 KiB or 32 levels.
pub const TOO_LARGE: Code = Code("AND0116");
/// A key inside `{…}` without a value.
pub const NO_VALUE: Code = Code("AND0117");
/// A value inside `{…}` or `[…]` that YAML cuts at a comma or bracket.
pub const CUT_VALUE: Code = Code("AND0118");
/// ` #` begins a comment inside what looks like a value.
pub const COMMENT: Code = Code("AND0119");
/// A text that begins with `{{`, unquoted.
pub const BRACES: Code = Code("AND0120");
/// A character that has no place in a text file.
pub const CHARACTER: Code = Code("AND0121");
