use lsp_server::{Connection, Message, Notification, Request};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::serve;
use crate::cli::Ended;

const URI: &str = "file:///nowhere/mappings/drift.yaml";

fn notification(method: &str, params: Json) -> Message {
    Message::Notification(Notification {
        method: method.to_owned(),
        params,
    })
}

fn request(id: i32, method: &str, params: Json) -> Message {
    Message::Request(Request {
        id: id.into(),
        method: method.to_owned(),
        params,
    })
}

/// What a server answers to these messages, one after the other, and how it ends.
fn converse(messages: Vec<Message>) -> (Vec<Message>, Ended) {
    let (client, server) = Connection::memory();
    for message in messages {
        client.sender.send(message).unwrap();
    }
    let ended = serve::serve(&server);
    drop(server);
    (client.receiver.iter().collect(), ended)
}

fn edit() -> impl Strategy<Value = Message> {
    let place = || (0_u64..30, 0_u64..60);
    let text = "[a-z:.=\"'{}\\[\\]\n |\u{1d11e}-]{0,8}";
    (place(), place(), text).prop_map(|(start, end, text)| {
        let place = |(line, character)| json!({ "line": line, "character": character });
        let range = json!({ "start": place(start), "end": place(end) });
        let change = json!([{ "range": range, "text": text }]);
        let document = json!({ "uri": URI });
        notification(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": change }),
        )
    })
}

fn question() -> impl Strategy<Value = Message> {
    let method = prop::sample::select(vec![
        "completion",
        "hover",
        "definition",
        "formatting",
        "other",
    ]);
    (method, 0_u64..40, 0_u64..80).prop_map(|(method, line, character)| {
        let place = json!({ "line": line, "character": character });
        let params = json!({ "textDocument": { "uri": URI }, "position": place });
        request(7, &format!("textDocument/{method}"), params)
    })
}

fn odd() -> impl Strategy<Value = Message> {
    let params = prop::sample::select(vec![
        json!(null),
        json!([1]),
        json!({ "textDocument": { "uri": "data:x" } }),
        json!({ "textDocument": { "uri": URI }, "position": { "line": -1 } }),
        json!({ "textDocument": { "uri": URI }, "contentChanges": [{ "range": 1, "text": 2 }] }),
    ]);
    let method = prop::sample::select(vec!["didOpen", "didChange", "didClose", "didSave", "hover"]);
    (method, params, any::<bool>()).prop_map(|(method, params, asks)| {
        let method = format!("textDocument/{method}");
        if asks {
            request(7, &method, params)
        } else {
            notification(&method, params)
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is typed and asked, in whatever order: each question has its answer, and the server ends
    /// when it is told to.
    #[test]
    fn every_question_has_an_answer(said in prop::collection::vec(prop_oneof![edit(), question(), odd()], 0..150)) {
        let text = include_str!("../../../../mappings/evidently-column-drift.yaml");
        let mut messages = vec![
            request(0, "initialize", json!({})),
            notification("initialized", json!({})),
            notification("textDocument/didOpen", json!({ "textDocument": { "uri": URI, "text": text } })),
        ];
        messages.extend(said);
        messages.push(request(1, "shutdown", Json::Null));
        messages.push(notification("exit", Json::Null));
        let asked = messages.iter().filter(|message| matches!(message, Message::Request(_))).count();
        let (answers, ended) = converse(messages);
        let answered = answers.iter().filter(|message| matches!(message, Message::Response(_))).count();
        prop_assert_eq!(answered, asked);
        prop_assert_eq!(ended, Ended::Fine);
    }
}

#[test]
fn nothing_is_answered_before_it_was_initialised() {
    let early = request(3, "textDocument/hover", json!({}));
    let (answers, ended) = converse(vec![early, notification("exit", Json::Null)]);
    let [Message::Response(answer)] = answers.as_slice() else {
        panic!("{answers:?}");
    };
    assert_eq!(answer.response_result.as_ref().unwrap_err().code, -32002);
    assert_eq!(ended, Ended::Abandoned);
}
