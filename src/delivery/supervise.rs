//! One task for each destination, as long as the configuration names it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::worker::{Ended, Worker};
use super::{Error, Standing};
use crate::live::Live;
use crate::meters::DestinationLabels;

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
            () = live.stop.cancelled() => return,
            _ = bell.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Runs one worker after the other, each on the snapshot in force, until the destination is gone.
async fn keep(live: Arc<Live>, name: String) {
    loop {
        let Some(worker) = Worker::new(&live, &name) else {
            return;
        };
        match worker.run().await {
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
/// something; by name. Sets the gauge of what waits.
///
/// # Errors
/// When the store cannot be read.
pub async fn standings(live: &Live) -> Result<Vec<Standing>, Error> {
    let waiting = live.store.read(|reader| reader.waiting()).await?;
    let mut all = live.board.all();
    for connection in &live.snapshot().catalog.config.connections {
        if connection.connector.deliver.is_some() {
            all.entry(connection.name.clone())
                .or_insert_with(|| Standing {
                    destination: connection.name.clone(),
                    ..Standing::default()
                });
        }
    }
    for one in waiting {
        let labels = DestinationLabels {
            destination: one.destination.clone(),
        };
        let count = i64::try_from(one.count).unwrap_or(i64::MAX);
        live.meters.waiting.get_or_create(&labels).set(count);
        if one.count == 0 && !all.contains_key(&one.destination) {
            continue;
        }
        let standing = all
            .entry(one.destination.clone())
            .or_insert_with(|| Standing {
                destination: one.destination,
                ..Standing::default()
            });
        standing.waiting = one.count;
        standing.oldest = one.oldest;
    }
    Ok(all.into_values().collect())
}
