//! JSON as Python's `json.dumps` writes it: `", "` and `": "` between, ASCII only.
//!
//! MLflow signs these bytes, so whoever re-serialises before checking the signature must fail here.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// The bytes of `json.dumps(value)`.
pub(super) fn dumps(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, Dumps);
    // Writing a tree of JSON values into memory cannot fail.
    drop(value.serialize(&mut serializer));
    String::from_utf8(bytes).unwrap_or_default()
}

struct Dumps;

impl Formatter for Dumps {
    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if first {
            Ok(())
        } else {
            writer.write_all(b", ")
        }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for character in fragment.chars() {
            if character.is_ascii() {
                let mut byte = [0; 4];
                writer.write_all(character.encode_utf8(&mut byte).as_bytes())?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_writes_what_python_writes() {
        let value = json!({ "a": ["é", 1, null], "b": { "c": "🚨\n\"\u{2028}" } });
        let expected = r#"{"a": ["\u00e9", 1, null], "b": {"c": "\ud83d\udea8\n\"\u2028"}}"#;
        assert_eq!(dumps(&value), expected);
    }
}
