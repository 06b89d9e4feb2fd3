//! What tests of the whole need: the real binary, strict receivers, and a plain HTTP client.

#![allow(dead_code)]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use andon::sandbox::{Running, azure, pagerduty, splunk};
use serde_json::Value;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

pub const HEC_TOKEN: &str = "6a7b1c1e-0d4e-4b38-9f0b-1d2a3c4b5e6f";
pub const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
pub const WEBHOOK_SECRET: &str = "fixture-webhook-secret";

/// Strict stand-ins for Splunk, Sentinel and PagerDuty.
pub struct Soc {
    pub splunk: Running<splunk::Indexer>,
    pub azure: Running<azure::Workspace>,
    pub pager: Running<pagerduty::Pager>,
    azure_secret: String,
    azure_rest: String,
}

impl Soc {
    pub async fn start() -> Outcome<Self> {
        let splunk = splunk::start(splunk::Options {
            keep: splunk::Keep::Latest(100_000),
            ..splunk::Options::with_token(splunk::Token::new(HEC_TOKEN))
        })
        .await?;
        let table: Value =
            serde_json::from_str(include_str!("../../connectors/sentinel/table.json"))?;
        let columns: Vec<(String, String)> = table["properties"]["schema"]["columns"]
            .as_array()
            .ok_or("no columns")?
            .iter()
            .map(|column| (text(&column["name"]), text(&column["type"])))
            .collect();
        let columns: Vec<(&str, &str)> = columns
            .iter()
            .map(|(name, kind)| (name.as_str(), kind.as_str()))
            .collect();
        let options = azure::Options::with_stream(azure::Stream::new("Custom-Andon_CL", &columns));
        let azure_secret = options.client_secret.clone();
        let azure_rest = format!(
            "dcr: {}, client_id: \"{}\", scope: \"{}\"",
            options.dcr, options.client_id, options.scope
        );
        let azure = azure::start(options).await?;
        let pager = pagerduty::start(pagerduty::Options {
            per_minute: 100_000,
            ..pagerduty::Options::with_key(ROUTING_KEY)
        })
        .await?;
        Ok(Self {
            splunk,
            azure,
            pager,
            azure_secret,
            azure_rest,
        })
    }

    /// Lines under `connections:` for the three, with their secrets written below `folder`.
    pub fn connections(&self, folder: &Path) -> Outcome<String> {
        secret(folder, "hec", HEC_TOKEN)?;
        secret(folder, "routing_key", ROUTING_KEY)?;
        secret(folder, "azure", &self.azure_secret)?;
        Ok(format!(
            "  soc: {{ connector: splunk, url: \"{}\", reach: loopback, token: {{ file: secrets/hec }} }}\n  \
             sentinel: {{ connector: sentinel, url: \"{azure}\", reach: loopback, token_url: \"{azure}{}\", client_secret: {{ file: secrets/azure }}, {} }}\n  \
             oncall: {{ connector: pagerduty, url: \"{}\", reach: loopback, routing_key: {{ file: secrets/routing_key }} }}\n",
            self.splunk.url(),
            self.azure.recorded().token_path(),
            self.azure_rest,
            self.pager.url(),
            azure = self.azure.url(),
        ))
    }
}

/// Writes a secret's file below `folder`.
pub fn secret(folder: &Path, name: &str, value: &str) -> Outcome<()> {
    let path = folder.join("secrets");
    std::fs::create_dir_all(&path)?;
    Ok(std::fs::write(path.join(name), value)?)
}

fn configure(folder: &Path, port: u16, config: &str) -> Outcome<()> {
    let config = format!(
        "andon: config/v1\nlisten: 127.0.0.1:{port}\npublic_url: http://127.0.0.1:{port}\n{config}"
    );
    Ok(std::fs::write(folder.join("andon.yaml"), config)?)
}

/// The real binary, running.
pub struct Andon {
    child: Child,
    pub port: u16,
    folder: PathBuf,
}

impl Andon {
    /// Writes `andon.yaml` (without `listen`, which is put in) and starts the daemon in `folder`.
    pub fn start(folder: &Path, config: &str) -> Outcome<Self> {
        Self::start_with(folder, config, &[])
    }

    /// As [`Andon::start`], with more in its environment.
    pub fn start_with(folder: &Path, config: &str, more: &[(&str, &Path)]) -> Outcome<Self> {
        let port = free_port()?;
        configure(folder, port, config)?;
        Self::spawn(folder, port, more)
    }

    /// Starts it on the files that are there.
    pub fn again(folder: &Path, port: u16) -> Outcome<Self> {
        Self::spawn(folder, port, &[])
    }

    /// As [`Andon::start`], by a shell that does `before` first; `launcher` is what starts the shell.
    pub fn start_by(folder: &Path, config: &str, launcher: &[&str], before: &str) -> Outcome<Self> {
        let port = free_port()?;
        configure(folder, port, config)?;
        let mut command = match launcher.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg("sh");
                command
            }
            None => Command::new("sh"),
        };
        command.args([
            "-c",
            &format!("{before} && exec \"$0\" run --log json"),
            env!("CARGO_BIN_EXE_andon"),
        ]);
        Self::spawn_by(folder, port, command)
    }

    /// As [`Andon::again`], with more in its environment.
    pub fn again_with(folder: &Path, port: u16, more: &[(&str, &Path)]) -> Outcome<Self> {
        Self::spawn(folder, port, more)
    }

    fn spawn(folder: &Path, port: u16, more: &[(&str, &Path)]) -> Outcome<Self> {
        Self::begin(folder, port, more)?.ready()
    }

    fn spawn_by(folder: &Path, port: u16, command: Command) -> Outcome<Self> {
        Self::begin_by(folder, port, command)?.ready()
    }

    fn ready(mut self) -> Outcome<Self> {
        let end = Instant::now() + Duration::from_secs(60);
        while !matches!(self.call("GET", "/readyz", &[], b""), Ok((200, _))) {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("andon ended with {status}:\n{}", self.last_lines()).into());
            }
            if Instant::now() > end {
                return Err(format!("andon is not ready:\n{}", self.last_lines()).into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(self)
    }

    /// Starts it and waits for nothing.
    pub fn begin(folder: &Path, port: u16, more: &[(&str, &Path)]) -> Outcome<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_andon"));
        command
            .args(["run", "--log", "json"])
            .envs(more.iter().map(|(name, path)| (*name, path.as_os_str())));
        Self::begin_by(folder, port, command)
    }

    fn begin_by(folder: &Path, port: u16, mut command: Command) -> Outcome<Self> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("andon.log"))?;
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(Self {
            child,
            port,
            folder: folder.to_path_buf(),
        })
    }

    /// `kill -9` after a time.
    pub fn kill_after(self, time: Duration) -> Outcome<u16> {
        std::thread::sleep(time);
        self.kill()
    }

    /// `kill -9`.
    pub fn kill(mut self) -> Outcome<u16> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(self.port)
    }

    /// Waits for its end; gives its port and how it ended.
    pub fn ended(mut self) -> Outcome<(u16, ExitStatus)> {
        let status = self.child.wait()?;
        Ok((self.port, status))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The last lines of its log.
    pub fn last_lines(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("andon.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines
            .get(lines.len().saturating_sub(15)..)
            .unwrap_or_default()
            .join("\n")
    }

    /// The daemon's own token.
    pub fn token(&self) -> Outcome<String> {
        // As it sees its own files: its folder of data may be mounted for it alone.
        let seen = format!("/proc/{}/root{}", self.pid(), self.folder.display());
        let token = std::fs::read_to_string(Path::new(&seen).join("data/andon.db.token"))
            .or_else(|_| std::fs::read_to_string(self.folder.join("data/andon.db.token")))?;
        Ok(token.trim().to_owned())
    }

    /// One request with the daemon's own token.
    pub fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Outcome<(u16, Value)> {
        let token = self.token()?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let headers = [
            ("authorization", format!("Bearer {token}")),
            ("content-type", "application/json".to_owned()),
        ];
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let (status, text) = self.call(method, path, &headers, body.as_bytes())?;
        Ok((status, serde_json::from_slice(&text).unwrap_or(Value::Null)))
    }

    /// One request, one connection.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Outcome<(u16, Vec<u8>)> {
        call(self.port, method, path, headers, body)
    }
}

impl Drop for Andon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request to loopback, one connection.
pub fn call(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Outcome<(u16, Vec<u8>)> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(70)))?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        for part in [*name, ": ", *value, "\r\n"] {
            head.push_str(part);
        }
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    // A server that refuses early closes before all was written; its answer still counts.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let Some(end) = end else {
        read?;
        return Err("no answer".into());
    };
    let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).into_owned();
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or("no status")?;
    let mut body = answer.get(end + 4..).unwrap_or_default().to_vec();
    if head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        body = unchunked(&body);
    }
    Ok((status, body))
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end])
            .ok()
            .and_then(|size| usize::from_str_radix(size.trim(), 16).ok())
            .unwrap_or(0);
        if size == 0 || rest.len() < end + 2 + size {
            break;
        }
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
    whole
}

/// A port that was free a moment ago.
pub fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Waits until `holds` gives something.
pub fn until<T>(
    what: &str,
    within: Duration,
    mut holds: impl FnMut() -> Outcome<Option<T>>,
) -> Outcome<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(found) = holds()? {
            return Ok(found);
        }
        if Instant::now() > end {
            return Err(format!("not within {} s: {what}", within.as_secs()).into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
