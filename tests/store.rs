//! A store that is full, refused, damaged, copied while it runs, and put back: the real binary, on disks
//! that are as they are at night. What was answered 202 is kept, whatever the disk does.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod support;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use andon::sandbox::Fault;
use serde_json::{Value, json};
use support::{Andon, Outcome, Soc, call, until};

const WITHIN: Duration = Duration::from_secs(60);

/// What came of one push: its id where it was kept, or the status of the refusal.
fn push(port: u16, number: usize, size: usize) -> Outcome<Result<String, u16>> {
    let body = json!({ "key": format!("k{}", number % 4), "title": "drift", "severity": "high", "model": "m", "value": number, "note": "x".repeat(size) });
    let headers = [("content-type", "application/json")];
    let (status, answer) = call(
        port,
        "POST",
        "/v1/signals/local",
        &headers,
        body.to_string().as_bytes(),
    )?;
    let answer: Value = serde_json::from_slice(&answer)?;
    if status == 202 {
        return Ok(Ok(support::text(&answer["signals"][0]["id"])));
    }
    // Every refusal says that the same again may be taken later.
    assert_eq!(
        (status, &answer["retryable"]),
        (503, &json!(true)),
        "{answer}"
    );
    Ok(Err(status))
}

/// Sends from a few threads until told to stop; gives the ids that were answered 202.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<(Vec<String>, usize)>>,
}

impl Load {
    fn start(port: u16, size: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..4)
            .map(|sender| {
                let stop = Arc::clone(&stop);
                std::thread::spawn(move || {
                    let (mut kept, mut refused) = (Vec::new(), 0);
                    let mut number = sender;
                    while !stop.load(Ordering::SeqCst) {
                        match push(port, number, size) {
                            Ok(Ok(id)) => kept.push(id),
                            _ => refused += 1,
                        }
                        number += 4;
                    }
                    (kept, refused)
                })
            })
            .collect();
        Self { stop, threads }
    }

    fn end(self) -> Outcome<(Vec<String>, usize)> {
        self.stop.store(true, Ordering::SeqCst);
        let (mut kept, mut refused) = (Vec::new(), 0);
        for thread in self.threads {
            let (ids, no) = thread.join().map_err(|_| "a sender panicked")?;
            kept.extend(ids);
            refused += no;
        }
        Ok((kept, refused))
    }
}

fn all_are_kept(andon: &Andon, ids: &[String]) -> Outcome<()> {
    for id in ids {
        let (status, signal) = andon.api("GET", &format!("/v1/signals/{id}"), None)?;
        assert_eq!(status, 200, "{id} was answered 202: {signal}");
    }
    Ok(())
}

/// A command of the real binary, in `folder`.
fn andon(folder: &Path, args: &[&str]) -> Outcome<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(args)
        .current_dir(folder)
        .output()?)
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn fares(output: &Output, code: i32, words: &[&str]) {
    let text = said(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

/// Whether the kernel lets us mount in a namespace of our own.
fn may_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["-rm", "sh", "-c", "mount -t tmpfs none /mnt"])
        .output();
    let may = tried.is_ok_and(|output| output.status.success());
    if !may {
        println!("skipped: the kernel lets nobody mount here (unshare -rm)");
    }
    may
}

fn is_ready(andon: &Andon) -> Outcome<(bool, Value)> {
    let (status, body) = andon.call("GET", "/readyz", &[], b"")?;
    Ok((status == 200, serde_json::from_slice(&body)?))
}

fn sinks(soc: &Soc, folder: &Path) -> Outcome<String> {
    Ok(format!(
        "connections:\n  local: {{ connector: generic }}\n{}routes:\n  - to: [soc]\n",
        soc.connections(folder)?
    ))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_what_is_new_keeps_what_was_taken_and_opens_by_itself() -> Outcome<()> {
    if !may_mount() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("data"))?;
    let soc = Soc::start().await?;
    let running = Andon::start_by(
        folder.path(),
        &sinks(&soc, folder.path())?,
        &["unshare", "-rm"],
        "mount -t tmpfs -o size=100m none data",
    )?;
    // The disk as the daemon sees it.
    let data = PathBuf::from(format!(
        "/proc/{}/root{}",
        running.pid(),
        folder.path().join("data").display()
    ));
    let ballast = data.join("ballast");
    let load = Load::start(running.port, 2_000);
    std::thread::sleep(Duration::from_secs(1));
    let mut filling = fs::File::create(&ballast)?;
    let block = vec![b'x'; 1 << 20];
    // To the last byte, faster than anybody looks at the disk.
    while filling.write_all(&block).is_ok() {}
    until("intake is refused", WITHIN, || {
        Ok((!is_ready(&running)?.0).then_some(()))
    })?;
    let (kept, refused) = {
        std::thread::sleep(Duration::from_secs(2));
        load.end()?
    };
    assert!(
        !kept.is_empty() && refused > 0,
        "{} kept, {refused} refused",
        kept.len()
    );
    let head = raw_head(running.port)?;
    assert!(
        head.contains("503") && head.to_ascii_lowercase().contains("retry-after: "),
        "{head}"
    );
    let (_, why) = is_ready(&running)?;
    assert!(
        support::text(&why["why_not"]).starts_with("the store"),
        "{why}"
    );
    // Old work is read and delivered while the disk is full.
    all_are_kept(&running, &kept)?;
    drop(filling);
    fs::remove_file(&ballast)?;
    until("intake opens by itself", WITHIN, || {
        Ok(is_ready(&running)?.0.then_some(()))
    })?;
    assert!(push(running.port, 1, 10)?.is_ok());
    all_are_kept(&running, &kept)?;
    until("everything is delivered", WITHIN, || {
        let (_, status) = running.api("GET", "/v1/status", None)?;
        Ok((status["deliveries"]["waiting"] == 0).then_some(()))
    })?;
    // Where the daemon is: SQLite takes a path through /proc for one out here.
    let check = Command::new("nsenter")
        .args([
            "-t",
            &running.pid().to_string(),
            "-U",
            "--preserve-credentials",
            "-m",
            "sh",
            "-c",
        ])
        .arg(format!(
            "cd {} && exec \"$0\" check --store",
            folder.path().display()
        ))
        .arg(env!("CARGO_BIN_EXE_andon"))
        .output()?;
    fares(&check, 0, &["is sound"]);
    Ok(())
}

/// The head of the answer to a push.
fn raw_head(port: u16) -> Outcome<String> {
    use std::io::Read as _;
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"POST /v1/signals/local HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    Ok(text.split("\r\n\r\n").next().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_on_the_size_of_files_is_a_full_disk_and_ends_nothing() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let soc = Soc::start().await?;
    // Blocks of 512 bytes: 3 MB for each file.
    let running = Andon::start_by(
        folder.path(),
        &sinks(&soc, folder.path())?,
        &[],
        "ulimit -S -f 6000",
    )?;
    let load = Load::start(running.port, 10_000);
    until("intake is refused", WITHIN, || {
        Ok((!is_ready(&running)?.0).then_some(()))
    })?;
    let (kept, refused) = load.end()?;
    assert!(
        !kept.is_empty() && refused > 0,
        "{} kept, {refused} refused",
        kept.len()
    );
    all_are_kept(&running, &kept)?;
    let raised = Command::new("prlimit")
        .args([
            &format!("--pid={}", running.pid()),
            "--fsize=unlimited:unlimited",
        ])
        .output();
    if !raised.is_ok_and(|raised| raised.status.success()) {
        println!("skipped in part: prlimit cannot raise the limit again");
        return Ok(());
    }
    until("intake opens by itself", WITHIN, || {
        Ok(is_ready(&running)?.0.then_some(()))
    })?;
    assert!(push(running.port, 1, 10)?.is_ok());
    let port = running.kill()?;
    let again = Andon::again(folder.path(), port)?;
    all_are_kept(&again, &kept)?;
    fares(
        &andon(folder.path(), &["check", "--store"])?,
        0,
        &["is sound"],
    );
    Ok(())
}

/// Runs the daemon where it cannot start; gives what it said.
fn refused_start(folder: &Path, launcher: &[&str], before: &str) -> Outcome<Output> {
    let script = format!("{before}exec \"$0\" run");
    let mut args = launcher.to_vec();
    args.extend(["sh", "-c", &script, env!("CARGO_BIN_EXE_andon")]);
    Ok(Command::new(args[0])
        .args(&args[1..])
        .current_dir(folder)
        .output()?)
}

#[test]
fn a_read_only_file_system_is_named_at_the_start() -> Outcome<()> {
    if !may_mount() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("data"))?;
    let before = "mount --bind data data && mount -o remount,ro,bind data && ";
    let refused = refused_start(folder.path(), &["unshare", "-rm"], before)?;
    fares(
        &refused,
        2,
        &[
            "data/andon.db",
            "Read-only file system",
            "help: the file system is mounted read-only",
        ],
    );
    Ok(())
}

#[test]
fn a_folder_without_rights_is_named_at_the_start() -> Outcome<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir(&data)?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o500))?;
    // Root may write everywhere.
    let root = String::from_utf8(Command::new("id").arg("-u").output()?.stdout)?.trim() == "0";
    let launcher: &[&str] = if root {
        &["setpriv", "--reuid=65534", "--clear-groups"]
    } else {
        &[]
    };
    let may_run = {
        let mut args = launcher.to_vec();
        args.extend([env!("CARGO_BIN_EXE_andon"), "--version"]);
        Command::new(args[0])
            .args(&args[1..])
            .output()
            .is_ok_and(|ran| ran.status.success())
    };
    if !may_run {
        println!("skipped: nobody else may run the binary here");
        return Ok(());
    }
    let refused = refused_start(folder.path(), launcher, "")?;
    fares(
        &refused,
        2,
        &[
            "data/andon.db",
            "Permission denied",
            "help: the user that runs Andon",
        ],
    );
    Ok(())
}

#[test]
fn a_damaged_store_is_refused_checked_and_replaced_by_a_backup() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let config = "connections:\n  local: { connector: generic }\n  out: { connector: file }\nroutes:\n  - to: [out]\n";
    let running = Andon::start(folder.path(), config)?;
    let mut kept = Vec::new();
    for number in 0..50 {
        kept.extend(push(running.port, number, 500)?.ok());
    }
    assert_eq!(kept.len(), 50);
    fares(
        &andon(folder.path(), &["backup", "night.db"])?,
        0,
        &["signals", "50", "checked"],
    );
    fares(
        &andon(folder.path(), &["backup", "night.db"])?,
        2,
        &["night.db", "nothing is written over"],
    );
    fares(
        &andon(folder.path(), &["restore", "night.db", "--replace"])?,
        2,
        &["in use by another process", "help: "],
    );
    let port = running.kill()?;
    let store = folder.path().join("data/andon.db");
    fs::remove_file(folder.path().join("data/andon.db-wal"))?;
    let mut bytes = fs::read(&store)?;
    bytes.truncate(bytes.len() / 2);
    fs::write(&store, &bytes)?;
    let refused = refused_start(folder.path(), &["env"], "")?;
    fares(
        &refused,
        2,
        &[
            "data/andon.db` is damaged",
            "andon check --store",
            "andon restore BACKUP",
        ],
    );
    assert!(!said(&refused).contains("panicked"), "{}", said(&refused));
    fares(
        &andon(folder.path(), &["check", "--store"])?,
        1,
        &["the file is damaged", "help: stop Andon"],
    );
    let json = andon(folder.path(), &["check", "--store", "--format", "json"])?;
    let json: Value = serde_json::from_slice(&json.stdout)?;
    assert_eq!(
        (&json["sound"], &json["faults"][0]["in_file"]),
        (&json!(false), &json!(true))
    );
    fares(
        &andon(folder.path(), &["backup", "late.db"])?,
        2,
        &["is damaged"],
    );
    assert!(!folder.path().join("late.db").exists());
    fares(
        &andon(folder.path(), &["restore", "night.db"])?,
        2,
        &["there is a store", "--replace"],
    );
    let restored = andon(folder.path(), &["restore", "night.db", "--replace"])?;
    fares(
        &restored,
        0,
        &[
            "is restored from night.db",
            "data/andon.db.replaced-",
            "It cannot be read",
            "same event ids",
        ],
    );
    let again = Andon::again(folder.path(), port)?;
    all_are_kept(&again, &kept)?;
    fares(
        &andon(folder.path(), &["check", "--store"])?,
        0,
        &["is sound"],
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_holds_what_was_answered_before_it_and_can_be_restored() -> Outcome<()>
{
    let folder = tempfile::tempdir()?;
    let soc = Soc::start().await?;
    let running = Andon::start(folder.path(), &sinks(&soc, folder.path())?)?;
    let mut before = Vec::new();
    for number in 0..100 {
        before.extend(push(running.port, 1_000_000 + number, 200)?.ok());
    }
    assert_eq!(before.len(), 100);
    let load = Load::start(running.port, 500);
    for name in ["1.db", "2.db", "3.db"] {
        fares(&andon(folder.path(), &["backup", name])?, 0, &["checked"]);
        fares(
            &andon(folder.path(), &["check", &format!("--store={name}")])?,
            0,
            &["is sound"],
        );
    }
    let (kept, refused) = load.end()?;
    assert!(
        !kept.is_empty() && refused == 0,
        "{} kept, {refused} refused",
        kept.len()
    );
    // Numbers that the load did not send: those would be repeats, with the identifiers of then.
    let last = push(running.port, 2_000_005, 5)?.map_err(|status| status.to_string())?;
    let port = running.kill()?;
    fares(
        &andon(folder.path(), &["restore", "1.db", "--replace"])?,
        0,
        &["Identifiers go on after its largest"],
    );
    let again = Andon::again(folder.path(), port)?;
    all_are_kept(&again, &before)?;
    let new = push(again.port, 2_000_006, 5)?.map_err(|status| status.to_string())?;
    // Identifiers sort by time: the next one comes after all that were given, also those that are lost.
    assert!(new > last, "{new} after {last}");
    until("what is owed is delivered again", WITHIN, || {
        let (_, status) = again.api("GET", "/v1/status", None)?;
        Ok((status["deliveries"]["waiting"] == 0).then_some(()))
    })?;
    Ok(())
}

const FILES: &str = "andon: connector/v1\nname: rows\nabout: Rows of files.\nsettings:\n  folder: { is: path, about: Where }\nsignals:\n  row:\n    schema: schemas/row.json\n    file: { glob: \"*.jsonl\", open: jsonl }\n    each: =rows\n    id: [=file.sha256, =item.id]\n    at: =file.modified\n    data: { name: =item.id }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_its_bound_the_store_holds_intake_back_until_deliveries_have_made_room() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let soc = Soc::start().await?;
    let connector = folder.path().join("connectors/rows");
    fs::create_dir_all(connector.join("schemas"))?;
    fs::create_dir(folder.path().join("logs"))?;
    fs::write(connector.join("connector.yaml"), FILES)?;
    let schema = r#"{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}"#;
    fs::write(connector.join("schemas/row.json"), schema)?;
    let config = format!(
        "keep: {{ signals: 7d, at_most: 4MB }}\nconnections:\n  local: {{ connector: generic }}\n  held: {{ connector: rows, folder: logs }}\n{}routes:\n  - to: [soc]\n",
        soc.connections(folder.path())?,
    );
    let down = Fault::Status(503, String::new());
    soc.splunk.faults().at_rate(1_000, 1, down);
    let running = Andon::start(folder.path(), &config)?;
    let load = Load::start(running.port, 10_000);
    until("intake is refused", WITHIN, || {
        Ok((!is_ready(&running)?.0).then_some(()))
    })?;
    let (kept, _) = load.end()?;
    assert!(!kept.is_empty());
    fs::write(
        folder.path().join("logs/a.jsonl"),
        "{\"id\":\"filed-while-full\"}\n",
    )?;
    until("the connection says that it waits, and why", WITHIN, || {
        let told = said(&andon(folder.path(), &["connections"])?);
        let held = told
            .lines()
            .find(|line| line.starts_with("held"))
            .unwrap_or_default();
        Ok(held.contains("`keep.at_most`").then_some(()))
    })?;
    // The destination takes events again, and people answer: what is over makes room.
    soc.splunk.faults().clear();
    let (_, open) = running.api("GET", "/v1/alerts", None)?;
    for alert in open["alerts"].as_array().ok_or("no alerts")? {
        let path = format!("/v1/alerts/{}/resolve", support::text(&alert["id"]));
        let (status, answer) = running.api("POST", &path, Some(&json!({})))?;
        assert_eq!(status, 200, "{answer}");
    }
    until("intake opens by itself", WITHIN * 2, || {
        Ok(is_ready(&running)?.0.then_some(()))
    })?;
    until("the file is read", WITHIN, || {
        let (_, rows) = running.api("GET", "/v1/signals?signal=rows/row", None)?;
        let any = rows["signals"]
            .as_array()
            .is_some_and(|rows| !rows.is_empty());
        Ok(any.then_some(()))
    })?;
    let told = said(&andon(folder.path(), &["connections"])?);
    assert!(!told.contains("keep.at_most"), "{told}");
    fares(
        &andon(folder.path(), &["check", "--store"])?,
        0,
        &["is sound"],
    );
    Ok(())
}
