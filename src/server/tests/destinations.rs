//! Destinations that are stopped: told of, counted, resumed.

use serde_json::{Value, json};

use super::house::House;

/// One alert waits for `lines`, which refuses what it is sent. Nothing delivers here.
async fn stopped() -> House {
    let house = House::new().await;
    house.alert("a").await;
    let (live, until) = (
        &house.live,
        house.live.clock.now() + std::time::Duration::from_secs(60),
    );
    let put_off = live.store.write(move |tx| {
        let owed = tx.due("lines", until, 0, 1)?.ready.remove(0);
        tx.postpone("lines", owed.seq, 1, until, "status 403: planted")
    });
    put_off.await.unwrap();
    live.board.update("lines", |standing| {
        standing.stopped = Some("status 403: planted".to_owned());
        standing.paused_until = Some(until);
        standing.circuit = crate::live::Circuit::Open;
    });
    house
}

async fn next_due(house: &House) -> Option<String> {
    let next = house
        .live
        .store
        .read(|reader| reader.next_due("lines", jiff::Timestamp::UNIX_EPOCH));
    next.await.unwrap().map(|at| at.to_string())
}

#[tokio::test]
async fn a_stopped_destination_is_listed_with_why_and_what_waits() {
    let house = stopped().await;
    let list = house.ask("reader", "GET /v1/destinations", "").await.json();
    let told = json!({
        "name": "lines", "waiting": 1, "oldest_since": "2026-11-23T08:00:00Z", "dead_letters": 0,
        "last_error": "status 403: planted", "last_delivered": null,
        "circuit": "open", "stopped": "status 403: planted", "paused_until": "2026-11-23T08:01:00Z",
        "halted_since": null, "delivered": 0,
    });
    assert_eq!(list, json!({ "destinations": [told] }));
    let connections = house.ask("reader", "GET /v1/connections", "").await.json();
    let delivery = connections["connections"][2]["delivery"].clone();
    assert_eq!(delivery["stopped"], list["destinations"][0]["stopped"]);
    assert_eq!(delivery["oldest_since"], "2026-11-23T08:00:00Z");
    assert_eq!(connections["connections"][0]["delivery"], Value::Null);
}

#[tokio::test]
async fn resuming_makes_due_what_was_put_off_rings_and_is_audited() {
    let house = stopped().await;
    let bell = house.live.board.listen("lines");
    assert_eq!(
        next_due(&house).await.as_deref(),
        Some("2026-11-23T08:01:00Z")
    );
    let resumed = house
        .ask("boss", "POST /v1/destinations/lines/resume", "")
        .await;
    assert_eq!(resumed.json(), json!({ "name": "lines", "due": 1 }));
    assert_eq!(
        next_due(&house).await.as_deref(),
        Some("2026-11-23T08:00:00Z")
    );
    assert!(bell.has_changed());
    let done = ("boss".to_owned(), "destination.resumed".to_owned());
    assert!(house.audit().await.contains(&done));
}

#[tokio::test]
async fn a_name_that_is_no_destination_is_refused_with_the_one_that_was_meant() {
    let house = House::new().await;
    for (name, said) in [
        (
            "lins",
            "no destination is called `lins`: did you mean `lines`?",
        ),
        ("local", "no destination is called `local`: there are lines"),
    ] {
        let request = format!("POST /v1/destinations/{name}/resume");
        let refused = house.ask("boss", &request, "").await;
        assert_eq!(refused.status, 404);
        assert_eq!(refused.json()["detail"], said);
    }
    assert!(house.audit().await.is_empty());
}

#[tokio::test]
async fn a_stopped_destination_is_a_detail_of_readiness_without_its_own_words() {
    let house = stopped().await;
    let ready = house.ask("", "GET /readyz", "").await;
    assert_eq!(ready.status, 200);
    assert_eq!(
        ready.json(),
        json!({ "ready": true, "why_not": null, "stopped": [{ "destination": "lines", "why": "status 403" }] })
    );
}

#[tokio::test]
async fn a_gauge_shows_which_destinations_are_stopped() {
    let house = stopped().await;
    for (stopped, shown) in [(Some("status 403".to_owned()), 1), (None, 0)] {
        house
            .live
            .board
            .update("lines", |standing| standing.stopped = stopped);
        let metrics = house.ask("", "GET /metrics", "").await.body;
        let line = format!("andon_destination_stopped{{destination=\"lines\"}} {shown}");
        assert!(metrics.contains(&line), "{metrics}");
    }
}
