//! Who may open which door.

use super::house::House;

/// Request, then the status for nobody, reader, analyst, watcher, soar, sender, boss. 1 stands for "let in": anything
/// but 401 and 403.
const TABLE: [(&str, [u16; 7]); 31] = [
    ("GET /v1/whoami", [401, 1, 1, 1, 1, 1, 1]),
    ("GET /v1/status", [401, 1, 1, 1, 1, 1, 1]),
    ("GET /v1/alerts", [401, 1, 1, 403, 403, 403, 1]),
    (
        "GET /v1/alerts/alt_0000000000001",
        [401, 1, 1, 403, 403, 403, 1],
    ),
    (
        "POST /v1/alerts/alt_0000000000001/ack",
        [401, 403, 1, 403, 403, 403, 1],
    ),
    (
        "POST /v1/alerts/alt_0000000000001/resolve",
        [401, 403, 1, 403, 403, 403, 1],
    ),
    (
        "POST /v1/alerts/alt_0000000000001/note",
        [401, 403, 1, 403, 403, 403, 1],
    ),
    (
        "GET /v1/signals/sig_0000000000001",
        [401, 1, 1, 403, 403, 1, 1],
    ),
    ("GET /v1/actions", [401, 403, 403, 1, 403, 403, 1]),
    (
        "GET /v1/actions?ids=act_0000000000001",
        [401, 1, 1, 1, 1, 1, 1],
    ),
    ("GET /v1/actions/act_0000000000001", [401, 1, 1, 1, 1, 1, 1]),
    (
        "POST /v1/actions/act_0000000000001/cancel",
        [401, 1, 1, 1, 1, 1, 1],
    ),
    (
        "POST /v1/actions/act_0000000000001/revert",
        [401, 1, 1, 1, 1, 1, 1],
    ),
    ("GET /v1/catalog/actions", [401, 403, 403, 1, 1, 403, 1]),
    ("GET /v1/connections", [401, 1, 1, 403, 403, 403, 1]),
    ("GET /v1/destinations", [401, 1, 1, 403, 403, 403, 1]),
    (
        "POST /v1/destinations/nobody/resume",
        [401, 403, 403, 403, 403, 403, 1],
    ),
    ("GET /v1/stuck", [401, 1, 1, 403, 403, 403, 1]),
    (
        "GET /v1/stuck/sig_0000000000001",
        [401, 1, 1, 403, 403, 403, 1],
    ),
    (
        "POST /v1/stuck/sig_0000000000001/retry",
        [401, 403, 1, 403, 403, 403, 1],
    ),
    ("GET /v1/dead-letters", [401, 1, 1, 403, 403, 403, 1]),
    ("GET /v1/dead-letters/1", [401, 1, 1, 403, 403, 403, 1]),
    (
        "POST /v1/dead-letters/1/retry",
        [401, 403, 403, 403, 403, 403, 1],
    ),
    (
        "POST /v1/dead-letters/1/drop",
        [401, 403, 403, 403, 403, 403, 1],
    ),
    ("POST /v1/freeze", [401, 403, 403, 403, 403, 403, 1]),
    ("POST /v1/unfreeze", [401, 403, 403, 403, 403, 403, 1]),
    ("POST /v1/tokens/revoke", [401, 403, 403, 403, 403, 403, 1]),
    (
        "POST /v1/connections/nobody/test",
        [401, 403, 403, 403, 403, 403, 1],
    ),
    ("GET /healthz", [1, 1, 1, 1, 1, 1, 1]),
    ("GET /readyz", [1, 1, 1, 1, 1, 1, 1]),
    ("GET /metrics", [1, 1, 1, 1, 1, 1, 1]),
];

#[tokio::test]
async fn each_route_lets_in_whom_it_should() {
    let house = House::new().await;
    let callers = ["", "reader", "analyst", "watcher", "soar", "sender", "boss"];
    for (request, wanted) in TABLE {
        for (who, wanted) in callers.iter().zip(wanted) {
            let answer = house.ask(who, request, "").await;
            let seen = match answer.status {
                refused @ (401 | 403 | 0) => refused,
                _ => 1,
            };
            assert_eq!(seen, wanted, "{request} by `{who}`: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_refusal_names_the_missing_scope_and_a_stranger_is_challenged() {
    let house = House::new().await;
    let refused = house.ask("watcher", "GET /v1/alerts", "").await;
    assert_eq!(
        refused.json()["detail"],
        "`watcher` lacks the scope `alerts:read`"
    );
    assert_eq!(refused.json()["scope"], "alerts:read");
    let stranger = house.ask("", "GET /v1/alerts", "").await;
    assert_eq!(
        stranger.header("www-authenticate"),
        Some("Bearer realm=\"andon\"")
    );
    assert_eq!(
        stranger.header("content-type"),
        Some("application/problem+json")
    );
    assert!(stranger.body.starts_with("{\"detail\":"));
}

#[tokio::test]
async fn wrong_ended_and_revoked_tokens_are_refused() {
    let house = House::new().await;
    for token in ["no-such", "gone", "reader2", "READER"] {
        assert_eq!(
            house.ask(token, "GET /v1/whoami", "").await.status,
            401,
            "{token}"
        );
    }
    assert_eq!(house.ask("reader", "GET /v1/whoami", "").await.status, 200);
    let wrong = house
        .ask("boss", "POST /v1/tokens/revoke", r#"{"hash":"reader"}"#)
        .await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "not_a_hash"));
    let hash = serde_json::json!({ "hash": crate::secret::hash("reader") }).to_string();
    assert_eq!(
        house
            .ask("boss", "POST /v1/tokens/revoke", &hash)
            .await
            .status,
        200
    );
    house.live.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(house.ask("reader", "GET /v1/whoami", "").await.status, 401);
}

#[tokio::test]
async fn a_token_may_be_the_password_of_basic() {
    let house = House::new().await;
    let basic = data_encoding::BASE64.encode(b"anybody:reader");
    let header = format!("Basic {basic}");
    let answer = house
        .ask_with("", "GET /v1/whoami", &[("Authorization", &header)], b"")
        .await;
    assert_eq!(answer.json()["name"], "reader");
    for wrong in [
        "Basic",
        "Basic !",
        "Basic cmVhZGVy",
        "Digest reader",
        "Bearer",
        "Bearer ",
    ] {
        let answer = house
            .ask_with("", "GET /v1/whoami", &[("Authorization", wrong)], b"")
            .await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
}

#[tokio::test]
async fn the_local_token_may_everything_and_only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::new().await;
    let token = house.local_token();
    let answer = house.ask(&token, "GET /v1/whoami", "").await;
    assert_eq!(answer.json()["name"], "local");
    assert_eq!(answer.json()["may"][0], "admin");
    let path = house.folder.path().join("andon.db.token");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A new one takes the place of the old one, whatever lay there.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    crate::server::local_token(house.live.store.path()).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_ne!(house.local_token(), token);
}

#[tokio::test]
async fn an_action_needs_its_own_scope_at_its_own_connection() {
    let house = House::new().await;
    let body =
        r#"{"action":"mlflow/move-alias","at":"registry","with":{"model":"m","version":"1"}}"#;
    for (who, status) in [
        ("reader", 403),
        ("watcher", 403),
        ("elsewhere", 403),
        ("soar", 202),
    ] {
        let answer = house.ask(who, "POST /v1/actions", body).await;
        assert_eq!(answer.status, status, "{who}: {}", answer.body);
    }
    // Also where the connection is left to Andon.
    let body = r#"{"action":"mlflow/move-alias","with":{"model":"m","version":"1"}}"#;
    let answer = house.ask("elsewhere", "POST /v1/actions", body).await;
    assert_eq!(answer.json()["scope"], "mlflow/move-alias at registry");
}
