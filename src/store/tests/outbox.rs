//! What is owed: in order for each alert, and no slower for what waits.

use super::super::{DeadLetterCause, Due, Error, Times};
use super::{Scratch, alert, open_and_owe, revised, scratch};
use crate::alert::{AlertId, State};
use crate::untrusted::Untrusted;

async fn due_after(it: &Scratch, seconds: i64, after: i64) -> Due {
    let now = it.after(seconds);
    it.store
        .read(move |reader| reader.due("soc", now, after, 100))
        .await
        .unwrap()
}

async fn due(it: &Scratch, seconds: i64) -> Vec<i64> {
    let due = due_after(it, seconds, 0).await;
    due.ready.iter().map(|owed| owed.seq).collect()
}

/// Three revisions of `first`, one of `second`, all owed to `soc`: 1, 2, 3 and 4.
async fn four(it: &Scratch) -> (Vec<i64>, AlertId) {
    it.store
        .write(|tx| {
            let (first, seq) = open_and_owe(tx, "first", "soc")?;
            let mut seqs = vec![seq];
            let updated = revised(&first, State::Updated);
            for next in [updated.clone(), revised(&updated, State::Resolved)] {
                let revision = tx.put_alert(next.clone(), Times::default())?;
                seqs.push(tx.owe("soc", revision, false)?);
            }
            seqs.push(open_and_owe(tx, "second", "soc")?.1);
            Ok((seqs, first.id))
        })
        .await
        .unwrap()
}

async fn postpone(it: &Scratch, seq: i64, seconds: i64) {
    let next_at = it.after(seconds);
    it.store
        .write_lazily(move |tx| tx.postpone("soc", seq, 1, next_at, "503"))
        .await
        .unwrap();
}

fn cause() -> DeadLetterCause {
    DeadLetterCause {
        status: Some(400),
        body: Untrusted::new(vec![b'x'; 600]),
        reason: "refused".to_owned(),
    }
}

#[tokio::test]
async fn what_is_owed_comes_in_order_until_it_is_delivered() {
    let it = scratch();
    let (seqs, first) = four(&it).await;
    let found = due_after(&it, 0, 0).await;
    assert_eq!(
        found.ready.iter().map(|owed| owed.seq).collect::<Vec<_>>(),
        seqs
    );
    assert_eq!(found.after, seqs[3]);
    let revision = found.ready[2].revision;
    assert_eq!((revision.alert, revision.number), (first, 3));
    let read = it.store.read(move |reader| reader.revision(revision)).await;
    assert_eq!(read.unwrap().state, State::Resolved);
    assert!(due_after(&it, 0, seqs[3]).await.ready.is_empty());
    let delivered = seqs.clone();
    it.store
        .write_lazily(move |tx| tx.mark_delivered("soc", &delivered[..2]))
        .await
        .unwrap();
    assert_eq!(due(&it, 0).await, seqs[2..]);
}

#[tokio::test]
async fn one_that_is_due_behind_another_does_not_hide_when_that_is() {
    let it = scratch();
    let (seqs, _) = four(&it).await;
    // They travelled together; then the first was tried again by itself.
    postpone(&it, seqs[1], 5).await;
    postpone(&it, seqs[0], 30).await;
    let mine = due(&it, 10).await;
    assert!(
        !mine.contains(&seqs[0]) && !mine.contains(&seqs[1]),
        "{mine:?}"
    );
    let now = it.after(10);
    let next = it.store.read(move |reader| reader.next_due("soc", now));
    assert_eq!(next.await.unwrap(), Some(it.after(30)));
}

#[tokio::test]
async fn a_revision_never_overtakes_the_one_before_it() {
    let it = scratch();
    let (seqs, _) = four(&it).await;
    postpone(&it, seqs[0], 30).await;
    let found = due_after(&it, 0, 0).await;
    assert_eq!(found.ready[0].seq, seqs[3], "another alert is not held up");
    assert_eq!(found.ready.len(), 1);
    assert_eq!(found.behind, seqs[1..3]);
    let behind = found.behind;
    it.store
        .write_lazily(move |tx| tx.park("soc", &behind))
        .await
        .unwrap();
    let again = due_after(&it, 0, 0).await;
    assert!(
        again.behind.is_empty(),
        "parked rows are not read over again"
    );
    let next = it
        .store
        .read(|reader| reader.next_due("soc", jiff::Timestamp::UNIX_EPOCH))
        .await
        .unwrap();
    assert_eq!(next, Some(it.after(30)));
    assert_eq!(due(&it, 30).await, [seqs[0], seqs[3]]);
    for (delivered, next) in [(0, 1), (1, 2)] {
        let delivered = seqs[delivered];
        it.store
            .write_lazily(move |tx| tx.mark_delivered("soc", &[delivered]))
            .await
            .unwrap();
        assert_eq!(due(&it, 30).await, [seqs[next], seqs[3]]);
    }
}

#[tokio::test]
async fn a_row_parked_too_late_is_due_at_once() {
    let it = scratch();
    let (seqs, _) = four(&it).await;
    postpone(&it, seqs[0], 30).await;
    let behind = due_after(&it, 0, 0).await.behind;
    let first = seqs[0];
    it.store
        .write_lazily(move |tx| {
            tx.mark_delivered("soc", &[first])?;
            tx.park("soc", &behind)
        })
        .await
        .unwrap();
    assert_eq!(due(&it, 0).await, [seqs[1], seqs[3]]);
}

#[tokio::test]
async fn of_two_postponed_revisions_the_first_comes_first() {
    let it = scratch();
    let (seqs, _) = four(&it).await;
    postpone(&it, seqs[0], 60).await;
    postpone(&it, seqs[1], 30).await;
    postpone(&it, seqs[2], 30).await;
    assert_eq!(due(&it, 30).await, [seqs[3]]);
    assert_eq!(due(&it, 60).await[0], seqs[0]);
}

#[tokio::test]
async fn a_resumed_destination_is_due_at_once() {
    let it = scratch();
    let (seqs, _) = four(&it).await;
    postpone(&it, seqs[3], 3600).await;
    it.store.write(|tx| tx.hasten("soc")).await.unwrap();
    assert_eq!(due(&it, 0).await, seqs);
}

#[tokio::test]
async fn a_pager_is_told_only_the_newest() {
    let it = scratch();
    let (id, newest) = it
        .store
        .write(|tx| {
            let first = alert(tx, "k");
            let revision = tx.put_alert(first.clone(), Times::default())?;
            tx.owe("soc", revision, true)?;
            tx.owe("log", revision, false)?;
            let resolved = revised(&first, State::Resolved);
            let revision = tx.put_alert(resolved.clone(), Times::default())?;
            Ok((first.id, tx.owe("soc", revision, true)?))
        })
        .await
        .unwrap();
    let gone = it.store.write(move |tx| tx.supersede("soc", id, 2)).await;
    assert_eq!(gone.unwrap(), 1);
    assert_eq!(due(&it, 0).await, [newest]);
    let log = it.store.read(|reader| reader.waiting()).await.unwrap();
    assert_eq!(log.iter().map(|waiting| waiting.count).sum::<u64>(), 2);
}

#[tokio::test]
async fn a_dead_letter_keeps_the_answer_and_lets_the_next_one_pass() {
    let it = scratch();
    let (seqs, first) = four(&it).await;
    postpone(&it, seqs[0], 30).await;
    let behind = due_after(&it, 0, 0).await.behind;
    let dead = seqs[0];
    it.store
        .write(move |tx| {
            tx.park("soc", &behind)?;
            assert!(tx.dead_letter("soc", dead, &cause())?);
            assert!(!tx.dead_letter("soc", dead, &cause())?);
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(due(&it, 0).await, [seqs[1], seqs[3]]);
    let found = it.store.read(move |reader| reader.dead_letter(dead)).await;
    let found = found.unwrap().unwrap();
    assert_eq!(
        (found.destination.as_str(), found.revision.alert),
        ("soc", first)
    );
    assert_eq!((found.attempts, found.cause.status), (2, Some(400)));
    assert_eq!(found.cause.body.as_data().len(), 512);
    let list = it
        .store
        .read(|reader| reader.dead_letters(Some("soc"), None, 10));
    assert_eq!(list.await.unwrap().len(), 1);
    let counts = it.store.read(|reader| reader.dead_letter_counts()).await;
    assert_eq!(counts.unwrap(), [("soc".to_owned(), 1)]);
}

#[tokio::test]
async fn a_dead_letter_can_be_retried_or_dropped() {
    let it = scratch();
    let (seqs, _) = four(&it).await;
    let dead = seqs.clone();
    let done = it
        .store
        .write(move |tx| {
            tx.dead_letter("soc", dead[3], &cause())?;
            tx.dead_letter("soc", dead[2], &cause())?;
            let older = tx.dead_letters(None, Some(dead[3]), 10)?;
            assert_eq!(
                older.iter().map(|one| one.seq).collect::<Vec<_>>(),
                [dead[2]]
            );
            Ok((
                tx.retry_dead_letter(dead[3], false)?,
                tx.drop_dead_letter(dead[2])?,
                tx.retry_dead_letter(dead[2], false)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(done, (true, true, false));
    let found = due_after(&it, 0, seqs[3]).await.ready;
    let (owed, none) = found.split_first().unwrap();
    assert_eq!((owed.seq, owed.attempts), (seqs[3], 1));
    assert_eq!(owed.error.as_deref(), Some("refused"));
    assert!(none.is_empty());
    assert_eq!(due(&it, 0).await, [seqs[0], seqs[1], seqs[3]]);
    let left = it.store.read(|reader| reader.dead_letters(None, None, 10));
    assert!(left.await.unwrap().is_empty());
}

#[tokio::test]
async fn a_retried_dead_letter_comes_before_what_waits_of_its_alert() {
    let it = scratch();
    let (seqs, _) = four(&it).await;
    let first = seqs[0];
    it.store
        .write(move |tx| {
            tx.dead_letter("soc", first, &cause())?;
            tx.retry_dead_letter(first, false)
        })
        .await
        .unwrap();
    let found = due_after(&it, 0, 0).await;
    let ready: Vec<i64> = found.ready.iter().map(|owed| owed.seq).collect();
    assert_eq!(ready, [seqs[0], seqs[3]]);
    assert_eq!(found.behind, seqs[1..3]);
}

#[tokio::test]
async fn waiting_says_how_much_and_since_when() {
    let it = scratch();
    let begun = it.clock.now();
    four(&it).await;
    it.clock.advance(std::time::Duration::from_mins(1));
    it.store
        .write(|tx| open_and_owe(tx, "third", "log"))
        .await
        .unwrap();
    let waiting = it.store.read(|reader| reader.waiting()).await.unwrap();
    assert_eq!(waiting.len(), 2);
    assert_eq!(
        (waiting[0].destination.as_str(), waiting[0].count),
        ("log", 1)
    );
    assert_eq!((waiting[1].count, waiting[1].oldest), (4, Some(begun)));
}

#[tokio::test]
async fn what_is_due_is_found_by_keys_however_much_waits() {
    let it = scratch();
    let plans = it
        .store
        .read(|reader| {
            let mut plans = Vec::new();
            for sql in [super::super::due::POSTPONED, super::super::due::FRESH] {
                plans.extend(reader.many(
                    "explain",
                    &format!("EXPLAIN QUERY PLAN {sql}"),
                    (1, 0, 10),
                    |row| row.get::<_, String>(3),
                )?);
            }
            Ok::<_, Error>(plans)
        })
        .await
        .unwrap();
    insta::assert_snapshot!(plans.join("\n"), @r"
    SEARCH outbox USING INDEX outbox_postponed (destination=? AND next_at_ms<?)
    CORRELATED SCALAR SUBQUERY 1
    SEARCH first USING INDEX outbox_of_alert (destination=? AND alert=? AND seq<?)
    SEARCH outbox USING PRIMARY KEY (destination=? AND seq>?)
    CORRELATED SCALAR SUBQUERY 1
    SEARCH first USING INDEX outbox_of_alert (destination=? AND alert=? AND seq<?)
    ");
}
