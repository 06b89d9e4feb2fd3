//! A stuck signal is judged again, after somebody mended its mapping or its connector.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::body::lenient;
use super::draw::{Cut, Draw, Drawn, Fault, Ready, digest, unread_index};
use super::keep::{self, Received};
use super::webhook::recognises;
use crate::connector::{Input, Open, SignalRule, Way};
use crate::expr::Value;
use crate::live::{Live, Snapshot};
use crate::signal::{Raw, SignalId};
use crate::store::{self, Standing, StandingKind};
use crate::triage;
use crate::web;

/// Why a signal was not judged again. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum NotRetried {
    /// It never was, or is no longer kept.
    #[error("there is no signal {0}")]
    Unknown(SignalId),
    /// There is nothing to mend.
    #[error("signal {id} is {standing}, not stuck")]
    NotStuck {
        /// The signal.
        id: SignalId,
        /// What became of it.
        standing: &'static str,
    },
    /// Its connection is no longer in `andon.yaml`, or has another connector now.
    #[error("the connection `{connection}` of signal {id} no longer gives such signals")]
    NoConnection {
        /// The signal.
        id: SignalId,
        /// The connection.
        connection: String,
    },
    /// Still nobody knows what it is.
    #[error("signal {id} is as it was: {reason}")]
    StillUnread {
        /// The signal.
        id: SignalId,
        /// Why.
        reason: String,
    },
    /// The store failed.
    #[error("cannot retry a signal")]
    Store(#[from] store::Error),
}

/// Judges a stuck signal again: by the mappings that failed on it, or by all where it could not be read.
/// One that nobody knew is taken for new where its connector knows it now.
///
/// # Errors
/// When there is nothing to retry, or the store fails.
pub async fn retry(live: &Arc<Live>, id: SignalId) -> Result<Received, NotRetried> {
    let kept = live
        .store
        .read(move |reader| reader.signal(id))
        .await?
        .ok_or(NotRetried::Unknown(id))?;
    if !matches!(kept.standing, StandingKind::Stuck | StandingKind::Refused) {
        return Err(NotRetried::NotStuck {
            id,
            standing: kept.standing.as_str(),
        });
    }
    let snapshot = live.snapshot();
    let reason = kept.reason.clone().unwrap_or_default();
    let failed = failed_mappings(&snapshot, &kept, &reason);
    if kept.standing == StandingKind::Stuck && !failed.is_empty() {
        let judged = triage::judge(
            &snapshot.catalog,
            kept.signal,
            &BTreeMap::new(),
            Some(&failed),
        );
        let ready = Ready {
            judged,
            fault: None,
            again: None,
            whole: false,
        };
        return settle(live, &snapshot, ready, false).await;
    }
    let no_connection = || NotRetried::NoConnection {
        id,
        connection: kept.signal.connection.clone(),
    };
    let connection = snapshot
        .catalog
        .config
        .connection(&kept.signal.connection)
        .filter(|connection| connection.connector.name == kept.signal.name.connector)
        .ok_or_else(no_connection)?;
    let draw = Draw {
        catalog: &snapshot.catalog,
        connection,
        received_at: kept.signal.received_at,
        now: kept.signal.now,
    };
    if kept.standing == StandingKind::Refused {
        let signals = recognised(live, &draw, &kept.raw);
        if signals.is_empty() {
            return Err(NotRetried::StillUnread { id, reason });
        }
        return replace(
            live,
            &snapshot,
            id,
            Drawn {
                raw: kept.raw,
                signals,
            },
        )
        .await;
    }
    let rule = connection
        .connector
        .signal(&kept.signal.name.signal)
        .ok_or_else(no_connection)?;
    let cuts = cut_again(&draw, rule, &kept.raw);
    let unread = unread_index(&kept.signal.vendor_id);
    let cut = cuts
        .into_iter()
        .enumerate()
        .find(|(index, cut)| unread == Some(*index) || cut.vendor_id == kept.signal.vendor_id)
        .map(|(_, cut)| cut);
    let Some(cut) = cut else {
        return Err(NotRetried::StillUnread { id, reason });
    };
    let mut ready = draw.ready(rule, cut, kept.signal.change, id);
    ready.judged.signal.echo_of = kept.signal.echo_of;
    settle(live, &snapshot, ready, true).await
}

/// The mappings that a reason names; each part of it begins with the mapping's name.
fn failed_mappings(snapshot: &Snapshot, kept: &store::Kept, reason: &str) -> Vec<String> {
    let named = |name: &str| {
        let begin = format!("mapping `{name}`, ");
        reason.starts_with(&begin) || reason.contains(&format!("; {begin}"))
    };
    snapshot
        .catalog
        .mappings_for(&kept.signal.name)
        .iter()
        .filter(|mapping| named(&mapping.name))
        .map(|mapping| mapping.name.clone())
        .collect()
}

async fn settle(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    mut ready: Ready,
    reread: bool,
) -> Result<Received, NotRetried> {
    let catalog = Arc::clone(snapshot);
    let (touched, ready) = live
        .store
        .write(move |tx| {
            if reread {
                tx.reread_signal(&ready.judged.signal)?;
            }
            let touched = match &ready.fault {
                None => !triage::settle(tx, &catalog.catalog, &mut ready.judged, None)?.is_empty(),
                Some(Fault::Stuck(reason) | Fault::Refused(reason)) => {
                    let standing = Standing::Stuck {
                        alerts: &[],
                        reason,
                        trace: reason,
                    };
                    tx.settle_signal(ready.judged.signal.id, standing)?;
                    false
                }
            };
            Ok((touched, ready))
        })
        .await?;
    keep::count_judged(live, &ready.judged);
    let received = keep::received(&ready);
    if touched {
        live.owed.ring();
    }
    if received.waiting {
        live.look_ups.ring();
    }
    Ok(received)
}

/// Signals take the place of one that nobody knew.
async fn replace(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    id: SignalId,
    drawn: Drawn,
) -> Result<Received, NotRetried> {
    let catalog = Arc::clone(snapshot);
    let (kept, drawn) = live
        .store
        .write(move |tx| {
            let mut drawn = vec![drawn];
            let kept = keep::keep(tx, &catalog.catalog, &mut drawn)?;
            tx.settle_signal(id, Standing::Read(&[]))?;
            Ok((kept, drawn))
        })
        .await?;
    kept.ring(live);
    keep::count(live, &drawn, &kept.received);
    kept.received
        .into_iter()
        .next()
        .ok_or(NotRetried::Unknown(id))
}

fn recognised(live: &Live, draw: &Draw<'_>, raw: &Raw) -> Vec<Ready> {
    let mut signals = Vec::new();
    for rule in &draw.connection.connector.signals {
        if !matches!(rule.way, Way::Webhook { .. }) {
            continue;
        }
        let known = with_input(draw, rule, raw, |input| recognises(rule, input));
        if known == Ok(true) {
            for cut in cut_again(draw, rule, raw) {
                signals.push(draw.ready(rule, cut, None, live.store.ids().next(draw.now)));
            }
        }
    }
    signals
}

fn cut_again(draw: &Draw<'_>, rule: &SignalRule, raw: &Raw) -> Vec<Cut> {
    with_input(draw, rule, raw, |input| {
        Draw::cut(rule, input, || digest(raw.body.as_data()))
    })
    .unwrap_or_default()
}

/// What arrived, made again from what was kept: the body, the headers, and for files what stood about them.
fn with_input<T>(
    draw: &Draw<'_>,
    rule: &SignalRule,
    raw: &Raw,
    then: impl FnOnce(&Input<'_>) -> T,
) -> Result<T, super::Refused> {
    let bytes = raw.body.as_data();
    let rows;
    let file;
    let header = web::header_object(&raw.headers);
    let mut input = Input::new(&draw.connection.settings, draw.received_at);
    input.text = std::str::from_utf8(bytes).unwrap_or_default();
    input.header = &header;
    input.status = header
        .get(super::STATUS)
        .and_then(serde_json::Value::as_str)
        .and_then(|status| status.parse().ok());
    if let Way::File(found) = &rule.way {
        file = serde_json::json!({
            "path": raw.path,
            "modified": header.get("file-modified"),
            "sha256": header.get("file-sha256"),
            "size": header.get("file-size").and_then(|size| size.as_str()?.parse::<u64>().ok()),
        });
        input.file = &file;
        if found.open == Open::Jsonl {
            rows = super::open::rows(bytes).map(|(rows, _)| rows)?;
            input.rows = &rows;
            return Ok(then(&input));
        }
    }
    let body = lenient(bytes)?;
    input.body = Value::from_json(&body);
    Ok(then(&input))
}
