//! A daemon's server on loopback with a store of its own, and the smallest client.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::catalog::{self, Files};
use crate::clock::Clock;
use crate::diag::{Faults, Source};
use crate::live::{Live, Snapshot};
use crate::secret;
use crate::server::{local_token_path, serve};
use crate::store::{Options, Store};
use crate::web;

/// Callers by what they may; each one's token is its name.
const CALLERS: [(&str, &str); 8] = [
    ("sender", "\"signals:write\""),
    ("reader", "\"alerts:read\""),
    ("analyst", "\"alerts:read\", \"alerts:write\""),
    ("watcher", "\"actions:read\""),
    ("soar", "{ action: mlflow/*, at: registry }"),
    ("elsewhere", "{ action: mlflow/*, at: other }"),
    ("boss", "admin"),
    ("gone", "admin"),
];

pub(super) struct House {
    pub(super) live: Arc<Live>,
    pub(super) address: SocketAddr,
    pub(super) folder: TempDir,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(super) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl House {
    pub(super) async fn new() -> Self {
        Self::with("").await
    }

    /// `more` is added to `andon.yaml`.
    pub(super) async fn with(more: &str) -> Self {
        Self::on(more, Options::default()).await
    }

    /// On a store with these bounds.
    pub(super) async fn on(more: &str, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let callers: Vec<String> = CALLERS
            .iter()
            .map(|(name, may)| {
                let until = if *name == "gone" {
                    ", until: 2026-11-22"
                } else {
                    ""
                };
                let hash = secret::hash(name);
                format!(
                    "  - {{ name: {name}, token: {{ hash: \"{hash}\" }}, may: [ {may} ]{until} }}\n"
                )
            })
            .collect();
        let yaml = format!(
            "andon: config/v1\npublic_url: https://andon.example.com\n{more}connections:\n  local: {{ connector: generic }}\n  registry: {{ connector: mlflow, url: \"http://127.0.0.1:9\", reach: loopback, webhook_secret: {{ env: ANDON_TEST_NO_SUCH }} }}\n  lines: {{ connector: file, path: lines.ndjson }}\nroutes:\n  - to: [lines]\ncallers:\n{}",
            callers.concat()
        );
        let mut faults = Faults::new();
        let catalog = catalog::load(
            &Files::built_in(),
            &Source::new("andon.yaml", yaml),
            &mut faults,
        );
        let catalog = catalog.unwrap_or_else(|| panic!("{:#?}", faults.into_sorted()));
        let clock = Clock::stopped("2026-11-23T08:00:00Z".parse().unwrap());
        let client = web::Client::new(clock.clone(), web::Options::default());
        if catalog.config.tls.is_some() {
            for file in ["localhost.crt", "localhost.key"] {
                let from = std::path::Path::new("tests/data/tls").join(file);
                std::fs::copy(from, folder.path().join(file)).unwrap();
            }
        }
        let snapshot = Snapshot::new(catalog, folder.path(), &client, clock.clone()).unwrap();
        let path = folder.path().join("andon.db");
        let store = Store::open(&path, clock.clone(), options).unwrap();
        let live = Live::new(snapshot, store, clock);
        let bound = serve(Arc::clone(&live), SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .unwrap();
        Self {
            live,
            address: bound.address,
            folder,
        }
    }

    pub(super) fn local_token(&self) -> String {
        std::fs::read_to_string(local_token_path(self.live.store.path())).unwrap()
    }

    /// One exchange; `who` is the token, empty for none.
    pub(super) async fn ask(&self, who: &str, request: &str, body: &str) -> Answer {
        self.ask_with(who, request, &[], body.as_bytes()).await
    }

    pub(super) async fn ask_with(
        &self,
        who: &str,
        request: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut head = format!(
            "{request} HTTP/1.1\r\nHost: andon\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        if !who.is_empty() {
            head.extend(["Authorization: Bearer ", who, "\r\n"]);
        }
        for (name, value) in headers {
            head.extend([*name, ": ", *value, "\r\n"]);
        }
        head += "\r\n";
        let mut sent = head.into_bytes();
        sent.extend_from_slice(body);
        self.raw(&sent).await
    }

    /// Sends bytes as they are; reads until the server closes.
    pub(super) async fn raw(&self, sent: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // A server that refuses early may close while we write.
        drop(stream.write_all(sent).await);
        let mut bytes = Vec::new();
        drop(stream.read_to_end(&mut bytes).await);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        Answer {
            status: head.get(9..12).and_then(|it| it.parse().ok()).unwrap_or(0),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// Sends a signal that opens an alert, and gives the alert's id.
    pub(super) async fn alert(&self, key: &str) -> String {
        let body = json!({ "key": key, "title": "it drifted", "severity": "high" }).to_string();
        let answer = self.ask("", "POST /v1/signals/local", &body).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        let signal = answer.json()["signals"][0]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let shown = self
            .ask("reader", &format!("GET /v1/signals/{signal}"), "")
            .await;
        shown.json()["alerts"][0].as_str().unwrap().to_owned()
    }

    pub(super) async fn audit(&self) -> Vec<(String, String)> {
        let rows = self.live.store.read(|reader| reader.audit_rows(0, 100));
        let rows = rows.await.unwrap();
        rows.into_iter().map(|row| (row.who, row.what)).collect()
    }
}
