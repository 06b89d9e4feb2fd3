//! At PagerDuty's Events API.

use std::time::Duration;

use serde_json::json;

use super::{Scene, revised, within};
use crate::alert::{Severity, State};
use crate::sandbox::pagerduty::{Options, Pager, Status, start};
use crate::sandbox::{Fault, Running};

const KEY: &str = "0123456789abcdef0123456789abcdef";

async fn begin() -> (Running<Pager>, Scene) {
    let pager = start(Options::with_key(KEY)).await.unwrap();
    let oncall = format!(
        "  oncall: {{ connector: pagerduty, url: \"{}\", reach: loopback, routing_key: {{ file: key }} }}",
        pager.url()
    );
    let scene = Scene::begin(&oncall, &[("key", KEY)]);
    (pager, scene)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_triggers_and_resolves_one_incident() {
    let (pager, scene) = begin().await;
    let alert = scene.alert("income");
    scene.owe("oncall", &alert).await;
    scene.empty("oncall").await;
    let incident = pager.recorded().incident(&alert.id.to_string()).unwrap();
    assert_eq!(incident.status, Status::Triggered);
    assert_eq!(
        incident.event["payload"]["summary"],
        "[HIGH] income has drifted in production"
    );
    assert_eq!(incident.event["payload"]["severity"], "error");
    assert_eq!(incident.event["client"], "Andon");
    scene.owe("oncall", &revised(&alert, State::Resolved)).await;
    scene.empty("oncall").await;
    let incident = pager.recorded().incident(&alert.id.to_string()).unwrap();
    assert_eq!(incident.status, Status::Resolved);
    assert_eq!(pager.recorded().count(), 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_revisions_become_the_newest_one() {
    let (pager, scene) = begin().await;
    let first = scene.alert("income");
    pager.faults().then(Fault::RetryAfter(503, 30));
    scene.owe("oncall", &first).await;
    scene
        .until("oncall", |standing| standing.paused_until.is_some())
        .await;
    let mut worse = revised(&first, State::Updated);
    worse.severity = Severity::Critical;
    let mut last = revised(&worse, State::Updated);
    last.severity = Severity::Medium;
    let other = scene.alert("age");
    scene.owe_all("oncall", &[worse, other, last]).await;
    within(async {
        while scene.next_due("oncall").await.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    scene.passes(Duration::from_secs(30));
    within(async {
        while scene.waiting("oncall").await > 0 {
            scene.passes(Duration::from_millis(500));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    assert_eq!(pager.recorded().count(), 2, "one for each alert");
    let incident = pager.recorded().incident(&first.id.to_string()).unwrap();
    assert_eq!(incident.event["payload"]["severity"], "warning");
    assert_eq!(incident.event["payload"]["custom_details"]["revision"], 3);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_summary_is_cut_and_what_does_not_fit_is_dropped_and_said() {
    let (pager, scene) = begin().await;
    let mut alert = scene.alert("income");
    alert.title = "é".repeat(2_000);
    alert
        .model
        .insert("environment".to_owned(), "ü".repeat(500).into());
    alert.evidence = json!({ "log": "x".repeat(600_000) })
        .as_object()
        .unwrap()
        .clone();
    scene.owe("oncall", &alert).await;
    scene.empty("oncall").await;
    let incident = pager.recorded().incident(&alert.id.to_string()).unwrap();
    let payload = &incident.event["payload"];
    assert_eq!(payload["summary"].as_str().unwrap().chars().count(), 1024);
    assert_eq!(payload["custom_details"].get("evidence"), None);
    assert_eq!(payload["custom_details"]["revision"], 1);
    assert_eq!(
        payload["custom_details_dropped"],
        json!(["payload.custom_details.evidence"])
    );
    let mut hopeless = scene.alert("age");
    hopeless.kind = "k".repeat(600_000);
    scene.owe("oncall", &hopeless).await;
    scene.empty("oncall").await;
    let dead = scene.dead().await;
    assert_eq!(dead.len(), 1);
    assert!(
        dead[0].cause.reason.contains("takes at most 512000"),
        "{}",
        dead[0].cause.reason
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_leaves_no_incident_open() {
    let (pager, scene) = begin().await;
    crate::delivery::test_event(&scene.live, "oncall")
        .await
        .unwrap();
    let incidents = pager.recorded().incidents();
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0].status, Status::Resolved);
    scene.stop().await;
}
