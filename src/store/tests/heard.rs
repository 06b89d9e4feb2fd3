//! When each connection was last heard of.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::super::{RawRef, Standing};
use super::{Scratch, raw, scratch, signal};

async fn comes(it: &Scratch, connection: &'static str) -> Timestamp {
    let job = move |tx: &mut super::Tx<'_>| {
        let mut signal = signal(tx, "x");
        connection.clone_into(&mut signal.connection);
        tx.insert_signal(&signal, RawRef::Own(&raw()), Standing::Read(&[]))?;
        Ok(signal.received_at)
    };
    it.store.write(job).await.unwrap()
}

async fn heard(it: &Scratch) -> HashMap<String, Timestamp> {
    it.store.last_signals().await.unwrap()
}

#[tokio::test]
async fn each_connection_was_last_heard_of_when_its_newest_signal_came() {
    let it = scratch();
    assert!(heard(&it).await.is_empty());
    comes(&it, "registry").await;
    it.clock.advance(Duration::from_mins(5));
    let registry = comes(&it, "registry").await;
    let reports = comes(&it, "reports").await;
    let both = HashMap::from([
        ("registry".to_owned(), registry),
        ("reports".to_owned(), reports),
    ]);
    assert_eq!(heard(&it).await, both);
    it.clock.advance(Duration::from_mins(5));
    let later = comes(&it, "reports").await;
    assert_eq!(heard(&it).await["registry"], registry);
    assert_eq!(heard(&it).await["reports"], later);
}

#[tokio::test]
async fn a_signal_that_was_on_its_way_at_the_last_look_is_not_missed() {
    let it = scratch();
    // It has its identifier before the other, and is kept after it.
    let early = it.store.write(|tx| Ok(signal(tx, "early"))).await.unwrap();
    it.clock.advance(Duration::from_secs(20));
    comes(&it, "registry").await;
    assert!(!heard(&it).await.contains_key("local"));
    let at = early.received_at;
    let keep = it
        .store
        .write(move |tx| tx.insert_signal(&early, RawRef::Own(&raw()), Standing::Read(&[])));
    keep.await.unwrap();
    assert_eq!(heard(&it).await["local"], at);
}

#[tokio::test]
async fn who_was_heard_of_is_remembered_after_its_signals_went() {
    let it = scratch();
    let at = comes(&it, "registry").await;
    assert_eq!(heard(&it).await["registry"], at);
    it.store.sweep(it.after(1), u64::MAX, 10).await.unwrap();
    it.clock.advance(Duration::from_hours(1));
    assert_eq!(heard(&it).await["registry"], at);
}

#[tokio::test]
async fn a_look_while_the_clock_was_wrong_hides_nothing_that_comes_later() {
    let it = scratch();
    comes(&it, "registry").await;
    let right = it.clock.now();
    it.clock.jump_to(super::time("2031-01-01T00:00:00Z"));
    heard(&it).await;
    it.clock.jump_to(right);
    let at = comes(&it, "reports").await;
    assert_eq!(heard(&it).await["reports"], at);
}
