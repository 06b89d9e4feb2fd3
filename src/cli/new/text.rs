//! What is foreign, written into expressions and comments of ours; into YAML, [`crate::yaml`] writes it.
//!
//! Whatever stands in a sample, what is written reads back as exactly that text, in exactly that place
//! (design 7, door 3).

use std::fmt::Write as _;

use crate::{untrusted, yaml};

/// Words that mean something in expressions, so that a key of that name stands in brackets.
const NO_KEY: [&str; 4] = ["true", "false", "null", "in"];

/// A text in an expression.
pub(super) fn literal(text: &str) -> String {
    yaml::escaped(text)
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    use crate::diag::{Faults, Fragment, Source};
    use crate::expr::{Expr, Names, Scope, Value};

    #[test]
    fn a_key_that_is_no_word_stands_in_brackets() {
        let keys = ["a", "b c", "in", "d"].map(str::to_owned);
        assert_eq!(path("signal", &keys, 2), r#"signal.a["b c"][?"in"].?d"#);
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "\\PC{0,40}",
            "[\\x00-\\x7f\u{85}\u{2028}\u{feff}]{0,20}"
        ]
    }

    proptest! {
        #[test]
        fn a_text_in_an_expression_is_that_text(text in texts()) {
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
            let mut faults = Faults::new();
            let node = yaml::parse(&Source::new("x.yaml", written), &mut faults).expect("a file");
            prop_assert_eq!(node.to_json(), serde_json::json!({ "a": 1, "b": 2 }));
            prop_assert!(!faults.has_errors());
        }
    }
}
