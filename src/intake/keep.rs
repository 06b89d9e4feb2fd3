//! The one write: signals, what became of their alerts, and what is owed, together or not at all.

use std::sync::Arc;

use super::draw::{Drawn, Fault, Ready};
use crate::catalog::Catalog;
use crate::live::Live;
use crate::mapping::Judgement;
use crate::signal::SignalId;
use crate::store::{self, RawRef, Standing, Tx};
use crate::triage::{self, Judged};

/// What became of one signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its identifier; for a repeat that of the signal it repeats.
    pub id: SignalId,
    /// Whether it was there already.
    pub repeat: bool,
    /// Why it is stuck, or that nobody knows what it is.
    pub stuck: Option<String>,
    /// Whether it waits for a look-up.
    pub waiting: bool,
}

/// What was kept, and whom it concerns.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub received: Vec<Received>,
    /// Whether alerts were touched, so that something may be owed.
    pub alerts: bool,
}

impl Kept {
    /// Wakes whoever has work now.
    pub fn ring(&self, live: &Live) {
        if self.alerts {
            live.owed.ring();
        }
        if self.received.iter().any(|one| one.waiting) {
            live.look_ups.ring();
        }
    }
}

/// Keeps bodies with their signals, those that are repeats excepted.
pub(super) fn keep(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    drawn: &mut [Drawn],
) -> Result<Kept, store::Error> {
    let mut kept = Kept::default();
    for body in drawn {
        let mut shared = None;
        let alone = body.signals.len() <= 1;
        for ready in &mut body.signals {
            if let Some(id) = repeat_of(tx, ready)? {
                kept.received.push(Received {
                    id,
                    repeat: true,
                    stuck: None,
                    waiting: false,
                });
                continue;
            }
            let raw = match shared {
                _ if alone && ready.whole => RawRef::Whole(&body.raw),
                _ if alone => RawRef::Own(&body.raw),
                Some(shared) => RawRef::Shared(shared),
                None => {
                    let inserted = tx.insert_body(&body.raw)?;
                    shared = Some(inserted);
                    RawRef::Shared(inserted)
                }
            };
            kept.alerts |= put(tx, catalog, ready, raw)?;
            kept.received.push(received(ready));
        }
    }
    Ok(kept)
}

/// Keeps one signal. Says whether it touched an alert.
pub(super) fn put(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    ready: &mut Ready,
    raw: RawRef<'_>,
) -> Result<bool, store::Error> {
    let standing = match &ready.fault {
        None => {
            return triage::settle(tx, catalog, &mut ready.judged, Some(raw))
                .map(|alerts| !alerts.is_empty());
        }
        Some(Fault::Stuck(reason)) => Standing::Stuck {
            alerts: &[],
            reason,
            trace: reason,
        },
        Some(Fault::Refused(reason)) => Standing::Refused { reason },
    };
    tx.insert_signal(&ready.judged.signal, raw, standing)?;
    Ok(false)
}

fn repeat_of(tx: &mut Tx<'_>, ready: &Ready) -> Result<Option<SignalId>, store::Error> {
    let Some(again) = ready.again else {
        return Ok(None);
    };
    let signal = &ready.judged.signal;
    let since = signal
        .received_at
        .checked_sub(again)
        .unwrap_or(jiff::Timestamp::MIN);
    tx.repeat_of(&signal.connection, &signal.name, &signal.vendor_id, since)
}

/// What became of a signal that is no repeat.
pub(super) fn received(ready: &Ready) -> Received {
    Received {
        id: ready.judged.signal.id,
        repeat: false,
        stuck: reason(ready),
        waiting: ready.fault.is_none() && !ready.judged.waiting.is_empty(),
    }
}

fn reason(ready: &Ready) -> Option<String> {
    match &ready.fault {
        Some(Fault::Stuck(reason) | Fault::Refused(reason)) => Some(reason.clone()),
        None if ready.judged.stuck.is_empty() => None,
        None => Some(
            ready
                .judged
                .stuck
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        ),
    }
}

/// Counts what was kept. `drawn` and `received` are in the same order.
pub(super) fn count(live: &Live, drawn: &[Drawn], received: &[Received]) {
    let all = drawn.iter().flat_map(|body| &body.signals);
    for (ready, received) in all.zip(received) {
        count_one(live, &ready.judged.signal.connection, ready, received);
    }
}

/// As [`count`], for signals that are not in bodies any more.
pub(super) fn count_ready(live: &Live, connection: &str, ready: &[Ready], received: &[Received]) {
    for (ready, received) in ready.iter().zip(received) {
        count_one(live, connection, ready, received);
    }
}

fn count_one(live: &Live, connection: &str, ready: &Ready, received: &Received) {
    let outcome = match (&ready.fault, received) {
        (_, Received { repeat: true, .. }) => "repeat",
        (Some(Fault::Refused(_)), _) => "unmatched",
        (_, Received { stuck: Some(_), .. }) => "stuck",
        (_, Received { waiting: true, .. }) => "waiting",
        _ => "read",
    };
    live.meters.signals.add(connection, outcome, 1);
    if !received.repeat {
        count_judged(live, &ready.judged);
    }
}

/// Counts what mappings said.
pub(super) fn count_judged(live: &Live, judged: &Judged) {
    let count = |mapping: &str, outcome| live.meters.judged.add(mapping, outcome, 1);
    for (mapping, said) in &judged.said {
        count(
            &mapping.name,
            match said {
                Judgement::Nothing => "nothing",
                Judgement::Open(_) => "open",
                Judgement::Close { .. } => "close",
            },
        );
    }
    for (mapping, _) in &judged.shadow {
        count(&mapping.name, "shadow");
    }
    for stuck in &judged.stuck {
        count(&stuck.mapping, "stuck");
    }
}

/// Keeps bodies in one write of their own, counts them and rings.
pub(super) async fn write(
    live: &Arc<Live>,
    snapshot: &Arc<crate::live::Snapshot>,
    mut drawn: Vec<Drawn>,
) -> Result<Vec<Received>, store::Error> {
    let snapshot = Arc::clone(snapshot);
    let (kept, drawn) = live
        .store
        .write(move |tx| {
            let kept = keep(tx, &snapshot.catalog, &mut drawn)?;
            Ok((kept, drawn))
        })
        .await?;
    kept.ring(live);
    count(live, &drawn, &kept.received);
    Ok(kept.received)
}
