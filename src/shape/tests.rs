//! Forms, absence, secrets and paths, as tables; and that a hostile text stays one leaf.

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::{Absent, Path, Reading, Rendered, Shape, Templates};
use crate::diag::{Faults, Source};
use crate::expr::{Names, Scope, Type, Value};
use crate::yaml;

fn names() -> Names {
    Names::new()
        .with("x", Type::Any)
        .with("item", Type::Any)
        .with("status", Type::Any)
        .hiding(&["status"])
}

/// Reads `v:` of a file; `Err` with the codes of its faults.
fn read(text: &str) -> Result<Shape, Vec<&'static str>> {
    let source = Source::new("v.yaml", text);
    let mut faults = Faults::new();
    let names = names();
    let secrets = ["token".to_owned()];
    let none = Templates::new();
    let reading = Reading {
        names: &names,
        secrets: &secrets,
        templates: Some(&none),
    };
    let node = yaml::parse(&source, &mut faults);
    let shape = node
        .as_ref()
        .and_then(|node| node.get("v"))
        .and_then(|node| reading.value_or_cases(node, &mut faults));
    let codes: Vec<&str> = faults
        .into_sorted()
        .iter()
        .map(|fault| fault.code.0)
        .collect();
    if codes.is_empty() {
        shape.ok_or_else(|| vec!["nothing"])
    } else {
        Err(codes)
    }
}

fn rendered(text: &str, x: &Json, absent: Absent) -> Result<Option<Rendered>, String> {
    let shape = read(text).map_err(|codes| codes.join(" "))?;
    let names = names();
    let mut scope = Scope::new(&names);
    scope.set(0, Value::from_json(x));
    shape
        .render(&scope, &Map::new(), absent)
        .map_err(|error| error.to_string())
}

fn value(text: &str, x: &Json) -> Json {
    rendered(text, x, Absent::Fault)
        .expect(text)
        .expect(text)
        .value
}

#[test]
fn each_form_gives_this() {
    let x = json!({ "a": 1, "list": [1, 2], "name": "b", "at": "2026-11-23T08:00:00Z" });
    for (text, wanted) in [
        ("v: plain", json!("plain")),
        ("v: 1.10", json!(1.10)),
        ("v: \"==x\"", json!("=x")),
        ("v: =x.a", json!(1)),
        ("v: { a: =x.a, b: two }", json!({ "a": 1, "b": "two" })),
        ("v: [=x.a, two]", json!([1, "two"])),
        (
            "v: { pick: =x.name, from: { a: first, b: second } }",
            json!("second"),
        ),
        (
            "v: { pick: =x.a, from: { z: first, otherwise: other } }",
            json!("other"),
        ),
        (
            "v: { each: =x.list, give: { k: =item } }",
            json!([{ "k": 1 }, { "k": 2 }]),
        ),
        ("v: { json: { a: =x.a } }", json!("{\"a\":1}")),
        (
            "v: { time: =timestamp(x.at), as: \"%Y-%m-%d\" }",
            json!("2026-11-23"),
        ),
        ("v: { one: 1, other: 2 }", json!({ "one": 1, "other": 2 })),
        (
            "v:\n  - when: x.a == 2\n    give: two\n  - when: otherwise\n    give: other",
            json!("other"),
        ),
    ] {
        assert_eq!(value(text, &x), wanted, "{text}");
    }
}

#[test]
fn lines_are_newline_delimited_json() {
    let x = json!({ "a": "1\n2" });
    let out = rendered("v: { lines: [{ a: =x.a }, { b: 2 }] }", &x, Absent::Fault)
        .expect("rendered")
        .expect("there");
    assert_eq!(out.lines.as_deref(), Some("{\"a\":\"1\\n2\"}\n{\"b\":2}\n"));
}

#[test]
fn what_is_absent_is_left_out_or_a_fault_and_null_stays() {
    let x = json!({ "null": null, "a": 1 });
    let text = "v: { a: =x.a, b: \"=x.?b\", k: =x.null }";
    let out = rendered(text, &x, Absent::LeftOut)
        .expect("rendered")
        .expect("there");
    assert_eq!(out.value, json!({ "a": 1, "k": null }));
    assert_eq!(out.left_out, ["b"]);
    assert!(rendered(text, &x, Absent::Fault).is_err());
    let optional = "v: { a: =x.a, \"b?\": \"=x.?b\" }";
    assert_eq!(value(optional, &x), json!({ "a": 1 }));
    assert_eq!(
        rendered("v: \"=x.?b\"", &x, Absent::LeftOut).expect("rendered"),
        None
    );
}

#[test]
fn a_secret_is_a_place_and_never_a_value() {
    let text = "v: { a: { \"b/c\": [1, { secret: token }] } }";
    let out = rendered(text, &json!({}), Absent::Fault)
        .expect("rendered")
        .expect("there");
    assert_eq!(out.value, json!({ "a": { "b/c": [1, null] } }));
    assert_eq!(out.secrets.len(), 1);
    assert_eq!(out.secrets[0].pointer, "/a/b~1c/1");
    assert_eq!(&*out.secrets[0].name, "token");
    assert_eq!(
        out.value.pointer(&out.secrets[0].pointer),
        Some(&Json::Null)
    );
}

#[test]
fn what_is_no_form_says_which_fault_it_is() {
    for (text, code) in [
        ("v: { secret: tokn }", "AND0801"),
        ("v: { pick: 1, other: 2 }", "AND0805"),
        ("v: { text: a/b }", "AND0802"),
        ("v: { text: { a: 1 } }", "AND0803"),
        ("v: =y", "AND0202"),
        ("v: \"=x.\"", "AND0201"),
    ] {
        assert_eq!(read(text).expect_err(text), [code], "{text}");
    }
}

fn path(text: &str) -> Option<Path> {
    let source = Source::new("v.yaml", format!("v: \"{text}\""));
    let mut faults = Faults::new();
    let node = yaml::parse(&source, &mut faults)?;
    let path = Path::parse(node.get("v")?, None, &names(), &[], &mut faults);
    path.filter(|_| !faults.has_errors())
}

fn at(path: &Path, x: &Json) -> Result<String, String> {
    let names = names();
    let mut scope = Scope::new(&names);
    scope.set(0, Value::from_json(x));
    path.render(&scope).map_err(|error| error.to_string())
}

#[test]
fn a_path_takes_segments_and_nothing_else() {
    let one = path("/models/{x}/stop").expect("a path");
    for (x, wanted) in [
        (json!("a b"), Some("/models/a%20b/stop")),
        (json!("a/b"), Some("/models/a%2Fb/stop")),
        (json!("../b"), Some("/models/..%2Fb/stop")),
        (json!(7), Some("/models/7/stop")),
        (json!(""), None),
        (json!("."), None),
        (json!(".."), None),
        (json!(null), None),
        (json!({ "a": 1 }), None),
    ] {
        assert_eq!(at(&one, &x).ok().as_deref(), wanted, "{x}");
    }
    for text in [
        "models",
        "/a?b=c",
        "/a#b",
        "/a/../b",
        "/{x",
        "/{y}",
        "https://a/b",
    ] {
        assert!(path(text).is_none(), "{text}");
    }
}

proptest! {
    /// Door 4: whatever a segment holds, it stays one segment of the same path.
    #[test]
    fn one_segment_stays_one_segment(text in any::<String>()) {
        let one = path("/models/{x}/stop").expect("a path");
        if let Ok(out) = at(&one, &Json::from(text.as_str())) {
            let url = url::Url::parse(&format!("https://h.example.com/base{out}")).expect("a URL");
            let segments: Vec<&str> = url.path_segments().expect("segments").collect();
            prop_assert_eq!(segments.len(), 4, "{}", out);
            prop_assert_eq!(segments[3], "stop");
            prop_assert_eq!(url.host_str(), Some("h.example.com"));
            prop_assert!(url.query().is_none() && url.fragment().is_none());
            let back = percent_encoding::percent_decode_str(segments[2]).decode_utf8().expect("text");
            prop_assert_eq!(back, text.as_str());
        } else {
            prop_assert!(text.is_empty() || text == "." || text == ".." || text.chars().any(char::is_control));
        }
    }

    /// Doors 1 and 3: a text that looks like code or like a file is one leaf of the value.
    #[test]
    fn a_hostile_text_is_one_leaf(text in any::<String>()) {
        let x = json!({ "t": text });
        let out = value("v: { a: =x.t, b: [=x.t], c: { json: { d: =x.t } } }", &x);
        let written = out.to_string();
        let back: Json = serde_json::from_str(&written).expect("JSON");
        prop_assert_eq!(&back["a"], &x["t"]);
        prop_assert_eq!(&back["b"], &json!([text.as_str()]));
        let inner: Json = serde_json::from_str(back["c"].as_str().expect("text")).expect("JSON");
        prop_assert_eq!(inner, json!({ "d": text }));
    }
}
