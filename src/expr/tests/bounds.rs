//! Whatever the text and whatever the data, it ends soon and nothing panics.

use proptest::prelude::*;
use serde_json::json;

use super::super::{Names, Outcome, Scope, Type, Value};
use super::{compiled, faults, shown};

/// Runs on the smallest stack that any thread of the daemon has.
fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn nothing_nested_exhausts_the_stack() {
    on_a_small_stack(|| {
        for (open, middle, close) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("!", "true", ""),
            ("-", "body", ""),
            ("{\"a\": ", "1", "}"),
            ("size(", "body", ")"),
            ("true ? ", "1", " : 2"),
            ("body[", "1", "]"),
            ("", "body", ".x"),
            ("body.all(x, ", "true", ")"),
            ("1 + ", "1", ""),
            ("true && (false || ", "true", ")"),
            ("", "body", ".lower()"),
            ("(body > 1 && 1 + 2 * -", "body", ")"),
        ] {
            for times in [1, 8, 31, 32, 33, 40, 100, 400, 2000] {
                let text = format!("{}{middle}{}", open.repeat(times), close.repeat(times));
                let names = faults::names();
                if let Ok(expr) = compiled(&text, &names) {
                    let mut scope = Scope::new(&names);
                    let data = json!([1, 2]);
                    scope.set(2, Value::from_json(&data));
                    let _ = expr.eval(&scope);
                    let _ = expr.trace(&scope);
                }
            }
        }
    });
}

#[test]
fn three_nested_macros_over_a_long_list_run_out_of_budget() {
    let list: Vec<u32> = (0..300).collect();
    let text = "l.all(x, l.all(y, l.all(z, x + y + z >= 0)))";
    assert_eq!(
        shown(text, &json!({ "l": list })),
        "! this takes more than the 100000 steps an expression may take"
    );
}

#[test]
fn a_budget_is_for_one_evaluation() {
    let names = Names::new().with("l", Type::Any);
    let expr = compiled("l.exists(x, x == 9)", &names).unwrap();
    let data = json!([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let mut scope = Scope::new(&names).with_budget(60);
    scope.set(0, Value::from_json(&data));
    for _ in 0..5 {
        assert!(expr.holds(&scope).unwrap());
    }
    let mut scope = Scope::new(&names).with_budget(10);
    scope.set(0, Value::from_json(&data));
    assert!(expr.holds(&scope).unwrap_err().is_budget());
}

#[test]
fn a_let_is_computed_once_and_fails_by_name() {
    let names = Names::new().with("n", Type::Any).with("twice", Type::Any);
    let twice = compiled("n * 2", &Names::new().with("n", Type::Any)).unwrap();
    let used = compiled("twice + twice", &names).unwrap();
    let mut scope = Scope::new(&names);
    scope.set(0, Value::Int(4));
    scope.set_lazy(1, &twice);
    assert!(used.eval(&scope).unwrap().equals(&Value::Int(16)));
    let mut scope = Scope::new(&names);
    scope.set(0, Value::Null);
    scope.set_lazy(1, &twice);
    assert_eq!(
        used.eval(&scope).unwrap_err().to_string(),
        "`twice` has no value: `*` cannot take null on its left and a number on its right (`2`)"
    );
}

#[test]
fn names_under_let_that_use_each_other_do_not_exhaust_the_stack() {
    on_a_small_stack(|| {
        let nested = format!("{}v{}", "(1 + ".repeat(30), ")".repeat(30));
        let mut names = Names::new().with("v0", Type::Any);
        let mut lets = Vec::new();
        for index in 0..40 {
            let text = nested.replace('v', &format!("v{index}"));
            lets.push(compiled(&text, &names).unwrap());
            names = names.with(&format!("v{}", index + 1), Type::Any);
        }
        let last = compiled("v40", &names).unwrap();
        let mut scope = Scope::new(&names);
        scope.set(0, Value::Int(0));
        for (index, expr) in lets.iter().enumerate() {
            scope.set_lazy(index + 1, expr);
        }
        let error = last.eval(&scope).unwrap_err();
        assert!(error.to_string().contains("too deep"), "{error}");
    });
}

#[test]
fn a_trace_says_what_each_part_gave_and_what_was_not_needed() {
    let names = Names::new().with("n", Type::Any);
    let expr = compiled("n > 5 && n < 9", &names).unwrap();
    let mut scope = Scope::new(&names);
    scope.set(0, Value::Int(3));
    let trace = expr.trace(&scope);
    assert_eq!(trace.outcome, Outcome::Value(false.into()));
    assert_eq!(trace.parts[0].text, "n > 5");
    assert_eq!(trace.parts[0].parts[0].outcome, Outcome::Value(3.into()));
    assert_eq!(trace.parts[1].outcome, Outcome::NotNeeded);
}

#[test]
fn a_part_is_traced_as_it_is_written_with_the_parentheses_at_its_ends() {
    let names = Names::new().with("n", Type::Any);
    for (text, parts) in [
        ("!(n > 5)", &["n > 5"][..]),
        ("!(!(n > 5))", &["!(n > 5)"]),
        ("(n > 5) || (n < 1)", &["n > 5", "n < 1"]),
        (
            "(n + 1) * (n + 2) > (3 + n)",
            &["(n + 1) * (n + 2)", "3 + n"],
        ),
        ("(n > 5) ? (n + 1) : (n)", &["n > 5", "n + 1", "n"]),
        ("-(n + 1) in [(n)]", &["-(n + 1)", "[(n)]"]),
        ("(n.a).b == string((n))", &["(n.a).b", "string((n))"]),
    ] {
        let expr = compiled(text, &names).unwrap();
        let mut scope = Scope::new(&names);
        scope.set(0, Value::Int(3));
        let trace = expr.trace(&scope);
        let found: Vec<&str> = trace.parts.iter().map(|part| part.text.as_str()).collect();
        assert_eq!((trace.text.as_str(), found.as_slice()), (text, parts));
    }
}

proptest! {
    #[test]
    fn any_text_compiles_or_is_faulted(text in "\\PC{0,60}") {
        let _ = compiled(&text, &faults::names());
    }

    #[test]
    fn any_run_of_tokens_compiles_or_is_faulted_and_runs(
        tokens in proptest::collection::vec(proptest::sample::select(vec![
            "signal", "body", ".", ".?", "x", "(", ")", "[", "]", "{", "}", ",", ":", "?", "!", "&&", "||",
            "==", "<", "in", "+", "-", "*", "/", "%", "1", "2.5", "\"a\"", "null", "true", "high", "size(",
            ".exists(x, ", ".map(x,", "has(", "default(", "=", "duration(\"1s\")", "timestamp(", "json(", "min(",
        ]), 0..24)
    ) {
        let names = faults::names();
        if let Ok(expr) = compiled(&tokens.join(" "), &names) {
            let mut scope = Scope::new(&names);
            let data = json!({"x": [1, "a", null, {"x": 2.5}]});
            scope.set(0, Value::from_json(&data));
            scope.set(2, Value::from_json(&data));
            let _ = expr.eval(&scope);
            let _ = expr.trace(&scope);
        }
    }
}
