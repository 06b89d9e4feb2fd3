//! Whatever goes wrong: everything arrives, and of no alert a revision overtakes the one before it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::splunk::{begin, idle, options};
use super::{Scene, changed, pagerduty, revised, within};
use crate::alert::{Alert, State};
use crate::catalog::Files;
use crate::delivery::start;
use crate::sandbox::pagerduty::Status;
use crate::sandbox::splunk::Indexer;
use crate::sandbox::{Fault, Running};

/// Each alert has all its revisions there, the first of each in order.
pub(super) fn holds(splunk: &Running<Indexer>, alerts: &[Alert], revisions: u64) {
    let mut seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in splunk.recorded().events() {
        let uid = event.event["metadata"]["uid"].as_str().unwrap().to_owned();
        let (alert, revision) = uid.rsplit_once('-').unwrap();
        let known = seen.entry(alert.to_owned()).or_default();
        let revision = revision.parse().unwrap();
        if !known.contains(&revision) {
            known.push(revision);
        }
    }
    for alert in alerts {
        let wanted: Vec<u64> = (1..=revisions).collect();
        assert_eq!(seen.get(&alert.id.to_string()), Some(&wanted));
    }
}

async fn storm(seed: u64, fault: Fault) {
    let (splunk, scene) = begin().await;
    splunk.faults().at_rate(400, seed, fault);
    let mut alerts: Vec<Alert> = (0..8)
        .map(|number| scene.alert(&number.to_string()))
        .collect();
    let first = alerts.clone();
    for round in 0..4 {
        if round > 0 {
            let state = if round == 3 {
                State::Resolved
            } else {
                State::Updated
            };
            alerts = alerts.iter().map(|alert| revised(alert, state)).collect();
        }
        for some in alerts.chunks(3) {
            scene.owe_all("soc", some).await;
            scene.passes(Duration::from_millis(700));
        }
    }
    through(&scene).await;
    holds(&splunk, &first, 4);
    scene.stop().await;
}

async fn through(scene: &Scene) {
    within(async {
        while scene.waiting("soc").await > 0 {
            scene.passes(Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolve_never_overtakes_its_trigger_when_requests_are_refused() {
    for seed in 0..3 {
        storm(seed, Fault::Status(503, String::new())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolve_never_overtakes_its_trigger_when_answers_are_lost() {
    for seed in 0..3 {
        storm(seed, Fault::AcceptAndLoseAnswer).await;
    }
}

/// The first batch fails in its middle, what is left of it is put off, and the daemon is started anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_broke_in_its_middle_goes_on_in_order_after_a_restart() {
    let odd = [("host: =alert.origin.host", "host: =alert.fields.?host")];
    let (splunk, scene) = idle(changed("splunk", &odd), options()).await;
    let (one, two) = (scene.alert("one"), scene.alert("two"));
    let mut bad = scene.alert("bad");
    bad.fields = json!({ "host": 5 }).as_object().unwrap().clone();
    let first = [
        one.clone(),
        two.clone(),
        bad.clone(),
        revised(&one, State::Updated),
        revised(&two, State::Updated),
    ];
    scene.owe_all("soc", &first).await;
    splunk.faults().then(Fault::SlowBy(Duration::ZERO));
    splunk.faults().then(Fault::Status(503, String::new()));
    start(&scene.live);
    scene
        .until("soc", |standing| standing.paused_until.is_some())
        .await;
    within(async {
        while scene.next_due("soc").await.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(splunk.recorded().count(), 2);
    let scene = scene.restarted().await;
    let last = |alert: &Alert| revised(&revised(alert, State::Updated), State::Resolved);
    scene.owe_all("soc", &[last(&two), last(&one)]).await;
    through(&scene).await;
    holds(&splunk, &[one, two], 3);
    assert_eq!(splunk.recorded().count(), 6, "each once");
    let dead: Vec<_> = scene
        .dead()
        .await
        .iter()
        .map(|dead| dead.revision.alert)
        .collect();
    assert_eq!(dead, [bad.id]);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_gets_every_revision_that_waited() {
    let (splunk, scene) = begin().await;
    splunk.faults().then(Fault::RetryAfter(503, 30));
    let mut alert = scene.alert("income");
    let opened = alert.clone();
    scene.owe("soc", &alert).await;
    scene
        .until("soc", |standing| standing.paused_until.is_some())
        .await;
    let mut since = Vec::new();
    for _ in 0..4 {
        alert = revised(&alert, State::Updated);
        since.push(alert.clone());
    }
    since.push(revised(&alert, State::Resolved));
    scene.owe_all("soc", &since).await;
    through(&scene).await;
    holds(&splunk, &[opened], 6);
    assert_eq!(splunk.recorded().count(), 6);
    scene.stop().await;
}

/// What a pager is told of an alert that is over by the time it can be told.
#[tokio::test(flavor = "multi_thread")]
async fn a_pager_is_resolved_after_its_trigger_whatever_became_of_that() {
    for (fault, status, triggers) in [
        // On its way while the alert ends.
        (
            Fault::SlowBy(Duration::from_millis(50)),
            Some(Status::Resolved),
            1,
        ),
        // There, and nobody knows it.
        (Fault::AcceptAndLoseAnswer, Some(Status::Resolved), 1),
        // Not there: nobody is called for what is over.
        (Fault::Status(503, String::new()), None, 0),
    ] {
        let (pager, scene) = pagerduty::idle(Files::built_in()).await;
        pager.faults().then(fault.clone());
        start(&scene.live);
        let opened = scene.alert("income");
        scene.owe("oncall", &opened).await;
        within(async {
            while pager.faults().requests() == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let worse = revised(&opened, State::Updated);
        let over = revised(&worse, State::Resolved);
        scene.owe_all("oncall", &[worse, over]).await;
        within(async {
            while scene.waiting("oncall").await > 0 {
                scene.passes(Duration::from_secs(1));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        let incident = pager.recorded().incident(&opened.id.to_string());
        let stands = incident.as_ref().map(|incident| incident.status);
        assert_eq!(stands, status, "{fault:?}");
        let told = incident.map_or(0, |incident| incident.triggers);
        assert_eq!(
            told, triggers,
            "{fault:?}: the revision between is never sent"
        );
        assert_eq!(pager.faults().requests(), 2, "{fault:?}");
        scene.stop().await;
    }
}

/// Revisions of one alert are acknowledged one after the other, also where batches are lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_resolve_never_overtakes_its_trigger_when_indexers_lose_batches() {
    use super::splunk::{TOKEN, idle_with};
    use crate::sandbox::splunk::{Options, Token};
    let with_acks = Options::with_token(Token {
        use_ack: true,
        ..Token::new(TOKEN)
    });
    let (splunk, scene) = idle_with(Files::built_in(), with_acks, ", ack: true").await;
    start(&scene.live);
    splunk.faults().at_rate(200, 3, Fault::AcceptAndLoseAnswer);
    splunk.recorded().lose(2);
    let alerts: Vec<Alert> = (0..6)
        .map(|number| scene.alert(&number.to_string()))
        .collect();
    let mut now = alerts.clone();
    for state in [State::Updated, State::Updated, State::Resolved] {
        for some in now.chunks(2) {
            scene.owe_all("soc", some).await;
        }
        scene.passes(Duration::from_secs(3));
        now = now.iter().map(|alert| revised(alert, state)).collect();
    }
    scene.owe_all("soc", &now).await;
    through(&scene).await;
    holds(&splunk, &alerts, 4);
    let seen: Vec<Value> = splunk
        .recorded()
        .events()
        .into_iter()
        .map(|event| event.event)
        .collect();
    assert!(seen.len() >= 24);
    scene.stop().await;
}
