//! Retention removes what is over and that nothing refers to any more.

use super::super::over::Gone;
use super::super::{DeadLetterCause, Error, RawRef, Standing, Store, Times, Tx};
use super::containment::action;
use super::{Scratch, alert, keep, open_and_owe, raw, revised, scratch, signal, time};
use crate::action::{Action, ActionId, Call, State as ActionState};
use crate::alert::{Alert, AlertId, State};
use crate::untrusted::Untrusted;

async fn write<T: Send + 'static>(
    it: &Scratch,
    job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> T {
    it.store.write(job).await.unwrap()
}

async fn count(store: &Store, table: &'static str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let count = store.read(move |reader| reader.number("count", &sql, []));
    count.await.unwrap()
}

async fn is_kept(it: &Scratch, id: AlertId) -> bool {
    let found = it.store.read(move |reader| reader.alert(id)).await;
    found.unwrap().is_some()
}

fn closed(tx: &mut Tx<'_>, key: &str) -> Result<Alert, Error> {
    let opened = alert(tx, key);
    tx.put_alert(opened.clone(), Times::default())?;
    let closed = revised(&opened, State::Resolved);
    tx.put_alert(closed.clone(), Times::default())?;
    Ok(closed)
}

fn call(tx: &Tx<'_>) -> Call {
    Call {
        phase: "do".to_owned(),
        step: 0,
        method: "POST".to_owned(),
        url: "https://mlflow.local/".to_owned(),
        status: Some(200),
        verdict: "done".to_owned(),
        at: tx.now(),
        took_ms: 3,
    }
}

fn cause() -> DeadLetterCause {
    DeadLetterCause {
        status: Some(400),
        body: Untrusted::new(Vec::new()),
        reason: "refused".to_owned(),
    }
}

/// An action in a state, with a call, that answers `alert`.
fn asked(
    tx: &mut Tx<'_>,
    state: ActionState,
    changed: bool,
    alert: Option<AlertId>,
) -> Result<ActionId, Error> {
    let asked = Action {
        state,
        changed,
        alert,
        idempotency_key: None,
        ..action(tx, "")
    };
    tx.put_action(&asked)?;
    let call = call(tx);
    tx.add_call(asked.id, &call)?;
    Ok(asked.id)
}

#[tokio::test]
async fn a_closed_alert_goes_with_its_revisions_when_nothing_refers_to_it() {
    let it = scratch();
    let (free, kept) = write(&it, |tx| {
        let free = vec![closed(tx, "old")?.id, {
            let alert = closed(tx, "withdrawn")?;
            asked(tx, ActionState::Cancelled, false, Some(alert.id))?;
            alert.id
        }];
        let mut kept = Vec::new();
        let open = alert(tx, "open");
        tx.put_alert(open.clone(), Times::default())?;
        kept.push(open.id);
        let (owed, _) = open_and_owe(tx, "owed", "soc")?;
        tx.put_alert(revised(&owed, State::Resolved), Times::default())?;
        kept.push(owed.id);
        let (dead, seq) = open_and_owe(tx, "dead", "soc")?;
        tx.put_alert(revised(&dead, State::Resolved), Times::default())?;
        tx.dead_letter("soc", seq, &cause())?;
        kept.push(dead.id);
        for (state, changed) in [(ActionState::Queued, false), (ActionState::Succeeded, true)] {
            let answered = closed(tx, state.as_str())?;
            asked(tx, state, changed, Some(answered.id))?;
            kept.push(answered.id);
        }
        // A signal that stays for another alert's sake still shows that it counts in this one.
        let shown = closed(tx, "shown")?;
        let both = signal(tx, "both");
        let standing = Standing::Read(&[shown.id, open.id]);
        tx.insert_signal(&both, RawRef::Own(&raw()), standing)?;
        kept.push(shown.id);
        tx.audit("soar", "alert.resolved", &serde_json::json!({}))?;
        Ok((free, kept))
    })
    .await;
    it.clock.advance(std::time::Duration::from_mins(1));
    let lately = write(&it, |tx| closed(tx, "lately")).await.id;
    let swept = it.store.sweep(it.after(-30), u64::MAX, 2).await.unwrap();
    assert_eq!((swept.alerts, swept.actions), (2, 1));
    for id in free {
        assert!(!is_kept(&it, id).await);
    }
    for id in kept.iter().chain([&lately]) {
        assert!(is_kept(&it, *id).await, "{kept:?} {id}");
    }
    // One of the open alert, two of each other.
    assert_eq!(count(&it.store, "revisions").await, 1 + 6 * 2);
    assert_eq!(count(&it.store, "audit").await, 1);
}

#[tokio::test]
async fn an_alert_that_opened_long_ago_and_closed_lately_stays() {
    let it = scratch();
    let opened = write(&it, |tx| {
        let opened = alert(tx, "long");
        tx.put_alert(opened.clone(), Times::default())?;
        Ok(opened)
    })
    .await;
    it.clock.advance(std::time::Duration::from_mins(1));
    let id = opened.id;
    write(&it, move |tx| {
        let mut over = revised(&opened, State::Resolved);
        over.revised_at = tx.now();
        tx.put_alert(over.clone(), Times::default())
    })
    .await;
    it.store.sweep(it.after(-30), u64::MAX, 2).await.unwrap();
    assert!(is_kept(&it, id).await);
    it.store.sweep(it.after(1), u64::MAX, 2).await.unwrap();
    assert!(!is_kept(&it, id).await);
    assert_eq!(count(&it.store, "revisions").await, 0);
}

#[tokio::test]
async fn an_action_goes_once_nothing_is_left_to_do_or_to_undo() {
    let it = scratch();
    let cases = [
        (ActionState::Queued, false, true),
        (ActionState::Running, true, true),
        (ActionState::Unknown, true, true),
        (ActionState::Succeeded, true, true),
        (ActionState::Succeeded, false, false),
        (ActionState::Failed, true, true),
        (ActionState::Failed, false, false),
        (ActionState::Rejected, false, false),
        (ActionState::Expired, false, false),
        (ActionState::Cancelled, false, false),
        (ActionState::Reverting, true, true),
        (ActionState::Reverted, true, false),
        (ActionState::RevertConflict, true, true),
        (ActionState::RevertFailed, true, true),
    ];
    let ids = write(&it, move |tx| {
        let asked = cases.map(|(state, changed, _)| asked(tx, state, changed, None));
        asked.into_iter().collect::<Result<Vec<_>, _>>()
    })
    .await;
    it.store.sweep(it.after(-1), u64::MAX, 100).await.unwrap();
    assert_eq!(count(&it.store, "actions").await, 14);
    let swept = it.store.sweep(it.after(1), u64::MAX, 100).await.unwrap();
    assert_eq!(swept.actions, 6);
    for (id, (state, changed, stays)) in ids.into_iter().zip(cases) {
        let found = it.store.read(move |reader| reader.action(id)).await;
        assert_eq!(found.unwrap().is_some(), stays, "{state:?} {changed}");
        let calls = it.store.read(move |reader| reader.calls(id)).await;
        assert_eq!(calls.unwrap().len(), usize::from(stays));
    }
}

#[tokio::test]
async fn many_rows_go_in_small_steps() {
    let it = scratch();
    write(&it, |tx| {
        let mut flapping = alert(tx, "flapping");
        for _ in 0..9 {
            tx.put_alert(flapping.clone(), Times::default())?;
            flapping = revised(&flapping, State::Updated);
        }
        tx.put_alert(revised(&flapping, State::Resolved), Times::default())?;
        let id = asked(tx, ActionState::Reverted, true, None)?;
        for _ in 0..8 {
            let call = call(tx);
            tx.add_call(id, &call)?;
        }
        Ok(())
    })
    .await;
    let before = it.store.jobs();
    it.store.sweep(it.after(1), u64::MAX, 3).await.unwrap();
    // Ten calls and rows of the action, and eleven of the alert, three at a time; one for echoes.
    assert_eq!(it.store.jobs() - before, 4 + 4 + 1);
    for table in ["alerts", "revisions", "actions", "calls"] {
        assert_eq!(count(&it.store, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn young_closed_alerts_go_after_all_signals_when_there_is_too_much() {
    let it = scratch();
    let (over, open) = write(&it, |tx| {
        keep(tx, "young")?;
        let open = alert(tx, "open");
        tx.put_alert(open.clone(), Times::default())?;
        Ok((closed(tx, "over")?.id, open.id))
    })
    .await;
    it.store.sweep(it.after(-60), u64::MAX, 10).await.unwrap();
    assert!(is_kept(&it, over).await);
    it.store.sweep(it.after(-60), 1, 10).await.unwrap();
    assert!(!is_kept(&it, over).await);
    assert!(is_kept(&it, open).await);
}

#[tokio::test]
async fn an_alert_that_an_action_is_asked_for_meanwhile_stays() {
    let it = scratch();
    let id = write(&it, |tx| closed(tx, "old")).await.id;
    write(&it, move |tx| {
        asked(tx, ActionState::Queued, false, Some(id))?;
        assert_eq!(tx.remove_closed(&[Gone::Alert(id.raw())])?, 0);
        Ok(())
    })
    .await;
    assert!(is_kept(&it, id).await);
}

#[tokio::test]
async fn an_alert_goes_once_its_dead_letter_is_dropped() {
    let it = scratch();
    let (id, seq) = write(&it, |tx| {
        let (dead, seq) = open_and_owe(tx, "dead", "soc")?;
        tx.put_alert(revised(&dead, State::Resolved), Times::default())?;
        tx.dead_letter("soc", seq, &cause())?;
        Ok((dead.id, seq))
    })
    .await;
    it.store.sweep(it.after(1), u64::MAX, 10).await.unwrap();
    assert!(is_kept(&it, id).await);
    write(&it, move |tx| tx.drop_dead_letter(seq)).await;
    it.store.sweep(it.after(1), u64::MAX, 10).await.unwrap();
    assert!(!is_kept(&it, id).await);
}

#[tokio::test]
async fn identifiers_of_alerts_and_actions_that_went_are_not_used_again() {
    let it = scratch();
    let (alert, action) = write(&it, |tx| {
        let alert = closed(tx, "1")?.id;
        Ok((alert, asked(tx, ActionState::Rejected, false, None)?))
    })
    .await;
    it.store.sweep(it.after(1), u64::MAX, 10).await.unwrap();
    it.clock.jump_to(time("2020-01-01T00:00:00Z"));
    let it = it.reopened().await;
    let next = write(&it, |tx| Ok(tx.next_id::<()>())).await;
    assert!(next.raw() > alert.raw().max(action.raw()));
}
