//! Judging, as tables: severity, keys, what is absent, what is stuck; and hostile texts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::{Judgement, Known, Mapping, Proposal, Stuck, clean, parse};
use crate::alert::Severity;
use crate::connector::{self, Connector};
use crate::diag::{Faults, Format, Source, render};
use crate::id::Id;
use crate::kind::Kind;
use crate::shape::Templates;
use crate::signal::{Signal, SignalName};
use crate::untrusted::{self, Untrusted};

const CONNECTOR: &str = r#"
andon: connector/v1
name: acme
about: Acme.
settings:
  url: { is: url }
  token: { is: secret }
auth: { bearer: token }
webhook: { accepts: [{ bearer: token }] }
signals:
  seen:
    schema: s.json
    webhook: { only_if: size(body) > 0 }
    data: =body
  gone:
    schema: s.json
    webhook: { only_if: size(body) > 0 }
    data: =body
actions:
  stop:
    about: Stops a model.
    risk: high
    takes: { model: { is: text }, why: { is: text } }
    before: [{ get: "/m/{model}", keep: { state_before: =body.state } }]
    do: [{ post: "/m/{model}/stop" }]
    prove: { state: { get: "/m/{model}", until: body.state == "off", within: 30s } }
    limits: { reversible: false }
"#;

const SCHEMA: &str = r#"{ "type": "object", "properties": {
    "name": { "type": "string" }, "value": { "type": "number" }, "note": { "type": "string" }, "any": {} },
    "required": ["name", "value", "any"] }"#;

const MAPPING: &str = r#"
andon: mapping/v1
name: m
about: A mapping.
status: draft
from: acme/seen
let:
  double: =signal.value * 2
when: signal.value > 0
alert:
  kind: mine
  title: "{{name}} is at {{value}}"
  severity:
    - critical: double > 100
    - high: double > 10
    - low: otherwise
  model: { name: =signal.name, note: "=signal.?note" }
  same_as: [=signal.name]
  measured: { value: =signal.value }
  fields: { name: =signal.name, value: =signal.value, note: "=signal.?note" }
resolve:
  - when: otherwise
contain:
  - action: acme/stop
    with: { model: =signal.name, why: "=signal.?note" }
"#;

fn connectors() -> BTreeMap<String, Arc<Connector>> {
    let files = BTreeMap::from([("s.json".to_owned(), Arc::from(SCHEMA.as_bytes()))]);
    let mut faults = Faults::new();
    let source = Source::new("connector.yaml", CONNECTOR);
    let read = connector::parse(&source, "acme", &files, &Templates::new(), &mut faults);
    let said = render(&faults.into_sorted(), Format::Text { color: false });
    BTreeMap::from([(
        "acme".to_owned(),
        Arc::new(read.unwrap_or_else(|| panic!("{said}"))),
    )])
}

fn mapping(text: &str) -> Mapping {
    read(text).unwrap_or_else(|said| panic!("{said}"))
}

fn read(text: &str) -> Result<Mapping, String> {
    let kind = Kind {
        name: "mine".to_owned(),
        title: "Mine".to_owned(),
        analytic: 1,
        types: Vec::new(),
        atlas: Vec::new(),
        owasp: Vec::new(),
        advice: "Look.".to_owned(),
    };
    let known = Known {
        connectors: &connectors(),
        unsound: &BTreeSet::new(),
        kinds: &BTreeMap::from([("mine".to_owned(), Arc::new(kind))]),
        all_kinds: true,
    };
    let mut faults = Faults::new();
    let read = parse(&Source::new("m.yaml", text), "m", known, &mut faults);
    read.ok_or_else(|| render(&faults.into_sorted(), Format::Text { color: false }))
}

#[test]
fn only_a_look_up_sees_what_was_answered() {
    let look_up = |more: &str| {
        let asked = "look_up:\n  found: { get: /m, answers: [ { done: header.x == text }, { refused: status > body.most } ], keep: =body.x }\n";
        MAPPING
            .replace("let:", &format!("{asked}let:"))
            .replace("  double:", &format!("{more}  double:"))
    };
    let asks = read(&look_up("  more: =found.x\n")).unwrap_or_else(|said| panic!("{said}"));
    let slots: Vec<Option<usize>> = ["status", "body", "text", "header", "found"]
        .iter()
        .map(|name| asks.names.slot(name))
        .collect();
    assert!(slots.iter().all(Option::is_some), "{slots:?}");
    assert!(asks.names.find("body").is_none());
    for (more, said) in [
        ("  more: =body.x\n", "nothing here is called `body`"),
        ("  body: =1\n", "`body` cannot be a name made here"),
        ("  item: =1\n", "`item` cannot be a name made here"),
    ] {
        let faults = read(&look_up(more)).expect_err(more);
        assert!(faults.contains(said), "{more}: {faults}");
    }
}

fn signal(name: &str, data: Json) -> Signal {
    let at = "2026-11-23T08:00:00Z".parse().expect("a time");
    Signal {
        id: Id::from_raw(1),
        connection: "prod".to_owned(),
        name: SignalName {
            connector: "acme".to_owned(),
            signal: name.to_owned(),
        },
        vendor_id: "1".to_owned(),
        at,
        received_at: at,
        now: at,
        change: None,
        echo_of: None,
        data: Untrusted::new(data.into()),
    }
}

fn judge(text: &str, name: &str, data: Json) -> Result<Judgement, Stuck> {
    mapping(text).judge(&signal(name, data), &Map::new())
}

fn opened(text: &str, data: Json) -> Proposal {
    match judge(text, "seen", data) {
        Ok(Judgement::Open(proposal)) => *proposal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_severity_that_holds_counts() {
    for (value, wanted) in [
        (1, Severity::Low),
        (5, Severity::Low),
        (6, Severity::High),
        (50, Severity::High),
        (51, Severity::Critical),
    ] {
        let proposal = opened(MAPPING, json!({ "name": "a", "value": value }));
        assert_eq!(proposal.severity, wanted, "{value}");
        assert_eq!(proposal.title, format!("a is at {value}"));
    }
}

#[test]
fn when_is_false_then_resolve_is_asked_and_another_signal_says_nothing() {
    let key = "[\"m\",\"prod\",\"a\"]".to_owned();
    let zero = json!({ "name": "a", "value": 0 });
    assert_eq!(
        judge(MAPPING, "seen", zero.clone()).expect("judged"),
        Judgement::Close { key: key.clone() }
    );
    assert_eq!(
        judge(MAPPING, "gone", zero.clone()).expect("judged"),
        Judgement::Nothing
    );
    let other = MAPPING.replace(
        "  - when: otherwise",
        "  - from: acme/gone\n    when: signal.value == 0\n    same_as: [=signal.name]",
    );
    assert_eq!(
        judge(&other, "gone", zero.clone()).expect("judged"),
        Judgement::Close { key }
    );
    assert_eq!(
        judge(&other, "seen", zero).expect("judged"),
        Judgement::Nothing
    );
}

#[test]
fn what_is_absent_is_left_out_and_asked_for() {
    let proposal = opened(MAPPING, json!({ "name": "a", "value": 1 }));
    assert_eq!(
        Json::from(proposal.fields),
        json!({ "name": "a", "value": 1 })
    );
    assert_eq!(Json::from(proposal.model), json!({ "name": "a" }));
    let (place, with, ask) = &proposal.contain[0];
    assert_eq!((*place, ask.as_slice()), (0, ["why".to_owned()].as_slice()));
    assert_eq!(Json::from(with.clone()), json!({ "model": "a" }));
    let noted = opened(MAPPING, json!({ "name": "a", "value": 1, "note": "n" }));
    assert_eq!(noted.contain[0].2, Vec::<String>::new());
}

#[test]
fn what_andon_did_itself_offers_no_containment() {
    let mapping = mapping(MAPPING);
    let mut own = signal("seen", json!({ "name": "a", "value": 1 }));
    own.echo_of = Some(Id::from_raw(5));
    let Ok(Judgement::Open(proposal)) = mapping.judge(&own, &Map::new()) else {
        panic!("it opens");
    };
    assert!(proposal.contain.is_empty());
}

#[test]
fn a_mapping_that_cannot_judge_says_which_part_and_why() {
    for (from, to, part) in [
        ("when: signal.value > 0", "when: signal.any.x > 0", "when"),
        (
            "critical: double > 100",
            "critical: signal.any.x > 0",
            "severity",
        ),
        (
            "same_as: [=signal.name]",
            "same_as: [=signal.any.x]",
            "same_as",
        ),
        (
            "same_as: [=signal.name]",
            "same_as: [\"=default(signal.?note, signal.?note)\"]",
            "same_as",
        ),
        (
            "  - when: otherwise",
            "  - when: signal.any.x == 1",
            "resolve",
        ),
    ] {
        let text = MAPPING.replace(from, to);
        let value = i32::from(part != "resolve");
        let stuck = judge(
            &text,
            "seen",
            json!({ "name": "a", "value": value, "any": 1 }),
        )
        .expect_err(part);
        assert_eq!(stuck.part, part, "{stuck}");
        assert!(stuck.to_string().starts_with("mapping `m`, `"), "{stuck}");
    }
}

#[test]
fn the_key_holds_the_connection_while_all_signals_are_of_one_connector() {
    let mapping = mapping(MAPPING);
    assert!(mapping.key_has_connection);
    let mut from = mapping.from.clone();
    from.connector = "other".to_owned();
    let proposal = opened(MAPPING, json!({ "name": "a\"],[\"", "value": 1 }));
    let key: Json = serde_json::from_str(&proposal.key).expect("one canonical text");
    assert_eq!(key, json!(["m", "prod", "a\"],[\""]));
}

fn cleaned(mut value: Json) -> Json {
    clean(&mut value);
    value
}

#[test]
fn texts_that_leave_hold_nothing_hidden() {
    for (text, wanted) in [
        ("plain", "plain"),
        ("a\u{202e}b", "a\\u{202e}b"),
        ("\u{1b}[31mred", "\\u{1b}[31mred"),
    ] {
        let cleaned = cleaned(json!({ "k": [text] }));
        assert_eq!(cleaned["k"][0], json!(untrusted::person(text, 4_096)));
        assert!(
            !cleaned["k"][0]
                .as_str()
                .expect("text")
                .contains(['\u{202e}', '\u{1b}']),
            "{wanted}"
        );
    }
    let long = "é".repeat(5_000);
    let cut = cleaned(json!(long));
    assert!(cut.as_str().expect("text").chars().count() <= 4_097);
    assert_eq!(
        cleaned(json!({ "n": 1.5, "t": true, "z": null })),
        json!({ "n": 1.5, "t": true, "z": null })
    );
}

#[test]
fn each_way_through_a_mapping_is_taken_by_a_test_or_named() {
    let file = format!(
        "{}tests:\n  - it: x\n    after: 1h\n    gives: nothing\n",
        MAPPING.replace(
            "when: signal.value > 0",
            "when: signal.value > 0 && signal.name != \"b\"",
        )
    );
    let mapping = mapping(&file);
    let none = Map::new();
    let signals = [
        signal("seen", json!({ "name": "a", "value": 20 })),
        signal("seen", json!({ "name": "a", "value": 0 })),
    ];
    let tried: Vec<_> = signals.iter().map(|signal| (signal, &none)).collect();
    let said: Vec<String> = mapping
        .branches(&tried)
        .iter()
        .map(|way| {
            let (line, column) = way.place.source.line_and_column(way.place.span.start);
            let taken = if way.is_taken { "taken" } else { "-" };
            format!(
                "{line}:{column} {} {}: {} {taken}",
                way.part, way.way, way.text
            )
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    9:7 when true: signal.value > 0 && signal.name != "b" taken
    9:7 when false: signal.value > 0 && signal.name != "b" taken
    9:7 when false: signal.value > 0 taken
    9:27 when false: signal.name != "b" -
    14:7 severity critical: double > 100 -
    15:7 severity high: double > 10 taken
    16:7 severity low: otherwise -
    22:11 resolve closes: otherwise taken
    25:20 contain knows model: =signal.name taken
    25:39 contain knows why: =signal.?note -
    25:39 contain asks for why: =signal.?note taken
    "#);
    assert!(mapping.branches(&[]).iter().all(|way| !way.is_taken));
    assert_eq!(mapping.branches(&[]).len(), said.len());
}

proptest! {
    /// Doors 2, 3 and 5: what a signal says becomes the text of a title and one leaf of a field.
    #[test]
    fn a_hostile_name_is_text_in_the_title_and_one_leaf_in_the_fields(name in any::<String>()) {
        let mapping = mapping(MAPPING);
        let judged = mapping.judge(&signal("seen", json!({ "name": name, "value": 1 })), &Map::new());
        let Ok(Judgement::Open(proposal)) = judged else { panic!("{judged:?}") };
        let wanted = untrusted::person(&name, 4_096);
        prop_assert_eq!(proposal.fields.get("name"), Some(&Json::from(wanted.as_str())));
        prop_assert_eq!(proposal.fields.len(), 2);
        prop_assert!(proposal.title.ends_with("is at 1"), "{}", proposal.title);
        prop_assert!(!proposal.title.chars().any(char::is_control));
        let written = Json::from(proposal.fields.clone()).to_string();
        let back: Json = serde_json::from_str(&written).expect("JSON");
        prop_assert_eq!(&back["name"], &Json::from(wanted));
    }
}
