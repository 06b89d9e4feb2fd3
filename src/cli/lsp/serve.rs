//! The protocol's side: messages in their order, and checks when typing pauses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use serde_json::{Value as Json, json};

use super::documents::{self, Documents, MOST_OPEN};
use super::home::{Home, root_of};
use super::shapes;
use super::text::Units;
use crate::cli::Ended;
use crate::diag::Diagnostic;

/// How long nothing is typed before the files are checked.
const PAUSE: Duration = Duration::from_millis(150);
/// How many messages may come without such a pause before they are checked all the same.
const MOST_UNCHECKED: usize = 64;
/// How long a client may take nothing before it counts as gone.
const STALLED: Duration = Duration::from_secs(30);

/// Codes of JSON-RPC 2.0 and of LSP 3.17.
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const NOT_INITIALIZED: i32 = -32002;

/// How far the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before `initialize`.
    New,
    Open,
    /// After `shutdown`.
    Ending,
}

/// Nobody reads what is sent.
#[derive(Debug)]
struct Gone;

/// One conversation with one editor.
pub(super) struct Server<'c> {
    connection: &'c Connection,
    stage: Stage,
    pub(super) units: Units,
    /// Whether the client tells of files that change beside it, once it is asked to.
    watches: bool,
    pub(super) documents: Documents,
    /// The folders that open files belong to, as they were when they were last checked.
    pub(super) homes: BTreeMap<PathBuf, Home>,
    /// The folders in which something changed since.
    changed: BTreeSet<PathBuf>,
    /// What the client was told of, by folder.
    pub(super) told: BTreeMap<PathBuf, BTreeMap<PathBuf, Vec<Diagnostic>>>,
}

/// Answers until `exit`, or until the client is gone.
pub(super) fn serve(connection: &Connection) -> Ended {
    let mut server = Server {
        connection,
        stage: Stage::New,
        units: Units::default(),
        watches: false,
        documents: Documents::default(),
        homes: BTreeMap::new(),
        changed: BTreeSet::new(),
        told: BTreeMap::new(),
    };
    let mut unchecked = 0;
    loop {
        let waits = !server.changed.is_empty();
        if waits && unchecked >= MOST_UNCHECKED {
            unchecked = 0;
            if server.check().is_err() {
                return Ended::Abandoned;
            }
            continue;
        }
        let message = if waits {
            match connection.receiver.recv_timeout(PAUSE) {
                Ok(message) => Some(message),
                Err(error) if error.is_timeout() => None,
                Err(_) => return Ended::Abandoned,
            }
        } else {
            match connection.receiver.recv() {
                Ok(message) => Some(message),
                Err(_) => return Ended::Abandoned,
            }
        };
        let said = match message {
            None => {
                unchecked = 0;
                server.check()
            }
            Some(Message::Notification(one)) if one.method == "exit" => {
                return match server.stage {
                    Stage::Ending => Ended::Fine,
                    Stage::New | Stage::Open => Ended::Abandoned,
                };
            }
            Some(Message::Notification(one)) => {
                unchecked += 1;
                server.notified(&one)
            }
            Some(Message::Request(request)) => server.asked(request),
            Some(Message::Response(_)) => Ok(()),
        };
        if said.is_err() {
            return Ended::Abandoned;
        }
    }
}

impl Server<'_> {
    fn send(&self, message: impl Into<Message>) -> Result<(), Gone> {
        self.connection
            .sender
            .send_timeout(message.into(), STALLED)
            .map_err(|_| Gone)
    }

    fn notify(&self, method: &str, params: Json) -> Result<(), Gone> {
        let method = method.to_owned();
        self.send(Notification { method, params })
    }

    fn refuse(&self, id: RequestId, code: i32, why: &str) -> Result<(), Gone> {
        self.send(Response::new_err(id, code, why.to_owned()))
    }

    fn asked(&mut self, request: Request) -> Result<(), Gone> {
        let Request { id, method, params } = request;
        let answer = match (self.stage, method.as_str()) {
            (Stage::New, "initialize") => {
                self.watches = shapes::can_watch(&params);
                self.units = Units::offered(&params);
                self.stage = Stage::Open;
                shapes::capabilities(self.units)
            }
            (Stage::New, _) => {
                return self.refuse(id, NOT_INITIALIZED, "say `initialize` first");
            }
            (Stage::Ending, _) | (Stage::Open, "initialize") => {
                return self.refuse(id, INVALID_REQUEST, "not at this time");
            }
            (Stage::Open, "shutdown") => {
                self.stage = Stage::Ending;
                Json::Null
            }
            (Stage::Open, method) => match self.answer(method, &params) {
                Some(answer) => answer,
                None => return self.refuse(id, METHOD_NOT_FOUND, "Andon has no such request"),
            },
        };
        self.send(Response {
            id,
            response_result: Ok(answer),
        })
    }

    fn notified(&mut self, one: &Notification) -> Result<(), Gone> {
        if self.stage != Stage::Open {
            return Ok(());
        }
        match one.method.as_str() {
            "initialized" if self.watches => self.send(Request {
                id: RequestId::from("watch".to_owned()),
                method: "client/registerCapability".to_owned(),
                params: shapes::watching(),
            })?,
            "textDocument/didOpen" => match self.documents.open(&one.params) {
                Some(path) => self.touch(&path),
                None if self.documents.is_full() => {
                    let why = format!("andon looks at {MOST_OPEN} open files, and not at more");
                    self.notify("window/showMessage", json!({ "type": 2, "message": why }))?;
                }
                None => {}
            },
            "textDocument/didChange" => {
                if let Some(path) = self.documents.change(&one.params, self.units) {
                    self.touch(&path);
                }
            }
            "textDocument/didClose" => {
                let path = one.params.pointer("/textDocument/uri");
                let path = path.and_then(Json::as_str).and_then(documents::path);
                if let Some(path) = path {
                    self.touch(&path);
                    self.documents.close(&one.params);
                }
            }
            // Files changed beside the editor: another branch, a schema that was written anew.
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => {
                self.changed.extend(self.homes.keys().cloned());
            }
            _ => {}
        }
        Ok(())
    }

    fn touch(&mut self, path: &Path) {
        if let Some(root) = root_of(path, &self.documents) {
            self.changed.insert(root);
        }
        // A file that has lost its head, or its folder its `andon.yaml`, is looked at where it was.
        let were = self.told.iter().filter(|(_, told)| told.contains_key(path));
        self.changed.extend(were.map(|(root, _)| root.clone()));
    }

    /// Checks what changed, and tells what is wrong now and what no longer is.
    fn check(&mut self) -> Result<(), Gone> {
        for root in std::mem::take(&mut self.changed) {
            let in_use = self
                .documents
                .paths()
                .any(|path| root_of(path, &self.documents).as_ref() == Some(&root));
            let home = if in_use { self.read(&root)? } else { None };
            let now = home
                .as_ref()
                .map(|home| home.check(&self.documents))
                .unwrap_or_default();
            let before = self.told.remove(&root).unwrap_or_default();
            let gone = before.keys().filter(|path| !now.contains_key(*path));
            for path in gone {
                self.publish(path, &[])?;
            }
            for (path, faults) in &now {
                if before.get(path) != Some(faults) {
                    self.publish(path, faults)?;
                }
            }
            if let Some(home) = home {
                self.told.insert(root.clone(), now);
                self.homes.insert(root, home);
            } else {
                self.homes.remove(&root);
            }
        }
        Ok(())
    }

    fn read(&self, root: &Path) -> Result<Option<Home>, Gone> {
        match Home::read(root, &self.documents) {
            Ok(home) => Ok(Some(home)),
            Err(error) => {
                let why = crate::untrusted::with_causes(&error);
                self.notify("window/logMessage", json!({ "type": 1, "message": why }))?;
                Ok(None)
            }
        }
    }

    fn publish(&self, path: &Path, faults: &[Diagnostic]) -> Result<(), Gone> {
        let Some(uri) = self.documents.uri(path) else {
            return Ok(());
        };
        let one = |fault: &Diagnostic| shapes::diagnostic(fault, self.units);
        let diagnostics: Vec<Json> = faults.iter().map(one).collect();
        self.notify(
            "textDocument/publishDiagnostics",
            json!({ "uri": uri, "diagnostics": diagnostics }),
        )
    }
}
