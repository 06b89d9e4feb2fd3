use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Answer, ask};
use crate::clock::Clock;
use crate::sandbox::Running;
use crate::sandbox::pagerduty::{Agent, Options, Pager, Status, start_at};

const KEY: &str = "0123456789abcdef0123456789abcdef";

async fn begin() -> (Running<Pager>, Clock) {
    let clock = Clock::stopped("2026-11-23T08:00:00Z".parse().unwrap());
    (
        start_at(Options::with_key(KEY), clock.clone())
            .await
            .unwrap(),
        clock,
    )
}

async fn send(pager: &Running<Pager>, event: &Value) -> Answer {
    ask(
        pager.url(),
        "POST",
        "/v2/enqueue",
        &[],
        event.to_string().as_bytes(),
    )
    .await
    .unwrap()
}

fn trigger() -> Value {
    json!({
        "routing_key": KEY, "event_action": "trigger", "dedup_key": "alt_1",
        "payload": { "summary": "s", "source": "h", "severity": "error", "custom_details": { "a": { "b": 1 } } },
    })
}

fn act(action: &str, key: &str) -> Value {
    json!({ "routing_key": KEY, "event_action": action, "dedup_key": key })
}

#[tokio::test]
async fn what_is_refused_and_why() {
    let (pager, _) = begin().await;
    let with = |path: &str, value: Value| {
        let mut event = trigger();
        *event.pointer_mut(path).unwrap() = value;
        event
    };
    let table = [
        (
            with("/routing_key", "short".into()),
            "Length of 'routing_key' is incorrect (should be 32 characters)",
        ),
        (
            with("/routing_key", "f".repeat(32).into()),
            "Invalid routing key",
        ),
        (
            with("/event_action", "fire".into()),
            "'event_action' is invalid: must be one of [trigger, acknowledge, resolve]",
        ),
        (
            with("/dedup_key", "x".repeat(256).into()),
            "'dedup_key' is invalid: length must be at most 255",
        ),
        (
            with("/payload/summary", "é".repeat(1025).into()),
            "'payload.summary' is too long: at most 1024 characters",
        ),
        (
            with("/payload/summary", "".into()),
            "'payload.summary' is missing or blank",
        ),
        (
            with("/payload/source", Value::Null),
            "'payload.source' is missing or blank",
        ),
        (
            with("/payload/severity", "high".into()),
            "'payload.severity' is invalid: must be one of [critical, warning, error, info]",
        ),
        (
            with("/payload/custom_details", "text".into()),
            "'payload.custom_details' is invalid: must be an object",
        ),
        (act("resolve", ""), "'dedup_key' is missing or blank"),
    ];
    for (event, error) in table {
        let answer = send(&pager, &event).await;
        assert_eq!(answer.status, 400, "{error}");
        assert_eq!(answer.json()["errors"], json!([error]));
    }
    let big = with(
        "/payload/custom_details",
        json!({ "a": "x".repeat(600_000) }),
    );
    assert_eq!(send(&pager, &big).await.status, 413);
    assert_eq!(
        send(&pager, &with("/payload/summary", "é".repeat(1024).into()))
            .await
            .status,
        202
    );
    pager.stop().await;
}

#[tokio::test]
async fn an_incident_lives_and_a_new_one_follows() {
    let (pager, _) = begin().await;
    assert_eq!(send(&pager, &act("resolve", "alt_1")).await.status, 202);
    assert_eq!(
        (
            pager.recorded().dropped(),
            pager.recorded().incidents().len()
        ),
        (1, 0)
    );
    let answer = send(&pager, &trigger()).await;
    assert_eq!(
        answer.json(),
        json!({ "status": "success", "message": "Event processed", "dedup_key": "alt_1" })
    );
    send(&pager, &trigger()).await;
    send(&pager, &act("acknowledge", "alt_1")).await;
    let incident = pager.recorded().incident("alt_1").unwrap();
    assert_eq!(
        (incident.status, incident.triggers, incident.number),
        (Status::Acknowledged, 2, 1)
    );
    assert_eq!(incident.event.get("routing_key"), None);
    send(&pager, &act("resolve", "alt_1")).await;
    assert_eq!(
        pager.recorded().incident("alt_1").unwrap().status,
        Status::Resolved
    );
    send(&pager, &trigger()).await;
    assert_eq!(pager.recorded().incident("alt_1").unwrap().number, 2);
    pager.stop().await;
}

#[tokio::test]
async fn the_rate_slides_over_a_minute() {
    let (pager, clock) = begin().await;
    for _ in 0..120 {
        assert_eq!(send(&pager, &trigger()).await.status, 202);
    }
    assert_eq!(send(&pager, &trigger()).await.status, 429);
    clock.advance(Duration::from_secs(60));
    assert_eq!(send(&pager, &trigger()).await.status, 202);
    pager.stop().await;
}

/// Takes one request on a socket, answers it, and gives it as it came.
async fn taken(ear: &tokio::net::TcpListener, answer: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (mut line, _) = ear.accept().await.unwrap();
    let mut text = String::new();
    let mut piece = [0; 4096];
    loop {
        let read = line.read(&mut piece).await.unwrap();
        text.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        let length = header(&text, "Content-Length")
            .parse()
            .unwrap_or(usize::MAX);
        if text
            .split_once("\r\n\r\n")
            .is_some_and(|(_, body)| body.len() >= length)
        {
            break;
        }
    }
    line.write_all(format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n").as_bytes())
        .await
        .unwrap();
    text
}

fn header<'t>(request: &'t str, name: &str) -> &'t str {
    let start = format!("{name}: ");
    let line = request.lines().find_map(|line| line.strip_prefix(&start));
    line.unwrap_or_default()
}

#[tokio::test]
async fn what_people_do_is_told_signed_in_order_and_until_it_is_taken() {
    let (pager, _) = begin().await;
    let ear = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/signals/oncall", ear.local_addr().unwrap());
    assert!(pager.recorded().subscribe(&url, &["first", "second"]));
    send(&pager, &trigger()).await;
    assert!(pager.recorded().acknowledge("alt_1", "Jane"));
    assert!(pager.recorded().annotate("alt_1", "Jane", "false positive"));
    assert!(pager.recorded().resolve("alt_1", Agent::Automation));
    assert!(!pager.recorded().resolve("alt_1", Agent::Person("Jane")));

    let refused = taken(&ear, "503 Service Unavailable").await;
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(taken(&ear, "202 Accepted").await);
    }
    assert_eq!(refused, told[0], "the same bytes, with the same id");
    let mut seen = Vec::new();
    for request in &told {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let key = |secret: &str| {
            aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes())
        };
        let tag = |secret: &str| {
            let tag = aws_lc_rs::hmac::sign(&key(secret), body.as_bytes());
            format!("v1={}", data_encoding::HEXLOWER.encode(tag.as_ref()))
        };
        let signed = format!("{},{}", tag("first"), tag("second"));
        assert_eq!(header(request, "X-PagerDuty-Signature"), signed);
        let event = serde_json::from_str::<Value>(body).unwrap()["event"].take();
        let data = &event["data"];
        let incident = data["incident"]["id"].as_str().or(data["id"].as_str());
        assert_eq!(incident, Some("Q000001"));
        seen.push((
            event["event_type"].clone(),
            event["agent"]["summary"].clone(),
            data["incident_key"].clone(),
        ));
    }
    let of = |kind: &str, who: Value, key: Value| (json!(format!("incident.{kind}")), who, key);
    assert_eq!(
        seen,
        [
            of("triggered", Value::Null, json!("alt_1")),
            of("acknowledged", json!("Jane"), json!("alt_1")),
            of("annotated", json!("Jane"), Value::Null),
            of("resolved", Value::Null, json!("alt_1")),
        ]
    );
    pager.stop().await;
}
