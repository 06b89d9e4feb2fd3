//! What `explain` says of built-in mappings and the recorded samples beside their connectors.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::given::{self, As};
use super::outlook::{self, Known};
use super::story::{Story, story};
use super::text;
use crate::catalog::{Catalog, Files, load};
use crate::clock::Clock;
use crate::diag::{Faults, Format, Source, render};
use crate::live::Snapshot;
use crate::mapping::Mapping;
use crate::signal::{Signal, SignalName};

const CONFIG: &str = "\
andon: config/v1
connections:
  registry: { connector: mlflow, url: 'https://mlflow.local', webhook_secret: { env: MLFLOW } }
  drift: { connector: evidently, folder: reports }
  soc: { connector: splunk, url: 'https://hec.example.com:8088', token: { env: HEC } }
  oncall: { connector: pagerduty, routing_key: { env: PD_KEY } }
routes:
  - to: [soc]
  - when: alert.severity >= high
    to: [oncall]
";

fn snapshot() -> Snapshot {
    Snapshot::to_look_at(catalog(), std::path::Path::new("."), Clock::system())
}

fn catalog() -> Catalog {
    let config: Arc<Source> = Source::new("andon.yaml", CONFIG);
    let mut faults = Faults::new();
    let catalog = load(&Files::built_in(), &config, &mut faults);
    let said = render(&faults.into_sorted(), Format::Text { color: false });
    catalog.unwrap_or_else(|| panic!("{said}"))
}

fn read(
    catalog: &Catalog,
    mapping: &str,
    file: &str,
    bytes: &[u8],
) -> Result<Vec<Signal>, given::Error> {
    let name: SignalName = catalog.mappings.get(mapping).unwrap().from.clone();
    let connection = catalog
        .config
        .connections
        .iter()
        .find(|connection| connection.connector.name == name.connector)
        .unwrap();
    let wanted = As {
        name: &name,
        rule: catalog.signal(&name).unwrap(),
        connection: &connection.name,
        settings: &connection.settings,
        now: "2026-11-23T09:00:00Z".parse().unwrap(),
    };
    given::from_bytes(file, bytes.to_vec(), wanted)
}

fn sample(mapping: &str, found: &Json) -> Vec<Story> {
    let snapshot = snapshot();
    let catalog = &snapshot.catalog;
    let judged = Arc::clone(catalog.mappings.get(mapping).unwrap());
    let rule = catalog.signal(&judged.from).unwrap();
    let file = rule.sample.clone().unwrap();
    let path = format!("connectors/{}/{file}", judged.from.connector);
    let bytes = Files::built_in().get(&path).unwrap().bytes.clone();
    let found = found.as_object().cloned().unwrap_or_default();
    read(catalog, mapping, &file, &bytes)
        .unwrap()
        .iter()
        .map(|signal| whole(&snapshot, &judged, signal, &found))
        .collect()
}

/// The story where no daemon is asked and nothing is open.
fn whole(
    snapshot: &Snapshot,
    mapping: &Mapping,
    signal: &Signal,
    found: &Map<String, Json>,
) -> Story {
    let mut story = story(&snapshot.catalog, mapping, signal, found);
    let judged = mapping.judge(signal, found);
    outlook::add(&mut story, snapshot, mapping, signal, &judged, Known::None);
    story
}

fn told(mapping: &str, data: &Json) -> String {
    let snapshot = snapshot();
    let catalog = &snapshot.catalog;
    let judged = Arc::clone(catalog.mappings.get(mapping).unwrap());
    let signals = read(catalog, mapping, "x.json", data.to_string().as_bytes()).unwrap();
    let stories: Vec<Story> = signals
        .iter()
        .map(|signal| whole(&snapshot, &judged, signal, &Map::new()))
        .collect();
    text::all(&stories, false)
}

#[test]
fn a_promotion_without_an_evaluation_is_told_part_by_part() {
    let version = json!({ "version": { "name": "fraud-detector", "version": "2", "tags": [{ "key": "eval", "value": "failed" }] } });
    let stories = sample("mlflow-unreviewed-promotion", &version);
    insta::assert_snapshot!(text::all(&stories, false), @r#"
    signal   mlflow/alias-created  registry  179bf0a1-da7d-4cc2-915a-96e87cb1fca1  2026-11-23T08:35:15.730547Z
    look up  version  GET /api/2.0/mlflow/model-versions/get?name=fraud-detector&version=2 at registry  given
    when     true     signal.alias in ["champion", "production"]  "champion"
             true     !(version != null && has(version.tags) && version.tags.exists(t, t.key == "eval" && t.value == "passed"))
             true       version != null                           {"name":"fraud-detector","version":"2","tags":[{"key":"eval","value":"failed"}]}
             true       has(version.tags)
             false      version.tags.exists(t, t.key == "eval" && t.value == "passed")  [{"key":"eval","value":"failed"}]
    severity high     otherwise
    title    champion of fraud-detector now points at version 2, which has not passed its evaluation
    same as  fraud-detector · 2      closes after 7d without another
    model    name "fraud-detector"
             version "2"
    fields   model_name "fraud-detector"
             model_version "2"
             alias "champion"
             stage absent, so left out
    evidence run absent, so left out
             source absent, so left out
    contain  mlflow/move-alias at registry  model "fraud-detector", alias "champion", asks for version
             mlflow/tag-version at registry  model "fraud-detector", version "2"
    triage   opens an alert: none of this key is open
    send     soc     would be sent, 1 event, 3,132 bytes
             oncall  would be sent, 1 event, 1,652 bytes, dedup_key alt_0000000000000
    "#);
}

#[test]
fn what_has_to_be_looked_up_is_said() {
    let stories = sample("mlflow-unreviewed-promotion", &Json::Null);
    insta::assert_snapshot!(text::all(&stories, false), @r"
    signal   mlflow/alias-created  registry  179bf0a1-da7d-4cc2-915a-96e87cb1fca1  2026-11-23T08:35:15.730547Z
    look up  version  GET /api/2.0/mlflow/model-versions/get?name=fraud-detector&version=2 at registry  needed
    gives    nothing yet: give what was looked up with --look-up FILE.json, a map by these names
    ");
}

#[test]
fn each_recorded_drift_test_is_told_on_its_own() {
    let stories = sample("evidently-column-drift", &Json::Null);
    insta::assert_snapshot!(text::all(&stories, false), @r#"
    signal   evidently/test  drift  ["4ab782618f44fe7b6862d83f117b92c4757f3…  2026-11-23T09:00:00Z
    when     true     signal.status == "FAIL"        "FAIL"
             false    signal.metric == "ValueDrift"  "DriftedColumnsCount"
    let      distance default(signal.?method, "").contains("p_value") == false  true
    resolve  false    signal.status == "SUCCESS"     "FAIL"
             -        signal.metric == "ValueDrift"
    gives    nothing

    signal   evidently/test  drift  ["4ab782618f44fe7b6862d83f117b92c4757f3…  2026-11-23T09:00:00Z
    when     true     signal.status == "FAIL"        "FAIL"
             true     signal.metric == "ValueDrift"  "ValueDrift"
    let      distance default(signal.?method, "").contains("p_value") == false  false
    severity medium   otherwise                      (high: false, distance is false)
    title    amount of samples has drifted from its reference
    same as  samples · amount
    model    name "samples"
             type "Dataset"
    fields   dataset "samples"
             column "amount"
             value 7.000275694194926e-215
    measured what "K-S p_value"
             value 7.000275694194926e-215
             limit 0.05
    evidence report "samples/test.json"
    contain  mlflow/move-alias at registry  alias "champion", asks for model, version
    triage   opens an alert: none of this key is open
    send     soc     would be sent, 1 event, 2,682 bytes
             oncall  not sent: alert.severity >= high is false (alert.severity is "medium")

    signal   evidently/test  drift  ["4ab782618f44fe7b6862d83f117b92c4757f3…  2026-11-23T09:00:00Z
    when     false    signal.status == "FAIL"        "SUCCESS"
             -        signal.metric == "ValueDrift"
    let      distance default(signal.?method, "").contains("p_value") == false  false
    resolve  true     signal.status == "SUCCESS"     "SUCCESS"
             true     signal.metric == "ValueDrift"  "ValueDrift"
    gives    resolved: closes the open alert of samples · age
    triage   closes nothing: no alert of this key is open

    signal   evidently/test  drift  ["4ab782618f44fe7b6862d83f117b92c4757f3…  2026-11-23T09:00:00Z
    when     true     signal.status == "FAIL"        "FAIL"
             true     signal.metric == "ValueDrift"  "ValueDrift"
    let      distance default(signal.?method, "").contains("p_value") == false  false
    severity medium   otherwise                      (high: false, distance is false)
    title    score of samples has drifted from its reference
    same as  samples · score
    model    name "samples"
             type "Dataset"
    fields   dataset "samples"
             column "score"
             value 3.3145689058581114e-11
    measured what "K-S p_value"
             value 3.3145689058581114e-11
             limit 0.05
    evidence report "samples/test.json"
    contain  mlflow/move-alias at registry  alias "champion", asks for model, version
    triage   opens an alert: none of this key is open
    send     soc     would be sent, 1 event, 2,679 bytes
             oncall  not sent: alert.severity >= high is false (alert.severity is "medium")

    signal   evidently/test  drift  ["4ab782618f44fe7b6862d83f117b92c4757f3…  2026-11-23T09:00:00Z
    when     true     signal.status == "FAIL"        "FAIL"
             true     signal.metric == "ValueDrift"  "ValueDrift"
    let      distance default(signal.?method, "").contains("p_value") == false  false
    severity medium   otherwise                      (high: false, distance is false)
    title    country of samples has drifted from its reference
    same as  samples · country
    model    name "samples"
             type "Dataset"
    fields   dataset "samples"
             column "country"
             value 0.0
    measured what "chi-square p_value"
             value 0.0
             limit 0.05
    evidence report "samples/test.json"
    contain  mlflow/move-alias at registry  alias "champion", asks for model, version
    triage   opens an alert: none of this key is open
    send     soc     would be sent, 1 event, 2,661 bytes
             oncall  not sent: alert.severity >= high is false (alert.severity is "medium")
    "#);
}

#[test]
fn a_script_reads_the_same_facts() {
    let mut stories = sample("mlflow-budget-exceeded", &Json::Null);
    for sent in stories.iter_mut().flat_map(|story| &mut story.send) {
        sent.goes = None;
        sent.left_out.clear();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&stories).unwrap(), @r#"
    [
      {
        "mapping": "mlflow-budget-exceeded",
        "status": "stable",
        "signal": {
          "name": "mlflow/budget-exceeded",
          "connection": "registry",
          "id": "a0f29332-f832-4fe2-9a29-2c25ee7ded4b",
          "at": "2026-11-23T08:34:30.919733Z"
        },
        "look_up": [],
        "when": [
          {
            "depth": 0,
            "text": "signal.current_spend >= signal.budget_amount",
            "gives": {
              "value": true
            },
            "values": [
              {
                "text": "signal.current_spend",
                "gives": {
                  "value": 105.5
                }
              },
              {
                "text": "signal.budget_amount",
                "gives": {
                  "value": 100.0
                }
              }
            ]
          }
        ],
        "let": [
          {
            "name": "ratio",
            "text": "signal.budget_amount > 0 ? double(signal.current_spend) / double(signal.budget_amount) : 1.0",
            "gives": {
              "value": 1.055
            }
          }
        ],
        "gives": "alert",
        "alert": {
          "severity": "low",
          "because": [],
          "not": [
            {
              "severity": "high",
              "gives": {
                "value": false
              },
              "values": [
                {
                  "text": "ratio",
                  "gives": {
                    "value": 1.055
                  }
                }
              ]
            },
            {
              "severity": "medium",
              "gives": {
                "value": false
              },
              "values": [
                {
                  "text": "ratio",
                  "gives": {
                    "value": 1.055
                  }
                }
              ]
            }
          ],
          "title": "Budget of ep-support-agent exceeded: 105.5 of 100.0 USD",
          "summary": "",
          "same_as": [
            "bp-7d41e0",
            "ep-support-agent"
          ],
          "quiet_seconds": 86400,
          "leaves": {
            "evidence": [
              {
                "name": "policy",
                "value": "bp-7d41e0",
                "notes": []
              }
            ],
            "fields": [
              {
                "name": "target",
                "value": "ep-support-agent",
                "notes": []
              },
              {
                "name": "scope",
                "value": "ENDPOINT",
                "notes": []
              },
              {
                "name": "spend",
                "value": 105.5,
                "notes": []
              },
              {
                "name": "budget",
                "value": 100.0,
                "notes": []
              },
              {
                "name": "unit",
                "value": "USD",
                "notes": []
              },
              {
                "name": "window_start",
                "value": "2026-11-01T00:00:00Z",
                "notes": []
              }
            ],
            "measured": [
              {
                "name": "what",
                "value": "spend",
                "notes": []
              },
              {
                "name": "value",
                "value": 105.5,
                "notes": []
              },
              {
                "name": "limit",
                "value": 100.0,
                "notes": []
              }
            ],
            "model": [
              {
                "name": "name",
                "value": "ep-support-agent",
                "notes": []
              },
              {
                "name": "type",
                "value": "AI Gateway",
                "notes": []
              }
            ]
          },
          "contain": []
        },
        "resolve": [],
        "triage": {
          "does": "opens",
          "open": null,
          "not_asked": null
        },
        "send": [
          {
            "to": "soc",
            "is_sent": true,
            "why_not": null,
            "looked": [],
            "bytes": 2529,
            "key": null,
            "left_out": [],
            "dropped": [],
            "request": null
          },
          {
            "to": "oncall",
            "is_sent": false,
            "why_not": "alert.severity >= high is false",
            "looked": [
              {
                "text": "alert.severity",
                "gives": {
                  "value": "low"
                }
              }
            ],
            "bytes": 0,
            "key": null,
            "left_out": [],
            "dropped": [],
            "request": null
          }
        ]
      }
    ]
    "#);
}

#[test]
fn what_was_cut_removed_or_left_out_is_said() {
    let hostile = json!({
        "status": "FAIL", "metric": "ValueDrift", "value": 0.9, "threshold": 0.1, "dataset": format!("a\u{1b}[2J\u{202e}{}", "x".repeat(5_000)),
        "path": "r.json",
    });
    let told = told("evidently-column-drift", &hostile);
    assert!(!told.chars().any(|c| c.is_control() && c != '\n'));
    assert!(
        told.contains("kept 4,096; 2 hidden characters shown as \\u{…}"),
        "{told}"
    );
    assert!(told.contains("column absent, so left out"), "{told}");
}

#[test]
fn a_destination_gets_no_secret_and_the_bytes_are_counted() {
    let data = json!({ "status": "FAIL", "metric": "ValueDrift", "value": 0.9, "threshold": 0.1, "method": "psi", "dataset": "loans", "column": "income", "path": "r.json" });
    let snapshot = snapshot();
    let catalog = &snapshot.catalog;
    let judged = Arc::clone(catalog.mappings.get("evidently-column-drift").unwrap());
    let signals = read(
        catalog,
        "evidently-column-drift",
        "x.json",
        data.to_string().as_bytes(),
    )
    .unwrap();
    let story = whole(&snapshot, &judged, signals.first().unwrap(), &Map::new());
    let oncall = story.send.iter().find(|sent| sent.to == "oncall").unwrap();
    let goes = oncall.goes.as_ref().unwrap();
    let event: Json = serde_json::from_str(&goes.body).unwrap();
    assert_eq!(
        event.get("routing_key"),
        Some(&json!("<secret routing_key>"))
    );
    assert_eq!(oncall.bytes, goes.body.len());
    assert!(oncall.goes_out);
    let shown = text::text(&story, true);
    for line in [
        "POST https://hec.example.com:8088/services/collector/event",
        "authorization: Splunk <secret token>",
        "content-encoding: gzip",
        "POST https://events.pagerduty.com/v2/enqueue",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

#[test]
fn a_file_that_is_neither_data_nor_a_capture_is_refused_with_both_reasons() {
    let catalog = catalog();
    let error = read(&catalog, "evidently-column-drift", "x.json", b"{\"a\": 1}").unwrap_err();
    insta::assert_snapshot!(error, @r"`x.json` is neither data of `evidently/test` (it does not fit schemas/test.json) nor something that `evidently/test` arrives in (`body.tests.exists(t, has(t.metric_config))` does not hold)");
    let error = read(&catalog, "evidently-column-drift", "x.json", b"{\"a\": ").unwrap_err();
    insta::assert_snapshot!(error, @r"`x.json` is no JSON: it breaks off at line 1, column 6");
}
