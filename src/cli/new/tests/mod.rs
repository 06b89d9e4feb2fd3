//! What `andon new` writes is sound, whatever stands in the samples, or a sentence says why there is nothing.

mod hostile;
mod openapi;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::put::{self, New};
use super::sample::{self, Sample};
use super::{connector, mapping, name_and_files, source};
pub(in crate::cli::new) use hostile::documents;

use crate::catalog::{self, captured, run_cases};
use crate::daemon::{self, Folder};
use crate::diag::{Faults, Format, render};
use crate::mapping::Outcome;
use crate::signal::SignalName;

/// An empty folder, as a newcomer has.
fn folder() -> (tempfile::TempDir, Folder) {
    let at = tempfile::tempdir().unwrap();
    let folder = Folder::read(at.path(), None).unwrap();
    (at, folder)
}

/// What is said of a folder with new files in it; their tests have to pass, and one has to be an alert.
fn said(folder: &Folder, new: &[New], mapping: &str) -> String {
    let mut files = folder.files.clone();
    for file in new {
        files.put(&file.name, &file.name, &file.bytes);
    }
    let mut faults = Faults::new();
    let catalog = catalog::load(&files, &folder.config, &mut faults);
    let mut said = render(&faults.into_sorted(), Format::Text { color: false });
    let Some(catalog) = catalog else { return said };
    let mapping = &catalog.mappings[mapping];
    assert!(!mapping.cases.is_empty());
    for ran in run_cases(&catalog, mapping, &files) {
        if let Outcome::Failed(failure) = ran.outcome {
            let _ = writeln!(said, "{}: {failure}", ran.case.it);
        }
    }
    said
}

fn text<'n>(new: &'n [New], ending: &str) -> &'n str {
    let found = new.iter().find(|file| file.name.ends_with(ending));
    std::str::from_utf8(&found.unwrap().bytes).unwrap()
}

fn write(samples: &[Sample]) -> Result<(Folder, connector::Written), String> {
    let (_at, folder) = folder();
    connector::of_samples("acme", "event", samples, &folder)
        .map(|written| (folder, written))
        .map_err(|error| error.to_string())
}

fn of(bodies: &[Json]) -> Vec<Sample> {
    bodies
        .iter()
        .map(|body| Sample {
            shown: "x.json".to_owned(),
            body: body.clone(),
        })
        .collect()
}

#[test]
fn each_recorded_payload_becomes_a_sound_connector_with_a_mapping_that_alerts() {
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut paths: Vec<_> = ["tests/data/new", "tests/data/contents"]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let samples = sample::read(&path).unwrap();
        match write(&samples) {
            Err(why) if name.contains("slack") => assert_eq!(
                why,
                "no connector can be written from tests/data/new/litellm-slack.http.json: all of it is text that people or models write, or is private (body.text), and such text stays out of alerts"
            ),
            Err(why) => wrong.push(format!("{name}: {why}")),
            Ok((folder, written)) => {
                count += 1;
                let said = said(&folder, &written.files, &written.mapping);
                if !said.is_empty() {
                    wrong.push(format!("{name}: {said}"));
                }
                let mapping = text(&written.files, "acme-event.yaml");
                // These went well.
                let wanted = match name.as_str() {
                    "generic-event.json" | "inspect-run-json.json" => {
                        "it: this one says that it is over"
                    }
                    _ => "it: what was recorded is an alert",
                };
                if !mapping.contains(wanted) {
                    wrong.push(format!("{name}: no alert\n{mapping}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 14, "{count}");
}

#[test]
fn each_sample_of_a_built_in_connector_becomes_a_sound_mapping() {
    let (_at, folder) = folder();
    let (catalog, _) = daemon::load(&folder).unwrap();
    let now = "2026-11-23T08:00:00Z".parse().unwrap();
    let mut count = 0;
    for connector in catalog.connectors.values() {
        for rule in &connector.signals {
            let signal = SignalName {
                connector: connector.name.clone(),
                signal: rule.name.clone(),
            };
            let Some(sample) = &rule.sample else { continue };
            let signals = captured(&catalog, &signal, sample, &folder.files, now).unwrap();
            let data: Vec<Json> = signals
                .iter()
                .map(|signal| signal.data.as_data().root().to_json())
                .collect();
            let schema = source::schema(&folder.files, &catalog, &signal);
            let from = mapping::From {
                name: "ours",
                signal: &signal,
                data: &data,
                of: &rule.data_type,
                schema: schema.as_ref(),
                source: sample,
            };
            let new = put::mapping(&folder, &[], &catalog, from).unwrap();
            let said = said(&folder, std::slice::from_ref(&new), "ours");
            assert_eq!(said, "", "{signal}");
            count += 1;
        }
    }
    assert!(count >= 20, "{count}");
}

#[test]
fn a_connector_and_a_mapping_read_well() {
    let sample = sample::read(Path::new("tests/data/new/litellm-budget.http.json")).unwrap();
    let (_, written) = write(&sample).unwrap();
    insta::assert_snapshot!(text(&written.files, "connector.yaml"), @r#"
    # Written by `andon new` from tests/data/new/litellm-budget.http.json. What stands below a comment is a guess: read it and mend it.
    andon: connector/v1
    name: acme
    # A sentence or two: what does the system report?
    about: Written from samples; say here what it reports.
    # docs: the page of the vendor that describes what is sent

    settings:
      token: { is: secret, optional: true, about: "Bearer token, which the system sends in the header Authorization" }
      hook_token: { is: secret, optional: true, about: "A token at the end of the URL, where no header can be set" }

    # Who may send. Where the system signs what it sends, write `signature:` in place of `accepts:`.
    webhook:
      accepts:
        - { bearer: token }
        - { url_token: hook_token }
      # A body that is none of the signals is kept, and `andon stuck` tells of it. Later, count: it is only counted.
      unmatched: keep

    signals:
      event:
        schema: schemas/event.json
        sample: samples/event.json
        # Tells a body of this signal from others that come the same way.
        webhook:
          only_if: has(body.spend) && has(body.max_budget) && has(body.soft_budget)
        # id: what the sender calls one event; without it, the same data are the same event.
        # at: when it happened (RFC 3339, or timestamp(body.…, "ms")); without it, when it arrived.
        # What mappings see, and what the schema describes.
        data:
          spend: =body.spend
          max_budget: =body.max_budget
          soft_budget: =body.soft_budget
          customer_id: =body.customer_id
          user_id: =body.user_id
          team_id: =body.team_id
          team_alias: =body.team_alias
          organization_id: =body.organization_id
          key_alias: =body.key_alias
          projected_exceeded_date: =body.projected_exceeded_date
          projected_spend: =body.projected_spend
          event_group: =body.event_group
          event: =body.event
          # Left out, because people or models write it, or because it is private: body.token, body.user_email, body.alert_emails, body.max_budget_alert_emails, body.event_message
    "#);
    insta::assert_snapshot!(text(&written.files, "acme-event.yaml"), @r#"
    # Written by `andon new` from tests/data/new/litellm-budget.http.json.
    # What stands below a comment is a guess: read it, mend it, and try it with `andon test` and `andon explain`.
    andon: mapping/v1
    name: acme-event
    # One sentence: what does it find?
    about: Written from a sample of acme/event; say here what it finds.
    # draft: tested, never used. shadow: counted, sent nowhere. stable: in force.
    status: draft

    from: acme/event
    # On this side of its limit it is taken to be wrong.
    when: signal.spend >= signal.max_budget

    alert:
      # A wrong word here is answered with all kinds there are.
      kind: cost-anomaly
      # One line for whoever is woken by it; it may name what stands under `fields`.
      title: "{{key_alias}} of {{team_alias}}: {{event}}"
      # The first that holds.
      severity:
        # - high: signal.spend >= …
        - medium: otherwise
      # model: { name: =signal.… }: what it is about, so that alerts of one model are found together.
      # One open alert for each of these. What is new with every signal does not belong here: it would
      # make an alert of each; where one is missing, what is well again ends the alert of another.
      same_as:
        - =signal.team_alias
        - =signal.key_alias
      at: =signal.at
      measured:
        what: spend
        value: =signal.spend
        limit: =signal.max_budget
      # What leaves the house, and what titles and summaries may name.
      fields:
        spend: =signal.spend
        max_budget: =signal.max_budget
        user_id: =signal.user_id
        team_id: =signal.team_id
        team_alias: =signal.team_alias
        key_alias: =signal.key_alias
        event_group: =signal.event_group
        event: =signal.event

    # Any other signal with the same values under `same_as` says that it is over.
    resolve:
      - when: otherwise

    tests:
      - it: what was recorded is an alert
        signal: { spend: 101.5, max_budget: 100.0, user_id: u-17, team_id: t-ml, team_alias: ml-platform, key_alias: support-agent-prod, event_group: key, event: budget_crossed }
        gives: { severity: medium, title: "support-agent-prod of ml-platform: budget_crossed" }
    "#);
}

#[test]
fn several_samples_are_looked_at_together() {
    let samples = of(&[
        json!({ "check": "income", "model": "fraud", "status": "FAIL", "severity": "critical", "share": 1, "ts": 1_795_000_000_000_i64 }),
        json!({ "check": "age", "model": "fraud", "status": "PASS", "severity": "minor", "share": 0.5, "ts": 1_795_000_060_000_i64 }),
        json!({ "check": "age", "model": "churn", "status": "PASS", "severity": "minor", "ts": 1_795_000_120_000_i64, "note": "a" }),
        json!({ "check": "age", "model": "churn", "status": "FAIL", "severity": "critical", "ts": 1_795_000_180_000_i64 }),
    ]);
    let (_, written) = write(&samples).unwrap();
    let schema: Json = serde_json::from_str(text(&written.files, "schemas/event.json")).unwrap();
    assert_eq!(
        schema["properties"]["status"],
        json!({ "type": "string", "enum": ["FAIL", "PASS"] })
    );
    assert_eq!(
        schema["required"],
        json!(["check", "model", "status", "severity", "ts"])
    );
    let manifest = text(&written.files, "connector.yaml");
    for line in [
        "    at: =timestamp(body.ts, \"ms\")\n",
        "      share: =body.?share\n",
        "because it is private: body.?note\n",
        "      only_if: has(body.check) && has(body.model) && has(body.status)\n",
    ] {
        assert!(manifest.contains(line), "{line}{manifest}");
    }
    let mapping = text(&written.files, "acme-event.yaml");
    for line in [
        "when: signal.status == \"FAIL\"\n",
        "  - when: signal.status == \"PASS\"\n",
        "    - critical: signal.severity == \"critical\"\n    - low: signal.severity == \"minor\"\n    - medium: otherwise\n",
        "  title: \"{{check}} of {{model_name}}: {{status}}\"\n",
        "    gives: { severity: critical, title: \"income of fraud: FAIL\" }\n",
        "    gives: resolved\n",
    ] {
        assert!(mapping.contains(line), "{line}{mapping}");
    }
}

#[test]
fn what_is_no_signal_is_told_in_a_sentence() {
    for (body, wanted) in [
        (
            json!([]),
            "it is an empty list, which shows nothing of what is in it; a signal is a map of fields, or a list of such",
        ),
        (
            json!([1]),
            "it is a list of something else than maps; a signal is a map of fields, or a list of such",
        ),
        (
            json!("x"),
            "it is a single text; a signal is a map of fields, or a list of such",
        ),
        (
            json!({}),
            "there is no field in it that a mapping could look at",
        ),
        (
            json!({ "messages": [{ "content": "hi" }] }),
            "all of it is text that people or models write, or is private (body.messages), and such text stays out of alerts",
        ),
    ] {
        let why = write(&of(&[body])).err();
        assert_eq!(
            why,
            Some(format!("no connector can be written from x.json: {wanted}"))
        );
    }
}

#[test]
fn nothing_is_written_over_a_file() {
    let (at, folder) = folder();
    let there = at.path().join("mappings/x.yaml");
    fs::create_dir_all(there.parent().unwrap()).unwrap();
    fs::write(&there, "mine").unwrap();
    let new = ["connectors/x/connector.yaml", "mappings/x.yaml"]
        .map(|name| New::text(name.to_owned(), "theirs"));
    let why = put::write(&folder, &new).unwrap_err().to_string();
    assert!(
        why.ends_with(
            "is there already, and nothing is written over it; give another name at the end"
        ),
        "{why}"
    );
    assert_eq!(fs::read_to_string(&there).unwrap(), "mine");
    assert!(!at.path().join("connectors").exists());
}

#[test]
fn a_name_is_told_from_files() {
    let typed = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        name_and_files(&words)
            .map(|(name, files)| (name.map(str::to_owned), files.len()))
            .ok()
    };
    assert_eq!(typed(&[]), Some((None, 0)));
    assert_eq!(
        typed(&["b.json", "drift", "c.ndjson"]),
        Some((Some("drift".to_owned()), 2))
    );
    assert_eq!(typed(&["drift", "watch"]), None);
}

#[test]
fn the_tests_that_are_written_are_what_the_mapping_gives() {
    let (_, written) = write(&of(&[json!({ "model": "m", "drifted": true })])).unwrap();
    let broken = text(&written.files, "acme-event.yaml")
        .replace("severity: medium, title", "severity: low, title");
    let (_at, folder) = folder();
    let mut files = written.files.clone();
    files.pop();
    files.push(New::text("mappings/acme-event.yaml".to_owned(), &broken));
    assert!(
        said(&folder, &files, "acme-event").contains("what was recorded is an alert"),
        "{broken}"
    );
}
