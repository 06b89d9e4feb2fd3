//! While the store takes nothing, pollers and readers of files wait: they ask nobody, say so, and go on by
//! themselves. What they did not fetch is still where it was.

use std::sync::Arc;
use std::time::Duration;

use crate::live::{Held, Live};
use crate::store;

/// How often the store is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Waits until the store has room, after it refused with `error`. `signal` is empty for files.
pub(super) async fn for_room(
    live: &Arc<Live>,
    connection: &str,
    signal: &str,
    error: &store::Error,
) {
    let since = live.clock.now();
    let mut why = error.to_string();
    tracing::warn!(
        connection,
        signal,
        why,
        "held back until the store takes something again"
    );
    loop {
        live.board
            .hold(connection, signal, Some(Held { since, why }));
        tokio::select! {
            () = live.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        match live.store.room() {
            Ok(()) => break,
            Err(error) => why = error.to_string(),
        }
    }
    live.board.hold(connection, signal, None);
    tracing::info!(connection, signal, "goes on");
}
