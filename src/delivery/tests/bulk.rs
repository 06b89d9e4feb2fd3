//! Manifests of other shapes: answers for each item, wrapped arrays, files.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Scene, revised, within};
use crate::alert::State;
use crate::catalog::Files;
use crate::delivery::batch;
use crate::delivery::{Way, event, start as begin_delivery};
use crate::expr::{Scope, Value as ExprValue};
use crate::sandbox::Fault;
use crate::sandbox::splunk::{Options, Token, start};
use crate::shape::Absent;

const BULK: &str = r"andon: connector/v1
name: bulk
about: A bulk API that answers for each item.
docs: https://example.com
verified: { with: the tests, how: contract }
settings:
  url: { is: url, about: where }
deliver:
  of: every
  post: /_bulk
  batch: { framing: newline, events: 10, wait: 5ms }
  event: { lines: [ { create: { _id: =alert.event_id } }, { title: =alert.title } ] }
  answers:
    - when: status == 200
      each: =body.items
      answers:
        - delivered: item.s == 200
        - retry: item.s == 503
        - refuse: otherwise
    - retry: otherwise
";

const WRAPPED: &str = r"andon: connector/v1
name: wrapped
about: An API that wraps its array.
docs: https://example.com
verified: { with: the tests, how: contract }
settings:
  url: { is: url, about: where }
deliver:
  of: every
  post: /events
  batch: { framing: array, in: records }
  event: { id: =alert.event_id }
  answers:
    - delivered: status == 200
    - refuse: otherwise
";

fn files() -> Files {
    let mut files = Files::built_in();
    for (name, text) in [("bulk", BULK), ("wrapped", WRAPPED)] {
        let path = format!("connectors/{name}/connector.yaml");
        files.put(&path, &path, text.as_bytes());
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn each_item_has_its_own_verdict() {
    let other_end = start(Options::with_token(Token::new("t"))).await.unwrap();
    let bulk = format!(
        "  bulk: {{ connector: bulk, url: \"{}\", reach: loopback }}",
        other_end.url()
    );
    let scene = Scene::idle(files(), &bulk, &[]);
    let alerts = [scene.alert("a"), scene.alert("b"), scene.alert("c")];
    let over = revised(&alerts[1], State::Resolved);
    let owed = [
        alerts[0].clone(),
        alerts[1].clone(),
        over,
        alerts[2].clone(),
    ];
    scene.owe_all("bulk", &owed).await;
    // The first request holds one row of each alert; the second what is put off; the third what was behind it.
    for items in [
        json!([{"s": 200}, {"s": 503}, {"s": 400}]),
        json!([{"s": 200}]),
        json!([{"s": 200}]),
    ] {
        other_end
            .faults()
            .then(Fault::Status(200, json!({ "items": items }).to_string()));
    }
    begin_delivery(&scene.live);
    within(async {
        while scene.waiting("bulk").await > 0 {
            scene.passes(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    let dead = scene.dead().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].revision.alert, alerts[2].id);
    assert_eq!(other_end.faults().requests(), 3);
    scene.stop().await;
}

#[tokio::test]
async fn events_are_framed_as_the_manifest_says() {
    let connections = "  bulk: { connector: bulk, url: \"https://a.example.com\" }\n  wrapped: { connector: wrapped, url: \"https://a.example.com\" }";
    let scene = Scene::idle(files(), connections, &[]);
    let snapshot = scene.live.snapshot();
    let alert = scene.alert("a");
    let framed = |name: &str| {
        let way = Way::to(&snapshot, name).unwrap();
        let event = event::render(&way, &alert).unwrap();
        String::from_utf8(batch::framed(way.deliver, &[&event, &event])).unwrap()
    };
    let id = alert.event_id();
    assert_eq!(
        framed("wrapped"),
        format!("{{\"records\":[{{\"id\":\"{id}\"}},{{\"id\":\"{id}\"}}]}}")
    );
    let one = format!("{{\"create\":{{\"_id\":\"{id}\"}}}}\n{{\"title\":\"a has drifted\"}}\n");
    assert_eq!(framed("bulk"), format!("{one}{one}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_gets_one_event_a_line() {
    let scene = Scene::begin("  local: { connector: file, path: out/alerts.ndjson }", &[]);
    let alert = scene.alert("income");
    scene
        .owe_all("local", &[alert.clone(), revised(&alert, State::Resolved)])
        .await;
    scene.empty("local").await;
    let text = std::fs::read_to_string(scene.folder.path().join("out/alerts.ndjson")).unwrap();
    let uids: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["metadata"]["uid"].clone())
        .collect();
    assert_eq!(
        uids,
        [
            json!(format!("{}-1", alert.id)),
            json!(format!("{}-2", alert.id))
        ]
    );
    assert_eq!(
        crate::delivery::test_event(&scene.live, "local")
            .await
            .unwrap(),
        "written"
    );
    scene.stop().await;
}

#[tokio::test]
async fn what_is_written_at_once_is_what_is_rendered() {
    let scene = super::soc_alone();
    let snapshot = scene.live.snapshot();
    let way = Way::to(&snapshot, "soc").unwrap();
    let mut alert = scene.alert("income \"\u{1b}[31m\\ {{x}}");
    alert.fields = json!({ "a": null, "b": [1, 2.5, "x"] })
        .as_object()
        .unwrap()
        .clone();
    let written = event::render(&way, &alert).unwrap().rendered;
    let shown = alert.shown(|_| true);
    let kind = &snapshot.catalog.kinds["feature-drift"];
    let product = crate::ocsf::Product {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let finding = crate::ocsf::finding(&alert, kind, &product).to_json();
    let names = &way.deliver.event_names;
    let mut scope = Scope::new(names);
    for (name, value) in [
        ("settings", &way.connection.settings),
        ("alert", &shown),
        ("ocsf", &finding),
    ] {
        scope.set(names.find(name).unwrap().0, ExprValue::from_json(value));
    }
    let none = serde_json::Map::new();
    let rendered = way
        .deliver
        .event
        .render(&scope, &none, Absent::LeftOut)
        .unwrap()
        .unwrap();
    assert_eq!(
        String::from_utf8(written.bytes).unwrap(),
        rendered.value.to_string()
    );
    assert_eq!(written.left_out, ["index"]);
    assert_eq!(written.left_out, rendered.left_out);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_file_cannot_take_waits_until_it_can() {
    let scene = Scene::idle(
        Files::built_in(),
        "  local: { connector: file, path: out/alerts.ndjson }",
        &[],
    );
    // Something else lies where the folder is to be.
    let in_the_way = scene.folder.path().join("out");
    std::fs::write(&in_the_way, "").unwrap();
    scene.owe("local", &scene.alert("income")).await;
    begin_delivery(&scene.live);
    scene
        .until("local", |standing| standing.last_error.is_some())
        .await;
    assert_eq!(scene.waiting("local").await, 1);
    assert!(scene.dead().await.is_empty());
    std::fs::remove_file(&in_the_way).unwrap();
    within(async {
        while scene.waiting("local").await > 0 {
            scene.passes(Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    let text = std::fs::read_to_string(in_the_way.join("alerts.ndjson")).unwrap();
    assert_eq!(text.lines().count(), 1);
    scene.stop().await;
}
