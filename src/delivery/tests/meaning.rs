//! What an answer means where it does not say all that was asked: what nobody spoke of is not delivered.

use std::time::Duration;

use serde_json::{Value, json};

use super::Scene;
use crate::catalog::Files;
use crate::connector::Verdict;
use crate::delivery::Way;
use crate::delivery::answer::{self, Meaning};
use crate::web::Answer;

const READER: &str = r#"andon: connector/v1
name: reader
about: An API that answers for each item, or for all, and acknowledges later.
docs: https://example.com
verified: { with: the tests, how: contract }
settings:
  url: { is: url, about: where }
deliver:
  of: every
  post: /events
  event: { id: =alert.event_id }
  answers:
    - when: status == 200
      each: =body.items
      answers:
        - delivered: item.s == 200
        - stop: item.s == 401
        - refuse: otherwise
    - delivered: status == 201
      slow_down: body.busy
    - pause: status == 403
      for: 3m
    - retry: otherwise
  acknowledged: { post: /acks, id: =body.id, holds: "body.acks[string(id)]" }
"#;

fn scene() -> Scene {
    let mut files = Files::built_in();
    let path = "connectors/reader/connector.yaml";
    files.put(path, path, READER.as_bytes());
    let connections = "  reader: { connector: reader, url: \"https://a.example.com\" }";
    Scene::idle(files, connections, &[])
}

fn says(status: u16, body: &Value) -> Answer {
    Answer::made(status, Vec::new(), body.to_string().into_bytes())
}

fn all(verdict: Verdict, slow_down: bool, wait: Option<u64>) -> Meaning {
    Meaning::All {
        verdict,
        slow_down,
        bad: None,
        wait: wait.map(Duration::from_mins),
    }
}

#[tokio::test]
async fn an_event_that_the_answer_does_not_speak_of_is_sent_again() {
    use Verdict::{Delivered, Pause, Refuse, Retry, Stop};
    let scene = scene();
    let snapshot = scene.live.snapshot();
    let way = Way::to(&snapshot, "reader").unwrap();
    let items = |items: Value| json!({ "items": items });
    let busy = json!({ "busy": true });
    for (status, body, wanted) in [
        (
            200,
            items(json!([{"s": 200}])),
            Meaning::Each(vec![Delivered, Retry, Retry]),
        ),
        (
            200,
            items(json!([{"s": 401}, {}, {"s": 200}, {"s": 200}])),
            Meaning::Each(vec![Stop, Refuse, Delivered]),
        ),
        (200, items(json!({})), all(Retry, false, None)),
        (200, json!({}), all(Retry, false, None)),
        (200, json!("a page"), all(Retry, false, None)),
        (201, busy, all(Delivered, true, None)),
        (201, json!({}), all(Delivered, false, None)),
        (403, json!({}), all(Pause, false, Some(3))),
        (503, json!({}), all(Retry, false, None)),
    ] {
        let meaning = answer::meaning(&way, &says(status, &body), 3);
        assert_eq!(meaning, wanted, "{status} {body}");
    }
}

#[tokio::test]
async fn an_acknowledgment_that_is_not_there_is_none() {
    let scene = scene();
    let snapshot = scene.live.snapshot();
    let way = Way::to(&snapshot, "reader").unwrap();
    for (body, id) in [
        (json!({ "id": 0 }), Some(json!(0))),
        (json!({ "id": null }), None),
        (json!({}), None),
        (json!("a page"), None),
    ] {
        let found = answer::acknowledged_by(&way, &says(201, &body));
        assert_eq!(found, id, "{body}");
    }
    let ids = [json!(0), json!(7)];
    for (body, there) in [
        (json!({ "acks": { "0": true, "7": true } }), vec![0, 7]),
        (json!({ "acks": { "0": false, "7": true } }), vec![7]),
        (json!({ "acks": { "7": "yes" } }), vec![]),
        (json!({ "acks": {} }), vec![]),
        (json!("a page"), vec![]),
    ] {
        let found = answer::acknowledged(&way, &says(200, &body), &ids);
        let there: Vec<Value> = there.into_iter().map(Value::from).collect();
        assert_eq!(found, there, "{body}");
    }
}
