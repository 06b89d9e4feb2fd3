//! Cursors, polled items and files.

use std::collections::HashSet;

use serde_json::json;

use super::scratch;
use crate::signal::Change;

#[tokio::test]
async fn a_cursor_is_where_it_was_after_a_restart() {
    let it = scratch();
    it.store
        .write_lazily(|tx| {
            tx.put_cursor("registry", "model", &json!({ "mark": 1 }))?;
            tx.put_cursor("registry", "model", &json!({ "mark": 2 }))
        })
        .await
        .unwrap();
    let it = it.reopened().await;
    let cursor = it
        .store
        .read(|reader| reader.cursor("registry", "model"))
        .await;
    assert_eq!(cursor.unwrap(), Some(json!({ "mark": 2 })));
    let none = it
        .store
        .read(|reader| reader.cursor("registry", "other"))
        .await;
    assert_eq!(none.unwrap(), None);
}

#[tokio::test]
async fn an_item_is_new_changed_the_same_or_gone() {
    let it = scratch();
    let changes = it
        .store
        .write(|tx| {
            let mut changes = Vec::new();
            for (item, version, scan) in [("a", 1, 1), ("b", 1, 1), ("a", 1, 2), ("a", 2, 2)] {
                let data = json!({ "version": version });
                changes.push(tx.note_item("registry", "model", item, &data, scan)?);
            }
            Ok(changes)
        })
        .await
        .unwrap();
    let expected = [Change::New, Change::New, Change::Same, Change::Changed];
    assert_eq!(changes, expected);
    let gone = it
        .store
        .read(|reader| reader.items_gone("registry", "model", 2, 10));
    assert_eq!(
        gone.await.unwrap(),
        [("b".to_owned(), json!({ "version": 1 }))]
    );
    it.store
        .write(|tx| tx.forget_item("registry", "model", "b"))
        .await
        .unwrap();
    let gone = it
        .store
        .read(|reader| reader.items_gone("registry", "model", 2, 10));
    assert!(gone.await.unwrap().is_empty());
}

#[tokio::test]
async fn a_file_is_known_by_path_and_content() {
    let it = scratch();
    it.store
        .write(|tx| tx.put_file("reports", "1.json", &[1; 32]))
        .await
        .unwrap();
    let read = |path: &'static str, sha256: [u8; 32]| {
        it.store
            .read(move |reader| reader.file_was_read("reports", path, &sha256))
    };
    assert!(read("1.json", [1; 32]).await.unwrap());
    assert!(!read("1.json", [2; 32]).await.unwrap());
    assert!(!read("2.json", [1; 32]).await.unwrap());
    let later = it.after(1);
    let forgotten = it
        .store
        .write(move |tx| tx.forget_files("reports", &HashSet::new(), later))
        .await;
    assert_eq!(forgotten.unwrap(), 1);
    assert!(!read("1.json", [1; 32]).await.unwrap());
}
