//! The doors that others come in by: signals from model platforms, questions and requests from SOARs, and the
//! command line.
//!
//! Here a request is read within bounds, its caller and the caller's scopes are checked, and what the jobs answer is
//! written down as design 6 says. What is judged, contained or delivered is decided elsewhere. This module must not
//! answer 2xx before the job said that it is durable, log anything that came from outside as it came, or let a caller
//! do what its scopes do not name.

mod error;
mod problem;
mod body;
mod callers;
mod dress;
mod page;
mod signals;
mod stuck;
mod tokens;
mod alerts;
mod answers;
mod shown;
mod key;
mod actions;
mod catalog;
mod destinations;
mod connections;
mod dead_letters;
mod health;
mod reload;
mod metrics;
mod routes;
mod tls;
mod listen;
#[cfg(test)]
mod tests;

pub use callers::{local_token, local_token_path};
pub use error::Error;
pub use listen::{Bound, serve};
pub use routes::router;

use std::sync::Arc;

use crate::live::Live;
use body::Places;
use callers::Gate;

/// What every route needs.
struct Desk {
    live: Arc<Live>,
    gate: Gate,
    places: Places,
}
