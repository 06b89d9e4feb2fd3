//! Pages, marks, what changed and what is gone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{House, Server};
use crate::connector::Schedule;
use crate::diag::{Faults, Source};
use crate::intake::poll::{Error, Key, run, slot, turn};
use crate::yaml;

const AT: &str = "2026-11-23T08:35:20Z";

/// A connector with one poll of `of`, and `more` under `poll`.
fn connector(of: &str, more: &str) -> String {
    format!(
        "andon: connector/v1\nname: pages\nabout: Pages of items.\nsettings:\n  url: {{ is: url, about: Where }}\nsignals:\n  item:\n    schema: schemas/item.json\n    poll:\n      of: {of}\n      every: \"*/5 * * * *\"\n      get: /api/items\n{more}    each: =body.items\n    id: =item.id\n    data: {{ value: =item.value }}\n"
    )
}

const SCHEMA: &str =
    r#"{"type":"object","required":["value"],"properties":{"value":{"type":"integer"}}}"#;

const MAPPING: &str = "andon: mapping/v1\nname: too-high\nabout: A value is too high.\nstatus: stable\nfrom: pages/item\nwhen: signal.?change != \"gone\" && signal.value > 5\nalert:\n  kind: feature-drift\n  title: Too high\n  severity:\n    - high: otherwise\n  same_as: [=signal.id]\nresolve:\n  - when: otherwise\ntests:\n  - it: a high value is an alert\n    signal: { value: 9 }\n    gives: { severity: high }\n";

pub(super) fn key() -> Key {
    Key {
        connection: "it".to_owned(),
        signal: "item".to_owned(),
    }
}

async fn house(of: &str, more: &str, script: &[(u16, &str)]) -> (House, Server) {
    let server = Server::new(script).await;
    let config = format!(
        "connections:\n  it: {{ connector: pages, url: \"{}/api/v1\", reach: loopback }}\n",
        server.url
    );
    let connector = connector(of, more);
    let own = [
        ("connectors/pages/connector.yaml", connector.as_str()),
        ("connectors/pages/schemas/item.json", SCHEMA),
        ("mappings/too-high.yaml", MAPPING),
    ];
    (House::new(AT, &config, &own), server)
}

/// A platform with two items that nobody has asked for yet.
pub(super) async fn polled() -> (House, Server) {
    house("state", "", &[(200, TWO)]).await
}

async fn poll(house: &House) -> Result<(), Error> {
    turn(&house.live, &house.live.snapshot(), &key()).await
}

async fn open(house: &House, item: &str) -> bool {
    let key = format!("[\"too-high\",\"it\",\"{item}\"]");
    house
        .live
        .store
        .write(move |tx| Ok(tx.open_alert(&key)?.is_some()))
        .await
        .unwrap()
}

const TWO: &str = r#"{"items":[{"id":"a","value":1},{"id":"b","value":9}]}"#;

#[tokio::test]
async fn a_state_is_kept_when_it_changes_and_said_when_it_is_gone() {
    let (house, server) = house("state", "", &[(200, TWO)]).await;
    poll(&house).await.unwrap();
    assert_eq!(house.counted("read"), 2);
    assert!(open(&house, "b").await && !open(&house, "a").await);
    house.later(300);
    poll(&house).await.unwrap();
    assert_eq!(house.counted("read"), 2, "as it was");
    house.later(300);
    server.then(&[(200, r#"{"items":[{"id":"a","value":8}]}"#)]);
    poll(&house).await.unwrap();
    assert_eq!(house.counted("read"), 4, "a changed, b is gone");
    assert!(open(&house, "a").await && !open(&house, "b").await);
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_stuck_once_and_nothing_is_gone() {
    let (house, server) = house("state", "", &[(200, TWO)]).await;
    poll(&house).await.unwrap();
    server.then(&[(200, r#"{"items":[{"value":1},{"id":"b","value":"x"}]}"#)]);
    for _ in 0..3 {
        house.later(300);
        poll(&house).await.unwrap();
    }
    let reasons = house.stuck_reasons().await;
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert!(open(&house, "b").await);
}

#[tokio::test]
async fn an_event_is_taken_once() {
    let (house, server) = house("events", "      mark: =item.id\n", &[(200, TWO)]).await;
    poll(&house).await.unwrap();
    assert_eq!(house.counted("read"), 2);
    // Newest first; `b` is the mark, and equal to it `b` is read again.
    server.then(&[(
        200,
        r#"{"items":[{"id":"c","value":1},{"id":"b","value":9},{"id":"a","value":1}]}"#,
    )]);
    house.later(48 * 3600);
    poll(&house).await.unwrap();
    assert_eq!(house.counted("read"), 3);
    poll(&house).await.unwrap();
    assert_eq!(house.counted("read"), 3);
}

#[tokio::test]
async fn pages_are_had_by_token() {
    let next = "      query: { size: 1 }\n      next: { query: page_token, from: =body.?next }\n";
    let first = r#"{"items":[{"id":"a","value":1}],"next":"t&1"}"#;
    let last = r#"{"items":[{"id":"b","value":1}],"next":""}"#;
    let (house, server) = house("state", next, &[(200, first), (200, last)]).await;
    poll(&house).await.unwrap();
    assert_eq!(
        server.asked(),
        [
            "/api/v1/api/items?size=1",
            "/api/v1/api/items?size=1&page_token=t%261"
        ]
    );
    assert_eq!(house.counted("read"), 2);
}

#[tokio::test]
async fn pages_are_had_by_number() {
    let next = "      next: { page: page, first: 1, while: \"body.?more == true\" }\n";
    let first = r#"{"items":[{"id":"a","value":1}],"more":true}"#;
    let (house, server) = house("state", next, &[(200, first), (200, TWO)]).await;
    poll(&house).await.unwrap();
    assert_eq!(
        server.asked(),
        ["/api/v1/api/items?page=1", "/api/v1/api/items?page=2"]
    );
}

#[tokio::test]
async fn pages_are_had_by_a_link_on_the_same_host_only() {
    let next = "      next: { link: =body.?next }\n";
    let absolute = r#"{"items":[{"id":"a","value":1}],"next":"BASE/api/v1/api/items?page=2"}"#;
    let relative = r#"{"items":[{"id":"b","value":1}],"next":"?page=3"}"#;
    let (house, server) = house(
        "state",
        next,
        &[(200, absolute), (200, relative), (200, r#"{"items":[]}"#)],
    )
    .await;
    poll(&house).await.unwrap();
    assert_eq!(
        server.asked(),
        [
            "/api/v1/api/items",
            "/api/v1/api/items?page=2",
            "/api/v1/api/items?page=3"
        ]
    );
    for elsewhere in [
        "http://192.0.2.1/api/v1/api/items",
        "/other/items",
        "//192.0.2.1/x",
    ] {
        let body = format!(r#"{{"items":[],"next":"{elsewhere}"}}"#);
        server.then(&[(200, &body)]);
        let refused = poll(&house).await;
        assert!(matches!(refused, Err(Error::Next(_))), "{elsewhere}");
    }
}

#[tokio::test]
async fn a_mark_stops_the_pages_and_a_full_scan_does_not_stop() {
    let more = "      mark: =item.value\n      full: \"0 * * * *\"\n      next: { page: page, first: 1, while: \"body.?more == true\" }\n";
    let first = r#"{"items":[{"id":"a","value":4},{"id":"b","value":3}],"more":true}"#;
    let second = r#"{"items":[{"id":"c","value":2}]}"#;
    let (house, server) = house("state", more, &[(200, first), (200, second)]).await;
    poll(&house).await.unwrap();
    assert_eq!(server.asked().len(), 2);
    server.then(&[(200, first), (200, second)]);
    house.later(300);
    poll(&house).await.unwrap();
    assert_eq!(server.asked().len(), 1, "b is known");
    server.then(&[(200, first), (200, r#"{"items":[]}"#)]);
    house.later(3600);
    poll(&house).await.unwrap();
    assert_eq!(server.asked().len(), 2, "the whole");
    assert_eq!(house.counted("read"), 4, "c is gone");
}

#[tokio::test]
async fn a_scan_that_fails_half_way_finds_nothing_gone() {
    let next = "      next: { page: page, first: 1, while: \"body.?more == true\" }\n";
    let first = r#"{"items":[{"id":"a","value":1}],"more":true}"#;
    let (house, server) = house("state", next, &[(200, first), (200, TWO)]).await;
    poll(&house).await.unwrap();
    server.then(&[(200, first), (503, "")]);
    house.later(300);
    assert!(matches!(
        poll(&house).await,
        Err(Error::Status { status: 503, .. })
    ));
    assert!(open(&house, "b").await);
    server.then(&[(200, "<html>")]);
    assert!(matches!(poll(&house).await, Err(Error::NotJson)));
}

#[tokio::test]
async fn a_poll_that_fails_is_counted_and_says_why_until_one_is_made() {
    let (house, server) = house("state", "", &[(502, "<html>")]).await;
    let polling = run(Arc::clone(&house.live), key(), Duration::ZERO);
    let failed = async {
        while house.live.sources.failing().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! { () = polling => {}, () = failed => {} }
    let why = &house.live.sources.failing()["it"];
    assert_eq!(why, "poll: the answer has status 502");
    assert_eq!(
        house.live.meters.polls.sum("it", |word| word == "failed"),
        1
    );
    server.then(&[(200, TWO)]);
    let polling = run(Arc::clone(&house.live), key(), Duration::ZERO);
    let made = async {
        while house.live.meters.polls.sum("it", |word| word == "done") == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! { () = polling => {}, () = made => {} }
    assert!(house.live.sources.failing().is_empty());
}

#[tokio::test]
async fn a_view_goes_stale_by_the_clock_alone() {
    let view = |end: &str| {
        format!(
            r#"{{"featureViews":[{{"spec":{{"name":"user_txn","online":true,"ttl":"7200s"}},"meta":{{"materializationIntervals":[{{"startTime":"2026-11-22T00:00:00Z","endTime":"{end}"}}]}}}}]}}"#
        )
    };
    let server = Server::new(&[(200, &view("2026-11-23T08:00:00Z"))]).await;
    let config = format!(
        "connections:\n  feast: {{ connector: feast, url: \"{}\", reach: loopback, project: risk }}\n",
        server.url
    );
    let house = House::new(AT, &config, &[]);
    let key = Key {
        connection: "feast".to_owned(),
        signal: "feature-view".to_owned(),
    };
    for (after, kept) in [(0, 1), (300, 1), (7200, 2), (300, 2)] {
        house.later(after);
        turn(&house.live, &house.live.snapshot(), &key)
            .await
            .unwrap();
        assert_eq!(
            house.counted("read") + house.counted("stuck"),
            kept,
            "after {after} s"
        );
    }
    assert_eq!(house.stuck_reasons().await, Vec::<String>::new());
    server.then(&[(200, &view("2026-11-23T10:40:00Z"))]);
    turn(&house.live, &house.live.snapshot(), &key)
        .await
        .unwrap();
    assert_eq!(house.counted("read"), 3);
}

#[tokio::test]
async fn a_whole_scan_under_a_later_clock_is_made_again() {
    let more = "      mark: =item.value\n      full: \"0 * * * *\"\n      next: { page: page, first: 1, while: \"body.?more == true\" }\n";
    let first = r#"{"items":[{"id":"a","value":4},{"id":"b","value":3}],"more":true}"#;
    let second = r#"{"items":[{"id":"c","value":2}]}"#;
    let (house, server) = house("state", more, &[(200, first), (200, second)]).await;
    poll(&house).await.unwrap();
    server.asked();
    server.then(&[(200, first), (200, second)]);
    house
        .live
        .clock
        .jump_to("2020-01-01T00:00:00Z".parse().unwrap());
    poll(&house).await.unwrap();
    assert_eq!(server.asked().len(), 2, "the whole");
}

#[test]
fn polls_of_one_schedule_are_spread_over_a_tenth_of_their_interval_each_always_alike() {
    for (every, interval, share) in [
        ("* * * * *", 60, 6),
        ("*/5 * * * *", 300, 30),
        ("0 3 * * *", 86_400, 30),
    ] {
        let mut faults = Faults::new();
        let text = format!("every: \"{every}\"");
        let node = yaml::parse(&Source::new("it.yaml", text), &mut faults).unwrap();
        let node = &node.as_map().unwrap()[0].value;
        let schedule = Schedule::parse(node, &mut faults).unwrap();
        let now: jiff::Timestamp = AT.parse().unwrap();
        let late = |number: u32| {
            let key = Key {
                connection: format!("registry-{number}"),
                signal: "item".to_owned(),
            };
            let first = slot(&schedule, now, &key);
            let second = slot(&schedule, first, &key);
            assert!(first > now);
            assert_eq!(second.duration_since(first).as_secs(), interval);
            let before = first - Duration::from_secs(share);
            first.duration_since(schedule.after(before).unwrap())
        };
        let all: BTreeSet<_> = (0..40).map(late).collect();
        assert!(all.len() > 35, "{every}: {all:?}");
        let (first, last) = (all.first().unwrap(), all.last().unwrap());
        assert!(!first.is_negative(), "{every}: {first:?}");
        assert!(last.unsigned_abs() < Duration::from_secs(share), "{every}");
        assert_eq!(late(1), late(1));
    }
}
