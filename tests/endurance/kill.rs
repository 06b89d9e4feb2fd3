//! `kill -9`, again and again, while platforms send and destinations fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::load::Load;
use crate::receiver::{Kind, Receiver};
use crate::support::{Andon, Outcome};
use crate::{files, given, verdict};

/// Kills in a plain `cargo test`; `cargo xtask kill` says otherwise.
const KILLS: u64 = 12;
/// Signals a second. Few enough that what a life leaves is taken up by the next.
const RATE: u64 = 150;
/// Of a thousand requests at a destination, how many meet trouble.
const TROUBLE: u64 = 150;

#[test]
fn nothing_is_lost_by_kills_and_nothing_comes_twice_without_cause() -> Outcome<()> {
    let kills = given("ANDON_KILLS", KILLS);
    let mut chance = Chance(given("ANDON_SEED", 0x5eed));
    let folder = tempfile::tempdir()?;
    let life = Arc::new(AtomicU32::new(0));
    let log = Receiver::start(Kind::Log, &life, chance.below(1 << 30), TROUBLE, true)?;
    let pager = Receiver::start(Kind::Pager, &life, chance.below(1 << 30), TROUBLE, true)?;
    let config = files::write(folder.path(), log.port, pager.port, files::ALL_PAGED, "")?;
    let mut andon = Andon::start(folder.path(), &config)?;
    let port = andon.port;
    let load = Load::start(port, RATE);
    let began = Instant::now();
    let mut starting = Duration::ZERO;
    let mut killed_while_starting = 0;
    for kill in 1..=kills {
        // Mostly short; now and then long enough for what is owed to be delivered.
        let most = if chance.below(5) == 0 { 1_500 } else { 250 };
        std::thread::sleep(Duration::from_millis(1 + chance.below(most)));
        andon.kill()?;
        next_life(&life, &[&log, &pager])?;
        if chance.below(8) == 0 {
            // Not even ready, perhaps in the middle of taking up its log.
            Andon::begin(folder.path(), port, &[])?
                .kill_after(Duration::from_millis(chance.below(300)))?;
            next_life(&life, &[&log, &pager])?;
            killed_while_starting += 1;
        }
        let started = Instant::now();
        andon = Andon::again(folder.path(), port)?;
        starting += started.elapsed();
        if kill.is_multiple_of(50) {
            println!(
                "{kill} kills in {} s, {} signals accepted",
                began.elapsed().as_secs(),
                load.sent.load(Ordering::Relaxed)
            );
        }
    }
    let took = began.elapsed();
    let accepted = load.end()?;
    verdict::delivered(folder.path(), &[&log, &pager], Duration::from_secs(400))?;
    andon.kill()?;
    let verdict = verdict::of(folder.path(), &accepted, &[&log, &pager])?;
    let troubles = [&log, &pager].map(|receiver| receiver.troubles.load(Ordering::Relaxed));
    let requests = [&log, &pager].map(|receiver| receiver.requests.load(Ordering::Relaxed));
    println!(
        "kills                          {kills:>8}   and {killed_while_starting} while starting\n\
         seconds                        {:>8.1}   {:.2} a kill, {:.0} ms of it until ready\n\
         signals answered 202           {:>8}   lost {}\n\
         alerts, revisions              {:>8}   {}\n\
         requests to log, pager         {:>8}   {}   of them in trouble {} {}\n\
         events seen                    {:>8}\n\
         of them twice                  {:>8}   after a lost answer {}, after a kill {}\n\
         dead letters                   {:>8}",
        took.as_secs_f64(),
        took.as_secs_f64() / seconds(kills),
        starting.as_secs_f64() * 1_000.0 / seconds(kills),
        accepted.ids.len(),
        verdict.lost,
        verdict.alerts,
        verdict.revisions,
        requests[0],
        requests[1],
        troubles[0],
        troubles[1],
        verdict.sightings,
        verdict.twice,
        verdict.after_a_lost_answer,
        verdict.twice - verdict.after_a_lost_answer,
        verdict.dead,
    );
    assert!(verdict.broken.is_empty(), "{:#?}", verdict.broken);
    assert!(accepted.ids.len() > 50, "there was no load");
    Ok(())
}

fn seconds(count: u64) -> f64 {
    u32::try_from(count).map_or(1.0, f64::from).max(1.0)
}

/// What was on its way from the dead process is not taken for the next one's.
pub fn next_life(life: &AtomicU32, receivers: &[&Receiver]) -> Outcome<()> {
    for receiver in receivers {
        receiver.catch_up()?;
    }
    life.fetch_add(1, Ordering::SeqCst);
    Ok(())
}
