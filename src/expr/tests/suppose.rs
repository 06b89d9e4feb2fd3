//! What is claimed of conditions is so: against the evaluator, over generated schemas, signals that fit
//! them, and conditions; and, in a table, that what people get wrong is found.

use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::super::{Because, Expr, Names, Scope, Supposed, Type, Value};
use super::compiled;
use crate::diag::{Faults, Fragment};

/// What a field may be.
fn fields() -> Vec<Json> {
    vec![
        json!({}),
        json!({ "type": "string" }),
        json!({ "type": ["string", "null"] }),
        json!({ "enum": ["x", "y", "high"] }),
        json!({ "enum": [1, "x", null, true] }),
        json!({ "const": "x" }),
        json!({ "type": "boolean" }),
        json!({ "type": "number" }),
        json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        json!({ "type": ["number", "null"], "exclusiveMaximum": 1, "maximum": 2 }),
        json!({ "type": "integer", "minimum": 0, "exclusiveMinimum": 0 }),
        json!({ "anyOf": [{ "type": "string" }, { "const": 1 }] }),
        json!({ "type": "array", "items": { "enum": ["x", "y"] } }),
        json!({ "type": "object", "properties": { "k": { "enum": ["x", "y"] } }, "required": ["k"] }),
        json!({ "type": ["object", "null"], "properties": { "k": { "type": "number", "minimum": 1 } }, "additionalProperties": false }),
    ]
}

/// What a field is filled with, where it fits.
fn values() -> Vec<Json> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(2),
        json!(0.5),
        json!(-1),
        json!(9_007_199_254_740_993_i64),
        json!("x"),
        json!("y"),
        json!("high"),
        json!(["x"]),
        json!({}),
        json!({ "k": "x" }),
        json!({ "k": 2 }),
        json!({ "k": null }),
    ]
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// A schema of three fields, and signals that fit it.
fn schemas_and_signals() -> impl Strategy<Value = (Json, Vec<Json>)> {
    let field = (proptest::sample::select(fields()), any::<bool>());
    let filling = proptest::collection::vec(any::<u8>(), NAMES.len());
    (
        proptest::collection::vec(field, NAMES.len()),
        proptest::collection::vec(filling, 12),
        any::<bool>(),
    )
        .prop_map(|(fields, fillings, is_closed)| {
            let named = || NAMES.into_iter().zip(&fields);
            let properties: Map<String, Json> = named()
                .map(|(name, (field, _))| (name.to_owned(), field.clone()))
                .collect();
            let required: Vec<&str> = named()
                .filter(|(_, (_, always))| *always)
                .map(|(name, _)| name)
                .collect();
            let schema = json!({
                "type": "object", "properties": properties, "required": required,
                "additionalProperties": !is_closed,
            });
            let signals = fillings
                .iter()
                .map(|filling| {
                    let mut signal = Map::new();
                    for ((name, (field, always)), seed) in named().zip(filling) {
                        let fits = jsonschema::validator_for(field).unwrap();
                        let fitting: Vec<Json> = values()
                            .into_iter()
                            .filter(|value| fits.is_valid(value))
                            .collect();
                        if *always || seed % 3 != 0 {
                            let value = fitting[usize::from(*seed) % fitting.len()].clone();
                            signal.insert(name.to_owned(), value);
                        }
                    }
                    Json::Object(signal)
                })
                .collect();
            (schema, signals)
        })
}

fn conditions() -> impl Strategy<Value = String> {
    let about = proptest::sample::select(vec![
        "signal.a",
        "signal.?a",
        "signal.?b",
        "signal.b",
        "signal.?c",
        "signal.a.k",
        "signal.?a.k",
        "signal.?a.?k",
        "signal.?d",
        "body.a",
        "body.?b",
        "body.?a.k",
        "default(signal.?a, 0.5)",
        "default(signal.?b, \"x\")",
        "default(signal.?c, false)",
        "double(signal.?a)",
        "lower(signal.?b)",
        "named",
        "stated",
    ]);
    let constant = proptest::sample::select(vec![
        "0",
        "1",
        "0.5",
        "2",
        "-1",
        "\"x\"",
        "\"y\"",
        "\"z\"",
        "null",
        "true",
        "high",
        "medium",
        "9007199254740992",
    ]);
    let sign = proptest::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        6 => (about.clone(), sign.clone(), constant.clone())
            .prop_map(|(about, sign, constant)| format!("{about} {sign} {constant}")),
        1 => (constant.clone(), sign, about.clone())
            .prop_map(|(constant, sign, about)| format!("{constant} {sign} {about}")),
        2 => (about.clone(), constant.clone(), constant)
            .prop_map(|(about, one, two)| format!("{about} in [{one}, {two}]")),
        2 => about.prop_map(str::to_owned),
        2 => proptest::sample::select(vec![
            "has(signal.a)", "has(signal.b)", "has(signal.?a.k)", "has(body.c)", "has(body.a.k)",
            "true", "false", "signal.?a == signal.?b", "stated && signal.?c == 1",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let sign = proptest::sample::select(vec!["&&", "||"]);
        prop_oneof![
            4 => (inner.clone(), sign.clone(), inner.clone())
                .prop_map(|(a, sign, b)| format!("({a}) {sign} ({b})")),
            2 => (inner.clone(), sign, inner.clone(), inner.clone())
                .prop_map(|(a, sign, b, c)| format!("({a}) {sign} ({b}) {sign} ({c})")),
            1 => inner.clone().prop_map(|a| format!("!({a})")),
            1 => (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
        ]
    })
}

/// `signal` by its schema, `body` of which nothing is known, and two names under `let`.
fn names(schema: &Json) -> (Names, Vec<Expr>) {
    let mut names = Names::new()
        .with("signal", Type::from_schema(schema, "acme/seen"))
        .with("body", Type::Any);
    let mut lets = Vec::new();
    for (name, text) in [
        ("named", "signal.?b"),
        ("stated", "body.?a == \"x\" || has(signal.c)"),
    ] {
        let expr = compiled(text, &names).unwrap();
        names = names.with_let(name, &expr);
        lets.push(expr);
    }
    (names, lets)
}

fn outcome(expr: &Expr, names: &Names, lets: &[Expr], signal: &Json) -> Option<bool> {
    let mut scope = Scope::new(names);
    scope.set(0, Value::from_json(signal));
    scope.set(1, Value::from_json(signal));
    for (index, expr) in lets.iter().enumerate() {
        scope.set_lazy(index + 2, expr);
    }
    expr.holds(&scope).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_signal_contradicts_a_claim(
        (schema, signals) in schemas_and_signals(),
        texts in proptest::collection::vec(conditions(), 3),
    ) {
        let (names, lets) = names(&schema);
        let conditions: Vec<Expr> =
            texts.iter().filter_map(|text| compiled(text, &names).ok()).collect();
        let all = Supposed::nothing(&names);
        for first in &conditions {
            let (never, always, may_fail) =
                (all.never(first).is_some(), all.always(first), all.may_fail(first));
            for signal in &signals {
                let came = outcome(first, &names, &lets, signal);
                let said = format!("{} of {signal} under {schema}: {came:?}", first.source());
                prop_assert!(!never || came != Some(true), "never: {}", said);
                prop_assert!(!always || came == Some(true), "always: {}", said);
                prop_assert!(may_fail || came.is_some(), "sure: {}", said);
            }
            for second in &conditions {
                let both = all.when(first).when(second).is_impossible();
                let only = all.unless(first).when(second).is_impossible();
                let implied = all.when(first).always(second);
                for signal in &signals {
                    let came = outcome(first, &names, &lets, signal);
                    let then = outcome(second, &names, &lets, signal);
                    let said = format!(
                        "{} and {} of {signal} under {schema}: {came:?} {then:?}",
                        first.source(), second.source()
                    );
                    prop_assert!(!both || (came, then) != (Some(true), Some(true)), "both: {}", said);
                    prop_assert!(!only || (came, then) != (Some(false), Some(true)), "only: {}", said);
                    prop_assert!(!implied || came != Some(true) || then == Some(true), "implied: {}", said);
                }
            }
        }
    }
}

/// What the rows of the tables are about.
fn known() -> (Names, Vec<Expr>) {
    names(&json!({
        "type": "object", "additionalProperties": false, "required": ["a", "b", "score"],
        "properties": {
            "a": { "enum": ["FAIL", "SUCCESS", "SKIPPED"] },
            "b": { "type": ["string", "null"] },
            "c": { "type": "boolean" },
            "score": { "type": "number", "minimum": 0, "maximum": 1 },
            "count": { "type": "integer" },
            "note": { "type": "string" },
        }
    }))
}

#[test]
fn a_condition_is_never_true_always_true_or_neither() {
    let (names, _) = known();
    let all = Supposed::nothing(&names);
    let rows = [
        ("signal.score >= 0.9 && signal.score < 0.5", "never"),
        ("signal.score > 1", "never"),
        ("2 < signal.score", "never"),
        ("signal.a == \"FAIL\" && signal.a == \"SUCCESS\"", "never"),
        (
            "signal.a in [\"FAIL\"] && signal.a in [\"SUCCESS\", \"SKIPPED\"]",
            "never",
        ),
        ("signal.a == null", "never"),
        ("has(signal.note) && signal.?note == null", "never"),
        ("!has(signal.note) && signal.?note == \"x\"", "never"),
        (
            "signal.?count > 3 && default(signal.?count, 9) < 2",
            "never",
        ),
        ("!(signal.score >= 0)", "never"),
        ("named == null && named == \"x\"", "never"),
        ("named == \"x\" && signal.b == \"y\"", "never"),
        ("size(signal.a) > 4 && size(signal.a) <= 4", "never"),
        (
            "lower(signal.a) == \"x\" && lower(signal.a) == \"y\"",
            "never",
        ),
        ("signal.score < 0.5 ? signal.score > 0.7 : false", "never"),
        ("signal.score >= 0", "always"),
        ("signal.a in [\"FAIL\", \"SUCCESS\", \"SKIPPED\"]", "always"),
        ("has(signal.a)", "always"),
        ("signal.score < 0.5 || signal.score >= 0.5", "always"),
        ("signal.a == \"FAIL\" || signal.a != \"FAIL\"", "always"),
        ("!has(signal.note) || signal.note != null", "always"),
        (
            "signal.?c == null || signal.c == true || signal.c == false",
            "always",
        ),
        // An absent field, null, and what fails keep these from being sure.
        ("signal.?count < 5 || signal.?count >= 5", "neither"),
        ("signal.?note != \"x\"", "neither"),
        ("signal.?c", "neither"),
        ("has(signal.note)", "neither"),
        ("signal.b != null", "neither"),
        ("body.score >= 0.9 || body.score < 0.9", "neither"),
        ("double(signal.a) < 1 || double(signal.a) >= 1", "neither"),
        ("signal.score >= 0.9 || signal.score < 0.5", "neither"),
        ("signal.a >= \"FAIL\" && signal.a < \"FAIL\"", "neither"),
        ("body.x == \"x\" && body.y == \"y\"", "neither"),
    ];
    for (text, wanted) in rows {
        let expr = compiled(text, &names).unwrap();
        let found = match (all.never(&expr).is_some(), all.always(&expr)) {
            (true, _) => "never",
            (_, true) => "always",
            _ => "neither",
        };
        assert_eq!(found, wanted, "{text}");
    }
}

#[test]
fn what_others_decided_is_counted_in() {
    let (names, _) = known();
    let all = Supposed::nothing(&names);
    let of = |text: &str| compiled(text, &names).unwrap();
    let wide = of("signal.score >= 0.8");
    let narrow = of("signal.score >= 0.9");
    assert!(all.unless(&wide).never(&narrow).is_some());
    assert!(all.unless(&narrow).never(&wide).is_none());
    assert_eq!(
        all.when(&of("signal.score < 0.5"))
            .never(&narrow)
            .unwrap()
            .because,
        Because::Together
    );
    let present = all.when(&of("has(signal.note)"));
    assert!(all.absent(&of("signal.?note"), false).is_some());
    assert!(present.absent(&of("signal.?note"), false).is_none());
    assert!(
        all.absent(&of("default(signal.?note, \"x\")"), false)
            .is_none()
    );
    assert!(all.absent(&of("signal.b"), false).is_none());
    assert!(all.absent(&of("signal.b"), true).is_some());
    assert!(all.absent(&of("named"), true).is_some());
}

#[test]
fn two_conditions_surely_meet_only_where_all_of_both_is_understood() {
    let (names, _) = known();
    let all = Supposed::nothing(&names);
    let meet = |one: &str, two: &str| {
        let [one, two] = [one, two].map(|text| all.when(&compiled(text, &names).unwrap()));
        one.surely_meets(&two)
    };
    assert!(meet("signal.score > 0.5", "signal.a == \"FAIL\""));
    assert!(meet(
        "signal.score > 0.5 || signal.a == \"SKIPPED\"",
        "signal.score < 0.2"
    ));
    assert!(!meet("signal.score > 0.5", "signal.score < 0.5"));
    assert!(!meet("signal.score > 0.5", "lower(signal.a) == \"fail\""));
    assert!(!meet("signal.score > 0.5", "body.x == 1"));
}

#[test]
fn claims_about_long_conditions_end_soon() {
    let (names, _) = known();
    let nested = (0..28).fold("signal.?c".to_owned(), |text, at| {
        let sign = if at % 2 == 0 { "&&" } else { "||" };
        format!("(!({text}) {sign} body.x{at} == {at})")
    });
    let many: Vec<String> = (0..200).map(|at| format!("body.x{at} == {at}")).collect();
    for text in [nested.as_str(), &many.join(" || "), &many.join(" && ")] {
        let Ok(expr) = compiled(text, &names) else {
            continue;
        };
        let all = Supposed::nothing(&names);
        assert!(all.never(&expr).is_none() && all.may_fail(&expr), "{text}");
    }
}

#[test]
fn what_is_told_names_the_part_and_what_to_write() {
    let (names, _) = known();
    let mut said = String::new();
    for text in [
        "signal.score >= 0.9 && signal.score < 0.5",
        "signal.b == \"x\" && signal.score > 1",
        "signal.b == \"x\" || signal.score > 1",
        "signal.score > 0.9 && (signal.b == \"x\" || signal.score < 0.2)",
        "signal.a == null",
        "!has(signal.a)",
        "1 == 2",
        "false && signal.score > 0.5",
        "signal.a == \"FAIL\" && signal.score > 0.5 && signal.a == \"SKIPPED\"",
        "signal.a == \"FAILED\"",
        "signal.a in [\"FAIL\", \"success\"]",
        "signal.a in [\"FAIL\", 3]",
        "signal.c == \"true\"",
    ] {
        let mut faults = Faults::new();
        let _ = Expr::condition(&Fragment::whole("x", text), &names, &mut faults);
        let _ = writeln!(said, "{text}");
        for fault in faults.into_sorted() {
            let span = fault.place.span;
            let _ = writeln!(
                said,
                "    {} {} | {} | {} | {}",
                fault.code,
                &text[span.start..span.end],
                fault.message,
                fault.label,
                fault.help.unwrap_or_default()
            );
        }
    }
    insta::assert_snapshot!(said, @r###"
    signal.score >= 0.9 && signal.score < 0.5
        AND0307 signal.score < 0.5 | this is never true where `signal.score >= 0.9` is |  | write `signal.score >= 0.9 || signal.score < 0.5` if one of them is enough, or mend the one that is wrong
    signal.b == "x" && signal.score > 1
        AND0307 signal.score > 1 | this is never true: `signal.score` is a number that is at least 0 and at most 1 |  | compare `signal.score` with a number that is at least 0 and at most 1, or take this out
    signal.b == "x" || signal.score > 1
        AND0307 signal.score > 1 | this is never true: `signal.score` is a number that is at least 0 and at most 1 |  | compare `signal.score` with a number that is at least 0 and at most 1, or take this out
    signal.score > 0.9 && (signal.b == "x" || signal.score < 0.2)
        AND0307 signal.score < 0.2 | this is never true together with the rest of the condition |  | write `||` where one of them is enough, or take out what excludes it
    signal.a == null
        AND0307 signal.a == null | this is never true: `signal.a` is "FAIL", "SKIPPED" or "SUCCESS" |  | compare `signal.a` with "FAIL", "SKIPPED" or "SUCCESS", or take this out
    !has(signal.a)
        AND0307 !has(signal.a) | this is never true: `signal.a` is "FAIL", "SKIPPED" or "SUCCESS" |  | compare `signal.a` with "FAIL", "SKIPPED" or "SUCCESS", or take this out
    1 == 2
        AND0307 1 == 2 | this is never true, whatever arrives |  | write `false` if that is meant
    false && signal.score > 0.5
    signal.a == "FAIL" && signal.score > 0.5 && signal.a == "SKIPPED"
        AND0307 signal.a == "SKIPPED" | this is never true where `signal.a == "FAIL"` is |  | write `signal.a == "FAIL" || signal.a == "SKIPPED"` if one of them is enough, or mend the one that is wrong
    signal.a == "FAILED"
        AND0306 "FAILED" | `signal.a` is never "FAILED" | did you mean "FAIL"? | write "FAIL"
    signal.a in ["FAIL", "success"]
        AND0306 "success" | `signal.a` is never "success" | did you mean "SUCCESS"? | write "SUCCESS"
    signal.a in ["FAIL", 3]
        AND0205 3 | `in` compares a text with a number, which are never the same |  | put both in quotes or neither, or write `int(…)` or `double(…)` around a text that holds a number
    signal.c == "true"
        AND0205 signal.c == "true" | `==` compares a truth value with a text, which are never the same |  | write `true` or `false`, without quotes
        AND0204 .c | `signal.c` may be absent: the schema does not require it | may be absent | write `signal.?c`, or put `has(signal.c) &&` before it
    "###);
}
