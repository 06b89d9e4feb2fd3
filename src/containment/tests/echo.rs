use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{House, house, move_alias};
use crate::alert::Severity;
use crate::containment::{Ask, revert};
use crate::id::ActionId;
use crate::signal::{Raw, Signal, SignalName};
use crate::store::{AlertFilter, RawRef};
use crate::triage::{judge, settle};
use crate::untrusted::Untrusted;

/// As intake does: judged, settled, kept. Gives the action that it was the echo of.
async fn arrives(house: &House, name: &str, data: Json) -> Option<ActionId> {
    let now = house.clock.now();
    let signal = Signal {
        id: house.live.store.ids().next(now),
        connection: "registry".to_owned(),
        name: SignalName {
            connector: "mlflow".to_owned(),
            signal: name.to_owned(),
        },
        vendor_id: house.clock.chance().to_string(),
        at: now,
        received_at: now,
        now,
        change: None,
        echo_of: None,
        data: Untrusted::new(data.into()),
    };
    let id = signal.id;
    let snapshot = house.live.snapshot();
    let mut judged = judge(&snapshot.catalog, signal, &BTreeMap::new(), None);
    assert!(judged.stuck.is_empty(), "{:?}", judged.stuck);
    house
        .live
        .store
        .write(move |tx| {
            let raw = Raw {
                body: Untrusted::new(b"{}".to_vec()),
                headers: Vec::new(),
                path: None,
            };
            settle(tx, &snapshot.catalog, &mut judged, Some(RawRef::Own(&raw)))
        })
        .await
        .unwrap();
    let kept = house
        .live
        .store
        .read(move |reader| reader.signal(id))
        .await
        .unwrap();
    kept.unwrap().signal.echo_of
}

fn alias(version: &str) -> Json {
    json!({ "name": "fraud", "alias": "champion", "version": version })
}

#[tokio::test]
async fn each_of_its_own_changes_is_recognised_once() {
    let house = house().await;
    assert_eq!(arrives(&house, "alias-created", alias("2")).await, None);
    let done = house.run(move_alias("2")).await;
    assert_eq!(arrives(&house, "alias-created", alias("1")).await, None);
    assert_eq!(
        arrives(&house, "alias-created", alias("2")).await,
        Some(done.id)
    );
    assert_eq!(arrives(&house, "alias-created", alias("2")).await, None);
    revert(&house.live, done.id, "analyst").await.unwrap();
    house.worker().turn().await;
    assert_eq!(
        arrives(&house, "alias-created", alias("3")).await,
        Some(done.id)
    );
    assert_eq!(arrives(&house, "alias-created", alias("3")).await, None);
}

#[tokio::test]
async fn a_call_that_was_refused_is_expected_to_cause_nothing() {
    let house = house().await;
    house.run(move_alias("99")).await;
    assert_eq!(arrives(&house, "alias-created", alias("99")).await, None);
}

#[tokio::test]
async fn what_came_of_it_is_noted_on_the_alert_that_it_answers() {
    let house = house().await;
    let removed = json!({
        "name": "fraud", "version": "3", "key": "validation_status", "at": "2026-11-23T08:00:00Z",
    });
    arrives(&house, "tag-deleted", removed).await;
    let alerts = async || {
        let all = AlertFilter::default();
        let alerts = house
            .live
            .store
            .read(move |reader| reader.alerts(&all, 10))
            .await;
        alerts.unwrap()
    };
    let opened = alerts().await.remove(0);
    assert!(opened.severity > Severity::Informational);
    let ask = Ask {
        alert: Some(opened.id),
        ..move_alias("2")
    };
    let mut bell = house.live.owed.listen();
    bell.catch_up();
    let done = house.run(ask.clone()).await;
    assert!(bell.has_changed());
    revert(&house.live, done.id, "analyst").await.unwrap();
    house.worker().turn().await;
    let told = alerts().await.remove(0);
    let notes: Vec<&str> = told.notes.iter().map(|note| note.text.as_str()).collect();
    insta::assert_debug_snapshot!(notes, @r#"
    [
        "mlflow/move-alias: It is done, and the platform says so.",
        "mlflow/move-alias: It is undone, and reads as before.",
    ]
    "#);
    assert_eq!(told.revision, 3);
    let unknown = Ask {
        alert: Some(house.live.store.ids().next(house.clock.now())),
        ..ask
    };
    assert_eq!(house.refused(unknown).await.status(), 404);
}
