//! Which pollers and readers of files run: one for each that the snapshot in force asks for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::{file, look_up, own, poll};
use crate::connector::Way;
use crate::live::{Live, Snapshot};

/// How often the snapshot in force is looked at for new pollers.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// How eager the jobs are.
#[derive(Debug, Clone)]
pub struct Options {
    /// The first poll comes within this time after the start, at a chance moment.
    pub first_poll_within: Duration,
    /// How often folders are looked at.
    pub look_at_files_every: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            first_poll_within: Duration::from_secs(5),
            look_at_files_every: Duration::from_secs(2),
        }
    }
}

/// Starts the pollers, the readers of files and the worker of look-ups, on `live.tasks`. They end
/// when `live.stop` is cancelled, and follow the snapshot in force.
pub fn start(live: &Arc<Live>) {
    start_with(live, Options::default());
}

/// As [`start`], with other options.
pub fn start_with(live: &Arc<Live>, options: Options) {
    live.tasks.spawn(look_up::run(Arc::clone(live)));
    live.tasks.spawn(own::run(Arc::clone(live)));
    live.tasks.spawn(follow(Arc::clone(live), options));
}

/// A job that runs on its own. One whose connection or signal is gone ends itself at its next turn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Job {
    Poll { connection: String, signal: String },
    Files { connection: String },
}

async fn follow(live: Arc<Live>, options: Options) {
    let mut running = HashMap::new();
    let mut refusing = false;
    loop {
        refusing = say_whether_room(&live, refusing);
        running.retain(|_, task: &mut tokio::task::JoinHandle<()>| !task.is_finished());
        for job in wanted(&live.snapshot()) {
            running.entry(job.clone()).or_insert_with(|| match job {
                Job::Poll { connection, signal } => {
                    let key = poll::Key { connection, signal };
                    let first = options.first_poll_within;
                    live.tasks.spawn(poll::run(Arc::clone(&live), key, first))
                }
                Job::Files { connection } => {
                    let every = options.look_at_files_every;
                    live.tasks
                        .spawn(file::run(Arc::clone(&live), connection, every))
                }
            });
        }
        tokio::select! {
            () = live.stop.cancelled() => return,
            () = tokio::time::sleep(FOLLOW_EVERY) => {}
        }
    }
}

fn wanted(snapshot: &Snapshot) -> Vec<Job> {
    let mut jobs = Vec::new();
    for connection in &snapshot.catalog.config.connections {
        let rules = &connection.connector.signals;
        jobs.extend(
            rules
                .iter()
                .filter(|rule| matches!(rule.way, Way::Poll(_)))
                .map(|rule| Job::Poll {
                    connection: connection.name.clone(),
                    signal: rule.name.clone(),
                }),
        );
        if rules.iter().any(|rule| matches!(rule.way, Way::File(_))) {
            jobs.push(Job::Files {
                connection: connection.name.clone(),
            });
        }
    }
    jobs
}

/// Says once that intake is refused, and once that it is open again. Gives whether it is refused.
fn say_whether_room(live: &Live, refusing: bool) -> bool {
    let room = live.store.room();
    match &room {
        Err(error) if !refusing => {
            let what_to_do = error.help();
            tracing::warn!(%error, what_to_do, "signals are refused with 503");
        }
        Ok(()) if refusing => tracing::info!("signals are taken again"),
        _ => {}
    }
    room.is_err()
}
