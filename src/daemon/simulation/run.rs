//! One run: several lives of the process over one store, then quiet, then the questions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinSet;

use super::chance::Chance;
use super::house;
use super::invariants::{self, Evidence};
use super::plan::{self, Request, SENDERS};
use super::world::{Death, World};
use crate::clock::Clock;
use crate::intake::{Arrival, receive};
use crate::live::{Live, Snapshot};
use crate::store::{AlertFilter, Disk, Options, Store, Waiting, Weather};
use crate::{delivery, triage};

const START: &str = "2026-11-23T08:00:00Z";
/// After the last fault everything has to be delivered within this time. When something is tried again
/// is kept as a time of day: a clock that was set back while nobody ran puts it off by an hour at most.
const QUIET_WITHIN: Duration = Duration::from_mins(90);
/// How long a life may take to stop when it is asked to.
const DRAIN: Duration = Duration::from_secs(60);

/// A place where runs can be made, one after the other.
pub(super) struct Stage {
    folder: tempfile::TempDir,
    world: World,
    snapshots: [Arc<Snapshot>; 2],
    /// A store as it is when it is new.
    new_store: Vec<u8>,
}

/// What is known after a run that held.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) signals: u64,
    pub(super) sent: u64,
    pub(super) requests: u64,
    pub(super) twice: u64,
    pub(super) dead: u64,
    pub(super) lives: u64,
    pub(super) faults: u64,
    pub(super) commits: u64,
    /// Of the whole story; the same seeds give the same, in every process.
    pub(super) digest: u64,
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        self.signals += other.signals;
        self.sent += other.sent;
        self.requests += other.requests;
        self.twice += other.twice;
        self.dead += other.dead;
        self.lives += other.lives;
        self.faults += other.faults;
        self.commits += other.commits;
        // Whatever order they end in.
        self.digest ^= other.digest;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            signals,
            lives,
            requests,
            sent,
            twice,
            dead,
            faults,
            commits,
            digest,
        } = self;
        write!(
            f,
            "{signals} signals, {lives} lives, {commits} commits, {faults} faults of the store, {requests} requests, {sent} events taken, {twice} of them twice, {dead} dead letters; the stories' digest is {digest:016x}"
        )
    }
}

impl Stage {
    pub(super) fn new() -> Self {
        // Memory where there is a file system of it: a simulated sync need not be a real one.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.unwrap();
        let clock = Clock::led(START.parse().unwrap());
        let world = World::new(clock.clone());
        let snapshot = || house::snapshot(folder.path(), &clock, &world);
        let snapshots = [snapshot(), snapshot()];
        let path = folder.path().join("new.db");
        drop(Store::open(&path, clock.clone(), Options::default()).unwrap());
        let new_store = std::fs::read(&path).unwrap();
        Self {
            folder,
            world,
            snapshots,
            new_store,
        }
    }

    /// Runs a seed. `Err` has what does not hold, and the story.
    pub(super) fn run(&self, seed: u64, loud: bool) -> Result<Tally, String> {
        let plan = Arc::new(plan::requests(seed));
        let mut chance = Chance::of(seed, "run");
        self.world.clock.reset(START.parse().unwrap(), seed);
        self.world.reset(seed, plan.len(), loud);
        let path = |life: u64| self.folder.path().join(format!("{life}.db"));
        for entry in std::fs::read_dir(self.folder.path()).unwrap().flatten() {
            let name = entry.file_name();
            if !["secret", "new.db"].contains(&name.to_str().unwrap()) {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        std::fs::write(path(0), &self.new_store).unwrap();
        let lives = chance.below(4);
        let mut tally = Tally::default();
        for life in 0..=lives {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let one = Life {
                stage: self,
                plan: &plan,
                path: path(life),
                next: (life < lives).then(|| path(life + 1)),
            };
            let ended = runtime.block_on(one.live(&mut chance, &mut tally));
            // All that ran is dropped where it stood.
            drop(runtime);
            ended.map_err(|what| self.story(seed, &what))?;
        }
        tally.lives = lives + 1;
        let state = self.world.state();
        tally.digest = invariants::digest(&state.story);
        Ok(tally)
    }

    fn story(&self, seed: u64, what: &str) -> String {
        let story = &self.world.state().story;
        let last = story
            .get(story.len().saturating_sub(60)..)
            .unwrap_or_default();
        format!(
            "seed {seed}: {what}\n  run it again: cargo xtask simulate --seeds 1 --seed {seed}\n  the end of its story:\n    {}",
            last.join("\n    ")
        )
    }
}

/// One life of the process.
struct Life<'s> {
    stage: &'s Stage,
    plan: &'s Arc<Vec<Request>>,
    path: PathBuf,
    /// Where the next one finds its store; none for the last.
    next: Option<PathBuf>,
}

impl Life<'_> {
    async fn live(&self, chance: &mut Chance, tally: &mut Tally) -> Result<(), String> {
        let world = &self.stage.world;
        let clock = world.clock.clone();
        clock.begin();
        world.state().dead = false;
        let disk = Disk::new(&self.path, chance.next());
        let options = Options {
            readers: 2,
            // How full the machine's own disk is decides nothing here.
            least_free: 0,
            lazy_wait: Duration::from_millis(chance.weighed(&[(1, 2), (1, 100)])),
            ..Options::default()
        };
        let opened = Store::simulated(&self.path, clock.clone(), options, Arc::clone(&disk));
        let (store, writer) =
            opened.map_err(|error| format!("the store does not open: {error}"))?;
        let mut tasks = JoinSet::new();
        tasks.spawn(writer);
        let live = Live::new(Arc::clone(&self.stage.snapshots[0]), store, clock.clone());
        live.tasks.spawn(triage::run(Arc::clone(&live)));
        delivery::start(&live);
        for sender in 0..SENDERS {
            let work = send(
                Arc::clone(&live),
                world.clone(),
                Arc::clone(self.plan),
                sender,
            );
            tasks.spawn(work);
        }
        world.tell("begins");
        let ended = match &self.next {
            Some(next) => self.until_it_ends(chance, &live, &disk, next).await,
            None => self.until_all_is_quiet(&live, &disk, tally).await,
        };
        let (commits, faults) = disk.counts();
        tally.commits += commits;
        tally.faults += faults;
        world.state().dead = true;
        disk.die();
        clock.end();
        ended
    }

    /// Things go wrong, until it dies or is stopped.
    async fn until_it_ends(
        &self,
        chance: &mut Chance,
        live: &Arc<Live>,
        disk: &Arc<Disk>,
        next: &Path,
    ) -> Result<(), String> {
        let world = &self.stage.world;
        disk.weather(storm(chance));
        let mut turns = chance.between(1, 4);
        let died = loop {
            let while_ms = chance.weighed(&[(3, 40), (3, 1_500), (3, 9_000), (1, 40_000)]);
            let time = Duration::from_millis(chance.between(1, while_ms));
            let died = tokio::select! {
                biased;
                () = disk.died() => true,
                () = tokio::time::sleep(time) => false,
            };
            turns -= 1;
            if died || turns == 0 {
                break died;
            }
            match chance.below(3) {
                0 => {
                    let wrong_by = i64::try_from(chance.below(4 * 3600)).unwrap() - 2 * 3600;
                    let by = wrong_by - world.state().wrong_by;
                    world.state().wrong_by = wrong_by;
                    world.tell(&format!("the time of day jumps by {by} s"));
                    world.clock.jump(SignedDuration::from_secs(by));
                }
                1 => {
                    world.tell("the configuration is read again");
                    let other =
                        usize::from(Arc::ptr_eq(&live.snapshot(), &self.stage.snapshots[0]));
                    live.swap(Arc::clone(&self.stage.snapshots[other]));
                }
                _ => disk.weather(storm(chance)),
            }
        };
        if !died && chance.percent(25) {
            return self.stop(live, disk, next).await;
        }
        self.cut_the_power(disk, next)
    }

    fn cut_the_power(&self, disk: &Arc<Disk>, next: &Path) -> Result<(), String> {
        let world = &self.stage.world;
        world.state().dead = true;
        disk.die();
        let (unsynced, kept) = disk
            .after_power_cut(&self.path, next)
            .map_err(|error| error.to_string())?;
        world.tell(&format!(
            "the power fails; of {unsynced} bytes of the log that no sync covered, {kept} are there"
        ));
        world.state().deaths.push(Death::PowerCut);
        Ok(())
    }

    async fn stop(&self, live: &Arc<Live>, disk: &Arc<Disk>, next: &Path) -> Result<(), String> {
        let world = &self.stage.world;
        world.tell("is asked to stop");
        live.stop.cancel();
        live.tasks.close();
        let stopping = async {
            live.tasks.wait().await;
            live.store.close().await;
        };
        let stopped = tokio::select! {
            biased;
            () = disk.died() => false,
            stopped = tokio::time::timeout(DRAIN, stopping) => match stopped {
                Ok(()) => true,
                Err(_) => return Err(format!("it did not stop within {} s", DRAIN.as_secs())),
            },
        };
        if !stopped {
            return self.cut_the_power(disk, next);
        }
        let (_, faults) = disk.counts();
        world.tell("has stopped");
        std::fs::copy(&self.path, next).map_err(|error| error.to_string())?;
        world.state().deaths.push(Death::Stopped { faults });
        Ok(())
    }

    /// Promise 2: the rest is sent, and everything owed is delivered.
    async fn until_all_is_quiet(
        &self,
        live: &Arc<Live>,
        disk: &Arc<Disk>,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let world = &self.stage.world;
        disk.weather(Weather::default());
        world.state().quiet = true;
        world.tell("nothing goes wrong any more");
        let end = tokio::time::Instant::now() + QUIET_WITHIN;
        let evidence = loop {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let all_sent = world.state().answered.iter().all(|answered| *answered);
            let read = live.store.read(|reader| reader.waiting()).await;
            let waiting = read.map_err(|error| error.to_string())?;
            if all_sent && !owed(&waiting) {
                let evidence = evidence(live, world)
                    .await
                    .map_err(|error| error.to_string())?;
                // An alert may have gone quiet since it was looked whether anything waits.
                if !owed(&evidence.waiting) {
                    break evidence;
                }
            }
            if tokio::time::Instant::now() > end {
                return Err(format!(
                    "not all is sent ({all_sent}) or delivered: {waiting:?}"
                ));
            }
        };
        let state = world.state();
        let broken: Vec<String> = invariants::all(&state, self.plan, &evidence);
        if !broken.is_empty() {
            return Err(broken.join("\n  "));
        }
        invariants::count(&state, self.plan, &evidence, tally);
        Ok(())
    }
}

fn owed(waiting: &[Waiting]) -> bool {
    waiting.iter().any(|destination| destination.count > 0)
}

async fn evidence(live: &Live, world: &World) -> Result<Evidence, crate::store::Error> {
    let acknowledged = world.state().acknowledged.clone();
    live.store
        .read(move |reader| {
            let mut alerts = Vec::new();
            for alert in reader.alerts(&AlertFilter::default(), 10_000)? {
                let revisions = reader.revisions(alert.id)?;
                alerts.push((alert, revisions));
            }
            let mut missing = Vec::new();
            for (said, id) in acknowledged {
                if reader.signal(id)?.is_none() {
                    missing.push(said);
                }
            }
            Ok(Evidence {
                alerts,
                dead: reader.dead_letters(None, None, 10_000)?,
                missing,
                waiting: reader.waiting()?,
            })
        })
        .await
}

fn storm(chance: &mut Chance) -> Weather {
    if chance.percent(40) {
        return Weather {
            slowest_ms: 20,
            ..Weather::default()
        };
    }
    Weather {
        full: chance.weighed(&[(3, 0), (1, 60), (1, 600)]),
        failed_commit: chance.weighed(&[(2, 0), (1, 60), (1, 400)]),
        dies_in_commit: chance.weighed(&[(3, 0), (1, 40)]),
        failed_read: chance.weighed(&[(3, 0), (1, 60)]),
        slowest_ms: chance.weighed(&[(1, 0), (1, 20), (1, 900)]),
    }
}

/// Sends its part of the plan, each request again until it is answered 202.
async fn send(live: Arc<Live>, world: World, plan: Arc<Vec<Request>>, sender: usize) {
    for (index, request) in plan.iter().enumerate().skip(sender).step_by(SENDERS) {
        if world.state().answered[index] {
            continue;
        }
        let early = request.at.saturating_sub(world.clock.steady());
        tokio::time::sleep(early).await;
        loop {
            let arrival = Arrival {
                connection: "local",
                url_token: None,
                headers: &[("content-type".to_owned(), "application/x-ndjson".to_owned())],
                body: request.body(),
                trusted_caller: false,
            };
            let taken = receive(&live, arrival).await;
            if world.state().dead {
                return;
            }
            match taken {
                Ok(receipt) => {
                    assert_eq!(receipt.signals.len(), request.signals.len());
                    assert_eq!(receipt.stuck(), 0, "{:?}", receipt.signals);
                    let names: Vec<&str> = request
                        .signals
                        .iter()
                        .map(|said| said.id.as_str())
                        .collect();
                    world.tell(&format!("202 for {}", names.join(" ")));
                    let mut state = world.state();
                    state.answered[index] = true;
                    for (said, kept) in request.signals.iter().zip(&receipt.signals) {
                        state.acknowledged.insert(said.id.clone(), kept.id);
                    }
                    break;
                }
                Err(refused) => world.tell(&format!("{} for request {index}", refused.status())),
            }
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
    }
}
