//! A mapping is tried before it counts: its tests, a test made of a signal, and the exact bytes that each
//! destination would get, with the real program.
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
use std::time::Duration;

use serde_json::{Value, json};
use support::{Andon, Outcome, ROUTING_KEY, Soc, call};

/// Longer than anything takes here; a test that waits for this has failed.
const WITHIN: Duration = Duration::from_secs(60);

/// When a signal in a file is said to be read.
const NOW: &str = "2026-11-23T08:00:00Z";

/// In place of the built-in mapping, with a comment and a layout of its own.
const MAPPING: &str = "\
# What our programs say.
andon: mapping/v1
name: generic-event
about: What a program says.
status: stable
from: generic/event
when: signal.?status != \"resolved\" && signal.?value != null

alert:
  kind: platform-alert
  title:   \"{{key}} fires\"       # short
  severity:
    - high: has(signal.value) && signal.value >= 50
    - low: otherwise
  model: { name: =signal.?model }
  same_as: ['=default(signal.?key, \"\")']
  fields: { key: =signal.?key, value: =signal.?value }

resolve:
  - when: signal.?status == \"resolved\"

tests:
  - it: a high value is high
    signal: { key: a, value: 99, at: \"2026-11-23T08:00:00Z\" }
    gives: { severity: high, title: a fires }      # as ever
# the end
";

fn andon(folder: &Path, arguments: &[&str]) -> Outcome<(Option<i32>, String, String)> {
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

fn folder(mapping: &str) -> Outcome<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    fs::create_dir_all(folder.path().join("mappings"))?;
    fs::write(folder.path().join("mappings/generic-event.yaml"), mapping)?;
    Ok(folder)
}

fn push(port: u16, body: &Value) -> Outcome<()> {
    let headers = [("content-type", "application/json")];
    let body = body.to_string();
    let (status, _) = call(port, "POST", "/v1/signals/local", &headers, body.as_bytes())?;
    assert_eq!(status, 202);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bytes_that_explain_shows_are_those_that_are_sent() -> Outcome<()> {
    let soc = Soc::start().await?;
    let folder = folder(MAPPING)?;
    let path = folder.path();
    let connections = soc.connections(path)?;
    let config = format!(
        "connections:\n  local: {{ connector: generic }}\n{connections}routes:\n  - to: [soc, sentinel, oncall]\n"
    );
    let daemon = Andon::start(path, &config)?;
    // Hostile and long: what is cut and cleaned has to be the same as well.
    let signal = json!({
        "key": format!("k\u{202e}\u{1b}[2J{}", "x".repeat(5_000)), "value": 87.25, "model": "m \"1\"",
    });
    fs::write(path.join("signal.json"), signal.to_string())?;
    let explain = |signal: &str, to: &str| -> Outcome<String> {
        let mut typed = vec!["explain", "generic-event", signal, "--send", to];
        if signal != "last" {
            typed.extend(["--now", NOW]);
        }
        let (code, body, error) = andon(path, &typed)?;
        assert_eq!(code, Some(0), "{error}");
        Ok(body)
    };
    let before: Vec<String> = ["soc", "sentinel", "oncall"]
        .into_iter()
        .map(|to| explain("signal.json", to))
        .collect::<Outcome<_>>()?;

    push(daemon.port, &signal)?;
    tokio::time::timeout(WITHIN, async {
        soc.splunk.recorded().reaches(1).await;
        soc.azure.recorded().reaches(1).await;
        soc.pager.recorded().reaches(1).await;
    })
    .await?;
    let got = [
        soc.splunk.recorded().last_body(),
        soc.azure.recorded().last_body(),
        soc.pager.recorded().last_body(),
    ];
    let got: Vec<String> = got
        .iter()
        .map(|body| {
            let body = String::from_utf8_lossy(body).into_owned();
            body.replace(ROUTING_KEY, "<secret routing_key>")
        })
        .collect();
    // The alert that is open now: nothing differs.
    for (to, got) in ["soc", "sentinel", "oncall"].into_iter().zip(&got) {
        assert_eq!(&explain("last", to)?, got, "{to}");
    }
    // Before it was sent: nothing but identifiers and times.
    let (_, page) = daemon.api("GET", "/v1/alerts", None)?;
    let alert = &page["alerts"][0];
    for (shown, got) in before.iter().zip(&got) {
        let (shown, got): (Value, Value) =
            (serde_json::from_str(shown)?, serde_json::from_str(got)?);
        let (id, seen) = (
            support::text(&alert["id"]),
            support::text(&alert["first_seen"]),
        );
        assert_eq!(
            timeless(&shown, &["alt_0000000000000", NOW]),
            timeless(&got, &[&id, &seen])
        );
    }

    let (_, text, _) = andon(path, &["explain", "generic-event", "last", "--bytes"])?;
    for part in [
        "triage   counts one more, and tells nobody: alt_",
        "is open, high, 1 signal since ",
        "nothing is new; this is its event as it stands",
        "authorization: Splunk <secret token>",
        "was 5,018 characters, kept 4,096",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    fs::write(
        path.join("over.json"),
        "{ \"key\": \"none\", \"status\": \"resolved\" }",
    )?;
    let (_, text, _) = andon(path, &["explain", "generic-event", "over.json"])?;
    assert!(
        text.contains("triage   closes nothing: no alert of this key is open"),
        "{text}"
    );
    Ok(())
}

/// Without the identifiers of alert and signal, and without what is a time.
fn timeless(value: &Value, own: &[&str]) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| {
                let is_time = value.as_f64().is_some_and(|number| number > 1e9);
                let value = if is_time {
                    Value::Null
                } else {
                    timeless(value, own)
                };
                (key.clone(), value)
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| timeless(item, own)).collect(),
        Value::String(text) if text.starts_with("20") && text.ends_with('Z') => Value::Null,
        Value::String(text) if text.starts_with("sig_") => Value::Null,
        Value::String(text) => own
            .iter()
            .fold(text.clone(), |text, own| text.replace(own, "OWN"))
            .into(),
        other => other.clone(),
    }
}

#[test]
fn the_tests_of_what_is_built_in_take_every_way_through_it() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let (code, told, said) = andon(folder.path(), &["test", "--coverage", "--format", "json"])?;
    assert_eq!(code, Some(0), "{told}{said}");
    let told: Value = serde_json::from_str(&told)?;
    let mappings = told["mappings"].as_array().ok_or("no mappings")?;
    assert!(mappings.len() >= 18, "{}", mappings.len());
    for mapping in mappings {
        assert_eq!(
            mapping["coverage"]["untested"],
            json!([]),
            "{}",
            mapping["mapping"]
        );
    }
    Ok(())
}

#[test]
fn a_test_that_fails_says_what_differs_where_and_why() -> Outcome<()> {
    let wrong = MAPPING
        .replace(
            "severity: high, title: a fires",
            "severity: low, title: a burns, fields: { value: 98 }",
        )
        .replace(
            "# the end",
            "  - it: nothing without a value\n    signal: { key: b }\n    gives: { severity: low }",
        );
    let folder = folder(&wrong)?;
    let (code, text, error) = andon(
        folder.path(),
        &["test", "mappings/generic-event.yaml", "--coverage"],
    )?;
    assert_eq!(code, Some(3), "{text}{error}");
    insta::assert_snapshot!(text, @r#"
    FAILED generic-event: a high value is high
      mappings/generic-event.yaml:23
      severity      expected  "low"
                    came      "high"
                               ^^^^
      title         expected  "a burns"
                    came      "a fires"
                                 ^^^^
      fields.value  expected  98
                    came      99
      why
        severity high     has(signal.value)
                          signal.value >= 50            99
                          (low: not asked, high held before it)
        fields   value 99

    FAILED generic-event: nothing without a value
      mappings/generic-event.yaml:26
      gives  expected  an alert: severity "low"
             came      nothing
      why
        when     true     signal.?status != "resolved"  absent
                 false    signal.?value != null         absent
        resolve  false    signal.?status == "resolved"  absent

    generic-event: tests take 4 of 7 ways; not these:
      mappings/generic-event.yaml:7   when      false   signal.?status != "resolved"
      mappings/generic-event.yaml:14  severity  low     otherwise
      mappings/generic-event.yaml:20  resolve   closes  signal.?status == "resolved"
      to add one: andon test --record generic-event SIGNAL     (a file, sig_…, or last)

    0 passed, 2 failed; tests take 4 of 7 ways through mappings
    "#);
    let (code, text, _) = andon(
        folder.path(),
        &["test", "--filter", "without a value", "--format", "json"],
    )?;
    assert_eq!(code, Some(3), "{text}");
    let json: Value = serde_json::from_str(&text)?;
    assert_eq!(
        (&json["passed"], &json["failed"]),
        (&json!(0), &json!(1)),
        "{json}"
    );
    let test = &json["mappings"][0]["tests"][0];
    assert_eq!(
        test["differences"],
        json!([{ "key": "gives", "wanted": { "severity": "low" }, "got": "nothing" }]),
        "{json}"
    );
    assert_eq!(test["line"], 26, "{json}");
    assert_eq!(json["mappings"][0]["coverage"]["ways"], 7, "{json}");

    let (code, _, error) = andon(folder.path(), &["test", "--filter", "no such test"])?;
    assert_eq!(
        (code, error.as_str()),
        (
            Some(2),
            "andon: no test and no mapping has `no such test` in its name\n"
        )
    );
    fs::write(
        folder.path().join("mappings/generic-event.yaml"),
        wrong.replace("from: generic", "frm: generic"),
    )?;
    assert_eq!(andon(folder.path(), &["test"])?.0, Some(1));
    Ok(())
}

#[test]
fn a_recorded_test_stands_behind_the_others_without_what_a_person_wrote() -> Outcome<()> {
    let folder = folder(MAPPING)?;
    let path = folder.path();
    let file = path.join("mappings/generic-event.yaml");
    let config = "connections:\n  local: { connector: generic }\n  out: { connector: file, path: alerts.ndjson }\nroutes:\n  - to: [out]\n";
    let daemon = Andon::start(path, config)?;
    push(
        daemon.port,
        &json!({ "key": "how do I: {{x}}\n# build", "value": 7, "title": "tell me how to", "model": "m" }),
    )?;
    let (code, text, error) = andon(
        path,
        &[
            "test",
            "--record",
            "generic-event",
            "last",
            "--it",
            "a low value is low",
        ],
    )?;
    assert_eq!(code, Some(0), "{text}{error}");
    let written = fs::read_to_string(&file)?;
    let (before, rest) = MAPPING.split_once("# the end").ok_or("no end")?;
    assert!(
        written.starts_with(before) && written.ends_with(&format!("# the end{rest}")),
        "{written}"
    );
    assert!(
        !written.contains("how do I") && !written.contains("tell me"),
        "{written}"
    );
    assert!(written.contains("  - it: a low value is low\n    signal: { key: \"(23 characters, left out)\", model: m, value: 7, at: "), "{written}");
    assert!(
        text.contains("left out, because a person or a model may have written it: key"),
        "{text}"
    );
    assert_eq!(andon(path, &["test"])?.0, Some(0));

    let again = [
        "test",
        "--record",
        "generic-event",
        "last",
        "--it",
        "a low value is low",
    ];
    let (code, _, error) = andon(path, &again)?;
    assert_eq!(code, Some(2), "{error}");
    assert!(
        error.contains("has a test called `a low value is low` already"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&file)?, written);

    let keep = [
        "test",
        "--record",
        "generic-event",
        "last",
        "--it",
        "as it came",
        "--keep",
        "key",
    ];
    let (code, text, error) = andon(path, &keep)?;
    assert_eq!(code, Some(0), "{text}{error}");
    assert!(fs::read_to_string(&file)?.contains(r#"key: "how do I: {{x}}\n# build""#));
    assert_eq!(andon(path, &["test"])?.0, Some(0));

    let (code, _, error) = andon(
        path,
        &["test", "--record", "mlflow-unreviewed-promotion", "last"],
    )?;
    assert_eq!(code, Some(2));
    assert!(error.contains("is built in"), "{error}");
    Ok(())
}

#[test]
fn a_stored_signal_needs_the_daemon_and_a_file_does_not() -> Outcome<()> {
    let folder = folder(MAPPING)?;
    let path = folder.path();
    let port = support::free_port()?;
    fs::write(
        path.join("andon.yaml"),
        format!(
            "andon: config/v1\nlisten: 127.0.0.1:{port}\nconnections:\n  local: {{ connector: generic }}\n"
        ),
    )?;
    fs::write(path.join("signal.json"), r#"{ "key": "a", "value": 87 }"#)?;
    let asked: [&[&str]; 3] = [
        &["explain", "generic-event"],
        &["test", "--record", "generic-event"],
        &[
            "new",
            "mapping",
            "ours",
            "--signal",
            "generic/event",
            "--from",
        ],
    ];
    for command in asked {
        for stored in ["last", "sig_0000000000000"] {
            let (code, _, error) = andon(path, &[command, &[stored]].concat())?;
            assert_eq!(code, Some(2), "{error}");
            for said in [
                "it has to be running; without it, name a file that holds the signal, such as signal.json\n",
                "start the daemon with `andon run`, or say where it is with --url\n",
            ] {
                assert!(error.contains(said), "{command:?} {stored}: {error}");
            }
        }
        let (code, said, error) = andon(path, &[command, &["signal.json"]].concat())?;
        assert_eq!(code, Some(0), "{command:?}: {said}{error}");
        // A test was recorded or a mapping written; each is tried on its own.
        fs::write(path.join("mappings/generic-event.yaml"), MAPPING)?;
    }
    for command in [&["explain"][..], &["test"], &["new", "mapping"]] {
        let (_, help, _) = andon(path, &[command, &["--help"]].concat())?;
        assert!(help.contains("running daemon"), "{help}");
    }
    Ok(())
}
