//! Splunk's HTTP Event Collector (HEC), as measured on Enterprise 10.4.3 and a Cloud 10.5 trial.
//!
//! It keeps what Splunk would index, and loses what Splunk loses: objects after an unknown envelope
//! key, objects from a bad one on. It must not grow features that Splunk has not.

mod code;
mod envelope;
mod acks;
mod routes;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use serde_json::Value;
use tokio::sync::watch;

pub use code::Code;

use super::listen::{self, Error, House, Listen, Running};
use acks::Acks;

/// One HEC token.
#[derive(Debug, Clone)]
pub struct Token {
    /// What stands after `Authorization: Splunk `.
    pub value: String,
    /// A disabled one answers 403 code 1.
    pub enabled: bool,
    /// Where events without an `index` go.
    pub index: String,
    /// The indexes it may write to, `index` always among them; any other is code 7.
    pub indexes: Vec<String>,
    /// What events without a `sourcetype` get.
    pub sourcetype: String,
    /// With it every request needs a channel, and success carries an `ackId`.
    pub use_ack: bool,
}

impl Token {
    /// An enabled token without acknowledgment that writes to `main`.
    pub fn new(value: &str) -> Self {
        Self {
            value: value.to_owned(),
            enabled: true,
            index: "main".to_owned(),
            indexes: Vec::new(),
            sourcetype: "httpevent".to_owned(),
            use_ack: false,
        }
    }

    fn may_write(&self, index: &str) -> bool {
        self.index == index || self.indexes.iter().any(|known| known == index)
    }
}

/// Which Splunk it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edition {
    /// Oversize is HTTP 413; a missing channel is code 10.
    #[default]
    Enterprise,
    /// Oversize is HTTP 400 code 6 naming object 0; a missing channel is code 28.
    Cloud,
}

/// How much of what comes in is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The latest so many events, older ones are forgotten.
    Latest(usize),
    /// Nothing but the count: for load tests.
    Count,
}

/// How to start one.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where.
    pub listen: Listen,
    /// The tokens it knows.
    pub tokens: Vec<Token>,
    /// Which Splunk.
    pub edition: Edition,
    /// The longest body in bytes, packed and unpacked: 838,860,800 on Enterprise 10.4.3
    /// (`limits.conf`, `max_content_length`); between 5,242,881 and 6,000,000 on a Cloud trial.
    pub body_at_most: usize,
    /// What is remembered.
    pub keep: Keep,
}

impl Options {
    /// Enterprise with one token and its default limits, keeping the latest 100,000 events.
    pub fn with_token(token: Token) -> Self {
        Self {
            listen: Listen::default(),
            tokens: vec![token],
            edition: Edition::Enterprise,
            body_at_most: super::body::MOST,
            keep: Keep::Latest(100_000),
        }
    }
}

/// One event as a search would find it.
#[derive(Debug, Clone, PartialEq)]
pub struct Indexed {
    /// `_time` in seconds since 1970, to the microsecond; when it came, where it had none.
    pub time: f64,
    /// The envelope's, else this server's address.
    pub host: String,
    /// The envelope's, else `http:andon`, the token's input name.
    pub source: String,
    /// The envelope's, else the token's.
    pub sourcetype: String,
    /// The envelope's, else the token's.
    pub index: String,
    /// What stood under `event`; for `/raw` the text of the line.
    pub event: Value,
    /// Indexed fields; null where the envelope had none.
    pub fields: Value,
    /// How many bytes the event was on the wire, unpacked and without its envelope.
    pub raw_bytes: usize,
    /// When it was indexed, for measuring latency.
    pub at: std::time::Instant,
}

/// What the collector received.
#[derive(Debug)]
pub struct Indexer {
    tokens: Vec<Token>,
    edition: Edition,
    body_at_most: usize,
    keep: Keep,
    host: String,
    events: Mutex<VecDeque<Indexed>>,
    last: Mutex<Bytes>,
    count: watch::Sender<u64>,
    acks: Mutex<Acks>,
    script: Mutex<VecDeque<Code>>,
    clock: crate::clock::Clock,
}

impl Indexer {
    /// The events kept, the oldest first.
    pub fn events(&self) -> Vec<Indexed> {
        locked(&self.events).iter().cloned().collect()
    }

    /// The latest body that was taken in, as it was before compression.
    pub fn last_body(&self) -> Vec<u8> {
        locked(&self.last).to_vec()
    }

    /// How many events were indexed since the start, forgotten ones too.
    pub fn count(&self) -> u64 {
        *self.count.borrow()
    }

    /// Waits until so many events were indexed. Give it a deadline.
    pub async fn reaches(&self, count: u64) {
        let mut seen = self.count.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        drop(seen.wait_for(|now| *now >= count).await);
    }

    /// The next `times` requests with a good token answer this code. Codes 0, 24 and 25 are
    /// successes and index the events; every other one refuses them all.
    pub fn answer(&self, times: usize, code: Code) {
        locked(&self.script).extend(std::iter::repeat_n(code, times));
    }

    /// While true, acknowledgments stay false: the indexers are behind.
    pub fn hold_acks(&self, hold: bool) {
        locked(&self.acks).hold(hold);
    }

    /// The next `times` requests with acknowledgment get an `ackId` that never comes true, and nothing of
    /// them is indexed: an indexer died with them in memory, which is what acknowledgment is for.
    pub fn lose(&self, times: usize) {
        locked(&self.acks).lose_next(times);
    }

    /// Every channel is forgotten and counts from 0 again, as after a restart.
    pub fn forget_acks(&self) {
        locked(&self.acks).forget();
    }

    /// The most acknowledgments that were pending at once on one channel.
    pub fn most_pending(&self) -> usize {
        locked(&self.acks).most()
    }

    /// Forgets the events, not the count.
    pub fn forget(&self) {
        locked(&self.events).clear();
    }

    fn index(&self, events: Vec<Indexed>, count: u64) {
        if let Keep::Latest(most) = self.keep {
            let mut kept = locked(&self.events);
            kept.extend(events);
            let over = kept.len().saturating_sub(most);
            kept.drain(..over);
        }
        self.count.send_modify(|total| *total += count);
    }
}

/// Starts a collector.
pub async fn start(options: Options) -> Result<Running<Indexer>, Error> {
    let indexer = Arc::new(Indexer {
        tokens: options.tokens,
        edition: options.edition,
        body_at_most: options.body_at_most.min(super::body::MOST),
        keep: options.keep,
        host: options.listen.address.ip().to_string(),
        events: Mutex::default(),
        last: Mutex::default(),
        count: watch::Sender::new(0),
        acks: Mutex::default(),
        script: Mutex::default(),
        clock: crate::clock::Clock::system(),
    });
    let router = routes::all(indexer.clone());
    listen::start(&options.listen, router, indexer, House::default()).await
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
