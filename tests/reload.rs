//! Files that change while the real program runs: taken up when they are sound, refused when they are
//! not, and nothing lost or doubled meanwhile.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use support::{Andon, Outcome, call, until};

/// Longer than anything takes here; a test that waits for this has failed.
const WITHIN: Duration = Duration::from_secs(60);
const CONFIG: &str = "connections:\n  local: { connector: generic }\n  out: { connector: file, path: alerts.ndjson }\nroutes:\n  - to: [out]\n";

/// A mapping in place of the built-in one, whose alerts begin with `word`.
fn mapping(word: &str, more: &str) -> String {
    format!(
        "andon: mapping/v1\nname: generic-event\nabout: What a program says.\n{more}from: generic/event\n\
         when: signal.?status != \"resolved\"\nalert:\n  kind: platform-alert\n  title: \"{word} {{{{key}}}}\"\n  \
         severity:\n    - medium: otherwise\n  same_as: ['=default(signal.?key, \"\")']\n  \
         fields: {{ key: =signal.?key, value: =signal.?value }}\nresolve:\n  - when: signal.?status == \"resolved\"\n\
         tests:\n  - it: what is sent is an alert\n    signal: {{ key: a, at: \"2026-11-23T08:00:00Z\" }}\n    \
         gives: {{ title: \"{word} a\" }}\n"
    )
}

fn write(folder: &Path, text: &str) -> Outcome<()> {
    fs::create_dir_all(folder.join("mappings"))?;
    Ok(fs::write(folder.join("mappings/generic-event.yaml"), text)?)
}

fn push(port: u16, body: &Value) -> Outcome<u16> {
    let headers = [("content-type", "application/json")];
    let body = body.to_string();
    let (status, _) = call(port, "POST", "/v1/signals/local", &headers, body.as_bytes())?;
    Ok(status)
}

fn cli(folder: &Path, arguments: &[&str]) -> Outcome<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(arguments)
        .current_dir(folder)
        .output()?)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn catalog(andon: &Andon) -> Outcome<Value> {
    let (status, json) = andon.api("GET", "/v1/status", None)?;
    assert_eq!(status, 200, "{json}");
    Ok(json["catalog"].clone())
}

fn titles(andon: &Andon) -> Outcome<Vec<String>> {
    let (_, page) = andon.api("GET", "/v1/alerts?state=all", None)?;
    let alerts = page["alerts"].as_array().ok_or("no alerts")?;
    Ok(alerts
        .iter()
        .map(|alert| support::text(&alert["title"]))
        .collect())
}

#[test]
fn a_changed_file_is_taken_up_by_itself_and_the_audit_says_what_changed() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), &mapping("old", "status: stable\n"))?;
    let andon = Andon::start(folder.path(), CONFIG)?;
    assert_eq!(push(andon.port, &json!({ "key": "a" }))?, 202);
    let before = catalog(&andon)?["hash"].clone();
    write(folder.path(), &mapping("new", "status: stable\n"))?;
    until("the files are in force", WITHIN, || {
        Ok((catalog(&andon)?["hash"] != before).then_some(()))
    })?;
    assert_eq!(push(andon.port, &json!({ "key": "b" }))?, 202);
    let mut all = titles(&andon)?;
    all.sort();
    assert_eq!(all, ["new b", "old a"]);
    let change = &catalog(&andon)?["last_change"];
    assert_eq!(
        (&change["by"], &change["files"]["changed"]),
        (&json!("andon"), &json!(["mappings/generic-event.yaml"]))
    );
    drop(andon);
    let store = rusqlite::Connection::open(folder.path().join("data/andon.db"))?;
    let row: String = store.query_row(
        "SELECT json FROM audit WHERE what = 'files.changed'",
        [],
        |row| row.get(0),
    )?;
    let row: Value = serde_json::from_str(&row)?;
    let lines = support::text(&row["difference"]);
    assert!(
        lines.contains("-  title: \"old {{key}}\"\n+  title: \"new {{key}}\"\n"),
        "{lines}"
    );
    Ok(())
}

#[test]
fn faulty_files_are_refused_with_their_faults_and_those_of_before_stay() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), &mapping("old", "status: stable\n"))?;
    let andon = Andon::start(folder.path(), CONFIG)?;
    let before = catalog(&andon)?["hash"].clone();
    let faulty =
        mapping("new", "status: stable\n").replace("signal.?status !=", "signal.statos !=");
    write(folder.path(), &faulty)?;

    let refused = cli(folder.path(), &["reload"])?;
    assert_eq!(refused.status.code(), Some(1));
    let shown = said(&refused);
    for part in [
        "mappings/generic-event.yaml:6:",
        "statos",
        "those of before stay in force: 1 fault in 1 file",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (status, problem) = andon.api("POST", "/v1/reload", None)?;
    assert_eq!(
        (status, &problem["code"], &problem["faults"][0]["line"]),
        (422, &json!("files_refused"), &json!(6)),
        "{problem}"
    );
    let now = catalog(&andon)?;
    assert_eq!(now["hash"], before);
    assert_eq!(now["refused"]["faults"], 1, "{now}");
    let metrics = String::from_utf8(andon.call("GET", "/metrics", &[], b"")?.1)?;
    assert!(metrics.contains("andon_files_refused 1"), "{metrics}");
    assert_eq!(push(andon.port, &json!({ "key": "a" }))?, 202);
    assert_eq!(titles(&andon)?, ["old a"]);

    // A test that fails is as good a reason.
    let wrong = mapping("new", "status: stable\n").replace("title: \"new a\"", "title: \"other\"");
    write(folder.path(), &wrong)?;
    let (status, problem) = andon.api("POST", "/v1/reload", None)?;
    assert_eq!(status, 422);
    let tests = problem["tests"].to_string();
    assert!(
        tests.contains("what is sent is an alert") && tests.contains("new a"),
        "{problem}"
    );
    assert_eq!(catalog(&andon)?["hash"], before);

    // What is mended by going back is no longer refused, without anybody asking.
    write(folder.path(), &mapping("old", "status: stable\n"))?;
    until("nothing is refused any more", WITHIN, || {
        Ok(catalog(&andon)?["refused"].is_null().then_some(()))
    })?;
    let same = cli(folder.path(), &["reload"])?;
    assert_eq!(
        (
            same.status.code(),
            said(&same).starts_with("nothing changed")
        ),
        (Some(0), true)
    );
    Ok(())
}

#[test]
fn a_signal_and_a_swapped_link_do_as_well_and_what_is_gone_is_refused() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    // As Kubernetes mounts a ConfigMap: each file a link into a hidden folder, which is swapped as a whole.
    let versions = folder.path().join("mappings");
    for (version, word) in [("..1", "old"), ("..2", "new")] {
        let path = versions.join(version);
        fs::create_dir_all(&path)?;
        fs::write(
            path.join("generic-event.yaml"),
            mapping(word, "status: stable\n"),
        )?;
    }
    let link = |to: &str, at: &Path| std::os::unix::fs::symlink(to, at);
    link("..1", &versions.join("..data"))?;
    link(
        "..data/generic-event.yaml",
        &versions.join("generic-event.yaml"),
    )?;
    let andon = Andon::start(folder.path(), CONFIG)?;
    assert_eq!(push(andon.port, &json!({ "key": "a" }))?, 202);
    assert_eq!(titles(&andon)?, ["old a"]);
    link("..2", &versions.join("..next"))?;
    fs::rename(versions.join("..next"), versions.join("..data"))?;
    let pid = andon.pid().to_string();
    assert!(
        Command::new("kill")
            .args(["-HUP", &pid])
            .status()?
            .success()
    );
    let change = until("the signal is heard", WITHIN, || {
        let change = catalog(&andon)?["last_change"].clone();
        Ok((!change.is_null()).then_some(change))
    })?;
    assert_eq!(
        change["files"]["changed"],
        json!(["mappings/generic-event.yaml"])
    );
    assert_eq!(push(andon.port, &json!({ "key": "b" }))?, 202);
    assert!(titles(&andon)?.contains(&"new b".to_owned()));

    let in_force = catalog(&andon)?["hash"].clone();
    for gone in ["andon.yaml", "mappings"] {
        let (from, aside) = (folder.path().join(gone), folder.path().join("aside"));
        fs::rename(&from, &aside)?;
        let (status, problem) = andon.api("POST", "/v1/reload", None)?;
        fs::rename(&aside, &from)?;
        assert_eq!(status, 422, "{problem}");
        let detail = support::text(&problem["detail"]);
        assert!(detail.contains("is gone; put it back"), "{detail}");
        assert_eq!(catalog(&andon)?["hash"], in_force);
    }
    Ok(())
}

#[test]
fn a_retired_mapping_takes_its_open_alerts_with_it_or_leaves_them() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), &mapping("old", "status: stable\n"))?;
    let andon = Andon::start(folder.path(), CONFIG)?;
    for key in ["a", "b"] {
        assert_eq!(push(andon.port, &json!({ "key": key }))?, 202);
    }
    let open = |andon: &Andon| -> Outcome<usize> {
        let (_, page) = andon.api("GET", "/v1/alerts?state=open", None)?;
        Ok(page["alerts"].as_array().ok_or("no alerts")?.len())
    };
    write(
        folder.path(),
        &mapping("old", "status: retired\nopen: keep\n"),
    )?;
    let (status, change) = andon.api("POST", "/v1/reload", None)?;
    assert_eq!(status, 200, "{change}");
    let notes = change["notes"].to_string();
    assert!(notes.contains("open alerts (2)"), "{notes}");
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(open(&andon)?, 2);
    write(
        folder.path(),
        &mapping("old", "status: retired\nopen: resolve\n"),
    )?;
    let (status, _) = andon.api("POST", "/v1/reload", None)?;
    assert_eq!(status, 200);
    until("its alerts are closed", WITHIN, || {
        Ok((open(&andon)? == 0).then_some(()))
    })?;
    let events = until("the destination was told", WITHIN, || {
        let text = fs::read_to_string(folder.path().join("alerts.ndjson"))?;
        Ok((text.matches("was retired").count() == 2).then_some(text))
    })?;
    assert_eq!(events.lines().count(), 4, "{events}");
    Ok(())
}

#[test]
fn reloads_under_load_lose_and_double_nothing() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), &mapping("w0", "status: stable\n"))?;
    let andon = Andon::start(folder.path(), CONFIG)?;
    let stop = Arc::new(AtomicBool::new(false));
    let port = andon.port;
    let senders: Vec<_> = (0..4_u32)
        .map(|sender| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                let mut sent = Vec::new();
                for number in 0_u32.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let key = format!("{sender}-{number}");
                    match push(port, &json!({ "key": key, "value": number })) {
                        Ok(202) => sent.push(key),
                        other => return Err(format!("{key}: {other:?}")),
                    }
                }
                Ok(sent)
            })
        })
        .collect();
    let mut reloads = 0;
    for round in 1..=20 {
        write(
            folder.path(),
            &mapping(&format!("w{round}"), "status: stable\n"),
        )?;
        let (status, answer) = andon.api("POST", "/v1/reload", None)?;
        assert_eq!(status, 200, "{answer}");
        // The watcher may have been quicker by one round.
        reloads += u32::from(answer["changed"] == true);
    }
    stop.store(true, Ordering::SeqCst);
    let mut sent = Vec::new();
    for sender in senders {
        sent.extend(sender.join().map_err(|_| "a sender panicked")??);
    }
    assert!(
        reloads >= 15 && sent.len() > 40,
        "{reloads} reloads, {} sent",
        sent.len()
    );
    until("everything is delivered", WITHIN, || {
        let (_, status) = andon.api("GET", "/v1/status", None)?;
        Ok((status["deliveries"]["waiting"] == 0).then_some(()))
    })?;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for line in fs::read_to_string(folder.path().join("alerts.ndjson"))?.lines() {
        let event: Value = serde_json::from_str(line)?;
        let title = support::text(&event["finding_info"]["title"]);
        let (_, key) = title.split_once(' ').ok_or("no key")?;
        *seen.entry(key.to_owned()).or_default() += 1;
    }
    let doubled: Vec<_> = seen.iter().filter(|(_, times)| **times != 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    let lost: Vec<_> = sent.iter().filter(|key| !seen.contains_key(*key)).collect();
    assert!(lost.is_empty() && seen.len() == sent.len(), "{lost:?}");
    Ok(())
}
