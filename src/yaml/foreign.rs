//! YAML that others wrote for other programs, such as an OpenAPI document, as plain JSON.
//!
//! Here nobody is told what to write instead, and references and tags are no faults; but there is a
//! bound, and an alias is refused: a few of them unfold to more than any memory holds.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value as Json};

use super::{Scalar, Style};

/// How deep lists and maps may stand in each other.
const DEEPEST: usize = 100;

/// What is open.
enum Open {
    List(Vec<Json>),
    Map(Map<String, Json>, Option<String>),
}

/// Reads the first document of a text. An error is a sentence with the line.
pub fn foreign(text: &str) -> Result<Json, String> {
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            format!(
                "line {} breaks YAML's rules: {}",
                error.marker().line(),
                error.info()
            )
        })?;
        let line = span.start.line();
        let done = match event {
            Event::Scalar(text, style, _, _) => Some(scalar(text, style)),
            Event::Alias(_) => {
                return Err(format!(
                    "line {line} has an alias (`*name`); write out what it stands for"
                ));
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                None
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(items)) => Some(Json::Array(items)),
                Some(Open::Map(map, _)) => Some(Json::Object(map)),
                None => None,
            },
            Event::DocumentEnd => break,
            _ => None,
        };
        if open.len() > DEEPEST {
            return Err(format!(
                "line {line} is nested deeper than {DEEPEST} levels"
            ));
        }
        let Some(value) = done else { continue };
        match open.last_mut() {
            None => return Ok(value),
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(map, key)) => match (key.take(), value) {
                (Some(key), value) => {
                    map.insert(key, value);
                }
                (None, Json::String(name)) => *key = Some(name),
                (None, Json::Null | Json::Array(_) | Json::Object(_)) => {
                    return Err(format!("line {line} has a key that is no text"));
                }
                (None, other) => *key = Some(other.to_string()),
            },
        }
    }
    Err("it is empty".to_owned())
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Json {
    let plain = style == ScalarStyle::Plain;
    if plain && matches!(&*text, "" | "~" | "null") {
        return Json::Null;
    }
    let scalar = Scalar {
        text: text.into_owned(),
        style: if plain { Style::Plain } else { Style::Quoted },
        begins: None,
    };
    scalar.to_json()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_others_wrote_is_read_as_json() {
        let text = "openapi: 3.1.0\npaths:\n  /a:\n    200: { $ref: '#/x' }\n    y: [1, '1', true, ~, !t z]\n    on: |\n      two\n      lines\n";
        assert_eq!(
            foreign(text),
            Ok(json!({ "openapi": "3.1.0", "paths": { "/a": {
                "200": { "$ref": "#/x" }, "y": [1, "1", true, null, "z"], "on": "two\nlines\n" } } }))
        );
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let deep = "[".repeat(200);
        for (text, wanted) in [
            (
                "a: &x 1\nb: *x\n",
                "line 2 has an alias (`*name`); write out what it stands for",
            ),
            ("? [a]\n: b\n", "line 1 has a key that is no text"),
            (deep.as_str(), "line 1 is nested deeper than 100 levels"),
            ("", "it is empty"),
        ] {
            assert_eq!(foreign(text), Err(wanted.to_owned()));
        }
        assert!(foreign("a: [").is_err_and(|said| said.starts_with("line ")));
    }
}
