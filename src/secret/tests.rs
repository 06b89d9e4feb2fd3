//! Incoming checks against what real senders sent and what vendors publish.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::clock::Clock;
use crate::config::SecretRef;
use crate::connector::{Accepts, Algorithm, Encoding, KeyIs, Scheme, Signature};
use crate::shape::Leaf;

mod missing;
mod shared;

/// A request as it was recorded.
struct Recorded {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Recorded {
    fn read(text: &str) -> Self {
        let capture: Value = serde_json::from_str(text).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            headers: capture["headers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pair| (text(&pair[0]).to_ascii_lowercase(), text(&pair[1])))
                .collect(),
            body: text(&capture["body"]).into_bytes(),
        }
    }

    fn made(headers: &[(&str, &str)], body: &str) -> Self {
        Self {
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn at<'r>(&'r self, now: &str) -> Incoming<'r> {
        Incoming {
            headers: &self.headers,
            body: &self.body,
            url_token: None,
            now: now.parse().unwrap(),
        }
    }
}

/// Secrets of the connection `it`, written to files as an admin would.
struct Kept {
    folder: tempfile::TempDir,
    refs: BTreeMap<(String, String), SecretRef>,
}

impl Kept {
    fn new(secrets: &[(&str, &str)]) -> Self {
        let mut kept = Self {
            folder: tempfile::tempdir().unwrap(),
            refs: BTreeMap::new(),
        };
        for (name, text) in secrets {
            std::fs::write(kept.folder.path().join(name), text).unwrap();
            let key = ("it".to_owned(), (*name).to_owned());
            kept.refs.insert(key, SecretRef::File((*name).into()));
        }
        kept
    }

    fn check(&self, scheme: Scheme, incoming: &Incoming<'_>) -> Result<Accepted, Refusal> {
        self.check_all(vec![scheme], incoming)
    }

    fn check_all(
        &self,
        schemes: Vec<Scheme>,
        incoming: &Incoming<'_>,
    ) -> Result<Accepted, Refusal> {
        let clock = Clock::stopped(Timestamp::UNIX_EPOCH);
        let secrets = Secrets::new(self.refs.clone(), self.folder.path().to_owned(), clock);
        check(&Accepts { schemes }, "it", &secrets, incoming)
    }
}

fn signature(header: &str, prefix: &str, encoding: Encoding, signs: &str) -> Signature {
    Signature {
        algorithm: Algorithm::HmacSha256,
        key: "key".to_owned(),
        key_is: KeyIs::Text,
        header: header.to_owned(),
        prefix: prefix.to_owned(),
        encoding,
        signs: signs.parse().unwrap(),
        sent_at: None,
        within: Duration::from_mins(5),
    }
}

fn mlflow() -> Signature {
    Signature {
        sent_at: Some("header.x-mlflow-timestamp".parse().unwrap()),
        ..signature(
            "x-mlflow-signature",
            "v1,",
            Encoding::Base64,
            "{header.x-mlflow-delivery-id}.{header.x-mlflow-timestamp}.{body}",
        )
    }
}

const MLFLOW_SECRET: &str = "tocsin-fixture-secret";

fn mlflow_sent(recorded: &Recorded) -> i64 {
    let (_, value) = recorded
        .headers
        .iter()
        .find(|(name, _)| name == "x-mlflow-timestamp")
        .unwrap();
    value.parse().unwrap()
}

#[test]
fn mlflows_own_requests_are_accepted() {
    let kept = Kept::new(&[("key", MLFLOW_SECRET)]);
    for text in [
        include_str!("testdata/webhook_alias_moved_champion_v2.http.json"),
        include_str!("testdata/webhook_prompt_version_created_v2_unsafe.http.json"),
        include_str!("testdata/webhook_model_version_created_no_run_id.http.json"),
    ] {
        let recorded = Recorded::read(text);
        let sent = Timestamp::from_second(mlflow_sent(&recorded)).unwrap();
        let mut incoming = recorded.at("2026-11-23T08:00:00Z");
        for (off, accepted) in [
            (0_i64, true),
            (300, true),
            (-300, true),
            (301, false),
            (-301, false),
        ] {
            incoming.now = Timestamp::from_second(sent.as_second() + off).unwrap();
            let checked = kept.check(Scheme::Signature(mlflow()), &incoming);
            assert_eq!(checked.is_ok(), accepted, "{off} s: {checked:?}");
            if let Ok(checked) = checked {
                assert_eq!(checked.sent_at, Some(sent));
            }
        }
    }
}

#[test]
fn what_a_sender_did_not_sign_is_refused() {
    let kept = Kept::new(&[("key", MLFLOW_SECRET)]);
    let text = include_str!("testdata/webhook_alias_moved_champion_v2.http.json");
    let sent = Timestamp::from_second(mlflow_sent(&Recorded::read(text))).unwrap();
    let refused = |change: &dyn Fn(&mut Recorded)| {
        let mut recorded = Recorded::read(text);
        change(&mut recorded);
        let mut incoming = recorded.at("2026-11-23T08:00:00Z");
        incoming.now = sent;
        kept.check(Scheme::Signature(mlflow()), &incoming)
            .unwrap_err()
            .to_string()
    };
    let put = |recorded: &mut Recorded, name: &str, value: &str| {
        recorded.headers.retain(|(known, _)| known != name);
        recorded.headers.push((name.to_owned(), value.to_owned()));
    };
    let wrong = "no signature in `x-mlflow-signature` is right";
    assert_eq!(refused(&|recorded| recorded.body.push(b' ')), wrong);
    // The same JSON, written in another way: the bytes count, not what they mean.
    assert_eq!(
        refused(&|recorded| {
            let value: Value = serde_json::from_slice(&recorded.body).unwrap();
            recorded.body = serde_json::to_vec(&value).unwrap();
        }),
        wrong
    );
    assert_eq!(
        refused(&|r| put(r, "x-mlflow-timestamp", "1795422000")),
        wrong
    );
    assert_eq!(refused(&|r| put(r, "x-mlflow-delivery-id", "other")), wrong);
    assert_eq!(refused(&|r| put(r, "x-mlflow-signature", "v1,")), wrong);
    assert_eq!(refused(&|r| put(r, "x-mlflow-signature", "")), wrong);
    assert_eq!(refused(&|r| put(r, "x-mlflow-signature", "v1,AAAA")), wrong);
    assert_eq!(
        refused(&|r| r.headers.retain(|(name, _)| name != "x-mlflow-signature")),
        "it lacks the header `x-mlflow-signature`"
    );
    assert_eq!(
        refused(&|r| r.headers.push(("x-mlflow-timestamp".into(), "1".into()))),
        "the header `x-mlflow-timestamp` is there more than once"
    );
}

#[test]
fn a_replay_says_by_how_much_it_is_late() {
    let kept = Kept::new(&[("key", MLFLOW_SECRET)]);
    let recorded = Recorded::read(include_str!(
        "testdata/webhook_alias_moved_champion_v2.http.json"
    ));
    let mut incoming = recorded.at("2026-11-23T08:00:00Z");
    incoming.now = Timestamp::from_second(mlflow_sent(&recorded) + 3_900).unwrap();
    let refusal = kept
        .check(Scheme::Signature(mlflow()), &incoming)
        .unwrap_err();
    assert_eq!(refusal.to_string(), "sent too long ago, by 3600 s");
    assert!(!refusal.is_ours());
}

#[test]
fn several_keys_hold_while_they_are_rotated() {
    let recorded = Recorded::read(include_str!(
        "testdata/webhook_alias_moved_champion_v2.http.json"
    ));
    let mut incoming = recorded.at("2026-11-23T08:00:00Z");
    incoming.now = Timestamp::from_second(mlflow_sent(&recorded)).unwrap();
    for (keys, accepted) in [
        (format!("new-key\n{MLFLOW_SECRET}\n"), true),
        (format!("{MLFLOW_SECRET}\r\nnew-key\r\n"), true),
        ("new-key\nnewer-key".to_owned(), false),
    ] {
        let kept = Kept::new(&[("key", &keys)]);
        let checked = kept.check(Scheme::Signature(mlflow()), &incoming);
        assert_eq!(checked.is_ok(), accepted, "{checked:?}");
    }
}

#[test]
fn githubs_published_vector_holds() {
    // docs.github.com, "Validating webhook deliveries", "Testing the webhook payload validation".
    let kept = Kept::new(&[("key", "It's a Secret to Everybody")]);
    let header = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let scheme = signature("x-hub-signature-256", "sha256=", Encoding::Hex, "{body}");
    let recorded = Recorded::made(&[("x-hub-signature-256", header)], "Hello, World!");
    let incoming = recorded.at("2026-11-23T08:00:00Z");
    let checked = kept.check(Scheme::Signature(scheme), &incoming).unwrap();
    assert_eq!(checked.sent_at, None);
}

#[test]
fn standard_webhooks_published_vector_holds() {
    // The vector of the reference libraries (standard-webhooks/standard-webhooks, libraries/).
    let kept = Kept::new(&[("key", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]);
    let scheme = Signature {
        key_is: KeyIs::Base64,
        sent_at: Some("header.webhook-timestamp".parse().unwrap()),
        ..signature(
            "webhook-signature",
            "v1,",
            Encoding::Base64,
            "{header.webhook-id}.{header.webhook-timestamp}.{body}",
        )
    };
    let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    let several = format!("v1,bm9uZSBvZiB0aGVtIGlzIHJpZ2h0 v2,{right} v1a,x {right}");
    for (header, accepted) in [
        (right, true),
        (several.as_str(), true),
        ("v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", false),
    ] {
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", header),
        ];
        let recorded = Recorded::made(&headers, "{\"test\": 2432232314}");
        let incoming = recorded.at("2021-02-25T15:02:30Z");
        let checked = kept.check(Scheme::Signature(scheme.clone()), &incoming);
        assert_eq!(checked.is_ok(), accepted, "{header}: {checked:?}");
    }
}

#[test]
fn slacks_published_vector_holds() {
    // docs.slack.dev, "Verifying requests from Slack".
    let kept = Kept::new(&[("key", "8f742231b10e8888abcd99yyyzzz85a5")]);
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let scheme = Signature {
        sent_at: Some("header.x-slack-request-timestamp".parse().unwrap()),
        ..signature(
            "x-slack-signature",
            "v0=",
            Encoding::Hex,
            "v0:{header.x-slack-request-timestamp}:{body}",
        )
    };
    let headers = [
        ("x-slack-request-timestamp", "1531420618"),
        (
            "x-slack-signature",
            "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ),
    ];
    let recorded = Recorded::made(&headers, body);
    let incoming = recorded.at("2018-07-12T18:36:58Z");
    assert!(kept.check(Scheme::Signature(scheme), &incoming).is_ok());
}

#[test]
fn a_list_of_signatures_parted_by_commas_holds_if_one_of_them_does() {
    // PagerDuty V3: `v1=<hex>,v1=<hex>` while its secret is rotated.
    let kept = Kept::new(&[("key", "It's a Secret to Everybody")]);
    let right = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let wrong = "0".repeat(64);
    let upper = right.to_ascii_uppercase();
    for (header, accepted) in [
        (format!("v1={wrong},v1={right}"), true),
        (format!("v1={right}, v1={wrong}"), true),
        (format!("v1={upper}"), true),
        (format!("v1={wrong},v1={wrong}"), false),
        (format!("v0={right}"), false),
        (format!("v1={}", &right[..62]), false),
    ] {
        let headers = [("x-pagerduty-signature", header.as_str())];
        let recorded = Recorded::made(&headers, "Hello, World!");
        let scheme = signature("x-pagerduty-signature", "v1=", Encoding::Hex, "{body}");
        let checked = kept.check(
            Scheme::Signature(scheme),
            &recorded.at("2026-11-23T08:00:00Z"),
        );
        assert_eq!(checked.is_ok(), accepted, "{header}");
    }
}

#[test]
fn langfuse_signs_the_time_inside_its_own_header() {
    let secret = format!("lf-whsec_{}", "0".repeat(64));
    let kept = Kept::new(&[("key", &secret)]);
    let recorded = Recorded::read(include_str!("testdata/langfuse_prompt_version.http.json"));
    let scheme = Signature {
        sent_at: Some("field.t".parse().unwrap()),
        ..signature(
            "x-langfuse-signature",
            "v1=",
            Encoding::Hex,
            "{field.t}.{body}",
        )
    };
    let incoming = recorded.at("2026-11-23T08:54:00Z");
    let checked = kept
        .check(Scheme::Signature(scheme.clone()), &incoming)
        .unwrap();
    assert_eq!(checked.sent_at, Timestamp::from_second(1_795_424_000).ok());
    let later = recorded.at("2026-11-23T10:00:00Z");
    let refusal = kept.check(Scheme::Signature(scheme), &later).unwrap_err();
    assert!(matches!(refusal, Refusal::TooOld { .. }), "{refusal}");
}

#[test]
fn signatures_over_the_body_alone_hold() {
    let kept = Kept::new(&[("key", "fixture-secret"), ("token", "fixture-token")]);
    let now = "2026-11-23T08:00:00Z";
    let wandb = Recorded::read(include_str!("testdata/wandb_registry_automation.http.json"));
    let scheme = signature("x-wandb-signature", "", Encoding::Base64, "{body}");
    assert!(
        kept.check(Scheme::Signature(scheme), &wandb.at(now))
            .is_ok()
    );
    let databricks = Recorded::read(include_str!(
        "testdata/databricks_registry_webhook.http.json"
    ));
    let scheme = signature("x-databricks-signature", "", Encoding::Hex, "{body}");
    assert!(
        kept.check(Scheme::Signature(scheme), &databricks.at(now))
            .is_ok()
    );
}

#[test]
fn other_algorithms_and_keys_hold_on_published_vectors() {
    // RFC 2202 case 2 and RFC 4231 case 2: key "Jefe", the same bytes in hexadecimal.
    for (algorithm, tag) in [
        (
            Algorithm::HmacSha1,
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        ),
        (
            Algorithm::HmacSha256,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            Algorithm::HmacSha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ] {
        for (key_is, key) in [
            (KeyIs::Text, "Jefe"),
            (KeyIs::Hex, "4a656665"),
            (KeyIs::Base64, "SmVmZQ=="),
        ] {
            let kept = Kept::new(&[("key", key)]);
            let scheme = Signature {
                algorithm,
                key_is,
                ..signature("x-sig", "", Encoding::Hex, "{body}")
            };
            let recorded = Recorded::made(&[("x-sig", tag)], "what do ya want for nothing?");
            let incoming = recorded.at("2026-11-23T08:00:00Z");
            let checked = kept.check(Scheme::Signature(scheme), &incoming);
            assert!(checked.is_ok(), "{algorithm:?} {key_is:?}");
        }
    }
}

#[test]
fn a_secret_that_is_not_given_lets_nobody_in() {
    let kept = Kept::new(&[("key", "\n")]);
    let recorded = Recorded::made(&[("authorization", "Bearer "), ("x-s", "")], "{}");
    let mut incoming = recorded.at("2026-11-23T08:00:00Z");
    incoming.url_token = Some("");
    let key = || "key".to_owned();
    for scheme in [
        Scheme::Bearer { secret: key() },
        Scheme::UrlToken { secret: key() },
        Scheme::UrlToken {
            secret: "other".to_owned(),
        },
        Scheme::Header {
            name: "x-s".to_owned(),
            secret: key(),
        },
        Scheme::Signature(signature("x-s", "", Encoding::Hex, "{body}")),
    ] {
        let refusal = kept.check(scheme, &incoming).unwrap_err();
        assert!(!refusal.is_ours(), "{refusal:?}");
    }
    assert!(kept.check_all(Vec::new(), &incoming).is_err());
    assert!(kept.check(Scheme::Anyone, &incoming).is_ok());
}

#[test]
fn a_secret_that_cannot_be_read_is_our_fault() {
    let mut kept = Kept::new(&[("key", "not base64!")]);
    let recorded = Recorded::made(&[("x-s", "AAAA"), ("authorization", "Bearer x")], "{}");
    let incoming = recorded.at("2026-11-23T08:00:00Z");
    let scheme = Signature {
        key_is: KeyIs::Base64,
        ..signature("x-s", "", Encoding::Base64, "{body}")
    };
    let refusal = kept
        .check(Scheme::Signature(scheme), &incoming)
        .unwrap_err();
    assert!(refusal.is_ours(), "{refusal:?}");
    assert!(!format!("{refusal} {refusal:?}").contains("not base64!"));
    let gone = SecretRef::File(Path::new("gone").to_owned());
    kept.refs
        .insert(("it".to_owned(), "token".to_owned()), gone);
    let secret = "token".to_owned();
    let refusal = kept
        .check(Scheme::Bearer { secret }, &incoming)
        .unwrap_err();
    assert!(refusal.is_ours(), "{refusal:?}");
}

proptest! {
    #[test]
    fn no_header_value_is_taken_for_a_signature(header in "(v1=|v1,|,| |=|[0-9a-f]{2}|t=|\\PC){0,20}", body in any::<Vec<u8>>()) {
        let kept = Kept::new(&[("key", "the key")]);
        let headers = [("x-sig".to_owned(), header)];
        let now = Timestamp::UNIX_EPOCH;
        let incoming = Incoming { headers: &headers, body: &body, url_token: None, now };
        for (prefix, encoding) in [("v1=", Encoding::Hex), ("v1,", Encoding::Base64), ("", Encoding::Hex)] {
            let scheme = signature("x-sig", prefix, encoding, "{field.t}.{body}");
            prop_assert!(kept.check(Scheme::Signature(scheme), &incoming).is_err());
        }
    }
}
