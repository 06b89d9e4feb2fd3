//! Andon's own signals: which destinations take nothing, told as any other system would be.
//!
//! A state, read when it changes: a destination that is halted is an item, one that takes events again
//! is gone. After a start nothing is known of one that has not been tried; what was known stays then.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::draw::Draw;
use super::items::{gone, keep_items};
use super::poll::{Error, Key};
use crate::connector::{Input, Way};
use crate::expr::Value;
use crate::live::{Live, Snapshot, Standing};
use crate::signal::Raw;
use crate::untrusted::Untrusted;

/// How often the state is read when nothing rings.
const EVERY: Duration = Duration::from_secs(30);
/// The pause after a failure of the store.
const AGAIN: Duration = Duration::from_secs(1);
/// More destinations than anybody has.
const MOST: u32 = 1_000;

/// Tells until the daemon stops.
pub(super) async fn run(live: Arc<Live>) {
    let mut halts = live.board.halts.listen();
    let mut swapped = live.swapped.listen();
    loop {
        let nap = match turn(&live).await {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "which destinations are halted could not be kept; trying again");
                AGAIN
            }
        };
        tokio::select! {
            () = live.stop.cancelled() => return,
            () = halts.changed() => {}
            () = swapped.changed() => {}
            () = tokio::time::sleep(nap) => {}
        }
    }
}

/// Reads the state once, for each signal that shows it.
async fn turn(live: &Arc<Live>) -> Result<(), Error> {
    let snapshot = live.snapshot();
    for connection in &snapshot.catalog.config.connections {
        for rule in &connection.connector.signals {
            if matches!(rule.way, Way::Own) {
                let key = Key {
                    connection: connection.name.clone(),
                    signal: rule.name.clone(),
                };
                destinations(live, &snapshot, &key).await?;
            }
        }
    }
    Ok(())
}

async fn destinations(live: &Arc<Live>, snapshot: &Arc<Snapshot>, key: &Key) -> Result<(), Error> {
    let standings = live.board.all();
    let now = live.clock.now();
    let scan = live.store.ids().next::<()>(now).raw();
    let asked = key.clone();
    let known = live
        .store
        .read(move |reader| reader.items_gone(&asked.connection, &asked.signal, scan, MOST))
        .await?;
    let config = &snapshot.catalog.config;
    let all_known = known.len();
    let stays: Vec<_> = known
        .into_iter()
        .filter(|(name, data)| {
            config.connection(name).is_some() && is_still_halted(standings.get(name), data)
        })
        .collect();
    let halted: Vec<Json> = standings
        .values()
        .filter(|standing| !stays.iter().any(|(name, _)| *name == standing.destination))
        .filter(|standing| config.connection(&standing.destination).is_some())
        .filter_map(|standing| {
            let halted = standing.halted.as_ref()?;
            Some(json!({
                "destination": standing.destination,
                "why": halted.why,
                "since": halted.since.to_string(),
            }))
        })
        .collect();
    if halted.is_empty() && stays.len() == all_known {
        return Ok(());
    }
    let noted = key.clone();
    live.store
        .write(move |tx| {
            for (name, data) in &stays {
                tx.note_item(&noted.connection, &noted.signal, name, data, scan)?;
            }
            Ok(())
        })
        .await?;
    if !halted.is_empty() {
        tell(live, snapshot, key, halted, scan).await?;
    }
    gone(live, snapshot, key, scan).await
}

/// Whether what was told of a destination still holds: nothing was taken by it since.
fn is_still_halted(standing: Option<&Standing>, told: &Json) -> bool {
    let since = told.get("since").and_then(Json::as_str);
    let since = since.and_then(|since| since.parse::<Timestamp>().ok());
    match standing.and_then(|standing| standing.last_delivered) {
        None => true,
        Some(taken) => since.is_some_and(|since| taken <= since),
    }
}

async fn tell(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    key: &Key,
    halted: Vec<Json>,
    scan: i64,
) -> Result<(), Error> {
    let connection = snapshot.catalog.config.connection(&key.connection);
    let Some(connection) = connection else {
        return Ok(());
    };
    let Some(rule) = connection.connector.signal(&key.signal) else {
        return Ok(());
    };
    let body = json!({ "destinations": halted });
    let cuts = {
        let mut input = Input::new(&connection.settings, live.clock.now());
        input.body = Value::from_json(&body);
        Draw::cut(rule, &input, || "own".to_owned())
    };
    let raw = Raw {
        body: Untrusted::new(body.to_string().into_bytes()),
        headers: Vec::new(),
        path: None,
    };
    keep_items(live, snapshot, key, cuts, scan, Arc::new(raw)).await
}
