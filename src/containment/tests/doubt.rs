use super::{house, move_alias};
use crate::action::{Effect, State};
use crate::containment::{freeze, revert, unfreeze};
use crate::sandbox::Fault;

#[tokio::test]
async fn an_answer_that_is_lost_is_settled_by_reading() {
    let house = house().await;
    house.meet(&[None, Some(Fault::AcceptAndLoseAnswer)]);
    let done = house.run(move_alias("2")).await;
    assert_eq!(
        (done.state, done.effect),
        (State::Succeeded, Effect::StateHeld),
        "{}",
        done.message
    );
    let calls = house.calls(done.id).await;
    let sent: Vec<&String> = calls.iter().filter(|call| call.starts_with("do")).collect();
    assert_eq!(sent, ["do POST unknown"]);
}

#[tokio::test]
async fn a_request_that_hangs_and_did_nothing_is_sent_once_more() {
    let house = house().await;
    house.meet(&[None, Some(Fault::Hang)]);
    let done = house.run(move_alias("2")).await;
    assert_eq!(done.state, State::Succeeded, "{}", done.message);
    assert_eq!(house.champion(), Some(2));
    let calls = house.calls(done.id).await;
    let sent: Vec<&String> = calls.iter().filter(|call| call.starts_with("do")).collect();
    assert_eq!(sent, ["do POST unknown", "do POST done"]);
}

#[tokio::test]
async fn while_nothing_can_be_read_it_is_unknown_and_then_decided() {
    let house = house().await;
    house.meet(&[None, Some(Fault::AcceptAndLoseAnswer)]);
    house
        .registry
        .faults()
        .at_rate(1000, 1, Fault::Status(503, "busy".to_owned()));
    let mut worker = house.worker();
    let taken = house.take(move_alias("2")).await;
    worker.turn().await;
    let unknown = house.now(taken.id).await;
    assert_eq!(unknown.state, State::Unknown, "{}", unknown.message);
    assert_eq!(
        revert(&house.live, taken.id, "analyst")
            .await
            .unwrap_err()
            .status(),
        409
    );
    house.registry.faults().clear();
    house.clock.advance(std::time::Duration::from_secs(5));
    worker.turn().await;
    assert_eq!(house.now(taken.id).await.state, State::Succeeded);
    let calls = house.calls(taken.id).await;
    assert_eq!(
        calls.iter().filter(|call| call.starts_with("do")).count(),
        1
    );
}

#[tokio::test]
async fn what_the_platform_refuses_changes_nothing() {
    let house = house().await;
    let failed = house.run(move_alias("99")).await;
    assert_eq!(
        (failed.state, failed.effect, failed.changed),
        (State::Failed, Effect::None, false)
    );
    assert_eq!(house.champion(), Some(3));
    insta::assert_snapshot!(failed.message, @"Nothing was changed: the platform answered 404: Model Version (name=fraud, version=99) not found.");
    assert_eq!(
        revert(&house.live, failed.id, "analyst")
            .await
            .unwrap_err()
            .status(),
        409
    );
}

#[tokio::test]
async fn a_platform_that_cannot_be_read_is_not_written_to() {
    let house = house().await;
    house
        .registry
        .faults()
        .at_rate(1000, 1, Fault::Status(503, "busy".to_owned()));
    let failed = house.run(move_alias("2")).await;
    assert_eq!((failed.state, failed.effect), (State::Failed, Effect::None));
    assert!(
        house
            .calls(failed.id)
            .await
            .iter()
            .all(|call| call.starts_with("before GET"))
    );
}

#[tokio::test]
async fn a_proof_that_does_not_hold_in_time_stays_applied_and_can_be_reverted() {
    let house = house().await;
    let mut worker = house.worker();
    // The platform says it is done, and does nothing.
    house.meet(&[None, Some(Fault::Status(200, "{}".to_owned()))]);
    let taken = house.take(move_alias("2")).await;
    worker.turn().await;
    let failed = house.now(taken.id).await;
    assert_eq!(
        (failed.state, failed.effect, failed.changed),
        (State::Failed, Effect::NotHeld, true)
    );
    revert(&house.live, taken.id, "analyst").await.unwrap();
    worker.turn().await;
    assert_eq!(house.now(taken.id).await.state, State::Reverted);
    assert_eq!(house.champion(), Some(3));
}

#[tokio::test]
async fn an_undo_whose_answer_is_lost_is_settled_by_reading() {
    let house = house().await;
    let done = house.run(move_alias("2")).await;
    house.meet(&[None, Some(Fault::AcceptAndLoseAnswer)]);
    revert(&house.live, done.id, "analyst").await.unwrap();
    house.worker().turn().await;
    assert_eq!(house.now(done.id).await.state, State::Reverted);
    let calls = house.calls(done.id).await;
    assert_eq!(
        calls.iter().filter(|call| call.starts_with("undo")).count(),
        1
    );
}

#[tokio::test]
async fn an_undo_waits_until_the_platform_can_be_read() {
    let house = house().await;
    let mut worker = house.worker();
    let taken = house.take(move_alias("2")).await;
    worker.turn().await;
    house
        .registry
        .faults()
        .at_rate(1000, 1, Fault::Status(503, "busy".to_owned()));
    revert(&house.live, taken.id, "analyst").await.unwrap();
    worker.turn().await;
    let waits = house.now(taken.id).await;
    assert_eq!(waits.state, State::Reverting);
    house.registry.faults().clear();
    house.clock.advance(std::time::Duration::from_mins(5));
    worker.turn().await;
    assert_eq!(house.now(taken.id).await.state, State::Reverted);
}

#[tokio::test]
async fn while_frozen_nothing_is_applied_or_undone_and_what_is_due_says_so() {
    let house = house().await;
    let mut worker = house.worker();
    let limited = house
        .take(crate::containment::Ask {
            ttl_seconds: Some(60),
            ..move_alias("2")
        })
        .await;
    worker.turn().await;
    let queued = house.take(move_alias("1")).await;
    assert!(
        freeze(&house.live, "lead", "audit of the platform")
            .await
            .unwrap()
    );
    assert!(!freeze(&house.live, "lead", "again").await.unwrap());
    assert_eq!(house.refused(move_alias("1")).await.status(), 423);
    assert_eq!(
        revert(&house.live, limited.id, "x")
            .await
            .unwrap_err()
            .status(),
        423
    );
    house.clock.advance(std::time::Duration::from_mins(1));
    assert!(!worker.turn().await);
    assert_eq!(house.champion(), Some(2));
    assert_eq!(house.now(queued.id).await.state, State::Queued);
    insta::assert_snapshot!(house.now(limited.id).await.message, @"It waits: Andon is frozen by lead (audit of the platform); its time limit has passed, and it is undone after that.");
    insta::assert_snapshot!(house.now(queued.id).await.message, @"It waits: Andon is frozen by lead (audit of the platform); it goes on after that.");
    assert!(unfreeze(&house.live, "lead").await.unwrap());
    worker.turn().await;
    worker.turn().await;
    assert!(!house.now(queued.id).await.is_open());
    assert_ne!(house.now(limited.id).await.state, State::Succeeded);
}
