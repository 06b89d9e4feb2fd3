//! What people say in PagerDuty comes back: from the real binary to a strict stand-in and its signed webhooks,
//! and to `andon replay --false-positives`.
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use andon::catalog::{self, Files};
use andon::connector::Input;
use andon::diag::{Faults, Source};
use andon::sandbox::pagerduty::{Agent, Status};
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use support::{Andon, Outcome, Soc, secret, until};

const PATIENCE: Duration = Duration::from_secs(60);
const SECRET: &str = "a webhook subscription's secret";

/// Andon, told of everything by the generic connection, with a pager and a log behind it.
async fn house(folder: &Path) -> Outcome<(Soc, Andon)> {
    let soc = Soc::start().await?;
    secret(folder, "hook", SECRET)?;
    let connections = soc.connections(folder)?.replace(
        "oncall: { connector: pagerduty,",
        "oncall: { connector: pagerduty, webhook_secret: { file: secrets/hook },",
    );
    let config = format!(
        "connections:\n  local: {{ connector: generic }}\n{connections}routes:\n  - to: [soc, oncall]\n"
    );
    let andon = Andon::start(folder, &config)?;
    let url = format!("http://127.0.0.1:{}/v1/signals/oncall", andon.port);
    // Two secrets, as while one is changed: either signature will do.
    assert!(
        soc.pager
            .recorded()
            .subscribe(&url, &["the one of before", SECRET])
    );
    Ok((soc, andon))
}

/// Sends a signal, and gives the alert that it opened once the pager has it.
fn fire(soc: &Soc, andon: &Andon, key: &str) -> Outcome<String> {
    let body =
        json!({ "key": key, "title": format!("{key} fell"), "severity": "high", "model": "churn" });
    let (status, _) = andon.call(
        "POST",
        "/v1/signals/local",
        &[],
        body.to_string().as_bytes(),
    )?;
    assert_eq!(status, 202);
    until("the page", PATIENCE, || {
        let title = format!("{key} fell");
        let about = |summary: &Value| summary.as_str().is_some_and(|text| text.contains(&title));
        let incidents = soc.pager.recorded().incidents();
        let mut incidents = incidents.into_iter();
        Ok(incidents
            .find(|incident| about(&incident.event["payload"]["summary"]))
            .map(|incident| incident.dedup_key))
    })
}

fn alert(andon: &Andon, id: &str) -> Outcome<Value> {
    Ok(andon.api("GET", &format!("/v1/alerts/{id}"), None)?.1)
}

/// Waits until an alert is as it should be.
fn becomes(andon: &Andon, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Outcome<Value> {
    until(what, PATIENCE, || {
        let now = alert(andon, id)?;
        Ok(wanted(&now).then_some(now))
    })
    .map_err(|error| format!("{error}: {:?}\n{}", alert(andon, id), andon.last_lines()).into())
}

/// How many events the stand-in sent that were answered.
fn answered(soc: &Soc, count: usize) -> Outcome<Vec<u16>> {
    until("the webhooks", PATIENCE, || {
        let sent = soc.pager.recorded().sent();
        let statuses: Vec<u16> = sent.iter().filter_map(|sent| sent.status).collect();
        Ok((statuses.len() >= count).then_some(statuses))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_do_to_an_incident_is_said_to_its_alert() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (soc, andon) = house(folder.path()).await?;
    let pager = soc.pager.recorded();
    let id = fire(&soc, &andon, "accuracy")?;

    assert!(pager.acknowledge(&id, "Responder 7"));
    let taken = becomes(&andon, &id, "it is acknowledged", |alert| {
        !alert["acknowledged"].is_null()
    })?;
    assert_eq!(taken["acknowledged"]["by"], "Responder 7 (oncall)");
    assert_eq!(taken["state"], "updated");

    // The same bytes again, and a body that was changed: neither says anything.
    answered(&soc, 2)?;
    let sent = pager.sent();
    let acknowledged = sent
        .iter()
        .find(|sent| sent.event == "incident.acknowledged");
    pager.send_again(acknowledged.ok_or("nothing was acknowledged")?);
    assert_eq!(answered(&soc, sent.len() + 1)?.last(), Some(&202));
    let forged = json!({ "event": { "id": "x", "event_type": "incident.resolved", "occurred_at": "2026-11-23T08:00:00Z",
        "agent": { "type": "user_reference", "summary": "Nobody" }, "data": { "id": "Q000001", "incident_key": id } } });
    let signature = ("x-pagerduty-signature", "v1=00ff,v1=");
    let refused = andon.call(
        "POST",
        "/v1/signals/oncall",
        &[signature],
        forged.to_string().as_bytes(),
    )?;
    assert_eq!(refused.0, 401);
    let unsigned = andon.call(
        "POST",
        "/v1/signals/oncall",
        &[],
        forged.to_string().as_bytes(),
    )?;
    assert_eq!(unsigned.0, 401);
    assert_eq!(alert(&andon, &id)?["revision"], taken["revision"]);

    // Automation ends an incident and no alert.
    let other = fire(&soc, &andon, "latency")?;
    assert!(pager.resolve(&other, Agent::Automation));
    assert!(pager.resolve(&id, Agent::Person("Responder 8")));
    let over = becomes(&andon, &id, "it is closed", |alert| {
        alert["state"] == "resolved"
    })?;
    assert_eq!(over["closed"]["how"], "resolved");
    assert_eq!(over["closed"]["by"], "Responder 8 (oncall)");
    assert_eq!(alert(&andon, &other)?["state"], "open");

    // Found out later: the note comes after the end.
    assert!(pager.annotate(&id, "Responder 8", "is this a false positive?"));
    assert!(pager.annotate(&id, "Responder 8", "  FALSE POSITIVE - a planned change"));
    let judged = becomes(&andon, &id, "it is a false positive", |alert| {
        alert["closed"]["how"] == "false_positive"
    })?;
    assert_eq!(judged["state"], "resolved");
    assert!(!judged.to_string().contains("planned"), "{judged}");
    let finding = |kind: &str| {
        let events = soc.splunk.recorded().events().into_iter();
        events
            .filter(|event| {
                event.event["finding_info"]["uid"] == id && event.event["activity_name"] == kind
            })
            .count()
    };
    until("the log has the end", PATIENCE, || {
        Ok((finding("Close") >= 2).then_some(()))
    })?;
    // The pager heard of no second end.
    assert_eq!(
        pager.incident(&id).map(|incident| incident.status),
        Some(Status::Resolved)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_closes_the_alert_and_the_incident_and_a_replay_asks_for_exactly_those()
-> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (soc, andon) = house(folder.path()).await?;
    let pager = soc.pager.recorded();
    let wrong = fire(&soc, &andon, "noise")?;
    let right = fire(&soc, &andon, "accuracy")?;
    assert!(pager.annotate(
        &right,
        "Responder 7",
        "not a false positive, look at the data"
    ));
    assert!(pager.annotate(&wrong, "Responder 7", "False alarm: the nightly job"));
    let judged = becomes(&andon, &wrong, "it is a false positive", |alert| {
        alert["closed"]["how"] == "false_positive"
    })?;
    assert_eq!(judged["closed"]["by"], "Responder 7 (oncall)");
    until("the incident is resolved", PATIENCE, || {
        let incident = pager.incident(&wrong);
        Ok(incident
            .filter(|incident| incident.status == Status::Resolved)
            .map(drop))
    })?;
    assert_eq!(alert(&andon, &right)?["state"], "open");
    assert!(answered(&soc, 5)?.iter().all(|status| *status == 202));
    assert_eq!(andon.api("GET", "/v1/stuck", None)?.1["stuck"], json!([]));

    let mapping = include_str!("../mappings/generic-event.yaml");
    let changed = mapping.replacen("when: ", "when: signal.?key != \"noise\" && ", 1);
    assert_ne!(mapping, changed);
    std::fs::write(folder.path().join("generic-event.yaml"), changed)?;
    let out = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args([
            "replay",
            "--mapping",
            "generic-event.yaml",
            "--false-positives",
            "--format",
            "json",
        ])
        .current_dir(folder.path())
        .output()?;
    let told: Value = serde_json::from_slice(&out.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&out.stderr)))?;
    assert_eq!(told["false_positives"], 1, "{told:#}");
    assert_eq!(
        told["differences"].as_array().map(Vec::len),
        Some(1),
        "{told:#}"
    );
    assert!(
        told["differences"][0].to_string().contains("noise fell"),
        "{told:#}"
    );
    Ok(())
}

/// What PagerDuty signs is let in, and it gives a subscription up that answers 400 to three events: what is no JSON is
/// kept and answered 202. Nothing of what it says is in an answer, a metric or the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_body_that_cannot_be_read_is_kept_and_says_nothing_outside() -> Outcome<()> {
    const MARK: &str = "qzx-planted-qzx";
    let folder = tempfile::tempdir()?;
    secret(folder.path(), "hook", SECRET)?;
    secret(folder.path(), "routing_key", support::ROUTING_KEY)?;
    let config = "connections:\n  oncall: { connector: pagerduty, url: \"http://127.0.0.1:9\", reach: loopback, routing_key: { file: secrets/routing_key }, webhook_secret: { file: secrets/hook } }\n";
    let andon = Andon::start_with(folder.path(), config, &[("RUST_LOG", Path::new("trace"))])?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let push = |body: &[u8], more: &[(&str, &str)]| {
        let tag = hmac::sign(&key, body);
        let signature = format!("v1={}", HEXLOWER.encode(tag.as_ref()));
        let headers = [&[("x-pagerduty-signature", signature.as_str())], more].concat();
        let (status, answer) = andon.call("POST", "/v1/signals/oncall", &headers, body)?;
        Ok::<_, Box<dyn std::error::Error>>((status, String::from_utf8(answer)?))
    };
    let body = format!("{{\"event\": {MARK}");
    let (status, answer) = push(body.as_bytes(), &[])?;
    assert_eq!(status, 202, "{answer}");
    let why = "the body cannot be read: it is no JSON at line 1, column 11";
    let kept: Value = serde_json::from_str(&answer)?;
    assert_eq!(kept["signals"][0]["stuck"], why);
    let id = support::text(&kept["signals"][0]["id"]);
    // Sent again it is the same. Nobody else's body is kept; and who has a token of Andon's hears what is wrong.
    let (status, again) = push(body.as_bytes(), &[])?;
    assert_eq!(
        (status, again.contains("\"repeat\":true")),
        (202, true),
        "{again}"
    );
    let forged = [("x-pagerduty-signature", "v1=00ff")];
    let forged = andon.call("POST", "/v1/signals/oncall", &forged, body.as_bytes())?;
    assert_eq!(forged.0, 401);
    let token = format!("Bearer {}", andon.token()?);
    let (status, told) = push(body.as_bytes(), &[("authorization", &token)])?;
    assert_eq!(status, 400, "{told}");

    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_andon"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
    };
    let listed = run(&["stuck"])?;
    let listed = String::from_utf8(listed.stdout)?;
    assert!(
        listed.ends_with("andon stuck list --standing refused\n"),
        "{listed}"
    );
    let listed = String::from_utf8(run(&["stuck", "list", "--standing", "refused"])?.stdout)?;
    assert!(listed.contains(&id) && listed.contains(why), "{listed}");
    let retried = run(&["stuck", "retry", &id])?;
    let retried = String::from_utf8(retried.stderr)?;
    assert!(
        retried.contains(&format!("signal {id} is as it was: {why}")),
        "{retried}"
    );
    let (_, metrics) = andon.call("GET", "/metrics", &[], b"")?;
    let metrics = String::from_utf8(metrics)?;
    let counted = "andon_signals_total{connection=\"oncall\",outcome=\"unmatched\"} 1";
    assert!(metrics.contains(counted), "{metrics}");

    let log = std::fs::read_to_string(folder.path().join("andon.log"))?;
    assert!(
        log.contains("\"level\":\"DEBUG\""),
        "the log was to say all it can"
    );
    let forged = String::from_utf8(forged.1)?;
    for said in [answer, again, forged, told, listed, retried, metrics, log] {
        assert!(!said.contains(MARK), "{said}");
    }
    // It is there for who may read it.
    let shown = andon.api("GET", &format!("/v1/stuck/{id}"), None)?.1;
    assert_eq!(shown["raw"], body);
    Ok(())
}

/// Somebody sets a sender up: the answer says what it does not send, the log which setting Andon has not.
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_without_proof_hears_what_is_missing_and_the_log_which_setting() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    secret(folder.path(), "hook", SECRET)?;
    secret(folder.path(), "routing_key", support::ROUTING_KEY)?;
    let pager = |name: &str, more: &str| {
        format!(
            "  {name}: {{ connector: pagerduty, url: \"http://127.0.0.1:9\", reach: loopback, routing_key: {{ file: secrets/routing_key }}{more} }}\n"
        )
    };
    let config = format!(
        "connections:\n{}{}",
        pager("oncall", ", webhook_secret: { file: secrets/hook }"),
        pager("deaf", "")
    );
    let andon = Andon::start(folder.path(), &config)?;
    let signature = [("x-pagerduty-signature", "v1=00ff")];
    let general = "the request does not prove that it comes from the connection's system";
    let lacking = format!("{general}: it lacks the header `x-pagerduty-signature`");
    let shut = "this connection takes no pushes until it is given a secret to check them with; the log of Andon names the setting";
    for (connection, headers, said) in [
        ("oncall", &[][..], lacking.as_str()),
        ("oncall", &signature, general),
        ("deaf", &[], shut),
        ("deaf", &signature, shut),
    ] {
        let path = format!("/v1/signals/{connection}");
        let (status, answer) = andon.call("POST", &path, headers, b"{}")?;
        let answer: Value = serde_json::from_slice(&answer)?;
        assert_eq!(status, 401, "{answer}");
        assert_eq!(answer["detail"], said, "{connection}");
        assert_eq!(answer["code"], "not_authentic");
    }
    let log = std::fs::read_to_string(folder.path().join("andon.log"))?;
    let reasons: Vec<String> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["message"] == "a push was refused")
        .map(|line| {
            format!(
                "{}: {}",
                support::text(&line["connection"]),
                support::text(&line["reason"])
            )
        })
        .collect();
    let waits = "deaf: no push is let in until this connection is given `webhook_secret` (in andon.yaml, by a file or a variable that is not empty)";
    assert_eq!(
        reasons,
        [
            "oncall: it lacks the header `x-pagerduty-signature`",
            "oncall: no signature in `x-pagerduty-signature` is right",
            waits,
            waits,
        ]
    );
    Ok(())
}

/// What a note is taken for, by the connector as it is.
#[test]
fn a_note_that_begins_so_marks_a_false_positive_and_no_other_does() -> Outcome<()> {
    let mut faults = Faults::new();
    let config = Source::new("andon.yaml", "andon: config/v1\n");
    let catalog = catalog::load(&Files::built_in(), &config, &mut faults).ok_or("not sound")?;
    let note = catalog.connectors["pagerduty"]
        .signal("note")
        .ok_or("no note")?;
    let sample: Value = serde_json::from_str(include_str!(
        "../connectors/pagerduty/samples/note-false-positive.json"
    ))?;
    for (text, marks) in [
        ("false positive", true),
        ("False positive: a planned change", true),
        ("  FALSE ALARM - the nightly job", true),
        ("false-positive, known", true),
        ("False positives again", true),
        ("false positive\n\nthe job ran twice", true),
        ("false positive?", false),
        ("False alarm ?", false),
        ("is this a false positive", false),
        ("not a false positive", false),
        ("false positively", false),
        ("looks fine", false),
        ("", false),
    ] {
        let mut body = sample["body"].clone();
        body["event"]["data"]["content"] = text.into();
        let settings = json!({});
        let mut input = Input::new(&settings, "2026-11-23T08:30:00Z".parse()?);
        input.body = andon::expr::Value::from_json(&body);
        let found = note.extract(&input)?.remove(0)?;
        let data: Value = serde_json::from_str(&found.data.root().to_string())?;
        assert_eq!(data["false_positive"], marks, "{text:?}");
        assert!(
            text.is_empty() || !data.to_string().contains(text),
            "{data}"
        );
    }
    Ok(())
}
