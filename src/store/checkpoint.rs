//! Moves SQLite's log into the database beside the writer, so that no commit waits for it, and looks
//! at the disk on the way: twice a second while there is work, every few seconds while there is none.
//! While nothing can be written it has the writer try, so that intake opens by itself.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::error::Error;
use super::gauge::Gauge;
use super::open;
use super::writer::Message;

/// The pause after each move: hot pages are then moved once for many commits.
pub(super) const PAUSE: Duration = Duration::from_millis(500);
/// Quiet this long, the log's file is cut.
pub(super) const IDLE: Duration = Duration::from_secs(5);
/// Frames of 4 KiB (64 MB) after which the writer is asked to move the rest, so that the log begins
/// anew: while the writer goes on writing, this thread alone never reaches the end.
const LONG: i64 = 16_384;

/// Starts the thread. It ends when the sending ends of `wrote` and `stop` are dropped.
pub(super) fn start(
    path: &Path,
    wrote: Receiver<()>,
    stop: Receiver<()>,
    writer: Sender<Message>,
    gauge: Arc<Gauge>,
) -> Result<(), Error> {
    let connection = open::checkpointer(path)?;
    let disk = path.to_owned();
    let run = move || {
        let mut clean = true;
        loop {
            let troubled = gauge.is_worth_a_try();
            let heard = wrote.recv_timeout(if troubled { PAUSE } else { IDLE });
            gauge.look_at_disk(&disk);
            if troubled && writer.send(Message::Try).is_err() {
                return;
            }
            match heard {
                Ok(()) => clean = false,
                Err(RecvTimeoutError::Timeout) if clean || troubled => continue,
                Err(RecvTimeoutError::Timeout) => {
                    clean = true;
                    if writer.send(Message::Checkpoint { cut: true }).is_err() {
                        return;
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                row.get::<_, i64>(1)
            });
            match moved {
                Ok(frames) if frames > LONG => {
                    if writer.send(Message::Checkpoint { cut: false }).is_err() {
                        return;
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot move the store's log beside the writer");
                }
            }
            if stop.recv_timeout(PAUSE) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("andon-checkpoint".to_owned())
        .spawn(run)
        .map(drop)
        .map_err(|source| Error::File {
            doing: "start a thread for",
            path: path.to_owned(),
            source: source.into(),
        })
}
