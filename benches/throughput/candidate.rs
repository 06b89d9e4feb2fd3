//! The programs under test, each a process of its own, so that its CPU time is its own.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::house::House;

/// How long a program may take until it is ready.
const START: Duration = Duration::from_secs(30);

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
    /// From its spawn until it was ready.
    pub started_in: Duration,
}

impl Candidate {
    /// Starts it in a house and waits until it is ready. `hec` is where it delivers, unless its
    /// files say so.
    pub fn start(kind: Kind, hec: u16, house: &House) -> io::Result<Self> {
        let port = house.port;
        let mut command = match kind {
            Kind::Bare => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["serve-bare", &port.to_string(), &hec.to_string()]);
                command.arg(house.path().join("log"));
                command
            }
            Kind::Drop => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["serve-drop", &port.to_string()]);
                command
            }
            Kind::Andon => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
                command
                    .arg("run")
                    .current_dir(house.path())
                    .env("RUST_LOG", house.log);
                command
            }
        };
        let began = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut candidate = Self {
            child,
            port,
            started_in: Duration::ZERO,
        };
        while began.elapsed() < START {
            if is_ready(kind, port) {
                candidate.started_in = began.elapsed();
                return Ok(candidate);
            }
            if let Some(status) = candidate.child.try_wait()? {
                return Err(io::Error::other(format!("{} ended: {status}", kind.name())));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Err(io::Error::other(format!("{} is not ready", kind.name())))
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
        self.megabytes("VmHWM:")
    }

    /// Megabytes of memory now.
    pub fn resident_megabytes(&self) -> io::Result<f64> {
        self.megabytes("VmRSS:")
    }

    fn megabytes(&self, line: &str) -> io::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kilobytes = status
            .lines()
            .find_map(|found| found.strip_prefix(line))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<u32>().ok())
            .ok_or_else(|| io::Error::other(format!("no {line} of the program under test")))?;
        Ok(f64::from(kilobytes) / 1024.0)
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Andon answers `/readyz`; the others are ready when they listen.
fn is_ready(kind: Kind, port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    if kind != Kind::Andon {
        return true;
    }
    let mut answer = String::new();
    let asked = stream
        .set_read_timeout(Some(START))
        .and_then(|()| {
            stream
                .write_all(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        })
        .and_then(|()| stream.read_to_string(&mut answer));
    asked.is_ok() && answer.starts_with("HTTP/1.1 200")
}
