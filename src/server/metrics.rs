//! `/metrics`: what was counted, and what stands now.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::Desk;
use super::problem::Problem;
use crate::delivery::{self, Standing};
use crate::live::Live;
use crate::meters::{DestinationReading, Reading};
use crate::store;

/// OpenMetrics 1.0, as Prometheus asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`
pub(super) async fn show(State(desk): State<Arc<Desk>>) -> Result<Response, Problem> {
    let reading = read(&desk.live).await?;
    let mut response = desk.live.meters.text(&reading).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
    Ok(response)
}

async fn read(live: &Live) -> Result<Reading, store::Error> {
    let files = live.reloads.files();
    let standings = delivery::standings(live).await?;
    let (dead, unsettled, alerts_open, actions_unfinished) = live
        .store
        .read(|reader| {
            Ok((
                reader.dead_letter_counts()?,
                reader.unsettled_by_connection()?,
                reader.open_alerts()?,
                reader.count_unfinished_actions()?,
            ))
        })
        .await?;
    let store = &live.store;
    let mut destinations: Vec<DestinationReading> = standings
        .iter()
        .map(|standing| destination(live, standing))
        .collect();
    for (name, count) in dead {
        match destinations.iter_mut().find(|one| one.name == name) {
            Some(one) => one.dead_letters = count,
            // No longer in the files.
            None => destinations.push(DestinationReading {
                name,
                dead_letters: count,
                ..DestinationReading::default()
            }),
        }
    }
    let unsettled = unsettled.into_iter();
    Ok(Reading {
        destinations,
        unsettled: unsettled
            .map(|(connection, state, count)| (connection, state.as_str(), count))
            .collect(),
        alerts_open,
        actions_unfinished,
        files: live.snapshot().catalog.hash.clone(),
        reloads: (files.changes, files.refusals),
        files_refused: files.refused.is_some(),
        commits: store.commits(),
        jobs: store.jobs(),
        bytes: store.bytes(),
        free: store.free(),
        room: store.room().is_ok(),
    })
}

fn destination(live: &Live, standing: &Standing) -> DestinationReading {
    let now = live.clock.now();
    let oldest = standing.oldest.map(|since| now.duration_since(since));
    DestinationReading {
        name: standing.destination.clone(),
        waiting: standing.waiting,
        oldest_seconds: oldest.map_or(0, |age| u64::try_from(age.as_secs()).unwrap_or(0)),
        dead_letters: 0,
        stopped: standing.stopped.is_some(),
        paused: standing.paused_until.is_some_and(|until| until > now),
    }
}
