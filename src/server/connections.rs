//! How each connection fares: the last signal, what waits for it, what went wrong last.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::callers::Asked;
use super::health::administrator;
use super::page::ok;
use super::problem::Problem;
use super::{Desk, destinations};
use crate::config::{Connection, Scope};
use crate::delivery;
use crate::live::Held;
use crate::store::StandingKind;
use crate::untrusted;

/// `GET /v1/connections`
pub(super) async fn list(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    asked.query(&[]).finish()?;
    let snapshot = desk.live.snapshot();
    let mut told = destinations::told(&desk).await?;
    let heard = desk.live.store.last_signals().await?;
    let unsettled = desk
        .live
        .store
        .read(|reader| reader.unsettled_by_connection())
        .await?;
    let failing = desk.live.sources.failing();
    let mut shown = Vec::new();
    for connection in &snapshot.catalog.config.connections {
        let name = &connection.name;
        let stuck = unsettled
            .iter()
            .find(|(of, state, _)| of == name && *state == StandingKind::Stuck);
        let held = desk.live.board.held(name);
        let mut value = one(connection, heard.get(name), held.as_ref());
        if let Value::Object(members) = &mut value {
            let received = desk.live.meters.signals.sum(name, |_| true);
            members.insert("received".to_owned(), json!(received));
            let stuck = stuck.map_or(0, |(_, _, count)| *count);
            members.insert("stuck".to_owned(), json!(stuck));
            members.insert("last_error".to_owned(), json!(failing.get(name)));
        }
        if let (Some(told), Value::Object(members)) = (told.remove(&connection.name), &mut value)
            && connection.connector.deliver.is_some()
        {
            members.insert("delivery".to_owned(), told.into());
        }
        shown.push(value);
    }
    let no_room = desk.live.store.room().err().map(|error| error.to_string());
    Ok(ok(&json!({
        "at": desk.live.clock.now(),
        "no_room": no_room,
        "connections": shown,
    })))
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
        Err(delivery::Error::Unknown(_)) => Err(destinations::unknown(&desk, &name)),
        Err(error) => Err(Problem::new(
            StatusCode::BAD_GATEWAY,
            "not_taken",
            untrusted::with_causes(&error),
        )),
    }
}

fn one(connection: &Connection, last_signal: Option<&Timestamp>, held: Option<&Held>) -> Value {
    let connector = &connection.connector;
    json!({
        "name": connection.name,
        "connector": connector.name,
        "host": connection.host(),
        "signals": connector.signals.len(),
        "actions": connector.actions.len(),
        "delivers": connector.deliver.is_some(),
        "last_signal": last_signal,
        "held": held.map(|held| json!({ "since": held.since, "why": held.why })),
    })
}
