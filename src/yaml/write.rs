//! A value as it would be typed into a file: it reads back as the very same.
//!
//! Texts may be hostile. What a plain word cannot say stands in double quotes, and there every
//! character that a reader would not see, or that reorders what is seen, is an escape.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::untrusted;

/// The widest line that is written where a value can be broken into several, in characters.
const WIDE: usize = 160;
/// Words that some reader of YAML takes for something else than a text.
const NOT_PLAIN: [&str; 9] = ["true", "false", "null", "on", "off", "yes", "no", "y", "n"];

/// A value behind `key:` or `-`: on the same line, with a blank before it, where it fits; else on the
/// lines below, `indent` blanks deep. Ends without a line break.
///
/// Two things that JSON says have no way here: a key `$ref`, and more levels than a file may have. And
/// a whole number beyond 64 bits with a sign is written as the decimal that expressions take it for.
pub fn written(value: &Value, indent: usize) -> String {
    let line = flow(value);
    if line.chars().count() + indent <= WIDE {
        return format!(" {line}");
    }
    match value {
        Value::Object(map) => members(map, indent),
        Value::Array(items) => {
            let mut out = String::new();
            for item in items {
                let _ = write!(out, "\n{:indent$}-{}", "", written(item, indent + 2));
            }
            out
        }
        _ => format!(" {line}"),
    }
}

/// The members of a map on lines of their own, each after a line break.
pub fn members(map: &Map<String, Value>, indent: usize) -> String {
    let mut out = String::new();
    for (key, value) in map {
        let (key, value) = (text(key), written(value, indent + 2));
        let _ = write!(out, "\n{:indent$}{key}:{value}", "");
    }
    out
}

/// On one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            // What is neither 64 bits with a sign nor a decimal would be read as a text.
            (None, Some(double)) => format!("{double:?}"),
            _ => number.to_string(),
        },
        Value::String(found) => text(found),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let members: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", text(key), flow(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

/// A text, plain where nobody could take it for something else.
pub fn text(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            seen if is_seen(seen) => out.push(seen),
            hidden => {
                let code = u32::from(hidden);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
    out
}

/// Whether a reader of the file sees a character, and sees it where it stands.
fn is_seen(character: char) -> bool {
    let mut bytes = [0; 4];
    let shown = untrusted::log(character.encode_utf8(&mut bytes), 16);
    shown.starts_with(character) && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// A letter first, then words of letters, digits and a few signs with one blank between them.
fn is_plain(text: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .split(' ')
            .all(|word| !word.is_empty() && word.chars().all(sign) && !word.starts_with('-'))
        && !NOT_PLAIN.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Faults, Format, Source, render};
    use proptest::prelude::*;
    use serde_json::json;

    /// What our own reader makes of it, without a word about it.
    fn read(yaml: &str) -> Value {
        let mut faults = Faults::new();
        let node = super::super::parse(&Source::new("x.yaml", yaml), &mut faults);
        let said = render(&faults.into_sorted(), Format::Text { color: false });
        assert_eq!(said, "", "{yaml}");
        node.expect("a document").to_json()
    }

    #[test]
    fn a_value_is_written_as_it_would_be_typed() {
        let value = json!({
            "status": "FAIL", "value": 0.52, "at": "2026-11-23T08:00:00Z", "words": "K-S p_value", "no": "yes",
            "title": "Loss: {{run}} # 1", "list": [1, "a, b"], "none": null, "empty": {}, "1": "1.10",
        });
        insta::assert_snapshot!(format!("signal:{}", written(&value, 2)), @r#"
        signal:
          status: FAIL
          value: 0.52
          at: "2026-11-23T08:00:00Z"
          words: K-S p_value
          "no": "yes"
          title: "Loss: {{run}} # 1"
          list: [1, "a, b"]
          none: null
          empty: {}
          "1": "1.10"
        "#);
        assert_eq!(written(&json!({ "a": 1, "b": [] }), 2), " { a: 1, b: [] }");
    }

    #[test]
    fn what_nobody_sees_is_an_escape() {
        assert_eq!(
            text("a\u{1b}[2J\u{202e}\u{e0041}\u{feff}\r\n\"\\é"),
            r#""a\x1b[2J\u202e\U000e0041\ufeff\r\n\"\\é""#
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let texts = prop_oneof![
            any::<String>(),
            "[ -~]{0,12}",
            "[-?:,\\[\\]{}#&*!|>'\"%@`= ~\\\\\t\n\r]{0,8}",
            r"(\PC|[\u{80}-\u{9f}\u{200b}-\u{202e}\u{feff}\u{fffe}\u{e0001}]){0,6}",
            prop::sample::select(vec![
                "null", "~", "Yes", "0755", "1.10", "1e5", "-", "<<", "---", "...", "0x1f", ".inf"
            ])
            .prop_map(str::to_owned),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has no others", |double| double.is_finite())
                .prop_map(Value::from),
            texts.clone().prop_map(Value::from),
            "a{170}".prop_map(Value::from),
        ];
        let keys = texts.prop_filter("no file has it", |key| key != "$ref");
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(keys.clone(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Door 3: text becomes one leaf of a value, whoever wrote it, and the value is the very same.
        #[test]
        fn whatever_is_written_reads_back_as_the_same(value in values()) {
            let yaml = format!("tests:\n  - it: x\n    signal:{}\n    gives: nothing\n", written(&value, 6));
            let back = read(&yaml);
            prop_assert_eq!(&back["tests"][0]["signal"], &value, "{}", yaml);
            prop_assert_eq!(&back["tests"][0]["gives"], "nothing");
            prop_assert!(!yaml.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
