//! A stand-in for a Feast registry server: it answers with what a real one was recorded to answer.
//!
//! `GET /api/v1/feature_views` gives the recording; every other route is 404, as there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use super::listen::{self, Error, House, Listen, Running};

/// What it holds.
#[derive(Debug)]
pub struct Features {
    body: String,
    asked: AtomicU64,
}

impl Features {
    /// How often it was asked.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Starts one that answers with `recording`, the JSON text of a real answer.
///
/// # Errors
/// When it cannot listen.
pub async fn start(listen: &Listen, recording: &str) -> Result<Running<Features>, Error> {
    let features = Arc::new(Features {
        body: recording.to_owned(),
        asked: AtomicU64::new(0),
    });
    let router = Router::new()
        .route("/api/v1/feature_views", get(views))
        .with_state(Arc::clone(&features));
    listen::start(listen, router, features, House::default()).await
}

async fn views(State(features): State<Arc<Features>>) -> impl IntoResponse {
    features.asked.fetch_add(1, Ordering::Relaxed);
    ([(CONTENT_TYPE, "application/json")], features.body.clone())
}
