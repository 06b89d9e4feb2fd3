//! A JSON Schema of what was seen: what all had is required, words that repeat are an enum, times and
//! addresses have their format.
//!
//! A schema that is too narrow leaves the next signal stuck. So a number is a number and never only an
//! integer, what was only ever null may be anything, and only what reads like a status is an enum.

use serde_json::{Map, Value as Json, json};

use super::guess;

/// How deep a schema goes; below that anything fits.
const DEEPEST: usize = 8;
/// A map of more keys than this has keys that anybody may choose.
const MOST_KEYS: usize = 48;
/// How many words an enum has at most.
const MOST_WORDS: usize = 8;
/// The longest word of an enum, in bytes.
const LONGEST_WORD: usize = 40;

/// The schema of a signal's `data`.
pub(super) fn schema(title: &str, about: &str, data: &[&Json]) -> Json {
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        "https://json-schema.org/draft/2020-12/schema".into(),
    );
    schema.insert("title".to_owned(), title.into());
    schema.insert("description".to_owned(), about.into());
    if let Json::Object(of) = of(data, "", 0) {
        schema.extend(of);
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    Json::Object(schema)
}

/// What these have in common.
fn of(values: &[&Json], key: &str, depth: usize) -> Json {
    let types = types(values);
    if depth >= DEEPEST || types.is_empty() || types == ["null"] {
        return json!({});
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), one_or_all(&types));
    let texts: Vec<&str> = values.iter().filter_map(|value| value.as_str()).collect();
    if types.iter().all(|of| matches!(*of, "string" | "null")) {
        if let Some(mut words) = words(&texts, key) {
            if types.contains(&"null") {
                words.push(Json::Null);
            }
            schema.insert("enum".to_owned(), words.into());
        } else if let Some(format) = format(&texts) {
            schema.insert("format".to_owned(), format.into());
        }
    }
    let maps: Vec<&Map<String, Json>> = values
        .iter()
        .filter_map(|value| value.as_object())
        .collect();
    if !maps.is_empty() {
        object(&maps, depth, &mut schema);
    }
    let items: Vec<&Json> = values
        .iter()
        .filter_map(|value| value.as_array())
        .flatten()
        .collect();
    if !items.is_empty() {
        schema.insert("items".to_owned(), of(&items, key, depth + 1));
    }
    Json::Object(schema)
}

fn types(values: &[&Json]) -> Vec<&'static str> {
    let mut found = Vec::new();
    for value in values {
        let of = match value {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Number(_) => "number",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        };
        if !found.contains(&of) {
            found.push(of);
        }
    }
    found.sort_by_key(|of| *of == "null");
    found
}

fn one_or_all(types: &[&str]) -> Json {
    match types {
        [only] => Json::from(*only),
        several => Json::from(several.to_vec()),
    }
}

fn object(maps: &[&Map<String, Json>], depth: usize, schema: &mut Map<String, Json>) {
    let mut keys: Vec<&String> = Vec::new();
    for key in maps.iter().flat_map(|map| map.keys()) {
        if !keys.contains(&key) {
            keys.push(key);
            if keys.len() > MOST_KEYS {
                return;
            }
        }
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in keys {
        let values: Vec<&Json> = maps.iter().filter_map(|map| map.get(key)).collect();
        if values.len() == maps.len() {
            required.push(Json::from(key.as_str()));
        }
        properties.insert(key.clone(), of(&values, key, depth + 1));
    }
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("required".to_owned(), required.into());
}

/// The words of a status or a level, where each was seen again: a few, and there will hardly be others.
fn words(texts: &[&str], key: &str) -> Option<Vec<Json>> {
    let mut words: Vec<&str> = Vec::new();
    for text in texts {
        let is_word = text.len() <= LONGEST_WORD
            && !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
        if !is_word {
            return None;
        }
        if !words.contains(text) {
            words.push(text);
        }
    }
    let repeated = texts.len() >= 2 * words.len();
    let few = (2..=MOST_WORDS).contains(&words.len());
    (few && repeated && guess::is_of_few_words(key))
        .then(|| words.into_iter().map(Json::from).collect())
}

/// The format that all of these have.
fn format(texts: &[&str]) -> Option<&'static str> {
    let all = |check: fn(&str) -> bool| !texts.is_empty() && texts.iter().all(|text| check(text));
    if all(is_time) {
        Some("date-time")
    } else if all(is_uuid) {
        Some("uuid")
    } else if all(is_uri) {
        Some("uri")
    } else {
        None
    }
}

/// RFC 3339, with a zone.
pub(super) fn is_time(text: &str) -> bool {
    text.len() >= 20
        && text.as_bytes().get(10) == Some(&b'T')
        && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_uri(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn properties(data: &[Json]) -> Json {
        let data: Vec<&Json> = data.iter().collect();
        schema("x/y", "", &data)["properties"].clone()
    }

    #[test]
    fn what_all_have_is_required_and_words_that_repeat_are_an_enum() {
        let data = [
            json!({ "status": "FAIL", "name": "a", "n": 1, "at": "2026-11-23T08:00:00Z", "tag": null, "url": "https://a.example/x" }),
            json!({ "status": "PASS", "name": "b", "n": 2.5, "at": "2026-11-23T08:00:00Z", "tag": null, "url": null }),
            json!({ "status": "FAIL", "name": "b", "n": 1, "at": "2026-11-23T09:00:00+01:00", "tag": null, "more": [{ "k": true }] }),
            json!({ "status": "PASS", "name": "a", "n": 1, "at": "2026-11-23T08:00:00Z", "tag": null }),
        ];
        assert_eq!(
            properties(&data),
            json!({
                "status": { "type": "string", "enum": ["FAIL", "PASS"] },
                "name": { "type": "string" },
                "n": { "type": "number" },
                "at": { "type": "string", "format": "date-time" },
                "tag": {},
                "url": { "type": ["string", "null"], "format": "uri" },
                "more": { "type": "array", "items": { "type": "object", "properties": { "k": { "type": "boolean" } }, "required": ["k"] } },
            })
        );
        let data: Vec<&Json> = data.iter().collect();
        assert_eq!(
            schema("x/y", "", &data)["required"],
            json!(["status", "name", "n", "at", "tag"])
        );
    }

    #[test]
    fn one_word_seen_once_is_no_enum() {
        assert_eq!(
            properties(&[json!({ "status": "FAIL" })]),
            json!({ "status": { "type": "string" } })
        );
    }

    proptest! {
        #[test]
        fn what_was_seen_fits(values in proptest::collection::vec(super::super::tests::documents(), 1..5)) {
            let data: Vec<Json> = values.into_iter().map(|value| json!({ "x": value })).collect();
            let seen: Vec<&Json> = data.iter().collect();
            let schema = schema("x/y", "", &seen);
            let validator = jsonschema::validator_for(&schema).expect("a schema");
            for one in &data {
                prop_assert!(validator.is_valid(one), "{} of {}", schema, one);
            }
        }
    }
}
