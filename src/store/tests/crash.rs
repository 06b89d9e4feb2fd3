//! A crash: the files as they lie, with a transaction open, are opened by the next process.

use std::fs;
use std::path::Path;

use super::super::Store;
use super::{keep, open_and_owe, options, scratch};

const FILES: [&str; 2] = ["andon.db", "andon.db-wal"];

fn copy(from: &Path, to: &Path) {
    for file in FILES {
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_a_crash() {
    let it = scratch();
    let copied = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for number in 0..200 {
        let kept = it.store.write(move |tx| {
            open_and_owe(tx, &format!("key-{number}"), "soc")?;
            keep(tx, &format!("vendor-{number}"))
        });
        acknowledged.push(kept.await.unwrap());
    }
    let (from, to) = (it.folder.path().to_owned(), copied.path().to_owned());
    it.store
        .write(move |tx| {
            keep(tx, "never acknowledged")?;
            copy(&from, &to);
            Ok(())
        })
        .await
        .unwrap();
    let path = copied.path().join("andon.db");
    let again = Store::open(&path, it.clock.clone(), options()).unwrap();
    let last = acknowledged.last().unwrap().id;
    for signal in acknowledged {
        let found = again.read(move |reader| reader.signal(signal.id)).await;
        assert!(found.unwrap().is_some());
    }
    let now = it.clock.now();
    let due = again
        .read(move |reader| reader.due("soc", now, 0, 1000))
        .await;
    assert_eq!(due.unwrap().ready.len(), 200);
    let (open, next) = again
        .write(|tx| {
            Ok((
                tx.open_alert("key-199")?,
                tx.next_id::<crate::id::OfSignal>(),
            ))
        })
        .await
        .unwrap();
    assert!(open.is_some());
    assert!(next > last);
    let repeat = |vendor_id: &'static str| {
        again
            .write(move |tx| tx.repeat_of("local", &super::name(), vendor_id, jiff::Timestamp::MIN))
    };
    assert!(repeat("vendor-7").await.unwrap().is_some());
    assert!(repeat("never acknowledged").await.unwrap().is_none());
}

#[tokio::test]
async fn a_torn_end_of_the_log_costs_only_what_was_not_acknowledged() {
    let it = scratch();
    // A reader of the log's first frames keeps it from beginning anew under the test.
    let (reading, has_read) = tokio::sync::oneshot::channel();
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let store = it.store.clone();
    let mut reader = tokio::task::JoinSet::new();
    reader.spawn(async move {
        let job = store.read(move |reader| {
            reader.open_alerts()?;
            let _ = reading.send(());
            let _ = held.recv();
            Ok(())
        });
        job.await
    });
    has_read.await.unwrap();
    let first = it.store.write(|tx| keep(tx, "first")).await.unwrap();
    let wal = it.folder.path().join("andon.db-wal");
    let whole = fs::metadata(&wal).unwrap().len();
    it.store.write(|tx| keep(tx, "second")).await.unwrap();
    let copied = tempfile::tempdir().unwrap();
    let (from, to) = (it.folder.path().to_owned(), copied.path().to_owned());
    it.store
        .write(move |_| {
            copy(&from, &to);
            Ok(())
        })
        .await
        .unwrap();
    let torn = fs::OpenOptions::new()
        .write(true)
        .open(copied.path().join("andon.db-wal"))
        .unwrap();
    torn.set_len(whole + 100).unwrap();
    let again = Store::open(&copied.path().join("andon.db"), it.clock.clone(), options()).unwrap();
    let found = again.read(move |reader| reader.signal(first.id)).await;
    assert!(found.unwrap().is_some());
    let second = again
        .write(|tx| tx.repeat_of("local", &super::name(), "second", jiff::Timestamp::MIN))
        .await;
    assert_eq!(second.unwrap(), None);
    drop(let_go);
    reader.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn identifiers_go_on_when_the_clock_was_set_back() {
    let it = scratch();
    let before = it.store.write(|tx| keep(tx, "1")).await.unwrap();
    it.clock.jump_to(super::time("2020-01-01T00:00:00Z"));
    let it = it.reopened().await;
    let after = it.store.write(|tx| keep(tx, "2")).await.unwrap();
    assert!(after.id > before.id);
}
