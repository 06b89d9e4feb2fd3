//! `andon lsp` as an editor meets it: the real binary, and the protocol's own bytes over its pipes.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How long an answer may take on a busy machine.
const WITHIN: Duration = Duration::from_secs(60);

const CONFIG: &str =
    "andon: config/v1\nconnections:\n  reports: { connector: evidently, folder: reports }\n";

const MAPPING: &str = r#"andon: mapping/v1
name: drift
about: A column has drifted.
status: draft
from: evidently/test
when: signal.status == "FAIL" && signal.metric == "ValueDrift"

alert:
  kind: feature-drift
  title: "{{column}} has drifted"
  severity: high
  same_as: [=signal.dataset]
  fields: { column: =signal.?column }

quiet: 24h
"#;

/// An editor of a few lines.
struct Editor {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Value>,
    kept: Vec<Value>,
    last: i32,
    folder: tempfile::TempDir,
}

impl Editor {
    fn start() -> Outcome<Self> {
        Self::with(&json!({}))
    }

    fn with(capabilities: &Value) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("andon.yaml"), CONFIG)?;
        std::fs::create_dir(folder.path().join("mappings"))?;
        std::fs::write(folder.path().join("mappings/drift.yaml"), MAPPING)?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_andon"))
            .arg("lsp")
            .current_dir(folder.path())
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            while let Ok(message) = read(&mut output) {
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut editor = Self {
            input: child.stdin.take(),
            child,
            output: receiver,
            kept: Vec::new(),
            last: 0,
            folder,
        };
        let answer = editor.ask(
            "initialize",
            &json!({ "processId": null, "rootUri": null, "capabilities": capabilities }),
        )?;
        assert!(
            answer["capabilities"]["completionProvider"].is_object(),
            "{answer}"
        );
        editor.tell("initialized", &json!({}))?;
        Ok(editor)
    }

    fn send(&mut self, message: &Value) -> Outcome<()> {
        let text = message.to_string();
        let input = self.input.as_mut().ok_or("closed")?;
        write!(input, "Content-Length: {}\r\n\r\n{text}", text.len())?;
        Ok(input.flush()?)
    }

    fn tell(&mut self, method: &str, params: &Value) -> Outcome<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    /// The whole answer, an error too.
    fn request(&mut self, method: &str, params: &Value) -> Outcome<Value> {
        self.last += 1;
        let id = self.last;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))?;
        loop {
            let message = self.output.recv_timeout(WITHIN)?;
            if message["id"] == id {
                return Ok(message);
            }
            self.kept.push(message);
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Outcome<Value> {
        let answer = self.request(method, params)?;
        assert_eq!(answer["error"], Value::Null, "{answer}");
        Ok(answer["result"].clone())
    }

    fn uri(&self, name: &str) -> String {
        format!("file://{}", self.folder.path().join(name).display())
    }

    fn open(&mut self, name: &str, text: &str) -> Outcome<()> {
        let document =
            json!({ "uri": self.uri(name), "languageId": "yaml", "version": 1, "text": text });
        self.tell("textDocument/didOpen", &json!({ "textDocument": document }))
    }

    fn change(&mut self, name: &str, changes: &Value) -> Outcome<()> {
        let uri = self.uri(name);
        self.tell(
            "textDocument/didChange",
            &json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": changes }),
        )
    }

    /// The next faults that are told of a file.
    fn faults(&mut self, name: &str) -> Outcome<Value> {
        let uri = self.uri(name);
        loop {
            let at = self
                .kept
                .iter()
                .position(|kept| kept["params"]["uri"] == uri);
            if let Some(at) = at {
                return Ok(self.kept.remove(at)["params"]["diagnostics"].clone());
            }
            let message = self.output.recv_timeout(WITHIN)?;
            self.kept.push(message);
        }
    }

    fn at(&self, name: &str, line: u32, character: u32) -> Value {
        json!({ "textDocument": { "uri": self.uri(name) }, "position": { "line": line, "character": character } })
    }

    /// How the server ends once it can read no more; after `exit` or without.
    fn ends(mut self) -> Outcome<Option<i32>> {
        self.input = None;
        Ok(self.child.wait()?.code())
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(output: &mut impl BufRead) -> Outcome<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line)? == 0 {
            return Err("the end".into());
        }
        if let Some(number) = line.trim().strip_prefix("Content-Length: ") {
            length = number.parse()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body)?;
    Ok(serde_json::from_slice(&body)?)
}

const DRIFT: &str = "mappings/drift.yaml";

fn range(line: u32, from: u32, to: u32) -> Value {
    json!({ "start": { "line": line, "character": from }, "end": { "line": line, "character": to } })
}

#[test]
fn faults_come_while_typing_and_go_when_they_are_mended() -> Outcome<()> {
    let mut editor = Editor::start()?;
    editor.open(DRIFT, MAPPING)?;
    editor.change(
        DRIFT,
        &json!([{ "range": range(5, 6, 19), "text": "signal.sttus" }]),
    )?;
    let faults = editor.faults(DRIFT)?;
    assert_eq!(faults[0]["code"], "AND0203", "{faults}");
    assert_eq!(faults[0]["severity"], 1);
    assert_eq!(faults[0]["source"], "andon");
    assert_eq!(faults[0]["range"], range(5, 13, 18));
    assert_eq!(
        faults[0]["message"],
        "`sttus` is not a field of evidently/test (did you mean `status`?)\nhelp: write `signal.status`"
    );
    let told = editor.ask("textDocument/hover", &editor.at(DRIFT, 5, 14))?;
    let told = told["contents"]["value"].as_str().ok_or("no text")?;
    assert!(
        told.contains("did you mean `status`?") && told.contains("andon"),
        "{told}"
    );
    editor.change(
        DRIFT,
        &json!([{ "range": range(5, 6, 18), "text": "signal.status" }]),
    )?;
    assert_eq!(editor.faults(DRIFT)?, json!([]));
    Ok(())
}

#[test]
fn a_fault_in_a_file_that_is_not_open_is_told_too() -> Outcome<()> {
    let mut editor = Editor::start()?;
    let looks = MAPPING.replace("quiet: 24h", "quiet: 24h\ncontain:\n  - action: mlflow/move-alias\n    at: registry\n    ask: [model, version]");
    std::fs::write(editor.folder.path().join(DRIFT), looks)?;
    editor.open("andon.yaml", CONFIG)?;
    assert_eq!(
        editor.faults(DRIFT)?[0]["message"]
            .as_str()
            .map(|said| said.contains("no connection `registry`")),
        Some(true)
    );
    let with = format!(
        "{CONFIG}  registry: {{ connector: mlflow, url: \"https://m.example.com\", webhook_secret: {{ env: A }} }}\n"
    );
    editor.change("andon.yaml", &json!([{ "text": with }]))?;
    assert_eq!(editor.faults(DRIFT)?, json!([]));
    Ok(())
}

#[test]
fn a_file_that_changes_beside_the_editor_is_read_again() -> Outcome<()> {
    let watch = json!({ "didChangeWatchedFiles": { "dynamicRegistration": true } });
    let mut editor = Editor::with(&json!({ "workspace": watch }))?;
    editor.open("andon.yaml", CONFIG)?;
    let asked = editor.output.recv_timeout(WITHIN)?;
    assert_eq!(asked["method"], "client/registerCapability", "{asked}");
    std::fs::write(
        editor.folder.path().join(DRIFT),
        MAPPING.replace("signal.status", "signal.sttus"),
    )?;
    let uri = editor.uri(DRIFT);
    editor.tell(
        "workspace/didChangeWatchedFiles",
        &json!({ "changes": [{ "uri": uri, "type": 2 }] }),
    )?;
    assert_eq!(editor.faults(DRIFT)?[0]["code"], "AND0203");
    Ok(())
}

#[test]
fn a_line_that_is_half_typed_is_completed() -> Outcome<()> {
    let mut editor = Editor::start()?;
    editor.open(
        DRIFT,
        &MAPPING.replace("signal.metric == \"ValueDrift\"", "signal."),
    )?;
    let answer = editor.ask("textDocument/completion", &editor.at(DRIFT, 5, 40))?;
    let items = answer["items"].as_array().ok_or("no items")?;
    let column = items
        .iter()
        .find(|item| item["label"] == "column")
        .ok_or("no column")?;
    assert_eq!(column["detail"], "text");
    assert_eq!(
        column["textEdit"],
        json!({ "range": range(5, 40, 40), "newText": "?column" })
    );
    Ok(())
}

#[test]
fn a_definition_of_what_is_built_in_is_a_file_that_can_be_opened() -> Outcome<()> {
    let mut editor = Editor::start()?;
    editor.open(DRIFT, MAPPING)?;
    let place = editor.ask("textDocument/definition", &editor.at(DRIFT, 4, 10))?;
    let uri = place["uri"].as_str().ok_or("no uri")?;
    let text = std::fs::read_to_string(Path::new(uri.strip_prefix("file://").ok_or("no file")?))?;
    let line = usize::try_from(place["range"]["start"]["line"].as_u64().ok_or("no line")?)?;
    assert!(
        text.lines()
            .nth(line)
            .ok_or("no line")?
            .starts_with("  test:"),
        "{place}"
    );
    Ok(())
}

#[test]
fn formatting_is_what_fmt_does() -> Outcome<()> {
    let mut editor = Editor::start()?;
    let formatting = |editor: &Editor| json!({ "textDocument": { "uri": editor.uri(DRIFT) }, "options": { "tabSize": 2, "insertSpaces": true } });
    editor.open(DRIFT, MAPPING)?;
    assert_eq!(
        editor.ask("textDocument/formatting", &formatting(&editor))?,
        json!([])
    );
    let swapped = MAPPING.replace(
        "name: drift\nabout: A column has drifted.",
        "about: A column has drifted.\nname: drift",
    );
    editor.change(DRIFT, &json!([{ "text": swapped }]))?;
    let edits = editor.ask("textDocument/formatting", &formatting(&editor))?;
    assert_eq!(edits[0]["newText"], MAPPING);
    editor.change(DRIFT, &json!([{ "text": "a: [\n" }]))?;
    assert_eq!(
        editor.ask("textDocument/formatting", &formatting(&editor))?,
        Value::Null
    );
    Ok(())
}

#[test]
fn places_are_counted_as_the_client_counts() -> Outcome<()> {
    let when = "signal.status == \"FAIL\" && signal.metric == \"ValueDrift\"";
    let wide = MAPPING.replace(when, "'signal.dataset == \"𝄞\" && signal.sttus == \"x\"'");
    for (offered, character) in [(json!(["utf-16"]), 40), (json!(["utf-8", "utf-16"]), 42)] {
        let mut editor = Editor::with(&json!({ "general": { "positionEncodings": offered } }))?;
        editor.open(DRIFT, &wide)?;
        let faults = editor.faults(DRIFT)?;
        assert_eq!(
            faults[0]["range"]["start"]["character"], character,
            "{faults}"
        );
    }
    Ok(())
}

#[test]
fn a_file_outside_any_folder_of_andons_is_checked_as_far_as_it_can_be() -> Outcome<()> {
    let mut editor = Editor::start()?;
    let alone = tempfile::tempdir()?;
    let uri = format!("file://{}/drift.yaml", alone.path().display());
    let text = MAPPING.replace("signal.status", "signal.sttus");
    let document = json!({ "uri": uri, "languageId": "yaml", "version": 1, "text": text });
    editor.tell("textDocument/didOpen", &json!({ "textDocument": document }))?;
    let message = editor.output.recv_timeout(WITHIN)?;
    assert_eq!(message["params"]["uri"], uri, "{message}");
    assert_eq!(
        message["params"]["diagnostics"][0]["code"], "AND0203",
        "{message}"
    );
    Ok(())
}

#[test]
fn yaml_of_other_programs_is_left_alone() -> Outcome<()> {
    let mut editor = Editor::start()?;
    editor.open("compose.yaml", "services:\n  a: { image: b }\n")?;
    let at = editor.at("compose.yaml", 1, 3);
    assert_eq!(editor.ask("textDocument/completion", &at)?, Value::Null);
    editor.open(DRIFT, &MAPPING.replace("signal.status", "signal.sttus"))?;
    editor.faults(DRIFT)?;
    assert_eq!(editor.kept, Vec::<Value>::new());
    Ok(())
}

#[test]
fn what_the_server_does_not_know_is_refused_and_it_goes_on() -> Outcome<()> {
    let mut editor = Editor::start()?;
    for (method, params) in [
        ("textDocument/rename", json!({})),
        (
            "textDocument/hover",
            json!({ "textDocument": { "uri": "untitled:1" }, "position": { "line": 0, "character": 0 } }),
        ),
        ("textDocument/hover", json!([1, 2])),
        (
            "textDocument/completion",
            json!({ "textDocument": { "uri": 7 }, "position": { "line": -1, "character": 1e9 } }),
        ),
    ] {
        let answer = editor.request(method, &params)?;
        let code = if method == "textDocument/rename" {
            json!(-32601)
        } else {
            Value::Null
        };
        assert_eq!(answer["error"]["code"], code, "{answer}");
    }
    editor.change(DRIFT, &json!([{ "text": "never opened" }]))?;
    editor.tell("$/somethingNew", &json!({}))?;
    editor.open(DRIFT, MAPPING)?;
    assert!(
        editor
            .ask("textDocument/hover", &editor.at(DRIFT, 4, 1))?
            .is_object()
    );
    Ok(())
}

#[test]
fn it_ends_as_the_protocol_says() -> Outcome<()> {
    let mut polite = Editor::start()?;
    assert_eq!(polite.ask("shutdown", &Value::Null)?, Value::Null);
    assert_eq!(
        polite.request("textDocument/hover", &json!({}))?["error"]["code"],
        -32600
    );
    polite.tell("exit", &Value::Null)?;
    assert_eq!(polite.ends()?, Some(0));
    let mut hasty = Editor::start()?;
    hasty.tell("exit", &Value::Null)?;
    assert_eq!(hasty.ends()?, Some(1));
    let gone = Editor::start()?;
    assert_eq!(gone.ends()?, Some(1));
    Ok(())
}
