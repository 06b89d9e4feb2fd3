//! Life signs, metrics, and the end.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::house::House;

#[tokio::test]
async fn life_signs_need_no_token() {
    let house = House::new().await;
    assert_eq!(
        house.ask("", "GET /healthz", "").await.json(),
        json!({ "alive": true })
    );
    let ready = house.ask("", "GET /readyz", "").await;
    assert_eq!(
        ready.json(),
        json!({ "ready": true, "why_not": null, "stopped": [] })
    );
    house.live.store.close().await;
    let not = house.ask("", "GET /readyz", "").await;
    assert_eq!((not.status, not.header("retry-after")), (503, Some("5")));
    assert_eq!(house.ask("", "GET /healthz", "").await.status, 200);
    let refused = house.ask("reader", "GET /v1/alerts", "").await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "stopping"));
}

#[tokio::test]
async fn while_the_disk_is_nearly_full_signals_are_refused_and_the_rest_goes_on() {
    let options = crate::store::Options {
        least_free: u64::MAX,
        ..crate::store::Options::default()
    };
    let house = House::on("", options).await;
    let refused = house.ask("sender", "POST /v1/signals/local", "{}").await;
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert!(refused.header("retry-after").is_some());
    let ready = house.ask("", "GET /readyz", "").await;
    assert_eq!(ready.status, 503);
    assert_eq!(
        ready.json()["why_not"],
        "the store has no room: its disk is nearly full; free some space there"
    );
    for (who, request) in [("reader", "GET /v1/alerts"), ("boss", "POST /v1/freeze")] {
        assert_eq!(house.ask(who, request, "{}").await.status, 200, "{request}");
    }
}

#[tokio::test]
async fn while_the_writer_has_more_to_do_than_it_takes_signals_are_refused_and_then_taken() {
    let options = crate::store::Options {
        most_waiting: 8,
        ..crate::store::Options::default()
    };
    let house = House::on("", options).await;
    let (go, gate) = std::sync::mpsc::channel();
    let mut jobs = tokio::task::JoinSet::new();
    let store = house.live.store.clone();
    jobs.spawn(async move {
        let wait = store.write(move |_| {
            gate.recv().unwrap();
            Ok(())
        });
        wait.await
    });
    for _ in 0..7 {
        let store = house.live.store.clone();
        jobs.spawn(async move { store.write(|_| Ok(())).await });
    }
    while house.live.store.room().is_ok() {
        tokio::task::yield_now().await;
    }
    let refused = house.ask("sender", "POST /v1/signals/local", "{}").await;
    assert_eq!(
        (refused.status, refused.header("retry-after")),
        (503, Some("5"))
    );
    assert_eq!(house.ask("", "GET /readyz", "").await.status, 503);
    go.send(()).unwrap();
    while let Some(job) = jobs.join_next().await {
        job.unwrap().unwrap();
    }
    let taken = house.ask("sender", "POST /v1/signals/local", "{}").await;
    assert_eq!(taken.status, 202, "{}", taken.body);
}

#[tokio::test]
async fn metrics_are_openmetrics_and_show_what_waits() {
    let house = House::new().await;
    house.alert("a").await;
    let refused = house.ask("", "POST /v1/signals/local", "{").await;
    assert_eq!(refused.status, 400);
    house.live.clock.advance(Duration::from_secs(90));
    let answer = house.ask("", "GET /metrics", "").await;
    assert!(
        answer
            .header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    for line in [
        "andon_deliveries_waiting{destination=\"lines\"} 1",
        "andon_deliveries_oldest_waiting_seconds{destination=\"lines\"} 90",
        "andon_destination_stopped{destination=\"lines\"} 0",
        "andon_signals_total{connection=\"local\",outcome=\"read\"} 1",
        "andon_requests_refused_total{connection=\"local\",reason=\"unreadable\"} 1",
        "andon_request_signals_count 1",
        "andon_alerts_open 1",
        "andon_store_has_room 1",
    ] {
        let is_there = answer.body.lines().any(|found| found == line);
        assert!(is_there, "{line}\n{}", answer.body);
    }
    assert!(answer.body.trim_end().ends_with("# EOF"));
}

#[tokio::test]
async fn the_status_counts_what_there_is() {
    let house = House::new().await;
    house.alert("a").await;
    let status = house.ask("reader", "GET /v1/status", "").await.json();
    assert_eq!(status["alerts"]["open"], 1);
    assert_eq!(status["deliveries"]["waiting"], 1);
    assert_eq!(
        status["catalog"]["hash"],
        house.live.snapshot().catalog.hash
    );
    assert!(status["frozen"].is_null());
    let list = house.ask("reader", "GET /v1/connections", "").await.json();
    let by_name = |name: &str| {
        let all = list["connections"].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).unwrap().clone()
    };
    assert_eq!(list["at"], "2026-11-23T08:00:00Z");
    assert!(list["no_room"].is_null());
    assert_eq!(by_name("local")["last_signal"], "2026-11-23T08:00:00Z");
    assert_eq!(by_name("local")["received"], 1);
    assert_eq!(by_name("local")["stuck"], 0);
    assert_eq!(by_name("lines")["delivery"]["delivered"], 0);
    assert!(by_name("registry")["last_signal"].is_null());
    assert_eq!(by_name("lines")["delivery"]["waiting"], 1);
    assert!(by_name("lines")["delivery"]["last_error"].is_null());
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let house = House::new().await;
    for (request, status) in [
        ("GET /", 404),
        ("GET /v1", 404),
        ("GET /v1/alerts/", 404),
        ("POST /v1/do/registry/move-alias", 404),
        ("POST /v1/hooks/x", 404),
        ("POST /v1/actions/act_0000000000001/approve", 404),
        ("DELETE /v1/alerts", 405),
        ("POST /healthz", 405),
        ("BREW /v1/alerts", 405),
        ("PUT /v1/signals/local", 405),
    ] {
        let answer = house.ask("boss", request, "").await;
        assert_eq!(answer.status, status, "{request}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{request}"
        );
        assert_eq!(
            answer.header("cache-control"),
            Some("no-store"),
            "{request}"
        );
    }
    let wrong = house.ask("boss", "PUT /v1/actions", "").await;
    assert_eq!(wrong.header("allow"), Some("GET,HEAD,POST"));
}

#[tokio::test]
async fn two_requests_on_one_connection_are_answered_in_order() {
    let house = House::new().await;
    let one =
        "POST /v1/signals/local HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n{\"key\":\"a\"}";
    let two = one
        .replace("\"a\"}", "\"b\"}")
        .replace("Host: a", "Host: a\r\nConnection: close");
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream
        .write_all(format!("{one}{two}").as_bytes())
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 202").count(), 2, "{text}");
}

#[tokio::test]
async fn stopping_finishes_what_runs_and_takes_nothing_new() {
    let house = House::new().await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = "POST /v1/signals/local HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // An answered request shows that the server is past accepting this connection too.
    house.ask("", "GET /healthz", "").await;
    house.live.stop.cancel();
    stream.write_all(b"{\"key\":\"a\"}").await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 202"), "{text}");
    house.live.tasks.close();
    let ended = tokio::time::timeout(Duration::from_secs(10), house.live.tasks.wait());
    ended.await.unwrap();
    assert!(TcpStream::connect(house.address).await.is_err());
}
