//! Actions, calls, echoes and time limits.

use serde_json::{Map, json};

use super::super::{ActionFilter, Expected, Tx};
use super::{name, scratch};
use crate::action::{Action, Call, Effect, State};

pub(super) fn action(tx: &Tx<'_>, key: &str) -> Action {
    Action {
        id: tx.next_id(),
        action: "mlflow/move-alias".to_owned(),
        at: "registry".to_owned(),
        with: Map::new(),
        state: State::Queued,
        effect: Effect::None,
        changed: false,
        message: String::new(),
        alert: None,
        by: "soar".to_owned(),
        reason: None,
        incident: None,
        idempotency_key: Some(key.to_owned()),
        fingerprint: "f".to_owned(),
        requested_at: tx.now(),
        changed_at: tx.now(),
        proven_at: None,
        ttl_seconds: None,
        until: None,
        revert_asked: false,
        drift: None,
        kept: Map::new(),
        after: Map::new(),
        progress: json!(null),
    }
}

#[tokio::test]
async fn an_action_asked_for_twice_is_found_by_its_key() {
    let it = scratch();
    let kept = it
        .store
        .write(|tx| {
            let action = action(tx, "k");
            tx.put_action(&action)?;
            Ok(action)
        })
        .await
        .unwrap();
    let find = |caller: &'static str, key: &'static str| {
        it.store
            .read(move |reader| reader.action_asked_for(caller, key))
    };
    assert_eq!(find("soar", "k").await.unwrap(), Some(kept));
    assert_eq!(find("soar", "other").await.unwrap(), None);
    assert_eq!(find("another", "k").await.unwrap(), None);
}

#[tokio::test]
async fn unfinished_actions_are_taken_up_at_a_start() {
    let it = scratch();
    let (open, done) = it
        .store
        .write(|tx| {
            let open = action(tx, "1");
            tx.put_action(&open)?;
            let mut done = action(tx, "2");
            tx.put_action(&done)?;
            done.state = State::Failed;
            tx.put_action(&done)?;
            let mut unknown = action(tx, "3");
            unknown.state = State::Unknown;
            tx.put_action(&unknown)?;
            Ok((vec![open.id, unknown.id], done))
        })
        .await
        .unwrap();
    let it = it.reopened().await;
    let found = it
        .store
        .read(|reader| reader.unfinished_actions())
        .await
        .unwrap();
    assert_eq!(
        found.iter().map(|action| action.id).collect::<Vec<_>>(),
        open
    );
    let filter = ActionFilter {
        state: Some(State::Failed),
        ..ActionFilter::default()
    };
    let found = it
        .store
        .read(move |reader| reader.actions(&filter, 10))
        .await;
    assert_eq!(found.unwrap(), [done]);
}

#[tokio::test]
async fn a_time_limit_is_due_when_it_has_passed_until_the_undo_begins() {
    let it = scratch();
    let until = it.after(60);
    let mut held = it
        .store
        .write(move |tx| {
            let mut held = action(tx, "1");
            held.state = State::Succeeded;
            held.until = Some(until);
            tx.put_action(&held)?;
            Ok(held)
        })
        .await
        .unwrap();
    let it = it.reopened().await;
    let due = |seconds| {
        let now = it.after(seconds);
        it.store.read(move |reader| reader.actions_due(now, 10))
    };
    assert!(due(59).await.unwrap().is_empty());
    assert_eq!(due(60).await.unwrap(), [held.clone()]);
    let next = it.store.read(|reader| reader.next_action_due()).await;
    assert_eq!(next.unwrap(), Some(until));
    held.state = State::Reverting;
    it.store
        .write(move |tx| tx.put_action(&held))
        .await
        .unwrap();
    assert!(due(60).await.unwrap().is_empty());
    let unfinished = it.store.read(|reader| reader.unfinished_actions()).await;
    assert_eq!(unfinished.unwrap().len(), 1);
}

#[tokio::test]
async fn calls_are_kept_before_and_after_their_answer() {
    let it = scratch();
    let calls = it
        .store
        .write(|tx| {
            let action = action(tx, "1");
            let mut call = Call {
                phase: "do".to_owned(),
                step: 0,
                method: "POST".to_owned(),
                url: "https://mlflow.local/alias".to_owned(),
                status: None,
                verdict: "sent".to_owned(),
                at: tx.now(),
                took_ms: 0,
            };
            assert_eq!(tx.add_call(action.id, &call)?, 1);
            assert_eq!(tx.add_call(action.id, &call)?, 2);
            call.status = Some(200);
            tx.put_call(action.id, 1, &call)?;
            tx.calls(action.id)
        })
        .await
        .unwrap();
    let statuses: Vec<_> = calls.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(200), None]);
}

#[tokio::test]
async fn an_echo_is_used_once_and_only_in_its_time() {
    let it = scratch();
    let (from, until) = (it.clock.now(), it.after(300));
    let id = it
        .store
        .write(move |tx| {
            let expected = Expected {
                connection: "registry".to_owned(),
                name: name(),
                action: tx.next_id(),
                expected: json!({ "alias": "champion" }),
                from,
                until,
            };
            tx.expect_echo(&expected)
        })
        .await
        .unwrap();
    for (connection, seconds, found) in [
        ("registry", 0, 1),
        ("registry", 300, 1),
        ("registry", 301, 0),
        ("registry", -1, 0),
        ("elsewhere", 0, 0),
    ] {
        let at = it.after(seconds);
        let echoes = it.store.write(move |tx| tx.echoes(connection, &name(), at));
        assert_eq!(echoes.await.unwrap().len(), found, "{connection} {seconds}");
    }
    let used = it
        .store
        .write(move |tx| {
            let signal = tx.next_id();
            Ok((tx.use_echo(id, signal)?, tx.use_echo(id, signal)?))
        })
        .await
        .unwrap();
    assert_eq!(used, (true, false));
    let at = it.clock.now();
    let left = it.store.write(move |tx| tx.echoes("registry", &name(), at));
    assert!(left.await.unwrap().is_empty());
}
