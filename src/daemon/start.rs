//! Starting in order, stopping in reverse.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Error, Folder, reload};
use crate::catalog::{self, Catalog};
use crate::clock::Clock;
use crate::diag::{Diagnostic, Faults};
use crate::live::{Live, Snapshot};
use crate::store::{Options, Store};
use crate::{containment, delivery, intake, server, triage, web};

/// How long jobs may take to finish what they began, once they were told to stop.
const DRAIN: Duration = Duration::from_secs(15);
/// How often what is old is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// The same, while intake is refused for want of room.
const SWEEP_WHEN_FULL: Duration = Duration::from_secs(5);
/// How many rows one step of sweeping removes.
const SWEEP_ROWS: u32 = 2_000;

/// A running daemon.
pub struct Daemon {
    /// What its jobs share.
    pub live: Arc<Live>,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Checks a folder's files. Gives the catalog and the warnings, or all faults.
///
/// # Errors
/// [`Error::Faults`] with every fault.
pub fn load(folder: &Folder) -> Result<(Catalog, Vec<Diagnostic>), Error> {
    let mut faults = Faults::new();
    let catalog = catalog::load(&folder.files, &folder.config, &mut faults);
    let said = faults.into_sorted();
    match catalog {
        Some(catalog) => Ok((catalog, said)),
        None => Err(Error::Faults(said)),
    }
}

impl Daemon {
    /// Opens the store, starts the jobs, and listens.
    ///
    /// # Errors
    /// When any of it cannot be done; nothing is left running then.
    pub async fn start(catalog: Catalog, folder: &Folder, clock: Clock) -> Result<Self, Error> {
        let path = folder.path.join(&catalog.config.store);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|source| Error::Unreadable {
                path: parent.to_path_buf(),
                source,
            })?;
        }
        let options = Options {
            most_bytes: catalog.config.keep.at_most,
            ..Options::default()
        };
        let store = Store::open(&path, clock.clone(), options)?;
        let client = web::Client::new(clock.clone(), web::Options::default());
        let snapshot = Snapshot::new(catalog, &folder.path, &client, clock.clone())?;
        let files = folder.clone();
        let live = Live::new(snapshot, store, clock);
        let listen = live.snapshot().catalog.config.listen;
        let bound = match server::serve(Arc::clone(&live), listen).await {
            Ok(bound) => bound,
            Err(error) => {
                live.stop.cancel();
                live.store.close().await;
                return Err(error.into());
            }
        };
        live.tasks.spawn(triage::run(Arc::clone(&live)));
        live.tasks.spawn(sweep(Arc::clone(&live)));
        delivery::start(&live);
        containment::start(&live);
        intake::start(&live);
        reload::start(&live, files, client);
        tracing::info!(address = %bound.address, store = %path.display(), "listening");
        Ok(Self {
            live,
            address: bound.address,
        })
    }

    /// Stops: no more requests, what was begun is finished, the store is closed.
    pub async fn stop(self) {
        self.live.stop.cancel();
        self.live.tasks.close();
        if tokio::time::timeout(DRAIN, self.live.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("some jobs did not finish in time; what they owe is in the store");
        }
        self.live.store.close().await;
    }
}

/// Removes what is old and over, in small steps, until the daemon stops.
async fn sweep(live: Arc<Live>) {
    let begun = (live.clock.now(), live.clock.steady());
    loop {
        let full = live.store.room().is_err_and(|error| error.is_full());
        let pause = if full { SWEEP_WHEN_FULL } else { SWEEP_EVERY };
        tokio::select! {
            () = live.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        let keep = live.snapshot().catalog.config.keep.clone();
        // The earlier of both clocks: a time of day that jumped ahead makes nothing old.
        let passed = live.clock.steady().saturating_sub(begun.1);
        let now = begun.0.checked_add(passed).unwrap_or(begun.0);
        let now = now.min(live.clock.now());
        let Ok(before) = now.checked_sub(keep.signals) else {
            continue;
        };
        match live.store.sweep(before, keep.at_most, SWEEP_ROWS).await {
            Ok(swept) if swept.signals + swept.alerts + swept.actions > 0 => {
                let (signals, alerts, actions) = (swept.signals, swept.alerts, swept.actions);
                tracing::info!(signals, alerts, actions, "what is old and over was removed");
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "what is old could not be removed; trying again"),
        }
    }
}
