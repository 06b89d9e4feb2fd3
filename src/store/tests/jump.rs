//! The time of day jumps, and what was to happen after a while still does.

use std::time::Duration;

use serde_json::json;

use super::super::{LookUp, RawRef, Sighting, Standing, Store, Times};
use super::{Scratch, alert, open_and_owe, options, raw, scratch, signal, time};

/// One delivery and one look-up, put off by five minutes.
async fn put_off(it: &Scratch) {
    let next_at = it.after(300);
    it.store
        .write(move |tx| {
            let (_, seq) = open_and_owe(tx, "key", "soc")?;
            tx.postpone("soc", seq, 1, next_at, "503")?;
            let waits = signal(tx, "waits");
            tx.insert_signal(&waits, RawRef::Own(&raw()), Standing::Waiting(&[]))?;
            tx.wait_for_look_up(&LookUp {
                signal: waits.id,
                attempts: 1,
                next_at,
                progress: json!({}),
                error: None,
            })
        })
        .await
        .unwrap();
}

/// How many deliveries and look-ups are due now.
async fn due(store: &Store, it: &Scratch) -> (usize, usize) {
    let now = it.clock.now();
    store
        .read(move |reader| {
            let due = reader.due("soc", now, 0, 10)?.ready.len();
            Ok((due, reader.look_ups_due(now, 10)?.len()))
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn a_jump_makes_nothing_due_early_and_nothing_late() {
    for to in [
        "2020-01-01T00:00:00Z",
        "2026-11-23T07:00:00Z",
        "2031-01-01T00:00:00Z",
    ] {
        let it = scratch();
        put_off(&it).await;
        it.clock.advance(Duration::from_secs(60));
        it.clock.jump_to(time(to));
        it.store.write(|_| Ok(())).await.unwrap();
        it.clock.advance(Duration::from_secs(239));
        assert_eq!(due(&it.store, &it).await, (0, 0), "{to}");
        it.clock.advance(Duration::from_secs(1));
        assert_eq!(due(&it.store, &it).await, (1, 1), "{to}");
    }
}

#[tokio::test]
async fn a_transaction_that_fails_moves_no_deadline() {
    let it = scratch();
    put_off(&it).await;
    it.clock.jump_to(time("2031-01-01T00:00:00Z"));
    let failed = it
        .store
        .write(|_| Err::<(), _>(super::super::Error::Busy))
        .await;
    assert!(failed.is_err());
    it.store.write(|_| Ok(())).await.unwrap();
    it.clock.advance(Duration::from_secs(299));
    assert_eq!(due(&it.store, &it).await, (0, 0));
    it.clock.advance(Duration::from_secs(1));
    assert_eq!(due(&it.store, &it).await, (1, 1));
}

#[tokio::test]
async fn under_a_clock_that_went_back_while_it_was_stopped_nothing_is_put_off_for_more_than_an_hour()
 {
    for (to, waits) in [
        ("2026-11-20T08:00:00Z", 3_600),
        ("2026-11-23T08:00:00Z", 300),
    ] {
        let it = scratch();
        put_off(&it).await;
        it.store.close().await;
        it.clock.jump_to(time(to));
        let again = Store::open(it.store.path(), it.clock.clone(), options()).unwrap();
        it.clock.advance(Duration::from_secs(waits - 1));
        assert_eq!(due(&again, &it).await, (0, 0), "{to}");
        it.clock.advance(Duration::from_secs(1));
        assert_eq!(due(&again, &it).await, (1, 1), "{to}");
    }
}

#[tokio::test]
async fn a_clock_that_was_wrong_only_while_nothing_was_given_an_identifier_is_noticed_too() {
    let it = scratch();
    put_off(&it).await;
    let right = it.clock.now();
    it.clock.jump_to(time("2026-11-25T08:00:00Z"));
    it.store.write(|_| Ok(())).await.unwrap();
    it.store.close().await;
    it.clock.jump_to(right);
    let again = Store::open(it.store.path(), it.clock.clone(), options()).unwrap();
    it.clock.advance(Duration::from_secs(3_599));
    assert_eq!(due(&again, &it).await, (0, 0));
    it.clock.advance(Duration::from_secs(1));
    assert_eq!(due(&again, &it).await, (1, 1));
}

#[tokio::test]
async fn an_alert_goes_quiet_and_is_said_again_after_its_span_and_not_by_the_time_of_day() {
    for to in ["2026-11-23T07:00:00Z", "2031-01-01T00:00:00Z"] {
        let it = scratch();
        let (quiet_at, repeat_at) = (it.after(60), it.after(60));
        let id = it
            .store
            .write(move |tx| {
                let opened = alert(tx, "key");
                let times = Times {
                    quiet_at: Some(quiet_at),
                    repeat_at: Some(repeat_at),
                };
                tx.put_alert(opened.clone(), times)?;
                // A sighting keeps it in memory.
                tx.count(
                    opened.id,
                    Sighting {
                        signal: tx.next_id(),
                        at: tx.now(),
                        seen: tx.now(),
                        quiet_at: Some(quiet_at),
                        measured: None,
                        evidence: None,
                    },
                )?;
                Ok(opened.id)
            })
            .await
            .unwrap();
        it.clock.jump_to(time(to));
        let wanted = it.after(60);
        let quiet_at = it.store.write(move |tx| tx.goes_quiet_at(id)).await;
        assert_eq!(quiet_at.unwrap(), Some(wanted), "{to}");
        for (seconds, expected) in [(59, vec![]), (60, vec![id])] {
            let now = it.after(seconds);
            let due = it.store.write(move |tx| tx.quiet_due(now, 10)).await;
            assert_eq!(due.unwrap(), expected, "{to} {seconds}");
            let due = it
                .store
                .read(move |reader| reader.repeat_due(now, 10))
                .await;
            assert_eq!(due.unwrap(), expected, "{to} {seconds}");
        }
    }
}
