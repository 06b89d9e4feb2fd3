use std::cell::Cell;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

thread_local! {
    /// What look-ups cost so far: the keys and items that were looked at.
    pub(super) static STEPS: Cell<usize> = const { Cell::new(0) };
}

const DEEPEST: usize = 64;
const MOST: usize = 2_000_000;

fn read(text: &str) -> Option<Document> {
    Document::read(text, DEEPEST, MOST)
}

/// Numbers, exactly: -0 is not 0 here, nor 1 the same as 1.0.
fn exact(json: &Json) -> String {
    format!("{json:?} {json}")
}

#[test]
fn a_document_is_read_as_serde_json_reads_it() {
    for text in [
        "null",
        " true ",
        "[]",
        "{}",
        "[{},[],[[]],{\"a\":{}}]",
        "{\"a\":1,\"b\":[1,2,{\"c\":null}],\"d\":\"x\"}",
        "\"\"",
        "\"gr\u{fc}n \\u00e4 \\ud83d\\ude00 \\n\\\"\\\\\"",
        "{\"k\\u0065y\":1,\"\":2}",
        "[0,-1,1,12345678901234,123456789012345,1234567890123456,9223372036854775807,9223372036854775808]",
        "[-9223372036854775808,-9223372036854775809,18446744073709551615,18446744073709551616]",
        "[-0,0.0,-0.0,0.1,-0.1,0.000001,51234.5,1e3,1E-3,1.5e+2,9007199254740993,0.30000000000000004]",
        "[123456789.012345,0.123456789012345,1.234567890123456789,1e308,5e-324,1e-400]",
        "\t[\r\n1 ,\n2 ]\n",
        "\"\u{7f}\u{2028}\"",
    ] {
        let tree: Json = serde_json::from_str(text).unwrap();
        let document = read(text).unwrap_or_else(|| panic!("{text} is not read"));
        assert_eq!(exact(&document.to_json()), exact(&tree), "{text}");
        assert_eq!(document.to_string(), tree.to_string(), "{text}");
    }
}

#[test]
fn what_is_no_json_is_not_read() {
    for text in [
        "",
        " ",
        "nul",
        "nulll",
        "tru",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "{]",
        "{a:1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{1:2}",
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\n\"",
        "\"\0\"",
        "01",
        "-01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1.e1",
        "0x1",
        "1-2",
        "--1",
        "1.2.3",
        "NaN",
        "Infinity",
        "1e400",
        "-1e400",
        "1 1",
        "[1]]",
        "\u{feff}1",
        "\u{a0}1",
        "'a'",
        "/**/1",
    ] {
        assert!(serde_json::from_str::<Json>(text).is_err(), "{text}");
        assert!(read(text).is_none(), "{text}");
    }
}

#[test]
fn what_has_a_key_twice_is_left_to_serde_json() {
    assert!(read(r#"{"a":1,"b":2,"a":3}"#).is_none());
    assert!(read(r#"{"a":1,"\u0061":3}"#).is_none());
    assert!(read(r#"[{"a":1},{"a":2}]"#).is_some());
    let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
    assert!(read(&format!("{{{}}}", many.join(","))).is_some());
    assert!(read(&format!("{{{},\"k7\":1}}", many.join(","))).is_none());
    assert!(read(&format!("{{{},\"k99\":1}}", many.join(","))).is_none());
}

#[test]
fn depth_and_number_of_values_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&nested(DEEPEST)).is_some());
    assert!(read(&nested(DEEPEST + 1)).is_none());
    assert!(Document::read("[1,2,3]", DEEPEST, 3).is_some());
    assert!(Document::read("[1,2,3]", DEEPEST, 2).is_none());
    assert!(Document::read("{\"a\":[],\"b\":{}}", DEEPEST, 4).is_some());
    assert!(Document::read("{\"a\":[],\"b\":{}}", DEEPEST, 3).is_none());
}

#[test]
fn own_fields_take_the_place_of_what_is_there() {
    let wide: Map<String, Json> = (0..60).map(|n| (format!("k{n}"), json!(n))).collect();
    for before in [
        json!({}),
        json!({ "value": [1, 2] }),
        json!({ "at": "x", "value": 1, "id": 7 }),
        json!({ "id": { "a": 1 }, "b": 2 }),
        Json::Object(wide),
        json!([1]),
        json!("at"),
        Json::Null,
    ] {
        let mut tree = before.clone();
        if let Json::Object(map) = &mut tree {
            map.insert("at".to_owned(), json!("now"));
            map.insert("id".to_owned(), json!("gr\u{fc}n"));
        }
        for document in [Document::from(&before), read(&before.to_string()).unwrap()] {
            let with = document.with(&[("at", "now"), ("id", "gr\u{fc}n")]);
            assert_eq!(with.to_json(), tree);
            assert_eq!(with.to_string(), tree.to_string());
            for (key, value) in tree.as_object().unwrap_or(&Map::new()) {
                assert_eq!(with.root().get(key).unwrap().to_json(), *value);
            }
        }
    }
}

/// Whoever looks up each key and each item of a hostile body pays for a few comparisons each.
#[test]
fn looking_into_a_wide_document_takes_no_quadratic_time() {
    const MANY: usize = 20_000;
    let keys: Vec<String> = (0..MANY).map(|n| format!("\"key{n:05}\":[{n}]")).collect();
    let items: Vec<String> = (0..MANY).map(|n| format!("{{\"n\":{n}}}")).collect();
    let text = format!(
        "{{\"map\":{{{}}},\"list\":[{}]}}",
        keys.join(","),
        items.join(",")
    );
    let tree: Json = serde_json::from_str(&text).unwrap();
    for document in [read(&text).unwrap(), Document::from(&tree)] {
        let (map, list) = ("map", "list");
        let map = document.root().get(map).unwrap();
        let list = document.root().get(list).unwrap();
        STEPS.set(0);
        for n in 0..MANY {
            let key = map.key_at(n).unwrap();
            assert_eq!(map.get(key).unwrap().to_json(), json!([n]));
            assert_eq!(list.item(n).unwrap().to_json(), json!({ "n": n }));
        }
        assert!(map.get("key").is_none() && list.item(MANY).is_none());
        assert!(STEPS.get() < MANY * 20, "{} steps", STEPS.get());
    }
}

#[test]
fn a_part_of_a_document_is_one_of_its_own() {
    let tree =
        json!({ "a": { "text": "gr\u{fc}n \"x\"", "list": [1, [2.5, null], true] }, "b": 1 });
    let document = read(&tree.to_string()).unwrap();
    for (key, value) in tree.as_object().unwrap() {
        let part = Document::from(document.root().get(key).unwrap());
        assert_eq!(part.to_json(), *value);
    }
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        (-1000_i32..1000).prop_map(|n| json!(f64::from(n) / 100.0)),
        ".*".prop_map(Json::from),
        "[a-c\"\\\\\u{0}]{0,3}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 200, 45, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..45).prop_map(Json::from),
            proptest::collection::vec(("[a-z]{0,2}|.*", inner), 0..45)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_document_says_what_its_tree_says(json in any_json(), pretty in any::<bool>()) {
        let text = if pretty { format!("{json:#}") } else { json.to_string() };
        let tree: Json = serde_json::from_str(&text).unwrap();
        let document = read(&text).expect("it has no key twice and is not deep");
        prop_assert_eq!(exact(&document.to_json()), exact(&tree));
        prop_assert_eq!(document.to_string(), tree.to_string());
        prop_assert_eq!(Document::from(&tree).to_string(), tree.to_string());
    }

    /// Bits of JSON in any order are mostly none, and seldom by far.
    #[test]
    fn what_is_read_is_what_serde_json_reads(
        bits in proptest::collection::vec(
            "[0-9]{1,20}|[-+.eE0-9]{1,6}|[\\[\\]{},:]|\"[a-z]?\":|\"(\\\\?.){0,9}\"|\"\\\\u[0-9a-fA-F]{4}\"|true|false|null| |\n",
            0..12,
        ),
    ) {
        let text = bits.concat();
        let tree = serde_json::from_str::<Json>(&text).ok();
        if let Some(document) = read(&text) {
            let tree = tree.map(|tree| exact(&tree));
            prop_assert_eq!(Some(exact(&document.to_json())), tree);
        }
    }
}
