//! What a service manager sees of the real binary: sd_notify, the watchdog, SIGTERM; and what somebody
//! sees who watches it with `andon top`.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use support::{Andon, Outcome, until};

const CONFIG: &str = "connections:\n  local: { connector: generic }\n  out: { connector: file, path: alerts.ndjson }\nroutes:\n  - to: [out]\n";
/// Longer than anything takes here; a test that waits for this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the manager is told next.
fn told(manager: &UnixDatagram) -> Outcome<String> {
    let mut bytes = [0; 4_096];
    let length = manager.recv(&mut bytes)?;
    Ok(String::from_utf8(bytes[..length].to_vec())?)
}

/// What it is told once that holds something.
fn told_with(manager: &UnixDatagram, what: &str) -> Outcome<String> {
    loop {
        let said = told(manager)?;
        if said.contains(what) {
            return Ok(said);
        }
    }
}

fn terminate(andon: &Andon) -> Outcome<()> {
    let pid = andon.pid().to_string();
    let sent = Command::new("kill").args(["-TERM", &pid]).status()?;
    assert!(sent.success());
    Ok(())
}

#[test]
fn the_manager_is_told_when_signals_are_taken_and_when_it_ends() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path)?;
    manager.set_read_timeout(Some(PATIENCE))?;
    let andon = Andon::start_with(folder.path(), CONFIG, &[("NOTIFY_SOCKET", &path)])?;
    let listening = format!("listening on 127.0.0.1:{}", andon.port);
    let first = told(&manager)?;
    assert_eq!(first, format!("READY=1\nSTATUS={listening}"));
    // Nobody asked for a watchdog.
    assert_eq!(told(&manager)?, format!("STATUS={listening}"));

    // A request that is half there when the end is asked for is still answered, and kept.
    let mut stream = TcpStream::connect(("127.0.0.1", andon.port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream
        .write_all(b"POST /v1/signals/local HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n")?;
    // An answered request shows that the server is past accepting that connection.
    andon.call("GET", "/healthz", &[], b"")?;
    terminate(&andon)?;
    told_with(&manager, "STOPPING=1\n")?;
    stream.write_all(b"{\"key\":\"a\"}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let (port, status) = andon.ended()?;
    assert!(status.success(), "{status}");

    let again = Andon::again(folder.path(), port)?;
    let (_, signals) = again.api("GET", "/v1/signals", None)?;
    assert_eq!(signals["signals"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[test]
fn the_watchdog_is_fed_only_while_the_store_answers() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    // A name in the kernel's own space, as a manager in a container may give.
    let name = format!("andon-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name)?;
    let manager = UnixDatagram::bind_addr(&address)?;
    manager.set_read_timeout(Some(PATIENCE))?;
    let socket = format!("@{name}");
    let environment = [
        ("NOTIFY_SOCKET", Path::new(&socket)),
        ("WATCHDOG_USEC", Path::new("2000000")),
    ];
    let _andon = Andon::start_with(folder.path(), CONFIG, &environment)?;
    told_with(&manager, "READY=1\n")?;
    told_with(&manager, "WATCHDOG=1\n")?;

    let other = rusqlite::Connection::open(folder.path().join("data/andon.db"))?;
    other.execute_batch("BEGIN IMMEDIATE")?;
    let said = told_with(&manager, "STATUS=the store does not answer")?;
    assert!(!said.contains("WATCHDOG"), "{said}");
    other.execute_batch("ROLLBACK")?;
    told_with(&manager, "WATCHDOG=1\n")?;
    Ok(())
}

#[test]
fn a_watchdog_of_another_process_is_not_fed() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path)?;
    manager.set_read_timeout(Some(PATIENCE))?;
    let environment = [
        ("NOTIFY_SOCKET", path.as_path()),
        ("WATCHDOG_USEC", Path::new("1000000")),
        ("WATCHDOG_PID", Path::new("1")),
    ];
    let _andon = Andon::start_with(folder.path(), CONFIG, &environment)?;
    told_with(&manager, "READY=1\n")?;
    assert!(!told(&manager)?.contains("WATCHDOG"));
    Ok(())
}

/// `andon …` in the daemon's folder, off any terminal.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

#[test]
fn ready_says_by_its_exit_code_whether_signals_are_taken() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let andon = Andon::start(folder.path(), CONFIG)?;
    let ready = command(folder.path(), &["status", "--ready"]).output()?;
    assert_eq!(
        (ready.status.code(), ready.stdout.as_slice()),
        (Some(0), b"ready\n".as_slice())
    );
    andon.kill()?;
    let gone = command(folder.path(), &["status", "--ready"]).output()?;
    assert_eq!(gone.status.code(), Some(2));
    let said = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert!(said.contains("nothing answers at"), "{said}");
    Ok(())
}

#[test]
fn top_shows_what_flows() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let andon = Andon::start(folder.path(), CONFIG)?;
    let stop = AtomicBool::new(false);
    let seen: Outcome<()> = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0.. {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let body = format!("{{\"key\":\"k{n}\",\"title\":\"drift\"}}");
                let headers = [("content-type", "application/json")];
                drop(andon.call("POST", "/v1/signals/local", &headers, body.as_bytes()));
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let seen = watched(folder.path());
        stop.store(true, Ordering::SeqCst);
        seen
    });
    seen
}

fn watched(folder: &Path) -> Outcome<()> {
    // What flowed in one look may be nothing on a busy machine.
    let rates = until("signals flow in and out", PATIENCE, || {
        let arguments = ["top", "--once", "--interval", "500ms", "--format", "json"];
        let out = command(folder, &arguments).output()?;
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        let json: Value = serde_json::from_slice(&out.stdout)?;
        let of = |name: &str, key: &str| -> f64 {
            let all = json["connections"].as_array().map(Vec::as_slice);
            let mut all = all.unwrap_or_default().iter();
            let found = all.find(|one| one["name"] == name);
            found.and_then(|one| one[key].as_f64()).unwrap_or_default()
        };
        let rates = (
            of("local", "signals_per_second"),
            of("out", "delivered_per_second"),
        );
        Ok((rates.0 > 0.0 && rates.1 > 0.0).then_some(rates))
    })?;
    assert!(rates.0 < 10_000.0 && rates.1 < 10_000.0, "{rates:?}");
    let out = command(folder, &["top", "--once", "--interval", "200ms"]).output()?;
    let text = String::from_utf8(out.stdout)?;
    assert!(!text.contains('\x1b'), "{text}");
    let heads = text.lines().nth(1).unwrap_or_default();
    assert!(heads.starts_with("CONNECTION"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("local")), "{text}");
    Ok(())
}

/// On a terminal of its own, which `script` makes: the screen that was there comes back after Ctrl-C.
#[test]
fn top_gives_the_terminal_back() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let _andon = Andon::start(folder.path(), CONFIG)?;
    let typed = format!(
        "exec '{}' top --interval 100ms",
        env!("CARGO_BIN_EXE_andon")
    );
    let started = Command::new("script")
        .args([
            "--quiet",
            "--flush",
            "--return",
            "--command",
            &typed,
            "/dev/null",
        ])
        .current_dir(folder.path())
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = started else {
        println!("skipped: no `script` here, which makes a terminal");
        return Ok(());
    };
    let mut out = child.stdout.take().ok_or("no output")?;
    let mut keys = child.stdin.take().ok_or("no input")?;
    let mut drawn = String::new();
    let mut bytes = [0; 4_096];
    while drawn.matches("\x1b[H").count() < 3 {
        let length = out.read(&mut bytes)?;
        assert!(length > 0, "it ended: {drawn:?}");
        drawn.push_str(&String::from_utf8_lossy(&bytes[..length]));
    }
    assert!(drawn.contains("\x1b[?1049h"), "{drawn:?}");
    assert!(drawn.contains("\x1b[1mCONNECTION"), "{drawn:?}");
    keys.write_all(b"\x03")?;
    let mut rest = Vec::new();
    out.read_to_end(&mut rest)?;
    let rest = String::from_utf8_lossy(&rest).into_owned();
    assert!(rest.contains("\x1b[?25h\x1b[?1049l"), "{rest:?}");
    assert!(child.wait()?.success());
    Ok(())
}
