//! The fields that a JSON Schema describes, for people: what each is, whether it is always there, its values.

use serde_json::Value as Json;

use crate::formats::OWN_FIELDS;

/// How deep choices in choices are looked into.
const DEEPEST: usize = 8;

/// One step into data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Into {
    Key(String),
    Item,
}

/// A field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    /// What it is, in a few words.
    pub(super) is: String,
    pub(super) about: String,
    pub(super) always: bool,
}

impl Field {
    /// All of it, as Markdown.
    pub(super) fn told(&self, of: &str) -> String {
        let there = if self.always { "" } else { ", may be absent" };
        let about = if self.about.is_empty() {
            String::new()
        } else {
            format!("\n\n{}", self.about)
        };
        format!(
            "**{}** ({}{there}), a field of {of}{about}",
            self.name, self.is
        )
    }
}

/// The part of a schema that describes what these steps lead to.
pub(super) fn at<'s>(schema: &'s Json, steps: &[Into]) -> Option<&'s Json> {
    steps
        .iter()
        .try_fold(schema, |schema, step| into(schema, step, DEEPEST))
}

fn into<'s>(schema: &'s Json, step: &Into, depth: usize) -> Option<&'s Json> {
    let found = match step {
        Into::Key(key) => {
            let own = schema.get("properties").and_then(|all| all.get(key));
            own.or_else(|| {
                schema
                    .get("additionalProperties")
                    .filter(|one| one.is_object())
            })
        }
        Into::Item => schema.get("items"),
    };
    let depth = depth.checked_sub(1)?;
    found.or_else(|| choices(schema).find_map(|choice| into(choice, step, depth)))
}

fn choices(schema: &Json) -> impl Iterator<Item = &Json> {
    ["anyOf", "oneOf"]
        .into_iter()
        .filter_map(|key| schema.get(key)?.as_array())
        .flatten()
}

/// The fields of a map.
pub(super) fn fields(schema: &Json) -> Vec<Field> {
    let mut found = Vec::new();
    collect(schema, DEEPEST, &mut found);
    found
}

fn collect(schema: &Json, depth: usize, found: &mut Vec<Field>) {
    let required = schema.get("required").and_then(Json::as_array);
    for (name, one) in schema
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        if found.iter().any(|known| known.name == *name) {
            continue;
        }
        found.push(Field {
            name: name.clone(),
            is: words(one),
            about: about(one),
            always: required.is_some_and(|all| all.iter().any(|known| known == name)),
        });
    }
    if depth > 0 {
        choices(schema).for_each(|choice| collect(choice, depth - 1, found));
    }
}

/// What Andon adds to every signal.
pub(super) fn own_fields() -> impl Iterator<Item = Field> {
    OWN_FIELDS.into_iter().map(|(name, about)| Field {
        name: name.to_owned(),
        is: "Andon's own".to_owned(),
        about: about.to_owned(),
        always: name != "change",
    })
}

/// What it is for.
pub(super) fn about(schema: &Json) -> String {
    let text = schema.get("description").and_then(Json::as_str);
    crate::untrusted::person(text.unwrap_or_default(), 400)
}

/// What it is, in a few words.
pub(super) fn words(schema: &Json) -> String {
    let one = |word: &str| match word {
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "truth value".to_owned(),
        "array" => "list".to_owned(),
        "object" => "map".to_owned(),
        other => crate::untrusted::person(other, 20),
    };
    let listed = values(schema);
    if !listed.is_empty() {
        let listed: Vec<String> = listed.iter().take(8).map(Json::to_string).collect();
        return format!(
            "one of {}",
            crate::untrusted::person(&listed.join(", "), 200)
        );
    }
    match schema.get("type") {
        Some(Json::String(word)) => one(word),
        Some(Json::Array(all)) => {
            let all: Vec<String> = all.iter().filter_map(Json::as_str).map(one).collect();
            all.join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

/// The values that it lists; none where it may be anything.
pub(super) fn values(schema: &Json) -> Vec<Json> {
    let mut found = Vec::new();
    list(schema, DEEPEST, &mut found);
    found
}

fn list(schema: &Json, depth: usize, found: &mut Vec<Json>) {
    found.extend(
        schema
            .get("enum")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .cloned(),
    );
    found.extend(schema.get("const").cloned());
    if depth > 0 {
        choices(schema).for_each(|choice| list(choice, depth - 1, found));
    }
}
