//! The sorts of fault an expression can have, so that tests, pages and other modules name them alike.

use crate::diag::Code;

/// The text is no expression: something stands where it cannot.
pub const UNREADABLE: Code = Code("AND0201");
/// A name that nothing here is called.
pub const UNKNOWN_NAME: Code = Code("AND0202");
/// A key that the map does not have.
pub const UNKNOWN_FIELD: Code = Code("AND0203");
/// A path that may be absent, read as if it were always there.
pub const MAY_BE_ABSENT: Code = Code("AND0204");
/// Two things that can never compare.
pub const NEVER_COMPARES: Code = Code("AND0205");
/// A value of a sort that the operator or function cannot take.
pub const WRONG_SORT: Code = Code("AND0206");
/// A function that there is not.
pub const UNKNOWN_FUNCTION: Code = Code("AND0207");
/// Too many or too few arguments, or one of the wrong form.
pub const WRONG_ARGUMENTS: Code = Code("AND0208");
/// A pattern that is not constant, not a regular expression, or too large.
pub const BAD_PATTERN: Code = Code("AND0209");
/// `=` where `==` was meant, or before a condition.
pub const EQUALS_SIGN: Code = Code("AND0210");
/// An operator of another language.
pub const FOREIGN_OPERATOR: Code = Code("AND0211");
/// Longer or more deeply nested than anybody reads.
pub const TOO_LARGE: Code = Code("AND0212");
/// A condition that can never be true or false.
pub const NO_TRUTH_VALUE: Code = Code("AND0213");
/// A text that is not closed, or an escape that there is not.
pub const BAD_TEXT: Code = Code("AND0214");
/// A constant part that always fails.
pub const ALWAYS_FAILS: Code = Code("AND0215");
/// A severity in quotes, which would compare by its letters.
pub const QUOTED_SEVERITY: Code = Code("AND0216");
/// A list item or key that is written twice.
pub const WRITTEN_TWICE: Code = Code("AND0217");
/// A constant that is none of the values that a field can have.
pub const NO_SUCH_VALUE: Code = Code("AND0306");
/// A condition, or an alternative in one, that is never true.
pub const NEVER_TRUE: Code = Code("AND0307");
/// A condition that is always true.
pub const ALWAYS_TRUE: Code = Code("AND0308");
