//! Takes actions up, one after another for each target; undoes what is due; looks whether what is in force holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;

use super::ask::{FREEZE, count};
use super::holding;
use super::pace::{Pace, Stop};
use super::progress::{Phase, Progress};
use super::run::Run;
use super::target::Target;
use super::watch::Watch;
use crate::action::{Action, ActionId, State};
use crate::live::Live;
use crate::store::{self, ActionFilter, Flag};

/// So many actions run at the same time.
const AT_ONCE: usize = 4;
/// So many looks at what is in force run at the same time, beside those.
const LOOKS_AT_ONCE: usize = 2;
/// How often the clock is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How many time limits are looked at in one go.
const MOST_DUE: u32 = 1000;
/// After a failure of the store, or a configuration that no longer has the action.
const PUT_OFF: Duration = Duration::from_secs(30);

/// Starts the worker on `live.tasks`: it takes up what is queued, goes on with what a stop interrupted, undoes what is due.
pub fn start(live: &Arc<Live>) {
    let worker = Worker::new(live, Pace::default());
    live.tasks.spawn(worker.work());
}

/// A run that ended.
struct Ended {
    id: ActionId,
    target: String,
    with: Result<Action, Stop>,
    /// It only looked.
    looked: bool,
}

pub(super) struct Worker {
    live: Arc<Live>,
    pace: Pace,
    running: BTreeSet<ActionId>,
    targets: BTreeSet<String>,
    /// Not to be taken up again before, by the clock that never jumps.
    again: BTreeMap<ActionId, Duration>,
    /// Time limits, by the clock that never jumps.
    limits: BTreeMap<ActionId, Duration>,
    /// What is in force, and when it is looked at.
    watch: Watch,
    looking: BTreeSet<ActionId>,
    /// Those that began before this worker did are among both.
    has_older: bool,
    tell: mpsc::Sender<Ended>,
    told: mpsc::Receiver<Ended>,
}

impl Worker {
    pub(super) fn new(live: &Arc<Live>, pace: Pace) -> Self {
        let (tell, told) = mpsc::channel(AT_ONCE);
        Self {
            live: Arc::clone(live),
            pace,
            running: BTreeSet::new(),
            targets: BTreeSet::new(),
            again: BTreeMap::new(),
            limits: BTreeMap::new(),
            watch: Watch::default(),
            looking: BTreeSet::new(),
            has_older: false,
            tell,
            told,
        }
    }

    async fn work(mut self) {
        let live = Arc::clone(&self.live);
        let mut bell = live.actions.listen();
        loop {
            bell.catch_up();
            if let Err(error) = self.take_up().await {
                tracing::warn!(%error, "actions could not be taken up; trying again");
            }
            tokio::select! {
                () = live.stop.cancelled() => break,
                Some(ended) = self.told.recv() => self.note(ended),
                () = bell.changed() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
        // Runs see the stop themselves; each ends at its next pause, and nothing is lost by it.
        while !(self.running.is_empty() && self.looking.is_empty()) {
            match self.told.recv().await {
                Some(ended) => self.note(ended),
                None => break,
            }
        }
    }

    /// Takes up what can be, and waits for it to end. Says whether there was anything but looks.
    #[cfg(test)]
    pub(super) async fn turn(&mut self) -> bool {
        self.take_up().await.unwrap();
        let any = !self.running.is_empty();
        while !(self.running.is_empty() && self.looking.is_empty()) {
            let ended = self.told.recv().await.unwrap();
            self.note(ended);
        }
        any
    }

    fn note(&mut self, ended: Ended) {
        let Ended {
            id,
            target,
            with,
            looked,
        } = ended;
        self.targets.remove(&target);
        if let Ok(action) = &with {
            self.note_in_force(action);
        }
        if looked {
            self.looking.remove(&id);
            if let Err(Stop::Store(error)) = with {
                tracing::warn!(%error, action = %id, "what a look found could not be kept; looking again");
            }
            return;
        }
        self.running.remove(&id);
        let later = match with {
            Ok(action) => {
                if let (State::Succeeded, Some(ttl), Some(_)) =
                    (action.state, action.ttl_seconds, action.until)
                {
                    self.limits
                        .insert(id, self.live.clock.steady() + Duration::from_secs(ttl));
                }
                None
            }
            Err(Stop::Later(span)) => Some(span),
            Err(Stop::Store(error)) => {
                tracing::warn!(%error, action = %id, "a run of an action was interrupted; going on later");
                Some(PUT_OFF)
            }
            Err(Stop::Cancelled | Stop::Frozen | Stop::Daemon) => None,
            #[cfg(test)]
            Err(Stop::Crashed) => Some(Duration::MAX),
        };
        match later {
            Some(span) => {
                let at = self.live.clock.steady().saturating_add(span);
                self.again.insert(id, at);
            }
            None => {
                self.again.remove(&id);
            }
        }
    }

    fn note_in_force(&mut self, action: &Action) {
        let snapshot = self.live.snapshot();
        let now = self.live.clock.steady();
        self.watch.note(action, &snapshot.catalog, now);
        let rule = snapshot
            .catalog
            .action(&action.action)
            .map(|(_, rule)| rule);
        let drifted = holding::told(action, rule);
        self.live.board.drift(action.id, drifted);
    }

    async fn take_up(&mut self) -> Result<(), store::Error> {
        let frozen = self.live.store.read(|reader| reader.flag(FREEZE)).await?;
        if !self.has_older {
            self.take_over_limits().await?;
            self.take_over_force().await?;
            self.has_older = true;
        }
        self.begin_due(frozen.as_ref()).await?;
        let unfinished = self
            .live
            .store
            .read(|reader| reader.unfinished_actions())
            .await?;
        let known: BTreeSet<ActionId> = unfinished.iter().map(|action| action.id).collect();
        self.again.retain(|id, _| known.contains(id));
        let now = self.live.clock.steady();
        for action in unfinished {
            if self.running.len() >= AT_ONCE {
                break;
            }
            let early = self.again.get(&action.id).is_some_and(|again| *again > now);
            if early
                || self.running.contains(&action.id)
                || self.looking.contains(&action.id)
                || action.state == State::PendingApproval
            {
                continue;
            }
            match &frozen {
                Some(flag) if changes(&action) => self.say_frozen(action, flag).await?,
                _ => self.begin(action),
            }
        }
        self.look_at_what_is_due().await
    }

    /// Looks at what is in force and due. It only reads, so that it goes on while Andon is frozen.
    async fn look_at_what_is_due(&mut self) -> Result<(), store::Error> {
        let now = self.live.clock.steady();
        let snapshot = self.live.snapshot();
        for id in self.watch.due(&snapshot.catalog, now) {
            if self.looking.len() >= LOOKS_AT_ONCE {
                break;
            }
            if self.looking.contains(&id) || self.running.contains(&id) {
                continue;
            }
            let stored = self
                .live
                .store
                .read(move |reader| reader.action(id))
                .await?;
            let Some(action) = stored.filter(Action::is_in_force) else {
                self.watch.forget(id);
                self.live.board.drift(id, None);
                continue;
            };
            let target = Target::new(snapshot.clone(), &action.action, &action.at);
            let Some(target) = target else {
                self.watch.put_off(id, &snapshot.catalog, now);
                continue;
            };
            let lock = target.lock(&action);
            // Somebody changes it now: looked at on a later turn.
            if !self.targets.insert(lock.clone()) {
                continue;
            }
            self.watch.put_off(id, &snapshot.catalog, now);
            self.looking.insert(id);
            let run = Run::new(&self.live, target, action, self.pace.clone());
            let tell = self.tell.clone();
            self.live.tasks.spawn(async move {
                let with = run.look_again().await;
                // The worker is gone only when nobody listens any more.
                let _ = tell
                    .send(Ended {
                        id,
                        target: lock,
                        with,
                        looked: true,
                    })
                    .await;
            });
        }
        Ok(())
    }

    /// What was in force before this worker began.
    async fn take_over_force(&mut self) -> Result<(), store::Error> {
        let succeeded = ActionFilter {
            state: Some(State::Succeeded),
            ..ActionFilter::default()
        };
        let all = self
            .live
            .store
            .read(move |reader| reader.actions(&succeeded, u32::MAX))
            .await?;
        let snapshot = self.live.snapshot();
        let now = self.live.clock.steady();
        let mut drifted = BTreeMap::new();
        for action in all {
            let rule = snapshot
                .catalog
                .action(&action.action)
                .map(|(_, rule)| rule);
            if let Some(told) = holding::told(&action, rule) {
                drifted.insert(action.id, told);
            }
            self.watch.note(&action, &snapshot.catalog, now);
        }
        self.live.board.begin_drifted(drifted);
        Ok(())
    }

    fn begin(&mut self, action: Action) {
        let id = action.id;
        let Some(target) = Target::new(self.live.snapshot(), &action.action, &action.at) else {
            tracing::warn!(action = %id, "an action is no longer configured; it waits until it is again");
            let at = self.live.clock.steady() + PUT_OFF;
            self.again.insert(id, at);
            return;
        };
        let lock = target.lock(&action);
        if !self.targets.insert(lock.clone()) {
            return;
        }
        self.running.insert(id);
        let run = Run::new(&self.live, target, action, self.pace.clone());
        let tell = self.tell.clone();
        self.live.tasks.spawn(async move {
            let with = run.go().await;
            // The worker is gone only when nobody listens any more.
            let _ = tell
                .send(Ended {
                    id,
                    target: lock,
                    with,
                    looked: false,
                })
                .await;
        });
    }

    /// Puts what has reached its time limit on its way back.
    async fn begin_due(&mut self, frozen: Option<&Flag>) -> Result<(), store::Error> {
        let (now, steady) = (self.live.clock.now(), self.live.clock.steady());
        let mut due: Vec<ActionId> = self
            .live
            .store
            .read(move |reader| reader.actions_due(now, MOST_DUE))
            .await?
            .into_iter()
            .map(|action| action.id)
            // A jump of the time of day does not end a limit early.
            .filter(|id| self.limits.get(id).is_none_or(|ends| *ends <= steady))
            .collect();
        for (id, ends) in &self.limits {
            if *ends <= steady && !due.contains(id) {
                due.push(*id);
            }
        }
        for id in due {
            let frozen = frozen.cloned();
            let moved = self
                .live
                .store
                .write(move |tx| {
                    let Some(mut action) = tx.action(id)? else {
                        return Ok(None);
                    };
                    if action.state != State::Succeeded {
                        return Ok(Some(action));
                    }
                    if let Some(flag) = frozen {
                        let message = waits(
                            &flag,
                            "its time limit has passed, and it is undone after that",
                        );
                        if action.message != message {
                            action.message = message;
                            tx.put_action(&action)?;
                        }
                        return Ok(None);
                    }
                    Progress::of(&action).begin_undo(&mut action);
                    "Its time limit has passed; it is being undone."
                        .clone_into(&mut action.message);
                    action.changed_at = tx.now();
                    tx.put_action(&action)?;
                    tx.audit("andon", "action.due", &json!({ "id": id }))?;
                    Ok(Some(action))
                })
                .await?;
            if let Some(action) = moved {
                self.limits.remove(&id);
                if action.state == State::Reverting {
                    count(&self.live, &action);
                }
            }
        }
        Ok(())
    }

    /// After a restart a limit is known by its time of day alone. From here on it is kept by the clock that
    /// never jumps as well, and no longer than it was asked for.
    async fn take_over_limits(&mut self) -> Result<(), store::Error> {
        let (now, steady) = (self.live.clock.now(), self.live.clock.steady());
        let limited = self
            .live
            .store
            .read(|reader| reader.actions_due(Timestamp::MAX, u32::MAX))
            .await?;
        for action in limited {
            if let (Some(until), Some(ttl)) = (action.until, action.ttl_seconds) {
                let left = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                let left = left.min(Duration::from_secs(ttl));
                self.limits
                    .entry(action.id)
                    .or_insert(steady.saturating_add(left));
            }
        }
        Ok(())
    }

    async fn say_frozen(&self, action: Action, flag: &Flag) -> Result<(), store::Error> {
        let message = waits(flag, "it goes on after that");
        if action.message == message {
            return Ok(());
        }
        let id = action.id;
        self.live
            .store
            .write(move |tx| {
                if let Some(mut stored) =
                    tx.action(id)?.filter(|stored| stored.state == action.state)
                {
                    stored.message = message;
                    tx.put_action(&stored)?;
                }
                Ok(())
            })
            .await
    }
}

fn waits(flag: &Flag, then: &str) -> String {
    format!(
        "It waits: Andon is frozen by {} ({}); {then}.",
        flag.who, flag.why
    )
}

/// Whether going on with it may change something; what only reads goes on while Andon is frozen.
fn changes(action: &Action) -> bool {
    let progress = Progress::of(action);
    match progress.phase {
        Phase::Reading | Phase::Undoing => true,
        Phase::Doing => progress.sent.is_none(),
        Phase::Proving | Phase::Checking => false,
    }
}
