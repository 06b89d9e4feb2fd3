//! A value as it would be typed into a file: it reads back as the very same, here and in other readers.
//!
//! Texts may be hostile. What is not plainly a text stands in quotes: in the sort that need the least
//! escaping, and where a character would not be seen, or reorders what is seen, as its escape. Nothing here
//! is parsed to find out whether it is harmless.
//!
//! A text stands in a block (behind `key:` or `-`, to the end of the line) or on one line with others, inside
//! `{…}` or `[…]`, where brackets, braces, commas and `?` mean something to YAML.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::places;
use crate::untrusted;

/// The widest line that is written where a value can be broken into several, in characters.
const WIDE: usize = 160;
/// Words that some reader of YAML takes for something else than a text.
const NO_TEXT: [&str; 12] = [
    "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity",
];

/// A value behind `key:` or `-`: on the same line, with a blank before it, where it fits; else on the
/// lines below, `indent` blanks deep. Ends without a line break.
///
/// Three things that JSON says have no way here: a key `$ref`, a key longer than 1,024 characters, and more
/// levels than a file may have. And a whole number beyond 64 bits with a sign is written as the decimal that expressions take it for.
pub fn written(value: &Value, indent: usize) -> String {
    if let Value::String(found) = value {
        return format!(" {}", text(found));
    }
    let line = inline(value);
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
    for (name, value) in map {
        let (key, value) = (key(name), written(value, indent + 2));
        let _ = write!(out, "\n{:indent$}{key}:{value}", "");
    }
    out
}

/// A value on one line, wherever it stands: also inside `{…}` or `[…]`.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            // What is neither 64 bits with a sign nor a decimal would be read as a text.
            (None, Some(double)) => format!("{double:?}"),
            _ => number.to_string(),
        },
        Value::String(found) => match found.strip_prefix('=') {
            Some(expression) if is_words(expression) => found.clone(),
            _ => key(found),
        },
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let members: Vec<String> = map
                .iter()
                .map(|(name, value)| format!("{}: {}", key(name), inline(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

/// A text, or an expression with its `=`, as a value in a block.
pub fn text(text: &str) -> String {
    match text.strip_prefix('=') {
        Some(expression) if is_whole(expression) && !expression.starts_with('=') => text.to_owned(),
        _ => key(text),
    }
}

/// A condition, which is an expression without `=`, as a value in a block.
pub fn condition(text: &str) -> String {
    if is_whole(text) && text.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_no_text(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A key of a map.
pub fn key(key: &str) -> String {
    if is_words(key) && !is_no_text(key) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

/// A text in double quotes, with escapes that YAML and expressions read alike.
pub fn escaped(text: &str) -> String {
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

fn quoted(text: &str) -> String {
    if text.chars().all(is_seen) {
        places::quoted(text)
    } else {
        escaped(text)
    }
}

/// Whether a reader of the file sees a character, and sees it where it stands.
fn is_seen(character: char) -> bool {
    let is_blank = character.is_whitespace() && character != ' ';
    // The last two are no characters of YAML (1.2.2, section 5.1).
    !is_blank && !untrusted::is_hidden(character) && !matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// Letters, digits and a few signs, with single blanks between them: nothing of it means anything to YAML,
/// wherever it stands. Inside `{…}` and `[…]` readers trip over a dash between a blank and a comma.
fn is_words(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '=');
    text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/'))
        && text
            .split(' ')
            .all(|word| !word.is_empty() && !word.starts_with('-') && word.chars().all(fits))
}

fn is_no_text(text: &str) -> bool {
    NO_TEXT.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether YAML leaves an expression whole as a value in a block, behind a letter or `=`.
fn is_whole(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c == ' ' || c.is_ascii_graphic())
        && ![": ", " #"].iter().any(|trap| text.contains(trap))
        && !text.ends_with([':', ' '])
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

    /// What readers of YAML take for something else than a text when it has no quotes: the core schema of
    /// YAML 1.2.2 (section 10.3.2), and the types of YAML 1.1 (yaml.org/type), in which `yes`, `010`,
    /// `190:20:30` and `2026-11-23` are none.
    const TYPED: &str = r"(?x)^(?:
        | ~ | null | Null | NULL | << | =
        | y | Y | yes | Yes | YES | n | N | no | No | NO | on | On | ON | off | Off | OFF
        | true | True | TRUE | false | False | FALSE
        | [-+]?0b[01_]+ | [-+]?0o?[0-7_]+ | [-+]?[0-9][0-9_]* | [-+]?0x[0-9a-fA-F_]+
        | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
        | [-+]?(?:[0-9][0-9_]*)?\.[0-9._]*(?:[eE][-+]?[0-9]+)? | [-+]?[0-9]+[eE][-+]?[0-9]+
        | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
        | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[\ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*)?
        )$";

    /// What some reader takes for something else than a text, or cuts.
    const TRAPS: &str = "|~|null|Null|yes|NO|on|Off|y|N|True|nan|.nan|.inf|-.inf|1e3|0x1f|0o17|017|0b1|1_000|190:20:30|12:30|2026-11-23|+1|\
        -0|.5|2026-11-23 08:00:00|<<|=|-|?|---|...| a|a |a:|#|\t|%a|@a|`a";

    fn is_text_to_all(written: &str) -> bool {
        let typed = regex::Regex::new(TYPED).expect("a pattern");
        written.starts_with(['"', '\'']) || !typed.is_match(written)
    }

    #[test]
    fn a_value_is_written_as_it_would_be_typed() {
        let value = json!({
            "status": "FAIL", "value": 0.52, "at": "2026-11-23T08:00:00Z", "words": "K-S p_value", "no": "yes",
            "title": "Loss: {{run}} # 1", "list": [1, "a, b", "=a.?b"], "none": null, "empty": {}, "1": "1.10",
            "said": "=a.?b", "k8s.io/name": 18_446_744_073_709_551_615_u64,
        });
        insta::assert_snapshot!(format!("signal:{}", written(&value, 2)), @r#"
        signal:
          status: FAIL
          value: 0.52
          at: "2026-11-23T08:00:00Z"
          words: K-S p_value
          "no": "yes"
          title: "Loss: {{run}} # 1"
          list: [1, "a, b", "=a.?b"]
          none: null
          empty: {}
          "1": "1.10"
          said: =a.?b
          k8s.io/name: 1.8446744073709552e19
        "#);
        assert_eq!(written(&json!({ "a": 1, "b": [] }), 2), " { a: 1, b: [] }");
    }

    #[test]
    fn what_reads_well_is_not_quoted() {
        for (given, in_block, in_line) in [
            ("fraud-detector", "fraud-detector", "fraud-detector"),
            ("a b", "a b", "a b"),
            ("a  b", r#""a  b""#, r#""a  b""#),
            ("a -", r#""a -""#, r#""a -""#),
            ("/v1/models", "/v1/models", "/v1/models"),
            ("=signal.model", "=signal.model", "=signal.model"),
            ("=signal.?model", "=signal.?model", r#""=signal.?model""#),
            (
                r#"=timestamp(body.ts, "ms")"#,
                r#"=timestamp(body.ts, "ms")"#,
                r#"'=timestamp(body.ts, "ms")'"#,
            ),
            ("=a ? b : c", r#""=a ? b : c""#, r#""=a ? b : c""#),
            ("==x", r#""==x""#, r#""==x""#),
            ("no", r#""no""#, r#""no""#),
            ("NaN", r#""NaN""#, r#""NaN""#),
            ("1.10", r#""1.10""#, r#""1.10""#),
            ("a: b", r#""a: b""#, r#""a: b""#),
            ("a # b", r#""a # b""#, r#""a # b""#),
            (r"C:\it's", r"'C:\it''s'", r"'C:\it''s'"),
            ("🦀 é…", r#""🦀 é…""#, r#""🦀 é…""#),
        ] {
            assert_eq!(text(given), in_block);
            assert_eq!(inline(&given.into()), in_line);
        }
        for (given, wanted) in [
            (r#"signal.a == "b""#, r#"signal.a == "b""#),
            ("a ? b : c", r#""a ? b : c""#),
            ("!a", r#""!a""#),
            (r#"a == "é""#, r#"'a == "é"'"#),
        ] {
            assert_eq!(condition(given), wanted);
        }
    }

    #[test]
    fn what_nobody_sees_is_an_escape() {
        assert_eq!(
            text("a\u{1b}[2J\u{202e}\u{e0041}\u{feff}\r\n\t\u{85}\u{a0}\u{2028}\"\\é"),
            r#""a\x1b[2J\u202e\U000e0041\ufeff\r\n\t\x85\xa0\u2028\"\\é""#
        );
    }

    #[test]
    fn what_some_reader_takes_for_something_else_is_quoted() {
        for trap in TRAPS.split('|') {
            for written in [text(trap), key(trap), inline(&trap.into())] {
                assert!(written.starts_with('"'), "{written}");
            }
        }
    }

    /// Texts with what YAML, expressions and templates care about.
    fn texts() -> impl Strategy<Value = String> {
        let pieces = "{{¦}}¦\n¦---¦- ¦: ¦ #¦'¦\"¦\\¦=¦!¦&a¦*a¦%¦@¦`¦|¦>¦~¦?¦\t¦\r¦\u{0}¦\u{7f}¦\u{85}¦\u{a0}¦\u{2028}¦\u{2029}¦\u{feff}¦\
            \u{d7ff}¦\u{e000}¦\u{fffd}¦\u{fffe}¦\u{ffff}¦\u{10000}¦\u{10ffff}¦\u{202e}¦\u{e0001}¦[¦]¦{¦}¦,¦<<¦null¦true¦NO¦inf¦1e5¦é¦🦀¦ ¦a¦_";
        let pieces = prop::sample::select(pieces.split('¦').collect::<Vec<_>>());
        prop_oneof![
            any::<String>(),
            "[ -~]{0,20}",
            prop::sample::select(TRAPS.split('|').collect::<Vec<_>>()).prop_map(str::to_owned),
            "=[ -~]{0,12}",
            "[=a][=a:#?,{\"' ]{1,6}",
            "[-+]?[0-9xobeE_.:-]{1,10}",
            "[-a-zA-Z0-9_./= ]{0,12}",
            prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat()),
            r"(\PC|[\u{80}-\u{9f}\u{200b}-\u{202e}\u{feff}\u{fffe}\u{e0001}]){0,6}",
        ]
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has no others", |double| double.is_finite())
                .prop_map(Value::from),
            texts().prop_map(Value::from),
            "a{170}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            let keys = texts().prop_filter("no file has it", |key| key != "$ref");
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(keys, inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Door 3: text becomes one leaf of a value, whoever wrote it, and the value is the very same.
        #[test]
        fn whatever_is_written_reads_back_as_the_same(value in values()) {
            let yaml = format!(
                "tests:\n  - it: x\n    signal:{}\n    gives: {}\n    next: nothing\n",
                written(&value, 6), inline(&value)
            );
            let back = read(&yaml);
            prop_assert_eq!(&back["tests"][0]["signal"], &value, "{}", yaml);
            prop_assert_eq!(&back["tests"][0]["gives"], &value, "{}", yaml);
            prop_assert_eq!(&back["tests"][0]["next"], "nothing");
            prop_assert!(!yaml.chars().any(|c| c != '\n' && !is_seen(c)), "{}", yaml);
        }

        #[test]
        fn a_text_reads_back_as_itself_and_is_one_to_every_reader(given in texts()) {
            prop_assume!(given != "$ref");
            let (block, line, name) = (text(&given), inline(&given.as_str().into()), key(&given));
            for written in [&block, &line, &name] {
                prop_assert!(is_text_to_all(written), "{}", written);
            }
            let yaml = format!("{name}: {block}\n\"x \":\n  - {block}\n  - [{line}, {{ {name}: {line} }}]\n");
            prop_assert_eq!(
                read(&yaml),
                json!({ given.as_str(): given, "x ": [given, [given, { given.as_str(): given }]] }),
                "{}", yaml
            );
        }

        #[test]
        fn a_condition_reads_back_as_itself(given in texts()) {
            let yaml = format!("when: {}\n", condition(&given));
            prop_assert_eq!(read(&yaml), json!({ "when": given }), "{}", yaml);
        }
    }
}
