use std::collections::BTreeSet;
use std::time::Duration;

use super::{House, crashing, house, move_alias};
use crate::action::State;
use crate::containment::Ask;
use crate::containment::worker::Worker;

const TTL: u64 = 7200;

/// The changes that the registry saw: each tells its webhooks once, under an id of its own.
async fn changes(house: &House, at_least: usize) -> usize {
    let mut seen = 0;
    for _ in 0..500 {
        let sent = house.registry.recorded().deliveries();
        let ids: BTreeSet<String> = sent
            .into_iter()
            .filter(|sent| sent.event == "model_version_alias.created")
            .map(|sent| sent.id)
            .collect();
        seen = ids.len();
        if seen >= at_least {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    seen
}

/// What happens between two lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Killed,
    PowerCut,
}

/// Moves the alias and back at its time limit, in a life that ends after `point` points of the journal and
/// another; says whether the first came to its end.
async fn two_lives(house: &mut House, point: i64, ends: Ends, cuts: &mut u64) -> bool {
    let (pace, points) = crashing(point);
    let taken = house
        .take(Ask {
            ttl_seconds: Some(TTL),
            ..move_alias("2")
        })
        .await;
    let mut dying = Worker::new(&house.live, pace);
    dying.turn().await;
    house.clock.advance(Duration::from_secs(TTL));
    dying.turn().await;
    drop(dying);
    let survived = points.load(std::sync::atomic::Ordering::SeqCst) >= 0;
    // Nothing but the store remembers.
    if ends == Ends::PowerCut {
        *cuts += 1;
        house.power_cut(*cuts);
    }
    let mut worker = house.worker();
    worker.turn().await;
    house.clock.advance(Duration::from_secs(TTL));
    worker.turn().await;
    let over = house.now(taken.id).await;
    let told = format!("point {point}, cut {cuts}: {}", over.message);
    assert_eq!(over.state, State::Reverted, "{told}");
    assert_eq!(house.champion(), Some(3), "{told}");
    survived
}

#[tokio::test]
async fn a_crash_at_any_point_of_the_journal_does_nothing_twice_and_forgets_nothing() {
    let mut house = house().await;
    lives(&mut house, Ends::Killed).await;
}

#[tokio::test]
async fn nor_does_a_power_cut() {
    let mut house = house().await;
    house.power_cut(0);
    lives(&mut house, Ends::PowerCut).await;
}

async fn lives(house: &mut House, ends: Ends) {
    house
        .registry
        .recorded()
        .add_webhook("count", "http://127.0.0.1:9/", None)
        .unwrap();
    let mut expected = changes(house, 0).await;
    let mut cuts = 0;
    // What is left of the log is chance: the whole, nothing, or a part.
    let times = if ends == Ends::PowerCut { 4 } else { 1 };
    for point in 0..100 {
        let mut survived = false;
        for _ in 0..times {
            survived = two_lives(house, point, ends, &mut cuts).await;
            expected += 2;
            assert_eq!(changes(house, expected).await, expected, "point {point}");
        }
        if survived {
            assert!(point > 10, "the journal has more points than {point}");
            return;
        }
    }
    panic!("a run never came to its end");
}
