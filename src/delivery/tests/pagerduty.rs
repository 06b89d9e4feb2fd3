//! At PagerDuty's Events API.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::splunk::many;
use super::{Scene, changed, revised, within};
use crate::alert::{Link, Severity, State};
use crate::catalog::Files;
use crate::clock::Clock;
use crate::delivery::start as begin_delivery;
use crate::sandbox::pagerduty::{Options, Pager, Status, start, start_at};
use crate::sandbox::{Fault, Running};

const KEY: &str = "0123456789abcdef0123456789abcdef";

pub(super) async fn begin() -> (Running<Pager>, Scene) {
    let (pager, scene) = idle(Files::built_in()).await;
    begin_delivery(&scene.live);
    (pager, scene)
}

/// A pager, and a scene in which delivery does not run yet.
pub(super) async fn idle(files: Files) -> (Running<Pager>, Scene) {
    let pager = start(Options::with_key(KEY)).await.unwrap();
    let oncall = format!(
        "  oncall: {{ connector: pagerduty, url: \"{}\", reach: loopback, routing_key: {{ file: key }} }}",
        pager.url()
    );
    let scene = Scene::idle(files, &oncall, &[("key", KEY)]);
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
async fn of_an_outage_the_pager_hears_what_is_open_and_what_it_knew() {
    let (pager, scene) = begin().await;
    let known = scene.alert("income");
    scene.owe("oncall", &known).await;
    scene.empty("oncall").await;
    pager.faults().then(Fault::RetryAfter(503, 30));
    let tried = scene.alert("age");
    scene.owe("oncall", &tried).await;
    scene
        .until("oncall", |standing| standing.paused_until.is_some())
        .await;
    let (short, open) = (scene.alert("postcode"), scene.alert("tenure"));
    let mut worse = revised(&short, State::Updated);
    worse.severity = Severity::Critical;
    let last = revised(&worse, State::Resolved);
    let all = [
        short.clone(),
        worse,
        revised(&known, State::Resolved),
        open.clone(),
        revised(&tried, State::Resolved),
        last,
    ];
    scene.owe_all("oncall", &all).await;
    within(async {
        while scene.waiting("oncall").await > 0 {
            scene.passes(Duration::from_secs(1));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    let status = |alert: &crate::alert::Alert| {
        let incident = pager.recorded().incident(&alert.id.to_string());
        incident.map(|incident| incident.status)
    };
    assert_eq!(status(&known), Some(Status::Resolved));
    assert_eq!(status(&open), Some(Status::Triggered));
    assert_eq!(status(&short), None, "it came and went");
    // Nobody knows what became of the first try: it is resolved all the same.
    assert_eq!(
        pager.recorded().count(),
        4,
        "one for each but the short one, and the first"
    );
    scene.stop().await;
}

fn link(text: &str, href: &str) -> Link {
    Link {
        text: text.to_owned(),
        href: href.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_event_that_is_too_large_long_texts_are_cut_and_links_stay_whole() {
    let (pager, scene) = begin().await;
    let mut alert = scene.alert("income");
    alert.title = "é".repeat(2_000);
    let environment = "ü".repeat(500);
    alert
        .model
        .insert("environment".to_owned(), environment.clone().into());
    let long = "é".repeat(300_000);
    alert.evidence = json!({ "log": [{ "line": long }], "run": 7 })
        .as_object()
        .unwrap()
        .clone();
    let href = format!("https://andon.example.com/{}", "a".repeat(2_000));
    alert.links = vec![link("Andon record", &href)];
    scene.owe("oncall", &alert).await;
    scene.empty("oncall").await;
    let incident = pager.recorded().incident(&alert.id.to_string()).unwrap();
    let payload = &incident.event["payload"];
    assert!(payload["summary"].as_str().unwrap().len() <= 1024);
    let details = &payload["custom_details"];
    let line = details["evidence"]["log"][0]["line"].as_str().unwrap();
    assert!(line.ends_with("é…[cut]") && line.len() <= 1_000, "{line}");
    assert_eq!(details["evidence"]["run"], 7);
    assert_eq!(details["model"]["environment"], environment.as_str());
    assert_eq!(payload.get("custom_details_dropped"), None);
    assert_eq!(incident.event["client_url"], href.as_str());
    assert_eq!(incident.event["links"][0]["href"], href.as_str());
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_too_large_is_dropped_and_said() {
    let (pager, scene) = begin().await;
    let mut alert = scene.alert("income");
    let short = "x".repeat(900);
    alert.evidence = (0..600)
        .map(|number| (format!("k{number}"), short.clone().into()))
        .collect();
    alert.links = vec![link("Andon record", "https://andon.example.com/1")];
    // The worst there can be: nothing that a signal says is short.
    let mut worst = scene.alert(&"t".repeat(600_000));
    worst.kind = "k".repeat(600_000);
    worst.links = vec![
        link("Andon record", "https://andon.example.com/2"),
        link("Source", &"h".repeat(600_000)),
    ];
    for words in [
        &mut worst.model,
        &mut worst.fields,
        &mut worst.evidence,
        &mut worst.measured,
    ] {
        *words = (0..2_000)
            .map(|number| (format!("k{number}"), short.clone().into()))
            .collect();
    }
    worst
        .model
        .insert("name".to_owned(), "n".repeat(600_000).into());
    scene
        .owe_all("oncall", &[alert.clone(), worst.clone()])
        .await;
    scene.empty("oncall").await;
    assert!(scene.dead().await.is_empty());
    let incident =
        |alert: &crate::alert::Alert| pager.recorded().incident(&alert.id.to_string()).unwrap();
    let payload = &incident(&alert).event["payload"];
    assert_eq!(payload["custom_details"].get("evidence"), None);
    assert_eq!(payload["custom_details"]["revision"], 1);
    assert_eq!(
        payload["custom_details_dropped"],
        json!(["payload.custom_details.evidence"])
    );
    let event = incident(&worst).event;
    assert_eq!(event["client_url"], "https://andon.example.com/2");
    assert_eq!(event.get("links"), None);
    assert_eq!(event["payload"]["severity"], "error");
    assert!(
        event["payload"]["class"]
            .as_str()
            .unwrap()
            .ends_with("…[cut]")
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_pagerduty_calls_too_large_is_halved_until_it_is_taken() {
    let (pager, scene) = begin().await;
    let mut alert = scene.alert("income");
    alert.evidence = json!({ "log": "x".repeat(100_000) })
        .as_object()
        .unwrap()
        .clone();
    let too_large = Fault::Status(413, "Request Entity Too Large".to_owned());
    pager.faults().then_times(2, &too_large);
    scene.owe("oncall", &alert).await;
    scene.empty("oncall").await;
    assert!(scene.dead().await.is_empty());
    let incident = pager.recorded().incident(&alert.id.to_string()).unwrap();
    let dropped = incident.event["payload"]["custom_details_dropped"].clone();
    assert_eq!(dropped[0], "payload.custom_details.evidence");
    // One that cannot become smaller any more is given up, not tried for ever.
    pager.faults().then_times(50, &too_large);
    scene.owe("oncall", &scene.alert("age")).await;
    scene.empty("oncall").await;
    assert_eq!(scene.dead().await.len(), 1);
    assert!(pager.faults().waiting() > 40);
    scene.stop().await;
}

#[tokio::test]
async fn a_resolve_has_three_fields() {
    let scene = super::soc_alone();
    let mut over = scene.alert("income");
    over.state = State::Resolved;
    over.links = vec![link("Andon record", "https://andon.example.com/1")];
    let shown = crate::delivery::render(&scene.live.snapshot(), "oncall", &over).unwrap();
    let event: serde_json::Value = serde_json::from_slice(&shown.bytes).unwrap();
    assert_eq!(
        event,
        json!({ "routing_key": null, "event_action": "resolve", "dedup_key": over.id })
    );
}

/// The pager counts by the same clock: where no time passes it takes twelve calls. A call too many is
/// answered 429, and would be sent again.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_calls_are_made_than_pagerduty_takes() {
    let clock = Clock::stopped(super::START.parse().unwrap());
    let options = Options {
        per_minute: 12,
        ..Options::with_key(KEY)
    };
    let pager = start_at(options, clock.clone()).await.unwrap();
    let oncall = format!(
        "  oncall: {{ connector: pagerduty, url: \"{}\", reach: loopback, routing_key: {{ file: key }} }}",
        pager.url()
    );
    let scene = Scene::idle_at(clock, Files::built_in(), &oncall, &[("key", KEY)]);
    scene.owe_all("oncall", &many(&scene, 20)).await;
    begin_delivery(&scene.live);
    within(pager.recorded().reaches(12)).await;
    scene.passes(Duration::from_mins(1));
    within(pager.recorded().reaches(20)).await;
    scene.empty("oncall").await;
    assert_eq!(pager.faults().requests(), 20);
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

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_again_smaller_takes_its_turn_too() {
    let files = changed("pagerduty", &[("rate: 120/1m", "rate: 1/1h")]);
    let (pager, scene) = idle(files).await;
    pager.faults().then(Fault::Status(413, String::new()));
    scene.owe("oncall", &scene.alert("income")).await;
    begin_delivery(&scene.live);
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(2)).await;
        scene.passes(Duration::from_secs(1));
    }
    assert_eq!(pager.faults().requests(), 1);
    assert_eq!(scene.waiting("oncall").await, 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pager_that_stays_busy_is_asked_less_and_less_often() {
    let (pager, scene) = begin().await;
    pager
        .faults()
        .then_times(9, &Fault::Status(429, String::new()));
    scene.owe("oncall", &scene.alert("income")).await;
    within(async {
        while pager.faults().waiting() > 0 {
            scene.passes(Duration::from_secs(60));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let now = scene.clock.now();
    scene
        .until("oncall", |standing| {
            standing.paused_until.is_some_and(|until| until > now)
        })
        .await;
    let until = scene.standing("oncall").await.paused_until.unwrap();
    // `for: 30s` is the least; after nine tries it is from half of 256 seconds to all of them.
    assert!(until.duration_since(now) >= SignedDuration::from_secs(128));
    scene.stop().await;
}
