//! Alerts, what is counted in them, and their revisions.

use serde_json::json;

use super::super::{AlertFilter, Sighting, Times};
use super::{alert, revised, scratch};
use crate::alert::{Severity, State};

#[tokio::test]
async fn a_key_has_one_open_alert_until_it_is_resolved() {
    let it = scratch();
    let first = it
        .store
        .write(|tx| {
            assert!(tx.open_alert("k")?.is_none());
            let first = alert(tx, "k");
            tx.put_alert(first.clone(), Times::default())?;
            assert_eq!(tx.open_alert("k")?.map(|open| open.id), Some(first.id));
            assert!(tx.open_alert("other")?.is_none());
            Ok(first)
        })
        .await
        .unwrap();
    let it = it.reopened().await;
    it.store
        .write(move |tx| {
            let open = tx.open_alert("k")?.unwrap();
            assert_eq!(*open, first);
            tx.put_alert(revised(&open, State::Resolved), Times::default())?;
            assert!(tx.open_alert("k")?.is_none());
            Ok(())
        })
        .await
        .unwrap();
    let it = it.reopened().await;
    it.store
        .write(|tx| {
            assert!(tx.open_alert("k")?.is_none());
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn two_keys_with_one_hash_are_told_apart() {
    let it = scratch();
    it.store
        .write(|tx| {
            let first = alert(tx, "first");
            tx.put_alert(first.clone(), Times::default())?;
            let second = alert(tx, "second");
            tx.put_alert(second.clone(), Times::default())?;
            let hash = tx.memory.hash(&["first"]);
            tx.memory.opened(hash, second.id.raw());
            assert_eq!(tx.open_alert("first")?.unwrap().id, first.id);
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_storm_on_one_key_is_one_row_with_a_count() {
    let it = scratch();
    let id = it
        .store
        .write(|tx| {
            let first = alert(tx, "k");
            tx.put_alert(first.clone(), Times::default())?;
            Ok(first.id)
        })
        .await
        .unwrap();
    it.clock.advance(std::time::Duration::from_mins(1));
    let last = it
        .store
        .write(move |tx| {
            let mut last = tx.next_id();
            for number in 0..1000 {
                last = tx.next_id();
                let sighting = Sighting {
                    signal: last,
                    at: tx.now(),
                    seen: tx.now(),
                    quiet_at: None,
                    measured: json!({ "value": number }).as_object().cloned(),
                    evidence: None,
                };
                assert!(tx.count(id, sighting)?);
            }
            Ok(last)
        })
        .await
        .unwrap();
    let now = it.clock.now();
    let it = it.reopened().await;
    let (found, revisions) = it
        .store
        .read(move |reader| Ok((reader.alert(id)?.unwrap(), reader.revisions(id)?)))
        .await
        .unwrap();
    assert_eq!(
        (found.count, found.signal, found.last_seen),
        (1001, last, now)
    );
    assert_eq!(found.measured.get("value"), Some(&json!(999)));
    assert_eq!(revisions.len(), 1);
    assert_eq!(revisions[0].count, 1, "a revision stays as it was made");
}

#[tokio::test]
async fn a_closed_alert_is_not_counted_in() {
    let it = scratch();
    let counted = it
        .store
        .write(|tx| {
            let first = alert(tx, "k");
            tx.put_alert(first.clone(), Times::default())?;
            tx.put_alert(revised(&first, State::Resolved), Times::default())?;
            let sighting = Sighting {
                signal: tx.next_id(),
                at: tx.now(),
                seen: tx.now(),
                quiet_at: None,
                measured: None,
                evidence: None,
            };
            let found = tx.alert(first.id)?.unwrap();
            assert_eq!(found.state, State::Resolved);
            let open = tx.open_alert("k")?;
            Ok(open.is_some() || tx.count(first.id, sighting)?)
        })
        .await
        .unwrap();
    assert!(!counted);
}

#[tokio::test]
async fn revisions_are_kept_in_order_and_the_newest_is_what_the_alert_shows() {
    let it = scratch();
    let id = it
        .store
        .write(|tx| {
            let first = alert(tx, "k");
            tx.put_alert(first.clone(), Times::default())?;
            let mut second = revised(&first, State::Updated);
            second.severity = Severity::High;
            tx.put_alert(second.clone(), Times::default())?;
            tx.put_alert(revised(&second, State::Resolved), Times::default())?;
            Ok(first.id)
        })
        .await
        .unwrap();
    let (found, revisions) = it
        .store
        .read(move |reader| Ok((reader.alert(id)?.unwrap(), reader.revisions(id)?)))
        .await
        .unwrap();
    let numbers: Vec<u32> = revisions.iter().map(|alert| alert.revision).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(Some(&found), revisions.last());
}

#[tokio::test]
async fn an_alert_goes_quiet_only_when_no_signal_came_for_that_long() {
    let it = scratch();
    let (quiet_at, later) = (it.after(60), it.after(100));
    let id = it
        .store
        .write(move |tx| {
            let first = alert(tx, "k");
            let times = Times {
                quiet_at: Some(quiet_at),
                repeat_at: Some(later),
            };
            tx.put_alert(first.clone(), times)?;
            tx.count(
                first.id,
                Sighting {
                    signal: tx.next_id(),
                    at: tx.now(),
                    seen: tx.now(),
                    quiet_at: Some(later),
                    measured: None,
                    evidence: None,
                },
            )?;
            Ok(first.id)
        })
        .await
        .unwrap();
    for (seconds, expected) in [(59, vec![]), (60, vec![]), (99, vec![]), (100, vec![id])] {
        let now = it.after(seconds);
        let due = it.store.write(move |tx| tx.quiet_due(now, 10)).await;
        assert_eq!(due.unwrap(), expected, "{seconds}");
        let due = it
            .store
            .read(move |reader| reader.repeat_due(now, 10))
            .await;
        assert_eq!(due.unwrap(), expected, "{seconds}");
    }
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let it = scratch();
    let ids = it
        .store
        .write(|tx| {
            let mut ids = Vec::new();
            for (key, severity, kind) in [
                ("a", Severity::Low, "feature-drift"),
                ("b", Severity::High, "jailbreak"),
                ("c", Severity::Critical, "jailbreak"),
            ] {
                let mut alert = alert(tx, key);
                alert.severity = severity;
                alert.kind = kind.to_owned();
                tx.put_alert(alert.clone(), Times::default())?;
                ids.push(alert.id);
                if key == "b" {
                    tx.put_alert(revised(&alert, State::Resolved), Times::default())?;
                }
            }
            Ok(ids)
        })
        .await
        .unwrap();
    let any = AlertFilter::default;
    let cases = [
        (any(), 10, vec![2, 1, 0]),
        (any(), 2, vec![2, 1]),
        (
            AlertFilter {
                before: Some(ids[1]),
                ..any()
            },
            10,
            vec![0],
        ),
        (
            AlertFilter {
                open: Some(true),
                ..any()
            },
            10,
            vec![2, 0],
        ),
        (
            AlertFilter {
                open: Some(false),
                ..any()
            },
            10,
            vec![1],
        ),
        (
            AlertFilter {
                severity: Some(Severity::High),
                ..any()
            },
            10,
            vec![2, 1],
        ),
        (
            AlertFilter {
                kind: Some("feature-drift".to_owned()),
                ..any()
            },
            10,
            vec![0],
        ),
        (
            AlertFilter {
                connection: Some("other".to_owned()),
                ..any()
            },
            10,
            vec![],
        ),
        (
            AlertFilter {
                mapping: Some("column-drift".to_owned()),
                open: Some(true),
                ..any()
            },
            1,
            vec![2],
        ),
    ];
    for (filter, limit, expected) in cases {
        let shown = format!("{filter:?}");
        let found = it
            .store
            .read(move |reader| reader.alerts(&filter, limit))
            .await;
        let found: Vec<_> = found.unwrap().iter().map(|alert| alert.id).collect();
        let expected: Vec<_> = expected.iter().map(|index: &usize| ids[*index]).collect();
        assert_eq!(found, expected, "{shown}");
    }
    assert_eq!(
        it.store.read(|reader| reader.open_alerts()).await.unwrap(),
        2
    );
}
