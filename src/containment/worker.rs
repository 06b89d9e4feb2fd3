//! Takes actions up, one after another for each target; undoes what is due.

use std::sync::Arc;

use crate::live::Live;

/// Starts the worker on `live.tasks`.
pub fn start(live: &Arc<Live>) {
    let _ = live;
}
