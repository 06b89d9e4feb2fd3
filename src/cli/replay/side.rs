//! One set of files over signals that were kept: the real triage, on a store of its own, in the time of
//! the signals. Nothing is sent, and the daemon's store is not touched.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;

use super::compare::Seen;
use crate::alert::Alert;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::signal::Signal;
use crate::store::{AlertFilter, Options, Store, Tx};
use crate::triage::{self, Judged};

/// What mappings could not say, by mapping: how many signals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Unsaid {
    /// They failed.
    pub(super) stuck: BTreeMap<String, u64>,
    /// They would have had to look something up, and nobody knows what they would have found.
    pub(super) look_up: BTreeMap<String, u64>,
}

/// What a set of files made of the signals.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// In the order in which they opened.
    pub(super) seen: Vec<Seen>,
    pub(super) unsaid: Unsaid,
}

/// A set of files at work.
pub(super) struct Side {
    catalog: Arc<Catalog>,
    store: Store,
    clock: Clock,
    unsaid: Unsaid,
    _folder: Scratch,
}

/// A folder that goes when it is no longer needed.
struct Scratch(PathBuf);

impl Scratch {
    fn make(name: &str) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("andon-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("`{}` cannot be made", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It lies in a folder for what may be lost; that it stays there is no more than untidy.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Side {
    /// Begins in the time of the first signal. `name` tells its folder from that of the other side.
    pub(super) fn begin(name: &str, catalog: Catalog, at: Timestamp) -> anyhow::Result<Self> {
        let folder = Scratch::make(name)?;
        let clock = Clock::stopped(at);
        let options = Options {
            least_free: 0,
            // Nothing durable is written here that a job could ride with.
            lazy_wait: Duration::ZERO,
            most_warm_alerts: 100_000,
            ..Options::default()
        };
        let store = Store::open(&folder.0.join("replay.db"), clock.clone(), options)?;
        Ok(Self {
            catalog: Arc::new(catalog),
            store,
            clock,
            unsaid: Unsaid::default(),
            _folder: folder,
        })
    }

    /// Signals in the order in which they came, after those before.
    pub(super) async fn take(&mut self, signals: Arc<Vec<Signal>>) -> anyhow::Result<()> {
        let catalog = Arc::clone(&self.catalog);
        let judging = tokio::task::spawn_blocking(move || -> Vec<Judged> {
            let nothing = BTreeMap::new();
            let judge = |signal: &Signal| triage::judge(&catalog, signal.clone(), &nothing, None);
            signals.iter().map(judge).collect()
        });
        let judged = judging.await?;
        for one in &judged {
            for stuck in &one.stuck {
                *self.unsaid.stuck.entry(stuck.mapping.clone()).or_default() += 1;
            }
            for mapping in &one.waiting {
                *self.unsaid.look_up.entry(mapping.clone()).or_default() += 1;
            }
        }
        let (catalog, clock) = (Arc::clone(&self.catalog), self.clock.clone());
        let job = move |tx: &mut Tx<'_>| {
            for mut one in judged {
                go_on(tx, &catalog, &clock, one.signal.received_at)?;
                triage::tell(tx, &catalog, &mut one)?;
            }
            Ok(())
        };
        self.store.write_lazily(job).await?;
        Ok(())
    }

    /// Time goes on to `now`, and that was all.
    pub(super) async fn end(self, now: Timestamp) -> anyhow::Result<Made> {
        let (catalog, clock) = (Arc::clone(&self.catalog), self.clock.clone());
        let job = move |tx: &mut Tx<'_>| go_on(tx, &catalog, &clock, now);
        self.store.write_lazily(job).await?;
        let read = |reader: &crate::store::Reader<'_>| {
            let mut alerts = reader.alerts(&AlertFilter::default(), u32::MAX)?;
            alerts.reverse();
            Ok(alerts)
        };
        let alerts = self.store.read(read).await?;
        self.store.close().await;
        let seen = |alert: Alert| {
            let mut told = alert.told.iter();
            Seen {
                paged: told.any(|told| triage::keeps_state(&self.catalog, told)),
                alert: Box::new(alert),
            }
        };
        Ok(Made {
            seen: alerts.into_iter().map(seen).collect(),
            unsaid: self.unsaid,
        })
    }
}

/// Time goes on, and what is due meanwhile happens when it is due.
fn go_on(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    clock: &Clock,
    to: Timestamp,
) -> Result<(), crate::store::Error> {
    while let Some(next) = tx.next_timer()?.filter(|next| *next <= to) {
        advance(clock, next);
        triage::due(tx, catalog, clock.now())?;
    }
    advance(clock, to);
    Ok(())
}

/// Signals may have come under a clock that went back; time here does not.
fn advance(clock: &Clock, to: Timestamp) {
    let by = to.duration_since(clock.now());
    clock.advance(by.try_into().unwrap_or_default());
}
