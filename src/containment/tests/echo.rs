use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{House, house, move_alias};
use crate::containment::revert;
use crate::id::ActionId;
use crate::signal::{Raw, Signal, SignalName};
use crate::store::RawRef;
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
        data: Untrusted::new(data),
    };
    let id = signal.id;
    let snapshot = house.live.snapshot();
    let judged = judge(&snapshot.catalog, signal, &BTreeMap::new(), None);
    house
        .live
        .store
        .write(move |tx| {
            let raw = Raw {
                body: Untrusted::new(b"{}".to_vec()),
                headers: Vec::new(),
                path: None,
            };
            settle(tx, &snapshot.catalog, &judged, Some(RawRef::Own(&raw)))
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
