//! `andon freeze` and `andon unfreeze`: whether Andon changes anything on any platform.

use std::time::Duration;

use clap::Args;
use serde_json::Map;

use super::api::Api;
use super::{Ended, Where, output};

/// What was typed for a freeze.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// Why, for the audit and for whoever wonders
    #[arg(long, value_name = "TEXT")]
    why: String,
}

/// Freezes.
pub(crate) fn freeze(typed: Typed, at: &Where) -> anyhow::Result<Ended> {
    let api = Api::open(at)?;
    let body: Map<_, _> = [("reason".to_owned(), typed.why.into())]
        .into_iter()
        .collect();
    api.post("/v1/freeze", body, Duration::ZERO)?;
    output::line("frozen: Andon changes nothing on any platform until `andon unfreeze`");
    Ok(Ended::Fine)
}

/// Lifts the freeze.
pub(crate) fn unfreeze(at: &Where) -> anyhow::Result<Ended> {
    let api = Api::open(at)?;
    api.post("/v1/unfreeze", Map::new(), Duration::ZERO)?;
    output::line("no longer frozen: Andon acts when it is asked to");
    Ok(Ended::Fine)
}
