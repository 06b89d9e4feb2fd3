//! The surroundings of the live tests: Python environments, free ports, servers with an end.
//!
//! Nothing here knows Andon. A server is started on loopback, waited for, and ended by its process
//! id when the test is over, also when the test failed.

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// What a step of the surroundings gives.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// Python servers bind late on a busy machine with two cores.
const HEALTH_BUDGET: Duration = Duration::from_mins(3);
const HEALTH_PAUSE: Duration = Duration::from_millis(250);

/// The interpreter of an environment, which is made first when it is not there.
///
/// `name` is a folder of `tests/live/` with a `requirements.txt`.
pub fn python(name: &str) -> Outcome<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/prepare.sh");
    let output = Command::new(script)
        .arg(name)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("preparing the environment `{name}` failed").into());
    }
    let folder = String::from_utf8(output.stdout)?;
    Ok(Path::new(folder.trim()).join("bin/python"))
}

/// Runs a script of `tests/live/` to its end and gives what it printed.
pub fn run(python: &Path, script: &str, arguments: &[&str]) -> Outcome<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/live")
        .join(script);
    let output = Command::new(python)
        .arg(&script)
        .args(arguments)
        .env("MLFLOW_DISABLE_TELEMETRY", "true")
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(format!(
            "{} {arguments:?} failed: {}",
            script.display(),
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A port that nobody listens on: unusual, and below the range from which outgoing connections get
/// theirs, so that none of them takes it before the server binds it.
pub fn free_port() -> Outcome<u16> {
    const FIRST: u16 = 23_100;
    const LAST: u16 = 31_900;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    for _ in FIRST..LAST {
        // Test binaries that run at once begin at different places.
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let begin = std::process::id() % 800 * 11;
        let port = FIRST + (u16::try_from(begin)? + step) % (LAST - FIRST);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err("no free port on loopback".into())
}

/// A server on loopback. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// The port it listens on.
    pub port: u16,
    /// What it prints goes here.
    pub log: PathBuf,
}

impl Server {
    /// Starts `command` in a process group of its own, with its output in `folder/NAME.log`, and
    /// waits until `GET health` answers 200.
    pub fn start(
        name: &str,
        mut command: Command,
        folder: &Path,
        port: u16,
        health: &str,
    ) -> Outcome<Self> {
        use std::os::unix::process::CommandExt;

        fs::create_dir_all(folder)?;
        let log = folder.join(format!("{name}.log"));
        let out = File::create(&log)?;
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .process_group(0)
            .spawn()?;
        let mut server = Self { child, port, log };
        server.wait_until_healthy(name, health)?;
        Ok(server)
    }

    /// Starts `mlflow server` with its store in `folder`, able to send signed webhooks to loopback.
    pub fn mlflow(folder: &Path) -> Outcome<Self> {
        let port = free_port()?;
        let mut command = Command::new(python("mlflow")?);
        command
            .args(["-m", "mlflow", "server"])
            .args(["--backend-store-uri", "sqlite:///mlflow.db"])
            .args(["--artifacts-destination", "./artifacts"])
            .args(["--host", "127.0.0.1", "--workers", "1"])
            .args(["--port", &port.to_string()])
            // A key for this test alone; without one MLflow makes another at every start and can
            // no longer read the secrets of its webhooks.
            .env(
                "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY",
                "YW5kb24tbGl2ZS10ZXN0LWtleS0zMi1ieXRlcy1sb24=",
            )
            .env("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "https,http")
            .env("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true")
            .env("MLFLOW_WEBHOOK_CACHE_TTL", "1")
            .env("MLFLOW_DISABLE_TELEMETRY", "true")
            .env("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false");
        Self::start("mlflow", command, folder, port, "/health")
    }

    /// Its address, such as `http://127.0.0.1:23456`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn wait_until_healthy(&mut self, name: &str, health: &str) -> Outcome<()> {
        let tries = HEALTH_BUDGET.as_millis() / HEALTH_PAUSE.as_millis();
        for _ in 0..tries {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{name} ended with {status}:\n{}", self.last_lines()).into());
            }
            if status_of(self.port, health).is_ok_and(|status| status == 200) {
                return Ok(());
            }
            std::thread::sleep(HEALTH_PAUSE);
        }
        Err(format!(
            "{name} did not answer {health} within {} s:\n{}",
            HEALTH_BUDGET.as_secs(),
            self.last_lines()
        )
        .into())
    }

    /// The end of what it printed, for a failure's message.
    pub fn last_lines(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let from = lines.len().saturating_sub(20);
        lines.into_iter().skip(from).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The group, because a Python server keeps workers; asked first, so that they end too.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-TERM", "--", &group]).status();
        for _ in 0..40 {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        let _ = Command::new("kill")
            .args(["-KILL", "--", &group])
            .stderr(Stdio::null())
            .status();
        let _ = self.child.wait();
    }
}

/// The status that `GET path` answers on a port of loopback.
pub fn status_of(port: u16, path: &str) -> Outcome<u16> {
    let wait = Duration::from_secs(5);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, wait)?;
    stream.set_read_timeout(Some(wait))?;
    stream.set_write_timeout(Some(wait))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    )?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    let digits = head.get(9..12).unwrap_or_default();
    Ok(std::str::from_utf8(digits)?.parse()?)
}
