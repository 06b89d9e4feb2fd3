use std::time::Duration;

use super::client::ask;
use crate::sandbox::{Fault, Listen, Pem, splunk};

const TOKEN: &str = "00000000-1111-2222-3333-444444444444";

async fn post(url: &str) -> Option<u16> {
    let headers = [(
        "Authorization",
        "Splunk 00000000-1111-2222-3333-444444444444",
    )];
    let answer = ask(
        url,
        "POST",
        "/services/collector/event",
        &headers,
        br#"{"event":1}"#,
    )
    .await;
    answer.map(|answer| answer.status)
}

#[tokio::test]
async fn each_fault_does_what_it_says_and_only_once() {
    let hec = splunk::start(splunk::Options::with_token(splunk::Token::new(TOKEN)))
        .await
        .unwrap();
    let table = [
        (Fault::Status(502, "<html>".to_owned()), Some(502), 0),
        (Fault::RetryAfter(429, 7), Some(429), 0),
        (Fault::CutBeforeRead, None, 0),
        (Fault::CutAfterRead, None, 0),
        (Fault::AcceptAndLoseAnswer, None, 1),
        (Fault::SlowBy(Duration::from_millis(1)), Some(200), 1),
    ];
    for (fault, status, indexed) in table {
        let before = hec.recorded().count();
        hec.faults().then(fault.clone());
        assert_eq!(post(hec.url()).await, status, "{fault:?}");
        assert_eq!(hec.recorded().count() - before, indexed, "{fault:?}");
        assert_eq!(post(hec.url()).await, Some(200));
    }
    assert_eq!(hec.faults().requests(), 12);
    hec.stop().await;
}

#[tokio::test]
async fn a_hanging_request_ends_when_the_server_stops() {
    let hec = splunk::start(splunk::Options::with_token(splunk::Token::new(TOKEN)))
        .await
        .unwrap();
    hec.faults().then(Fault::Hang);
    let url = hec.url().to_owned();
    let waiting = async {
        while hec.faults().requests() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let mut hanging = Box::pin(post(&url));
    tokio::select! {
        answer = &mut hanging => panic!("it answered {answer:?}"),
        () = waiting => {}
    }
    let (answer, ()) = tokio::join!(hanging, hec.stop());
    assert_eq!(answer, None);
}

#[tokio::test]
async fn the_same_seed_picks_the_same_requests() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let hec = splunk::start(splunk::Options::with_token(splunk::Token::new(TOKEN)))
            .await
            .unwrap();
        hec.faults()
            .at_rate(300, 7, Fault::Status(503, String::new()));
        let mut statuses = Vec::new();
        for _ in 0..30 {
            statuses.push(post(hec.url()).await.unwrap());
        }
        runs.push(statuses);
        hec.stop().await;
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&503) && runs[0].contains(&200));
}

#[tokio::test]
async fn it_stays_on_loopback_and_wants_a_good_certificate() {
    let mut options = splunk::Options::with_token(splunk::Token::new(TOKEN));
    options.listen.address = "192.0.2.1:0".parse().unwrap();
    assert!(splunk::start(options.clone()).await.is_err());
    options.listen = Listen {
        tls: Some(Pem {
            certificate: "none".to_owned(),
            key: "none".to_owned(),
        }),
        ..Listen::default()
    };
    assert!(splunk::start(options).await.is_err());
}
