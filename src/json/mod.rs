//! Values as JSON without blanks, byte for byte as `serde_json` writes it, but quicker.
//!
//! Nearly all of what Andon writes is text that needs no escape. `serde_json` looks at it byte by byte;
//! here eight bytes are looked at together, and what stands between two escapes is copied at once.
//! Written JSON (`serde_json::value::RawValue`) is not known here.

mod writer;

use serde::Serialize;
use serde_json::{Map, Value};

/// Appends a value as JSON.
///
/// # Errors
/// When the value says that it cannot be written, or a key is no text, number or truth value; what was
/// written of it until then stays.
pub fn write(
    out: &mut Vec<u8>,
    value: &(impl Serialize + ?Sized),
) -> Result<(), serde_json::Error> {
    value.serialize(writer::Writer(out))
}

/// A value as JSON.
///
/// # Errors
/// As [`write()`].
pub fn to_string(value: &(impl Serialize + ?Sized)) -> Result<String, serde_json::Error> {
    let mut out = Vec::with_capacity(128);
    write(&mut out, value)?;
    String::from_utf8(out).map_err(serde::ser::Error::custom)
}

/// The value under a key. Most maps are so small that going through them is quicker than hashing.
pub fn get<'m>(map: &'m Map<String, Value>, key: &str) -> Option<&'m Value> {
    const FEW: usize = 16;
    if map.len() > FEW {
        return map.get(key);
    }
    map.iter()
        .find(|(known, _)| known.len() == key.len() && *known == key)
        .map(|(_, value)| value)
}

/// How many bytes stand before the next quotation mark, backslash or control character: what stands in
/// JSON as it is, in a text.
pub fn plain(bytes: &[u8]) -> usize {
    let (chunks, tail) = bytes.as_chunks::<8>();
    for (index, chunk) in chunks.iter().enumerate() {
        let marks = marks(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return index * 8 + usize::try_from(marks.trailing_zeros() / 8).unwrap_or(0);
        }
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let inside = tail.iter().position(ends).unwrap_or(tail.len());
    bytes.len() - tail.len() + inside
}

/// Whether all of a text stands in JSON as it is. What is left of eight bytes, or of four, is looked at
/// together with some that were looked at before.
fn is_plain(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk::<8>() {
        let (chunks, _) = bytes.as_chunks::<8>();
        let all = chunks
            .iter()
            .fold(0, |all, chunk| all | marks(u64::from_le_bytes(*chunk)));
        all | marks(u64::from_le_bytes(*last)) == 0
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let [first, last] = [first, last].map(|four| u64::from(u32::from_le_bytes(*four)));
        marks(first << 32 | last) == 0
    } else {
        plain(bytes) == bytes.len()
    }
}

/// The high bit of each of eight bytes that may not stand in a text as it is. The lowest is exact: a
/// borrow makes false marks, above a true one only.
fn marks(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
    control | zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')))
}

/// Appends a text with its quotation marks.
fn text(out: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) {
        as_it_is(out, text);
    } else {
        escaped(out, text);
    }
}

/// Appends a text that needs no escape.
fn as_it_is(out: &mut Vec<u8>, text: &str) {
    debug_assert!(is_plain(text.as_bytes()), "{text}");
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

#[cold]
fn escaped(out: &mut Vec<u8>, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (as_it_is, other) = rest.split_at(plain(rest));
        out.extend_from_slice(as_it_is);
        let Some((byte, after)) = other.split_first() else {
            break;
        };
        let escape = match byte {
            b'"' | b'\\' => *byte,
            b'\x08' => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            b'\x0c' => b'f',
            b'\r' => b'r',
            _ => b'u',
        };
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        }
        rest = after;
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
