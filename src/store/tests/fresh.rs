//! What is handed over in memory is what the outbox would have given, or nothing.

use rusqlite::StatementStatus;

use super::super::due::FRESH;
use super::super::{DeadLetterCause, Error, Store};
use super::{Scratch, Times, alert, open_and_owe, scratch};
use crate::untrusted::Untrusted;

async fn owe(it: &Scratch, keys: std::ops::Range<usize>) -> Vec<i64> {
    it.store
        .write(move |tx| {
            keys.map(|key| Ok(open_and_owe(tx, &format!("key-{key}"), "soc")?.1))
                .collect()
        })
        .await
        .unwrap()
}

fn taken(store: &Store, after: i64, limit: usize) -> Option<Vec<i64>> {
    let rows = store.take_fresh("soc", after, limit)?;
    Some(rows.iter().map(|(owed, _)| owed.seq).collect())
}

#[tokio::test]
async fn rows_are_handed_over_once_in_their_order_with_their_revisions() {
    let it = scratch();
    let seqs = owe(&it, 0..3).await;
    let first = it.store.take_fresh("soc", 0, 2).unwrap();
    for (owed, alert) in &first {
        assert_eq!(owed.revision.alert, alert.id);
        let revision = owed.revision;
        let kept = it.store.read(move |reader| reader.revision(revision)).await;
        assert_eq!(&kept.unwrap(), alert.as_ref());
    }
    assert_eq!(first.len(), 2);
    assert_eq!(taken(&it.store, seqs[1], 10), Some(vec![seqs[2]]));
    assert_eq!(taken(&it.store, seqs[2], 10), Some(vec![]));
}

#[tokio::test]
async fn whoever_begins_anew_has_to_read_the_outbox() {
    let it = scratch();
    let seqs = owe(&it, 0..2).await;
    assert_eq!(taken(&it.store, 0, 10), Some(seqs.clone()));
    assert_eq!(taken(&it.store, 0, 10), None);
    assert_eq!(taken(&it.store, seqs[1], 10), Some(vec![]));
}

#[tokio::test]
async fn what_was_owed_before_the_start_is_not_in_memory() {
    let it = scratch();
    owe(&it, 0..1).await;
    let it = it.reopened().await;
    let seqs = owe(&it, 1..2).await;
    assert_eq!(taken(&it.store, 0, 10), None);
    assert_eq!(taken(&it.store, seqs[0] - 1, 10), Some(seqs));
}

#[tokio::test]
async fn beyond_the_bound_the_oldest_are_only_in_the_outbox() {
    let it = scratch();
    let mut seqs = Vec::new();
    for start in (0..5_000).step_by(500) {
        seqs.extend(owe(&it, start..start + 500).await);
    }
    assert_eq!(taken(&it.store, 0, 10), None);
    let kept = &seqs[seqs.len() - 4_096..];
    assert_eq!(taken(&it.store, kept[0] - 1, 5_000).unwrap(), kept);
}

#[tokio::test]
async fn large_revisions_are_bounded_by_their_bytes() {
    let it = scratch();
    let seqs = it
        .store
        .write(|tx| {
            let mut seqs = Vec::new();
            for key in 0..20 {
                let mut large = alert(tx, &format!("key-{key}"));
                large.summary = "x".repeat(1_000_000);
                let revision = tx.put_alert(large, Times::default())?;
                seqs.push(tx.owe("soc", revision, false)?);
            }
            Ok(seqs)
        })
        .await
        .unwrap();
    assert_eq!(taken(&it.store, seqs[3], 100), None);
    assert_eq!(taken(&it.store, seqs[4], 100).unwrap(), seqs[5..]);
}

#[tokio::test]
async fn while_a_row_is_postponed_only_the_outbox_knows_what_stands_behind_it() {
    let it = scratch();
    let seqs = owe(&it, 0..3).await;
    let at = it.after(60);
    let first = seqs[0];
    it.store
        .write_lazily(move |tx| tx.postpone("soc", first, 1, at, "busy"))
        .await
        .unwrap();
    assert_eq!(taken(&it.store, seqs[0], 10), None);
    // It stays so across a restart, and ends with the last postponed row.
    let it = it.reopened().await;
    assert_eq!(taken(&it.store, seqs[2], 10), None);
    it.store
        .write_lazily(move |tx| tx.mark_delivered("soc", &[first]))
        .await
        .unwrap();
    assert_eq!(taken(&it.store, seqs[2], 10), Some(vec![]));
}

#[tokio::test]
async fn a_retried_dead_letter_is_found_in_the_outbox_while_fresh_rows_go_on() {
    let it = scratch();
    let seqs = owe(&it, 0..2).await;
    assert_eq!(taken(&it.store, 0, 10), Some(seqs.clone()));
    let dead = seqs[0];
    it.store
        .write(move |tx| {
            let cause = DeadLetterCause {
                status: Some(400),
                body: Untrusted::new(Vec::new()),
                reason: "refused".to_owned(),
            };
            tx.dead_letter("soc", dead, &cause)?;
            tx.retry_dead_letter(dead, false)
        })
        .await
        .unwrap();
    let fresh = owe(&it, 2..3).await;
    assert_eq!(taken(&it.store, seqs[1], 10), None);
    let (now, after) = (it.clock.now(), seqs[1]);
    let due = it
        .store
        .read(move |reader| reader.due("soc", now, after, 10));
    let due: Vec<i64> = due.await.unwrap().ready.iter().map(|row| row.seq).collect();
    assert_eq!(due, [dead, fresh[0]]);
    it.store
        .write_lazily(move |tx| tx.mark_delivered("soc", &[dead]))
        .await
        .unwrap();
    assert_eq!(taken(&it.store, seqs[1], 10), Some(fresh));
}

#[tokio::test]
async fn what_was_rolled_back_is_not_handed_over() {
    let it = scratch();
    let failed: Result<(), Error> = it
        .store
        .write(|tx| {
            open_and_owe(tx, "key", "soc")?;
            Err(Error::Busy)
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(
        taken(&it.store, 0, 10).unwrap_or_default(),
        Vec::<i64>::new()
    );
}

#[tokio::test]
async fn a_run_of_rows_goes_at_once_and_takes_no_other_with_it() {
    let it = scratch();
    let seqs = owe(&it, 0..8).await;
    for (gone, left) in [
        (vec![0, 1, 2, 3], vec![4, 5, 6, 7]),
        // One in between stays, one is gone already.
        (vec![4, 5, 7, 3], vec![6]),
    ] {
        let gone: Vec<i64> = gone.into_iter().map(|at: usize| seqs[at]).collect();
        it.store
            .write_lazily(move |tx| tx.mark_delivered("soc", &gone))
            .await
            .unwrap();
        let now = it.clock.now();
        let due = it
            .store
            .read(move |reader| reader.due("soc", now, 0, 100))
            .await
            .unwrap();
        let found: Vec<i64> = due.ready.iter().map(|owed| owed.seq).collect();
        let left: Vec<i64> = left.into_iter().map(|at: usize| seqs[at]).collect();
        assert_eq!(found, left);
    }
}

#[tokio::test]
async fn a_query_is_prepared_once_whatever_values_it_is_given() {
    let it = scratch();
    owe(&it, 0..3).await;
    let now = it.clock.now();
    let anew = it
        .store
        .read(move |reader| {
            for after in 0..5 {
                reader.due("soc", now, after, 100)?;
            }
            let statement = reader.connection().prepare_cached(FRESH).unwrap();
            Ok(statement.get_status(StatementStatus::RePrepare))
        })
        .await
        .unwrap();
    assert_eq!(anew, 0);
}

#[tokio::test]
async fn what_the_one_before_delivered_is_not_handed_to_the_next() {
    let it = scratch();
    let seqs = owe(&it, 0..2).await;
    // The one before had read the outbox, not the memory.
    let delivered = seqs.clone();
    it.store
        .write(move |tx| tx.mark_delivered("soc", &delivered))
        .await
        .unwrap();
    it.store.forget_fresh("soc");
    assert_eq!(taken(&it.store, 0, 10), None);
    let more = owe(&it, 2..3).await;
    assert_eq!(taken(&it.store, seqs[1], 10), Some(more));
}
