//! Signals: verbatim, settled, and told apart from repeats.

use serde_json::json;

use super::super::{LookUp, RawRef, Standing, StandingKind, UnsettledCounts};
use super::{keep, name, raw, scratch, signal};
use crate::id::Id;
use crate::signal::{Change, Raw, SignalName};
use crate::untrusted::Untrusted;

#[tokio::test]
async fn a_signal_reads_back_as_it_came() {
    let it = scratch();
    let kept = it
        .store
        .write(|tx| {
            let mut signal = signal(tx, "1");
            signal.change = Some(Change::Gone);
            signal.echo_of = Some(Id::from_raw(7));
            let alerts = [Id::from_raw(11), Id::from_raw(12), Id::from_raw(13)];
            tx.insert_signal(&signal, RawRef::Own(&raw()), Standing::Read(&alerts))?;
            Ok(signal)
        })
        .await
        .unwrap();
    let it = it.reopened().await;
    let id = kept.id;
    let found = it.store.read(move |reader| reader.signal(id)).await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.signal.data, kept.data);
    assert_eq!(found.signal.at, kept.at);
    assert_eq!(found.signal.now, kept.now);
    assert_eq!(found.signal.change, Some(Change::Gone));
    assert_eq!(found.signal.echo_of, Some(Id::from_raw(7)));
    assert_eq!(found.raw.body, raw().body);
    assert_eq!(found.raw.headers, raw().headers);
    assert_eq!(found.raw.path, raw().path);
    let alerts: Vec<i64> = found.alerts.iter().map(|alert| alert.raw()).collect();
    assert_eq!(alerts, [11, 12, 13]);
}

#[tokio::test]
async fn data_that_is_the_body_is_kept_once_and_reads_back() {
    let it = scratch();
    let id = it
        .store
        .write(|tx| {
            let signal = signal(tx, "1");
            let raw = Raw {
                body: Untrusted::new(signal.data.as_data().to_string().into_bytes()),
                headers: Vec::new(),
                path: None,
            };
            tx.insert_signal(&signal, RawRef::Whole(&raw), Standing::Read(&[]))?;
            Ok(signal.id)
        })
        .await
        .unwrap();
    let (found, twice) = it
        .store
        .read(move |reader| {
            let sql = "SELECT count(data) FROM contents";
            Ok((reader.signal(id)?, reader.number("test", sql, [])?))
        })
        .await
        .unwrap();
    assert_eq!(twice, 0);
    let expected =
        json!({ "column": "1", "value": 0.52, "at": "2026-11-23T07:59:59.123456789Z", "id": "1" });
    assert_eq!(found.unwrap().signal.data.as_data().to_json(), expected);
}

#[tokio::test]
async fn signals_of_one_body_share_it() {
    let it = scratch();
    let ids = it
        .store
        .write(|tx| {
            let body = tx.insert_body(&raw())?;
            let mut ids = Vec::new();
            for vendor_id in ["1", "2"] {
                let signal = signal(tx, vendor_id);
                tx.insert_signal(&signal, RawRef::Shared(body), Standing::Read(&[]))?;
                ids.push(signal.id);
            }
            Ok(ids)
        })
        .await
        .unwrap();
    for id in ids {
        let found = it.store.read(move |reader| reader.signal(id)).await;
        assert_eq!(found.unwrap().unwrap().raw.body, raw().body);
    }
}

#[tokio::test]
async fn a_repeat_is_the_same_id_of_the_same_signal_in_the_window_and_nothing_else() {
    let it = scratch();
    let first = it.store.write(|tx| keep(tx, "1")).await.unwrap();
    it.clock.advance(std::time::Duration::from_mins(10));
    let other = SignalName {
        signal: "other".to_owned(),
        ..name()
    };
    let cases = [
        ("local", name(), "1", 600, true),
        ("local", name(), "1", 599, false),
        ("local", name(), "2", 600, false),
        ("elsewhere", name(), "1", 600, false),
        ("local", other, "1", 600, false),
    ];
    for (connection, name, vendor_id, seconds, repeated) in cases {
        let since = it.after(-seconds);
        let found = it
            .store
            .write(move |tx| tx.repeat_of(connection, &name, vendor_id, since));
        assert_eq!(
            found.await.unwrap() == Some(first.id),
            repeated,
            "{connection} {vendor_id} {seconds}"
        );
    }
}

#[tokio::test]
async fn two_ids_with_one_hash_are_told_apart() {
    let it = scratch();
    let found = it
        .store
        .write(|tx| {
            let kept = keep(tx, "1")?;
            let hash = tx.memory.hash(&["local", "evidently", "test", "1"]);
            let other = keep(tx, "2")?;
            // As if both had the hash of the first.
            tx.memory.saw(hash, other.id.raw());
            let found = tx.repeat_of("local", &name(), "1", jiff::Timestamp::MIN)?;
            Ok((kept.id, found))
        })
        .await
        .unwrap();
    assert_eq!(found.1, Some(found.0));
}

#[tokio::test]
async fn a_repeat_is_recognised_after_a_restart_and_forgotten_after_a_day() {
    let it = scratch();
    let first = it.store.write(|tx| keep(tx, "1")).await.unwrap();
    let it = it.reopened().await;
    let look = || {
        it.store
            .write(|tx| tx.repeat_of("local", &name(), "1", jiff::Timestamp::MIN))
    };
    assert_eq!(look().await.unwrap(), Some(first.id));
    it.clock
        .advance(std::time::Duration::from_secs(24 * 3600 + 1));
    it.store.write(|tx| keep(tx, "2")).await.unwrap();
    assert_eq!(look().await.unwrap(), None);
}

#[tokio::test]
async fn what_is_not_settled_is_listed_and_counted() {
    let it = scratch();
    let stuck = it
        .store
        .write(|tx| {
            keep(tx, "read")?;
            let waits = signal(tx, "waits");
            tx.insert_signal(&waits, RawRef::Own(&raw()), Standing::Waiting(&[]))?;
            let stuck = signal(tx, "stuck");
            let standing = Standing::Stuck {
                alerts: &[],
                reason: "no column",
                trace: "when: signal.column is absent",
            };
            tx.insert_signal(&stuck, RawRef::Own(&raw()), standing)?;
            let refused = signal(tx, "refused");
            let standing = Standing::Refused { reason: "unknown" };
            tx.insert_signal(&refused, RawRef::Own(&raw()), standing)?;
            Ok(stuck.id)
        })
        .await
        .unwrap();
    let counts = || it.store.read(|reader| reader.unsettled_counts());
    let one_each = UnsettledCounts {
        waiting: 1,
        stuck: 1,
        refused: 1,
    };
    assert_eq!(counts().await.unwrap(), one_each);
    let list = it
        .store
        .read(|reader| reader.unsettled(StandingKind::Stuck, None, 10));
    let list = list.await.unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].id, stuck);
    assert_eq!(list[0].reason.as_deref(), Some("no column"));
    let found = it.store.read(move |reader| reader.signal(stuck)).await;
    let trace = found.unwrap().unwrap().trace;
    assert_eq!(trace.as_deref(), Some("when: signal.column is absent"));
    it.store
        .write(move |tx| tx.settle_signal(stuck, Standing::Read(&[Id::from_raw(5)])))
        .await
        .unwrap();
    assert_eq!(counts().await.unwrap().stuck, 0);
    let found = it.store.read(move |reader| reader.signal(stuck)).await;
    let found = found.unwrap().unwrap();
    assert_eq!(found.trace, None);
    assert_eq!(found.alerts, [Id::from_raw(5)]);
}

#[tokio::test]
async fn a_look_up_is_due_at_its_time_and_ends_when_its_signal_is_settled() {
    let it = scratch();
    let next_at = it.after(30);
    let id = it
        .store
        .write(move |tx| {
            let waits = signal(tx, "waits");
            tx.insert_signal(&waits, RawRef::Own(&raw()), Standing::Waiting(&[]))?;
            tx.wait_for_look_up(&LookUp {
                signal: waits.id,
                attempts: 1,
                next_at,
                progress: json!({ "version": 3 }),
                error: Some("503".to_owned()),
            })?;
            Ok(waits.id)
        })
        .await
        .unwrap();
    let due = |seconds| {
        let now = it.after(seconds);
        it.store.read(move |reader| reader.look_ups_due(now, 10))
    };
    assert!(due(29).await.unwrap().is_empty());
    let found = due(30).await.unwrap();
    assert_eq!(found[0].signal, id);
    assert_eq!(found[0].progress, json!({ "version": 3 }));
    let next = it.store.read(|reader| reader.next_look_up()).await;
    assert_eq!(next.unwrap(), Some(next_at));
    it.store
        .write(move |tx| tx.settle_signal(id, Standing::Read(&[])))
        .await
        .unwrap();
    assert!(due(60).await.unwrap().is_empty());
}
