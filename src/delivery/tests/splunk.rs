//! At a Splunk collector.

use std::time::Duration;

use serde_json::{Value, json};

use super::{START, Scene, revised, within};
use crate::alert::{Alert, State};
use crate::catalog::Files;
use crate::delivery::start as begin_delivery;
use crate::sandbox::splunk::{Code, Indexer, Options, Token, start};
use crate::sandbox::{Fault, Running};

pub(super) const TOKEN: &str = "00000000-0000-0000-0000-000000000001";

/// A collector, and a scene in which delivery does not run yet.
pub(super) async fn idle(files: Files, options: Options) -> (Running<Indexer>, Scene) {
    idle_with(files, options, "").await
}

/// With these settings beside the usual ones.
pub(super) async fn idle_with(
    files: Files,
    options: Options,
    settings: &str,
) -> (Running<Indexer>, Scene) {
    let splunk = start(options).await.unwrap();
    let soc = format!(
        "  soc: {{ connector: splunk, url: \"{}\", reach: loopback, token: {{ file: hec }}{settings} }}",
        splunk.url()
    );
    let scene = Scene::idle(files, &soc, &[("hec", TOKEN)]);
    (splunk, scene)
}

pub(super) async fn begin() -> (Running<Indexer>, Scene) {
    let (splunk, scene) = idle(Files::built_in(), options()).await;
    begin_delivery(&scene.live);
    (splunk, scene)
}

pub(super) fn options() -> Options {
    Options::with_token(Token::new(TOKEN))
}

pub(super) fn many(scene: &Scene, count: usize) -> Vec<Alert> {
    (0..count)
        .map(|number| scene.alert(&format!("column {number}")))
        .collect()
}

/// The alerts' keys in the order in which their events were indexed.
pub(super) fn indexed(splunk: &Running<Indexer>) -> Vec<String> {
    let events = splunk.recorded().events();
    let id = |event: &Value| event["finding_info"]["uid"].as_str().unwrap().to_owned();
    events.iter().map(|event| id(&event.event)).collect()
}

pub(super) fn ids(alerts: &[Alert]) -> Vec<String> {
    alerts.iter().map(|alert| alert.id.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_revision_arrives_as_an_ocsf_event_in_its_own_envelope() {
    let (splunk, scene) = begin().await;
    let opened = scene.alert("income");
    let over = revised(&opened, State::Resolved);
    scene.owe_all("soc", &[opened.clone(), over]).await;
    scene.empty("soc").await;
    let events = splunk.recorded().events();
    assert_eq!(events[0].sourcetype, "ocsf:andon");
    assert_eq!(events[0].source, "andon");
    assert_eq!(events[0].host, "reports.example.com");
    assert_eq!(events[0].event["class_uid"], 2004);
    let uids: Vec<_> = events
        .iter()
        .map(|event| event.event["metadata"]["uid"].clone())
        .collect();
    let id = opened.id;
    assert_eq!(uids, [json!(format!("{id}-1")), json!(format!("{id}-2"))]);
    let standing = scene.standing("soc").await;
    assert_eq!(standing.last_delivered, Some(scene.clock.now()));
    assert_eq!(standing.last_error, None);
    let shown = crate::delivery::render(&scene.live.snapshot(), "soc", &opened).unwrap();
    let shown: Value = serde_json::from_slice(&shown.bytes).unwrap();
    assert_eq!(shown["event"], events[0].event);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_that_is_too_large_alone_is_a_dead_letter() {
    let tiny = Options {
        body_at_most: 100,
        ..options()
    };
    let (_splunk, scene) = idle(Files::built_in(), tiny).await;
    let mut alerts = many(&scene, 2);
    // Over the manifest's own bound: not even sent.
    alerts[1]
        .fields
        .insert("long".to_owned(), "x".repeat(1_000_000).into());
    scene.owe_all("soc", &alerts).await;
    begin_delivery(&scene.live);
    scene.empty("soc").await;
    let dead = scene.dead().await;
    assert_eq!(dead.len(), 2);
    let statuses: Vec<_> = dead.iter().map(|dead| dead.cause.status).collect();
    assert!(
        statuses.contains(&Some(413)) && statuses.contains(&None),
        "{statuses:?}"
    );
    let unsent = dead
        .iter()
        .find(|dead| dead.cause.status.is_none())
        .unwrap();
    assert!(
        unsent.cause.reason.contains("takes at most 1000000"),
        "{}",
        unsent.cause.reason
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_is_waited_for_to_the_second() {
    let (splunk, scene) = begin().await;
    splunk.faults().then(Fault::RetryAfter(503, 17));
    scene.owe("soc", &scene.alert("income")).await;
    scene
        .until("soc", |standing| standing.paused_until.is_some())
        .await;
    let then = START.parse::<jiff::Timestamp>().unwrap() + Duration::from_secs(17);
    within(async {
        while scene.next_due("soc").await != Some(then) {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(scene.standing("soc").await.paused_until, Some(then));
    // Another alert waits as well: it is the destination that is busy.
    scene.passes(Duration::from_millis(16_999));
    scene.owe("soc", &scene.alert("age")).await;
    assert_eq!(splunk.faults().requests(), 1);
    scene.passes(Duration::from_millis(1));
    scene.empty("soc").await;
    assert_eq!(splunk.recorded().count(), 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_stops_gets_a_probe_a_minute_and_loses_nothing() {
    let (splunk, scene) = begin().await;
    splunk.recorded().answer(2, Code::TokenDisabled);
    let alerts = many(&scene, 5);
    scene.owe_all("soc", &alerts).await;
    scene
        .until("soc", |standing| standing.stopped.is_some())
        .await;
    assert_eq!(scene.waiting("soc").await, 5);
    let requests = splunk.faults().requests();
    scene.passes(Duration::from_secs(61));
    within(async {
        while splunk.faults().requests() == requests {
            tokio::task::yield_now().await;
        }
    })
    .await;
    within(async {
        while scene.live.clock.now()
            < START.parse::<jiff::Timestamp>().unwrap() + Duration::from_hours(1)
        {
            scene.passes(Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    scene.empty("soc").await;
    assert_eq!(splunk.recorded().count(), 5);
    let standing = scene.standing("soc").await;
    assert_eq!(standing.stopped, None);
    assert!(standing.last_error.unwrap().contains("Token disabled"));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_loses_nothing_and_keeps_the_order() {
    let (splunk, scene) = begin().await;
    let alerts = many(&scene, 30);
    let over: Vec<Alert> = alerts
        .iter()
        .map(|alert| revised(alert, State::Resolved))
        .collect();
    splunk.faults().then(Fault::Status(503, String::new()));
    splunk.faults().then(Fault::AcceptAndLoseAnswer);
    scene.owe_all("soc", &alerts).await;
    scene
        .until("soc", |standing| standing.last_error.is_some())
        .await;
    let scene = scene.restarted().await;
    scene.owe_all("soc", &over).await;
    within(async {
        while scene.waiting("soc").await > 0 {
            scene.passes(Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    super::order::holds(&splunk, &alerts, 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_says_what_was_answered() {
    let (splunk, scene) = begin().await;
    let said = crate::delivery::test_event(&scene.live, "soc")
        .await
        .unwrap();
    assert_eq!(
        said,
        r#"delivered: status 200: {"text":"Success","code":0}"#
    );
    let event = &splunk.recorded().events()[0].event;
    assert_eq!(
        event["message"],
        "Test event from Andon: nothing has happened"
    );
    splunk.recorded().answer(1, Code::TokenDisabled);
    let error = crate::delivery::test_event(&scene.live, "soc")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"`soc` did not take the event: stop, status 403: {"text":"Token disabled","code":1}"#
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_snapshot_takes_over_at_once() {
    let (wrong, scene) = begin().await;
    wrong.recorded().answer(1_000, Code::InvalidToken);
    let alerts = many(&scene, 3);
    scene.owe_all("soc", &alerts).await;
    scene
        .until("soc", |standing| standing.stopped.is_some())
        .await;
    let right = start(options()).await.unwrap();
    let mended = scene.connections.replace(wrong.url(), right.url());
    let made = super::snapshot(&scene.files, scene.folder.path(), &mended, &scene.clock);
    scene.live.swap(made);
    // What was put off keeps its time.
    scene.passes(Duration::from_mins(1));
    scene.empty("soc").await;
    super::order::holds(&right, &alerts, 1);
    scene.stop().await;
}
