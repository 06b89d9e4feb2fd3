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

/// Andon on a folder of files that read the rows and send to the receiver.
///
/// The place for it: write `andon.yaml`, a connector `rows` and a mapping into `folder`, with
/// `wait: 0` and no gzip as the peers were measured, and give
/// `env!("CARGO_BIN_EXE_andon") run` on that folder. Until the daemon exists there is none.
#[expect(
    clippy::unnecessary_wraps,
    reason = "writing the folder will fail in ways to report"
)]
fn candidate_andon(_port: u16, _hec: u16, _folder: &Path) -> io::Result<Option<Command>> {
    Ok(None)
}

fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
