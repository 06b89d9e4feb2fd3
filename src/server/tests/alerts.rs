//! Alerts: listed, shown, answered.

use super::house::House;

#[tokio::test]
async fn alerts_come_a_page_at_a_time_newest_first() {
    let house = House::new().await;
    let mut made = Vec::new();
    for key in ["a", "b", "c"] {
        made.push(house.alert(key).await);
    }
    made.reverse();
    let first = house
        .ask("reader", "GET /v1/alerts?limit=2", "")
        .await
        .json();
    assert_eq!(first["alerts"][0]["id"], made[0].as_str());
    assert_eq!(first["alerts"].as_array().unwrap().len(), 2);
    let next = first["next"].as_str().unwrap();
    let second = house
        .ask(
            "reader",
            &format!("GET /v1/alerts?limit=2&before={next}"),
            "",
        )
        .await
        .json();
    assert_eq!(second["alerts"][0]["id"], made[2].as_str());
    assert!(second["next"].is_null());
}

#[tokio::test]
async fn a_list_is_narrowed_by_what_is_asked() {
    let house = House::new().await;
    let id = house.alert("a").await;
    let rows = [
        ("", 1),
        ("state=open", 1),
        ("state=resolved", 0),
        ("state=all", 1),
        ("open=true", 1),
        ("open=false", 0),
        ("severity=high", 1),
        ("severity=critical", 0),
        ("kind=platform-alert", 1),
        ("kind=jailbreak", 0),
        ("connection=local", 1),
        ("connection=registry", 0),
        ("mapping=generic-event", 1),
        ("mapping=other", 0),
    ];
    for (query, wanted) in rows {
        let list = house
            .ask("reader", &format!("GET /v1/alerts?{query}"), "")
            .await;
        assert_eq!(
            list.json()["alerts"].as_array().unwrap().len(),
            wanted,
            "{query}"
        );
    }
    let shown = house
        .ask("reader", &format!("GET /v1/alerts/{id}"), "")
        .await
        .json();
    assert_eq!(shown["event_id"], format!("{id}-1"));
    assert_eq!(shown["revisions"], 1);
    assert_eq!(shown["actions"].as_array().unwrap().len(), 0);
    let signal = shown["signal"].as_str().unwrap();
    assert_eq!(
        shown["signal_url"],
        format!("https://andon.example.com/v1/signals/{signal}")
    );
}

#[tokio::test]
async fn an_unknown_filter_says_what_was_meant() {
    let house = House::new().await;
    let answer = house
        .ask(
            "reader",
            "GET /v1/alerts?severty=high&limit=900&open=maybe",
            "",
        )
        .await;
    assert_eq!(answer.status, 422);
    let errors = answer.json()["errors"].clone();
    assert_eq!(
        errors,
        serde_json::json!([
            "`severty` is no parameter here: did you mean `severity`?",
            "`limit` has to be a whole number of at most 200",
            "`open` has to be true or false",
        ])
    );
}

#[tokio::test]
async fn an_answer_is_a_revision_that_is_owed_and_audited() {
    let house = House::new().await;
    let id = house.alert("a").await;
    let post = |verb: &str| format!("POST /v1/alerts/{id}/{verb}");
    let bell = house.live.owed.listen();
    let acked = house.ask("analyst", &post("ack"), "").await.json();
    assert_eq!(acked["acknowledged"]["by"], "analyst");
    assert_eq!(
        (&acked["state"], &acked["revision"]),
        (&"updated".into(), &2.into())
    );
    assert!(bell.has_changed());
    // The same word again is no revision.
    let again = house.ask("analyst", &post("ack"), "").await.json();
    assert_eq!(again["revision"], 2);
    let noted = house
        .ask(
            "analyst",
            &post("note"),
            r#"{"text":"seen\u202e before\n"}"#,
        )
        .await
        .json();
    assert_eq!(noted["notes"][0]["text"], "seen\\u{202e} before");
    let closed = house
        .ask(
            "analyst",
            &post("resolve"),
            r#"{"false_positive":true,"text":"a drill"}"#,
        )
        .await
        .json();
    assert_eq!(closed["state"], "resolved");
    assert_eq!(closed["closed"]["how"], "false_positive");
    assert_eq!(closed["closed"]["by"], "analyst");
    assert_eq!(closed["notes"][1]["text"], "a drill");
    for verb in ["ack", "note", "resolve"] {
        let late = house.ask("analyst", &post(verb), r#"{"text":"x"}"#).await;
        assert_eq!(
            (late.status, late.code().as_str()),
            (409, "alert_closed"),
            "{verb}"
        );
    }
    // What it is called already is no revision.
    let resolve = post("resolve");
    let again = house.ask("analyst", &resolve, r#"{"false_positive":true}"#);
    assert_eq!(again.await.json()["revision"], closed["revision"]);
    let by = |what: &str| ("analyst".to_owned(), what.to_owned());
    assert_eq!(
        house.audit().await,
        [
            by("alert.acknowledged"),
            by("alert.noted"),
            by("alert.false_positive")
        ]
    );
    let waiting = house
        .live
        .store
        .read(|reader| reader.waiting())
        .await
        .unwrap();
    assert_eq!(waiting[0].count, 4);
    // What comes after that is a new alert.
    let body = r#"{"key":"a","title":"again"}"#;
    house.ask("", "POST /v1/signals/local", body).await;
    let list = house.ask("reader", "GET /v1/alerts?state=open", "").await;
    assert_ne!(list.json()["alerts"][0]["id"], id.as_str());
}

#[tokio::test]
async fn an_alert_that_is_over_can_still_be_called_a_false_positive() {
    let house = House::new().await;
    let id = house.alert("a").await;
    let resolve = format!("POST /v1/alerts/{id}/resolve");
    let dealt = house.ask("analyst", &resolve, "").await.json();
    assert_eq!(dealt["closed"]["how"], "resolved");
    let none = house.ask(
        "analyst",
        &resolve,
        r#"{"false_positive":true,"text":"it was a drill"}"#,
    );
    let none = none.await.json();
    assert_eq!(none["closed"]["how"], "false_positive");
    assert_eq!(none["closed"]["at"], dealt["closed"]["at"]);
    assert_eq!(none["notes"][0]["text"], "it was a drill");
    let back = house.ask("analyst", &resolve, "").await;
    assert_eq!(back.code(), "alert_closed");
}

#[tokio::test]
async fn a_word_keeps_no_alert_awake() {
    let house = House::new().await;
    let id = house.alert("a").await;
    house.live.clock.advance(std::time::Duration::from_hours(1));
    house
        .ask("analyst", &format!("POST /v1/alerts/{id}/ack"), "")
        .await;
    house
        .live
        .clock
        .advance(std::time::Duration::from_hours(23));
    let (now, live) = (house.live.clock.now(), &house.live);
    let due = live
        .store
        .write(move |tx| tx.quiet_due(now, 10))
        .await
        .unwrap();
    assert_eq!(due.len(), 1);
}

#[tokio::test]
async fn an_answer_that_says_something_else_is_refused() {
    let house = House::new().await;
    let id = house.alert("a").await;
    let rows = [
        (
            "resolve",
            r#"{"false_postive":true}"#,
            "`false_postive` is no key here: did you mean `false_positive`?",
        ),
        (
            "resolve",
            r#"{"false_positive":1}"#,
            "`false_positive` has to be true or false",
        ),
        ("note", "{}", "`text` is the note, and there is none"),
        (
            "note",
            r#"{"text":["x"]}"#,
            "`text` has to be a text; `text` is the note, and there is none",
        ),
    ];
    for (verb, body, detail) in rows {
        let answer = house
            .ask("analyst", &format!("POST /v1/alerts/{id}/{verb}"), body)
            .await;
        assert_eq!(
            (answer.status, answer.json()["detail"].as_str()),
            (422, Some(detail)),
            "{body}"
        );
    }
    for body in ["[]", "{", "nul"] {
        let answer = house
            .ask("analyst", &format!("POST /v1/alerts/{id}/ack"), body)
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "not_json"),
            "{body}"
        );
    }
    for id in ["alt_0000000000001", "sig_0000000000001", "x", "%00"] {
        let answer = house
            .ask("analyst", &format!("POST /v1/alerts/{id}/ack"), "")
            .await;
        assert_eq!(answer.status, 404, "{id}");
    }
}
