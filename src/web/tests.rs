//! Connections against small servers on loopback.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method as HttpMethod, StatusCode, Uri};
use serde_json::json;
use tokio::task::JoinSet;

use super::*;
use crate::clock::Clock;
use crate::config::{Reach, SecretRef};
use crate::secret::Secrets;
use crate::shape::{Auth, Body, Content, Leaf, Method, Request, SecretAt};

mod doors;
mod oauth;
mod tls;

/// What no error, no `Debug` and no dry run may show.
const MARKER: &str = "planted-secret-7f3a";

const DEADLINE: Duration = Duration::from_secs(20);

/// What a server saw.
#[derive(Debug, Clone)]
struct Seen {
    method: String,
    uri: String,
    headers: HeaderMap,
    body: String,
}

/// A server on loopback that answers with `answer` and remembers what it saw. Ends when dropped.
struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    _tasks: JoinSet<()>,
}

type Reply = (StatusCode, HeaderMap, Vec<u8>);

async fn server(answer: impl Fn(&Seen) -> Reply + Clone + Send + Sync + 'static) -> Server {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let kept = seen.clone();
    let reply = move |method: HttpMethod, uri: Uri, headers: HeaderMap, body: Bytes| {
        let request = Seen {
            method: method.to_string(),
            uri: uri.to_string(),
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        let answer = answer(&request);
        kept.lock().unwrap().push(request);
        async move { answer }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    let app = Router::new().fallback(reply);
    tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });
    Server {
        url,
        seen,
        _tasks: tasks,
    }
}

impl Server {
    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn said(status: u16, body: &str) -> Reply {
    let status = StatusCode::from_u16(status).unwrap();
    (status, HeaderMap::new(), body.as_bytes().to_vec())
}

fn stopped() -> Clock {
    Clock::stopped("2026-11-23T08:00:00Z".parse().unwrap())
}

struct Kept {
    folder: tempfile::TempDir,
    secrets: Secrets,
}

/// The secrets of the connection `it`; `token` holds the marker.
fn kept(clock: &Clock) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), MARKER).unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    let refs: BTreeMap<_, _> = ["token", "empty"]
        .map(|name| {
            (
                ("it".to_owned(), name.to_owned()),
                SecretRef::File(name.into()),
            )
        })
        .into();
    let secrets = Secrets::new(refs, folder.path().to_owned(), clock.clone());
    Kept { folder, secrets }
}

fn settings(url: &str) -> Settings {
    let mut settings = Settings::new("it");
    settings.reach = Reach::Loopback;
    settings.bases = BTreeMap::from([("url".to_owned(), url.to_owned())]);
    settings.optional = BTreeSet::from(["empty".to_owned()]);
    settings
}

fn connection(clock: &Clock, settings: Settings) -> Connection {
    Client::new(clock.clone(), Options::default())
        .connection(settings)
        .unwrap()
}

fn get(path: &str) -> Request {
    Request {
        method: Method::Get,
        base: "url".to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        content: None,
        auth: Auth::Connection,
    }
}

fn text(text: &str) -> Leaf {
    Leaf::Text(text.to_owned())
}

fn secret(name: &str) -> Leaf {
    Leaf::Secret(name.to_owned())
}

fn post_with_secrets() -> Request {
    let pair = |name: &str, leaf| (name.to_owned(), leaf);
    let at = |pointer: &str, name: &str| SecretAt {
        pointer: pointer.to_owned(),
        name: name.to_owned(),
    };
    Request {
        method: Method::Post,
        query: vec![
            pair("api-version", text("2023-01-01")),
            pair("q", text("a b&c=d/é")),
            pair("key", secret("token")),
            pair("left-out", secret("empty")),
        ],
        headers: vec![
            pair("x-reason", text("hot fix, ünïcode")),
            pair("x-key", secret("token")),
            pair("x-left-out", secret("empty")),
        ],
        content: Some(Content {
            media_type: "application/json".to_owned(),
            body: Body::Json {
                value: json!({"routing_key": null, "list": [1, null, null], "gone": null}),
                secrets: vec![
                    at("/routing_key", "token"),
                    at("/list/1", "empty"),
                    at("/list/2", "token"),
                    at("/gone", "empty"),
                ],
            },
        }),
        ..get("/v2/en%2Fqueue")
    }
}

#[tokio::test]
async fn a_request_arrives_whole_with_its_secrets() {
    let server = server(|_| said(202, "{\"ok\": true}")).await;
    let clock = stopped();
    let kept = kept(&clock);
    let mut settings = settings(&format!("{}/base/", server.url));
    settings.auth = Auth::Header {
        name: "Authorization".to_owned(),
        scheme: Some("Splunk".to_owned()),
        secret: "token".to_owned(),
    };
    let connection = connection(&clock, settings);
    let answer = connection
        .send(&post_with_secrets(), &kept.secrets, DEADLINE)
        .await
        .unwrap();
    assert_eq!(answer.status, 202);
    assert_eq!(answer.json(), Some(&json!({"ok": true})));
    let seen = server.seen().remove(0);
    assert_eq!(seen.method, "POST");
    assert_eq!(
        seen.uri,
        format!("/base/v2/en%2Fqueue?api-version=2023-01-01&q=a%20b%26c%3Dd%2F%C3%A9&key={MARKER}")
    );
    assert_eq!(seen.headers["x-key"], MARKER);
    assert_eq!(
        seen.headers["x-reason"].as_bytes(),
        "hot fix, ünïcode".as_bytes()
    );
    assert_eq!(seen.headers["authorization"], format!("Splunk {MARKER}"));
    assert_eq!(seen.headers["content-type"], "application/json");
    assert_eq!(
        seen.headers["user-agent"],
        concat!("andon/", env!("CARGO_PKG_VERSION"))
    );
    assert!(!seen.headers.contains_key("x-left-out"));
    assert_eq!(
        seen.body,
        format!("{{\"routing_key\":\"{MARKER}\",\"list\":[1,\"{MARKER}\"]}}")
    );
}

#[tokio::test]
async fn a_dry_run_shows_all_but_the_secrets() {
    let clock = stopped();
    let kept = kept(&clock);
    let mut settings = settings("https://soc.example/base");
    settings.auth = Auth::Bearer("token".to_owned());
    let connection = connection(&clock, settings);
    let redacted = connection
        .redacted(&post_with_secrets(), &kept.secrets)
        .unwrap();
    assert_eq!(
        redacted.to_string(),
        "POST https://soc.example/base/v2/en%2Fqueue?api-version=2023-01-01&q=a%20b%26c%3Dd%2F%C3%A9&key=<secret token>\n\
         authorization: Bearer <secret token>\n\
         content-type: application/json\n\
         x-key: <secret token>\n\
         x-reason: hot fix, ünïcode\n\
         \n\
         {\"routing_key\":\"<secret token>\",\"list\":[1,\"<secret token>\"]}"
    );
}

#[tokio::test]
async fn each_way_to_be_known_is_sent_as_its_rfc_says() {
    let server = server(|_| said(200, "")).await;
    let clock = stopped();
    let kept = kept(&clock);
    let connection = connection(&clock, settings(&server.url));
    let basic = |password: &str| Auth::Basic {
        user: text("am"),
        password: password.to_owned(),
    };
    // "am:planted-secret-7f3a" in base64.
    let table = [
        (Auth::None, None),
        (Auth::Connection, None),
        (
            Auth::Bearer("token".to_owned()),
            Some(format!("Bearer {MARKER}")),
        ),
        (Auth::Bearer("empty".to_owned()), None),
        (
            basic("token"),
            Some("Basic YW06cGxhbnRlZC1zZWNyZXQtN2YzYQ==".to_owned()),
        ),
        (basic("empty"), None),
    ];
    for (auth, wanted) in table {
        let request = Request { auth, ..get("/") };
        connection
            .send(&request, &kept.secrets, DEADLINE)
            .await
            .unwrap();
        let seen = server.seen().pop().unwrap();
        let sent = seen.headers.get("authorization");
        assert_eq!(sent.map(|value| value.to_str().unwrap().to_owned()), wanted);
    }
}

#[tokio::test]
async fn a_rotated_secret_is_used_at_the_next_send() {
    let server = server(|_| said(200, "")).await;
    let clock = stopped();
    let kept = kept(&clock);
    let mut settings = settings(&server.url);
    settings.auth = Auth::Bearer("token".to_owned());
    let connection = connection(&clock, settings);
    for wanted in [MARKER, "another one"] {
        std::fs::write(kept.folder.path().join("token"), wanted).unwrap();
        clock.advance(Duration::from_secs(2));
        connection
            .send(&get("/"), &kept.secrets, DEADLINE)
            .await
            .unwrap();
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.headers["authorization"], format!("Bearer {wanted}"));
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let server = server(|_| {
        let (_, mut headers, body) = said(302, "");
        headers.insert("Location", "/elsewhere".parse().unwrap());
        (StatusCode::FOUND, headers, body)
    })
    .await;
    let clock = stopped();
    let connection = connection(&clock, settings(&server.url));
    let answer = connection
        .send(&get("/"), &kept(&clock).secrets, DEADLINE)
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some("/elsewhere"))
    );
    assert_eq!(server.seen().len(), 1);
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_answer_is_bounded_after_decompression() {
    let server = server(|seen| {
        let size = if seen.uri == "/small" {
            1_000
        } else {
            50_000_000
        };
        let (status, mut headers, _) = said(200, "");
        headers.insert("content-encoding", "gzip".parse().unwrap());
        (status, headers, gzipped(&vec![b'x'; size]))
    })
    .await;
    let clock = stopped();
    let kept = kept(&clock);
    let mut settings = settings(&server.url);
    settings.longest_answer = 1_000;
    let connection = connection(&clock, settings);
    let small = connection
        .send(&get("/small"), &kept.secrets, DEADLINE)
        .await;
    assert_eq!(small.unwrap().body.len(), 1_000);
    let bomb = connection
        .send(&get("/bomb"), &kept.secrets, DEADLINE)
        .await;
    let error = bomb.unwrap_err();
    assert!(matches!(
        error,
        Error::TooLarge {
            status: 200,
            at_most: 1_000,
            ..
        }
    ));
    assert!(error.sent());
}

#[tokio::test]
async fn an_address_outside_the_reach_is_never_connected_to() {
    let server = server(|_| said(200, "")).await;
    let clock = stopped();
    let kept = kept(&clock);
    let port = server.url.rsplit(':').next().unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ] {
        for reach in [Reach::Public, Reach::Private] {
            let mut settings = settings(&format!("http://{host}:{port}"));
            settings.reach = reach;
            let connection = connection(&clock, settings);
            let error = connection
                .send(&get("/"), &kept.secrets, DEADLINE)
                .await
                .unwrap_err();
            assert!(matches!(error, Error::Refused { .. }), "{host}: {error:?}");
            assert!(!error.sent());
        }
    }
    let mut metadata = settings("http://169.254.169.254");
    metadata.reach = Reach::Loopback;
    let connection = connection(&clock, metadata);
    let sent = connection.send(&get("/"), &kept.secrets, DEADLINE).await;
    assert!(matches!(sent, Err(Error::Refused { .. })));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn nobody_there_is_told_from_no_answer() {
    let clock = stopped();
    let kept = kept(&clock);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connection = connection(&clock, settings(&url));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        // Reads a request, and hangs up.
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        let _ = tokio::io::AsyncReadExt::read(&mut socket, &mut buffer).await;
        drop(listener);
    });
    let sent = connection.send(&get("/"), &kept.secrets, DEADLINE).await;
    let error = sent.unwrap_err();
    assert!(matches!(error, Error::NoAnswer { .. }), "{error:?}");
    assert_eq!((error.sent(), error.again()), (true, Again::IfHarmless));
    tasks.join_all().await;
    let sent = connection.send(&get("/"), &kept.secrets, DEADLINE).await;
    let error = sent.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert_eq!((error.sent(), error.again()), (false, Again::Later));
}

#[tokio::test]
async fn an_answer_after_the_deadline_is_no_answer() {
    let clock = stopped();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connection = connection(&clock, settings(&url));
    let sent = connection
        .send(&get("/"), &kept(&clock).secrets, Duration::from_millis(50))
        .await;
    assert!(matches!(sent, Err(Error::NoAnswer { .. })), "{sent:?}");
    drop(listener);
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let clock = stopped();
    let kept = kept(&clock);
    let header = |name: &str, leaf| (name.to_owned(), leaf);
    let requests = [
        post_with_secrets(),
        Request {
            auth: Auth::Bearer("token".to_owned()),
            ..get("/../x")
        },
        Request {
            headers: vec![header("host", secret("token"))],
            ..get("/")
        },
        Request {
            headers: vec![header("x y", secret("token"))],
            ..get("/")
        },
        Request {
            base: "other".to_owned(),
            ..post_with_secrets()
        },
        Request {
            headers: vec![header("x-a", secret("missing"))],
            ..post_with_secrets()
        },
    ];
    // Nobody listens there; and the marker is in the query that is sent.
    let connection = connection(&clock, settings("http://127.0.0.1:9"));
    for contents in [MARKER.to_owned(), format!("{MARKER}\nsecond line")] {
        std::fs::write(kept.folder.path().join("token"), contents).unwrap();
        clock.advance(Duration::from_secs(2));
        for request in &requests {
            let error = connection
                .send(request, &kept.secrets, DEADLINE)
                .await
                .unwrap_err();
            let redacted = connection.redacted(request, &kept.secrets);
            let shown = format!("{error} {error:?} {redacted:?} {connection:?}");
            assert!(!shown.contains(MARKER), "{shown}");
        }
    }
}

#[test]
fn a_setting_that_cannot_be_used_is_named() {
    let client = Client::new(stopped(), Options::default());
    let error = client.connection(settings("ftp://host")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`url` of `it` cannot be used: it begins with neither `https://` nor `http://`"
    );
}
