//! Facts about expressions, by what they are about.

mod values;
mod faults;
mod bounds;
mod oracle;
mod suppose;

use serde_json::Value as Json;

use super::{Error, Expr, Names, Scope, Type, Value};
use crate::diag::{Faults, Fragment};

/// Compiles over names of which nothing is known.
pub(super) fn compiled(text: &str, names: &Names) -> Result<Expr, String> {
    let mut faults = Faults::new();
    let expr = Expr::compile(&Fragment::whole("x", text), names, &mut faults);
    expr.ok_or_else(|| {
        faults
            .into_sorted()
            .iter()
            .map(|fault| {
                let shown = text.get(fault.place.span.start..fault.place.span.end);
                let mut line = format!(
                    "{} {} | {}",
                    fault.code,
                    shown.unwrap_or("?"),
                    fault.message
                );
                if !fault.label.is_empty() {
                    line.push_str(" | ");
                    line.push_str(&fault.label);
                }
                if let Some(help) = &fault.help {
                    line.push_str(" | ");
                    line.push_str(help);
                }
                line
            })
            .collect::<Vec<_>>()
            .join("\n")
    })
}

/// The value as a person reads it in a table: JSON, `absent`, or `! why`.
pub(super) fn shown(text: &str, data: &Json) -> String {
    let names = Json::as_object(data)
        .unwrap()
        .keys()
        .fold(Names::new(), |names, name| names.with(name, Type::Any));
    match compiled(text, &names) {
        Err(faults) => format!("!! {faults}"),
        Ok(expr) => {
            let mut scope = Scope::new(&names);
            for (name, value) in data.as_object().unwrap() {
                scope.set(names.find(name).unwrap().0, Value::from_json(value));
            }
            said(expr.eval(&scope))
        }
    }
}

fn said(value: Result<Value<'_>, Error>) -> String {
    match value {
        Ok(value) => value
            .to_json()
            .map_or("absent".to_owned(), |json| json.to_string()),
        Err(error) => format!("! {error}"),
    }
}

/// What the rows are about.
pub(super) fn values_data() -> Json {
    serde_json::json!({
        "n": 3, "d": 1.5, "zero": 0, "big": 9_007_199_254_740_993_i64,
        "text": "hello", "key": "k", "no": null, "yes": true,
        "list": [1, 2, 3], "mixed": ["a", 1, 2], "o": {"k": {"v": 7}},
        "level": "critical", "word": "severe", "at": "2026-01-02T00:00:00Z",
        "doc": "{\"k\": \"v\"}",
        "pairs": [{"key": "a", "value": 1}, {"key": "b", "value": 2}, {"key": "c"}],
    })
}
