//! How each connection fares: the last signal, what waits for it, what went wrong last.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Desk;
use super::callers::Asked;
use super::health::administrator;
use super::page::ok;
use super::problem::Problem;
use crate::config::{Connection, Scope};
use crate::delivery;
use crate::store::{self, Reader};

/// `GET /v1/connections`
pub(super) async fn list(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    asked.query(&[]).finish()?;
    let snapshot = desk.live.snapshot();
    let standings = delivery::standings(&desk.live).await.unwrap_or_default();
    let heard = desk.live.store.last_signals().await?;
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
                let standing = standings
                    .iter()
                    .find(|standing| standing.destination == connection.name);
                let letters = dead.iter().find(|(name, _)| *name == connection.name);
                let mut value = one(connection, heard.get(&connection.name));
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
                            "last_delivered": standing.and_then(|standing| standing.last_delivered),
                            "stopped": standing.and_then(|standing| standing.stopped.as_deref()),
                            "paused_until": standing.and_then(|standing| standing.paused_until),
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

/// `POST /v1/connections/{name}/test`: sends one event, marked as a test, straight to a destination.
pub(super) async fn test(
    State(desk): State<Arc<Desk>>,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (by, form) = administrator(&desk, asked, &[]).await?;
    form.finish()?;
    let outcome = delivery::test_event(&desk.live, &name).await;
    let about = json!({ "connection": name, "taken": outcome.is_ok() });
    desk.live
        .store
        .write(move |tx| tx.audit(&by, "connection.tested", &about))
        .await?;
    match outcome {
        Ok(message) => Ok(ok(&json!({ "taken": true, "message": message }))),
        Err(delivery::Error::Unknown(_)) => Err(Problem::not_found(
            "no destination has this name; `GET /v1/connections` lists them",
        )),
        Err(error) => Err(Problem::new(
            StatusCode::BAD_GATEWAY,
            "not_taken",
            with_causes(&error),
        )),
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        said = format!("{said}: {next}");
        cause = next.source();
    }
    said
}

fn one(connection: &Connection, last_signal: Option<&Timestamp>) -> Value {
    let connector = &connection.connector;
    json!({
        "name": connection.name,
        "connector": connector.name,
        "host": connection.host(),
        "signals": connector.signals.len(),
        "actions": connector.actions.len(),
        "delivers": connector.deliver.is_some(),
        "last_signal": last_signal,
    })
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
