//! Documents as `jsonschema` looks at them: data are checked where they stand, without a tree.

use std::borrow::Cow;

use jsonschema::JsonType;
use jsonschema::json::{Array, Json, Node, NodeIdentity, Object};
use serde_json::{Number, Value};

use crate::document::{Children, Document, Entries, Place, Seen};

/// What a schema of signals checks: [`Place`]s.
#[derive(Debug)]
pub struct Instances;

impl Json for Instances {
    type Node<'a> = Place<'a>;
    type PreparedKey = String;
    type StringBuffer = Document;

    /// A look-up goes through the keys as well: one pass is better than two look-ups.
    const KEYS_PER_LOOKUP: usize = 2;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(
        buffer: &mut Document,
        string: &str,
        f: impl FnOnce(Place<'_>) -> T,
    ) -> T {
        *buffer = Document::from(Value::from(string));
        f(buffer.root())
    }
}

impl<'a> Node<'a, Instances> for Place<'a> {
    type Object = Self;
    type Array = Self;
    type Number = Number;

    fn as_object(&self) -> Option<Self> {
        self.is_map().then_some(*self)
    }

    fn as_array(&self) -> Option<Self> {
        self.is_list().then_some(*self)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.as_str().map(Cow::Borrowed)
    }

    fn as_number(&self) -> Option<Number> {
        match self.seen() {
            Seen::Int(whole) => Some(Number::from(whole)),
            Seen::Large(whole) => Some(Number::from(whole)),
            Seen::Double(double) => Number::from_f64(double),
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self.seen() {
            Seen::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        self.seen() == Seen::Null
    }

    fn is_number(&self) -> bool {
        Node::json_type(self) == JsonType::Number
    }

    fn json_type(&self) -> JsonType {
        match self.seen() {
            Seen::Null => JsonType::Null,
            Seen::Bool(_) => JsonType::Boolean,
            Seen::Int(_) | Seen::Large(_) | Seen::Double(_) => JsonType::Number,
            Seen::Text(_) => JsonType::String,
            Seen::List => JsonType::Array,
            Seen::Map => JsonType::Object,
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(self.to_json())
    }

    fn identity(&self) -> Option<NodeIdentity> {
        let (document, at) = Place::identity(*self);
        Some(NodeIdentity::tagged(document, at))
    }
}

impl<'a> Object<'a, Instances> for Place<'a> {
    type Node = Self;
    type MemberName = &'a str;
    type MembersIter = Entries<'a>;

    fn len(&self) -> usize {
        self.count()
    }

    fn get(&self, key: &String) -> Option<Self> {
        Self::get(*self, key)
    }

    fn members(&self) -> Entries<'a> {
        self.entries()
    }
}

impl<'a> Array<'a, Instances> for Place<'a> {
    type Node = Self;
    type ElementsIter = Children<'a>;

    fn len(&self) -> usize {
        self.count()
    }

    fn elements(&self) -> Children<'a> {
        self.items()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a schema says of a value, as a tree and as a document.
    fn said(schema: &Value, value: &Value) -> (Vec<String>, Vec<String>) {
        let tree = jsonschema::validator_for(schema).unwrap();
        let flat = jsonschema::options_for::<Instances>()
            .build(schema)
            .unwrap();
        let document = Document::from(value);
        assert_eq!(tree.is_valid(value), flat.is_valid(document.root()));
        (
            tree.iter_errors(value)
                .map(|error| format!("{} {} {}", error.instance_path(), error, error.masked()))
                .collect(),
            flat.iter_errors(document.root())
                .map(|error| format!("{} {} {}", error.instance_path(), error, error.masked()))
                .collect(),
        )
    }

    #[test]
    fn a_schema_says_the_same_of_a_document_as_of_its_tree() {
        let wide: Vec<Value> = (0..50).map(|number| json!({ "n": number })).collect();
        let values = [
            json!(null),
            json!(true),
            json!(-0.0),
            json!(3),
            json!(3.5),
            json!(u64::MAX),
            json!("grün"),
            json!(["a", 1, "a"]),
            json!([1, 1.0]),
            json!([[1, { "a": 2 }], [1, { "a": 2 }]]),
            json!({ "name": "x", "n": 2, "more": { "deep": [1, 2, 3] } }),
            json!({ "name": "xyz", "n": 2.5, "2": 1 }),
            json!({ "name": 7, "list": wide }),
            json!({}),
        ];
        let schemas = [
            json!({ "type": "object", "required": ["name", "n"], "properties": { "name": { "type": "string", "maxLength": 2 }, "n": { "type": "integer", "minimum": 3 } } }),
            json!({ "type": ["array", "null"], "uniqueItems": true, "items": { "type": ["string", "array"] } }),
            json!({ "type": "number", "multipleOf": 0.5, "maximum": 10 }),
            json!({ "enum": [3.0, "grün", [1, 1], { "name": "xyz", "n": 2.5, "2": 1 }] }),
            json!({ "propertyNames": { "maxLength": 3 }, "additionalProperties": { "type": "number" }, "minProperties": 1 }),
            json!({ "anyOf": [{ "const": true }, { "type": "string", "minLength": 5 }, { "maxItems": 2, "maxProperties": 2 }] }),
            json!({ "properties": { "list": { "contains": { "properties": { "n": { "const": 49 } } }, "items": { "properties": { "n": { "maximum": 40 } } } } } }),
        ];
        for schema in &schemas {
            for value in &values {
                let (tree, flat) = said(schema, value);
                assert_eq!(tree, flat, "{schema} of {value}");
            }
        }
    }
}
