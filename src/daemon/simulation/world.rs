//! What lies around Andon in one run: destinations, what senders were told, and the story of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::end::{ALL, BULK, End, LOG, PAGER, What, events};
use crate::clock::Clock;
use crate::signal::SignalId;
use crate::web::{Asked, Lost, Reply, Script};

/// How one life of the process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// What no sync covered may be gone.
    PowerCut,
    /// It was asked to stop, and did; the store had refused so often.
    Stopped { faults: u64 },
}

/// All of it. Clones are the same.
#[derive(Clone)]
pub(super) struct World {
    pub(super) clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) ends: BTreeMap<&'static str, End>,
    pub(super) deaths: Vec<Death>,
    /// What was acknowledged: the sender's name for it, and ours.
    pub(super) acknowledged: BTreeMap<String, SignalId>,
    /// Which requests were answered 202.
    pub(super) answered: Vec<bool>,
    pub(super) story: Vec<String>,
    /// By how many seconds the time of day is wrong.
    pub(super) wrong_by: i64,
    /// The process of this life is no more.
    pub(super) dead: bool,
    /// Nothing goes wrong any more.
    pub(super) quiet: bool,
    /// The story is told while it happens.
    pub(super) loud: bool,
}

impl World {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Arc::default(),
        }
    }

    /// As new, for another seed.
    pub(super) fn reset(&self, seed: u64, requests: usize, loud: bool) {
        *self.state() = State {
            ends: ALL
                .iter()
                .map(|name| (*name, End::new(seed, name)))
                .collect(),
            answered: vec![false; requests],
            loud,
            ..State::default()
        };
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line to the story of the run.
    pub(super) fn tell(&self, line: &str) {
        let at = self.clock.steady().as_millis();
        let mut state = self.state();
        let life = state.deaths.len() + 1;
        let line = format!("{at:>7} ms, life {life}: {line}");
        if state.loud {
            println!("{line}");
        }
        state.story.push(line);
    }

    /// What `web/` sends to instead of the network.
    pub(super) fn script(&self) -> Script {
        let world = self.clone();
        Script(Arc::new(move |asked| {
            let world = world.clone();
            Box::pin(async move { world.serve(asked).await })
        }))
    }

    async fn serve(&self, asked: Asked) -> Reply {
        let name = match asked.host.as_str() {
            "soc.example.com" => LOG,
            "bulk.example.com" => BULK,
            "pager.example.com" => PAGER,
            host => panic!("nobody is to call {host}{}", asked.path),
        };
        self.while_alive().await;
        let (what, before, after) = {
            let mut state = self.state();
            let quiet = state.quiet;
            state.end(name).decide(self.clock.steady(), quiet)
        };
        let _here = Here::enter(self, name);
        wait(before).await;
        self.while_alive().await;
        let events = events(name, &asked.body, self.state().deaths.len());
        let seen: Vec<String> = events
            .iter()
            .map(|event| match event.revision {
                Some(revision) => format!("{}-{revision}", event.alert),
                None => format!("{}-end", event.alert),
            })
            .collect();
        self.tell(&format!("{name} {what:?}: {}", seen.join(" ")));
        let empty = |status, headers| Ok((status, headers, Vec::new()));
        match what {
            What::Unreachable => return Err(Lost::Unreachable),
            What::CutsBefore => return Err(Lost::Cut),
            What::Hangs => std::future::pending().await,
            What::Status(status) => {
                if let (400 | 413, [only]) = (status, events.as_slice()) {
                    self.state().end(name).refuse(only);
                }
                return empty(status, Vec::new());
            }
            What::RetryAfter(seconds) => {
                return empty(429, vec![("retry-after".to_owned(), seconds.to_string())]);
            }
            What::Garbage => {
                return Ok((
                    200,
                    Vec::new(),
                    b"<html>Sign in to the proxy</html>".to_vec(),
                ));
            }
            What::Takes | What::TakesAndLosesTheAnswer | What::TakesAndHangs => {}
        }
        let (taken, (status, body)) = self.state().end(name).take(events);
        match what {
            What::TakesAndLosesTheAnswer => return Err(Lost::Cut),
            What::TakesAndHangs => std::future::pending().await,
            _ => {}
        }
        wait(after).await;
        self.while_alive().await;
        for event in &mut self.state().end(name).taken[taken] {
            event.answered = true;
        }
        Ok((status, Vec::new(), body.to_string().into_bytes()))
    }

    /// Nobody is there any more to ask, or to hear an answer.
    async fn while_alive(&self) {
        if self.state().dead {
            std::future::pending::<()>().await;
        }
    }
}

impl State {
    fn end(&mut self, name: &str) -> &mut End {
        self.ends.get_mut(name).unwrap()
    }
}

/// One request under way.
struct Here<'w> {
    world: &'w World,
    name: &'static str,
}

impl<'w> Here<'w> {
    fn enter(world: &'w World, name: &'static str) -> Self {
        let mut state = world.state();
        let end = state.end(name);
        end.at_once += 1;
        end.most_at_once = end.most_at_once.max(end.at_once);
        drop(state);
        Self { world, name }
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.world.state().end(self.name).at_once -= 1;
    }
}

async fn wait(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
