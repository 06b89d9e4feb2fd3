//! What was polled, kept: what is new or changed, what is gone, and what only the clock changed.

use std::sync::Arc;

use jiff::Timestamp;

use super::draw::{Cut, UNREAD};
use super::keep::{self, Kept};
use super::poll::{Error, Key, draw, later};
use crate::config::Connection;
use crate::connector::{PollOf, SignalRule};
use crate::document::Document;
use crate::live::{Live, Snapshot};
use crate::mapping::Judgement;
use crate::signal::{Change, Raw};
use crate::store::{self, RawRef, Tx};
use crate::triage::Judged;
use crate::untrusted::Untrusted;

/// How many items are kept in one write.
pub(super) const AT_ONCE: usize = 100;
/// The longest answer that is kept with the signals in it, in bytes; of a longer one each keeps its own data.
const LONGEST_KEPT: usize = 1024 * 1024;

/// Keeps what is new in these items, in one write. Each is judged in it, because only the store knows what became of it.
pub(super) async fn keep_items(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    key: &Key,
    cuts: Vec<Cut>,
    scan: i64,
    raw: Arc<Raw>,
) -> Result<(), Error> {
    let now = live.clock.now();
    let ids: Vec<_> = cuts.iter().map(|_| live.store.ids().next(now)).collect();
    let (snapshot, key) = (Arc::clone(snapshot), key.clone());
    let connection = key.connection.clone();
    let (kept, judged) = live
        .store
        .write(move |tx| {
            let mut kept = Kept::default();
            let mut all = Vec::new();
            let Some((connection, rule, of)) = rule_of(&snapshot, &key) else {
                return Ok((kept, all));
            };
            let draw = draw(&snapshot, connection, now);
            let mut shared = None;
            for (cut, id) in cuts.into_iter().zip(ids) {
                let of_state = of == PollOf::State;
                let nothing = Document::null();
                let data = if of_state { &cut.data } else { &nothing };
                let change =
                    tx.note_item(&key.connection, &key.signal, &cut.vendor_id, data, scan)?;
                if !of_state && change != Change::New {
                    continue;
                }
                let mut ready = draw.ready(rule, cut, of_state.then_some(change), id);
                if change == Change::Same
                    && (ready.fault.is_some() || !changes_verdict(tx, &ready.judged, now)?)
                {
                    continue;
                }
                let own;
                let raw = if raw.body.as_data().len() > LONGEST_KEPT {
                    own = own_raw(ready.judged.signal.data.as_data());
                    RawRef::Own(&own)
                } else {
                    let body = match shared {
                        Some(body) => body,
                        None => *shared.insert(tx.insert_body(&raw)?),
                    };
                    RawRef::Shared(body)
                };
                kept.alerts |= keep::put(tx, &snapshot.catalog, &mut ready, raw)?;
                kept.received.push(keep::received(&ready));
                all.push(ready);
            }
            Ok((kept, all))
        })
        .await?;
    kept.ring(live);
    keep::count_ready(live, &connection, &judged, &kept.received);
    Ok(())
}

fn rule_of<'s>(
    snapshot: &'s Snapshot,
    key: &Key,
) -> Option<(&'s Connection, &'s SignalRule, PollOf)> {
    let connection = snapshot.catalog.config.connection(&key.connection)?;
    let rule = connection.connector.signal(&key.signal)?;
    Some((connection, rule, rule.way.of()?))
}

fn own_raw(data: &impl ToString) -> Raw {
    Raw {
        body: Untrusted::new(data.to_string().into_bytes()),
        headers: Vec::new(),
        path: None,
    }
}

/// Whether a reading that is as it was says something new all the same: the clock may have.
fn changes_verdict(tx: &mut Tx<'_>, judged: &Judged, now: Timestamp) -> Result<bool, store::Error> {
    for (mapping, said) in &judged.said {
        let changes = match said {
            Judgement::Nothing => false,
            Judgement::Close { key } => tx.open_alert(key)?.is_some(),
            Judgement::Open(proposal) => match tx.open_alert(&proposal.key)? {
                None => true,
                Some(known) => {
                    // One that goes quiet by itself is kept awake while the state lasts.
                    let sleepy = mapping
                        .quiet
                        .is_some_and(|quiet| later(known.last_seen, quiet / 2) <= now);
                    proposal.severity > known.severity || sleepy
                }
            },
        };
        if changes {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What a whole scan no longer finds: its end is a signal of its own. Events only are forgotten.
pub(super) async fn gone(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    key: &Key,
    scan: i64,
) -> Result<(), Error> {
    loop {
        let asked = key.clone();
        let limit = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
        let items = live
            .store
            .read(move |reader| reader.items_gone(&asked.connection, &asked.signal, scan, limit))
            .await?;
        if items.is_empty() {
            return Ok(());
        }
        let now = live.clock.now();
        let ids: Vec<_> = items.iter().map(|_| live.store.ids().next(now)).collect();
        let (snapshot, key) = (Arc::clone(snapshot), key.clone());
        let connection = key.connection.clone();
        let (kept, judged) = live
            .store
            .write(move |tx| {
                let mut kept = Kept::default();
                let mut all = Vec::new();
                let Some((connection, rule, of)) = rule_of(&snapshot, &key) else {
                    return Ok((kept, all));
                };
                let draw = draw(&snapshot, connection, now);
                for ((item, data), id) in items.into_iter().zip(ids) {
                    tx.forget_item(&key.connection, &key.signal, &item)?;
                    if of == PollOf::Events || item.starts_with(UNREAD) {
                        continue;
                    }
                    let raw = own_raw(&data);
                    let cut = Cut {
                        vendor_id: item,
                        at: None,
                        data: data.into(),
                        whole: false,
                        fault: None,
                        mark: None,
                    };
                    let mut ready = draw.ready(rule, cut, Some(Change::Gone), id);
                    kept.alerts |= keep::put(tx, &snapshot.catalog, &mut ready, RawRef::Own(&raw))?;
                    kept.received.push(keep::received(&ready));
                    all.push(ready);
                }
                Ok((kept, all))
            })
            .await?;
        kept.ring(live);
        keep::count_ready(live, &connection, &judged, &kept.received);
    }
}
