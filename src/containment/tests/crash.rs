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

#[tokio::test]
async fn a_crash_at_any_point_of_the_journal_does_nothing_twice_and_forgets_nothing() {
    let house = house().await;
    house
        .registry
        .recorded()
        .add_webhook("count", "http://127.0.0.1:9/", None)
        .unwrap();
    let mut expected = changes(&house, 0).await;
    for point in 0..100 {
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
        let mut worker = house.worker();
        worker.turn().await;
        house.clock.advance(Duration::from_secs(TTL));
        worker.turn().await;
        let over = house.now(taken.id).await;
        assert_eq!(
            over.state,
            State::Reverted,
            "point {point}: {}",
            over.message
        );
        assert_eq!(house.champion(), Some(3), "point {point}");
        expected += 2;
        assert_eq!(changes(&house, expected).await, expected, "point {point}");
        if survived {
            assert!(point > 10, "the journal has more points than {point}");
            return;
        }
    }
    panic!("a run never came to its end");
}
