use serde_json::{Value, json};

use super::client::{Answer, ask, gzip};
use crate::sandbox::Running;
use crate::sandbox::splunk::{Code, Edition, Indexer, Keep, Options, Token, start};

const GOOD: &str = "00000000-1111-2222-3333-444444444444";
const OFF: &str = "00000000-1111-2222-3333-555555555555";
const ACK: &str = "00000000-1111-2222-3333-666666666666";
const CHANNEL: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

fn options() -> Options {
    let mut options = Options::with_token(Token::new(GOOD));
    options.tokens.push(Token {
        enabled: false,
        ..Token::new(OFF)
    });
    options.tokens.push(Token {
        use_ack: true,
        ..Token::new(ACK)
    });
    options
}

async fn send(hec: &Running<Indexer>, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    ask(hec.url(), "POST", path, headers, body).await.unwrap()
}

#[tokio::test]
async fn who_may_send() {
    let hec = start(options()).await.unwrap();
    let basic = format!(
        "Basic {}",
        data_encoding::BASE64.encode(format!("x:{GOOD}").as_bytes())
    );
    let table = [
        (format!("Splunk {GOOD}"), 200, 0, "Success"),
        (format!("splunk {GOOD}"), 200, 0, "Success"),
        (basic, 200, 0, "Success"),
        (format!("Bearer {GOOD}"), 401, 3, "Invalid authorization"),
        (GOOD.to_owned(), 401, 3, "Invalid authorization"),
        ("Splunk nope".to_owned(), 403, 4, "Invalid token"),
        (format!("Splunk {OFF}"), 403, 1, "Token disabled"),
        (format!("Splunk {ACK}"), 400, 10, "Data channel is missing"),
    ];
    for (authorization, status, code, text) in table {
        let answer = send(
            &hec,
            "/services/collector",
            &[("Authorization", &authorization)],
            br#"{"event":1}"#,
        )
        .await;
        assert_eq!(answer.status, status, "{authorization}");
        assert_eq!(answer.json(), json!({ "text": text, "code": code }));
    }
    let none = send(&hec, "/services/collector", &[], b"{}").await;
    assert_eq!((none.status, none.json()["code"].as_i64()), (401, Some(2)));
    let query = send(
        &hec,
        &format!("/services/collector?token={GOOD}"),
        &[],
        b"{}",
    )
    .await;
    assert_eq!(
        (query.status, query.json()["code"].as_i64()),
        (400, Some(16))
    );
    hec.stop().await;
}

#[tokio::test]
async fn a_partial_batch_keeps_what_stands_before_the_bad_object() {
    let hec = start(options()).await.unwrap();
    let token = format!("Splunk {GOOD}");
    let body = br#"{"event":{"n":1},"time":1795422915549,"host":"h","sourcetype":"ocsf:andon"}{"event":" "}{"event":3}"#;
    let answer = send(
        &hec,
        "/services/collector/event/1.0",
        &[("Authorization", &token)],
        body,
    )
    .await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({ "text": "Event field cannot be blank", "code": 13, "invalid-event-number": 1 })
    );
    let events = hec.recorded().events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].event, json!({ "n": 1 }));
    assert!((events[0].time - 1_795_422_915.549).abs() < 1e-6);
    assert_eq!(
        (
            events[0].host.as_str(),
            events[0].sourcetype.as_str(),
            events[0].index.as_str()
        ),
        ("h", "ocsf:andon", "main")
    );
    hec.stop().await;
}

#[tokio::test]
async fn encodings_and_sizes() {
    let mut small = options();
    small.body_at_most = 100;
    let cloud = Options {
        edition: Edition::Cloud,
        ..small.clone()
    };
    let token = format!("Splunk {GOOD}");
    let long = format!(r#"{{"event":"{}"}}"#, "x".repeat(200));
    let hec = start(small).await.unwrap();
    let with = |encoding: &'static str| {
        [
            ("Authorization", token.clone()),
            ("Content-Encoding", encoding.to_owned()),
        ]
    };
    for (encoding, body, status) in [
        ("gzip", gzip(br#"{"event":1}"#), 200),
        ("gzip", gzip(long.as_bytes()), 413),
        ("identity", long.clone().into_bytes(), 413),
        ("deflate", b"x".to_vec(), 415),
    ] {
        let headers = with(encoding);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let answer = send(&hec, "/services/collector/event", &headers, &body).await;
        assert_eq!(answer.status, status, "{encoding}");
        if status == 415 {
            assert!(
                answer
                    .header("content-type")
                    .unwrap()
                    .starts_with("text/html")
            );
        }
    }
    hec.stop().await;
    // Cloud says of an oversize body that its first object is bad.
    let hec = start(cloud).await.unwrap();
    let answer = send(
        &hec,
        "/services/collector/event",
        &[("Authorization", &token)],
        long.as_bytes(),
    )
    .await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["code"], 6);
    assert_eq!(answer.json()["invalid-event-number"], 0);
    let ack = format!("Splunk {ACK}");
    let answer = send(
        &hec,
        "/services/collector/event",
        &[("Authorization", &ack)],
        b"{}",
    )
    .await;
    assert_eq!(answer.json()["code"], 28);
    hec.stop().await;
}

#[tokio::test]
async fn acknowledgments_are_per_channel_and_true_once() {
    let hec = start(options()).await.unwrap();
    let token = format!("Splunk {ACK}");
    let headers = [
        ("Authorization", token.as_str()),
        ("X-Splunk-Request-Channel", CHANNEL),
    ];
    let asked = br#"{"acks":[0,1,9]}"#;
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(
            send(
                &hec,
                "/services/collector/event",
                &headers,
                br#"{"event":1}"#,
            )
            .await
            .json()["ackId"]
                .clone(),
        );
    }
    assert_eq!(ids, [0, 1]);
    let poll = async || {
        send(&hec, "/services/collector/ack", &headers, asked)
            .await
            .json()
    };
    assert_eq!(
        poll().await,
        json!({ "acks": { "0": true, "1": true, "9": false } })
    );
    assert_eq!(
        poll().await,
        json!({ "acks": { "0": false, "1": false, "9": false } })
    );
    let bad = [
        ("Authorization", token.as_str()),
        ("X-Splunk-Request-Channel", "not-a-guid"),
    ];
    assert_eq!(
        send(&hec, "/services/collector/event", &bad, b"{}")
            .await
            .json()["code"],
        11
    );
    let good = format!("Splunk {GOOD}");
    let off = send(
        &hec,
        "/services/collector/ack",
        &[("Authorization", &good)],
        asked,
    )
    .await;
    assert_eq!((off.status, off.json()["code"].as_i64()), (400, Some(14)));
    hec.stop().await;
}

#[tokio::test]
async fn health_options_raw_and_wrong_paths() {
    let hec = start(options()).await.unwrap();
    let health = ask(
        hec.url(),
        "GET",
        "/services/collector/health",
        &[("Authorization", "Splunk bogus")],
        b"",
    )
    .await
    .unwrap();
    assert_eq!(
        (health.status, health.json()["code"].as_i64()),
        (200, Some(17))
    );
    let options = ask(hec.url(), "OPTIONS", "/services/collector/event", &[], b"")
        .await
        .unwrap();
    assert_eq!(
        (options.status, options.header("allow")),
        (200, Some("POST,OPTIONS"))
    );
    assert_eq!(
        ask(hec.url(), "POST", "/services/collector/nope", &[], b"")
            .await
            .unwrap()
            .status,
        404
    );
    let token = format!("Splunk {GOOD}");
    let raw = send(
        &hec,
        "/services/collector/raw?sourcetype=s",
        &[("Authorization", &token)],
        b"a\nb\n",
    )
    .await;
    assert_eq!(raw.status, 200);
    let events: Vec<Value> = hec
        .recorded()
        .events()
        .into_iter()
        .map(|event| event.event)
        .collect();
    assert_eq!(events, ["a", "b"]);
    hec.stop().await;
}

#[tokio::test]
async fn a_scripted_code_refuses_or_warns() {
    let hec = start(Options {
        keep: Keep::Count,
        ..options()
    })
    .await
    .unwrap();
    let token = format!("Splunk {GOOD}");
    for (code, status, number, indexed) in [
        (Code::ServerIsBusy, 503, 9, 0),
        (Code::QueueAtCapacity, 429, 26, 0),
        (Code::QueueNearCapacity, 200, 24, 2),
        (Code::InternalServerError, 500, 8, 0),
    ] {
        let before = hec.recorded().count();
        hec.recorded().answer(1, code);
        let answer = send(
            &hec,
            "/services/collector",
            &[("Authorization", &token)],
            br#"{"event":1}{"event":2}"#,
        )
        .await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_i64()),
            (status, Some(number))
        );
        assert_eq!(hec.recorded().count() - before, indexed);
    }
    assert!(hec.recorded().events().is_empty());
    hec.stop().await;
}
