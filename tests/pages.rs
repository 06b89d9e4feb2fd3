//! The examples on the pages of codes are true: what stands first gives the code, what stands under "Write
//! instead" does not, and is sound.
//!
//! A snippet is a part of a file. It is put into whole files at each place that could take it, over the keys
//! that it names, until there is one where both hold.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot read its own files stops, and says why"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use andon::catalog::{Files, load};
use andon::diag::{Faults, Level, Source, pages};
use andon::yaml::foreign;
use serde_json::Value;

/// Pages whose faults only a system that answers shows: `tests/faults` asks the stand-ins. Here their examples are
/// held to be sound in the files.
const ASKED: [&str; 10] = [
    "AND0850", "AND0851", "AND0852", "AND0853", "AND0854", "AND0855", "AND0856", "AND0857",
    "AND0858", "AND0859",
];

/// Pages whose mended example is the beginning of a file: it does not give the code, and is not whole.
const PARTS: [&str; 3] = ["AND0110", "AND0116", "AND0504"];

/// Stands for the whole file in the place of a pointer into it.
const WHOLE: &str = "*";

/// The page whose examples are no part of a file: they list the files of a folder.
const LISTED: &str = "AND0404";

/// The page whose example is faulty only beside a connection that lets everybody in.
const OPEN: &str = "AND0604";

/// Where the examples of pages hold: other places are looked through only for pages that are not here, or where
/// one does not hold any more. `PLACES=1 cargo test --test pages -- --nocapture` prints it anew.
const PLACES: [(&str, &str, &str); 134] = [
    ("AND0101", MAPPING, "/alert"),
    ("AND0102", MAPPING, "/alert/fields"),
    ("AND0103", MAPPING, "/alert"),
    ("AND0104", MAPPING, "/alert"),
    ("AND0105", MAPPING, "/alert"),
    ("AND0106", MAPPING, "/alert/fields"),
    ("AND0107", MANIFEST, "/signals/listed/poll"),
    ("AND0108", MAPPING, ""),
    ("AND0109", MAPPING, "/alert/fields"),
    ("AND0110", MAPPING, WHOLE),
    ("AND0111", MAPPING, ""),
    ("AND0112", KINDS, ""),
    ("AND0113", MAPPING, ""),
    ("AND0114", MAPPING, "/alert/fields"),
    ("AND0115", MAPPING, ""),
    ("AND0116", MAPPING, WHOLE),
    ("AND0117", MAPPING, "/alert"),
    ("AND0118", MAPPING, "/alert"),
    ("AND0119", MAPPING, "/alert/fields"),
    ("AND0120", MAPPING, "/alert"),
    ("AND0121", MAPPING, ""),
    ("AND0122", MAPPING, "/alert"),
    ("AND0123", MAPPING, ""),
    ("AND0124", CONFIG, ""),
    ("AND0125", MAPPING, ""),
    ("AND0126", MANIFEST, "/actions/stop"),
    ("AND0127", MAPPING, "/alert"),
    ("AND0128", MAPPING, "/alert"),
    ("AND0129", MANIFEST, "/actions/ask"),
    ("AND0130", KINDS, ""),
    ("AND0201", MAPPING, ""),
    ("AND0202", MAPPING, ""),
    ("AND0203", MAPPING, ""),
    ("AND0204", MAPPING, ""),
    ("AND0205", MAPPING, ""),
    ("AND0206", MAPPING, ""),
    ("AND0207", MAPPING, ""),
    ("AND0208", MAPPING, ""),
    ("AND0209", MAPPING, ""),
    ("AND0210", MAPPING, ""),
    ("AND0211", MAPPING, ""),
    ("AND0212", MAPPING, ""),
    ("AND0213", MAPPING, ""),
    ("AND0214", MAPPING, ""),
    ("AND0215", MAPPING, "/resolve/0"),
    ("AND0216", CHECKED, ""),
    ("AND0217", MANIFEST, "/signals/moved"),
    ("AND0301", MAPPING, "/alert"),
    ("AND0302", MAPPING, "/alert"),
    ("AND0303", MAPPING, "/alert"),
    ("AND0304", MAPPING, "/alert"),
    ("AND0305", TEMPLATE, WHOLE),
    ("AND0306", CHECKED, ""),
    ("AND0307", CHECKED, ""),
    ("AND0308", CHECKED, ""),
    ("AND0309", CHECKED, "/alert"),
    ("AND0310", CHECKED, "/contain/0"),
    ("AND0311", MAPPING, "/alert"),
    ("AND0312", CHECKED, "/alert"),
    ("AND0313", CHECKED, "/alert"),
    ("AND0315", CHECKED, "/alert"),
    ("AND0410", MANIFEST, ""),
    ("AND0412", MANIFEST, "/webhook/signature"),
    ("AND0413", MANIFEST, ""),
    ("AND0415", MANIFEST, "/webhook/signature"),
    ("AND0420", MANIFEST, "/signals/listed/poll"),
    ("AND0421", MANIFEST, "/signals/listed/poll"),
    ("AND0430", MANIFEST, "/signals"),
    ("AND0432", MANIFEST, "/signals/found"),
    ("AND0433", MANIFEST, "/signals/listed"),
    ("AND0434", MANIFEST, "/signals/listed/poll"),
    ("AND0435", MANIFEST, "/signals/moved"),
    ("AND0437", MANIFEST, "/signals/moved"),
    ("AND0440", MANIFEST, "/actions/stop/do/0"),
    ("AND0442", MANIFEST, "/actions/stop"),
    ("AND0452", MANIFEST, "/actions/stop"),
    ("AND0454", MANIFEST, "/actions/stop"),
    ("AND0455", MANIFEST, "/actions/stop"),
    ("AND0456", MANIFEST, "/actions/ask"),
    ("AND0457", MANIFEST, "/actions/stop"),
    ("AND0460", MANIFEST, "/deliver/answers"),
    ("AND0462", MANIFEST, "/deliver"),
    ("AND0463", MANIFEST, ""),
    ("AND0465", MANIFEST, "/deliver"),
    ("AND0466", MANIFEST, "/deliver/acknowledged"),
    ("AND0501", MAPPING, ""),
    ("AND0502", MAPPING, "/alert"),
    ("AND0504", MAPPING, WHOLE),
    ("AND0505", MAPPING, "/alert"),
    ("AND0506", MAPPING, "/contain"),
    ("AND0507", MAPPING, "/contain/0"),
    ("AND0508", MAPPING, "/alert"),
    ("AND0509", MAPPING, ""),
    ("AND0510", MAPPING, ""),
    ("AND0511", MAPPING, "/contain"),
    ("AND0512", MAPPING, ""),
    ("AND0513", MAPPING, "/alert"),
    ("AND0514", MAPPING, ""),
    ("AND0530", MAPPING, "/contain/0"),
    ("AND0531", MAPPING, "/contain"),
    ("AND0560", MAPPING, "/tests"),
    ("AND0561", MAPPING, "/tests/0"),
    ("AND0602", CONFIG, ""),
    ("AND0603", CONFIG, ""),
    ("AND0610", CONFIG, "/connections/soc"),
    ("AND0611", CONFIG, "/connections"),
    ("AND0613", CONFIG, "/connections/soc"),
    ("AND0614", CONFIG, "/connections/registry"),
    ("AND0615", CONFIG, ""),
    ("AND0616", CONFIG, ""),
    ("AND0620", CONFIG, "/routes"),
    ("AND0621", CONFIG, "/routes"),
    ("AND0630", CONFIG, "/callers/0"),
    ("AND0631", CONFIG, "/callers/0"),
    ("AND0632", CONFIG, "/callers/0"),
    ("AND0634", CONFIG, "/callers/0"),
    ("AND0640", CONFIG, ""),
    ("AND0701", SCHEMA, WHOLE),
    ("AND0702", SCHEMA, WHOLE),
    ("AND0801", MANIFEST, ""),
    ("AND0802", MANIFEST, "/deliver/event"),
    ("AND0803", MANIFEST, "/deliver"),
    ("AND0804", MANIFEST, "/actions/ask/do/0"),
    ("AND0805", MANIFEST, "/deliver/event"),
    ("AND0806", MAPPING, "/alert"),
    ("AND0810", MANIFEST, "/actions/stop/before/0"),
    ("AND0811", MANIFEST, "/actions/stop/before/0"),
    ("AND0820", MANIFEST, "/actions/stop/before"),
    ("AND0822", MANIFEST, "/actions/stop/before/0"),
    ("AND0823", MANIFEST, ""),
    ("AND0824", MANIFEST, "/signals/listed/poll"),
    ("AND0860", MANIFEST, ""),
    ("AND0861", MANIFEST, ""),
    ("AND0862", MANIFEST, "/signals/answered"),
];

const MAPPING: &str = "mappings/late.yaml";
/// A mapping of a signal with fields of every sort, and another one of the same signal.
const CHECKED: &str = "mappings/checked.yaml";
const OTHER: &str = "mappings/other.yaml";
const MANIFEST: &str = "connectors/acme/connector.yaml";
const SCHEMA: &str = "connectors/acme/schemas/moved.json";
const CHECKED_SCHEMA: &str = "connectors/acme/schemas/checked.json";
const ANSWERED_SCHEMA: &str = "connectors/acme/schemas/answered.json";
const CONFIG: &str = "andon.yaml";
const KINDS: &str = "kinds.yaml";
const TEMPLATE: &str = "templates/acme/summary.hbs";

/// Whole files, each sound.
const BASES: [(&str, &str); 10] = [
    (
        MAPPING,
        r#"
andon: mapping/v1
name: late
about: A champion moved.
status: stable
from: mlflow/alias-created
let: { here: =signal.alias }
when: signal.alias == "champion"
alert:
  kind: unreviewed-promotion
  title: "{{name}} moved"
  severity:
    - { high: signal.version == "2" }
    - { medium: otherwise }
  same_as: [=signal.name]
  fields: { name: =signal.name }
  evidence: { alias: =signal.alias }
resolve:
  - from: mlflow/tag-set
    when: signal.key == "eval"
    same_as: [=signal.name]
quiet: 7d
contain:
  - action: mlflow/move-alias
    with: { model: =signal.name }
    ask: [version]
tests:
  - it: fires
    signal: { name: fraud, alias: champion, version: "2" }
    gives: { severity: high }
"#,
    ),
    (
        CHECKED,
        r#"
andon: mapping/v1
name: checked
about: A check failed.
status: stable
from: acme/checked
when: signal.status == "FAIL"
alert:
  kind: feature-drift
  title: "{{table}} is off"
  severity: high
  same_as: [=signal.table]
  fields: { table: =signal.table }
quiet: 7d
contain:
  - action: acme/return
    with: { version: "2" }
tests:
  - it: fires
    signal: { table: loans, dataset: d, status: FAIL, level: low, score: 0.9, number: 2, budget_policy_id: b, target_value: null }
    gives: { severity: high }
"#,
    ),
    (
        OTHER,
        r#"
andon: mapping/v1
name: other
about: A data set has drifted.
status: stable
from: acme/checked
when: signal.status == "FAIL"
alert:
  kind: feature-drift
  title: "{{dataset}} has drifted"
  severity: high
  same_as: [=signal.dataset]
  fields: { dataset: =signal.dataset }
quiet: 7d
tests:
  - it: fires
    signal: { table: loans, dataset: d, status: FAIL, level: low, score: 0.9, number: 2, budget_policy_id: b, target_value: null }
    gives: { severity: high }
"#,
    ),
    (
        MANIFEST,
        r#"
andon: connector/v1
name: acme
about: A system.
settings:
  url: { is: url }
  callers_url: { is: url, optional: true }
  token: { is: secret }
  webhook_secret: { is: secret, optional: true }
  folder: { is: path, optional: true }
auth: { bearer: token }
webhook:
  signature:
    scheme: hmac-sha256
    key: token
    header: x-signature
    signs: "{header.x-timestamp}.{body}"
    sent_at: header.x-timestamp
    within: 5m
signals:
  moved:
    schema: schemas/moved.json
    webhook: { only_if: body.event == "moved" }
    data: { model: =body.model }
  listed:
    schema: schemas/moved.json
    poll:
      of: state
      every: "*/5 * * * *"
      get: /models
    each: =body.models
    data: { model: =item.model }
  found:
    schema: schemas/moved.json
    file: { glob: "*.json", open: json }
    data: { model: =body.model }
  checked:
    schema: schemas/checked.json
    webhook: { only_if: body.event == "checked" }
    data: =body.check
  answered:
    schema: schemas/answered.json
    webhook: { only_if: body.event == "answered" }
    data: =body.answer
actions:
  return:
    about: It goes back.
    takes:
      version: { is: text }
    do:
      - post: /back
        body: { to: =version }
    prove:
      state: { get: /version, until: body.version == version }
  stop:
    about: It stops.
    risk: high
    takes:
      model: { is: text }
    reads:
      state: { get: "/models/{model}" }
    before:
      - get: "/models/{model}"
        keep: { was: =body.state }
    do:
      - post: "/models/{model}/stop"
        answers:
          - { done: status == 200 }
          - { refused: otherwise }
    prove:
      state: { get: "/models/{model}", until: body.state == "stopped" }
    ours: body.state == "stopped"
    undo:
      - post: "/models/{model}/start"
    limits: { reversible: true }
  ask:
    about: It asks.
    takes:
      model: { is: text }
    do:
      - post: /questions
        body: { of: asked }
    prove:
      state: { get: /questions, until: body.state == "asked" }
deliver:
  of: every
  post: /events
  rate: 10/1m
  batch: { framing: single }
  event:
    title: =alert.title
    summary: { text: acme/summary }
  answers:
    - { delivered: status == 200 }
    - { refuse: otherwise }
  acknowledged:
    channel: { header: X-Channel }
    id: =body.id
    post: /acks
    body: { acks: =ids }
    holds: body.acks[string(id)]
    every: 10s
    again_after: 5m
"#,
    ),
    (
        SCHEMA,
        r#"{ "type": "object", "properties": { "model": { "type": "string" } }, "required": ["model"] }"#,
    ),
    (
        CHECKED_SCHEMA,
        r#"{
  "type": "object",
  "properties": {
    "table": { "type": "string" },
    "dataset": { "type": "string" },
    "column": { "type": "string" },
    "status": { "enum": ["FAIL", "SUCCESS"] },
    "level": { "type": "string" },
    "score": { "type": "number" },
    "number": { "type": "integer" },
    "budget_policy_id": { "type": "string" },
    "target_value": { "type": ["string", "null"] }
  },
  "required": ["table", "dataset", "status", "level", "score", "number", "budget_policy_id", "target_value"]
}"#,
    ),
    (
        ANSWERED_SCHEMA,
        r#"{
  "type": "object",
  "properties": { "dedup_key": { "type": "string" }, "status": { "type": "string" } },
  "required": ["dedup_key", "status"]
}"#,
    ),
    (
        CONFIG,
        r#"
andon: config/v1
listen: 127.0.0.1:7373
public_url: http://127.0.0.1:7373
connections:
  registry: { connector: mlflow, url: "http://127.0.0.1:5000", reach: loopback, webhook_secret: { env: MLFLOW } }
  soc: { connector: splunk, url: "https://hec.example.com:8088", token: { env: HEC } }
  oncall: { connector: acme, url: "https://pages.example.com", token: { env: PAGES } }
routes: []
callers:
  - { name: soar, token: { hash: "sha256:0000000000000000000000000000000000000000000000000000000000000000" }, may: ["alerts:read"], until: 2027-06-30 }
"#,
    ),
    (
        KINDS,
        r"
andon: kinds/v1
kinds:
  - name: ours
    title: Ours
    analytic: rule
    advice: Look.
",
    ),
    (TEMPLATE, "{{title}}"),
];

/// The files of one try, by name.
type Tried = Vec<(&'static str, String)>;

/// Whether no snippet of YAML can be put into a file.
fn is_no_yaml(file: &str) -> bool {
    [SCHEMA, CHECKED_SCHEMA, ANSWERED_SCHEMA, TEMPLATE].contains(&file)
}

/// A text as a file holds it: what a page shows by a picture, since nobody would see it, is there itself.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for character in text.chars() {
        match character {
            '␇' => bytes.push(b'\x07'),
            '\u{fffd}' => bytes.push(b'\xff'),
            seen => bytes.extend(seen.to_string().as_bytes()),
        }
    }
    bytes
}

/// The codes of what is said, and whether one of them is of an error.
fn said(tried: &Tried) -> (BTreeSet<String>, bool) {
    let named = |name: &str| tried.iter().any(|(_, text)| text.contains(name));
    let mut files = Files::new();
    for (path, file) in Files::built_in().iter() {
        let connector = path
            .strip_prefix("connectors/")
            .and_then(|rest| rest.split('/').next());
        if connector.map_or(!path.starts_with("mappings/"), named) {
            files.put(path, &file.shown, &file.bytes);
        }
    }
    let mut config = String::new();
    for (name, text) in tried {
        if *name == CONFIG {
            config.clone_from(text);
        } else {
            files.put(name, name, &bytes(text));
        }
    }
    let mut faults = Faults::new();
    load(&files, &Source::new(CONFIG, config), &mut faults);
    let all = faults.into_sorted();
    let errors = all.iter().any(|fault| fault.level == Level::Error);
    (
        all.iter().map(|fault| fault.code.to_string()).collect(),
        errors,
    )
}

/// The two blocks of a page.
fn examples(page: &str) -> [String; 2] {
    let mut blocks = page.split("```").skip(1).step_by(2).map(|block| {
        let (_, text) = block.split_once('\n').unwrap_or_default();
        text.to_owned()
    });
    [(); 2].map(|()| blocks.next().expect("two blocks"))
}

/// The keys at the left of a snippet.
fn keys(snippet: &str) -> Vec<&str> {
    let key = |line: &'_ str| -> Option<usize> {
        let at = line.find(':')?;
        let plain = |c: char| c.is_alphanumeric() || "_-.\"".contains(c);
        (at > 0 && line.get(..at)?.chars().all(plain)).then_some(at)
    };
    snippet
        .lines()
        .filter_map(|line| Some(line.get(..key(line)?)?.trim_matches('"')))
        .collect()
}

/// Every list and map of a document, by its pointer; the whole document is the first.
fn places(node: &Value, at: &str, found: &mut Vec<String>) {
    match node {
        Value::Object(map) => {
            found.push(at.to_owned());
            for (key, value) in map {
                places(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            found.push(at.to_owned());
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// A document as YAML, with a snippet at one place: over the keys that it and the other one name, or in place of
/// a list.
fn written(node: &Value, at: &str, place: &str, (snippet, other): (&str, &str)) -> String {
    let indented = |text: &str| -> String {
        let mut out = String::new();
        for line in text.lines() {
            if !line.is_empty() {
                out.push_str("  ");
                out.push_str(line);
            }
            out.push('\n');
        }
        out
    };
    let is_here = at == place;
    if is_here && (node.is_array() || snippet.trim_start().starts_with("- ")) {
        return snippet.to_owned();
    }
    match node {
        Value::Object(map) => {
            let over = if is_here {
                [keys(snippet), keys(other)].concat()
            } else {
                Vec::new()
            };
            let mut waits = is_here;
            let mut out = String::new();
            for (key, value) in map {
                if over.contains(&key.as_str()) {
                    if std::mem::take(&mut waits) {
                        out.push_str(snippet);
                    }
                    continue;
                }
                let inner = written(value, &format!("{at}/{key}"), place, (snippet, other));
                if value.is_object() || value.is_array() {
                    let _ = write!(out, "{key}:\n{}", indented(&inner));
                } else {
                    let _ = writeln!(out, "{key}: {inner}");
                }
            }
            if waits {
                out.push_str(snippet);
            }
            out
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let inner = written(item, &format!("{at}/{index}"), place, (snippet, other));
                format!("- {}", indented(&inner).trim_start())
            })
            .map(|item| {
                if item.ends_with('\n') {
                    item
                } else {
                    format!("{item}\n")
                }
            })
            .collect(),
        scalar => scalar.to_string(),
    }
}

/// The files with a snippet at a place of one of them; `None` is that whole file.
fn with(file: &'static str, place: Option<&str>, snippet: &str, other: &str) -> Tried {
    BASES
        .iter()
        .map(|(name, text)| {
            let text = if *name != file {
                (*text).trim_start().to_owned()
            } else if let Some(place) = place {
                let document = foreign(text).expect("a sound base");
                written(&document, "", place, (snippet, other))
            } else {
                snippet.to_owned()
            };
            (*name, text)
        })
        .collect()
}

/// Where a snippet may stand: the likeliest places first.
fn everywhere(snippet: &str) -> Vec<(&'static str, Option<String>)> {
    let named = keys(snippet);
    let mut all: Vec<(usize, &'static str, Option<String>)> = Vec::new();
    for (file, text) in BASES {
        all.push((1, file, None));
        if is_no_yaml(file) {
            continue;
        }
        let document = foreign(text).expect("a sound base");
        let mut found = Vec::new();
        places(&document, "", &mut found);
        for place in found {
            let there = document.pointer(&place).and_then(Value::as_object);
            let fits = named
                .iter()
                .any(|key| there.is_some_and(|map| map.contains_key(*key)));
            all.push((if fits { 0 } else { 2 }, file, Some(place)));
        }
    }
    all.sort_by_key(|(likely, _, _)| *likely);
    all.into_iter()
        .map(|(_, file, place)| (file, place))
        .collect()
}

/// Where the examples of a page hold; or what came nearest.
fn found(code: &str) -> Result<(&'static str, String), String> {
    let [faulty, mended] = examples(pages::page(code).expect("a page"));
    let known = PLACES
        .iter()
        .filter(|(known, _, _)| *known == code)
        .map(|(_, file, place)| (*file, (*place != WHOLE).then(|| (*place).to_owned())));
    let mut nearly = String::new();
    for (file, place) in known.chain(std::iter::once_with(|| everywhere(&faulty)).flatten()) {
        let at = place.as_deref();
        if !said(&with(file, at, &faulty, &mended)).0.contains(code) {
            continue;
        }
        let (codes, errors) = said(&with(file, at, &mended, &faulty));
        if !codes.contains(code) && (!errors || PARTS.contains(&code)) {
            return Ok((file, place.unwrap_or_else(|| WHOLE.to_owned())));
        }
        nearly = format!("{nearly} {file} {at:?} {codes:?};");
    }
    Err(format!("{code}: {nearly}"))
}

#[test]
fn the_whole_files_are_sound() {
    let tried = with("", None, "", "");
    assert_eq!(said(&tried), (BTreeSet::new(), false));
    for (file, text) in BASES.iter().filter(|(file, _)| !is_no_yaml(file)) {
        let document = foreign(text).expect("a sound base");
        let mut rewritten = with("", None, "", "");
        for (name, text) in &mut rewritten {
            if name == file {
                *text = written(&document, "", "none", ("", ""));
            }
        }
        assert_eq!(said(&rewritten), (BTreeSet::new(), false), "{file}");
    }
}

#[test]
fn the_first_example_of_each_page_gives_its_code_and_the_second_does_not() {
    let others = |code: &&str| ![LISTED, OPEN].contains(code) && !ASKED.contains(code);
    let codes: Vec<&str> = pages::all().filter(others).collect();
    let next = AtomicUsize::new(0);
    let one_after_another = || {
        let mut found_here = Vec::new();
        while let Some(code) = codes.get(next.fetch_add(1, Ordering::Relaxed)) {
            found_here.push((*code, found(code)));
        }
        found_here
    };
    let mut all: Vec<_> = std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let threads: Vec<_> = (0..threads)
            .map(|_| scope.spawn(one_after_another))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("the pages were read"))
            .collect()
    });
    all.sort_by_key(|(code, _)| *code);
    if std::env::var_os("PLACES").is_some() {
        for (code, found) in &all {
            let Ok((file, place)) = found else { continue };
            eprintln!("    ({code:?}, {file:?}, {place:?}),");
        }
    }
    let wrong: Vec<_> = all
        .into_iter()
        .filter_map(|(_, found)| found.err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_folder_with_the_files_that_are_listed_first_gives_the_code_and_the_second_does_not() {
    let [faulty, mended] = examples(pages::page(LISTED).expect("a page")).map(|listed| {
        let mut tried = with("", None, "", "");
        tried.retain(|(name, _)| *name != MANIFEST || listed.lines().any(|line| line == *name));
        said(&tried)
    });
    assert!(faulty.0.contains(LISTED), "{faulty:?}");
    assert_eq!(mended, (BTreeSet::new(), false));
}

#[test]
fn beside_a_connection_that_lets_everybody_in_the_first_address_gives_the_code_and_the_second_does_not()
 {
    let [faulty, mended] = examples(pages::page(OPEN).expect("a page")).map(|snippet| {
        let mut tried = with(CONFIG, Some(""), &snippet, "");
        for (name, text) in &mut tried {
            if *name == CONFIG {
                *text = text.replace(
                    "connections:\n",
                    "connections:\n  open: { connector: generic }\n",
                );
            }
        }
        said(&tried)
    });
    assert!(faulty.0.contains(OPEN), "{faulty:?}");
    assert_eq!(mended, (BTreeSet::new(), false));
}

#[test]
fn what_only_a_system_shows_is_sound_in_the_files() {
    for code in ASKED {
        for snippet in examples(pages::page(code).expect("a page")) {
            // These name connectors that nobody has.
            let snippet = snippet.replace("my-feast", "feast");
            let (codes, errors) = said(&with(CONFIG, Some("/connections"), &snippet, ""));
            assert_eq!((codes, errors), (BTreeSet::new(), false), "{snippet}");
        }
    }
}
