//! Whatever goes wrong: everything arrives, and of no alert a revision overtakes the one before it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::splunk::begin;
use super::{Scene, revised, within};
use crate::alert::{Alert, State};
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
