//! A destination that takes nothing: the others are told, once, and hear when it is over.

use std::time::Duration;

use serde_json::json;

use super::{Scene, within};
use crate::action::{Action, ActionId, State};
use crate::catalog::Files;
use crate::sandbox::pagerduty::{self, Incident, Pager, Status};
use crate::sandbox::splunk::{self, Code, Indexer};
use crate::sandbox::{Fault, Running};
use crate::store::StandingKind;
use crate::{delivery, intake};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A collector and a pager; both are told of everything.
async fn begin() -> (Running<Indexer>, Running<Pager>, Scene) {
    let indexer = splunk::start(super::splunk::options()).await.unwrap();
    let pager = pagerduty::start(pagerduty::Options::with_key(KEY))
        .await
        .unwrap();
    let config = format!(
        "  soc: {{ connector: splunk, url: \"{}\", reach: loopback, token: {{ file: hec }} }}
  oncall: {{ connector: pagerduty, url: \"{}\", reach: loopback, routing_key: {{ file: key }} }}
routes:
  - to: [soc, oncall]",
        indexer.url(),
        pager.url()
    );
    let secrets = [("hec", super::splunk::TOKEN), ("key", KEY)];
    let scene = Scene::idle(Files::built_in(), &config, &secrets);
    run(&scene);
    (indexer, pager, scene)
}

fn run(scene: &Scene) {
    delivery::start(&scene.live);
    intake::start(&scene.live);
}

/// Waits for the first incident that is so.
async fn incident(pager: &Running<Pager>, status: Status) -> Incident {
    within(async {
        loop {
            let incidents = pager.recorded().incidents();
            if let Some(found) = incidents.into_iter().find(|one| one.status == status) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_refuses_its_token_is_an_incident_until_it_takes_events_again() {
    let (indexer, pager, scene) = begin().await;
    indexer.recorded().answer(1, Code::TokenDisabled);
    scene.owe("soc", &scene.alert("income")).await;
    let opened = incident(&pager, Status::Triggered).await;
    let payload = &opened.event["payload"];
    assert_eq!(payload["summary"], "[HIGH] soc takes no alerts any more");
    assert_eq!(payload["custom_details"]["fields"]["destination"], "soc");
    let answered = payload["custom_details"]["fields"]["answered"]
        .as_str()
        .unwrap();
    assert!(answered.starts_with("status 403: "), "{answered}");
    assert_eq!(scene.waiting("soc").await, 1, "it is not told of itself");

    scene.passes(Duration::from_secs(61));
    incident(&pager, Status::Resolved).await;
    scene.empty("soc").await;
    assert_eq!(pager.recorded().incidents().len(), 1);
    assert_eq!(
        indexer.recorded().count(),
        1,
        "what was owed, and nothing else"
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_it_is_still_open_and_is_not_told_again() {
    let (indexer, pager, scene) = begin().await;
    indexer.recorded().answer(2, Code::TokenDisabled);
    scene.owe("soc", &scene.alert("income")).await;
    incident(&pager, Status::Triggered).await;
    scene.empty("oncall").await;
    let scene = scene.restarted().await;
    intake::start(&scene.live);
    scene.passes(Duration::from_secs(61));
    scene
        .until("soc", |standing| standing.stopped.is_some())
        .await;
    scene.passes(Duration::from_secs(61));
    scene.empty("soc").await;
    let over = incident(&pager, Status::Resolved).await;
    assert_eq!(pager.recorded().incidents(), [over]);
    assert_eq!(pager.recorded().count(), 2, "a trigger and a resolve");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_halts_while_another_is_known_to_is_an_incident_of_its_own() {
    let (indexer, pager, scene) = begin().await;
    let other = splunk::start(super::splunk::options()).await.unwrap();
    let connections = scene.connections.replace(
        "routes:",
        &format!(
            "  archive: {{ connector: splunk, url: \"{}\", reach: loopback, token: {{ file: hec }} }}\nroutes:",
            other.url()
        ),
    );
    let scene = Scene {
        connections,
        ..scene
    };
    let scene = scene.restarted().await;
    intake::start(&scene.live);
    indexer.recorded().answer(3, Code::TokenDisabled);
    scene.owe("soc", &scene.alert("income")).await;
    incident(&pager, Status::Triggered).await;
    other.recorded().answer(1, Code::TokenDisabled);
    scene.owe("archive", &scene.alert("age")).await;
    let of = |incident: &Incident| {
        incident.event["payload"]["custom_details"]["fields"]["destination"].clone()
    };
    within(async {
        while pager.recorded().incidents().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let incidents = pager.recorded().incidents();
    assert_eq!(of(&incidents[0]), "soc");
    assert_eq!(of(&incidents[1]), "archive");
    assert!(incidents.iter().all(|one| one.status == Status::Triggered));

    // The second takes events again, the first does not yet.
    scene.passes(Duration::from_secs(61));
    let over = incident(&pager, Status::Resolved).await;
    assert_eq!(of(&over), "archive");
    let incidents = pager.recorded().incidents();
    assert_eq!(
        incidents[0].status,
        Status::Triggered,
        "soc is still halted"
    );
    within(async {
        while pager.recorded().incidents()[0].status != Status::Resolved {
            scene.passes(Duration::from_secs(10));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(pager.recorded().incidents().len(), 2);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_only_busy_is_no_alert() {
    let (indexer, pager, scene) = begin().await;
    indexer.faults().then(Fault::RetryAfter(503, 30));
    scene.owe("soc", &scene.alert("income")).await;
    scene
        .until("soc", |standing| standing.paused_until.is_some())
        .await;
    scene.passes(Duration::from_secs(31));
    scene.empty("soc").await;
    let signals = scene
        .live
        .store
        .read(|reader| reader.newest_signals(None, None, 10));
    assert!(signals.await.unwrap().is_empty());
    assert_eq!(pager.recorded().count(), 0);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_no_longer_configured_is_over() {
    let (indexer, pager, scene) = begin().await;
    indexer.recorded().answer(1, Code::TokenDisabled);
    scene.owe("soc", &scene.alert("income")).await;
    incident(&pager, Status::Triggered).await;
    let config = format!(
        "  oncall: {{ connector: pagerduty, url: \"{}\", reach: loopback, routing_key: {{ file: key }} }}",
        pager.url()
    );
    let made = super::snapshot(&scene.files, scene.folder.path(), &config, &scene.clock);
    scene.live.swap(made);
    incident(&pager, Status::Resolved).await;
    let signals = scene
        .live
        .store
        .read(|reader| reader.newest_signals(None, None, 10));
    let signals = signals.await.unwrap();
    assert_eq!(signals.len(), 2);
    assert!(signals.iter().all(|one| one.standing == StandingKind::Read));
    scene.stop().await;
}

/// An action that is in force, as the worker keeps it.
fn in_force(id: ActionId) -> Action {
    let action = json!({
        "id": id, "action": "mlflow/move-alias", "at": "registry", "with": { "model": "fraud", "version": "2" },
        "state": "succeeded", "effect": "drifted", "changed": true, "message": "", "alert": null, "by": "soar",
        "reason": null, "incident": null, "idempotency_key": null, "fingerprint": "f",
        "requested_at": "2026-11-23T07:00:00Z", "changed_at": "2026-11-23T07:00:00Z",
        "proven_at": "2026-11-23T07:00:00Z", "ttl_seconds": null, "until": null, "revert_asked": false,
        "drift": { "since": "2026-11-23T07:30:00Z", "by": "ada", "held": "state_held" },
        "kept": {}, "after": {}, "progress": null,
    });
    serde_json::from_value(action).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_containment_that_holds_no_longer_is_an_incident_until_it_is_undone() {
    let (_indexer, pager, scene) = begin().await;
    let mut action = in_force(scene.live.store.ids().next(scene.live.clock.now()));
    let kept = action.clone();
    let put = |action: Action| {
        let store = scene.live.store.clone();
        async move { store.write(move |tx| tx.put_action(&action)).await.unwrap() }
    };
    put(kept).await;
    crate::containment::start(&scene.live);
    let opened = incident(&pager, Status::Triggered).await;
    let payload = &opened.event["payload"];
    assert_eq!(
        payload["summary"],
        "[HIGH] mlflow/move-alias at registry holds no longer"
    );
    assert_eq!(payload["custom_details"]["fields"]["changed_by"], "ada");

    action.state = State::Reverted;
    action.drift = None;
    put(action.clone()).await;
    scene.live.board.drift(action.id, None);
    incident(&pager, Status::Resolved).await;
    assert_eq!(pager.recorded().incidents().len(), 1);
    scene.stop().await;
}
