//! What is read from the store to be sent: damaged, or more than is held at once.

use serde_json::json;

use super::splunk::{idle, options};
use super::{Scene, pagerduty};
use crate::alert::Alert;
use crate::catalog::Files;

/// As a disk that turns bits leaves it.
async fn damage(scene: &Scene, alert: &Alert) {
    scene.stop().await;
    scene.live.store.close().await;
    let path = scene.folder.path().join("andon.db");
    let store = rusqlite::Connection::open(path).unwrap();
    let changed = store
        .execute(
            "UPDATE revisions SET json = '{\"revision\":' WHERE alert = ?1",
            [alert.id.raw()],
        )
        .unwrap();
    assert_eq!(changed, 1);
}

async fn told_of_the_damaged_one(scene: &Scene, alert: &Alert) {
    let dead = scene.dead().await;
    let [letter] = dead.as_slice() else {
        panic!("{dead:?}");
    };
    assert_eq!(letter.revision.alert, alert.id);
    let reason = &letter.cause.reason;
    assert!(reason.contains("cannot read revision"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_revision_is_a_dead_letter_and_a_log_gets_the_others() {
    let (splunk, scene) = idle(Files::built_in(), options()).await;
    let all = ["one", "two", "three"].map(|name| scene.alert(name));
    scene.owe_all("soc", &all).await;
    damage(&scene, &all[1]).await;
    let scene = scene.restarted().await;
    scene.empty("soc").await;
    assert_eq!(splunk.recorded().count(), 2);
    told_of_the_damaged_one(&scene, &all[1]).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_revision_is_a_dead_letter_and_a_pager_gets_the_others() {
    let (pager, scene) = pagerduty::idle(Files::built_in()).await;
    let all = ["one", "two", "three"].map(|name| scene.alert(name));
    scene.owe_all("oncall", &all).await;
    damage(&scene, &all[1]).await;
    let scene = scene.restarted().await;
    scene.empty("oncall").await;
    for (alert, known) in all.iter().zip([true, false, true]) {
        let incident = pager.recorded().incident(&alert.id.to_string());
        assert_eq!(incident.is_some(), known, "{}", alert.key);
    }
    told_of_the_damaged_one(&scene, &all[1]).await;
    scene.stop().await;
}

/// Twice what is made at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_of_many_bytes_is_read_in_parts_and_arrives_whole() {
    let (splunk, scene) = idle(Files::built_in(), options()).await;
    let all: Vec<Alert> = (0..40)
        .map(|number| {
            let mut alert = scene.alert(&number.to_string());
            alert.fields = json!({ "note": "x".repeat(200_000) })
                .as_object()
                .unwrap()
                .clone();
            alert
        })
        .collect();
    scene.owe_all("soc", &all).await;
    let scene = scene.restarted().await;
    scene.empty("soc").await;
    super::order::holds(&splunk, &all, 1);
    assert_eq!(splunk.recorded().count(), 40, "each once");
    scene.stop().await;
}
