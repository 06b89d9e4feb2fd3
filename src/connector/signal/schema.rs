//! `schema:`: the JSON Schema of `data`, for intake and for checking paths.

use std::sync::Arc;

use super::super::Files;
use super::Instances;
use crate::diag::{Code, Faults, Place, Source, Span, codes};
use crate::expr::Type;
use crate::yaml::{Fields, Node};

/// A schema that is missing or none.
const BAD_SCHEMA: Code = Code("AND0701");

/// A schema that names what Andon names.
const RESERVED_FIELD: Code = Code("AND0702");

pub(super) fn schema(
    fields: &Fields<'_>,
    title: &str,
    files: &Files,
    faults: &mut Faults,
) -> (Option<Arc<jsonschema::Validator<Instances>>>, Type, String) {
    let nothing = (None, Type::Any, String::new());
    let Some(node) = fields.require(
        "schema",
        "write a JSON Schema of `data` and name its file, such as `schema: schemas/x.json`",
        faults,
    ) else {
        return nothing;
    };
    let file = node.as_text().unwrap_or_default().to_owned();
    let Some(text) = files.get(&file) else {
        faults
            .error(
                codes::MISSING_FILE,
                node.place(),
                format!("there is no file `{file}` beside this manifest"),
            )
            .help("write a JSON Schema of `data` there");
        return nothing;
    };
    let bad = |what: String, faults: &mut Faults| {
        faults
            .error(BAD_SCHEMA, node.place(), what)
            .help("mend the schema; it is JSON Schema, draft 2020-12, without `$ref`");
    };
    let schema: serde_json::Value = match serde_json::from_slice(text) {
        Ok(schema) => schema,
        Err(error) => {
            let said = error.to_string();
            let why = if error.is_eof() {
                "the file ends here"
            } else {
                said.split(" at line ").next().unwrap_or_default()
            };
            faults
                .error(
                    BAD_SCHEMA,
                    inside(node, &file, text, &error),
                    "this is no JSON",
                )
                .label(why)
                .help("mend it here; a schema is JSON Schema, draft 2020-12, without `$ref`");
            return nothing;
        }
    };
    if mentions_ref(&schema, 0) {
        bad(format!("`{file}` uses `$ref`"), faults);
        return nothing;
    }
    for reserved in ["at", "id", "change"] {
        if schema
            .get("properties")
            .and_then(|properties| properties.get(reserved))
            .is_some()
        {
            faults
                .error(
                    RESERVED_FIELD,
                    node.place(),
                    format!("`{file}` has a field `{reserved}`, which is Andon's own"),
                )
                .help(format!("call it otherwise, such as `{reserved}_there`"));
        }
    }
    match jsonschema::options_for::<Instances>().build(&schema) {
        Ok(validator) => (
            Some(Arc::new(validator)),
            with_own_fields(Type::from_schema(&schema, title)),
            file,
        ),
        Err(error) => {
            bad(format!("`{file}` is no JSON Schema: {error}"), faults);
            nothing
        }
    }
}

/// `signal.at`, `signal.id` and `signal.change` are Andon's, and always there but the last.
pub(super) fn with_own_fields(of: Type) -> Type {
    let Type::Object(object) = of else { return of };
    let mut object = (*object).clone();
    object.keys.insert("at".to_owned(), (Type::Time, true));
    object.keys.insert("id".to_owned(), (Type::Text, true));
    object.keys.insert("change".to_owned(), (Type::Text, false));
    Type::Object(Arc::new(object))
}

/// Where a schema's own file breaks JSON's rules.
fn inside(node: &Node, file: &str, text: &[u8], error: &serde_json::Error) -> Place {
    let folder = node
        .source
        .name
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    let name = if folder.is_empty() {
        file.to_owned()
    } else {
        format!("{folder}/{file}")
    };
    let source = Source::new(name, String::from_utf8_lossy(text));
    let lines = source
        .text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let at = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
    let at = at.min(source.text.trim_end().len());
    let width = source
        .text
        .get(at..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, char::len_utf8);
    Place::new(&source, Span::new(at, at + width))
}

pub(super) fn mentions_ref(schema: &serde_json::Value, depth: usize) -> bool {
    match schema {
        _ if depth > 64 => true,
        serde_json::Value::Object(map) => map.iter().any(|(key, value)| {
            (key.as_str() == "$ref" || key.as_str() == "$dynamicRef") && value.is_string()
                || mentions_ref(value, depth + 1)
        }),
        serde_json::Value::Array(items) => items.iter().any(|item| mentions_ref(item, depth + 1)),
        _ => false,
    }
}
