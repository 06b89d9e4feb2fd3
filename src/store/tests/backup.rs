//! Backups, what is found in a store, and restoring.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rusqlite::Connection;

use super::super::{Error, Store, back_up, check, restore};
use super::{Scratch, keep, open_and_owe, options, scratch, time};

const AT: &str = "2026-11-23T08:00:00Z";

async fn filled() -> Scratch {
    let it = scratch();
    for number in 0..20 {
        it.store
            .write(move |tx| {
                open_and_owe(tx, &format!("key-{number}"), "soc")?;
                tx.audit("me", "tested", &serde_json::json!({ "number": number }))?;
                keep(tx, &format!("vendor-{number}"))
            })
            .await
            .unwrap();
    }
    it
}

/// Changes a store behind Andon's back.
fn spoil(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    assert!(connection.execute_batch(sql).is_ok(), "{sql}");
}

#[tokio::test]
async fn a_backup_of_a_running_store_is_whole_private_and_never_written_over() {
    let it = filled().await;
    let (store, to) = (it.store.path().to_owned(), it.folder.path().join("copy.db"));
    let made = back_up(&store, &to, time(AT)).unwrap();
    assert_eq!(made.faults, []);
    let holds = made.holds.unwrap();
    assert_eq!((holds.signals, holds.open_alerts, holds.owed), (20, 20, 20));
    assert_eq!(holds.made, Some(time(AT)));
    let mode = std::fs::metadata(&to).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = back_up(&store, &to, time(AT)).unwrap_err();
    assert_eq!(
        again.help().unwrap(),
        "name another file: nothing is written over"
    );
    assert_eq!(check(&to).unwrap().holds.unwrap().signals, 20);
    let left: Vec<_> = std::fs::read_dir(it.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("copy.db") && name != "copy.db")
        .collect();
    assert_eq!(left, Vec::<String>::new());
    it.store.write(|tx| keep(tx, "after")).await.unwrap();
}

#[tokio::test]
async fn a_sound_store_has_no_fault_and_each_broken_rule_is_told() {
    let rules = [
        (
            "DELETE FROM revisions WHERE id IN (SELECT revision FROM outbox LIMIT 1)",
            "deliveries are owed without the revision that they are of",
        ),
        (
            "DELETE FROM alerts WHERE id IN (SELECT alert FROM outbox LIMIT 1)",
            "deliveries are owed of alerts that are not kept",
        ),
        (
            "DELETE FROM destinations",
            "deliveries are owed to destinations without a name",
        ),
        (
            "UPDATE alerts SET open = 0",
            "alerts are open and their newest revision says resolved, or the other way round",
        ),
        (
            "UPDATE alerts SET revision = revision + 1000 WHERE id = (SELECT max(id) FROM alerts)",
            "alerts lack their newest revision",
        ),
        (
            "INSERT INTO revisions (alert, number, made_ms, json) SELECT alert, number + 1, made_ms, json FROM revisions LIMIT 1",
            "alerts have a later revision than the one that counts as their newest",
        ),
        (
            "UPDATE signals SET alert = (SELECT min(id) FROM alerts)",
            "alerts count fewer sightings than signals that are kept of them",
        ),
        (
            "DELETE FROM contents WHERE id = (SELECT min(id) FROM contents)",
            "signals lack their contents",
        ),
        (
            "UPDATE signals SET body = 77 WHERE id = (SELECT min(id) FROM signals)",
            "signals lack the body that they share",
        ),
        (
            "UPDATE signals SET state = 1",
            "signals wait for a look-up that nobody will make",
        ),
        (
            "INSERT INTO look_ups VALUES (5, 0, 0, '{}', NULL)",
            "look-ups are to be made for signals that are not kept",
        ),
        (
            "INSERT INTO calls VALUES (5, 1, '{}')",
            "calls are kept of actions that are not",
        ),
        (
            "INSERT INTO actions (id, open, state, action, connection, caller, json) VALUES (5, 1, 'x', 'x', 'x', 'x', '{')",
            "actions cannot be read",
        ),
        (
            "UPDATE signals SET id = -1 WHERE id = (SELECT min(id) FROM signals); UPDATE contents SET id = -1 WHERE id = (SELECT min(id) FROM contents)",
            "identifiers are no positive numbers",
        ),
        (
            "UPDATE revisions SET json = '{}' WHERE id = 1",
            "alerts that are open, owed or dead cannot be read back",
        ),
        (
            "UPDATE alerts SET open = 0; UPDATE revisions SET json = '{}' WHERE id = 1",
            "alerts that are open, owed or dead cannot be read back",
        ),
        (
            "UPDATE audit SET who = 'nobody' WHERE seq = 7",
            "the audit's chain is broken from here on",
        ),
        (
            "DROP INDEX outbox_postponed",
            "tables or indexes are not those of this schema",
        ),
        (
            "CREATE TABLE theirs (x)",
            "tables or indexes are not those of this schema",
        ),
        (
            "INSERT INTO dead_letters SELECT 9999, destination, alert, 9999, 1, 0, 1, 0, NULL, x'', 'x' FROM outbox LIMIT 1",
            "dead letters are kept without the revision that they are of",
        ),
    ];
    let it = filled().await;
    let sound = check(it.store.path()).unwrap();
    assert_eq!(sound.faults, []);
    for (sql, wanted) in rules {
        let copy = it.folder.path().join("spoilt.db");
        back_up(it.store.path(), &copy, time(AT)).unwrap();
        spoil(&copy, sql);
        let faults = check(&copy).unwrap().faults;
        let told: Vec<&str> = faults.iter().map(|fault| fault.what.as_str()).collect();
        assert!(told.contains(&wanted), "{sql}: {told:?}");
        assert!(faults.iter().all(|fault| !fault.in_file), "{sql}");
        std::fs::remove_file(&copy).unwrap();
    }
}

#[tokio::test]
async fn a_restored_store_goes_on_after_the_largest_identifier_ever_given() {
    let it = filled().await;
    let path = it.store.path().to_owned();
    let backup = it.folder.path().join("copy.db");
    // A backup that broke off left this.
    std::fs::write(it.folder.path().join("copy.db.part"), "half").unwrap();
    back_up(&path, &backup, time(AT)).unwrap();
    it.clock.advance(std::time::Duration::from_secs(3600));
    let last = it
        .store
        .write(|tx| {
            tx.raise_flag("freeze", "me", "migration")?;
            tx.revoke("sha256:00", "me")?;
            keep(tx, "lost by the restore")
        })
        .await
        .unwrap();
    assert!(matches!(
        restore(&backup, &path, true, time(AT)),
        Err(Error::InUse { .. })
    ));
    it.store.close().await;
    assert!(matches!(
        restore(&backup, &path, false, time(AT)),
        Err(Error::Occupied { .. })
    ));
    let restored = restore(&backup, &path, true, time(AT)).unwrap();
    let aside = restored.aside.unwrap();
    assert!(
        aside.ends_with("andon.db.replaced-20261123T080000Z"),
        "{}",
        aside.display()
    );
    assert_eq!(check(&aside).unwrap().holds.unwrap().signals, 21);
    // The time of day is the backup's again, and the identifiers are not.
    it.clock.jump_to(time(AT));
    let store = Store::open(&path, it.clock.clone(), options()).unwrap();
    let (next, frozen, revoked) = store
        .write(|tx| Ok((keep(tx, "new")?, tx.flag("freeze")?, tx.revoked()?)))
        .await
        .unwrap();
    assert!(next.id > last.id);
    assert!(frozen.is_some() && revoked.len() == 1);
    assert_eq!(check(&path).unwrap().holds.unwrap().made, None);
    let found = store.read(move |reader| reader.signal(last.id)).await;
    assert!(found.unwrap().is_none());
    let now = it.clock.now();
    let due = store
        .read(move |reader| reader.due("soc", now, 0, 100))
        .await;
    assert_eq!(due.unwrap().ready.len(), 20);
    assert_eq!(check(&path).unwrap().faults, []);
}

#[tokio::test]
async fn what_is_no_sound_backup_is_not_restored_and_nothing_is_changed() {
    let it = filled().await;
    let path = it.store.path().to_owned();
    let backup = it.folder.path().join("copy.db");
    back_up(&path, &backup, time(AT)).unwrap();
    it.store.close().await;
    let before = std::fs::read(&path).unwrap();
    let whole = std::fs::read(&backup).unwrap();
    let mut torn = whole.clone();
    let middle = torn.len() / 2;
    torn[middle..middle + 4096].fill(0xa5);
    for (what, bytes) in [
        ("half of it", whole[..whole.len() / 2].to_vec()),
        ("a page of something else", torn),
        ("text", b"-- a dump is no backup\n".to_vec()),
        ("nothing", Vec::new()),
    ] {
        std::fs::write(&backup, bytes).unwrap();
        let refused = restore(&backup, &path, true, time(AT)).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("copy.db"), "{what}: {said}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{what}");
    }
}

#[tokio::test]
async fn a_store_that_was_killed_is_put_aside_with_its_log() {
    let it = filled().await;
    let path = it.store.path().to_owned();
    let backup = it.folder.path().join("copy.db");
    back_up(&path, &backup, time(AT)).unwrap();
    it.store.write(|tx| keep(tx, "in the log")).await.unwrap();
    let killed = tempfile::tempdir().unwrap();
    let path = killed.path().join("andon.db");
    for end in ["", "-wal"] {
        let name = format!("andon.db{end}");
        std::fs::copy(it.folder.path().join(&name), killed.path().join(&name)).unwrap();
    }
    let restored = restore(&backup, &path, true, time(AT)).unwrap();
    let aside = check(&restored.aside.unwrap()).unwrap();
    assert_eq!(aside.holds.unwrap().signals, 21);
    assert_eq!(check(&path).unwrap().holds.unwrap().signals, 20);
}

#[tokio::test]
async fn a_log_alone_is_a_store_that_is_there_and_what_is_restored_counts_as_one() {
    let it = filled().await;
    let backup = it.folder.path().join("copy.db");
    back_up(it.store.path(), &backup, time(AT)).unwrap();
    let other = tempfile::tempdir().unwrap();
    let path = other.path().join("andon.db");
    let log = other.path().join("andon.db-wal");
    std::fs::write(&log, "rows").unwrap();
    assert!(matches!(
        restore(&backup, &path, false, time(AT)),
        Err(Error::Occupied { .. })
    ));
    std::fs::remove_file(&log).unwrap();
    restore(&backup, &path, false, time(AT)).unwrap();
    std::fs::remove_file(&path).unwrap();
    let gone = Store::open(&path, it.clock.clone(), options());
    assert!(matches!(gone, Err(Error::Gone { .. })));
}
