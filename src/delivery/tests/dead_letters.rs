//! What was refused for good, after a person decided.

use std::time::Duration;

use serde_json::{Value, json};

use super::order::holds;
use super::splunk::{begin, idle, options};
use super::{Scene, changed, revised, snapshot, within};
use crate::alert::{Alert, Said, Severity, State};
use crate::catalog::Files;
use crate::delivery::{drop_for_good, retry, start};
use crate::sandbox::Fault;
use crate::sandbox::Running;
use crate::sandbox::splunk::{Code, Indexer};
use crate::store::{DeadLetterCause, Times};
use crate::untrusted::Untrusted;

fn uids(splunk: &Running<Indexer>) -> Vec<String> {
    let uid = |event: &Value| event["metadata"]["uid"].as_str().unwrap().to_owned();
    let events = splunk.recorded().events();
    events.iter().map(|event| uid(&event.event)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn once_its_cause_is_mended_it_is_delivered_with_its_own_event_id() {
    let odd = [("index: =settings.?index", "index: =alert.fields.?index")];
    let (splunk, scene) = idle(changed("splunk", &odd), options()).await;
    start(&scene.live);
    let mut alert = scene.alert("income");
    alert.fields.insert("index".to_owned(), "nowhere".into());
    scene.owe("soc", &alert).await;
    scene.empty("soc").await;
    let letter = scene.dead().await.remove(0);
    let seq = letter.seq;
    assert_eq!(letter.cause.status, Some(400));
    let said: Value = serde_json::from_slice(letter.cause.body.as_data()).unwrap();
    assert_eq!(said["code"], 7);
    // Nothing is mended: it is refused again.
    retry(&scene.live, seq, "ann", "").await.unwrap();
    scene.empty("soc").await;
    let dead = scene.dead().await;
    assert_eq!((dead.len(), dead[0].seq, dead[0].attempts), (1, seq, 2));
    let files = Files::built_in();
    let mended = snapshot(
        &files,
        scene.folder.path(),
        &scene.connections,
        &scene.clock,
    );
    scene.live.swap(mended);
    retry(&scene.live, seq, "ann", "the manifest is mended")
        .await
        .unwrap();
    scene.empty("soc").await;
    assert_eq!(uids(&splunk), [alert.event_id()]);
    assert!(scene.dead().await.is_empty());
    let rows = scene.live.store.read(|reader| reader.audit_rows(0, 10));
    let rows = rows.await.unwrap();
    assert_eq!(
        (rows.len(), rows[1].what.as_str()),
        (2, "dead_letter.retried")
    );
    assert_eq!(
        rows[1].about,
        json!({ "dead_letter": seq, "destination": "soc", "alert": alert.id, "revision": 1, "status": 400,
            "answer": dead[0].cause.reason, "reason": "the manifest is mended" })
    );
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_of_its_alert_is_sent_after_it() {
    let (splunk, scene) = begin().await;
    splunk.recorded().answer(1, Code::IncorrectIndex);
    let first = scene.alert("income");
    scene.owe("soc", &first).await;
    scene.empty("soc").await;
    let seq = scene.dead().await[0].seq;
    splunk.faults().then(Fault::RetryAfter(503, 30));
    scene.owe("soc", &scene.alert("other")).await;
    scene
        .until("soc", |standing| standing.paused_until.is_some())
        .await;
    let over = revised(&first, State::Resolved);
    scene.owe("soc", &over).await;
    retry(&scene.live, seq, "ann", "").await.unwrap();
    within(async {
        while scene.waiting("soc").await > 0 {
            scene.passes(Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    let mut seen = uids(&splunk);
    seen.retain(|uid| uid.starts_with(&first.id.to_string()));
    assert_eq!(seen, [first.event_id(), over.event_id()]);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_delivered_while_fresh_ones_go_on() {
    let (splunk, scene) = begin().await;
    splunk.recorded().answer(1, Code::IncorrectIndex);
    let mut alerts = vec![scene.alert("dead")];
    scene.owe_all("soc", &alerts).await;
    scene.empty("soc").await;
    let seq = scene.dead().await[0].seq;
    for round in 0..20 {
        if round == 7 {
            retry(&scene.live, seq, "ann", "").await.unwrap();
        }
        let fresh = scene.alert(&format!("fresh {round}"));
        scene.owe("soc", &fresh).await;
        alerts.push(fresh);
    }
    scene.empty("soc").await;
    holds(&splunk, &alerts, 1);
    assert_eq!(uids(&splunk).len(), alerts.len(), "each once");
    assert!(scene.dead().await.is_empty());
    scene.stop().await;
}

/// Two pagers, of which only one is told again and again.
fn pagers() -> Scene {
    let connections = "  oncall: { connector: pagerduty, routing_key: { file: key } }
  desk: { connector: pagerduty, routing_key: { file: key } }
routes:
  - { to: [oncall], repeat: 4h }
  - to: [desk]";
    Scene::idle(Files::built_in(), connections, &[])
}

/// The first revision is dead, the others came since.
async fn dead_since(scene: &Scene, destination: &'static str, revisions: Vec<Alert>) -> i64 {
    let job = scene.live.store.write(move |tx| {
        let mut dead = None;
        for alert in revisions {
            let revision = tx.put_alert(alert, Times::default())?;
            if dead.is_none() {
                let seq = tx.owe(destination, revision, true)?;
                let cause = DeadLetterCause {
                    status: Some(400),
                    body: Untrusted::new(Vec::new()),
                    reason: "status 400".to_owned(),
                };
                tx.dead_letter(destination, seq, &cause)?;
                dead = Some(seq);
            }
        }
        Ok(dead)
    });
    job.await.unwrap().unwrap()
}

fn noted(alert: &mut Alert) {
    alert.notes.push(Said {
        by: "ann".to_owned(),
        at: alert.at,
        text: "looking".to_owned(),
    });
}

#[tokio::test]
async fn to_a_pager_nothing_is_sent_that_it_heard_something_newer_of() {
    type Next = fn(&mut Alert);
    let cases: [(&str, &str, State, Next, bool); 6] = [
        ("it was noted", "oncall", State::Open, noted, true),
        (
            "it is worse",
            "oncall",
            State::Open,
            |next| next.severity = Severity::Critical,
            false,
        ),
        (
            "it is over",
            "oncall",
            State::Open,
            |next| next.state = State::Resolved,
            false,
        ),
        ("it was said again", "oncall", State::Open, |_| {}, false),
        ("others were told again", "desk", State::Open, |_| {}, true),
        ("its end was noted", "oncall", State::Resolved, noted, true),
    ];
    let scene = pagers();
    for (since, destination, state, next, sent) in cases {
        let mut first = scene.alert(since);
        first.state = state;
        let over = state == State::Resolved;
        let mut second = revised(&first, if over { state } else { State::Updated });
        next(&mut second);
        let alert = first.id;
        let seq = dead_since(&scene, destination, vec![first, second]).await;
        let retried = retry(&scene.live, seq, "ann", "").await;
        assert_eq!(retried.is_ok(), sent, "{since}: {retried:?}");
        let kept = scene.dead().await.iter().any(|letter| letter.seq == seq);
        assert_eq!(kept, !sent, "{since}");
        if let Err(refused) = retried {
            assert_eq!(
                refused.to_string(),
                format!(
                    "`{destination}` keeps how alert {alert} stands, and was owed something newer than revision 1: drop dead letter {seq}"
                )
            );
        }
    }
}

#[tokio::test]
async fn of_an_alert_that_changed_too_often_since_a_pager_is_sent_nothing() {
    let scene = pagers();
    for (changes, sent) in [(199, true), (200, false)] {
        let mut revisions = vec![scene.alert("busy")];
        for number in 0..changes {
            let mut next = revised(revisions.last().unwrap(), State::Updated);
            next.title = format!("title {number}");
            revisions.push(next);
        }
        let seq = dead_since(&scene, "oncall", revisions).await;
        let retried = retry(&scene.live, seq, "ann", "").await;
        assert_eq!(retried.is_ok(), sent, "{changes}: {retried:?}");
    }
}

#[tokio::test]
async fn without_its_destination_it_can_only_be_dropped() {
    let scene = pagers();
    let alert = scene.alert("left");
    let seq = dead_since(&scene, "gone", vec![alert]).await;
    let refused = retry(&scene.live, seq, "ann", "").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "`gone` is no destination any more: name it under `connections:` again, or drop dead letter {seq}"
        )
    );
    let dropped = drop_for_good(&scene.live, seq, "ann", "moved away").await;
    assert_eq!(dropped.unwrap().destination, "gone");
    let again = drop_for_good(&scene.live, seq, "ann", "")
        .await
        .unwrap_err();
    assert_eq!(again.to_string(), format!("there is no dead letter {seq}"));
    let rows = scene.live.store.read(|reader| reader.audit_rows(0, 10));
    let rows = rows.await.unwrap();
    assert_eq!(
        (rows.len(), rows[0].what.as_str()),
        (1, "dead_letter.dropped")
    );
    assert_eq!(rows[0].about["reason"], "moved away");
}
