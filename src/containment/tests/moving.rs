use std::time::Duration;

use serde_json::json;

use super::{house, house_on, map, move_alias};
use crate::action::{Effect, State};
use crate::containment::{Ask, revert};
use crate::store::{ActionFilter, Options};

#[tokio::test]
async fn an_alias_is_moved_proven_and_moved_back_when_the_time_is_up() {
    let house = house().await;
    let mut worker = house.worker();
    let taken = house
        .take(Ask {
            ttl_seconds: Some(3600),
            ..move_alias("2")
        })
        .await;
    assert_eq!(taken.state, State::Queued);
    worker.turn().await;
    let done = house.now(taken.id).await;
    assert_eq!(
        (done.state, done.effect, done.changed),
        (State::Succeeded, Effect::StateHeld, true)
    );
    assert_eq!(house.champion(), Some(2));
    assert_eq!(done.kept, map(json!({ "version_before": "3" })));
    assert_eq!(done.after["state"]["model_version"]["version"], json!("2"));
    assert_eq!(
        done.until.unwrap().duration_since(done.proven_at.unwrap()),
        jiff::SignedDuration::from_secs(3600)
    );
    house.clock.advance(Duration::from_secs(3599));
    assert!(!worker.turn().await);
    house.clock.advance(Duration::from_secs(1));
    assert!(worker.turn().await);
    let back = house.now(taken.id).await;
    assert_eq!((back.state, back.effect), (State::Reverted, Effect::None));
    assert!(!back.revert_asked);
    assert_eq!(house.champion(), Some(3));
    insta::assert_debug_snapshot!(house.calls(taken.id).await, @r#"
    [
        "before GET done",
        "do POST done",
        "prove.state GET done",
        "prove.state GET done",
        "ours GET done",
        "undo POST done",
        "before GET done",
    ]
    "#);
}

#[tokio::test]
async fn while_the_store_takes_no_signals_an_alias_is_moved_and_moved_back() {
    let house = house_on(Options {
        least_free: u64::MAX,
        ..Options::default()
    })
    .await;
    assert!(house.live.store.room().is_err());
    let done = house.run(move_alias("2")).await;
    assert_eq!((done.state, house.champion()), (State::Succeeded, Some(2)));
    revert(&house.live, done.id, "analyst").await.unwrap();
    house.worker().turn().await;
    assert_eq!(house.now(done.id).await.state, State::Reverted);
    assert_eq!(house.champion(), Some(3));
}

#[tokio::test]
async fn every_step_is_in_the_audit_and_what_was_kept_is_not() {
    let house = house().await;
    let done = house.run(move_alias("2")).await;
    revert(&house.live, done.id, "analyst").await.unwrap();
    house.worker().turn().await;
    let rows = house
        .live
        .store
        .read(|reader| reader.audit_rows(0, 100))
        .await
        .unwrap();
    let said: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {}", row.who, row.what))
        .collect();
    insta::assert_debug_snapshot!(said, @r#"
    [
        "soar action.requested",
        "andon action.started",
        "andon action.call",
        "andon action.call",
        "andon action.applied",
        "andon action.call",
        "andon action.call",
        "andon action.proven",
        "analyst action.revert_asked",
        "andon action.call",
        "andon action.call",
        "andon action.call",
        "andon action.reverted",
    ]
    "#);
    assert!(
        rows.iter()
            .all(|row| !row.about.to_string().contains("version_before"))
    );
    assert!(
        rows.iter()
            .all(|row| !row.about.to_string().contains("not-a-real-secret"))
    );
}

#[tokio::test]
async fn a_jump_of_the_time_of_day_ends_no_limit_early() {
    let house = house().await;
    let mut worker = house.worker();
    let taken = house
        .take(Ask {
            ttl_seconds: Some(3600),
            ..move_alias("2")
        })
        .await;
    worker.turn().await;
    house.clock.jump_to("2027-01-01T00:00:00Z".parse().unwrap());
    assert!(!worker.turn().await);
    assert_eq!(house.now(taken.id).await.state, State::Succeeded);
    // And one that jumps back does not end it late.
    house.clock.jump_to("2020-01-01T00:00:00Z".parse().unwrap());
    house.clock.advance(Duration::from_hours(1));
    assert!(worker.turn().await);
    assert_eq!(house.now(taken.id).await.state, State::Reverted);
}

#[tokio::test]
async fn after_a_restart_a_limit_is_kept_by_both_clocks_again() {
    for to in ["2027-01-01T00:00:00Z", "2020-01-01T00:00:00Z"] {
        let mut house = house().await;
        let ask = Ask {
            ttl_seconds: Some(3600),
            ..move_alias("2")
        };
        let done = house.run(ask).await;
        house.restart();
        let mut worker = house.worker();
        house.clock.advance(Duration::from_secs(1800));
        assert!(!worker.turn().await, "{to}");
        house.clock.jump_to(to.parse().unwrap());
        house.clock.advance(Duration::from_secs(1799));
        assert!(!worker.turn().await, "{to}");
        house.clock.advance(Duration::from_secs(1));
        assert!(worker.turn().await, "{to}");
        assert_eq!(house.now(done.id).await.state, State::Reverted, "{to}");
    }
}

#[tokio::test]
async fn a_time_limit_ends_across_a_restart() {
    let mut house = house().await;
    let done = house
        .run(Ask {
            ttl_seconds: Some(60),
            ..move_alias("2")
        })
        .await;
    house.restart();
    house.clock.advance(Duration::from_secs(61));
    assert!(house.worker().turn().await);
    assert_eq!(house.now(done.id).await.state, State::Reverted);
    assert_eq!(house.champion(), Some(3));
}

#[tokio::test]
async fn what_is_so_already_changes_nothing_and_has_no_time_limit() {
    let house = house().await;
    let done = house
        .run(Ask {
            ttl_seconds: Some(60),
            ..move_alias("3")
        })
        .await;
    assert_eq!(
        (done.state, done.changed, done.until),
        (State::Succeeded, false, None)
    );
    assert_eq!(house.calls(done.id).await, ["before GET done"]);
    let refused = revert(&house.live, done.id, "analyst").await.unwrap_err();
    assert_eq!(refused.status(), 409);
}

#[tokio::test]
async fn an_alias_that_was_not_there_is_deleted_again() {
    let house = house().await;
    let mut ask = move_alias("2");
    ask.with.insert("alias".to_owned(), json!("canary"));
    let done = house.run(ask).await;
    assert_eq!(done.kept, map(json!({ "version_before": null })));
    assert_eq!(house.registry.recorded().alias("fraud", "canary"), Some(2));
    let asked = revert(&house.live, done.id, "analyst").await.unwrap();
    assert!(asked.revert_asked && asked.is_open());
    house.worker().turn().await;
    assert_eq!(house.now(done.id).await.state, State::Reverted);
    assert_eq!(house.registry.recorded().alias("fraud", "canary"), None);
}

#[tokio::test]
async fn what_somebody_moved_since_is_left_alone() {
    let house = house().await;
    let mut worker = house.worker();
    let taken = house
        .take(Ask {
            ttl_seconds: Some(60),
            ..move_alias("2")
        })
        .await;
    worker.turn().await;
    house
        .registry
        .recorded()
        .set_alias("fraud", "champion", 1)
        .unwrap();
    house.clock.advance(Duration::from_mins(1));
    worker.turn().await;
    assert_eq!(house.now(taken.id).await.state, State::RevertConflict);
    assert_eq!(house.champion(), Some(1));
    let calls = house.calls(taken.id).await;
    assert!(
        !calls.iter().any(|call| call.starts_with("undo")),
        "{calls:?}"
    );
}

#[tokio::test]
async fn a_tag_is_set_removed_and_each_put_back() {
    let house = house().await;
    let version = |with| map(with);
    let tag = house
        .run(Ask {
            action: "mlflow/tag-version".to_owned(),
            with: version(json!({ "model": "fraud", "version": "3" })),
            ..move_alias("3")
        })
        .await;
    assert_eq!(tag.state, State::Succeeded, "{}", tag.message);
    assert_eq!(tag.kept, map(json!({ "value_before": null })));
    let untag = house
        .run(Ask {
            action: "mlflow/untag-version".to_owned(),
            with: version(json!({ "model": "fraud", "version": "3", "key": "containment.status" })),
            ..move_alias("3")
        })
        .await;
    assert_eq!(untag.state, State::Succeeded, "{}", untag.message);
    assert_eq!(untag.kept, map(json!({ "value_before": "quarantined" })));
    for id in [untag.id, tag.id] {
        revert(&house.live, id, "analyst").await.unwrap();
        house.worker().turn().await;
        let back = house.now(id).await;
        assert_eq!(back.state, State::Reverted, "{}", back.message);
    }
}

#[tokio::test]
async fn two_actions_on_one_alias_run_one_after_another() {
    let house = house().await;
    let mut worker = house.worker();
    let first = house.take(move_alias("2")).await;
    let second = house.take(move_alias("1")).await;
    worker.turn().await;
    assert_eq!(house.now(first.id).await.state, State::Succeeded);
    assert_eq!(house.now(second.id).await.state, State::Queued);
    worker.turn().await;
    assert_eq!(
        house.now(second.id).await.kept,
        map(json!({ "version_before": "2" }))
    );
    let all = house
        .live
        .store
        .read(|reader| reader.actions(&ActionFilter::default(), 10))
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    let text = house.live.meters.text(&crate::meters::Reading::default());
    assert!(text.contains("state=\"succeeded\"} 2"), "{text}");
}
