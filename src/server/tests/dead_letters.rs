//! What a destination refused for good: shown, owed again, dropped.

use super::house::House;
use crate::store::DeadLetterCause;
use crate::untrusted::Untrusted;

/// What is owed to `lines` first is refused for good, by `destination`. Gives its number.
async fn bury(house: &House, destination: &'static str) -> i64 {
    let now = house.live.clock.now();
    let dead = house.live.store.write(move |tx| {
        let owed = tx.due("lines", now, 0, 1)?.ready.remove(0);
        tx.mark_delivered("lines", &[owed.seq])?;
        let seq = tx.owe(destination, owed.revision, false)?;
        let cause = DeadLetterCause {
            status: Some(400),
            body: Untrusted::new(b"no\x1b[31m".to_vec()),
            reason: "the destination says no".to_owned(),
        };
        assert!(tx.dead_letter(destination, seq, &cause)?);
        Ok(seq)
    });
    dead.await.unwrap()
}

#[tokio::test]
async fn a_dead_letter_is_shown_with_what_was_refused() {
    let house = House::new().await;
    let alert = house.alert("a").await;
    bury(&house, "lines").await;
    let list = house.ask("reader", "GET /v1/dead-letters", "").await.json();
    let id = &list["dead_letters"][0]["id"];
    assert_eq!(list["dead_letters"][0]["reason"], "the destination says no");
    let shown = house
        .ask("reader", &format!("GET /v1/dead-letters/{id}"), "")
        .await
        .json();
    assert_eq!(shown["refused"]["id"], alert.as_str());
    assert_eq!(shown["answer"], "no\u{1b}[31m");
    let list = house.ask("reader", "GET /v1/connections", "").await;
    assert!(list.body.contains("the destination says no"));
    assert_eq!(
        house
            .ask("reader", "GET /v1/dead-letters/x", "")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_dead_letter_is_owed_again_or_dropped_and_the_audit_says_by_whom() {
    let house = House::new().await;
    let alert = house.alert("a").await;
    let id = bury(&house, "lines").await;
    let retried = house
        .ask("boss", &format!("POST /v1/dead-letters/{id}/retry"), "")
        .await;
    assert_eq!(retried.status, 200, "{}", retried.body);
    let said = retried.json();
    assert_eq!(
        (&said["retried"], &said["destination"], &said["alert"]),
        (&true.into(), &"lines".into(), &alert.as_str().into())
    );
    let status = house.ask("boss", "GET /v1/status", "").await.json();
    assert_eq!(status["deliveries"]["waiting"], 1);
    assert_eq!(status["deliveries"]["dead_letters"], 0);
    let id = bury(&house, "lines").await;
    let drop = format!("POST /v1/dead-letters/{id}/drop");
    let why = "{\"reason\": \" known\\u001b[2J\"}";
    let dropped = house.ask("boss", &drop, why).await;
    assert_eq!(dropped.json()["dropped"], true, "{}", dropped.body);
    let status = house.ask("boss", "GET /v1/status", "").await.json();
    assert_eq!(status["deliveries"]["waiting"], 0);
    assert_eq!(status["deliveries"]["dead_letters"], 0);
    let rows = house.live.store.read(|reader| reader.audit_rows(0, 10));
    let rows = rows.await.unwrap();
    let said: Vec<_> = rows
        .iter()
        .map(|row| (row.who.as_str(), row.what.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("boss", "dead_letter.retried"),
            ("boss", "dead_letter.dropped")
        ]
    );
    let about = &rows[1].about;
    assert_eq!(about["alert"], alert.as_str());
    assert_eq!(about["answer"], "the destination says no");
    assert_eq!(about["reason"], "known\\u{1b}[2J");
}

#[tokio::test]
async fn what_cannot_be_decided_is_a_problem_that_says_what_to_do() {
    let house = House::new().await;
    house.alert("a").await;
    let id = bury(&house, "elsewhere").await;
    for (request, body, status, code) in [
        (format!("{id}/retry"), "", 409, "no_destination"),
        (format!("{id}/drop"), "{\"why\": \"x\"}", 422, "invalid"),
        ("7000/retry".to_owned(), "", 404, "not_found"),
        ("7000/drop".to_owned(), "", 404, "not_found"),
        ("x/drop".to_owned(), "", 404, "not_found"),
    ] {
        let request = format!("POST /v1/dead-letters/{request}");
        let answer = house.ask("boss", &request, body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{request}"
        );
        assert!(!answer.json()["detail"].as_str().unwrap().is_empty());
    }
    assert!(house.audit().await.is_empty());
    let left = house.ask("boss", "GET /v1/dead-letters", "").await.json();
    assert_eq!(left["dead_letters"][0]["id"], id);
}
