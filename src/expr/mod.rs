//! Conditions and values: a bounded subset of CEL over JSON data.
//!
//! An expression is compiled once, when files load, against the [`Names`] it may use and what is
//! known of them ([`Type`], from JSON Schemas); every fault is reported with its place and what to
//! write instead. It then runs over a [`Scope`] as often as wanted, copies nothing to look at it,
//! and always ends: text is at most 4 KiB, 32 levels deep, and one run takes at most 100,000 steps.
//! Data are values here and never become source. This module does no IO and reads no clock.
//!
//! # Grammar
//! ```text
//! expression  either [ "?" expression ":" expression ]
//! either      both { "||" both }
//! both        comparison { "&&" comparison }
//! comparison  sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "in") sum ]
//! sum         product { ("+" | "-") product }
//! product     unary { ("*" | "/" | "%") unary }
//! unary       { "!" | "-" } postfix
//! postfix     primary { "." key | ".?" key | "[" expression "]" | "[?" expression "]" | "." name "(" arguments ")" }
//! primary     int | 0x1F | double | text | true | false | null | name | name "(" arguments ")"
//!             | "(" expression ")" | "[" items "]" | "{" { expression ":" expression } "}"
//! text        "…" or '…' with CEL's escapes (`\n \" \\ \x41 \u00e9 \U0001F600 \101`), r"…" without
//! ```
//! `informational low medium high critical` are ordered severities, unless a name hides them.
//!
//! # Values
//! - A JSON number is an int when it is integral and fits 64 bits, else a double. Ints and doubles
//!   compare exactly by value. Int arithmetic out of range is an error; `/` of ints drops the rest;
//!   an int with a double gives a double.
//! - Texts compare by code point; a severity compares with a text that names one. Where the type of
//!   a path is a time, a duration or a severity, a text there is read as one.
//! - `time - time` is a duration; `time ± duration` a time; durations add, compare, and are
//!   multiplied and divided by numbers. `+` also joins texts, and lists.
//! - `==` of different sorts is false, `<` of them an error; the check refuses either where the types
//!   show it, and a text that is none of the values a schema lists.
//! - A condition that is never true under the schemas is refused; one that is always true is told.
//!
//! # Absent, null, errors
//! - A plain path to a key that is not there is an error. `x.?y` and `x[?"k"]` give *absent*
//!   instead, as does everything selected after them in the same path; null before `.?` counts as
//!   absent. Absent equals null; any other use of it is an error. Absent items and values are left
//!   out of lists and maps written here.
//! - The check refuses a path that the schema lets be absent, unless `.?` is written or what stands
//!   to the left shows that it is there: `has(a.b) && …`, `!has(a.b) || …`, `has(a.b) ? … : …`,
//!   `a.?b != null && …`, `a.?b == "x" && …`.
//! - `false && error` is false and `true || error` is true, on whichever side the error stands;
//!   `exists` and `all` absorb errors likewise. Running out of steps is never absorbed.
//!
//! # Functions
//! Each may be written before its first argument or after it and a dot: `size(x)`, `x.size()`.
//!
//! | function | gives |
//! |---|---|
//! | `has(a.b)` | whether the last key of the path is there (also when null) |
//! | `size(x)` | code points of a text, items of a list, keys of a map |
//! | `contains` `startsWith` `endsWith` | of two texts |
//! | `matches(text, "re")` | whether a constant pattern is found; linear time |
//! | `int(x)` | of a number (towards zero), a text, a time (seconds since 1970) |
//! | `double(x)` | of a number or a text, `NaN` and `Infinity` too |
//! | `string(x)` | of anything but lists, maps and null |
//! | `duration("1h30m")` | units `d h m s ms us ns`, several in a row, decimals, a sign |
//! | `timestamp(x)`, `timestamp(x, "ms")` | RFC 3339, or a number (also as text) of `s`, `ms`, `us` or `ns` since 1970; seconds without a unit |
//! | `default(x, y)` | `y` where `x` is null or absent |
//! | `lower` `upper` | of a text |
//! | `cut(text, n)` | at most `n` graphemes, the last an ellipsis where it was cut |
//! | `json(text)` | what JSON inside a text holds; at most 1 MiB and 128 levels |
//! | `min` `max` | of a list, or of several arguments; absent of an empty list |
//! | `sum(list)` | of numbers or durations; 0 of an empty list |
//! | `flatten(list)` | one level of lists opened |
//! | `entries(list, "key", "value")` | `[{key: k, value: v}]` as `{k: v}`; the last of a repeated key counts |
//! | `regex.extract(text, "re")` | the first group, or the whole match where there is none; null without a match |
//! | `list.exists(x, …)` `all` `exists_one` `filter` `map` | CEL's macros over a list or the keys of a map |
//!
//! # Where this differs from CEL
//! - No unsigned ints, bytes, messages, time zones, triple quotes or comments: nobody's payload needs them.
//! - Ints and doubles compute with each other, because JSON does not tell `1` from `1.0`.
//! - Absent is a value of its own that equals null, not an `optional` that must be opened.
//! - Comparisons do not chain (`a < b < c` compares a truth value in CEL), and map keys are texts.
//! - Things that can never compare are refused at load rather than false at run time.
//! - `map` has no three-argument form: write `filter` before it.

mod names;
mod schema;
mod value;
mod sort;
mod compare;
mod error;
mod scope;
pub mod fault;
mod token;
mod tree;
mod parse;
mod function;
mod node;
mod check;
mod program;
mod suppose;
mod moment;
mod call;
mod eval;
mod trace;
#[cfg(test)]
mod tests;

pub use error::{Error, ErrorKind};
pub use fault::BAD_PATTERN;
pub use names::{Bounds, Names, Object, Type};
pub use program::Expr;
pub use scope::Scope;
pub use suppose::{Because, Supposed, Why};
pub use trace::{Joined, Outcome, Trace};
pub use value::Value;
