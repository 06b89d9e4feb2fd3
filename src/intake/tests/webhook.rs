//! The answers at the door.

mod unread;

use std::io::Write as _;

use serde_json::Value as Json;

use super::House;
use crate::intake::{Arrival, Receipt, Refused, receive, retry};
use crate::store::StandingKind;

const MLFLOW: &str = "connections:\n  registry: { connector: mlflow, url: \"http://127.0.0.1:9\", reach: loopback, webhook_secret: { file: secret } }\n  local: { connector: generic }\n  am: { connector: alertmanager, token: { file: secret } }\n";
const AT: &str = "2026-11-23T08:35:20Z";

struct Push {
    connection: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    trusted: bool,
}

impl Push {
    fn capture() -> Self {
        let text =
            include_str!("../../../tests/data/mlflow/webhook_alias_created_champion_v1.http.json");
        let capture: Json = serde_json::from_str(text).unwrap();
        let headers = capture["headers"].as_array().unwrap().iter().map(|pair| {
            let name = pair[0].as_str().unwrap().to_lowercase();
            (name, pair[1].as_str().unwrap().to_owned())
        });
        Self {
            connection: "registry",
            headers: headers.collect(),
            body: capture["body"].as_str().unwrap().into(),
            trusted: false,
        }
    }

    fn generic(body: impl Into<Vec<u8>>) -> Self {
        Self {
            connection: "local",
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.into(),
            trusted: false,
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    async fn to(&self, house: &House) -> Result<Receipt, Refused> {
        let arrival = Arrival {
            connection: self.connection,
            url_token: None,
            headers: &self.headers,
            body: self.body.clone(),
            trusted_caller: self.trusted,
        };
        receive(&house.live, arrival).await
    }
}

fn status(taken: &Result<Receipt, Refused>) -> u16 {
    match taken {
        Ok(_) => 202,
        Err(refused) => refused.status(),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_capture_of_mlflow_is_accepted_and_waits_for_its_look_up() {
    let house = House::new(AT, MLFLOW, &[]);
    let receipt = Push::capture().to(&house).await.unwrap();
    assert_eq!(receipt.signals.len(), 1);
    assert!(receipt.signals[0].waiting && !receipt.signals[0].repeat);
    let id = receipt.signals[0].id;
    let kept = house.live.store.read(move |reader| reader.signal(id)).await;
    let kept = kept.unwrap().unwrap();
    assert_eq!(kept.standing, StandingKind::Waiting);
    assert_eq!(
        kept.signal.vendor_id,
        "46e89bf9-f9bf-494d-861f-423a4af9176c"
    );
    assert_eq!(kept.signal.data.as_data().to_json()["alias"], "champion");
    assert_eq!(
        kept.signal.data.as_data().to_json()["at"],
        "2026-11-23T08:35:15.549317Z"
    );
    assert_eq!(*kept.raw.body.as_data(), Push::capture().body);
    let names: Vec<&str> = kept
        .raw
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "user-agent",
            "content-type",
            "x-mlflow-delivery-id",
            "x-mlflow-timestamp"
        ]
    );

    let again = Push::capture().to(&house).await.unwrap();
    assert_eq!(again.signals[0].id, id);
    assert!(again.signals[0].repeat);
    assert_eq!((house.counted("waiting"), house.counted("repeat")), (1, 1));
}

#[tokio::test]
async fn the_door_answers_each_with_its_status() {
    let house = House::new(AT, MLFLOW, &[]);
    let unknown = Push {
        connection: "nobody",
        ..Push::capture()
    };
    let bytes = |text: &str| text.as_bytes().to_vec();
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    let not_so_deep = format!("{{\"a\":{}1{}}}", "[".repeat(63), "]".repeat(63));
    let bomb = gzip(&vec![b' '; 17 * 1024 * 1024]);
    assert!(bomb.len() < 20_000);
    let many = format!("[{}0]", "0,".repeat(2_000_001));
    let forged = Push {
        body: bytes("{}"),
        ..Push::capture()
    };
    let trusted = Push {
        trusted: true,
        ..Push::capture().with("x-mlflow-signature", "v1,AAAA")
    };
    let cases = [
        ("as recorded", 202, Push::capture()),
        ("another body", 401, forged),
        (
            "another signature",
            401,
            Push::capture().with("x-mlflow-signature", "v1,AAAA"),
        ),
        ("a token of the API stands in for it", 202, trusted),
        ("no such connection", 404, unknown),
        ("100 MB", 413, Push::generic(vec![b' '; 100_000_000])),
        (
            "gzip",
            202,
            Push::generic(gzip(b"{\"key\":\"a\"}")).with("content-encoding", "gzip"),
        ),
        (
            "a gzip bomb",
            413,
            Push::generic(bomb).with("content-encoding", "gzip"),
        ),
        (
            "no gzip",
            400,
            Push::generic(bytes("{}")).with("content-encoding", "gzip"),
        ),
        (
            "brotli",
            415,
            Push::generic(bytes("{}")).with("content-encoding", "br"),
        ),
        ("deep", 400, Push::generic(bytes(&deep))),
        ("as deep as may be", 202, Push::generic(bytes(&not_so_deep))),
        ("many values", 413, Push::generic(bytes(&many))),
        ("no JSON", 400, Push::generic(bytes("{\"a\":"))),
        ("no UTF-8", 400, Push::generic(b"{\"a\":\"\xff\"}".to_vec())),
        (
            "a key twice",
            202,
            Push::generic(bytes("{\"key\":\"b\",\"key\":\"c\"}")),
        ),
        ("nothing", 400, Push::generic(Vec::new())),
    ];
    for (what, wanted, push) in cases {
        assert_eq!(status(&push.to(&house).await), wanted, "{what}");
    }
}

#[tokio::test]
async fn a_sender_that_is_set_up_is_told_what_is_missing_and_a_forger_nothing() {
    let config = format!("{MLFLOW}  shut: {{ connector: alertmanager }}\n");
    let house = House::new(AT, &config, &[]);
    let signed = || Push {
        connection: "registry",
        ..Push::generic("{}").with("x-mlflow-signature", "v1,AAAA")
    };
    let to = |connection| Push {
        connection,
        ..Push::generic("{}")
    };
    let general = "the request does not prove that it comes from the connection's system";
    let cases = [
        (
            to("registry"),
            format!("{general}: it lacks the headers `x-mlflow-signature`, `x-mlflow-delivery-id` and `x-mlflow-timestamp`"),
        ),
        (
            signed().with("x-mlflow-timestamp", "1795422915"),
            format!("{general}: it lacks the header `x-mlflow-delivery-id`"),
        ),
        (
            to("am"),
            format!("{general}: it has neither the header `authorization: Bearer …`, nor the header `authorization: Basic …`, nor the token at the end of the URL"),
        ),
        // From here on the sender shows something. Why it is wrong, or that this way in is shut, it does not hear.
        (Push::capture().with("x-mlflow-signature", "v1,AAAA"), general.to_owned()),
        (Push::capture().with("x-mlflow-timestamp", "1"), general.to_owned()),
        (to("am").with("authorization", "Bearer tocsin"), general.to_owned()),
        (to("am").with("authorization", "Basic dG9jc2luOng="), general.to_owned()),
        (
            to("shut"),
            "this connection takes no pushes until it is given a secret to check them with; the log of Andon names the setting".to_owned(),
        ),
        (
            to("shut").with("authorization", "Bearer tocsin"),
            "this connection takes no pushes until it is given a secret to check them with; the log of Andon names the setting".to_owned(),
        ),
    ];
    for (push, said) in cases {
        let refused = push.to(&house).await.unwrap_err();
        assert_eq!((refused.status(), refused.detail()), (401, said));
    }
}

#[tokio::test]
async fn an_old_signature_is_a_replay() {
    let house = House::new("2026-11-23T08:41:00Z", MLFLOW, &[]);
    assert_eq!(Push::capture().to(&house).await, Err(Refused::NotAccepted));
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_ours_to_mend() {
    let house = House::new(AT, &MLFLOW.replace("file: secret", "file: missing"), &[]);
    let taken = Push::capture().to(&house).await;
    assert_eq!(taken, Err(Refused::Ours));
}

#[tokio::test]
async fn what_fails_its_schema_is_kept_as_stuck_without_its_value() {
    let house = House::new(AT, MLFLOW, &[]);
    let receipt = Push::generic(r#"{"key":{"a":"hostile"}}"#)
        .to(&house)
        .await
        .unwrap();
    let stuck = receipt.signals[0].stuck.clone().unwrap();
    assert!(stuck.starts_with("schema: /key"), "{stuck}");
    assert!(!stuck.contains("hostile"), "{stuck}");
    assert_eq!(house.unsettled(StandingKind::Stuck).await.len(), 1);
    // Nothing was mended, so that it is stuck again, and not lost.
    let again = retry(&house.live, receipt.signals[0].id).await.unwrap();
    assert_eq!(again.stuck, Some(stuck));
}

#[tokio::test]
async fn lines_are_taken_one_by_one_in_one_write() {
    let house = House::new(AT, MLFLOW, &[]);
    let lines = "{\"key\":\"a\",\"title\":\"one\"}\n\n{\"key\":7}\nno json\n{\"key\":\"a\",\"title\":\"one\"}\n{}\n";
    let push = Push::generic(lines).with("content-type", "application/x-ndjson; charset=utf-8");
    let receipt = push.to(&house).await.unwrap();
    let seen: Vec<_> = receipt
        .signals
        .iter()
        .map(|one| (one.repeat, one.stuck.is_some()))
        .collect();
    assert_eq!(
        seen,
        [
            (false, false),
            (false, true),
            (false, true),
            (true, false),
            (false, true)
        ]
    );
    assert!(receipt.unmatched);
    assert_eq!(house.live.store.jobs(), 1);
    assert_eq!(house.unsettled(StandingKind::Refused).await.len(), 2);
    let none = Push::generic("no\njson\n").with("content-type", "application/jsonl");
    assert_eq!(status(&none.to(&house).await), 400);
}

#[tokio::test]
async fn a_body_that_nobody_knows_is_counted_or_kept() {
    let house = House::new(AT, MLFLOW, &[]);
    let kept = Push::generic("{}").to(&house).await.unwrap();
    assert!(kept.unmatched && kept.signals.len() == 1);
    let id = kept.signals[0].id;
    assert!(retry(&house.live, id).await.is_err());
    let counted = Push {
        body: b"{}".to_vec(),
        trusted: true,
        ..Push::capture()
    };
    let counted = counted.to(&house).await.unwrap();
    assert!(counted.unmatched && counted.signals.is_empty());
    assert_eq!(house.counted("unmatched"), 2);
}

#[tokio::test]
async fn one_body_gives_many_signals_and_what_the_sender_lost_is_counted() {
    let house = House::new(AT, MLFLOW, &[]);
    let body = include_str!("../../../connectors/alertmanager/samples/alert-truncated.json");
    let body: Json = serde_json::from_str(body).unwrap();
    let alerts = body["alerts"].as_array().unwrap().len();
    let push = Push {
        connection: "am",
        ..Push::generic(body.to_string())
    };
    assert_eq!(status(&push.to(&house).await), 401);
    let push = push.with("authorization", "Bearer tocsin-fixture-secret");
    let receipt = push.to(&house).await.unwrap();
    assert_eq!((receipt.new_signals(), receipt.stuck()), (alerts, 0));
    assert!(
        house
            .live
            .meters
            .text(&crate::meters::Reading::default())
            .contains("signals_lost_by_sender_total{connection=\"am\"} ")
    );
    // `again: 10m`: later the same is a new sighting.
    assert_eq!(push.to(&house).await.unwrap().repeats(), alerts);
    house.later(601);
    assert_eq!(push.to(&house).await.unwrap().new_signals(), alerts);
}
