//! Actions: asked for, waited for, looked at.

use serde_json::{Value, json};

use super::house::{Answer, House};
use crate::action::{Action, Effect, State};

const REQUEST: &str = "POST /v1/actions";

fn body(more: Value) -> String {
    let mut body = json!({
        "action": "mlflow/move-alias", "at": "registry", "with": { "model": "m", "version": "1" },
    });
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    body.to_string()
}

/// Moves an action on, as the worker would.
async fn becomes(house: &House, id: &Value, state: State, effect: Effect) {
    let id = id.as_str().unwrap().parse().unwrap();
    let put = house.live.store.write(move |tx| {
        let action: Action = tx.action(id)?.unwrap();
        tx.put_action(&Action {
            state,
            effect,
            message: format!("it is {}", state.as_str()),
            ..action
        })
    });
    put.await.unwrap();
    house.live.actions.ring();
}

fn where_to(answer: &Answer) -> &str {
    let location = answer.header("location").unwrap();
    location.strip_prefix("https://andon.example.com").unwrap()
}

#[tokio::test]
async fn an_open_action_is_202_and_an_ended_one_200_with_the_same_body() {
    let house = House::new().await;
    let asked = house.ask("soar", REQUEST, &body(json!({}))).await;
    assert_eq!(asked.status, 202, "{}", asked.body);
    assert_eq!(asked.header("retry-after"), Some("2"));
    let id = asked.json()["action_id"].clone();
    assert_eq!(asked.json()["state"], "queued");
    assert_eq!(
        asked.json()["status_url"],
        asked.header("location").unwrap()
    );
    let look = format!("GET {}", where_to(&asked));
    let open = house.ask("soar", &look, "").await;
    assert_eq!(
        (open.status, open.header("location")),
        (202, asked.header("location"))
    );
    becomes(&house, &id, State::Failed, Effect::NotHeld).await;
    let ended = house.ask("soar", &look, "").await;
    assert_eq!((ended.status, ended.header("location")), (200, None));
    assert_eq!(ended.json()["state"], "failed");
    assert_eq!(ended.json()["effect"], "not_held");
    let keys = |answer: &Answer| -> Vec<String> {
        answer.json().as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(keys(&open), keys(&ended));
    // Others may not look at it; readers of actions may.
    assert_eq!(house.ask("reader", &look, "").await.status, 404);
    assert_eq!(house.ask("watcher", &look, "").await.status, 200);
}

#[tokio::test]
async fn who_waited_sees_a_failure_in_the_status() {
    let house = House::new().await;
    let rows = [
        (State::Succeeded, 200, ""),
        (State::Failed, 502, "action_failed"),
        (State::Unknown, 504, "action_unknown"),
        (State::Cancelled, 409, "action_cancelled"),
    ];
    for (index, (state, status, code)) in rows.into_iter().enumerate() {
        let request = body(json!({ "idempotency_key": format!("k{index}") }));
        let asked = house.ask("soar", REQUEST, &request).await;
        becomes(&house, &asked.json()["action_id"], state, Effect::None).await;
        let headers = [("Prefer", "respond-async, wait=30")];
        let waited = house
            .ask_with("soar", REQUEST, &headers, request.as_bytes())
            .await;
        assert_eq!(
            (waited.status, waited.code().as_str()),
            (status, code),
            "{}",
            waited.body
        );
        assert_eq!(waited.json()["action_id"], asked.json()["action_id"]);
        assert_eq!(
            waited.header("idempotency-replayed"),
            (status == 200).then_some("true")
        );
        // Who did not wait asks again and gets the story with 200.
        let replayed = house.ask("soar", REQUEST, &request).await;
        assert_eq!(
            (replayed.status, replayed.header("idempotency-replayed")),
            (200, Some("true"))
        );
    }
}

#[tokio::test]
async fn waiting_ends_when_the_action_does() {
    let house = House::new().await;
    let request = body(json!({ "idempotency_key": "k", "wait_seconds": 60 }));
    let waited = house.ask("soar", REQUEST, &request);
    let ended = async {
        loop {
            let list = house.ask("watcher", "GET /v1/actions", "").await.json();
            if let Some(first) = list["actions"].get(0) {
                becomes(
                    &house,
                    &first["action_id"],
                    State::Succeeded,
                    Effect::StateHeld,
                )
                .await;
                return;
            }
        }
    };
    let (waited, ()) = tokio::join!(waited, ended);
    assert_eq!(
        (waited.status, waited.json()["effect"].as_str()),
        (200, Some("state_held"))
    );
}

#[tokio::test]
async fn the_same_key_is_the_same_action_however_it_is_sent() {
    let house = House::new().await;
    let first = house
        .ask_with(
            "soar",
            REQUEST,
            &[("Idempotency-Key", "\"k-1\"")],
            body(json!({})).as_bytes(),
        )
        .await;
    let id = first.json()["action_id"].clone();
    let bare = house
        .ask_with(
            "soar",
            REQUEST,
            &[("Idempotency-Key", "k-1")],
            body(json!({})).as_bytes(),
        )
        .await;
    assert_eq!((bare.status, &bare.json()["action_id"]), (202, &id));
    let twin = house
        .ask("soar", REQUEST, &body(json!({ "idempotency_key": "k-1" })))
        .await;
    assert_eq!(twin.json()["action_id"], id);
    let other = house
        .ask("soar", REQUEST, &body(json!({ "idempotency_key": "k-1", "reason": "x", "with": { "model": "n", "version": "1" } })))
        .await;
    assert_eq!(
        (other.status, other.code().as_str()),
        (422, "key_reused"),
        "{}",
        other.body
    );
    let run = [
        ("x-ms-workflow-run-id", "run1"),
        ("x-ms-workflow-operation-name", "HTTP"),
    ];
    let logic = body(json!({ "with": { "model": "l", "version": "1" } }));
    let one = house
        .ask_with("soar", REQUEST, &run, logic.as_bytes())
        .await;
    let two = house
        .ask_with("soar", REQUEST, &run, logic.as_bytes())
        .await;
    assert_eq!(one.json()["action_id"], two.json()["action_id"]);
    assert_ne!(one.json()["action_id"], id);
    let differ = house
        .ask_with(
            "soar",
            REQUEST,
            &[("Idempotency-Key", "a")],
            body(json!({ "idempotency_key": "b" })).as_bytes(),
        )
        .await;
    assert_eq!((differ.status, differ.code().as_str()), (400, "two_keys"));
}

#[tokio::test]
async fn a_request_that_cannot_be_meant_is_refused_with_all_its_faults() {
    let house = House::new().await;
    let answer = house
        .ask("soar", REQUEST, r#"{"acton":"mlflow/move-alias","wait_seconds":61,"dry_run":"yes","with":[],"alert":"x","callback_url":"http://169.254.169.254/"}"#)
        .await;
    assert_eq!(answer.status, 422);
    let errors: Vec<String> = serde_json::from_value(answer.json()["errors"].clone()).unwrap();
    insta::assert_snapshot!(errors.join("\n"), @r"
    `acton` is no key here: did you mean `action`?
    `wait_seconds` has to be a whole number of at most 60
    `action` is missing: write `connector/verb`, as `GET /v1/catalog/actions` lists them
    `callback_url` is not taken yet: ask at `status_url`, or send `Prefer: wait=60`
    `with` has to be an object
    `alert` has to be the id of an alert
    `dry_run` has to be true or false
    ");
    let unknown = r#"{"action":"mlflw/move-alias"}"#;
    let nowhere = house.ask("boss", REQUEST, unknown).await;
    assert_eq!(nowhere.status, 404);
    let detail = nowhere.json()["detail"].to_string();
    assert!(
        detail.contains("did you mean `mlflow/move-alias`"),
        "{detail}"
    );
    assert_eq!(house.ask("soar", REQUEST, unknown).await.status, 403);
    for (request, status) in [
        (body(json!({ "action": "mlflow/no-such" })), 404),
        (body(json!({ "with": { "model": 7 } })), 400),
        (body(json!({ "alert": "alt_0000000000001" })), 404),
        (body(json!({ "ttl_seconds": 0 })), 400),
    ] {
        let answer = house.ask("soar", REQUEST, &request).await;
        assert_eq!(answer.status, status, "{request}: {}", answer.body);
    }
}

#[tokio::test]
async fn actions_are_listed_by_id_and_by_filter() {
    let house = House::new().await;
    let one = house.ask("soar", REQUEST, &body(json!({}))).await.json()["action_id"].clone();
    let id = one.as_str().unwrap();
    let list = house
        .ask(
            "soar",
            &format!("GET /v1/actions?ids={id},act_0000000000001"),
            "",
        )
        .await
        .json();
    assert_eq!(list["actions"][0]["action_id"], one);
    assert_eq!(list["missing"], json!(["act_0000000000001"]));
    for (query, wanted) in [
        ("state=queued", 1),
        ("state=succeeded", 0),
        ("at=registry&action=mlflow/move-alias", 1),
        ("at=local", 0),
        ("alert=alt_0000000000001", 0),
    ] {
        let list = house
            .ask("watcher", &format!("GET /v1/actions?{query}"), "")
            .await;
        assert_eq!(
            list.json()["actions"].as_array().unwrap().len(),
            wanted,
            "{query}"
        );
    }
    let wrong = house.ask("watcher", "GET /v1/actions?state=done", "").await;
    assert_eq!(wrong.status, 422);
}

#[tokio::test]
async fn an_action_is_withdrawn_by_those_who_may_ask_for_it() {
    let house = House::new().await;
    let asked = house.ask("soar", REQUEST, &body(json!({}))).await;
    let path = where_to(&asked).to_owned();
    let refused = house
        .ask("watcher", &format!("POST {path}/cancel"), "")
        .await;
    assert_eq!(refused.status, 403);
    let hidden = house
        .ask("elsewhere", &format!("POST {path}/cancel"), "")
        .await;
    assert_eq!(hidden.status, 404);
    let cancelled = house.ask("soar", &format!("POST {path}/cancel"), "").await;
    assert_eq!(
        (cancelled.status, cancelled.json()["state"].as_str()),
        (200, Some("cancelled"))
    );
    let reverted = house.ask("soar", &format!("POST {path}/revert"), "").await;
    assert_eq!(
        (reverted.status, reverted.code().as_str()),
        (409, "conflict")
    );
}

#[tokio::test]
async fn the_catalog_shows_each_action_where_it_can_run() {
    let house = House::new().await;
    let list = house
        .ask("soar", "GET /v1/catalog/actions", "")
        .await
        .json();
    let first = &list["actions"][0];
    assert_eq!(first["at"], "registry");
    assert_eq!(first["may_ask"], true);
    let shown = house
        .ask("watcher", "GET /v1/catalog/actions?at=registry", "")
        .await
        .json();
    assert_eq!(
        shown["actions"].as_array().unwrap().len(),
        list["actions"].as_array().unwrap().len()
    );
    assert_eq!(shown["actions"][0]["may_ask"], false);
    let none = house
        .ask("elsewhere", "GET /v1/catalog/actions", "")
        .await
        .json();
    assert_eq!(none["actions"], json!([]));
}

#[tokio::test]
async fn a_frozen_daemon_takes_no_action() {
    let house = House::new().await;
    let frozen = house
        .ask(
            "boss",
            "POST /v1/freeze",
            r#"{"reason":"change\u202e window"}"#,
        )
        .await;
    assert_eq!(frozen.status, 200);
    let refused = house.ask("soar", REQUEST, &body(json!({}))).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (423, "frozen"),
        "{}",
        refused.body
    );
    let status = house.ask("reader", "GET /v1/status", "").await.json();
    assert_eq!(status["frozen"]["by"], "boss");
    assert_eq!(status["frozen"]["why"], "change\\u{202e} window");
    house.ask("boss", "POST /v1/unfreeze", "").await;
    assert_eq!(
        house.ask("soar", REQUEST, &body(json!({}))).await.status,
        202
    );
}
