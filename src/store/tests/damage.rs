//! Files that are not as they were written, and stores that cannot be opened.

use std::path::Path;

use rusqlite::Connection;

use super::super::{Error, Store, Trouble, check};
use super::{keep, open_and_owe, options, scratch};
use crate::clock::Clock;

/// A store with some megabytes in it, closed; where it lies.
async fn closed() -> (tempfile::TempDir, Clock, std::path::PathBuf) {
    let it = scratch();
    for number in 0..300 {
        it.store
            .write(move |tx| {
                open_and_owe(tx, &format!("key-{number}"), "soc")?;
                keep(tx, &format!("vendor-{number}"))
            })
            .await
            .unwrap();
    }
    it.store.close().await;
    let path = it.store.path().to_owned();
    (it.folder, it.clock, path)
}

fn flip(path: &Path, from: usize, length: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    for byte in &mut bytes[from..from + length] {
        *byte ^= 0xff;
    }
    std::fs::write(path, bytes).unwrap();
}

/// Damages a file.
type Spoil = fn(&Path);

#[tokio::test]
async fn a_damaged_file_is_refused_at_the_start_with_what_to_do() {
    let (folder, clock, path) = closed().await;
    let whole = std::fs::read(&path).unwrap();
    let header = |path: &Path| flip(path, 0, 16);
    let first_table = |path: &Path| flip(path, 100, 200);
    let half = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let noise = |path: &Path| std::fs::write(path, vec![0x5a; 50_000]).unwrap();
    let faults: [(&str, Spoil); 4] = [
        ("the header", header),
        ("the list of tables", first_table),
        ("cut off", half),
        ("noise", noise),
    ];
    for (what, spoil) in faults {
        std::fs::write(&path, &whole).unwrap();
        spoil(&path);
        let before = std::fs::read(&path).unwrap();
        let refused = Store::open(&path, clock.clone(), options()).err().unwrap();
        assert!(
            matches!(refused, Error::NotSound { .. }),
            "{what}: {refused:?}"
        );
        assert!(
            refused.help().unwrap().contains("andon restore BACKUP"),
            "{what}"
        );
        assert_eq!(
            std::fs::read(&path).unwrap(),
            before,
            "{what}: left as it was"
        );
        let found = check(&path).unwrap();
        assert!(found.faults.iter().any(|fault| fault.in_file), "{what}");
    }
    drop(folder);
}

#[tokio::test]
async fn an_empty_or_missing_file_is_no_new_store_where_there_was_one() {
    let (folder, clock, path) = closed().await;
    let gone = |clock: &Clock| Store::open(&path, clock.clone(), options()).err().unwrap();
    std::fs::write(&path, b"").unwrap();
    assert!(matches!(gone(&clock), Error::Gone { .. }));
    std::fs::remove_file(&path).unwrap();
    let refused = gone(&clock);
    assert!(matches!(refused, Error::Gone { .. }));
    assert!(
        refused
            .help()
            .unwrap()
            .contains("to begin with an empty store remove")
    );
    assert!(!path.exists());
    std::fs::remove_file(folder.path().join("andon.db.lock")).unwrap();
    Store::open(&path, clock.clone(), options()).unwrap();
}

#[tokio::test]
async fn a_log_with_garbage_at_its_end_loses_nothing_that_was_acknowledged() {
    let it = scratch();
    let first = it.store.write(|tx| keep(tx, "first")).await.unwrap();
    let copied = tempfile::tempdir().unwrap();
    let path = copied.path().join("andon.db");
    for end in ["", "-wal"] {
        let from = it.folder.path().join(format!("andon.db{end}"));
        std::fs::copy(from, copied.path().join(format!("andon.db{end}"))).unwrap();
    }
    let log = copied.path().join("andon.db-wal");
    let mut bytes = std::fs::read(&log).unwrap();
    // A frame that was begun and not ended, then noise.
    bytes.extend_from_slice(&bytes.clone()[32..2_000]);
    bytes.extend_from_slice(&[0xa5; 10_000]);
    std::fs::write(&log, bytes).unwrap();
    let store = Store::open(&path, it.clock.clone(), options()).unwrap();
    let found = store.read(move |reader| reader.signal(first.id)).await;
    assert!(found.unwrap().is_some());
    assert_eq!(check(&path).unwrap().faults, []);
}

#[tokio::test]
async fn damage_found_while_it_runs_closes_intake_for_good() {
    let (_folder, clock, path) = closed().await;
    // The table of contents is read for one signal only; the start does not look there.
    let page: i64 = {
        let connection = Connection::open(&path).unwrap();
        connection
            .query_row(
                "SELECT rootpage FROM sqlite_schema WHERE name = 'contents'",
                [],
                |row| row.get(0),
            )
            .unwrap()
    };
    flip(&path, usize::try_from(page - 1).unwrap() * 4096, 4096);
    let store = Store::open(&path, clock, options()).unwrap();
    assert!(store.room().is_ok());
    let newest = store
        .read(|reader| reader.newest_signals(None, None, 1))
        .await
        .unwrap();
    let id = newest[0].id;
    let refused = store
        .read(move |reader| reader.signal(id))
        .await
        .unwrap_err();
    assert_eq!(refused.trouble(), Some(Trouble::Damaged));
    let room = store.room().unwrap_err();
    assert_eq!(
        room.to_string(),
        "the store takes nothing more: its file is damaged"
    );
    // What does not touch the damaged part is still kept, and does not open intake again.
    store
        .write(|tx| tx.raise_flag("freeze", "me", ""))
        .await
        .unwrap();
    assert!(store.room().is_err());
    assert!(
        check(&path)
            .unwrap()
            .faults
            .iter()
            .any(|fault| fault.in_file)
    );
}

#[tokio::test]
async fn a_lock_that_another_program_holds_is_told_and_passes_by_itself() {
    let it = scratch();
    let other = Connection::open(it.store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = it.store.write(|tx| keep(tx, "1")).await.unwrap_err();
    assert_eq!(refused.trouble(), Some(Trouble::Locked));
    assert!(refused.may_pass());
    let room = it.store.room().unwrap_err();
    assert_eq!(
        room.to_string(),
        "the store takes nothing more: another program holds a lock on it"
    );
    other.execute_batch("ROLLBACK").unwrap();
    // Nobody writes: the store tries by itself.
    while it.store.room().is_err() {
        tokio::task::yield_now().await;
    }
    it.store.write(|tx| keep(tx, "1")).await.unwrap();
}

#[tokio::test]
async fn a_store_that_another_program_locks_is_not_opened_and_named() {
    let (_folder, clock, path) = closed().await;
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = Store::open(&path, clock, options()).err().unwrap();
    assert!(matches!(refused, Error::Locked { .. }), "{refused:?}");
    assert!(refused.to_string().contains("andon.db"), "{refused}");
}
