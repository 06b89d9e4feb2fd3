//! Pollers and readers of files while the store takes nothing.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::House;
use super::poll::{key, polled};
use crate::intake::{file, poll};

/// Another program takes the store's lock, and the store has noticed.
async fn lock(house: &House) -> Connection {
    let other = Connection::open(house.live.store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = house
        .live
        .store
        .write(|tx| tx.raise_flag("x", "x", "x"))
        .await;
    assert!(refused.is_err() && house.live.store.room().is_err());
    other
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_poller_asks_nobody_says_that_it_waits_and_goes_on_by_itself() {
    let (house, server) = polled().await;
    let other = lock(&house).await;
    let run = poll::run(Arc::clone(&house.live), key(), Duration::ZERO);
    house.live.tasks.spawn(run);
    until(|| house.live.board.held("it").is_some()).await;
    let held = house.live.board.held("it").unwrap();
    assert_eq!(
        held.why,
        "the store takes nothing more: another program holds a lock on it"
    );
    assert_eq!(server.asked(), Vec::<String>::new());
    other.execute_batch("ROLLBACK").unwrap();
    until(|| house.counted("read") == 2).await;
    assert_eq!(house.live.board.held("it"), None);
    house.live.stop.cancel();
}

#[tokio::test]
async fn a_reader_of_files_waits_and_reads_what_came_meanwhile() {
    let config = "connections:\n  evals: { connector: inspect, folder: logs }\n";
    let house = House::new("2026-11-23T09:00:00Z", config, &[]);
    let logs = house.folder.path().join("logs");
    std::fs::create_dir_all(&logs).unwrap();
    let other = lock(&house).await;
    let run = file::run(
        Arc::clone(&house.live),
        "evals".to_owned(),
        Duration::from_secs(2),
    );
    house.live.tasks.spawn(run);
    until(|| house.live.board.held("evals").is_some()).await;
    let eval = include_bytes!("../../../connectors/inspect/samples/run.eval");
    std::fs::write(logs.join("run.eval"), eval).unwrap();
    other.execute_batch("ROLLBACK").unwrap();
    until(|| house.counted("read") == 1).await;
    assert_eq!(house.live.board.held("evals"), None);
    house.live.stop.cancel();
}

#[tokio::test(start_paused = true)]
async fn a_time_of_day_that_went_back_puts_no_poll_off() {
    let house = House::new("2026-11-23T09:00:00Z", "connections: {}\n", &[]);
    let due = "2026-11-23T09:04:00Z".parse().unwrap();
    let jump = async {
        tokio::time::sleep(Duration::from_secs(45)).await;
        house
            .live
            .clock
            .jump_to("2020-01-01T00:00:00Z".parse().unwrap());
    };
    let (waited, ()) = tokio::join!(poll::wait_until(&house.live, due), jump);
    assert!(waited);
    house.live.stop.cancel();
    assert!(!poll::wait_until(&house.live, due).await);
}
