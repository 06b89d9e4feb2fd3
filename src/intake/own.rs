//! Andon's own signals: which destinations take nothing, which containments hold no longer, told as any
//! other system would tell it.
//!
//! A state, read when it changes: a destination that is halted is an item, one that takes events again
//! is gone. After a start nothing is known of one that has not been tried; what was told stays then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::draw::Draw;
use super::items::{gone, keep_items};
use super::poll::{Error, Key};
use crate::connector::{Input, Own, Way};
use crate::expr::Value;
use crate::live::{Live, Snapshot, Standing};
use crate::signal::Raw;
use crate::untrusted::Untrusted;

/// How often the state is read when nothing rings.
const EVERY: Duration = Duration::from_secs(30);
/// The pause after a failure of the store.
const AGAIN: Duration = Duration::from_secs(1);
/// More destinations, or lost containments, than anybody has.
const MOST: u32 = 10_000;

/// Tells until the daemon stops.
pub(super) async fn run(live: Arc<Live>) {
    let mut news = live.board.news.listen();
    let mut swapped = live.swapped.listen();
    loop {
        let nap = match turn(&live).await {
            Ok(()) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "what Andon tells of itself could not be kept; trying again");
                AGAIN
            }
        };
        tokio::select! {
            () = live.stop.cancelled() => return,
            () = news.changed() => {}
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
            let Way::Own(own) = rule.way else {
                continue;
            };
            let key = Key {
                connection: connection.name.clone(),
                signal: rule.name.clone(),
            };
            let told = match own {
                Own::Destinations => destinations(live, &snapshot, &key).await?,
                Own::Containments => match containments(live, &key).await? {
                    Some(told) => told,
                    None => continue,
                },
            };
            put(live, &snapshot, &key, told).await?;
        }
    }
    Ok(())
}

/// What there is to tell, against what was told before.
struct Told {
    scan: i64,
    /// The key of the body, and its items that are new.
    new: (&'static str, Vec<Json>),
    /// Told before, and still so.
    stays: Vec<(String, Json)>,
    /// Whether something that was told is over.
    some_over: bool,
}

async fn known(live: &Arc<Live>, key: &Key, scan: i64) -> Result<Vec<(String, Json)>, Error> {
    let asked = key.clone();
    let items = live
        .store
        .read(move |reader| reader.items_gone(&asked.connection, &asked.signal, scan, MOST))
        .await?;
    Ok(items)
}

async fn destinations(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    key: &Key,
) -> Result<Told, Error> {
    let standings = live.board.all();
    let scan = live.store.ids().next::<()>(live.clock.now()).raw();
    let known = known(live, key, scan).await?;
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
    Ok(Told {
        scan,
        some_over: stays.len() < all_known,
        stays,
        new: ("destinations", halted),
    })
}

/// `None` while it is not known which containments hold.
async fn containments(live: &Arc<Live>, key: &Key) -> Result<Option<Told>, Error> {
    let Some(drifted) = live.board.drifted() else {
        return Ok(None);
    };
    let drifted: BTreeMap<String, _> = drifted
        .into_iter()
        .map(|(id, drifted)| (id.to_string(), drifted))
        .collect();
    let scan = live.store.ids().next::<()>(live.clock.now()).raw();
    let known = known(live, key, scan).await?;
    let all_known = known.len();
    let stays: Vec<_> = known
        .into_iter()
        .filter(|(id, told)| {
            drifted
                .get(id)
                .is_some_and(|drifted| told.get("since") == Some(&json!(drifted.since)))
        })
        .collect();
    let new = drifted
        .into_iter()
        .filter(|(id, _)| !stays.iter().any(|(known, _)| known == id))
        .map(|(id, drifted)| {
            json!({
                "containment": id,
                "action": drifted.action,
                "platform": drifted.connection,
                "with": drifted.with,
                "since": drifted.since,
                "proven_at": drifted.proven_at,
                "asked_by": drifted.asked_by,
                "changed_by": drifted.changed_by,
            })
        })
        .collect();
    Ok(Some(Told {
        scan,
        some_over: stays.len() < all_known,
        stays,
        new: ("containments", new),
    }))
}

async fn put(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    key: &Key,
    told: Told,
) -> Result<(), Error> {
    let Told {
        scan,
        new: (name, new),
        stays,
        some_over,
    } = told;
    if new.is_empty() && !some_over {
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
    if !new.is_empty() {
        tell(live, snapshot, key, &json!({ name: new }), scan).await?;
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
    body: &Json,
    scan: i64,
) -> Result<(), Error> {
    let connection = snapshot.catalog.config.connection(&key.connection);
    let Some(connection) = connection else {
        return Ok(());
    };
    let Some(rule) = connection.connector.signal(&key.signal) else {
        return Ok(());
    };
    let cuts = {
        let mut input = Input::new(&connection.settings, live.clock.now());
        input.body = Value::from_json(body);
        Draw::cut(rule, &input, || "own".to_owned())
    };
    let raw = Raw {
        body: Untrusted::new(body.to_string().into_bytes()),
        headers: Vec::new(),
        path: None,
    };
    keep_items(live, snapshot, key, cuts, scan, Arc::new(raw)).await
}
