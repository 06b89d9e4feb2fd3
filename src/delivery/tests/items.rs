//! An answer for each item, through the worker: what one item stops or puts off, and what the others are.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Scene, snapshot_with};
use crate::catalog::Files;
use crate::delivery;
use crate::web::{self, Script};

const ITEMS: &str = r"andon: connector/v1
name: items
about: An API that answers for each item.
docs: https://example.com
verified: { with: the tests, how: contract }
settings:
  url: { is: url, about: where }
deliver:
  of: every
  post: /events
  batch: { framing: newline, events: 10, wait: 5ms }
  event: { id: =alert.event_id }
  answers:
    - when: status == 200
      each: =body.items
      answers:
        - delivered: item.s == 200
        - stop: item.s == 401
        - pause: item.s == 403
        - retry: item.s == 503
        - refuse: otherwise
    - retry: otherwise
";

type Seen = Arc<Mutex<Vec<Vec<String>>>>;

/// A destination that answers each request as the next of these says, and the titles of the alerts it saw.
fn begin(answers: Vec<(Option<u64>, Value)>) -> (Scene, Seen) {
    let mut files = Files::built_in();
    let path = "connectors/items/connector.yaml";
    files.put(path, path, ITEMS.as_bytes());
    let connections = "  items: { connector: items, url: \"https://a.example.com\" }";
    let scene = Scene::idle(files, connections, &[]);
    let seen = Seen::default();
    let (answers, saw) = (
        Arc::new(Mutex::new(VecDeque::from(answers))),
        Arc::clone(&seen),
    );
    let script = Script(Arc::new(move |asked| {
        let body = String::from_utf8(asked.body).unwrap();
        let ids = body.lines().map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["id"].as_str().unwrap().to_owned()
        });
        saw.lock().unwrap().push(ids.collect());
        let (after, items) = answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("one request too many");
        let headers = after.map(|seconds| ("retry-after".to_owned(), seconds.to_string()));
        let body = json!({ "items": items }).to_string().into_bytes();
        Box::pin(async move { Ok((200, headers.into_iter().collect(), body)) })
    }));
    let client = web::Client::scripted(scene.clock.clone(), script);
    let made = snapshot_with(
        &client,
        &scene.files,
        scene.folder.path(),
        connections,
        &scene.clock,
    );
    scene.live.swap(Arc::new(made));
    (scene, seen)
}

/// Three alerts in one batch; what became of it once something is put off. Then time passes, and the rest
/// arrives. Gives whether it was stopped, and for how many seconds nothing was sent.
async fn three(scene: &Scene) -> (bool, u64) {
    let alerts = ["one", "two", "three"].map(|name| scene.alert(name));
    let begun = scene.clock.now();
    scene.owe_all("items", &alerts).await;
    delivery::start(&scene.live);
    scene
        .until("items", |standing| standing.paused_until.is_some())
        .await;
    let standing = scene.standing("items").await;
    let wait = standing.paused_until.unwrap().duration_since(begun);
    let wait = u64::try_from(wait.as_secs()).unwrap();
    super::within(async {
        while scene.waiting("items").await > 1 || scene.next_due("items").await.is_none() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    scene.passes(Duration::from_secs(wait + 1));
    scene.empty("items").await;
    scene.stop().await;
    (standing.stopped.is_some(), wait)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_item_is_answered_holds_for_the_destination_and_the_others_are_delivered_once() {
    let (good, stop, pause, again) = (
        json!({ "s": 200 }),
        json!({ "s": 401 }),
        json!({ "s": 403 }),
        json!({ "s": 503 }),
    );
    for (item, after, stopped, wait) in [
        // A credential that one item was refused for is refused for all.
        (&stop, None, true, 60),
        (&stop, Some(7), true, 7),
        (&pause, None, true, 600),
        (&again, Some(7), false, 7),
        (&again, Some(90), false, 90),
    ] {
        let first = (after, json!([good, item, good]));
        let (scene, seen) = begin(vec![first, (None, json!([good]))]);
        assert_eq!(three(&scene).await, (stopped, wait), "{item} {after:?}");
        let seen = seen.lock().unwrap().clone();
        assert_eq!(seen[0].len(), 3);
        assert_eq!(seen[1..], [vec![seen[0][1].clone()]], "{item} {after:?}");
        assert!(scene.dead().await.is_empty());
    }
}
