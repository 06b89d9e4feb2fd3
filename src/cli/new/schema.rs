//! Examples out of the schemas of an OpenAPI document: what a body may look like.

use serde_json::{Map, Value as Json, json};

use super::field::is_key;

/// How deep an example goes.
const DEEPEST: usize = 6;
/// How many values an example has at most.
const MOST: usize = 400;
/// How many references lead on to another one.
const HOPS: usize = 8;

/// A document, to look up what its references stand for.
#[derive(Clone, Copy)]
pub(super) struct Document<'d>(pub(super) &'d Json);

impl<'d> Document<'d> {
    /// What stands here, or where `$ref` leads within the document.
    pub(super) fn at(self, node: &'d Json) -> &'d Json {
        let mut at = node;
        for _ in 0..HOPS {
            let Some(reference) = at.get("$ref").and_then(Json::as_str) else {
                return at;
            };
            let found = reference
                .strip_prefix('#')
                .and_then(|pointer| self.0.pointer(pointer));
            match found {
                Some(found) => at = found,
                None => return &Json::Null,
            }
        }
        &Json::Null
    }

    /// A key of a node, followed.
    pub(super) fn get(self, node: &'d Json, key: &str) -> Option<&'d Json> {
        Some(self.at(self.at(node).get(key)?))
    }

    /// The entries of a map under a key, followed.
    pub(super) fn entries(self, node: &'d Json, key: &str) -> Vec<(&'d String, &'d Json)> {
        let map = self.get(node, key).and_then(Json::as_object);
        map.into_iter()
            .flatten()
            .map(|(key, value)| (key, self.at(value)))
            .collect()
    }

    /// Examples of a body: those that are written, else what the schema says with all keys, and with the
    /// required ones alone.
    pub(super) fn examples(self, body: &'d Json) -> Vec<Json> {
        let content = self.entries(body, "content");
        let is_json = |kind: &str| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind == "application/json" || kind.ends_with("+json") || kind == "*/*"
        };
        let Some((_, media)) = content.into_iter().find(|(kind, _)| is_json(kind)) else {
            return Vec::new();
        };
        if let Some(example) = media.get("example") {
            return vec![example.clone()];
        }
        let written: Vec<Json> = self
            .entries(media, "examples")
            .into_iter()
            .filter_map(|(_, example)| example.get("value").cloned())
            .collect();
        if !written.is_empty() {
            return written;
        }
        let Some(schema) = self.get(media, "schema") else {
            return Vec::new();
        };
        let mut made: Vec<Json> = [true, false]
            .into_iter()
            .filter_map(|all| self.example(schema, all, 0, &mut 0))
            .collect();
        made.dedup();
        made
    }

    /// An example of a schema.
    fn example(self, schema: &'d Json, all: bool, depth: usize, count: &mut usize) -> Option<Json> {
        *count += 1;
        if depth > DEEPEST || *count > MOST {
            return None;
        }
        let schema = self.at(schema);
        let first = |key: &str| schema.get(key)?.as_array()?.first().cloned();
        if let Some(written) = schema
            .get("example")
            .or_else(|| schema.get("const"))
            .or_else(|| schema.get("default").filter(|value| !value.is_null()))
        {
            return Some(written.clone());
        }
        if let Some(written) = first("examples").or_else(|| first("enum")) {
            return Some(written);
        }
        if let Some(parts) = schema.get("allOf").and_then(Json::as_array) {
            let mut whole = Map::new();
            let own = schema.get("properties").is_some().then_some(schema);
            for part in parts.iter().chain(own) {
                let part = if std::ptr::eq(part, schema) {
                    self.object(schema, all, depth, count)
                } else {
                    self.example(part, all, depth + 1, count)?
                };
                if let Json::Object(part) = part {
                    whole.extend(part);
                }
            }
            return Some(Json::Object(whole));
        }
        for key in ["oneOf", "anyOf"] {
            let choices = schema.get(key).and_then(Json::as_array);
            let is_null = |choice: &&Json| choice.get("type") == Some(&json!("null"));
            if let Some(choice) = choices.and_then(|all| all.iter().find(|one| !is_null(one))) {
                return self.example(choice, all, depth + 1, count);
            }
        }
        let word = match schema.get("type") {
            Some(Json::String(word)) => word.as_str(),
            Some(Json::Array(words)) => {
                let mut words = words.iter().filter_map(Json::as_str);
                words.find(|word| *word != "null").unwrap_or("null")
            }
            _ if schema.get("properties").is_some() => "object",
            _ => "string",
        };
        Some(match word {
            "object" => self.object(schema, all, depth, count),
            "array" => {
                let item = schema.get("items");
                let item = item.and_then(|item| self.example(item, all, depth + 1, count));
                Json::Array(item.into_iter().collect())
            }
            "integer" => json!(1),
            "number" => json!(0.5),
            "boolean" => json!(true),
            "null" => Json::Null,
            _ => text(schema.get("format").and_then(Json::as_str)).into(),
        })
    }

    fn object(self, schema: &'d Json, all: bool, depth: usize, count: &mut usize) -> Json {
        let required = schema.get("required").and_then(Json::as_array);
        let required: Vec<&str> = required
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        let mut map = Map::new();
        for (key, property) in self.entries(schema, "properties") {
            if is_key(key)
                && (all || required.contains(&key.as_str()))
                && let Some(value) = self.example(property, all, depth + 1, count)
            {
                map.insert(key.clone(), value);
            }
        }
        Json::Object(map)
    }
}

/// A text of a format.
fn text(format: Option<&str>) -> &'static str {
    match format {
        Some("date-time") => "2026-11-23T08:00:00Z",
        Some("date") => "2026-11-23",
        Some("uuid") => "7f0c0a52-4c0e-4f1e-9d0b-0a3d1f0b1c01",
        Some("uri" | "url") => "https://www.example.com/",
        Some("email") => "somebody@example.com",
        _ => "example",
    }
}
