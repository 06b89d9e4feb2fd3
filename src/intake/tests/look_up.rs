//! What a mapping asks before it judges: answered, not there, later, never, and after a restart.

use super::{House, Server, snapshot};
use crate::clock::Clock;
use crate::intake::{Arrival, look_up, receive, retry};
use crate::live::Live;
use crate::signal::SignalId;
use crate::store::{Options, StandingKind, Store};

const AT: &str = "2026-11-23T08:35:20Z";
const BODY: &str = r#"{"entity":"model_version_alias","action":"created","timestamp":"2026-11-23T08:35:15.549317+00:00","data":{"name":"fraud-detector","alias":"champion","version":"1"}}"#;
const PASSED: &str = r#"{"model_version":{"name":"fraud-detector","version":"1","tags":[{"key":"eval","value":"passed"}]}}"#;
const UNTAGGED: &str = r#"{"model_version":{"name":"fraud-detector","version":"1"}}"#;

fn config(server: &Server) -> String {
    format!(
        "connections:\n  registry: {{ connector: mlflow, url: \"{}\", reach: loopback, webhook_secret: {{ file: secret }} }}\n",
        server.url
    )
}

async fn push(live: &std::sync::Arc<Live>) -> SignalId {
    let headers = [("x-mlflow-delivery-id".to_owned(), "1".to_owned())];
    let arrival = Arrival {
        connection: "registry",
        url_token: None,
        headers: &headers,
        body: BODY.into(),
        trusted_caller: true,
    };
    let receipt = receive(live, arrival).await.unwrap();
    assert!(receipt.signals[0].waiting);
    receipt.signals[0].id
}

/// Makes what is due; gives how many that were.
async fn make_due(live: &std::sync::Arc<Live>) -> usize {
    let now = live.clock.now();
    let due = live
        .store
        .read(move |reader| reader.look_ups_due(now, 10))
        .await;
    let due = due.unwrap();
    let count = due.len();
    for one in due {
        look_up::make(live, one).await.unwrap();
    }
    count
}

async fn standing(live: &Live, id: SignalId) -> (StandingKind, usize, Option<String>) {
    let kept = live.store.read(move |reader| reader.signal(id)).await;
    let kept = kept.unwrap().unwrap();
    (kept.standing, kept.alerts.len(), kept.reason)
}

#[tokio::test]
async fn what_is_found_decides() {
    for (answer, alerts) in [(PASSED, 0), (UNTAGGED, 1)] {
        let server = Server::new(&[(200, answer)]).await;
        let house = House::new(AT, &config(&server), &[]);
        let id = push(&house.live).await;
        assert_eq!(make_due(&house.live).await, 1);
        assert_eq!(
            server.asked(),
            ["/api/2.0/mlflow/model-versions/get?name=fraud-detector&version=1"]
        );
        let (kind, touched, _) = standing(&house.live, id).await;
        assert_eq!((kind, touched), (StandingKind::Read, alerts));
        house.later(3600);
        assert_eq!(make_due(&house.live).await, 0);
    }
}

#[tokio::test]
async fn what_is_not_there_is_null() {
    let server = Server::new(&[(404, r#"{"error_code":"RESOURCE_DOES_NOT_EXIST"}"#)]).await;
    let house = House::new(AT, &config(&server), &[]);
    let id = push(&house.live).await;
    make_due(&house.live).await;
    let (kind, _, reason) = standing(&house.live, id).await;
    // Nothing is known of the version, and the mapping says so itself: by an alert or by being stuck.
    assert_ne!(kind, StandingKind::Waiting, "{reason:?}");
}

#[tokio::test]
async fn what_fails_is_asked_again_later_also_after_a_restart() {
    let server = Server::new(&[(503, ""), (429, ""), (200, UNTAGGED)]).await;
    let folder = tempfile::TempDir::new().unwrap();
    let house = House::within(folder, AT, &config(&server), &[]);
    let id = push(&house.live).await;
    assert_eq!(make_due(&house.live).await, 1);
    assert_eq!(standing(&house.live, id).await.0, StandingKind::Waiting);
    assert_eq!(make_due(&house.live).await, 0, "not at once");
    house.later(2);
    assert_eq!(make_due(&house.live).await, 1);

    let House { live, folder } = house;
    let now = live.clock.now();
    live.store.close().await;
    drop(live);
    let clock = Clock::stopped(now);
    clock.advance(std::time::Duration::from_secs(10));
    let path = folder.path().join("andon.db");
    let store = Store::open(&path, clock.clone(), Options::default()).unwrap();
    let live = Live::new(
        snapshot(folder.path(), &clock, &config(&server), &[]),
        store,
        clock,
    );
    assert_eq!(make_due(&live).await, 1);
    let (kind, alerts, _) = standing(&live, id).await;
    assert_eq!((kind, alerts), (StandingKind::Read, 1));
}

#[tokio::test]
async fn what_is_refused_is_stuck_and_can_be_retried() {
    let server = Server::new(&[(403, "")]).await;
    let house = House::new(AT, &config(&server), &[]);
    let id = push(&house.live).await;
    make_due(&house.live).await;
    let (kind, _, reason) = standing(&house.live, id).await;
    assert_eq!(kind, StandingKind::Stuck);
    assert_eq!(
        reason.as_deref(),
        Some(
            "mapping `mlflow-unreviewed-promotion`, `look_up`: version: the answer has status 403"
        )
    );
    server.then(&[(200, UNTAGGED)]);
    assert!(retry(&house.live, id).await.unwrap().waiting);
    make_due(&house.live).await;
    let (kind, alerts, _) = standing(&house.live, id).await;
    assert_eq!((kind, alerts), (StandingKind::Read, 1));
}

#[tokio::test]
async fn after_a_day_of_failures_it_is_stuck() {
    let server = Server::new(&[(500, "")]).await;
    let house = House::new(AT, &config(&server), &[]);
    let id = push(&house.live).await;
    make_due(&house.live).await;
    house.later(24 * 3600 - 10);
    make_due(&house.live).await;
    assert_eq!(standing(&house.live, id).await.0, StandingKind::Waiting);
    house.later(3600);
    make_due(&house.live).await;
    let (kind, _, reason) = standing(&house.live, id).await;
    assert_eq!(kind, StandingKind::Stuck);
    assert!(reason.unwrap().contains("status 500"));
}

#[tokio::test]
async fn the_worker_hears_the_bell() {
    let server = Server::new(&[(200, UNTAGGED)]).await;
    let house = House::new(AT, &config(&server), &[]);
    let mut owed = house.live.owed.listen();
    crate::intake::start(&house.live);
    let id = push(&house.live).await;
    owed.changed().await;
    assert_eq!(standing(&house.live, id).await.0, StandingKind::Read);
    house.live.stop.cancel();
    house.live.tasks.close();
    house.live.tasks.wait().await;
}
