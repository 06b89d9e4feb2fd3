//! `andon check --live`: asks each connection whether it would work, and says what it could not ask.
//!
//! What is asked comes from the connectors: their `live:`, the first page of their polls, their folders and
//! files. It goes out as deliveries do: the same client, secrets, reach and limits. Nothing is kept, nothing is
//! delivered, and nothing is changed on the other side.

mod faults;
mod one;
mod request;
mod source;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::diag::Faults;
use crate::live::Snapshot;
use crate::web;
use one::Asking;

/// How many connections are asked at once.
const AT_ONCE: usize = 16;
/// How long one answer may take, where the connection's own `timeout` is longer: somebody waits.
const LONGEST_ANSWER: Duration = Duration::from_secs(15);

/// What came of asking one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Its name.
    pub connection: String,
    /// Its connector.
    pub connector: String,
    /// The host of its first URL.
    pub host: String,
    /// In the order in which it was asked.
    pub found: Vec<Found>,
}

/// What came of one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What was asked after.
    pub about: String,
    /// What came of it.
    pub outcome: Outcome,
    /// One line, clean.
    pub said: String,
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is as it has to be.
    Fine,
    /// Somebody has to mend something: it is among the faults too.
    Fault,
    /// It could not be asked, or the answer does not tell.
    NotAsked,
}

impl Outcome {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Fault => "fault",
            Self::NotAsked => "not_asked",
        }
    }
}

/// Asks every connection of `catalog` that somebody wrote; `folder` is that of `andon.yaml`. Gives what came of
/// it in their order, and the faults.
pub async fn ask(mut catalog: Catalog, folder: &Path, clock: Clock) -> (Vec<Asked>, Faults) {
    for connection in &mut catalog.config.connections {
        connection.timeout = connection.timeout.min(LONGEST_ANSWER);
    }
    let names: Vec<String> = catalog
        .config
        .written()
        .map(|connection| connection.name.clone())
        .collect();
    let client = web::Client::new(clock.clone(), web::Options::default());
    let (snapshot, unready) = Snapshot::as_far_as_ready(catalog, folder, &client, clock.clone());
    let (snapshot, unready) = (Arc::new(snapshot), Arc::new(unready));
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let mut asking = JoinSet::new();
    for (index, name) in names.into_iter().enumerate() {
        let (snapshot, unready) = (Arc::clone(&snapshot), Arc::clone(&unready));
        let (slots, clock) = (Arc::clone(&slots), clock.clone());
        asking.spawn(async move {
            // Never closed; with or without a slot it is asked.
            let _slot = slots.acquire().await;
            (index, one(&snapshot, &unready, &name, &clock).await)
        });
    }
    let mut all = BTreeMap::new();
    let mut faults = Faults::new();
    for (index, asked) in asking.join_all().await {
        if let Some((asked, found)) = asked {
            all.insert(index, asked);
            faults.append(found);
        }
    }
    (all.into_values().collect(), faults)
}

async fn one(
    snapshot: &Snapshot,
    unready: &BTreeMap<String, web::Error>,
    name: &str,
    clock: &Clock,
) -> Option<(Asked, Faults)> {
    let connection = snapshot.catalog.config.connection(name)?;
    let mut asking = Asking::new(snapshot, connection, clock);
    match unready.get(name) {
        Some(error) => asking.unanswered("its certificates", error, ""),
        None => asking.everything().await,
    }
    Some(asking.done())
}
