//! Andon in a world where everything goes wrong and no time passes: one seed, one run.
//!
//! The code that runs is the real one: intake from the parsed request on, triage and its timers, the
//! store on SQLite with its transactions, delivery with its workers. What is played is what lies around
//! it: destinations at the narrowest place of `web/`, the disk at the narrowest place of `store/`, and
//! time, which is tokio's stopped one. `docs/proofs.md` says what this proves and what it does not.

mod chance;
mod end;
mod house;
mod invariants;
mod plan;
mod run;
mod world;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use run::{Stage, Tally};

use crate::clock::Clock;

/// How many seeds a plain `cargo test` runs; `cargo xtask simulate` says otherwise.
const SEEDS: u64 = 1_000;

fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_was_promised_holds_for_every_seed() {
    let seeds = given("ANDON_SEEDS").unwrap_or(SEEDS);
    let first = given("ANDON_SEED").unwrap_or(1);
    if seeds == 1 {
        // One run is told whole, with what the daemon would log.
        tracing_subscriber::fmt()
            .with_test_writer()
            .without_time()
            .init();
    }
    let clock = Clock::system();
    let next = AtomicU64::new(first);
    let sum = Mutex::new(Tally::default());
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            scope.spawn(|| {
                let stage = Stage::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds || failed.lock().unwrap().len() >= 3 {
                        return;
                    }
                    match stage.run(seed, seeds == 1) {
                        Ok(tally) => sum.lock().unwrap().add(tally),
                        Err(why) => failed.lock().unwrap().push(why),
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let sum = sum.into_inner().unwrap();
    println!(
        "{seeds} seeds from {first}: {:.1} s; {sum}",
        clock.steady().as_secs_f32()
    );
    assert!(failed.is_empty(), "\n{}\n", failed.join("\n\n"));
    assert!(
        seeds < 100 || (sum.twice > 0 && sum.dead > 0 && sum.faults > 0),
        "nothing went wrong: {sum}"
    );
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (one, other) = (Stage::new(), Stage::new());
    for seed in 1..20 {
        let digest = |stage: &Stage| {
            stage
                .run(seed, false)
                .unwrap_or_else(|why| panic!("{why}"))
                .digest
        };
        assert_eq!(digest(&one), digest(&other), "seed {seed}");
    }
}
