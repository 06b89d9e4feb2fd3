//! A destination that is stopped: resumed by hand, and by a new secret.

use std::time::Duration;

use super::splunk::{TOKEN, idle, many, options};
use super::{START, Scene, within};
use crate::catalog::Files;
use crate::delivery::{resume, start};
use crate::sandbox::Running;
use crate::sandbox::splunk::{Code, Indexer};

/// A collector that refused the first of five alerts; no time passes.
async fn stopped(token: &str, refusals: usize) -> (Running<Indexer>, Scene) {
    let (splunk, scene) = idle(Files::built_in(), options()).await;
    std::fs::write(scene.folder.path().join("hec"), token).unwrap();
    splunk.recorded().answer(refusals, Code::TokenDisabled);
    scene.owe_all("soc", &many(&scene, 5)).await;
    start(&scene.live);
    scene
        .until("soc", |standing| standing.stopped.is_some())
        .await;
    within(async {
        while scene.next_due("soc").await.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    (splunk, scene)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_resumed_is_tried_at_once_and_gets_all_that_waits() {
    let (splunk, scene) = stopped(TOKEN, 1).await;
    let put_off = resume(&scene.live, "soc", "boss").await.unwrap();
    assert!(put_off.unwrap() > 0);
    scene.empty("soc").await;
    assert_eq!(splunk.recorded().count(), 5);
    assert_eq!(scene.clock.now().to_string(), START);
    let standing = scene.standing("soc").await;
    assert_eq!((standing.stopped, standing.paused_until), (None, None));
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_still_refuses_gets_one_event_and_stays_stopped() {
    let (splunk, scene) = stopped(TOKEN, 2).await;
    let before = splunk.faults().requests();
    scene.clock.advance(Duration::from_secs(1));
    resume(&scene.live, "soc", "boss").await.unwrap();
    let next = START.parse::<jiff::Timestamp>().unwrap() + Duration::from_secs(61);
    scene
        .until("soc", |standing| standing.paused_until == Some(next))
        .await;
    assert_eq!(splunk.faults().requests(), before + 1);
    assert!(scene.standing("soc").await.stopped.is_some());
    assert_eq!(scene.waiting("soc").await, 5);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_in_its_file_is_tried_within_seconds() {
    let (splunk, scene) = stopped("an old token", 0).await;
    scene.passes(Duration::from_secs(3));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(splunk.faults().requests(), 1, "nothing has changed yet");
    std::fs::write(scene.folder.path().join("hec"), TOKEN).unwrap();
    scene.passes(Duration::from_secs(3));
    scene.empty("soc").await;
    assert_eq!(splunk.recorded().count(), 5);
    assert_eq!(scene.standing("soc").await.stopped, None);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_that_was_missing_is_tried_once_it_is_there() {
    let (splunk, scene) = idle(Files::built_in(), options()).await;
    let path = scene.folder.path().join("hec");
    std::fs::remove_file(&path).unwrap();
    scene.owe("soc", &scene.alert("income")).await;
    start(&scene.live);
    scene
        .until("soc", |standing| standing.stopped.is_some())
        .await;
    std::fs::write(&path, TOKEN).unwrap();
    scene.passes(Duration::from_secs(3));
    scene.empty("soc").await;
    assert_eq!(splunk.recorded().count(), 1);
    scene.stop().await;
}

#[tokio::test]
async fn nobody_is_not_resumed() {
    let scene = super::soc_alone();
    assert_eq!(resume(&scene.live, "sock", "boss").await.unwrap(), None);
}
