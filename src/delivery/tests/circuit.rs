//! The circuit breaker, and that a dead destination costs the others nothing.

use std::time::Duration;

use super::splunk::{TOKEN, begin, idle, many, options};
use super::{START, Scene, changed, within};
use crate::catalog::Files;
use crate::delivery::start;
use crate::live::Circuit;
use crate::sandbox::splunk::{Code, start as collector};
use crate::sandbox::{Fault, pagerduty};

/// Lets time pass, a pause at a time, until so many requests came.
async fn after_requests(scene: &Scene, requests: impl Fn() -> u64, count: u64) {
    within(async {
        while requests() < count {
            let paused = scene.standing("soc").await.paused_until;
            let left = paused.map(|until| until.duration_since(scene.clock.now()));
            let left = left.and_then(|left| Duration::try_from(left).ok());
            scene.passes(left.unwrap_or_default());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_opens_after_three_failures_tries_one_event_and_closes() {
    let (splunk, scene) = idle(Files::built_in(), options()).await;
    splunk
        .faults()
        .then_times(3, &Fault::Status(503, String::new()));
    splunk.faults().then(Fault::SlowBy(Duration::ZERO));
    splunk.faults().then_times(4, &Fault::Hang);
    scene.owe_all("soc", &many(&scene, 40)).await;
    start(&scene.live);
    for failures in 1..=3 {
        after_requests(&scene, || splunk.faults().requests(), failures).await;
        scene
            .until("soc", |standing| standing.paused_until.is_some())
            .await;
        let wanted = if failures < 3 {
            Circuit::Closed
        } else {
            Circuit::Open
        };
        scene
            .until("soc", |standing| standing.circuit == wanted)
            .await;
    }
    // The probe is taken; what follows it hangs.
    after_requests(&scene, || splunk.faults().requests(), 5).await;
    assert_eq!(splunk.recorded().count(), 1, "the probe was one event");
    scene
        .until("soc", |standing| standing.circuit == Circuit::Closed)
        .await;
    splunk.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_probe_is_on_its_way_nothing_else_is() {
    let (splunk, scene) = idle(Files::built_in(), options()).await;
    splunk.recorded().answer(1, Code::TokenDisabled);
    scene.owe_all("soc", &many(&scene, 40)).await;
    start(&scene.live);
    scene
        .until("soc", |standing| standing.circuit == Circuit::Open)
        .await;
    splunk.faults().then_times(10, &Fault::Hang);
    scene.passes(Duration::from_mins(1));
    scene
        .until("soc", |standing| standing.circuit == Circuit::HalfOpen)
        .await;
    // More comes, and time passes: the one probe is waited for.
    for _ in 0..20 {
        scene.owe("soc", &scene.alert("more")).await;
        scene.passes(Duration::from_mins(1));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(splunk.faults().requests(), 2);
    assert_eq!(scene.waiting("soc").await, 60);
    splunk.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_grow_although_new_events_keep_coming() {
    let (splunk, scene) = begin().await;
    splunk
        .faults()
        .at_rate(1000, 1, Fault::Status(503, String::new()));
    let mut longest = Duration::ZERO;
    for requests in 1..=10 {
        scene.owe("soc", &scene.alert("new")).await;
        after_requests(&scene, || splunk.faults().requests(), requests).await;
        let now = scene.clock.now();
        scene
            .until("soc", |standing| {
                standing.paused_until.is_some_and(|until| until > now)
            })
            .await;
        let until = scene.standing("soc").await.paused_until.unwrap();
        longest = longest.max(Duration::try_from(until.duration_since(now)).unwrap());
    }
    // After ten failures: from half of five minutes to all of it.
    assert!(longest >= Duration::from_secs(150), "{longest:?}");
    assert_eq!(scene.waiting("soc").await, 10);
    splunk.faults().clear();
    within(async {
        while scene.waiting("soc").await > 0 {
            scene.passes(Duration::from_mins(5));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    assert_eq!(splunk.recorded().count(), 10);
    scene.stop().await;
}

/// One collector that never answers, or always refuses, and one that is well; no time passes.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_destination_costs_the_others_nothing() {
    for fault in [
        Fault::Hang,
        Fault::Status(503, String::new()),
        Fault::CutBeforeRead,
    ] {
        let dead = collector(options()).await.unwrap();
        let well = collector(options()).await.unwrap();
        let connections: Vec<String> = [("dead", dead.url()), ("well", well.url())]
            .into_iter()
            .map(|(name, url)| {
                format!("  {name}: {{ connector: splunk, url: \"{url}\", reach: loopback, token: {{ file: hec }} }}")
            })
            .collect();
        let scene = Scene::begin(&connections.join("\n"), &[("hec", TOKEN)]);
        dead.faults().at_rate(1000, 7, fault.clone());
        for _ in 0..5 {
            let alerts = many(&scene, 30);
            scene.owe_all("dead", &alerts).await;
            scene.owe_all("well", &alerts).await;
            scene.empty("well").await;
        }
        assert_eq!(well.recorded().count(), 150);
        let standing = scene.standing("well").await;
        assert_eq!(
            (standing.last_error, standing.circuit),
            (None, Circuit::Closed)
        );
        assert_eq!(scene.clock.now().to_string(), START);
        // The dead one has had its lanes' worth of requests and keeps all it is owed.
        assert!(dead.faults().requests() <= 4, "{fault:?}");
        assert_eq!(scene.waiting("dead").await, 150);
        dead.stop().await;
        scene.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_used_up_its_rate_holds_up_no_other() {
    const KEY: &str = "0123456789abcdef0123456789abcdef";
    let files = changed("pagerduty", &[("rate: 120/1m", "rate: 1/1h")]);
    let pager = pagerduty::start(pagerduty::Options::with_key(KEY))
        .await
        .unwrap();
    let connections: Vec<String> = ["oncall", "desk"]
        .into_iter()
        .map(|name| {
            format!(
                "  {name}: {{ connector: pagerduty, url: \"{}\", reach: loopback, routing_key: {{ file: key }} }}",
                pager.url()
            )
        })
        .collect();
    let scene = Scene::idle(files, &connections.join("\n"), &[("key", KEY)]);
    start(&scene.live);
    scene.owe_all("oncall", &many(&scene, 3)).await;
    within(pager.recorded().reaches(1)).await;
    scene.owe_all("desk", &many(&scene, 1)).await;
    scene.empty("desk").await;
    assert_eq!(pager.recorded().count(), 2);
    assert_eq!(scene.waiting("oncall").await, 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pauses_go_on_growing_after_a_restart() {
    let (splunk, scene) = begin().await;
    splunk
        .faults()
        .at_rate(1000, 1, Fault::Status(503, String::new()));
    scene.owe("soc", &scene.alert("income")).await;
    after_requests(&scene, || splunk.faults().requests(), 7).await;
    let scene = scene.restarted().await;
    within(async {
        while splunk.faults().requests() < 8 {
            scene.passes(Duration::from_mins(5));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let now = scene.clock.now();
    scene
        .until("soc", |standing| {
            standing.paused_until.is_some_and(|until| until > now)
        })
        .await;
    let until = scene.standing("soc").await.paused_until.unwrap();
    // The eighth try: from half of 128 seconds to all of them.
    let wait = Duration::try_from(until.duration_since(now)).unwrap();
    assert!(wait >= Duration::from_secs(64), "{wait:?}");
    scene.stop().await;
}
