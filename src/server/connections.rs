//! How each connection fares: the last signal, what waits for it, what went wrong last.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Desk;
use super::callers::Asked;
use super::page::ok;
use super::problem::Problem;
use crate::config::{Connection, Scope};
use crate::store::{self, Reader};

/// `GET /v1/connections`
pub(super) async fn list(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    asked.query(&[]).finish()?;
    let snapshot = desk.live.snapshot();
    let shown = desk
        .live
        .store
        .read(move |reader| {
            let waiting = reader.waiting()?;
            let dead = reader.dead_letter_counts()?;
            let mut shown = Vec::new();
            for connection in &snapshot.catalog.config.connections {
                let waits = waiting
                    .iter()
                    .find(|waiting| waiting.destination == connection.name);
                let letters = dead.iter().find(|(name, _)| *name == connection.name);
                let mut value = one(reader, connection)?;
                if connection.connector.deliver.is_some()
                    && let Value::Object(members) = &mut value
                {
                    members.insert(
                        "delivery".to_owned(),
                        json!({
                            "waiting": waits.map_or(0, |waiting| waiting.count),
                            "oldest_since": waits.and_then(|waiting| waiting.oldest),
                            "dead_letters": letters.map_or(0, |(_, count)| *count),
                            "last_error": last_error(reader, &connection.name)?,
                        }),
                    );
                }
                shown.push(value);
            }
            Ok(shown)
        })
        .await?;
    Ok(ok(&json!({ "connections": shown })))
}

fn one(reader: &Reader<'_>, connection: &Connection) -> Result<Value, store::Error> {
    let connector = &connection.connector;
    let last_signal = if connector.signals.is_empty() {
        None
    } else {
        reader.last_signal(&connection.name)?
    };
    Ok(json!({
        "name": connection.name,
        "connector": connector.name,
        "host": connection.host(),
        "signals": connector.signals.len(),
        "actions": connector.actions.len(),
        "delivers": connector.deliver.is_some(),
        "last_signal": last_signal,
    }))
}

/// Of what waits to be tried again, the first one's error; else the newest dead letter's.
fn last_error(reader: &Reader<'_>, destination: &str) -> Result<Option<String>, store::Error> {
    let postponed = reader.due(destination, Timestamp::MAX, i64::MAX, 1)?;
    if let Some(error) = postponed.ready.into_iter().find_map(|owed| owed.error) {
        return Ok(Some(error));
    }
    let dead = reader.dead_letters(Some(destination), None, 1)?;
    Ok(dead.into_iter().next().map(|letter| letter.cause.reason))
}
