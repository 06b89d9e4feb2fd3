//! `andon reload`: the files that lie there, in force now or refused.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value as Json};

use super::api::{Api, Error};
use super::{Ended, Format, Where, output, shown};

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// How long the daemon may take for it.
const WITHIN: Duration = Duration::from_secs(60);

/// Asks for it.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let api = Api::open(at)?;
    match api.post("/v1/reload", Map::new(), WITHIN) {
        Ok(answered) => {
            output::answer(typed.format, &answered.json, told);
            Ok(Ended::Fine)
        }
        Err(Error::Refused { answer, .. })
            if answer.get("code") == Some(&"files_refused".into()) =>
        {
            output::answer(typed.format, &answer, refused);
            Ok(Ended::Faults)
        }
        Err(error) => Err(error.into()),
    }
}

/// What is in force now.
fn told(json: &Json) -> String {
    if json.get("changed") != Some(&Json::Bool(true)) {
        return format!(
            "nothing changed: {} is in force\n",
            shown::digest(json, "/hash")
        );
    }
    let mut text = format!("in force now: {}\n", shown::digest(json, "/hash"));
    for (word, pointer) in [
        ("added", "/files/added"),
        ("changed", "/files/changed"),
        ("removed", "/files/removed"),
    ] {
        for path in texts(json, pointer) {
            let _ = writeln!(text, "  {word:<8} {path}");
        }
    }
    for note in texts(json, "/notes") {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

/// Why nothing changed.
fn refused(json: &Json) -> String {
    let mut text = String::new();
    if let Some(faults) = json.get("shown").and_then(Json::as_str) {
        // Made harmless where it was made, line breaks aside.
        for line in faults.lines() {
            let _ = writeln!(text, "{}", shown::text(line));
        }
    }
    for test in texts(json, "/tests") {
        let _ = writeln!(text, "FAILED {test}");
    }
    let _ = writeln!(text, "{}", shown::cell(json, "/detail"));
    text
}

fn texts(json: &Json, pointer: &str) -> Vec<String> {
    let list = json.pointer(pointer).and_then(Json::as_array);
    let texts = list.into_iter().flatten().filter_map(Json::as_str);
    texts.map(shown::text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changed_is_listed_with_what_to_know() {
        let json = json!({
            "changed": true, "hash": "0123456789abcdef", "before": "f", "by": "local",
            "files": { "added": ["mappings/new.yaml"], "changed": ["andon.yaml"], "removed": [] },
            "notes": ["`listen` in andon.yaml takes effect when Andon is started anew"],
        });
        insta::assert_snapshot!(told(&json), @r"
        in force now: 0123456789ab
          added    mappings/new.yaml
          changed  andon.yaml
        note: `listen` in andon.yaml takes effect when Andon is started anew
        ");
        insta::assert_snapshot!(told(&json!({ "changed": false, "hash": "0123456789abcdef" })), @"nothing changed: 0123456789ab is in force");
    }

    #[test]
    fn what_is_refused_is_shown_with_its_faults() {
        let json = json!({
            "detail": "the files are refused, those of before stay in force: 1 fault in 1 file",
            "shown": "error[AND0101]: no\u{1b}[2J\n  --> x.yaml:1:1\n",
            "tests": ["a: b: wanted nothing, got high"],
        });
        insta::assert_snapshot!(refused(&json), @r"
        error[AND0101]: no\u{1b}[2J
          --> x.yaml:1:1
        FAILED a: b: wanted nothing, got high
        the files are refused, those of before stay in force: 1 fault in 1 file
        ");
    }
}
