//! `ready`, `unchanged`, `undone` and `preview`, against a platform whose answers the test writes.

use std::time::Duration;

use serde_json::json;

use super::{House, house, map};
use crate::action::{Action, Effect, State};
use crate::containment::{Answer, Ask, Plan, ask, revert};
use crate::sandbox::Fault;

const WELL: (u16, &str) = (200, "{}");
const BUSY: (u16, &str) = (503, "busy");
const BLUE: (u16, &str) = (200, r#"{ "is": "blue" }"#);
const GREEN: (u16, &str) = (200, r#"{ "is": "green" }"#);
/// The other two as they are before, and as they are when somebody touched one.
const BOTH: (u16, &str) = (200, r#"{ "apps": { "blue": 1, "other": 1 } }"#);
const BOTH_AFTER: (u16, &str) = (200, r#"{ "apps": { "green": 7, "other": 1 } }"#);
const MOVED: (u16, &str) = (200, r#"{ "apps": { "green": 7, "other": 2 } }"#);

/// What a run is answered up to the last part of its proof.
const UP_TO_PROOF: [(u16, &str); 6] = [WELL, BLUE, BOTH, WELL, GREEN, GREEN];

fn to_green() -> Ask {
    Ask {
        action: "trial/scripted".to_owned(),
        with: map(json!({ "to": "green" })),
        by: "soar".to_owned(),
        ..Ask::default()
    }
}

/// The next calls are answered so, in order, and all that come after like `rest`.
fn answers(house: &House, first: &[(u16, &str)], rest: (u16, &str)) {
    let faults = house.registry.faults();
    faults.clear();
    faults.only("/trial/");
    let fault = |(status, text): (u16, &str)| Fault::Status(status, text.to_owned());
    for answer in first {
        faults.then(fault(*answer));
    }
    faults.at_rate(1000, 1, fault(rest));
}

async fn proven(house: &House) -> Action {
    answers(house, &UP_TO_PROOF, BOTH_AFTER);
    let done = house.run(to_green()).await;
    assert_eq!(done.state, State::Succeeded, "{}", done.message);
    done
}

async fn plan(house: &House) -> Plan {
    let asked = Ask {
        dry_run: true,
        ..to_green()
    };
    match ask(&house.live, asked).await.unwrap() {
        Answer::Planned(plan) => plan,
        Answer::Taken { action, .. } => panic!("{action:?}"),
    }
}

#[tokio::test]
async fn nothing_is_read_before_the_platform_is_ready() {
    let house = house().await;
    let mut all = vec![BUSY, (404, "")];
    all.extend(UP_TO_PROOF);
    answers(&house, &all, BOTH_AFTER);
    let done = house.run(to_green()).await;
    assert_eq!(
        (done.state, done.effect),
        (State::Succeeded, Effect::StateHeld),
        "{}",
        done.message
    );
    insta::assert_debug_snapshot!(house.calls(done.id).await, @r#"
    [
        "ready GET unknown",
        "ready GET refused",
        "ready GET done",
        "before GET done",
        "unchanged GET done",
        "do POST done",
        "prove.state GET done",
        "prove.state GET done",
        "unchanged GET done",
    ]
    "#);
}

#[tokio::test]
async fn a_platform_that_is_not_ready_in_time_is_left_alone() {
    let house = house().await;
    answers(&house, &[], BUSY);
    let before = house.clock.steady();
    let failed = house.run(to_green()).await;
    assert_eq!(
        (failed.state, failed.effect, failed.changed),
        (State::Failed, Effect::None, false)
    );
    assert_eq!(
        failed.message,
        "Nothing was changed: the platform was not ready in time."
    );
    let took = house.clock.steady().saturating_sub(before);
    assert!((20..25).contains(&took.as_secs()), "{took:?}");
    let calls = house.calls(failed.id).await;
    assert!(calls.iter().all(|call| call.starts_with("ready GET")));
}

#[tokio::test]
async fn what_changed_beside_it_fails_the_proof_and_can_be_reverted() {
    let house = house().await;
    answers(&house, &UP_TO_PROOF, MOVED);
    let failed = house.run(to_green()).await;
    assert_eq!(
        (failed.state, failed.effect, failed.changed),
        (State::Failed, Effect::StateHeld, true)
    );
    insta::assert_snapshot!(failed.message, @"It is done, but something beside it changed too; it stays until it is reverted.");
    answers(&house, &[GREEN], WELL);
    revert(&house.live, failed.id, "analyst").await.unwrap();
    house.worker().turn().await;
    assert_eq!(house.now(failed.id).await.state, State::Reverted);
}

#[tokio::test]
async fn what_is_touched_for_a_moment_only_is_unchanged() {
    let house = house().await;
    let all = [&UP_TO_PROOF[..], &[MOVED, BUSY, MOVED]].concat();
    answers(&house, &all, BOTH_AFTER);
    let done = house.run(to_green()).await;
    assert_eq!(done.state, State::Succeeded, "{}", done.message);
}

#[tokio::test]
async fn what_cannot_be_read_afterwards_is_unknown_and_not_changed() {
    let house = house().await;
    answers(&house, &UP_TO_PROOF, BUSY);
    let mut worker = house.worker();
    let taken = house.take(to_green()).await;
    worker.turn().await;
    let unknown = house.now(taken.id).await;
    assert_eq!(unknown.state, State::Unknown, "{}", unknown.message);
    answers(&house, &[GREEN, GREEN], BOTH_AFTER);
    house.clock.advance(Duration::from_secs(5));
    worker.turn().await;
    assert_eq!(house.now(taken.id).await.state, State::Succeeded);
}

#[tokio::test]
async fn what_has_to_stay_is_read_before_anything_is_changed() {
    let house = house().await;
    let refuses = r#"{ "apps": {}, "message": "not yours" }"#;
    for rest in [BUSY, (403, refuses), WELL, (200, r#"{ "apps": [1] }"#)] {
        answers(&house, &[WELL, BLUE], rest);
        let failed = house.run(to_green()).await;
        assert_eq!((failed.state, failed.effect), (State::Failed, Effect::None));
        assert!(
            failed.message.contains("what has to stay as it is"),
            "{}",
            failed.message
        );
        let calls = house.calls(failed.id).await;
        assert!(!calls.iter().any(|call| call.starts_with("do")));
    }
    answers(
        &house,
        &[&[WELL, BLUE, BUSY], &UP_TO_PROOF[2..]].concat(),
        BOTH_AFTER,
    );
    assert_eq!(house.run(to_green()).await.state, State::Succeeded);
}

#[tokio::test]
async fn undone_says_when_it_is_back_and_may_take_its_own_time() {
    let house = house().await;
    let done = proven(&house).await;
    // Still its own, undone; then it is not back for longer than the proof of doing may take.
    let slow = [&[GREEN, WELL][..], &[BUSY, (404, "")].repeat(4)].concat();
    answers(&house, &slow, WELL);
    let before = house.clock.steady();
    revert(&house.live, done.id, "analyst").await.unwrap();
    house.worker().turn().await;
    let back = house.now(done.id).await;
    assert_eq!(back.state, State::Reverted, "{}", back.message);
    let took = house.clock.steady().saturating_sub(before);
    assert!(took > Duration::from_secs(5), "{took:?}");
    let calls = house.calls(done.id).await;
    assert_eq!(calls.last().unwrap(), "undone GET done");
}

#[tokio::test]
async fn an_undo_that_undone_does_not_show_in_time_has_failed() {
    let house = house().await;
    let done = proven(&house).await;
    answers(&house, &[GREEN, WELL], (404, ""));
    revert(&house.live, done.id, "analyst").await.unwrap();
    house.worker().turn().await;
    let failed = house.now(done.id).await;
    assert_eq!(failed.state, State::RevertFailed, "{}", failed.message);
}

#[tokio::test]
async fn a_dry_run_sends_the_platforms_own_and_a_run_does_not() {
    let house = house().await;
    answers(&house, &[BLUE], WELL);
    let well = plan(&house).await;
    let reads: Vec<String> = well
        .reads
        .iter()
        .map(|call| {
            let url = call.url.replace(house.registry.url(), "URL");
            format!("{} {} {url}", call.phase, call.method)
        })
        .collect();
    insta::assert_debug_snapshot!(reads, @r#"
    [
        "before GET URL/trial/now",
        "preview POST URL/trial/change?at=blue&dryRun=All",
    ]
    "#);
    let planned = well.requests.first().unwrap();
    assert_eq!((planned.preview, &planned.open), (Some(200), &None));
    assert!(!planned.request.as_ref().unwrap().url.contains("dryRun"));
    let done = proven(&house).await;
    let calls = house.calls(done.id).await;
    assert!(!calls.iter().any(|call| call.starts_with("preview")));
}

#[tokio::test]
async fn a_plan_says_that_the_platforms_own_dry_run_is_refused() {
    let house = house().await;
    answers(&house, &[BLUE], (422, r#"{ "message": "frozen" }"#));
    let refused = plan(&house).await;
    let planned = refused.requests.first().unwrap();
    assert_eq!(planned.preview, Some(422));
    assert_eq!(
        planned.open.as_deref(),
        Some("the platform answered 422: frozen")
    );
}
