//! What is foreign, written into files of ours: scalars of YAML, texts and paths of expressions, comments.
//!
//! Whatever stands in a sample, what is written reads back as exactly that text, in exactly that place
//! (design 7, door 3). Nothing here is parsed to see whether it is harmless: what is not plainly so is
//! quoted, and what a reader would not see is escaped.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::untrusted;

/// Words that some reader of YAML takes for something else than text.
const NO_TEXT: [&str; 11] = [
    "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf",
];

/// Words that mean something in expressions, so that a key of that name stands in brackets.
const NO_KEY: [&str; 4] = ["true", "false", "null", "in"];

/// A text, or an expression with its `=`, as a value in a block.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text, false) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// As [`scalar`], inside `{…}` or `[…]`.
pub(super) fn inline(text: &str) -> String {
    if is_plain(text, true) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A condition, as a value in a block: as it is read best where YAML leaves it whole.
pub(super) fn condition(text: &str) -> String {
    let seen = text.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    let cut = [": ", " #"].iter().any(|trap| text.contains(trap)) || text.ends_with(':');
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if seen && !cut && begins {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Letters, digits and a few signs; blanks inside. `=` begins an expression, whose paths have `?`.
fn is_plain(text: &str, inside: bool) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '/'))
        || text.starts_with('=') && text.len() > 1 && !text.starts_with("==");
    let fits = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '_' | '-' | '.' | '/' | ' ' | '=')
            || (c == '?' && !inside)
    };
    begins
        && text.len() <= 200
        && text.chars().all(fits)
        && !text.ends_with(' ')
        && !text.contains(" -")
        && !text.contains("? ")
        && !text.ends_with('?')
        && !NO_TEXT.contains(&text.to_ascii_lowercase().as_str())
}

/// In quotes; a character that nobody sees as its escape.
fn quoted(text: &str) -> String {
    let seen = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
    if text.chars().all(seen) {
        if text.contains(['"', '\\']) {
            return format!("'{}'", text.replace('\'', "''"));
        }
        return format!("\"{text}\"");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if seen(c) => out.push(c),
            c => escape(c, &mut out),
        }
    }
    out.push('"');
    out
}

/// `\uXXXX` or `\UXXXXXXXX`, which YAML and expressions read alike.
fn escape(c: char, out: &mut String) {
    let number = u32::from(c);
    let _ = if number <= 0xffff {
        write!(out, "\\u{number:04x}")
    } else {
        write!(out, "\\U{number:08x}")
    };
}

/// A text in an expression.
pub(super) fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric() => out.push(c),
            c => escape(c, &mut out),
        }
    }
    out.push('"');
    out
}

/// `root.a.?b["c d"]`: the first `firm` keys are always there.
pub(super) fn path(root: &str, keys: &[String], firm: usize) -> String {
    let mut out = root.to_owned();
    for (index, key) in keys.iter().enumerate() {
        let optional = if index < firm { "" } else { "?" };
        if is_word(key) {
            let _ = write!(out, ".{optional}{key}");
        } else {
            let _ = write!(out, "[{optional}{}]", literal(key));
        }
    }
    out
}

/// Whether a key may stand behind a dot.
pub(super) fn is_word(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !NO_KEY.contains(&key)
}

/// Foreign text in a comment: one line of what a reader sees, cut.
pub(super) fn comment(text: &str) -> String {
    untrusted::log(text, 120)
}

/// JSON as a flow map, list or scalar of YAML.
pub(super) fn json(value: &Json) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(truth) => truth.to_string(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            // Beyond 64 bits with a sign YAML's readers differ; as a decimal they agree.
            (None, Some(double)) => Json::from(double).to_string(),
            (None, None) => number.to_string(),
        },
        Json::String(text) => inline(text),
        Json::Array(items) if items.is_empty() => "[]".to_owned(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(json).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(map) if map.is_empty() => "{}".to_owned(),
        Json::Object(map) => {
            let entries: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", self::key(key), json(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A key of a map.
pub(super) fn key(key: &str) -> String {
    let plain = is_word(key) && !NO_TEXT.contains(&key.to_ascii_lowercase().as_str());
    if plain { key.to_owned() } else { quoted(key) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::diag::{Faults, Fragment, Source};
    use crate::expr::{Expr, Names, Scope, Value};
    use crate::yaml;

    fn read(text: &str) -> Option<Json> {
        let mut faults = Faults::new();
        let node = yaml::parse(&Source::new("x.yaml", text), &mut faults)?;
        (!faults.has_errors()).then(|| node.to_json())
    }

    #[test]
    fn what_reads_well_is_not_quoted() {
        for (text, written) in [
            ("fraud-detector", "fraud-detector"),
            ("=signal.?model", "=signal.?model"),
            ("income of loans has drifted", "income of loans has drifted"),
            ("no", "\"no\""),
            ("==x", "\"==x\""),
            ("1.10", "\"1.10\""),
            ("a: b", "\"a: b\""),
            ("a # b", "\"a # b\""),
            ("=signal[\"a b\"]", "'=signal[\"a b\"]'"),
            ("a\u{202e}b", "\"a\\u202eb\""),
        ] {
            assert_eq!(scalar(text), written);
        }
        assert_eq!(inline("=signal.?model"), "\"=signal.?model\"");
    }

    #[test]
    fn a_key_that_is_no_word_stands_in_brackets() {
        let keys = ["a", "b c", "in", "d"].map(str::to_owned);
        assert_eq!(path("signal", &keys, 2), r#"signal.a["b c"][?"in"].?d"#);
    }

    /// Texts with what YAML, expressions and templates care about.
    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ -~]{0,20}",
            proptest::collection::vec(
                proptest::sample::select(vec![
                    "{{", "}}", "\n", "---", "- ", ": ", " #", "'", "\"", "\\", "=", "!", "&a",
                    "*a", "%", "@", "`", "\t", "\r", "\u{0}", "\u{feff}", "\u{2028}", "\u{85}",
                    "[", "]", "{", "}", ",", "$ref", "<<", "null", "true", "1e5", "é", "🦀", " ",
                ]),
                0..8
            )
            .prop_map(|parts| parts.concat()),
        ]
    }

    fn documents() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i64>().prop_map(Json::from),
            any::<f64>()
                .prop_filter("JSON has no other", |number| number.is_finite())
                .prop_map(Json::from),
            texts().prop_map(Json::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
                proptest::collection::vec((texts(), inner), 0..4).prop_map(|entries| {
                    Json::Object(
                        entries
                            .into_iter()
                            .filter(|(key, _)| key != "$ref")
                            .collect(),
                    )
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_text_reads_back_as_itself(text in texts()) {
            prop_assert_eq!(
                read(&format!("x: {}\n", scalar(&text))),
                Some(serde_json::json!({ "x": text })),
                "{}", scalar(&text)
            );
            let flow = format!("x: [{}, 1]\n", inline(&text));
            prop_assert_eq!(read(&flow), Some(serde_json::json!({ "x": [text, 1] })), "{}", flow);
        }

        #[test]
        fn json_reads_back_as_itself(value in documents()) {
            let text = format!("x: {}\n", json(&value));
            prop_assert_eq!(read(&text), Some(serde_json::json!({ "x": value })), "{}", text);
        }

        #[test]
        fn a_text_in_an_expression_is_that_text(text in "\\PC{0,40}|[\\x00-\\x7f]{0,20}") {
            let (names, mut faults) = (Names::new(), Faults::new());
            let expr = Expr::compile(&Fragment::whole("x", &literal(&text)), &names, &mut faults);
            let expr = expr.expect("a text");
            let scope = Scope::new(&names);
            let value = expr.eval(&scope).expect("a value");
            prop_assert!(matches!(value, Value::Text(got) if got == text));
        }

        #[test]
        fn a_comment_stays_one(text in texts()) {
            let written = format!("a: 1 # {}\nb: 2\n", comment(&text));
            prop_assert_eq!(read(&written), Some(serde_json::json!({ "a": 1, "b": 2 })));
        }
    }
}
