//! Puts the parts together: reads files, opens the store, starts the jobs, listens, drains, stops.

mod error;
mod files;
mod notice;
mod difference;
mod reload;
mod start;
#[cfg(test)]
mod simulation;

pub use error::Error;
pub use files::{Folder, LOCAL_CONFIG, Unsaved};
pub use notice::Notice;
pub use start::{Daemon, load};
