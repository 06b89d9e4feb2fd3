//! Retention removes what is old and needed by nothing.

use super::super::{RawRef, Standing, Times};
use super::containment::action;
use super::{Scratch, alert, keep, open_and_owe, raw, revised, scratch, signal};
use crate::action::{Action, State as Done};
use crate::alert::State;
use crate::signal::SignalId;

async fn is_kept(it: &Scratch, id: SignalId) -> bool {
    let found = it.store.read(move |reader| reader.signal(id)).await;
    found.unwrap().is_some()
}

async fn count(it: &Scratch, table: &'static str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    let count = it
        .store
        .read(move |reader| reader.number("count", &sql, []));
    count.await.unwrap()
}

#[tokio::test]
async fn only_what_nothing_needs_is_removed() {
    let it = scratch();
    let (kept, free) = it
        .store
        .write(|tx| {
            let mut kept = Vec::new();
            let mut free = Vec::new();
            let mut insert = |tx: &mut super::Tx<'_>, standing: Standing<'_>, free_of: bool| {
                let signal = signal(tx, "x");
                tx.insert_signal(&signal, RawRef::Own(&raw()), standing)?;
                if free_of {
                    free.push(signal.id);
                } else {
                    kept.push(signal.id);
                }
                Ok::<_, super::super::Error>(())
            };
            let open = alert(tx, "open");
            tx.put_alert(open.clone(), Times::default())?;
            let closed = alert(tx, "closed");
            tx.put_alert(revised(&closed, State::Resolved), Times::default())?;
            let (owed, _) = open_and_owe(tx, "owed", "soc")?;
            tx.put_alert(revised(&owed, State::Resolved), Times::default())?;
            // Of one action something is left to do, of another something to undo.
            for (state, until) in [(Done::Running, None), (Done::Succeeded, Some(tx.now()))] {
                let acted = alert(tx, "acted");
                tx.put_alert(revised(&acted, State::Resolved), Times::default())?;
                let asked = Action {
                    state,
                    until,
                    changed: true,
                    alert: Some(acted.id),
                    idempotency_key: None,
                    ..action(tx, "")
                };
                tx.put_action(&asked)?;
                insert(tx, Standing::Read(&[acted.id]), false)?;
            }
            insert(tx, Standing::Read(&[]), true)?;
            insert(tx, Standing::Read(&[closed.id]), true)?;
            insert(tx, Standing::Read(&[open.id]), false)?;
            insert(tx, Standing::Read(&[owed.id]), false)?;
            insert(tx, Standing::Read(&[closed.id, open.id]), false)?;
            insert(tx, Standing::Read(&[closed.id, owed.id]), false)?;
            insert(tx, Standing::Waiting(&[]), false)?;
            insert(
                tx,
                Standing::Stuck {
                    alerts: &[],
                    reason: "",
                    trace: "",
                },
                false,
            )?;
            insert(tx, Standing::Refused { reason: "" }, true)?;
            Ok((kept, free))
        })
        .await
        .unwrap();
    let swept = it.store.sweep(it.after(1), u64::MAX, 2).await.unwrap();
    assert_eq!((swept.signals, swept.needed), (3, 8));
    for id in kept {
        assert!(is_kept(&it, id).await);
    }
    for id in free {
        assert!(!is_kept(&it, id).await);
    }
    assert_eq!(count(&it, "contents").await, 8);
}

#[tokio::test]
async fn young_signals_stay_unless_there_is_too_much() {
    let it = scratch();
    let old = it.store.write(|tx| keep(tx, "old")).await.unwrap();
    it.clock.advance(std::time::Duration::from_mins(1));
    let young = it.store.write(|tx| keep(tx, "young")).await.unwrap();
    it.store.sweep(it.after(-30), u64::MAX, 10).await.unwrap();
    assert!(!is_kept(&it, old.id).await);
    assert!(is_kept(&it, young.id).await);
    it.store.sweep(it.after(-3600), 1, 10).await.unwrap();
    assert!(!is_kept(&it, young.id).await);
}

#[tokio::test]
async fn a_shared_body_goes_with_its_last_signal() {
    let it = scratch();
    it.store
        .write(|tx| {
            let body = tx.insert_body(&raw())?;
            for vendor_id in ["1", "2"] {
                let signal = signal(tx, vendor_id);
                tx.insert_signal(&signal, RawRef::Shared(body), Standing::Read(&[]))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    // One of the two goes, and the other one still reads back.
    let first = it
        .store
        .write(|tx| {
            let body = tx.insert_body(&raw())?;
            let first = signal(tx, "3");
            tx.insert_signal(&first, RawRef::Shared(body), Standing::Read(&[]))?;
            let waits = signal(tx, "4");
            tx.insert_signal(&waits, RawRef::Shared(body), Standing::Waiting(&[]))?;
            Ok(first.id)
        })
        .await
        .unwrap();
    it.store.sweep(it.after(1), u64::MAX, 1).await.unwrap();
    assert!(!is_kept(&it, first).await);
    assert_eq!(count(&it, "bodies").await, 1);
}

#[tokio::test]
async fn identifiers_are_not_used_again_after_a_sweep() {
    let it = scratch();
    let before = it.store.write(|tx| keep(tx, "1")).await.unwrap();
    it.store.sweep(it.after(1), u64::MAX, 10).await.unwrap();
    it.clock.jump_to(super::time("2020-01-01T00:00:00Z"));
    let it = it.reopened().await;
    let after = it.store.write(|tx| keep(tx, "2")).await.unwrap();
    assert!(after.id > before.id);
}

#[tokio::test]
async fn what_was_removed_is_no_longer_remembered_as_a_repeat_and_what_was_kept_is() {
    let it = scratch();
    let sent = |tx: &mut super::Tx<'_>, vendor_id: &str| {
        let hash = tx.memory.hash(&["local", "evidently", "test", vendor_id]);
        Ok(tx.memory.repeats.candidates(hash).count())
    };
    for vendor_id in ["1", "2"] {
        it.store.write(move |tx| keep(tx, vendor_id)).await.unwrap();
    }
    it.clock.advance(std::time::Duration::from_mins(1));
    it.store.write(|tx| keep(tx, "3")).await.unwrap();
    it.store.sweep(it.after(-30), u64::MAX, 1).await.unwrap();
    let mut known = Vec::new();
    for vendor_id in ["1", "2", "3"] {
        known.push(it.store.write(move |tx| sent(tx, vendor_id)).await.unwrap());
    }
    assert_eq!(known, [0, 0, 1]);
    // With the last of them gone, what comes in the same transaction is still remembered.
    it.store.sweep(it.after(1), u64::MAX, 10).await.unwrap();
    it.store.write(|tx| keep(tx, "4")).await.unwrap();
    let known = it
        .store
        .write(move |tx| Ok((sent(tx, "3")?, sent(tx, "4")?)));
    assert_eq!(known.await.unwrap(), (0, 1));
}
