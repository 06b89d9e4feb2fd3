//! One task for each destination, as long as the configuration names it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;

use super::worker::{Ended, Worker};
use super::{Standing, Way};
use crate::live::{Circuit, Live};
use crate::store;

/// A task that ended is looked for so often, when nothing rings.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A worker that broke is started again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Starts delivering: one task that starts a worker for each destination, now and after each change
/// of the configuration. All end when `live.stop` is cancelled, after what is on its way was answered.
pub fn start(live: &Arc<Live>) {
    let all = Arc::clone(live);
    live.tasks.spawn(async move { watch(&all).await });
}

async fn watch(live: &Arc<Live>) {
    let mut bell = live.swapped.listen();
    let mut tasks: BTreeMap<String, JoinHandle<()>> = BTreeMap::new();
    loop {
        tasks.retain(|_, task| !task.is_finished());
        let snapshot = live.snapshot();
        for connection in &snapshot.catalog.config.connections {
            let name = &connection.name;
            if connection.connector.deliver.is_some() && !tasks.contains_key(name) {
                let task = keep(Arc::clone(live), name.clone());
                tasks.insert(name.clone(), live.tasks.spawn(task));
            }
        }
        drop(snapshot);
        tokio::select! {
            biased;
            () = live.stop.cancelled() => return,
            () = bell.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Runs one worker after the other, each on the snapshot in force, until the destination is gone.
async fn keep(live: Arc<Live>, name: String) {
    let mut unacknowledged = None;
    loop {
        // What went wrong under the last snapshot may be mended by this one, or be gone.
        live.board.update(&name, |standing| {
            standing.stopped = None;
            standing.paused_until = None;
            standing.circuit = Circuit::Closed;
        });
        let Some(worker) = Worker::new(&live, &name, unacknowledged) else {
            return;
        };
        let (ended, left) = worker.run().await;
        unacknowledged = left;
        match ended {
            Ended::Stopped => return,
            Ended::Changed => {}
            Ended::Broken => {
                tracing::error!(destination = name, "a delivery broke off; starting again");
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        }
    }
}

/// How every destination stands, those too that are no longer configured and are still owed
/// something; by name.
///
/// # Errors
/// When the store cannot be read.
pub async fn standings(live: &Live) -> Result<Vec<Standing>, store::Error> {
    let waiting = live.store.read(|reader| reader.waiting()).await?;
    let snapshot = live.snapshot();
    let delivers = |name: &str| Way::to(&snapshot, name).is_ok();
    let blank = |name: &str| Standing {
        destination: name.to_owned(),
        ..Standing::default()
    };
    let mut all = live.board.all();
    for connection in &snapshot.catalog.config.connections {
        let name = &connection.name;
        if delivers(name) && !all.contains_key(name) {
            all.insert(name.clone(), blank(name));
        }
    }
    for one in waiting {
        let standing = all
            .entry(one.destination)
            .or_insert_with_key(|name| blank(name));
        standing.waiting = one.count;
        standing.oldest = one.oldest;
    }
    all.retain(|name, standing| standing.waiting > 0 || delivers(name));
    Ok(all.into_values().collect())
}

/// Ends a destination's pause: what is put off for it is due now, and it is tried at once. Gives how
/// many were put off; `None` when there is no such destination.
///
/// # Errors
/// When the store fails.
pub async fn resume(live: &Live, name: &str, by: &str) -> Result<Option<usize>, store::Error> {
    if Way::to(&live.snapshot(), name).is_err() {
        return Ok(None);
    }
    let (to, by) = (name.to_owned(), by.to_owned());
    let put_off = live
        .store
        .write(move |tx| {
            let about = json!({ "destination": to });
            tx.audit(&by, "destination.resumed", &about)?;
            tx.hasten(&to)
        })
        .await?;
    live.board.resume(name);
    Ok(Some(put_off))
}
