//! Tokens, from a small identity provider.

use super::*;

fn oauth(server: &Server) -> Auth {
    Auth::OAuth2 {
        token_url: format!("{}/token", server.url),
        client_id: "the client".to_owned(),
        client_secret: "token".to_owned(),
        scope: Some("https://monitor.azure.com/.default".to_owned()),
    }
}

/// Gives out tokens of 6 KB, numbered; the API behind it accepts all.
async fn identity_provider() -> Server {
    let number = Arc::new(Mutex::new(0));
    server(move |seen| {
        if seen.uri != "/token" {
            return said(204, "");
        }
        let mut number = number.lock().unwrap();
        *number += 1;
        let token = format!("{number}-{}", "t".repeat(6_000));
        let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": 3599});
        said(200, &body.to_string())
    })
    .await
}

fn tokens_used(server: &Server) -> Vec<String> {
    let seen = server.seen();
    let api = seen.iter().filter(|seen| seen.uri == "/api");
    api.map(|seen| {
        let value = seen.headers["authorization"].to_str().unwrap();
        value["Bearer ".len()..]
            .split('-')
            .next()
            .unwrap()
            .to_owned()
    })
    .collect()
}

#[tokio::test]
async fn a_token_is_asked_for_as_entra_wants_it() {
    let server = identity_provider().await;
    let clock = stopped();
    let mut settings = settings(&server.url);
    settings.auth = oauth(&server);
    let connection = connection(&clock, settings);
    connection
        .send(&get("/api"), &kept(&clock).secrets, DEADLINE)
        .await
        .unwrap();
    let asked = server.seen().remove(0);
    assert_eq!(
        (asked.method.as_str(), asked.uri.as_str()),
        ("POST", "/token")
    );
    assert!(!asked.headers.contains_key("authorization"));
    let pairs: BTreeMap<String, String> = url::form_urlencoded::parse(asked.body.as_bytes())
        .into_owned()
        .collect();
    let wanted = [
        ("client_id", "the client"),
        ("client_secret", MARKER),
        ("grant_type", "client_credentials"),
        ("scope", "https://monitor.azure.com/.default"),
    ];
    assert_eq!(
        pairs,
        wanted.map(|(a, b)| (a.to_owned(), b.to_owned())).into()
    );
}

#[tokio::test]
async fn many_at_once_share_one_token() {
    let server = identity_provider().await;
    let clock = stopped();
    let kept = Arc::new(kept(&clock));
    let mut settings = settings(&server.url);
    settings.auth = oauth(&server);
    let connection = Arc::new(connection(&clock, settings));
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (connection, kept) = (connection.clone(), kept.clone());
        tasks.spawn(async move {
            connection
                .send(&get("/api"), &kept.secrets, DEADLINE)
                .await
                .unwrap()
        });
    }
    let answers = tasks.join_all().await;
    assert_eq!(tokens_used(&server), ["1"; 8]);
    // Of many that were refused with the same token, the first drops it and the others find it gone.
    for answer in &answers {
        assert!(connection.renew(answer).await);
        connection
            .send(&get("/api"), &kept.secrets, DEADLINE)
            .await
            .unwrap();
    }
    assert_eq!(tokens_used(&server)[8..], ["2"; 8]);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_for_a_rotated_secret() {
    let server = identity_provider().await;
    let clock = stopped();
    let kept = kept(&clock);
    let mut settings = settings(&server.url);
    settings.auth = oauth(&server);
    let connection = connection(&clock, settings);
    for (advance, wanted) in [(0, "1"), (3_298, "1"), (1, "2"), (3_000, "2")] {
        clock.advance(Duration::from_secs(advance));
        connection
            .send(&get("/api"), &kept.secrets, DEADLINE)
            .await
            .unwrap();
        assert_eq!(tokens_used(&server).last().unwrap(), wanted);
    }
    std::fs::write(kept.folder.path().join("token"), "a rotated one").unwrap();
    clock.advance(Duration::from_secs(2));
    connection
        .send(&get("/api"), &kept.secrets, DEADLINE)
        .await
        .unwrap();
    assert_eq!(tokens_used(&server).last().unwrap(), "3");
}

#[tokio::test]
async fn a_token_endpoint_that_refuses_is_quoted_without_the_secret() {
    let repeating = json!({"error": "invalid_client", "error_description": MARKER}).to_string();
    let table = [
        (
            401,
            json!({"error": "invalid_client", "error_description": "AADSTS7000222: expired"})
                .to_string(),
            "status 401, `invalid_client` AADSTS7000222: expired",
            Blame::Admin,
        ),
        (
            401,
            repeating,
            "status 401, and an answer that repeats the client's secret",
            Blame::Admin,
        ),
        (
            503,
            format!("<html>{MARKER}"),
            "status 503, and the answer is no token",
            Blame::Upstream,
        ),
        (
            200,
            json!({"access_token": MARKER}).to_string(),
            "status 200, and the answer is no token",
            Blame::Upstream,
        ),
    ];
    for (status, body, problem, blame) in table {
        let server = server(move |_| said(status, &body)).await;
        let clock = stopped();
        let mut settings = settings(&server.url);
        settings.auth = oauth(&server);
        let connection = connection(&clock, settings);
        let error = connection
            .send(&get("/api"), &kept(&clock).secrets, DEADLINE)
            .await
            .unwrap_err();
        let host = server.url.strip_prefix("http://").unwrap();
        assert_eq!(
            error.to_string(),
            format!("no token from `{host}`: {problem}")
        );
        assert_eq!(
            (error.blame(), error.sent(), error.again()),
            (blame, false, Again::Later)
        );
        assert!(!format!("{error:?}").contains(MARKER));
    }
}
