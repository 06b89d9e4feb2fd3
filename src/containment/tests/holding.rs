//! While it is in force: looked at again, and said when it holds no longer.

use std::time::Duration;

use serde_json::json;

use super::{House, house, map, move_alias};
use crate::action::{Action, Effect, State};
use crate::containment::worker::Worker;
use crate::containment::{Ask, freeze, revert};
use crate::sandbox::Fault;

const MINUTE: Duration = Duration::from_secs(60);

async fn in_force(house: &House) -> (Worker, Action) {
    let mut worker = house.worker();
    let taken = house.take(move_alias("2")).await;
    worker.turn().await;
    let done = house.now(taken.id).await;
    assert_eq!(
        (done.state, done.effect),
        (State::Succeeded, Effect::StateHeld)
    );
    (worker, done)
}

fn somebody_moves_it(house: &House, version: u64) {
    let shelf = house.registry.recorded();
    shelf.set_alias("fraud", "champion", version).unwrap();
}

#[tokio::test]
async fn while_it_holds_nothing_is_kept_of_the_looks() {
    let house = house().await;
    let (mut worker, done) = in_force(&house).await;
    let calls = house.calls(done.id).await;
    for _ in 0..5 {
        house.clock.advance(MINUTE);
        assert!(!worker.turn().await, "a look is no run");
    }
    assert_eq!(house.now(done.id).await, done);
    assert_eq!(house.calls(done.id).await, calls);
    assert_eq!(house.live.board.drifted().unwrap().len(), 0);
}

#[tokio::test]
async fn it_is_looked_at_once_an_interval() {
    let house = house().await;
    let (mut worker, _) = in_force(&house).await;
    let before = house.registry.faults().requests();
    house.clock.advance(Duration::from_secs(59));
    worker.turn().await;
    assert_eq!(house.registry.faults().requests(), before);
    house.clock.advance(Duration::from_secs(1));
    worker.turn().await;
    worker.turn().await;
    assert_eq!(house.registry.faults().requests(), before + 1);
}

#[tokio::test]
async fn what_somebody_changed_is_drift_and_is_not_changed_back() {
    let house = house().await;
    let (mut worker, done) = in_force(&house).await;
    somebody_moves_it(&house, 1);
    house.clock.advance(MINUTE);
    worker.turn().await;
    let now = house.now(done.id).await;
    assert_eq!((now.state, now.effect), (State::Succeeded, Effect::Drifted));
    assert_eq!(now.drift.as_ref().unwrap().held, Effect::StateHeld);
    assert_eq!(now.after["state"]["model_version"]["version"], "1");
    assert_eq!(house.champion(), Some(1), "a person's change stays");
    let told = house.live.board.drifted().unwrap();
    let told = told.get(&done.id).unwrap();
    assert_eq!(told.with, "model=fraud, alias=champion, version=2");
    assert_eq!(told.asked_by, "soar");

    // It is told once, and since the first time.
    house.clock.advance(MINUTE);
    worker.turn().await;
    assert_eq!(house.now(done.id).await, now);
}

#[tokio::test]
async fn what_holds_again_is_no_drift_any_more() {
    let house = house().await;
    let (mut worker, done) = in_force(&house).await;
    somebody_moves_it(&house, 1);
    house.clock.advance(MINUTE);
    worker.turn().await;
    somebody_moves_it(&house, 2);
    house.clock.advance(MINUTE);
    worker.turn().await;
    let now = house.now(done.id).await;
    assert_eq!((now.effect, now.drift), (Effect::StateHeld, None));
    assert!(house.live.board.drifted().unwrap().is_empty());
}

#[tokio::test]
async fn a_platform_that_cannot_be_read_has_not_drifted() {
    let house = house().await;
    let (mut worker, done) = in_force(&house).await;
    house.meet(&[
        Some(Fault::Status(503, String::new())),
        Some(Fault::Status(503, String::new())),
    ]);
    house.clock.advance(MINUTE);
    worker.turn().await;
    assert_eq!(house.now(done.id).await, done);
}

#[tokio::test]
async fn one_wrong_answer_is_no_drift() {
    let house = house().await;
    let (mut worker, done) = in_force(&house).await;
    house.meet(&[Some(Fault::Status(404, String::new()))]);
    house.clock.advance(MINUTE);
    worker.turn().await;
    assert_eq!(house.now(done.id).await, done);
}

#[tokio::test]
async fn it_goes_on_after_a_restart_and_while_frozen() {
    let mut house = house().await;
    let (_, done) = in_force(&house).await;
    house.restart();
    freeze(&house.live, "ada", "").await.unwrap();
    let mut worker = house.worker();
    worker.turn().await;
    assert_eq!(house.live.board.drifted().unwrap().len(), 0);
    somebody_moves_it(&house, 1);
    house.clock.advance(MINUTE);
    worker.turn().await;
    assert_eq!(house.now(done.id).await.effect, Effect::Drifted);

    house.restart();
    let mut worker = house.worker();
    worker.turn().await;
    assert_eq!(house.live.board.drifted().unwrap().len(), 1);
}

#[tokio::test]
async fn undoing_what_drifted_leaves_the_change_of_somebody_else() {
    let house = house().await;
    let (mut worker, done) = in_force(&house).await;
    somebody_moves_it(&house, 1);
    house.clock.advance(MINUTE);
    worker.turn().await;
    revert(&house.live, done.id, "ada").await.unwrap();
    worker.turn().await;
    let now = house.now(done.id).await;
    assert_eq!((now.state, now.drift), (State::RevertConflict, None));
    assert_eq!(house.champion(), Some(1));
    assert!(house.live.board.drifted().unwrap().is_empty());
}

#[tokio::test]
async fn one_that_was_undone_is_not_looked_at() {
    let house = house().await;
    let (mut worker, done) = in_force(&house).await;
    revert(&house.live, done.id, "ada").await.unwrap();
    worker.turn().await;
    assert_eq!(house.now(done.id).await.state, State::Reverted);
    let before = house.registry.faults().requests();
    house.clock.advance(MINUTE * 2);
    worker.turn().await;
    assert_eq!(house.registry.faults().requests(), before);
}

#[tokio::test]
async fn a_tag_that_somebody_removes_is_drift_too() {
    let house = house().await;
    let mut worker = house.worker();
    let taken = house
        .take(Ask {
            action: "mlflow/tag-version".to_owned(),
            with: map(json!({ "model": "fraud", "version": "3" })),
            by: "soar".to_owned(),
            ..Ask::default()
        })
        .await;
    worker.turn().await;
    house.clock.advance(MINUTE * 5);
    worker.turn().await;
    assert_eq!(house.now(taken.id).await.effect, Effect::StateHeld);
    let shelf = house.registry.recorded();
    shelf.delete_tag("fraud", 3, "containment.status").unwrap();
    house.clock.advance(MINUTE * 5);
    worker.turn().await;
    assert_eq!(house.now(taken.id).await.effect, Effect::Drifted);
}
