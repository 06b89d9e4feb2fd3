//! What can be typed, and what is said to a daemon that runs.

use std::path::Path;

use clap::{CommandFactory, Parser};
use serde_json::json;

use super::api::Api;
use super::shown::Asked;
use super::{Command, Format, Typed, Where, dead_letters, destinations, explain};
use crate::clock::Clock;
use crate::daemon::{self, Daemon, Folder};
use crate::signal::SignalName;
use crate::store::DeadLetterCause;
use crate::untrusted::Untrusted;

#[test]
fn the_command_line_has_no_contradiction() {
    Typed::command().debug_assert();
}

#[test]
fn what_is_missing_or_unknown_is_said() {
    for wrong in [
        &["andon", "explain", "x"][..],
        &["andon", "freeze"],
        &["andon", "token", "new", "soar"],
        &["andon", "alerts", "close"],
        &["andon", "destinations", "resume"],
        &["andon", "actions", "request"],
        &["andon", "actions", "request", "a/b", "--wait", "long"],
        &["andon", "connectors", "--format", "xml"],
        &["andon", "dead-letters", "retry"],
        &["andon", "dead-letters", "drop", "--yes"],
        &["andon", "dead-letters", "retry", "7", "--all"],
        &["andon", "new", "mapping"],
        &["andon", "new", "connector", "acme"],
    ] {
        assert!(Typed::try_parse_from(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn what_the_manual_says_can_be_typed() {
    for right in [
        "andon alerts",
        "andon alerts list --all --format json",
        "andon alerts close alt_1 --false-positive --text planned",
        "andon actions request mlflow/move-alias --at registry --with model=m version=1 --alert alt_1 --reason why --ttl 1h --dry-run --wait 30",
        "andon actions revert act_1 --wait 30",
        "andon connections test soc",
        "andon destinations",
        "andon reload --format json",
        "andon replay --since 7d --mapping mappings/x.yaml",
        "andon replay --against /etc/andon --false-positives --format json",
        "andon shadow evidently-column-drift",
        "andon destinations resume soc --format json",
        "andon dead-letters show 1",
        "andon dead-letters retry 1 2 --reason mended",
        "andon dead-letters retry --destination soc --format json",
        "andon dead-letters drop --all --yes",
        "andon stuck retry sig_1",
        "andon token new soar --may alerts:read mlflow/*@registry --until 2027-06-30",
        "andon --url http://127.0.0.1:1 status",
        "andon alerts show alt_1 --url https://andon.local --ca ca.pem",
        "andon explain evidently-column-drift last --look-up a.json --format json",
        "andon send local -",
        "andon new mapping --from a.json --from sig_1 --connection registry --signal tag-set x",
        "andon new mapping --from last --signal mlflow/tag-set",
        "andon new connector --from a.json b.json acme --signal check",
    ] {
        let typed: Vec<&str> = right.split(' ').collect();
        assert!(Typed::try_parse_from(typed).is_ok(), "{right}");
    }
}

/// A daemon on loopback, with the files that speak to it.
struct Running {
    folder: tempfile::TempDir,
    daemon: Option<Daemon>,
    runtime: tokio::runtime::Runtime,
}

impl Running {
    fn new(more: &str) -> Self {
        Self::with("", more)
    }

    /// With further connections.
    fn with(connections: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for file in ["localhost.crt", "localhost.key"] {
            let from = Path::new("tests/data/tls").join(file);
            std::fs::copy(from, folder.path().join(file)).unwrap();
        }
        let config = folder.path().join("andon.yaml");
        let yaml = format!(
            "andon: config/v1\nlisten: 127.0.0.1:0\nconnections: {{ local: {{ connector: generic }}{connections} }}\n{more}"
        );
        std::fs::write(&config, yaml).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let read = Folder::read(Path::new("."), Some(&config)).unwrap();
        let (catalog, _) = daemon::load(&read).unwrap();
        let start = Daemon::start(catalog, &read, Clock::system());
        let daemon = runtime.block_on(start).unwrap();
        Self {
            folder,
            daemon: Some(daemon),
            runtime,
        }
    }

    fn at(&self, scheme: &str, ca: Option<&str>) -> Where {
        let port = self.daemon.as_ref().unwrap().address.port();
        Where {
            config: Some(self.folder.path().join("andon.yaml")),
            url: Some(format!("{scheme}://localhost:{port}")),
            ca: ca.map(|ca| self.folder.path().join(ca)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(daemon) = self.daemon.take() {
            self.runtime.block_on(daemon.stop());
        }
    }
}

#[test]
fn a_daemon_whose_certificate_is_of_a_private_authority_is_spoken_to_with_its_file() {
    let running =
        Running::new("tls: { cert: { file: localhost.crt }, key: { file: localhost.key } }\n");
    let trusting = Api::open(&running.at("https", Some("localhost.crt"))).unwrap();
    let status = trusting.get("/v1/status", &[]).unwrap();
    assert_eq!(status["catalog"]["connections"], 1);
    let doubting = Api::open(&running.at("https", None)).unwrap();
    assert!(doubting.get("/v1/status", &[]).is_err());
    for (scheme, ca, said) in [
        ("http", "localhost.crt", "--ca is for a daemon with TLS"),
        (
            "https",
            "localhost.key",
            "localhost.key` holds no certificate as PEM",
        ),
        ("https", "gone.pem", "gone.pem"),
    ] {
        let Err(error) = Api::open(&running.at(scheme, Some(ca))) else {
            panic!("{scheme} with {ca} is opened");
        };
        assert!(format!("{error:#}").contains(said), "{error:#}");
    }
}

#[test]
fn a_destination_that_is_none_cannot_be_resumed() {
    let running = Running::new("");
    let typed = Asked {
        what: Some(destinations::What::Resume {
            name: "soc".to_owned(),
        }),
        format: Format::Text,
    };
    let error = destinations::run(typed, &running.at("http", None)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no destination is called `soc`: andon.yaml has none (404)"
    );
}

#[test]
fn the_last_signal_is_the_newest_that_the_mapping_is_about() {
    let running = Running::new("");
    let api = Api::open(&running.at("http", None)).unwrap();
    let name = |signal: &str| SignalName {
        connector: "generic".to_owned(),
        signal: signal.to_owned(),
    };
    let none = explain::asked::newest(&api, &name("event")).unwrap_err();
    assert_eq!(none.to_string(), "no signal `generic/event` is stored");
    let send = |body: &serde_json::Value| {
        let bytes = body.to_string().into_bytes();
        let path = "/v1/signals/local";
        let sent = api.post_bytes(path, Vec::new(), "application/json", bytes);
        let json = sent.unwrap().json;
        json["signals"][0]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    send(&json!({ "key": "a", "title": "a drifted" }));
    // It opens no alert and is stuck nowhere; all the same it is the last.
    let last = send(&json!({ "key": "b", "status": "resolved" }));
    // Nobody knows what this is, so that it is of no name.
    send(&json!({}));
    assert_eq!(explain::asked::newest(&api, &name("event")).unwrap(), last);
    assert!(explain::asked::newest(&api, &name("other")).is_err());
}

/// So many deliveries to `soc`, where nobody is, are refused for good.
fn bury(running: &Running, count: usize) {
    let api = Api::open(&running.at("http", None)).unwrap();
    let body = json!({ "key": "a", "title": "a drifted" }).to_string();
    let sent = api.post_bytes(
        "/v1/signals/local",
        Vec::new(),
        "application/json",
        body.into(),
    );
    sent.unwrap();
    let live = &running.daemon.as_ref().unwrap().live;
    let job = live.store.write(move |tx| {
        let owed = tx.due("soc", jiff::Timestamp::MAX, 0, 1)?.ready.remove(0);
        for _ in 0..count {
            let seq = tx.owe("soc", owed.revision, false)?;
            let cause = DeadLetterCause {
                status: Some(400),
                body: Untrusted::new(Vec::new()),
                reason: "refused".to_owned(),
            };
            tx.dead_letter("soc", seq, &cause)?;
        }
        Ok(())
    });
    running.runtime.block_on(job).unwrap();
}

#[test]
fn dead_letters_are_decided_on_by_number_by_destination_or_all_at_once() {
    let running = Running::with(
        ", soc: { connector: splunk, url: 'http://127.0.0.1:9', reach: loopback, token: { file: hec } }",
        "routes: [{ to: [soc] }]\n",
    );
    bury(&running, 205);
    let at = running.at("http", None);
    let api = Api::open(&at).unwrap();
    let left = || api.get("/v1/status", &[]).unwrap()["deliveries"]["dead_letters"].clone();
    let run = |typed: &str| {
        let typed = Typed::try_parse_from(typed.split(' ')).unwrap();
        let Command::DeadLetters(typed) = typed.command else {
            panic!("another command");
        };
        dead_letters::run(typed, &at)
    };
    let newest = api.get("/v1/dead-letters", &[]).unwrap()["dead_letters"][0]["id"].clone();
    run(&format!("andon dead-letters drop {newest} --reason known")).unwrap();
    assert_eq!(left(), 204);
    let error = run("andon dead-letters drop --all").unwrap_err();
    assert_eq!(
        error.to_string(),
        "this forgets 204 dead letters for good; say --yes if it shall"
    );
    run("andon dead-letters drop --destination nobody --yes").unwrap();
    assert_eq!(left(), 204);
    let error = run(&format!("andon dead-letters retry {newest}")).unwrap_err();
    assert_eq!(error.to_string(), "1 of 1 could not be owed again");
    run("andon dead-letters retry --destination soc").unwrap();
    assert_eq!(left(), 0);
    let live = &running.daemon.as_ref().unwrap().live;
    let rows = live.store.read(|reader| reader.audit_rows(0, 1_000));
    let rows = running.runtime.block_on(rows).unwrap();
    let retried: Vec<i64> = rows
        .iter()
        .filter(|row| row.what == "dead_letter.retried")
        .map(|row| row.about["dead_letter"].as_i64().unwrap())
        .collect();
    assert_eq!(retried.len(), 204);
    assert!(retried.is_sorted(), "the oldest first");
}
