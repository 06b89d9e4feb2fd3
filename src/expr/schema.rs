//! What a JSON Schema says about values, as far as expressions can use it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::names::{Bounds, Object, Type};
use super::suppose::exact;

/// Schemas nest no deeper than this; what stands deeper is anything.
const DEEPEST: usize = 32;

impl Type {
    /// Reads a JSON Schema: `type` (also a list of them), `properties`, `required`,
    /// `additionalProperties`, `items`, `enum`, `const`, the bounds of numbers, and `anyOf` and `oneOf`
    /// of such. Anything else, `$ref` among it, is [`Type::Any`]: never less than the schema allows.
    /// `title` is what the outermost map is called.
    pub fn from_schema(schema: &Json, title: &str) -> Self {
        read(schema, title, 0)
    }
}

fn read(schema: &Json, title: &str, depth: usize) -> Type {
    let Json::Object(keys) = schema else {
        return Type::Any;
    };
    let unknown = [
        "$ref",
        "allOf",
        "not",
        "if",
        "patternProperties",
        "$dynamicRef",
    ];
    if depth >= DEEPEST || unknown.into_iter().any(|word| keys.contains_key(word)) {
        return Type::Any;
    }
    if let Some(of) = keys.get("const") {
        return of_value(of);
    }
    if let Some(Json::Array(values)) = keys.get("enum") {
        return either(values.iter().map(of_value));
    }
    if let Some(Json::Array(choices)) = keys.get("anyOf").or(keys.get("oneOf")) {
        // Beside other constraints the choices only narrow; the wider reading is safe.
        if !keys.contains_key("type") && !keys.contains_key("properties") {
            return either(choices.iter().map(|choice| read(choice, title, depth + 1)));
        }
        if keys.contains_key("properties") {
            return Type::Any;
        }
    }
    match keys.get("type") {
        Some(Json::String(word)) => of_word(word, keys, title, depth),
        Some(Json::Array(words)) => either(words.iter().map(|word| {
            word.as_str()
                .map_or(Type::Any, |word| of_word(word, keys, title, depth))
        })),
        _ if keys.contains_key("properties") => of_word("object", keys, title, depth),
        _ => Type::Any,
    }
}

fn of_word(word: &str, keys: &serde_json::Map<String, Json>, title: &str, depth: usize) -> Type {
    match word {
        "null" => Type::Null,
        "boolean" => Type::Bool,
        "integer" | "number" => number(keys),
        "string" => Type::Text,
        "array" => Type::List(Box::new(
            keys.get("items")
                .map_or(Type::Any, |items| read(items, "", depth + 1)),
        )),
        "object" => Type::Object(Arc::new(object(keys, title, depth))),
        _ => Type::Any,
    }
}

/// A number, and its bounds where they are given.
fn number(keys: &serde_json::Map<String, Json>) -> Type {
    let bound = |key: &str| keys.get(key).and_then(exact);
    // Both kinds of a bound may be given; the tighter one counts.
    let tighter = |a: Option<(f64, bool)>, b: Option<(f64, bool)>, sign: f64| match (a, b) {
        (Some(a), Some(b)) if b.0 * sign >= a.0 * sign => Some(b),
        (Some(a), _) => Some(a),
        (None, b) => b,
    };
    let with = |key| bound(key).map(|limit| (limit, true));
    let beyond = |key| bound(key).map(|limit| (limit, false));
    let bounds = Bounds {
        least: tighter(with("minimum"), beyond("exclusiveMinimum"), 1.0),
        most: tighter(with("maximum"), beyond("exclusiveMaximum"), -1.0),
    };
    if bounds == Bounds::default() {
        Type::Number
    } else {
        Type::Range(bounds)
    }
}

fn object(keys: &serde_json::Map<String, Json>, title: &str, depth: usize) -> Object {
    let required: Vec<&str> = match keys.get("required") {
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    let mut known: BTreeMap<String, (Type, bool)> = BTreeMap::new();
    if let Some(Json::Object(properties)) = keys.get("properties") {
        for (name, schema) in properties {
            let always = required.contains(&name.as_str());
            known.insert(name.clone(), (read(schema, "", depth + 1), always));
        }
    }
    for name in required {
        known.entry(name.to_owned()).or_insert((Type::Any, true));
    }
    let others = match keys.get("additionalProperties") {
        Some(Json::Bool(false)) => None,
        Some(schema) => Some(Box::new(read(schema, "", depth + 1))),
        None => Some(Box::new(Type::Any)),
    };
    Object {
        title: title.to_owned(),
        keys: known,
        others,
    }
}

fn of_value(value: &Json) -> Type {
    match value {
        Json::Null => Type::Null,
        Json::Bool(_) | Json::Number(_) | Json::String(_) => Type::Values(vec![value.clone()]),
        Json::Array(_) => Type::List(Box::new(Type::Any)),
        Json::Object(_) => Type::Any,
    }
}

/// One of several; what is listed value by value stays one list.
fn either(types: impl Iterator<Item = Type>) -> Type {
    let mut values = Vec::new();
    let mut others = Vec::new();
    for one in types {
        match one {
            Type::Values(listed) => values.extend(listed),
            other => others.push(other),
        }
    }
    let listed = (!values.is_empty()).then_some(Type::Values(values));
    listed
        .into_iter()
        .chain(others)
        .reduce(Type::or)
        .unwrap_or(Type::Any)
}
