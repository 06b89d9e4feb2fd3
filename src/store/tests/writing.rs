//! Jobs, groups, syncs and rollbacks.

use std::sync::mpsc;

use serde_json::json;

use super::super::{Error, Options};
use super::{keep, options, scratch, scratch_with};

#[tokio::test]
async fn jobs_that_wait_together_share_one_sync() {
    let it = scratch();
    let (go, gate) = mpsc::channel();
    let held = it.store.write(move |_| {
        gate.recv().unwrap();
        Ok(())
    });
    let job = |vendor_id: &'static str| it.store.write(move |tx| keep(tx, vendor_id));
    let (held, one, two, three, ()) = tokio::join!(held, job("1"), job("2"), job("3"), async {
        go.send(()).unwrap();
    });
    held.unwrap();
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(it.store.syncs(), 1);
    assert_eq!(it.store.jobs(), 4);
}

#[tokio::test]
async fn a_lazy_job_forces_no_sync() {
    let it = scratch();
    it.store.write_lazily(|tx| keep(tx, "1")).await.unwrap();
    assert_eq!((it.store.commits(), it.store.syncs()), (1, 0));
}

#[tokio::test]
async fn a_lazy_job_rides_on_a_durable_one() {
    let it = scratch_with(Options {
        lazy_wait: std::time::Duration::from_mins(1),
        ..options()
    });
    let lazy = it.store.write_lazily(|tx| keep(tx, "1"));
    let durable = it.store.write(|tx| keep(tx, "2"));
    let (lazy, durable) = tokio::join!(lazy, durable);
    assert!(lazy.is_ok() && durable.is_ok());
    assert_eq!((it.store.commits(), it.store.syncs()), (1, 1));
}

#[tokio::test]
async fn a_job_that_needs_no_sync_waits_for_none() {
    let it = scratch_with(Options {
        lazy_wait: std::time::Duration::from_mins(10),
        ..options()
    });
    let answered = it.store.write_unsynced(|tx| keep(tx, "1"));
    let within = std::time::Duration::from_mins(1);
    tokio::time::timeout(within, answered)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((it.store.commits(), it.store.syncs()), (1, 0));
    it.store.write(|tx| keep(tx, "2")).await.unwrap();
    assert_eq!((it.store.commits(), it.store.syncs()), (2, 1));
}

#[tokio::test]
async fn an_answer_drawn_from_an_unsynced_commit_is_synced_first() {
    let it = scratch();
    it.store.write_lazily(|tx| keep(tx, "1")).await.unwrap();
    it.store.write(|_| Ok(())).await.unwrap();
    assert_eq!(it.store.syncs(), 1);
    it.store.write(|_| Ok(())).await.unwrap();
    assert_eq!(it.store.syncs(), 1, "there was nothing left to sync");
}

#[tokio::test]
async fn a_failed_job_takes_its_group_with_it_and_no_other() {
    let it = scratch();
    let (go, gate) = mpsc::channel();
    let before = it.store.write(move |tx| {
        gate.recv().unwrap();
        tx.audit("andon", "before", &json!({}))
    });
    let failing = it.store.write(|_| Err::<(), _>(Error::Busy));
    let after = it.store.write(|tx| tx.audit("andon", "after", &json!({})));
    let (before, failing, after, ()) = tokio::join!(before, failing, after, async {
        go.send(()).unwrap();
    });
    assert!(matches!(before, Err(Error::RolledBack { .. })));
    assert!(matches!(failing, Err(Error::Busy)));
    assert_eq!(after.unwrap(), 1);
    let rows = it
        .store
        .read(|reader| reader.audit_rows(0, 10))
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].what, "after");
}

#[tokio::test]
async fn a_job_that_panics_is_rolled_back_and_the_store_goes_on() {
    let it = scratch();
    let fallen = it.store.write(|tx| -> Result<(), Error> {
        keep(tx, "1")?;
        panic!("on purpose")
    });
    assert!(matches!(fallen.await, Err(Error::Panicked)));
    let repeat = it
        .store
        .write(|tx| tx.repeat_of("local", &super::name(), "1", jiff::Timestamp::MIN));
    assert_eq!(repeat.await.unwrap(), None);
}

#[tokio::test]
async fn what_was_handed_over_before_the_close_is_done() {
    let it = scratch();
    let job = it.store.write_lazily(|tx| keep(tx, "1"));
    let (kept, ()) = tokio::join!(job, it.store.close());
    let kept = kept.unwrap();
    assert!(matches!(
        it.store.write(|_| Ok(())).await,
        Err(Error::Closed)
    ));
    assert!(matches!(it.store.room(), Err(Error::Closed)));
    let it = it.reopened().await;
    let found = it.store.read(move |reader| reader.signal(kept.id)).await;
    assert!(found.unwrap().is_some());
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_takes_no_new_work_and_what_goes_on_is_kept() {
    let it = scratch_with(Options {
        least_free: u64::MAX,
        ..options()
    });
    let refused = it.store.room().unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the store has no room: its disk is nearly full; free some space there"
    );
    assert!(refused.is_full());
    let kept = it.store.write(|tx| keep(tx, "1")).await.unwrap();
    let found = it.store.read(move |reader| reader.signal(kept.id)).await;
    assert!(found.unwrap().is_some());
    assert!(scratch().store.room().is_ok());
}

#[tokio::test]
async fn a_full_store_says_so_and_keeps_what_it_has() {
    let it = scratch_with(Options {
        most_bytes: 400_000,
        ..options()
    });
    let first = it.store.write(|tx| keep(tx, "first")).await.unwrap();
    let refused = loop {
        let big = it.store.write(|tx| {
            let raw = crate::signal::Raw {
                body: crate::untrusted::Untrusted::new(vec![b'x'; 50_000]),
                headers: Vec::new(),
                path: None,
            };
            tx.insert_body(&raw)
        });
        if let Err(error) = big.await {
            break error;
        }
    };
    assert!(refused.is_full(), "{refused:?}");
    assert!(matches!(it.store.room(), Err(Error::Full { .. })));
    let found = it.store.read(move |reader| reader.signal(first.id)).await;
    assert!(found.unwrap().is_some());
    it.clock.advance(std::time::Duration::from_secs(3));
    it.store
        .write(|tx| tx.raise_flag("freeze", "me", ""))
        .await
        .unwrap();
}

#[tokio::test]
async fn intake_is_refused_before_the_queue_is_full() {
    let it = scratch_with(Options {
        most_waiting: 8,
        ..options()
    });
    let (go, gate) = mpsc::channel();
    let held = it.store.write(move |_| {
        gate.recv().unwrap();
        Ok(())
    });
    let others = async {
        let mut jobs = tokio::task::JoinSet::new();
        for _ in 0..7 {
            let store = it.store.clone();
            jobs.spawn(async move { store.write(|_| Ok(())).await });
        }
        tokio::task::yield_now().await;
        assert!(matches!(it.store.room(), Err(Error::Busy)));
        go.send(()).unwrap();
        while let Some(job) = jobs.join_next().await {
            job.unwrap().unwrap();
        }
    };
    let (held, ()) = tokio::join!(held, others);
    held.unwrap();
    assert!(it.store.room().is_ok());
}
