//! Over the common subset, the `cel` crate and this module give the same answer or both none.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::{Names, Scope, Type, Value};
use super::compiled;

/// What the expressions are about.
fn data() -> Json {
    json!({
        "i": 7, "j": -2, "z": 0, "d": 2.5, "s": "abc", "t": "b", "y": true, "f": false, "n": null,
        "l": [1, 2, 3], "m": {"k": 1, "s": "x", "l": ["a", "b"]}, "ms": [{"k": 1}, {"k": 2}],
    })
}

/// Expressions at most three levels deep: the oracle aborts on deep ones in debug builds.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "i",
        "j",
        "z",
        "d",
        "s",
        "t",
        "y",
        "f",
        "n",
        "l",
        "m",
        "m.k",
        "m.s",
        "m.missing",
        "m.l[0]",
        "l[1]",
        "l[9]",
        "m[\"k\"]",
        "1",
        "0",
        "-3",
        "2.5",
        "\"abc\"",
        "'b'",
        "true",
        "false",
        "null",
        "[1, 2]",
        "[i, d]",
        "has(m.k)",
        "has(m.zz)",
        "size(l)",
        "size(s)",
        "s.contains(t)",
        "s.startsWith(\"a\")",
        "s.endsWith(t)",
        "l.exists(x, x > i)",
        "l.all(x, x > 0)",
        "ms.filter(x, x.k > 1)",
        "l.map(x, x + 1)",
        "ms.exists(x, x.k == 2)",
        "l.exists_one(x, x == 2)",
        "ms[0].k",
        "string(i)",
        "int(d)",
        "double(i)",
        "int(\"12\")",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(3, 16, 3, |inner| {
            let sign = proptest::sample::select(vec![
                "==", "!=", "<", "<=", ">", ">=", "&&", "||", "+", "-", "*", "/", "%", "in",
            ]);
            prop_oneof![
                (inner.clone(), sign, inner.clone())
                    .prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
                inner.clone().prop_map(|a| format!("!({a})")),
                (inner.clone(), inner.clone(), inner)
                    .prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            ]
        })
}

fn to_cel(json: &Json) -> cel::Value {
    match json {
        Json::Null => cel::Value::Null,
        Json::Bool(truth) => cel::Value::Bool(*truth),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => cel::Value::Int(whole),
            None => cel::Value::Float(number.as_f64().unwrap()),
        },
        Json::String(text) => cel::Value::String(Arc::new(text.clone())),
        Json::Array(items) => cel::Value::List(Arc::new(items.iter().map(to_cel).collect())),
        Json::Object(entries) => cel::Value::Map(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), to_cel(value)))
                .collect::<std::collections::HashMap<String, cel::Value>>()
                .into(),
        ),
    }
}

fn from_cel(value: &cel::Value) -> Option<Json> {
    Some(match value {
        cel::Value::Null => Json::Null,
        cel::Value::Bool(truth) => (*truth).into(),
        cel::Value::Int(whole) => (*whole).into(),
        cel::Value::UInt(whole) => (*whole).into(),
        cel::Value::Float(double) => (*double).into(),
        cel::Value::String(text) => text.as_str().into(),
        cel::Value::List(items) => Json::Array(items.iter().map(from_cel).collect::<Option<_>>()?),
        _ => return None,
    })
}

fn mixes_numbers(error: &str) -> bool {
    error.contains("UnsupportedBinaryOperator")
        && error.contains("Int(")
        && error.contains("Float(")
}

fn adds_map_to_list(error: &str) -> bool {
    error.contains("`+` cannot take a list on its left and a map on its right")
}

fn seeks_null_in_map(error: &str) -> bool {
    error.contains("@in") && error.contains("null_type")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn cel_says_the_same(text in expressions()) {
        let data = data();
        let entries = data.as_object().unwrap();
        let names = entries.keys().fold(Names::new(), |names, name| names.with(name, Type::Any));
        // What is refused before it runs fails in CEL when it runs, or is always false there.
        let Ok(expr) = compiled(&text, &names) else { return Ok(()) };
        let mut scope = Scope::new(&names);
        let mut context = cel::Context::default();
        for (name, value) in entries {
            scope.set(names.find(name).unwrap().0, Value::from_json(value));
            context.add_variable_from_value(name.as_str(), to_cel(value));
        }
        let ours = expr.eval(&scope);
        let theirs = cel::Program::compile(&text).unwrap().execute(&context);
        match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => {
                if let Some(json) = from_cel(theirs) {
                    prop_assert!(ours.equals(&Value::from_json(&json)), "{}: {:?} {:?}", text, ours, theirs);
                }
            }
            (Err(_), Err(_)) => {}
            // The one deviation in what both can write: ints and doubles compute with each other.
            (Ok(_), Err(error)) if mixes_numbers(&format!("{error:?}")) => {}
            // Null is no key of a map; the oracle does not look.
            (Ok(_), Err(error)) if seeks_null_in_map(&format!("{error:?}")) => {}
            // The oracle adds a map's keys and values to a list; CEL has no such `+`.
            (Err(error), Ok(_)) if adds_map_to_list(&error.to_string()) => {}
            _ => prop_assert!(false, "{}: {:?} {:?}", text, ours, theirs),
        }
    }
}
