//! What changed files would have made of signals that a running daemon kept.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::{Andon, Outcome, call};

const CONFIG: &str = "connections:\n  local: { connector: generic }\n  out: { connector: file, path: alerts.ndjson }\n  \
    oncall: { connector: pagerduty, url: \"http://127.0.0.1:9\", reach: loopback, routing_key: { file: key } }\n\
    routes:\n  - to: [out]\n  - when: alert.severity >= high\n    to: [oncall]\n";

/// A mapping in place of the built-in one.
fn mapping(status: &str, when: &str, high: &str) -> String {
    format!(
        "andon: mapping/v1\nname: generic-event\nabout: What a program says.\nstatus: {status}\nfrom: generic/event\n\
         when: {when}\nalert:\n  kind: platform-alert\n  title: \"{{{{key}}}} fires\"\n  severity:\n    - high: {high}\n    \
         - low: otherwise\n  model: {{ name: =signal.?model }}\n  same_as: ['=default(signal.?key, \"\")']\n  \
         fields: {{ key: =signal.?key }}\nresolve:\n  - when: signal.?status == \"resolved\"\n\
         tests:\n  - it: what is sent is an alert\n    signal: {{ key: a, value: 99, at: \"2026-11-23T08:00:00Z\" }}\n    \
         gives: {{ title: a fires }}\n"
    )
}

const FIRES: &str = "signal.?status != \"resolved\"";

fn replay(folder: &Path, arguments: &[&str]) -> Outcome<(Option<i32>, String, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(arguments)
        .current_dir(folder)
        .output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    ))
}

/// Twenty keys with values from 0 to 95, each fired twice; the first ten are resolved in between.
fn signals(port: u16) -> Outcome<()> {
    let push = |body: Value| -> Outcome<()> {
        let headers = [("content-type", "application/json")];
        let body = body.to_string();
        let (status, _) = call(port, "POST", "/v1/signals/local", &headers, body.as_bytes())?;
        assert_eq!(status, 202);
        Ok(())
    };
    let fire = |number: usize, round: usize| json!({ "key": format!("k{number:02}"), "value": number * 5, "model": format!("m{}", number % 2), "metric": round.to_string() });
    for number in 0..20 {
        push(fire(number, 1))?;
    }
    for number in 0..10 {
        push(json!({ "key": format!("k{number:02}"), "status": "resolved" }))?;
    }
    for number in 0..20 {
        push(fire(number, 2))?;
    }
    Ok(())
}

#[test]
fn a_changed_mapping_is_compared_over_the_signals_that_are_kept() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    fs::create_dir_all(path.join("mappings"))?;
    fs::write(path.join("key"), support::ROUTING_KEY)?;
    let current = mapping("stable", FIRES, "has(signal.value) && signal.value >= 50");
    fs::write(path.join("mappings/generic-event.yaml"), &current)?;
    let andon = Andon::start(path, CONFIG)?;
    signals(andon.port)?;

    // Ten alerts of ten keys, twice; ten of the other keys, once.
    let changed = path.join("generic-event.yaml");
    let changed_when = "signal.?status != \"resolved\" && has(signal.value) && signal.value >= 25";
    fs::write(
        &changed,
        mapping(
            "draft",
            changed_when,
            "has(signal.value) && signal.value >= 75",
        ),
    )?;
    let (code, text, error) = replay(path, &["replay", "--mapping", "generic-event.yaml"])?;
    assert_eq!(code, Some(0), "{error}");
    let (_, json, _) = replay(
        path,
        &[
            "replay",
            "--mapping",
            "generic-event.yaml",
            "--format",
            "json",
        ],
    )?;
    let json: Value = serde_json::from_str(&json)?;
    let figures = |side: &str| {
        let side = &json[side];
        (side["alerts"].clone(), side["paged"].clone())
    };
    assert_eq!(json["signals"], 50, "{json}");
    assert_eq!(figures("before"), (json!(30), json!(10)), "{json}");
    assert_eq!(figures("after"), (json!(20), json!(5)), "{json}");
    let of = |what: &str| -> usize {
        let all = json["differences"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        all.iter().filter(|one| one["what"] == what).count()
    };
    // Keys 0 to 4 no longer fire, each of them twice; 10 to 14 are no longer high.
    assert_eq!(
        (of("vanishes"), of("appears"), of("severity"), of("text")),
        (10, 0, 5, 0),
        "{json}"
    );
    for part in [
        "50 signals since",
        "alerts                   30      20",
        "high → low",
        "m0",
        "k00 fires",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }

    // One of those that vanish was a false alarm, and one that stays.
    let (_, page) = andon.api("GET", "/v1/alerts?state=open", None)?;
    for key in ["k01 fires", "k19 fires"] {
        let alerts = page["alerts"].as_array().ok_or("no alerts")?;
        let alert = alerts
            .iter()
            .find(|alert| alert["title"] == key)
            .ok_or("no such alert")?;
        let id = support::text(&alert["id"]);
        let body = json!({ "false_positive": true, "text": "planned" });
        let (status, answer) =
            andon.api("POST", &format!("/v1/alerts/{id}/resolve"), Some(&body))?;
        assert_eq!(status, 200, "{answer}");
    }
    let (code, json, error) = replay(
        path,
        &[
            "replay",
            "--mapping",
            "generic-event.yaml",
            "--false-positives",
            "--format",
            "json",
        ],
    )?;
    assert_eq!(code, Some(0), "{error}");
    let json: Value = serde_json::from_str(&json)?;
    assert_eq!(
        (
            &json["false_positives"],
            &json["before"]["alerts"],
            &json["after"]["alerts"]
        ),
        (&json!(2), &json!(2), &json!(1)),
        "{json}"
    );
    assert_eq!(json["differences"][0]["before"]["title"], "k01 fires");

    // The same by folder, the other way round: what was before is there.
    let other = path.join("other");
    fs::create_dir_all(other.join("mappings"))?;
    for file in ["andon.yaml", "key"] {
        fs::copy(path.join(file), other.join(file))?;
    }
    fs::write(
        other.join("mappings/generic-event.yaml"),
        mapping(
            "stable",
            changed_when,
            "has(signal.value) && signal.value >= 75",
        ),
    )?;
    let (_, json, _) = replay(path, &["replay", "--against", "other", "--format", "json"])?;
    let json: Value = serde_json::from_str(&json)?;
    assert_eq!(
        (&json["before"]["alerts"], &json["after"]["alerts"]),
        (&json!(20), &json!(30)),
        "{json}"
    );
    Ok(())
}

#[test]
fn a_mapping_on_trial_shows_what_it_would_have_found_and_sends_nothing() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    fs::create_dir_all(path.join("mappings"))?;
    fs::write(path.join("key"), support::ROUTING_KEY)?;
    fs::write(
        path.join("mappings/generic-event.yaml"),
        mapping("shadow", FIRES, "has(signal.value) && signal.value >= 50"),
    )?;
    let andon = Andon::start(path, CONFIG)?;
    signals(andon.port)?;
    let (_, page) = andon.api("GET", "/v1/alerts?state=all", None)?;
    assert_eq!(page["alerts"], json!([]));
    let (code, text, error) = replay(path, &["shadow", "generic-event"])?;
    assert_eq!(code, Some(0), "{error}");
    assert!(
        text.contains("alerts                   0       30"),
        "{text}"
    );
    let (code, _, error) = replay(path, &["shadow", "generic-evnt"])?;
    assert_eq!(code, Some(2));
    assert!(error.contains("did you mean `generic-event`?"), "{error}");
    let (code, _, error) = replay(path, &["replay"])?;
    assert_eq!(code, Some(2));
    assert!(error.contains("--mapping FILE"), "{error}");
    Ok(())
}

#[test]
fn time_passes_in_a_replay_as_it_did() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path();
    fs::create_dir_all(path.join("mappings"))?;
    fs::write(path.join("key"), support::ROUTING_KEY)?;
    let quiet = |span: &str| {
        let severe = "has(signal.value) && signal.value >= 50";
        let text = mapping("stable", FIRES, severe);
        text.replace("resolve:\n", &format!("quiet: {span}\nresolve:\n"))
    };
    fs::write(path.join("mappings/generic-event.yaml"), quiet("1s"))?;
    let andon = Andon::start(path, CONFIG)?;
    let headers = [("content-type", "application/json")];
    for value in ["{\"key\":\"a\",\"value\":1}", "{\"key\":\"a\",\"value\":2}"] {
        let (status, _) = andon.call("POST", "/v1/signals/local", &headers, value.as_bytes())?;
        assert_eq!(status, 202);
        std::thread::sleep(std::time::Duration::from_millis(2_500));
    }
    // After each it was quiet for longer than a second; with an hour the second counts in the first.
    fs::write(path.join("generic-event.yaml"), quiet("1h"))?;
    let arguments = [
        "replay",
        "--mapping",
        "generic-event.yaml",
        "--format",
        "json",
    ];
    let (_, json, error) = replay(path, &arguments)?;
    let json: Value = serde_json::from_str(&json).map_err(|_| error)?;
    assert_eq!(
        (&json["before"]["alerts"], &json["after"]["alerts"]),
        (&json!(2), &json!(1)),
        "{json}"
    );
    Ok(())
}
