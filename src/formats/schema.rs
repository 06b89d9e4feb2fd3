//! JSON Schemas (draft 2020-12) of the files, so that any editor completes and checks them.

use serde_json::{Map as Object, Value as Json, json};

use super::{Format, Is, Key, Map, Refers, Rule};
use crate::diag::{Faults, Source};
use crate::yaml;

/// A span of time, as `yaml::duration` reads it.
const SPAN: &str = r"([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+";
/// A name, as `connector::is_name` has it.
const NAME: &str = "^[A-Za-z][A-Za-z0-9_-]{0,63}$";

/// The schema of a sort of file.
pub fn json_schema(format: &Format) -> Json {
    let mut maps = Vec::new();
    Is::Map(format.map).maps(&mut maps);
    let mut defs: Object<String, Json> = maps
        .iter()
        .skip(1)
        .map(|map| (map.name.to_owned(), of_map(map)))
        .collect();
    defs.insert("value".to_owned(), value());
    let mut schema = Object::new();
    schema.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".to_owned(), json!(format!("Andon: {}", format.head)));
    if let Json::Object(map) = of_map(format.map) {
        schema.extend(map);
    }
    schema.insert("$defs".to_owned(), Json::Object(defs));
    Json::Object(schema)
}

/// What a value is, for people: the schema itself lets anything through.
fn value() -> Json {
    json!({
        "description": "A literal, an expression behind `=`, or one of the forms `{ text }`, `{ secret }`, `{ pick, from }`, `{ each, give }`, `{ lines }`, `{ json }`, `{ time, as }`. A key that ends in `?` is left out where its value is absent.",
    })
}

fn of_map(map: &Map) -> Json {
    let mut schema = json!({
        "description": map.about,
        "type": "object",
        "additionalProperties": map.others.map_or(json!(false), of),
        "properties": map.keys().map(|key| (key.name.to_owned(), of_key(key))).collect::<Object<_, _>>(),
    });
    let required: Vec<&str> = map
        .keys()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    if !required.is_empty() {
        put(&mut schema, "required", json!(required));
    }
    let rules: Vec<Json> = map.rules.iter().map(of_rule).collect();
    if !rules.is_empty() {
        put(&mut schema, "allOf", Json::Array(rules));
    }
    schema
}

fn put(schema: &mut Json, key: &str, value: Json) {
    if let Json::Object(map) = schema {
        map.insert(key.to_owned(), value);
    }
}

fn of_rule(rule: &Rule) -> Json {
    let each = |keys: &[&str]| -> Json {
        keys.iter()
            .map(|key| json!({ "required": [key] }))
            .collect()
    };
    match rule {
        Rule::One(keys) => json!({ "oneOf": each(keys) }),
        Rule::Some(keys) => json!({ "anyOf": each(keys) }),
    }
}

fn of_key(key: &Key) -> Json {
    let mut schema = of(&key.is);
    put(&mut schema, "description", Json::from(described(key)));
    if key.required && key.is == Is::Text {
        put(&mut schema, "minLength", json!(1));
    }
    if let Some(default) = key.default.and_then(|text| as_json(&written("x", text))) {
        put(&mut schema, "default", default);
    }
    if let Some(example) = key.example.and_then(|text| as_json(&written("x", text))) {
        put(&mut schema, "examples", json!([example]));
    }
    schema
}

/// A key's description, with the meaning of its words and what holds without it.
pub fn described(key: &Key) -> String {
    let mut text = key.about.to_owned();
    if let Some(words) = key.is.words() {
        let words: Vec<String> = words
            .iter()
            .map(|(word, means)| format!("`{word}`: {means}"))
            .collect();
        text.push(' ');
        text.push_str(&words.join("; "));
        text.push('.');
    }
    if let Some(without) = key.without {
        text.push_str(" Without it: ");
        text.push_str(without);
        text.push('.');
    } else if let Some(default) = key.default {
        text.push_str(" Without it: `");
        text.push_str(default.trim_matches('"'));
        text.push_str("`.");
    }
    text
}

fn of(is: &Is) -> Json {
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let plain = json!({ "type": ["string", "number", "boolean"] });
    match *is {
        Is::Exactly(text) => json!({ "const": text }),
        Is::Word(words) => {
            json!({ "enum": words.iter().map(|(word, _)| *word).collect::<Vec<_>>() })
        }
        Is::Truth => json!({ "type": "boolean" }),
        Is::Whole => json!({ "type": "integer", "minimum": 0 }),
        Is::Number => json!({ "type": "number" }),
        Is::Span => pattern(&format!("^{SPAN}$")),
        Is::Size => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?(B|KB|kB|MB|GB|TB|KiB|MiB|GiB)?$" },
        ] }),
        Is::JsonMedia => pattern("^application/.*json"),
        Is::Rate => pattern(&format!(r"^\s*[1-9][0-9]*\s*/\s*{SPAN}\s*$")),
        Is::Schedule => pattern(
            r"^\s*(@(hourly|daily|midnight|weekly|monthly)|\S+\s+\S+\s+\S+\s+\S+\s+[^0-9\s]+)\s*$",
        ),
        Is::Time => pattern(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}"),
        Is::Date => pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        Is::Condition | Is::Case => json!({ "type": ["string", "boolean"], "pattern": "^[^=]" }),
        Is::Expression => pattern("^="),
        Is::Value => json!({ "$ref": "#/$defs/value" }),
        Is::Values => {
            json!({ "type": "object", "additionalProperties": { "$ref": "#/$defs/value" } })
        }
        Is::Data => json!({}),
        Is::Prose => {
            json!({ "type": ["string", "number", "boolean"], "not": { "pattern": r"\{\{\{" } })
        }
        Is::Path => pattern("^/[^?]*$"),
        Is::To(Refers::Signal | Refers::Action) => pattern("^[^/]+/.+$"),
        Is::Text | Is::To(_) => plain,
        Is::Named(_, is) => json!({
            "type": ["object", "null"],
            "propertyNames": { "pattern": NAME },
            "additionalProperties": of(is),
        }),
        Is::List(is) => json!({ "type": ["array", "null"], "items": of(is) }),
        Is::Texts => json!({ "type": ["array", "string", "number", "boolean"], "items": plain }),
        Is::Cases(words) => json!({
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": false,
                "properties": words.iter().map(|(word, means)| {
                    let mut case = of(&Is::Case);
                    put(&mut case, "description", json!(*means));
                    ((*word).to_owned(), case)
                }).collect::<Object<_, _>>(),
            },
        }),
        Is::Map(map) => json!({ "$ref": format!("#/$defs/{}", map.name) }),
        Is::Either(all) => json!({ "anyOf": all.iter().map(of).collect::<Vec<_>>() }),
    }
}

impl Is {
    /// The words that it may be, or that its cases begin with.
    pub fn words(&self) -> Option<&'static [super::Word]> {
        match *self {
            Self::Word(words) | Self::Cases(words) => Some(words),
            Self::List(is) => is.words(),
            Self::Either(all) => all.iter().find_map(Self::words),
            _ => None,
        }
    }
}

/// A key with a value as it would be written.
pub(super) fn written(key: &str, value: &str) -> String {
    if value.contains('\n') || value.starts_with("- ") || is_pair(value) {
        let lines: Vec<String> = value.lines().map(|line| format!("  {line}")).collect();
        format!("{key}:\n{}\n", lines.join("\n"))
    } else {
        format!("{key}: {value}\n")
    }
}

/// Whether a text of one line is `key: value`.
fn is_pair(text: &str) -> bool {
    text.split_once(": ")
        .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

/// The value behind the one key of a text.
fn as_json(text: &str) -> Option<Json> {
    let source = Source::new("", text);
    let mut faults = Faults::new();
    let node = yaml::parse(&source, &mut faults)?;
    Some(node.as_map()?.first()?.value.to_json())
}
