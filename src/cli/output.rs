//! What is written to the terminal: one place, so that nothing foreign reaches it unescaped.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};

use serde_json::Value as Json;

use crate::diag::{self, Diagnostic};
use crate::store;

/// Writes a line to standard output. Whoever reads it may be gone: that ends quietly.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
}

/// Writes text as it stands to standard output. Whoever reads it may be gone: that ends quietly.
pub(crate) fn text(text: &str) {
    let _ = try_text(text);
}

/// As [`text`], and says when nobody reads any more.
pub(crate) fn try_text(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Says on standard error why a command could not run, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "andon: {error}");
    for cause in error.chain().skip(1) {
        let _ = writeln!(out, "  because {cause}");
    }
    let help =
        |cause: &(dyn std::error::Error + 'static)| cause.downcast_ref::<store::Error>()?.help();
    if let Some(help) = error.chain().find_map(help) {
        let _ = writeln!(out, "  help: {help}");
    }
}

/// Says on standard error what went wrong, where a command goes on.
pub(crate) fn complaint(why: &str) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "andon: {why}");
}

/// Shows faults on standard error as a person reads them, with a closing line.
pub(crate) fn faults(faults: &[Diagnostic]) {
    let mut out = std::io::stderr().lock();
    let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let _ = write!(
        out,
        "{}",
        diag::render(faults, diag::Format::Text { color })
    );
    let _ = writeln!(out, "{}", diag::closing(faults));
}

/// Shows an answer: to a person as `text` makes it, to a script as JSON.
pub(crate) fn answer(format: super::Format, json: &Json, text: impl FnOnce(&Json) -> String) {
    match format {
        super::Format::Text => self::text(&text(json)),
        super::Format::Json => line(&self::json(json)),
    }
}

/// JSON whose texts hold nothing that a terminal would obey or hide: such characters are written as
/// `\uXXXX`, which reads back as the same.
pub(crate) fn json(value: &Json) -> String {
    harmless(&format!("{value:#}"))
}

/// As [`json`], on one line.
pub(crate) fn json_line(value: &Json) -> String {
    harmless(&value.to_string())
}

/// JSON with `\\uXXXX` in place of what a terminal would obey or hide: the same JSON.
pub(crate) fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        let plain = matches!(character, '\n' | ' '..='~');
        if plain
            || crate::untrusted::log(character.encode_utf8(&mut [0; 4]), 8).starts_with(character)
        {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn json_for_a_script_reads_back_and_holds_no_control_character(text in any::<String>()) {
            let value = serde_json::json!({ "x": text });
            let shown = json(&value);
            prop_assert!(!shown.chars().any(|c| c.is_control() && c != '\n'));
            prop_assert_eq!(serde_json::from_str::<Json>(&shown).unwrap(), value.clone());
            let line = json_line(&value);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert_eq!(serde_json::from_str::<Json>(&line).unwrap(), value);
        }
    }
}
