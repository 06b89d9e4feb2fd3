use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[derive(Serialize)]
struct Everything<'a> {
    unit: (),
    absent: Option<u8>,
    there: Option<&'a str>,
    tuple: (i8, u16, f32, char),
    empty: Empty,
    one: One,
    two: Two,
    kinds: Vec<Kind<'a>>,
    nested: BTreeMap<String, Vec<BTreeMap<i32, bool>>>,
    truths: BTreeMap<bool, [u8; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<u8>,
    time: jiff::Timestamp,
}

#[derive(Serialize)]
struct Empty;

#[derive(Serialize)]
struct One(f64);

#[derive(Serialize)]
struct Two(i64, u64);

#[derive(Serialize)]
enum Kind<'a> {
    Plain,
    New(&'a str),
    Pair(bool, Option<()>),
    Named { a: u32, b: i16 },
}

fn same(value: &(impl Serialize + ?Sized)) {
    assert_eq!(
        to_string(value).unwrap(),
        serde_json::to_string(value).unwrap()
    );
}

#[test]
fn all_that_can_be_written_is_written_as_serde_json_writes_it() {
    let nested = [
        (String::new(), vec![]),
        (
            "k\"".to_owned(),
            vec![BTreeMap::new(), BTreeMap::from([(-3, true), (7, false)])],
        ),
    ];
    same(&Everything {
        unit: (),
        absent: None,
        there: Some("gr\u{fc}n"),
        tuple: (-128, 65_535, 0.1, '\u{8}'),
        empty: Empty,
        one: One(-0.0),
        two: Two(i64::MIN, u64::MAX),
        kinds: vec![
            Kind::Plain,
            Kind::New("\\"),
            Kind::Pair(true, None),
            Kind::Named { a: 0, b: -1 },
        ],
        nested: BTreeMap::from(nested),
        truths: BTreeMap::from([(true, [1, 2]), (false, [0, 255])]),
        skipped: None,
        time: "2026-11-23T07:59:59.123456789Z".parse().unwrap(),
    });
    for number in [0.0, 1.0, 1e300, 5e-324, 0.1 + 0.2, f64::NAN, f64::INFINITY] {
        same(&number);
    }
    same(&json!([]));
    same(&json!({}));
}

#[test]
fn every_character_that_needs_an_escape_gets_that_of_serde_json() {
    for before in 0..17 {
        for after in 0..9 {
            for byte in 0..=0x82_u8 {
                let (before, after) = ("x".repeat(before), "y".repeat(after));
                same(&format!("{before}{}{after}", char::from(byte)));
            }
        }
    }
}

#[test]
fn what_is_shown_with_an_escape_is_escaped() {
    struct Shown(&'static str);
    impl Serialize for Shown {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.collect_str(self.0)
        }
    }
    same(&[Shown("plain"), Shown("a \"b\"\n"), Shown("")]);
}

#[test]
fn a_list_is_no_key() {
    let odd = BTreeMap::from([(vec![1], 2)]);
    assert!(to_string(&odd).is_err() && serde_json::to_string(&odd).is_err());
}

proptest! {
    #[test]
    fn any_text_is_written_as_serde_json_writes_it(text in ".*", odd in "[a\"\\\\\u{0}-\u{1f}]{0,40}") {
        same(&text);
        same(&odd);
        let value: Value = json!({ &text: [&odd], &odd: { "a": text } });
        same(&value);
    }
}
