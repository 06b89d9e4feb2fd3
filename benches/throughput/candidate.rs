//! The programs under test, each a process of its own, so that its CPU time is its own.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Which program.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The yardstick.
    Bare,
    /// Accepts and drops; for information.
    Drop,
    /// What all this is about.
    Andon,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Bare, Self::Drop, Self::Andon];

    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Drop => "drop",
            Self::Andon => "andon",
        }
    }

    /// Where rows are posted.
    pub fn path(self) -> &'static str {
        match self {
            Self::Bare | Self::Drop => "/",
            Self::Andon => "/v1/signals/rows",
        }
    }

    /// Whether it delivers what it accepted.
    pub fn delivers(self) -> bool {
        self != Self::Drop
    }
}

/// A running program. Dropping it ends it.
pub struct Candidate {
    child: Child,
    pub port: u16,
}

impl Candidate {
    /// Starts it with an empty folder for what it keeps, and waits until it listens. None when it
    /// cannot be measured yet.
    pub fn start(kind: Kind, hec: u16, folder: &Path) -> io::Result<Option<Self>> {
        let port = free_port()?;
        let command = match kind {
            Kind::Bare => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["serve-bare", &port.to_string(), &hec.to_string()]);
                command.arg(folder.join("log"));
                command
            }
            Kind::Drop => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["serve-drop", &port.to_string()]);
                command
            }
            Kind::Andon => match candidate_andon(port, hec, folder)? {
                Some(command) => command,
                None => return Ok(None),
            },
        };
        let mut command = command;
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut candidate = Self { child, port };
        for _ in 0..1_000 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(Some(candidate));
            }
            if let Some(status) = candidate.child.try_wait()? {
                return Err(io::Error::other(format!("{} ended: {status}", kind.name())));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(io::Error::other(format!("{} does not listen", kind.name())))
    }

    /// CPU seconds used so far by all its threads.
    pub fn cpu_seconds(&self) -> io::Result<f64> {
        // Fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms; the name may hold blanks.
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u32 = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<u32>().ok())
            .sum();
        Ok(f64::from(ticks) / 100.0)
    }

    /// Megabytes of memory at its highest.
    pub fn peak_megabytes(&self) -> io::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kilobytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok())
            .unwrap_or(0);
        Ok(f64::from(kilobytes) / 1024.0)
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Andon on a folder of files that read the rows and send to the receiver: the Splunk manifest as
/// it is, but with `wait: 0` and without gzip, as the peers were measured.
fn candidate_andon(port: u16, hec: u16, folder: &Path) -> io::Result<Option<Command>> {
    let put = |path: &str, text: &str| -> io::Result<()> {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)
    };
    put(
        "connectors/rows/connector.yaml",
        include_str!("andon/connector.yaml"),
    )?;
    put(
        "connectors/rows/schemas/row.json",
        include_str!("andon/row.json"),
    )?;
    put("mappings/rows.yaml", include_str!("andon/mapping.yaml"))?;
    let splunk = include_str!("../../connectors/splunk/connector.yaml");
    put(
        "connectors/splunk/connector.yaml",
        &splunk
            .replace("wait: 20ms", "wait: 0ms")
            .replace("gzip: true", "gzip: false"),
    )?;
    put("token", "00000000-0000-0000-0000-000000000000")?;
    put(
        "andon.yaml",
        &format!(
            "andon: config/v1\nlisten: 127.0.0.1:{port}\nconnections:\n  rows: {{ connector: rows }}\n  soc: {{ connector: splunk, url: \"http://127.0.0.1:{hec}\", reach: loopback, token: {{ file: token }} }}\nroutes:\n  - to: [soc]\n"
        ),
    )?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
    command
        .arg("run")
        .current_dir(folder)
        .env("RUST_LOG", "warn");
    Ok(Some(command))
}

fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
