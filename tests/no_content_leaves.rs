//! No prompt, answer or free text leaves the house.
//!
//! A marker is planted in every text under a field that holds content, in every sample of every
//! connector and in the captures under `tests/data/contents`. It may be neither in what mappings
//! propose nor in the OCSF events that destinations get.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot read its own files stops, and says why"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use andon::alert::{Alert, Origin, State};
use andon::catalog::{Catalog, Files, captured, load};
use andon::connector::{Open, Way};
use andon::diag::{Faults, Source};
use andon::id::Id;
use andon::mapping::{Judgement, Mapping, Proposal};
use andon::ocsf;
use andon::signal::{Signal, SignalName};
use serde_json::{Map, Value as Json, json};

const MARK: &str = "qzx-planted-qzx";

/// Keys under which vendors put what people and models wrote.
const CONTENT: &[&str] = &[
    "annotations",
    "answer",
    "arguments",
    "choices",
    "commonAnnotations",
    "completion",
    "content",
    "description",
    "error",
    "error_information",
    "error_str",
    "events",
    "events_data",
    "explanation",
    "guardrail_response",
    "input",
    "messages",
    "metadata",
    "output",
    "prompt",
    "request",
    "requester_metadata",
    "response",
    "samples",
    "target",
    "template",
    "text",
    "traceback",
    "traceback_ansi",
];

/// What leaves although somebody typed it, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[(
    "generic/event: title",
    "the headline that one's own program sends in order to be read, cut to 160 characters",
)];

fn catalog() -> Catalog {
    let config = Source::new("andon.yaml", "andon: config/v1\n");
    load(&Files::built_in(), &config, &mut Faults::new()).expect("what is built in is sound")
}

/// How a marker is planted: behind the text, before it, or instead of it.
#[derive(Debug, Clone, Copy)]
enum Plant {
    Behind,
    Before,
    Instead,
}

fn plant(value: &mut Json, inside: bool, how: Plant, planted: &mut usize) {
    match value {
        Json::String(text) if inside => {
            *planted += 1;
            *text = match how {
                Plant::Behind => format!("{text} {MARK}"),
                Plant::Before => format!("{MARK} {text}"),
                Plant::Instead => MARK.to_owned(),
            };
        }
        Json::Array(items) => {
            for item in items {
                plant(item, inside, how, planted);
            }
        }
        Json::Object(map) => {
            // The value of a tag: MLflow keeps prompts there, scanners their prose.
            let tag = map.contains_key("key") && map.contains_key("value");
            for (key, value) in map.iter_mut() {
                let content = CONTENT.contains(&key.as_str())
                    || key.contains("prompt.text")
                    || tag && key == "value";
                plant(value, inside || content, how, planted);
            }
        }
        _ => {}
    }
}

/// The bytes of a capture with markers in it.
fn with_markers(bytes: &[u8], open: &Open, how: Plant, planted: &mut usize) -> Vec<u8> {
    let Open::Zip { .. } = open else {
        let mut value: Json = serde_json::from_slice(bytes).expect("JSON");
        plant(&mut value, false, how, planted);
        return serde_json::to_vec(&value).expect("JSON");
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("an archive");
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).expect("a member");
        let member_name = member.name().expect("a name").into_owned();
        let mut text = Vec::new();
        member.read_to_end(&mut text).expect("read");
        let mut value: Json = serde_json::from_slice(&text).expect("JSON");
        plant(&mut value, member_name != "header.json", how, planted);
        out.start_file(member_name, zip::write::SimpleFileOptions::default())
            .expect("started");
        out.write_all(&serde_json::to_vec(&value).expect("JSON"))
            .expect("written");
    }
    out.finish().expect("finished").into_inner()
}

/// What a look-up could answer: content where the platform keeps it, and nothing that passes.
fn looked_up(mapping: &Mapping) -> Map<String, Json> {
    let answer = json!({
        "name": "fraud-detector", "version": "2", "current_stage": "None", "run_id": "", "source": "s3://models/2",
        "description": MARK,
        "tags": [{ "key": "mlflow.note.content", "value": MARK }, { "key": "mlflow.prompt.text", "value": MARK }],
    });
    let names = mapping.look_up.iter().map(|look_up| look_up.name.clone());
    names.map(|name| (name, answer.clone())).collect()
}

fn event(catalog: &Catalog, mapping: &Mapping, signal: &Signal, proposal: &Proposal) -> Json {
    let alert = Alert {
        id: Id::from_raw(1),
        revision: 1,
        state: State::Open,
        mapping: mapping.name.clone(),
        key: proposal.key.clone(),
        kind: mapping.alert.kind.name.clone(),
        severity: proposal.severity,
        title: proposal.title.clone(),
        summary: proposal.summary.clone(),
        at: proposal.at,
        revised_at: signal.received_at,
        first_seen: signal.received_at,
        last_seen: signal.received_at,
        count: 1,
        model: proposal.model.clone(),
        measured: proposal.measured.clone(),
        fields: proposal.fields.clone(),
        evidence: proposal.evidence.clone(),
        links: Vec::new(),
        contain: Vec::new(),
        origin: Origin {
            connection: signal.connection.clone(),
            connector: signal.name.connector.clone(),
            host: "localhost".to_owned(),
        },
        signal: Id::from_raw(1),
        closed: None,
        acknowledged: None,
        notes: Vec::new(),
        told: Vec::new(),
        caused_by: None,
    };
    let kind = catalog.kinds.get(&alert.kind).expect("a kind");
    let product = ocsf::Product {
        version: "0.1.0".to_owned(),
    };
    ocsf::finding(&alert, kind, &product).to_json()
}

/// Looks for the marker in everything that is made of the signals of a capture.
fn search(
    catalog: &Catalog,
    name: &SignalName,
    capture: &str,
    bytes: &[u8],
    opened: &mut BTreeSet<String>,
    found: &mut BTreeSet<String>,
) {
    let mut files = Files::new();
    files.put(
        &format!("connectors/{}/{capture}", name.connector),
        capture,
        bytes,
    );
    let read_at = "2026-11-23T10:00:00Z".parse().expect("a time");
    let signals = match captured(catalog, name, capture, &files, read_at) {
        Ok(signals) => signals,
        // Refused by its schema: it is kept as stuck, and nothing leaves.
        Err(reason) => {
            assert!(!reason.contains(MARK), "{name}: {reason}");
            return;
        }
    };
    for signal in signals {
        for mapping in catalog.mappings_for(name) {
            match mapping.judge(&signal, &looked_up(mapping)) {
                Ok(Judgement::Open(proposal)) => {
                    opened.insert(mapping.name.clone());
                    let event = event(catalog, mapping, &signal, &proposal).to_string();
                    if format!("{proposal:?}").contains(MARK) || event.contains(MARK) {
                        found.insert(format!("{name} by {}", mapping.name));
                    }
                }
                Ok(Judgement::Close { key }) => assert!(!key.contains(MARK), "{name}: {key}"),
                Ok(Judgement::Nothing) => {}
                Err(stuck) => assert!(!stuck.to_string().contains(MARK), "{name}: {stuck}"),
            }
        }
    }
}

#[test]
fn nothing_that_people_or_models_wrote_is_in_an_alert() {
    let catalog = catalog();
    let built_in = Files::built_in();
    let contents = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/contents");
    let (mut planted, mut opened, mut found) = (0, BTreeSet::new(), BTreeSet::new());
    for connector in catalog.connectors.values() {
        for rule in &connector.signals {
            let name = SignalName {
                connector: connector.name.clone(),
                signal: rule.name.clone(),
            };
            let open = match &rule.way {
                Way::File(file) => file.open.clone(),
                _ => Open::Json,
            };
            let sample = rule.sample.as_ref().map(|sample| {
                let path = format!("connectors/{}/{sample}", connector.name);
                let file = built_in.get(&path).expect("a sample");
                (sample.clone(), file.bytes.to_vec())
            });
            let raw = format!("{}-{}.json", connector.name, rule.name);
            let raw = fs::read(contents.join(&raw)).ok().map(|bytes| (raw, bytes));
            for (capture, bytes) in sample.into_iter().chain(raw) {
                for how in [Plant::Behind, Plant::Before, Plant::Instead] {
                    let bytes = with_markers(&bytes, &open, how, &mut planted);
                    search(&catalog, &name, &capture, &bytes, &mut opened, &mut found);
                }
            }
        }
    }
    assert!(found.is_empty(), "content leaves: {found:?}");
    assert!(planted > 500, "{planted} markers were planted");
    assert!(opened.len() >= 8, "only these made an alert: {opened:?}");
}

#[test]
fn each_exception_is_one() {
    let catalog = catalog();
    let name = SignalName {
        connector: "generic".to_owned(),
        signal: "event".to_owned(),
    };
    let (mut opened, mut found) = (BTreeSet::new(), BTreeSet::new());
    for key in [
        "title",
        "key",
        "description",
        "message",
        "messages",
        "prompt",
        "response",
        "text",
        "output",
        "summary",
        "content",
        "details",
    ] {
        let body = json!({ "model": "m", key: MARK }).to_string();
        let mut here = BTreeSet::new();
        search(
            &catalog,
            &name,
            "event.json",
            body.as_bytes(),
            &mut opened,
            &mut here,
        );
        if !here.is_empty() {
            found.insert(format!("{name}: {key}"));
        }
    }
    // The key is what tells alerts apart; it stays in Andon's own record.
    found.remove("generic/event: key");
    let listed: BTreeSet<String> = EXCEPTIONS
        .iter()
        .map(|(what, _)| (*what).to_owned())
        .collect();
    assert_eq!(found, listed);
}
