//! PagerDuty's Events API v2: what it refuses, what it drops with a 202, what becomes an incident; and its
//! webhooks v3, which tell what people do with one.

mod check;
mod routes;
mod webhook;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::listen::{self, Error, House, Listen, Running};
use crate::clock::Clock;
pub use webhook::{Agent, Sent};

use check::{Act, Event};
use webhook::Outbox;

/// The window of the rate limit: about 120 calls a minute for each key, sliding over 60 seconds.
const WINDOW: Duration = Duration::from_secs(60);

/// How to start one.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where.
    pub listen: Listen,
    /// The integration keys it knows, 32 characters each.
    pub routing_keys: Vec<String>,
    /// Calls in 60 seconds for each key; PagerDuty says about 120.
    pub per_minute: usize,
    /// How many incidents are remembered; the oldest are forgotten.
    pub keep: usize,
}

impl Options {
    /// One key and PagerDuty's own rate.
    pub fn with_key(routing_key: &str) -> Self {
        Self {
            listen: Listen::default(),
            routing_keys: vec![routing_key.to_owned()],
            per_minute: 120,
            keep: 10_000,
        }
    }
}

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Somebody is being called.
    Triggered,
    /// Somebody has taken it.
    Acknowledged,
    /// Over; a further trigger opens a new one.
    Resolved,
}

/// One incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Counts from 1.
    pub number: u64,
    /// The key that its events share.
    pub dedup_key: String,
    /// The integration it belongs to.
    pub routing_key: String,
    /// Where it stands.
    pub status: Status,
    /// The latest trigger, whole, without the routing key.
    pub event: Value,
    /// How many triggers it has had.
    pub triggers: u64,
    /// When the first trigger came, for measuring latency.
    pub at: std::time::Instant,
}

/// What PagerDuty received.
#[derive(Debug)]
pub struct Pager {
    options: Options,
    desk: Mutex<Desk>,
    count: watch::Sender<u64>,
    clock: Clock,
    outbox: Outbox,
}

#[derive(Debug, Default)]
struct Desk {
    incidents: VecDeque<Incident>,
    number: u64,
    dropped: u64,
    calls: VecDeque<(String, Duration)>,
    last: Vec<u8>,
}

impl Pager {
    /// Every incident kept, the oldest first.
    pub fn incidents(&self) -> Vec<Incident> {
        self.desk().incidents.iter().cloned().collect()
    }

    /// The latest incident of a key.
    pub fn incident(&self, dedup_key: &str) -> Option<Incident> {
        let desk = self.desk();
        desk.incidents
            .iter()
            .rev()
            .find(|incident| incident.dedup_key == dedup_key)
            .cloned()
    }

    /// The latest body that was taken in, its routing key in it.
    pub fn last_body(&self) -> Vec<u8> {
        self.desk().last.clone()
    }

    /// Events answered 202 since the start, the dropped ones too.
    pub fn count(&self) -> u64 {
        *self.count.borrow()
    }

    /// Events answered 202 and dropped: acknowledge or resolve without an open alert.
    pub fn dropped(&self) -> u64 {
        self.desk().dropped
    }

    /// Waits until so many events were answered 202. Give it a deadline.
    pub async fn reaches(&self, count: u64) {
        let mut seen = self.count.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        drop(seen.wait_for(|now| *now >= count).await);
    }

    /// Whether one more call of this key is within its rate; a refused call does not count.
    fn within_rate(&self, routing_key: &str) -> bool {
        let now = self.clock.steady();
        let mut desk = self.desk();
        while desk
            .calls
            .front()
            .is_some_and(|(_, at)| *at + WINDOW <= now)
        {
            desk.calls.pop_front();
        }
        let used = desk
            .calls
            .iter()
            .filter(|(key, _)| key == routing_key)
            .count();
        if used >= self.options.per_minute {
            return false;
        }
        desk.calls.push_back((routing_key.to_owned(), now));
        true
    }

    /// Does what the event says, and gives its key back.
    fn take(&self, event: Event, body: &[u8]) -> String {
        let mut desk = self.desk();
        desk.last = body.to_vec();
        // Sent with another routing key than the trigger's, an event finds no open alert.
        let open = desk.incidents.iter_mut().rev().find(|incident| {
            Some(&incident.dedup_key) == event.dedup_key.as_ref()
                && incident.routing_key == event.routing_key
                && incident.status != Status::Resolved
        });
        let key = match (event.act, open) {
            (Act::Trigger, Some(incident)) => {
                incident.triggers += 1;
                incident.event = event.whole;
                incident.dedup_key.clone()
            }
            (Act::Trigger, None) => self.open(&mut desk, event),
            (Act::Acknowledge, Some(incident)) => {
                incident.status = Status::Acknowledged;
                self.tell("acknowledged", incident, Agent::Automation);
                incident.dedup_key.clone()
            }
            (Act::Resolve, Some(incident)) => {
                incident.status = Status::Resolved;
                self.tell("resolved", incident, Agent::Automation);
                incident.dedup_key.clone()
            }
            (Act::Acknowledge | Act::Resolve, None) => {
                desk.dropped += 1;
                event.dedup_key.unwrap_or_default()
            }
        };
        drop(desk);
        self.count.send_modify(|total| *total += 1);
        key
    }

    fn open(&self, desk: &mut Desk, event: Event) -> String {
        desk.number += 1;
        // Without a key every trigger is a new alert, under a key of PagerDuty's own.
        let made_up = || format!("{:032x}", desk.number);
        let dedup_key = event.dedup_key.unwrap_or_else(made_up);
        if desk.incidents.len() >= self.options.keep {
            desk.incidents.pop_front();
        }
        let incident = Incident {
            number: desk.number,
            dedup_key: dedup_key.clone(),
            routing_key: event.routing_key,
            status: Status::Triggered,
            event: event.whole,
            triggers: 1,
            at: tokio::time::Instant::now().into_std(),
        };
        self.tell("triggered", &incident, Agent::Automation);
        desk.incidents.push_back(incident);
        dedup_key
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts one.
pub async fn start(options: Options) -> Result<Running<Pager>, Error> {
    start_at(options, Clock::system()).await
}

/// As [`start`], with the clock by which the rate is counted.
pub async fn start_at(options: Options, clock: Clock) -> Result<Running<Pager>, Error> {
    let listen = options.listen.clone();
    let house = House::default();
    let pager = Arc::new(Pager {
        outbox: Outbox::open(&house),
        options,
        desk: Mutex::default(),
        count: watch::Sender::new(0),
        clock,
    });
    let router = routes::all(pager.clone());
    listen::start(&listen, router, pager, house).await
}
