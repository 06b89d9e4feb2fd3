//! Hostile input at the door of the real binary: a clear answer, and nothing broken downstream.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]

mod support;

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use support::{Andon, Outcome, Soc, WEBHOOK_SECRET, secret, until};

/// What attackers write into names, titles and values.
const STRINGS: [&str; 14] = [
    "quote\" and 'quote' and \\backslash",
    "braces {{severity}} {{{raw}}} {{#if x}}y{{/if}} ${jndi:ldap://x}",
    "ansi \u{1b}[31mred\u{1b}[0m \u{7}bell",
    "bidi \u{202e}evil\u{2066}x\u{2069}",
    "crlf\r\nSet-Cookie: a=b\r\n\r\n<html>",
    "zero\u{200b}width\u{feff} and tag \u{e0041}\u{e0042}",
    "nul\u{0}byte",
    "<script>alert(1)</script> <img src=x onerror=y>",
    "=cmd|' /C calc'!A0",
    "link https://evil.example/x?y=1 [md](javascript:alert(1))",
    "../../etc/passwd %2e%2e%2f ..%5c",
    "'; DROP TABLE alerts; --",
    "line\u{2028}separator\u{2029}and\u{85}next",
    "🏴\u{e0067}\u{e0062}\u{e007f} 👨‍👩‍👧 é combining",
];

async fn floor(folder: &std::path::Path) -> Outcome<(Soc, Andon)> {
    let soc = Soc::start().await?;
    secret(folder, "webhook", WEBHOOK_SECRET)?;
    let config = format!(
        "connections:\n  local: {{ connector: generic }}\n  registry: {{ connector: mlflow, url: \"http://127.0.0.1:9\", reach: loopback, webhook_secret: {{ file: secrets/webhook }} }}\n{}routes:\n  - to: [soc, sentinel, oncall]\n",
        soc.connections(folder)?,
    );
    let andon = Andon::start(folder, &config)?;
    Ok((soc, andon))
}

fn signed(body: &[u8], id: &str, at: i64) -> Vec<(String, String)> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, WEBHOOK_SECRET.as_bytes());
    let mut text = format!("{id}.{at}.").into_bytes();
    text.extend_from_slice(body);
    let tag = data_encoding::BASE64.encode(hmac::sign(&key, &text).as_ref());
    vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("x-mlflow-delivery-id".to_owned(), id.to_owned()),
        ("x-mlflow-timestamp".to_owned(), at.to_string()),
        ("x-mlflow-signature".to_owned(), format!("v1,{tag}")),
    ]
}

fn post(
    andon: &Andon,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Outcome<(u16, Value)> {
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let (status, answer) = andon.call("POST", path, &headers, body)?;
    Ok((
        status,
        serde_json::from_slice(&answer).unwrap_or(Value::Null),
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_a_clear_answer_and_good_ones_go_on() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (soc, andon) = floor(folder.path()).await?;
    let now = jiff::Timestamp::now().as_second();
    let event = json!({ "entity": "model_version", "action": "created", "timestamp": "2026-11-23T08:35:15+00:00", "data": { "name": "m", "version": "1", "source": "s3://x", "run_id": null, "tags": {}, "description": null } }).to_string();

    let good = signed(event.as_bytes(), "d-1", now);
    assert_eq!(
        post(&andon, "/v1/signals/registry", &good, event.as_bytes())?.0,
        202
    );

    let mut tampered = event.clone().into_bytes();
    tampered.push(b' ');
    let (status, problem) = post(&andon, "/v1/signals/registry", &good, &tampered)?;
    assert_eq!(status, 401, "{problem}");
    assert!(!problem.to_string().contains(WEBHOOK_SECRET));
    let old = signed(event.as_bytes(), "d-2", now - 3_600);
    assert_eq!(
        post(&andon, "/v1/signals/registry", &old, event.as_bytes())?.0,
        401,
        "a replayed timestamp"
    );
    let (status, again) = post(&andon, "/v1/signals/registry", &good, event.as_bytes())?;
    assert_eq!(
        (status, &again["signals"][0]["repeat"]),
        (202, &json!(true)),
        "a retry is one signal: {again}"
    );

    let plain = [("content-type".to_owned(), "application/json".to_owned())];
    let (status, problem) = post(&andon, "/v1/signals/local", &plain, b"{ not json")?;
    assert_eq!(status, 400, "{problem}");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty() && !detail.contains('\n')),
        "{problem}"
    );
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(
        post(&andon, "/v1/signals/local", &plain, deep.as_bytes())?.0,
        400
    );
    assert_eq!(
        post(
            &andon,
            "/v1/signals/local",
            &plain,
            &vec![b' '; 100_000_000]
        )?
        .0,
        413,
        "100 MB"
    );
    let bomb = {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![b' '; 200_000_000])?;
        gzip.finish()?
    };
    let packed = [
        plain[0].clone(),
        ("content-encoding".to_owned(), "gzip".to_owned()),
    ];
    assert_eq!(
        post(&andon, "/v1/signals/local", &packed, &bomb)?.0,
        413,
        "a gzip bomb"
    );
    let brotli = [
        plain[0].clone(),
        ("content-encoding".to_owned(), "br".to_owned()),
    ];
    assert_eq!(post(&andon, "/v1/signals/local", &brotli, b"{}")?.0, 415);
    assert_eq!(post(&andon, "/v1/signals/nobody", &plain, b"{}")?.0, 404);

    let wrong = json!({ "title": ["not", "a", "text"], "model": "m" }).to_string();
    let (status, answer) = post(&andon, "/v1/signals/local", &plain, wrong.as_bytes())?;
    assert_eq!(status, 202, "authentic and parseable is kept: {answer}");
    assert!(
        answer["signals"][0]["stuck"].is_string(),
        "and stuck, visibly: {answer}"
    );
    let (_, stuck) = andon.api("GET", "/v1/stuck", None)?;
    assert_eq!(stuck["stuck"].as_array().map(Vec::len), Some(1), "{stuck}");

    let fine = json!({ "key": "after", "title": "still here", "model": "m" }).to_string();
    assert_eq!(
        post(&andon, "/v1/signals/local", &plain, fine.as_bytes())?.0,
        202
    );
    until(
        "an ordinary alert after all that",
        Duration::from_secs(20),
        || {
            Ok(soc
                .splunk
                .recorded()
                .events()
                .iter()
                .any(|event| {
                    event.event["message"]
                        .as_str()
                        .is_some_and(|title| title.contains("still here"))
                })
                .then_some(()))
        },
    )?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_strings_stay_text_at_every_receiver() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (soc, andon) = floor(folder.path()).await?;
    let plain = [("content-type".to_owned(), "application/json".to_owned())];
    for (index, hostile) in STRINGS.iter().enumerate() {
        let body = json!({
            "key": format!("h{index}"), "title": hostile, "severity": "high", "kind": hostile, "source": hostile,
            "model": hostile, "version": hostile, "environment": hostile, "metric": hostile,
        });
        let (status, answer) = post(
            &andon,
            "/v1/signals/local",
            &plain,
            body.to_string().as_bytes(),
        )?;
        assert_eq!(status, 202, "{hostile:?}: {answer}");
        assert!(
            answer["signals"][0]["stuck"].is_null(),
            "{hostile:?}: {answer}"
        );
    }
    until(
        "all of them at the three receivers",
        Duration::from_secs(30),
        || {
            let (splunk, rows, pages) = (
                soc.splunk.recorded().count(),
                soc.azure.recorded().count(),
                soc.pager.recorded().incidents().len(),
            );
            Ok((splunk >= 14 && rows >= 14 && pages >= 14).then_some(()))
        },
    )?;
    for hostile in STRINGS {
        let shown = andon::untrusted::person(hostile, 4_096);
        let there = soc
            .splunk
            .recorded()
            .events()
            .into_iter()
            .any(|event| event.event["resources"][0]["name"] == shown.as_str());
        assert!(there, "{hostile:?} should arrive as exactly {shown:?}");
    }
    let everything = soc
        .splunk
        .recorded()
        .events()
        .iter()
        .map(|event| event.event.clone())
        .chain(
            soc.azure
                .recorded()
                .rows()
                .into_iter()
                .map(|row| Value::Object(row.columns)),
        )
        .chain(
            soc.pager
                .recorded()
                .incidents()
                .into_iter()
                .map(|incident| incident.event),
        )
        .collect::<Vec<_>>();
    for value in &everything {
        each_text(value, &mut |text| {
            let hidden = text.chars().any(|c| {
                c.is_control()
                    || ('\u{202a}'..='\u{202e}').contains(&c)
                    || ('\u{2066}'..='\u{2069}').contains(&c)
                    || ('\u{e0000}'..='\u{e007f}').contains(&c)
            });
            assert!(!hidden, "a hidden character got through: {text:?}");
        });
    }
    let titles: Vec<String> = soc
        .splunk
        .recorded()
        .events()
        .iter()
        .map(|event| support::text(&event.event["finding_info"]["title"]))
        .collect();
    assert!(
        titles.iter().all(|title| !title.contains("https://evil")),
        "a live link in prose: {titles:?}"
    );
    assert!(
        titles.iter().any(|title| title.contains("{{severity}}")),
        "a template in data was rendered: {titles:?}"
    );
    Ok(())
}

fn each_text(value: &Value, seen: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => seen(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, seen)),
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            seen(key);
            each_text(value, seen);
        }),
        _ => {}
    }
}
