use std::time::Duration;

use serde_json::json;

use super::{House, house, map, move_alias};
use crate::action::{Action, Effect, State};
use crate::containment::{Ask, revert};
use crate::sandbox::Fault;

const SET_TAG: &str = "/api/2.0/mlflow/model-versions/set-tag";

fn mark_and_move(tagged: &str, version: &str) -> Ask {
    Ask {
        action: "trial/mark-and-move".to_owned(),
        with: map(json!({ "tagged": tagged, "version": version })),
        ..move_alias(version)
    }
}

async fn sent(house: &House, action: &Action) -> Vec<String> {
    let calls = house.calls(action.id).await;
    let changes = |call: &String| !call.contains(" GET ");
    calls.into_iter().filter(changes).collect()
}

#[tokio::test]
async fn what_callers_get_is_probed_and_all_steps_are_undone() {
    let house = house().await;
    let done = house.run(mark_and_move("3", "2")).await;
    assert_eq!(
        (done.state, done.effect),
        (State::Succeeded, Effect::BehaviourHeld),
        "{}",
        done.message
    );
    let probes = house.calls(done.id).await;
    let probes = probes
        .iter()
        .filter(|call| call.starts_with("prove.behaviour"));
    assert_eq!(probes.count(), 3);
    revert(&house.live, done.id, "analyst").await.unwrap();
    house.worker().turn().await;
    let back = house.now(done.id).await;
    assert_eq!(back.state, State::Reverted, "{}", back.message);
    assert_eq!(
        sent(&house, &done).await,
        [
            "do POST done",
            "do POST done",
            "undo POST done",
            "undo DELETE done"
        ]
    );
}

#[tokio::test]
async fn when_a_later_step_is_refused_the_earlier_ones_are_undone() {
    let house = house().await;
    let failed = house.run(mark_and_move("3", "99")).await;
    assert_eq!(
        (failed.state, failed.effect, failed.changed),
        (State::Failed, Effect::None, false),
        "{}",
        failed.message
    );
    // The undo step that names what the refused step never kept is skipped.
    assert_eq!(
        sent(&house, &failed).await,
        ["do POST done", "do POST refused", "undo DELETE done"]
    );
}

#[tokio::test]
async fn when_undoing_after_a_refusal_fails_it_is_partly_done() {
    let house = house().await;
    house
        .registry
        .faults()
        .only("/api/2.0/mlflow/model-versions/delete-tag");
    house
        .registry
        .faults()
        .then(Fault::Status(403, String::new()));
    let failed = house.run(mark_and_move("3", "99")).await;
    assert_eq!(
        (failed.state, failed.effect, failed.changed),
        (State::Failed, Effect::Partly, true)
    );
}

#[tokio::test]
async fn a_probe_that_cannot_run_leaves_it_at_what_the_platform_says() {
    let house = house().await;
    let done = house
        .run(Ask {
            action: "trial/move-for-callers".to_owned(),
            with: map(json!({ "version": "2" })),
            ..move_alias("2")
        })
        .await;
    assert_eq!(
        (done.state, done.effect),
        (State::Succeeded, Effect::StateHeld)
    );
    assert!(
        done.message.contains("could not be probed"),
        "{}",
        done.message
    );
    assert_eq!(
        revert(&house.live, done.id, "x")
            .await
            .unwrap_err()
            .status(),
        409
    );
    let limited = Ask {
        ttl_seconds: Some(5),
        action: "trial/move-for-callers".to_owned(),
        with: map(json!({ "version": "1" })),
        ..move_alias("1")
    };
    assert_eq!(house.refused(limited).await.status(), 400);
}

#[tokio::test]
async fn a_step_that_is_stale_is_planned_anew_and_one_told_to_wait_waits() {
    let house = house().await;
    house.registry.faults().only(SET_TAG);
    house
        .registry
        .faults()
        .then(Fault::Status(409, String::new()));
    house.registry.faults().then(Fault::RetryAfter(429, 7));
    let before = house.clock.steady();
    let done = house.run(mark_and_move("3", "2")).await;
    assert_eq!(done.state, State::Succeeded, "{}", done.message);
    assert!(house.clock.steady().saturating_sub(before) >= Duration::from_secs(7));
    assert_eq!(
        sent(&house, &done).await,
        [
            "do POST stale",
            "do POST wait",
            "do POST done",
            "do POST done"
        ]
    );
}

#[tokio::test]
async fn what_stays_stale_is_given_up_with_nothing_done() {
    let house = house().await;
    house.registry.faults().only(SET_TAG);
    house
        .registry
        .faults()
        .at_rate(1000, 1, Fault::Status(412, String::new()));
    let failed = house.run(mark_and_move("3", "2")).await;
    assert_eq!((failed.state, failed.effect), (State::Failed, Effect::None));
    assert_eq!(sent(&house, &failed).await.len(), 4);
}

#[tokio::test]
async fn a_door_that_is_shut_is_no_sign_that_somebody_changed_it() {
    let house = house().await;
    let mut worker = house.worker();
    let taken = house.take(move_alias("2")).await;
    worker.turn().await;
    house
        .registry
        .faults()
        .at_rate(1000, 1, Fault::Status(401, String::new()));
    revert(&house.live, taken.id, "analyst").await.unwrap();
    worker.turn().await;
    assert_eq!(house.now(taken.id).await.state, State::Reverting);
    house.registry.faults().clear();
    house.clock.advance(Duration::from_mins(5));
    worker.turn().await;
    assert_eq!(house.now(taken.id).await.state, State::Reverted);
}
