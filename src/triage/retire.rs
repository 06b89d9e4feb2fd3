//! Open alerts of mappings that were retired with `open: resolve`: nothing will ever say that they are over.

use std::sync::Arc;

use super::revise::{Why, revise};
use super::settle::over;
use crate::alert::{Closed, ClosedHow};
use crate::catalog::Catalog;
use crate::live::Live;
use crate::mapping::Status;
use crate::store::{self, AlertFilter, Tx};

/// How many alerts one transaction closes.
const AT_ONCE: u32 = 200;

/// Closes open alerts of one retired mapping, some at a time. Gives how many.
///
/// # Errors
/// When the store fails.
fn close_some(tx: &mut Tx<'_>, catalog: &Catalog, mapping: &str) -> Result<usize, store::Error> {
    let filter = AlertFilter {
        open: Some(true),
        mapping: Some(mapping.to_owned()),
        ..AlertFilter::default()
    };
    // What was only counted since is in memory, not on the disk.
    let found = tx.alerts(&filter, AT_ONCE)?;
    let now = tx.now();
    for alert in &found {
        let Some(known) = tx.alert(alert.id)? else {
            continue;
        };
        let mut alert = known.as_ref().clone();
        let closed = Closed {
            at: now,
            how: ClosedHow::Retired,
            by: None,
        };
        over(&mut alert, closed);
        revise(tx, catalog, alert, Why::Resolved, now, None)?;
    }
    Ok(found.len())
}

/// Closes what retired mappings left open, as the snapshot in force says.
///
/// # Errors
/// When the store fails; what was closed before stays closed.
pub async fn retire(live: &Arc<Live>) -> Result<usize, store::Error> {
    let snapshot = live.snapshot();
    let retired: Vec<String> = snapshot
        .catalog
        .mappings
        .values()
        .filter(|mapping| mapping.status == Status::Retired && mapping.resolves_open)
        .map(|mapping| mapping.name.clone())
        .collect();
    let mut closed = 0;
    for mapping in retired {
        loop {
            let (snapshot, name) = (Arc::clone(&snapshot), mapping.clone());
            let some = live
                .store
                .write(move |tx| close_some(tx, &snapshot.catalog, &name))
                .await?;
            closed += some;
            if some == 0 {
                break;
            }
            tracing::info!(
                mapping,
                alerts = some,
                "closed, because their mapping was retired"
            );
            live.owed.ring();
        }
    }
    Ok(closed)
}
