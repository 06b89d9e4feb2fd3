//! Signals in, and shown.

use super::house::House;

#[tokio::test]
async fn a_signal_is_answered_with_what_became_of_it() {
    let house = House::new().await;
    let answer = house
        .ask("", "POST /v1/signals/local", r#"{"key":"a","title":"t"}"#)
        .await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let signal = &answer.json()["signals"][0];
    assert_eq!(signal["repeat"], false);
    assert_eq!(signal["waiting"], false);
    assert!(signal.get("stuck").is_none());
    assert!(answer.json().get("unmatched").is_none());
    let again = house
        .ask("", "POST /v1/signals/local", r#"{"key":"a","title":"t"}"#)
        .await;
    assert_eq!(again.json()["signals"][0]["repeat"], true);
    assert_eq!(again.json()["signals"][0]["id"], signal["id"]);
}

#[tokio::test]
async fn what_cannot_be_taken_is_a_problem() {
    let house = House::new().await;
    let rows = [
        ("POST /v1/signals/nowhere", "{}", 404, "not_found"),
        ("POST /v1/signals/lines", "{}", 404, "not_found"),
        ("POST /v1/signals/%ff", "{}", 404, "not_found"),
        ("POST /v1/signals/local", "{", 400, "not_readable"),
        ("POST /v1/signals/", "{}", 404, "not_found"),
        ("PUT /v1/signals/local", "{}", 405, "wrong_method"),
        ("GET /v1/signals/local/x", "", 405, "wrong_method"),
    ];
    for (request, body, status, code) in rows {
        let answer = house.ask("boss", request, body).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{request}: {}",
            answer.body
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{request}"
        );
    }
}

#[tokio::test]
async fn a_trusted_caller_needs_no_signature_and_others_do() {
    let house = House::new().await;
    let body = "{}";
    let path = "POST /v1/signals/registry";
    assert_eq!(house.ask("sender", path, body).await.status, 202);
    assert_eq!(
        house.ask(&house.local_token(), path, body).await.status,
        202
    );
    for who in ["", "reader", "gone", "no-such"] {
        let answer = house.ask(who, path, body).await;
        assert!(
            [401, 503].contains(&answer.status),
            "{who}: {}",
            answer.body
        );
    }
}

#[tokio::test]
async fn what_a_signal_says_is_for_readers_of_alerts_alone() {
    let house = House::new().await;
    let sent = r#"{"key":"a","title":"<script>\u202e"}"#;
    let answer = house.ask("", "POST /v1/signals/local", sent).await;
    let id = answer.json()["signals"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let request = format!("GET /v1/signals/{id}");
    let reader = house.ask("reader", &request, "").await.json();
    assert_eq!(reader["raw"], sent);
    assert_eq!(reader["data"]["key"], "a");
    assert_eq!(reader["standing"], "read");
    let sender = house.ask("sender", &request, "").await.json();
    assert_eq!(sender["standing"], "read");
    for key in ["raw", "data", "headers", "vendor_id"] {
        assert!(sender.get(key).is_none(), "{key}");
    }
}

#[tokio::test]
async fn what_nobody_knows_is_listed_and_may_be_tried_again() {
    let house = House::new().await;
    let answer = house.ask("", "POST /v1/signals/local", "[]").await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json()["unmatched"], true);
    let id = answer.json()["signals"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let list = house
        .ask("reader", "GET /v1/stuck?standing=refused", "")
        .await;
    assert_eq!(list.json()["stuck"][0]["id"], id.as_str());
    let none = house.ask("reader", "GET /v1/stuck", "").await;
    assert_eq!(none.json()["stuck"].as_array().unwrap().len(), 0);
    let shown = house
        .ask("reader", &format!("GET /v1/stuck/{id}"), "")
        .await;
    assert_eq!(shown.json()["raw"], "[]");
    let retried = house
        .ask("analyst", &format!("POST /v1/stuck/{id}/retry"), "")
        .await;
    assert_eq!(
        (retried.status, retried.code().as_str()),
        (409, "still_unread"),
        "{}",
        retried.body
    );
    let missing = house
        .ask("analyst", "POST /v1/stuck/sig_0000000000001/retry", "")
        .await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn the_newest_signals_are_listed_a_page_at_a_time_and_by_name() {
    let house = House::new().await;
    let mut sent = Vec::new();
    for key in ["a", "b", "c"] {
        let body = format!("{{\"key\":\"{key}\",\"status\":\"resolved\"}}");
        let answer = house.ask("", "POST /v1/signals/local", &body).await;
        sent.push(answer.json()["signals"][0]["id"].clone());
    }
    let unknown = house.ask("", "POST /v1/signals/local", "{}").await;
    assert_eq!(unknown.status, 202);
    let get = async |query: &str| {
        let request = format!("GET /v1/signals?{query}");
        house.ask("reader", &request, "").await
    };
    let all = get("").await.json();
    assert_eq!(all["signals"].as_array().unwrap().len(), 4);
    assert_eq!(all["signals"][0]["standing"], "refused");
    let named = get("signal=generic/event&limit=2").await.json();
    assert_eq!(named["signals"][0]["id"], sent[2]);
    assert_eq!(named["signals"][1]["id"], sent[1]);
    let line = &named["signals"][0];
    assert_eq!(line["signal"], "generic/event");
    assert_eq!(
        (&line["connection"], &line["standing"]),
        (&"local".into(), &"read".into())
    );
    let next = named["next"].as_str().unwrap();
    let rest = get(&format!("signal=generic/event&limit=2&before={next}"))
        .await
        .json();
    assert_eq!(rest["signals"][0]["id"], sent[0]);
    assert!(rest["next"].is_null());
    assert!(
        get("signal=mlflow/alias-created").await.json()["signals"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(get("signal=event").await.status, 422);
    let sender = house.ask("sender", "GET /v1/signals", "").await;
    assert_eq!(sender.status, 403);
}
