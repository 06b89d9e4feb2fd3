//! The fields of a signal's data, or of a body: where each stands, what was seen in it, and whether it is
//! always there.

use serde_json::{Map, Value as Json};

use super::text;
use crate::expr::Type;

/// How deep fields are looked for.
const DEEPEST: usize = 3;
/// How many fields are looked at; what has more is no signal but a document.
const MOST: usize = 64;
/// The longest key of a field, in bytes.
const LONGEST_KEY: usize = 200;
/// How many different values of a field are remembered.
const VALUES: usize = 12;

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    /// What its path begins with: `signal`, `body` or `item`.
    pub(super) root: &'static str,
    /// The keys that lead to it.
    pub(super) keys: Vec<String>,
    /// So many of them are always there.
    pub(super) firm: usize,
    /// What is in it.
    pub(super) sort: Sort,
    /// Whether null was seen, or the schema lets it be.
    pub(super) may_be_null: bool,
    /// Values that were seen: scalars, each once, in the order they came. A list or map is none.
    pub(super) values: Vec<Json>,
}

/// What is in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Text and nothing else.
    Text,
    /// Numbers and nothing else.
    Number,
    /// Truth values and nothing else.
    Bool,
    /// A list, a map, several sorts, or nothing is known.
    Other,
}

impl Field {
    /// Its last key.
    pub(super) fn key(&self) -> &str {
        self.keys.last().map_or("", String::as_str)
    }

    /// Whether it is always there; it may be null all the same.
    pub(super) fn is_always(&self) -> bool {
        self.firm == self.keys.len()
    }

    /// Whether it is always there and never null.
    pub(super) fn is_sure(&self) -> bool {
        self.is_always() && !self.may_be_null
    }

    /// Its path in an expression.
    pub(super) fn path(&self) -> String {
        text::path(self.root, &self.keys, self.firm)
    }

    /// The texts that were seen.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.values.iter().filter_map(Json::as_str)
    }

    /// The numbers that were seen.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> {
        self.values.iter().filter_map(Json::as_f64)
    }

    /// Its value in one document.
    pub(super) fn of<'d>(&self, document: &'d Json) -> Option<&'d Json> {
        self.keys
            .iter()
            .try_fold(document, |value, key| value.get(key))
    }
}

/// Looks through documents that are alike.
pub(super) struct Look<'l> {
    /// What paths begin with.
    pub(super) root: &'static str,
    /// What a schema says; without one, what was seen.
    pub(super) known: Option<&'l Type>,
    /// Whether maps and lists are fields too, and maps of anybody's keys are not looked into.
    pub(super) whole: bool,
}

impl Look<'_> {
    /// The fields of these, in the order in which they stand; the first so many.
    pub(super) fn fields(&self, documents: &[&Json]) -> Vec<Field> {
        let maps: Vec<&Map<String, Json>> =
            documents.iter().filter_map(|one| one.as_object()).collect();
        let mut found = Vec::new();
        let of = self.known.cloned().unwrap_or(Type::Any);
        let begins = (0, maps.len() == documents.len());
        self.walk(&maps, &[], begins, &of, &mut found);
        found
    }

    /// `firm` is how many keys above are always there, and whether all of them are.
    fn walk(
        &self,
        maps: &[&Map<String, Json>],
        above: &[String],
        (firm, unbroken): (usize, bool),
        of: &Type,
        found: &mut Vec<Field>,
    ) {
        let mut keys: Vec<&String> = Vec::new();
        for key in maps.iter().flat_map(|map| map.keys()) {
            if is_key(key) && !keys.contains(&key) && keys.len() < MOST {
                keys.push(key);
            }
        }
        for key in keys {
            let Some((of, always, null)) = self.step(of, key) else {
                continue;
            };
            let values: Vec<&Json> = maps.iter().filter_map(|map| map.get(key)).collect();
            let null = null || values.iter().any(|value| value.is_null());
            let always = match self.known {
                Some(_) => always,
                None => values.len() == maps.len(),
            };
            let path: Vec<String> = above.iter().chain([key]).cloned().collect();
            let unbroken = unbroken && always;
            let firm = if unbroken { path.len() } else { firm };
            let inner: Vec<&Map<String, Json>> = values
                .iter()
                .filter_map(|value| value.as_object())
                .collect();
            let is_map = !inner.is_empty()
                && values
                    .iter()
                    .all(|value| value.is_object() || value.is_null());
            if is_map && path.len() < DEEPEST && !(self.whole && is_anybodys(key, &inner)) {
                self.walk(&inner, &path, (firm, unbroken && !null), &of, found);
                continue;
            }
            let scalars = seen(&values);
            let sort = match sort_of(&of) {
                Some(sort) => sort,
                None => sort_seen(&values),
            };
            if found.len() < MOST && (self.whole || sort != Sort::Other) {
                found.push(Field {
                    root: self.root,
                    firm,
                    keys: path,
                    sort,
                    may_be_null: null,
                    values: scalars,
                });
            }
        }
    }

    /// What a key of a type is, whether it is always there, and whether it may be null; `None` where the
    /// schema has no such key.
    fn step(&self, of: &Type, key: &str) -> Option<(Type, bool, bool)> {
        if self.known.is_none() {
            return Some((Type::Any, false, false));
        }
        let (held, always) = match of {
            Type::Any => (Type::Any, false),
            Type::Object(object) => match (object.keys.get(key), &object.others) {
                (Some((held, always)), _) => (held.clone(), *always),
                (None, Some(others)) => ((**others).clone(), false),
                (None, None) => return None,
            },
            Type::OneOf(types) => {
                let mut maps = types
                    .iter()
                    .filter(|one| matches!(one, Type::Object(_) | Type::Any));
                match (maps.next(), maps.next()) {
                    (Some(only), None) => return self.step(only, key),
                    _ => (Type::Any, false),
                }
            }
            _ => return None,
        };
        let null = match &held {
            Type::Any | Type::Null => true,
            Type::OneOf(types) => types.contains(&Type::Null),
            _ => false,
        };
        Some((held, always, null))
    }
}

/// Whether a key can be a field's: not even in quotes do our files have a key `$ref`.
pub(super) fn is_key(key: &str) -> bool {
    key.len() <= LONGEST_KEY && key != "$ref"
}

/// Words of maps whose keys anybody may choose.
const ANYBODYS: [&str; 12] = [
    "labels",
    "tags",
    "annotations",
    "attributes",
    "properties",
    "metadata",
    "extra",
    "headers",
    "params",
    "parameters",
    "dimensions",
    "context",
];

fn is_anybodys(key: &str, maps: &[&Map<String, Json>]) -> bool {
    let mut keys = maps.iter().flat_map(|map| map.keys());
    ANYBODYS.contains(&key.to_ascii_lowercase().as_str())
        || maps.iter().any(|map| map.len() > 24)
        || keys.any(|key| !text::is_word(key))
}

fn seen(values: &[&Json]) -> Vec<Json> {
    let mut found: Vec<Json> = Vec::new();
    for value in values {
        let scalar = value.is_string() || value.is_number() || value.is_boolean();
        if scalar && found.len() < VALUES && !found.contains(value) {
            found.push((*value).clone());
        }
    }
    found
}

/// What the schema says; `None` where it says nothing.
fn sort_of(of: &Type) -> Option<Sort> {
    Some(match of {
        Type::Any => return None,
        Type::Text => Sort::Text,
        Type::Number | Type::Range(_) => Sort::Number,
        Type::Bool => Sort::Bool,
        Type::Values(values) => sort_seen(&values.iter().collect::<Vec<_>>()),
        Type::OneOf(types) => {
            let mut others = types.iter().filter(|one| **one != Type::Null);
            match (others.next(), others.next()) {
                (Some(only), None) => sort_of(only)?,
                _ => Sort::Other,
            }
        }
        _ => Sort::Other,
    })
}

fn sort_seen(values: &[&Json]) -> Sort {
    let mut sorts = values
        .iter()
        .filter(|value| !value.is_null())
        .map(|value| match value {
            Json::String(_) => Sort::Text,
            Json::Number(_) => Sort::Number,
            Json::Bool(_) => Sort::Bool,
            _ => Sort::Other,
        });
    let Some(first) = sorts.next() else {
        return Sort::Other;
    };
    if sorts.all(|sort| sort == first) {
        first
    } else {
        Sort::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(known: Option<&Type>, whole: bool, documents: &[Json]) -> Vec<String> {
        let documents: Vec<&Json> = documents.iter().collect();
        let look = Look {
            root: "signal",
            known,
            whole,
        };
        look.fields(&documents).iter().map(Field::path).collect()
    }

    #[test]
    fn what_some_lack_is_read_as_absent() {
        let seen = [
            json!({ "a": 1, "b": { "c": "x", "d": "y" }, "e": null }),
            json!({ "a": 2, "b": { "c": "x" } }),
        ];
        assert_eq!(
            paths(None, true, &seen),
            ["signal.a", "signal.b.c", "signal.b.?d", "signal.?e"]
        );
    }

    #[test]
    fn what_the_schema_lets_be_absent_is_read_so_although_it_was_there() {
        let schema = json!({
            "type": "object",
            "properties": {
                "a": { "type": "string" },
                "b": { "type": "object", "additionalProperties": { "type": "string" } },
                "c": { "type": ["object", "null"], "properties": { "d": { "type": "number" } }, "required": ["d"] },
            },
            "required": ["b", "c"],
            "additionalProperties": false,
        });
        let of = Type::from_schema(&schema, "x/y");
        let seen = [json!({ "a": "1", "b": { "e": "2" }, "c": { "d": 3 }, "unknown": 1 })];
        assert_eq!(
            paths(Some(&of), false, &seen),
            ["signal.?a", "signal.b.?e", "signal.c.?d"]
        );
    }

    #[test]
    fn a_map_of_anybodys_keys_is_one_field() {
        let seen = [
            json!({ "labels": { "a": "1" }, "odd": { "b c": 1 }, "list": [1], "deep": { "a": { "b": { "c": 1 } } } }),
        ];
        assert_eq!(
            paths(None, true, &seen),
            [
                "signal.labels",
                "signal.odd",
                "signal.list",
                "signal.deep.a.b"
            ]
        );
    }
}
