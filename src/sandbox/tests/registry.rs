use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use url::Url;

use super::client::ask;
use crate::clock::Clock;
use crate::sandbox::Running;
use crate::sandbox::registry::{NewVersion, Options, Registry, start};

const SECRET: &str = "tocsin-fixture-secret";

fn capture(name: &str) -> Value {
    let path = format!(
        "{}/tests/data/mlflow/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Timestamps of the recording and of this run differ; nothing else may.
fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                let stamped = key.ends_with("_timestamp") || key == "webhook_id";
                *value = if stamped {
                    Value::Null
                } else {
                    timeless(value.take())
                };
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = timeless(item.take())),
        _ => {}
    }
    value
}

async fn replay(registry: &Running<Registry>, scenario: &str) {
    for step in capture(scenario)["steps"].as_array().unwrap() {
        let request = &step["request"];
        let url = Url::parse(request["url"].as_str().unwrap()).unwrap();
        if url.path().contains("experiments") {
            continue;
        }
        let path = url.query().map_or(url.path().to_owned(), |query| {
            format!("{}?{query}", url.path())
        });
        let body = if request["body"].is_null() {
            String::new()
        } else {
            request["body"].to_string()
        };
        let host = request["headers"]["Host"].as_str();
        let headers: Vec<(&str, &str)> = host.map(|host| ("Host", host)).into_iter().collect();
        let method = request["method"].as_str().unwrap();
        let answer = ask(registry.url(), method, &path, &headers, body.as_bytes())
            .await
            .unwrap();
        let expected = &step["response"];
        let name = &step["name"];
        assert_eq!(
            u64::from(answer.status),
            expected["status"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(
            answer.header("content-type"),
            expected["headers"]["content-type"].as_str(),
            "{name}"
        );
        let got = if expected["body"].is_string() {
            answer.body.clone().into()
        } else {
            answer.json()
        };
        assert_eq!(timeless(got), timeless(expected["body"].clone()), "{name}");
    }
}

#[tokio::test]
async fn it_answers_as_the_recorded_server_did() {
    let registry = start(Options::default()).await.unwrap();
    for scenario in [
        "containment-rollback-alias",
        "containment-quarantine-version",
        "containment-errors",
    ] {
        replay(&registry, scenario).await;
    }
    for name in [
        "webhook_create",
        "webhook_create_bad_event",
        "webhook_create_bad_scheme",
        "model_version_create_remote_source",
        "poll_model_versions_filter_ts",
    ] {
        let capture = capture(&format!("{name}.rest"));
        if name == "model_version_create_remote_source" {
            registry
                .recorded()
                .create_model("fraud-detector", &[])
                .unwrap();
        }
        let (request, expected) = (&capture["request"], &capture["response"]);
        let body = if request["body"].is_null() {
            String::new()
        } else {
            request["body"].to_string()
        };
        let path = request["path"].as_str().unwrap();
        let answer = ask(
            registry.url(),
            request["method"].as_str().unwrap(),
            path,
            &[],
            body.as_bytes(),
        )
        .await
        .unwrap();
        assert_eq!(
            u64::from(answer.status),
            expected["status"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(
            timeless(answer.json()),
            timeless(expected["body"].clone()),
            "{name}"
        );
    }
    registry.stop().await;
}

#[tokio::test]
async fn searches_go_by_pages() {
    let registry = start(Options::default()).await.unwrap();
    let shelf = registry.recorded();
    let get = async |path: &str| {
        ask(
            registry.url(),
            "GET",
            &format!("/api/2.0/mlflow{path}"),
            &[],
            b"",
        )
        .await
        .unwrap()
        .json()
    };
    assert_eq!(get("/registered-models/search").await, json!({}));
    for name in ["b", "a"] {
        shelf.create_model(name, &[]).unwrap();
    }
    let first = get("/registered-models/search?max_results=1").await;
    assert_eq!(first["registered_models"][0]["name"], "a");
    assert_eq!(first["next_page_token"], "eyJvZmZzZXQiOiAxfQ==");
    let second =
        get("/registered-models/search?max_results=1&page_token=eyJvZmZzZXQiOiAxfQ%3D%3D").await;
    assert_eq!(second["registered_models"][0]["name"], "b");
    assert_eq!(second.get("next_page_token"), None);
    for source in ["s3://a/1", "s3://a/2"] {
        let version = NewVersion {
            source: source.to_owned(),
            ..NewVersion::default()
        };
        shelf.create_version("a", version).unwrap();
    }
    let versions =
        get("/model-versions/search?filter=name%3D%27a%27&order_by=version_number+DESC").await;
    assert_eq!(versions["model_versions"][0]["version"], "2");
    registry.stop().await;
}

/// What a receiver saw: the headers that matter, and the bytes.
type Got = (String, String, Option<String>, String);

/// A receiver that answers 503 a number of times, then 200.
async fn receiver(failures: usize) -> (String, mpsc::Receiver<Got>, tokio_util::task::TaskTracker) {
    let (tell, seen) = mpsc::channel(64);
    let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(failures));
    let hook =
        async move |State(tell): State<mpsc::Sender<Got>>, headers: HeaderMap, body: String| {
            let text = |name: &str| {
                headers
                    .get(name)
                    .map(|value| value.to_str().unwrap().to_owned())
            };
            let id = text("x-mlflow-delivery-id").unwrap();
            let at = text("x-mlflow-timestamp").unwrap();
            tell.send((id, at, text("x-mlflow-signature"), body))
                .await
                .unwrap();
            let order = std::sync::atomic::Ordering::SeqCst;
            let fail = left
                .fetch_update(order, order, |left| left.checked_sub(1))
                .is_ok();
            if fail {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::OK
            }
        };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/mlflow", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/hooks/mlflow", axum::routing::post(hook))
        .with_state(tell);
    let tracker = tokio_util::task::TaskTracker::new();
    tracker.spawn(async move { axum::serve(listener, router).await });
    (url, seen, tracker)
}

fn is_signed(got: &Got) -> bool {
    let (id, at, signature, body) = got;
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signature = signature.as_ref().unwrap().strip_prefix("v1,").unwrap();
    let tag = data_encoding::BASE64.decode(signature.as_bytes()).unwrap();
    hmac::verify(&key, format!("{id}.{at}.{body}").as_bytes(), &tag).is_ok()
}

fn without_time(body: &str) -> String {
    let start = body.find("\"timestamp\": \"").unwrap() + 14;
    let end = start + body[start..].find('"').unwrap();
    format!("{}{}", &body[..start], &body[end..])
}

#[tokio::test]
async fn webhooks_are_byte_for_byte_those_recorded_but_for_the_time() {
    let (url, mut seen, _tracker) = receiver(0).await;
    let clock = Clock::stopped("2026-11-23T08:35:13.752352Z".parse().unwrap());
    let registry = start(Options {
        clock,
        ..Options::default()
    })
    .await
    .unwrap();
    let shelf = registry.recorded().clone();
    shelf.add_webhook("andon", &url, Some(SECRET)).unwrap();
    let scorer = NewVersion {
        source: "s3://models/fraud-scorer/1".to_owned(),
        ..NewVersion::default()
    };
    let detector = NewVersion {
        source: "mlflow-artifacts:/2/d621ff1e545142bea7bb525afa3907d1/artifacts/model".to_owned(),
        run_id: Some("d621ff1e545142bea7bb525afa3907d1".to_owned()),
        tags: vec![
            ("git_sha".to_owned(), "9f2c1d0".to_owned()),
            ("validation_status".to_owned(), "approved".to_owned()),
        ],
        description: Some("weekly retrain".to_owned()),
    };
    let mut next = async || {
        let got = seen.recv().await.unwrap();
        assert!(is_signed(&got));
        without_time(&got.3)
    };
    let recorded = |name: &str| {
        without_time(
            capture(&format!("webhook_{name}.http"))["body"]
                .as_str()
                .unwrap(),
        )
    };
    let create = json!({ "name": "fraud-detector", "description": "Card-not-present fraud model",
        "tags": [{ "key": "owner", "value": "risk-ml" }, { "key": "tier", "value": "1" }] });
    ask(
        registry.url(),
        "POST",
        "/api/2.0/mlflow/registered-models/create",
        &[],
        create.to_string().as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(next().await, recorded("registered_model_created"));
    shelf.create_version("fraud-detector", detector).unwrap();
    assert_eq!(next().await, recorded("model_version_created"));
    shelf.set_alias("fraud-detector", "champion", 1).unwrap();
    assert_eq!(next().await, recorded("alias_created_champion_v1"));
    shelf
        .delete_tag("fraud-detector", 1, "validation_status")
        .unwrap();
    assert_eq!(next().await, recorded("tag_deleted_validation_status"));
    shelf.create_model("fraud-scorer", &[]).unwrap();
    next().await;
    shelf
        .create_version("fraud-scorer", scorer.clone())
        .unwrap();
    assert_eq!(next().await, recorded("model_version_created_no_run_id"));
    for _ in 0..2 {
        shelf
            .create_version("fraud-scorer", scorer.clone())
            .unwrap();
        next().await;
    }
    shelf
        .set_tag("fraud-scorer", 3, "containment.status", "quarantined")
        .unwrap();
    assert_eq!(next().await, recorded("tag_set_containment_status"));
    // An alias that is not there is told as deleted all the same.
    shelf.delete_alias("fraud-scorer", "champion").unwrap();
    assert_eq!(next().await, recorded("alias_deleted"));
    registry.stop().await;
}

#[tokio::test]
async fn a_503_is_retried_three_times_with_the_same_bytes() {
    let (url, mut seen, _tracker) = receiver(9).await;
    let options = Options {
        retry_after: Duration::from_millis(1),
        ..Options::default()
    };
    let registry = start(options).await.unwrap();
    registry
        .recorded()
        .add_webhook("andon", &url, None)
        .unwrap();
    registry.recorded().create_model("m", &[]).unwrap();
    let first = seen.recv().await.unwrap();
    assert_eq!(first.2, None, "no secret, no signature");
    for _ in 0..3 {
        assert_eq!(seen.recv().await.unwrap(), first);
    }
    while registry.recorded().deliveries().len() < 4 {
        tokio::task::yield_now().await;
    }
    assert!(
        registry
            .recorded()
            .deliveries()
            .iter()
            .all(|sent| sent.status == Some(503))
    );
    registry.stop().await;
}
