//! Microsoft's token endpoint and the Logs Ingestion API, with what it loses without a word.
//!
//! A 204 does not mean that a row appears: undeclared properties go, long texts are cut, values of
//! the wrong type become null. It must not tell the sender, because Azure does not.

mod token;
mod stream;
mod manager;
mod routes;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::watch;

pub use manager::Resources;
pub use stream::{Column, ColumnType, Stream};

use super::listen::{self, Error, House, Listen, Running};
use crate::clock::Clock;
use token::Issued;

/// How to start one.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where.
    pub listen: Listen,
    /// The directory (tenant) in the token endpoint's path.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: String,
    /// The scope that the token must be asked for; `https://monitor.azure.com/.default` in the
    /// public cloud.
    pub scope: String,
    /// How long a token lives; Microsoft says 3,599 seconds.
    pub token_lives: Duration,
    /// The rule's immutable id: `dcr-` and 32 hexadecimal digits.
    pub dcr: String,
    /// The streams that the rule declares.
    pub streams: Vec<Stream>,
    /// Where the rule and the workspace are in Azure Resource Manager.
    pub resources: Resources,
    /// False answers 403, as before the role has propagated.
    pub role_assigned: bool,
    /// The longest call, packed and unpacked: 1,048,576 bytes, the server's own text. That it may be
    /// 1,000,000 is what makers of other senders found safe.
    pub call_at_most: usize,
    /// How many rows are remembered; older ones are forgotten.
    pub keep: usize,
}

impl Options {
    /// A rule with one stream, an application that may write to it, and the public cloud's scope.
    pub fn with_stream(stream: Stream) -> Self {
        Self {
            listen: Listen::default(),
            tenant: "11111111-2222-3333-4444-555555555555".to_owned(),
            client_id: "66666666-7777-8888-9999-000000000000".to_owned(),
            client_secret: "a sandbox's secret".to_owned(),
            scope: "https://monitor.azure.com/.default".to_owned(),
            token_lives: Duration::from_secs(3599),
            dcr: "dcr-00000000000000000000000000000001".to_owned(),
            resources: Resources::of(&stream),
            streams: vec![stream],
            role_assigned: true,
            call_at_most: 1_048_576,
            keep: 100_000,
        }
    }
}

/// One row as a query would find it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The stream it came by.
    pub stream: String,
    /// The columns that arrived: declared, cut, and of the declared type.
    pub columns: Map<String, Value>,
    /// What was dropped, cut or nulled on the way. Azure tells nobody; tests want to know.
    pub lost: Vec<String>,
    /// When it was taken, for measuring latency.
    pub at: std::time::Instant,
}

/// What the workspace received.
#[derive(Debug)]
pub struct Workspace {
    options: Options,
    role_assigned: std::sync::atomic::AtomicBool,
    issued: Mutex<Issued>,
    rows: Mutex<VecDeque<Row>>,
    last: Mutex<Vec<u8>>,
    count: watch::Sender<u64>,
    clock: Clock,
}

impl Workspace {
    /// The rows kept, the oldest first.
    pub fn rows(&self) -> Vec<Row> {
        locked(&self.rows).iter().cloned().collect()
    }

    /// The latest body that was taken in, as it was before compression.
    pub fn last_body(&self) -> Vec<u8> {
        locked(&self.last).clone()
    }

    /// How many rows were taken since the start, forgotten ones too.
    pub fn count(&self) -> u64 {
        *self.count.borrow()
    }

    /// Waits until so many rows were taken. Give it a deadline.
    pub async fn reaches(&self, count: u64) {
        let mut seen = self.count.subscribe();
        // The sender lives as long as `self`, so the wait cannot fail.
        drop(seen.wait_for(|now| *now >= count).await);
    }

    /// How many tokens were issued.
    pub fn tokens_issued(&self) -> u64 {
        locked(&self.issued).count()
    }

    /// Every token issued so far is refused from now on.
    pub fn expire_tokens(&self) {
        locked(&self.issued).forget();
    }

    /// Grants or takes away the role Monitoring Metrics Publisher.
    pub fn assign_role(&self, assigned: bool) {
        self.role_assigned
            .store(assigned, std::sync::atomic::Ordering::Relaxed);
    }

    /// Where to ask for a token, below this server's URL.
    pub fn token_path(&self) -> String {
        format!("/{}/oauth2/v2.0/token", self.options.tenant)
    }

    fn take(&self, rows: Vec<Row>) {
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let mut kept = locked(&self.rows);
        kept.extend(rows);
        let over = kept.len().saturating_sub(self.options.keep);
        kept.drain(..over);
        drop(kept);
        self.count.send_modify(|total| *total += count);
    }
}

/// Starts the token endpoint and the ingestion endpoint on one address.
pub async fn start(options: Options) -> Result<Running<Workspace>, Error> {
    start_at(options, Clock::system()).await
}

/// As [`start`], with the clock by which tokens grow old.
pub async fn start_at(options: Options, clock: Clock) -> Result<Running<Workspace>, Error> {
    let listen = options.listen.clone();
    let workspace = Arc::new(Workspace {
        role_assigned: options.role_assigned.into(),
        issued: Mutex::default(),
        rows: Mutex::default(),
        last: Mutex::default(),
        count: watch::Sender::new(0),
        options,
        clock,
    });
    let router = routes::all(workspace.clone());
    listen::start(&listen, router, workspace, House::default()).await
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
