//! How each destination stands, and trying one at once that was stopped or put off.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Desk;
use super::callers::Asked;
use super::health::administrator;
use super::page::ok;
use super::problem::Problem;
use crate::config::Scope;
use crate::delivery::{self, Standing};
use crate::diag::nearest;
use crate::store::{self, Reader};
use crate::untrusted;

/// `GET /v1/destinations`
pub(super) async fn list(State(desk): State<Arc<Desk>>, asked: Asked) -> Result<Response, Problem> {
    asked.need(&Scope::AlertsRead)?;
    asked.query(&[]).finish()?;
    let mut shown = Vec::new();
    for (name, told) in told(&desk).await? {
        let mut one = Map::from_iter([("name".to_owned(), Value::String(name))]);
        one.extend(told);
        shown.push(one);
    }
    Ok(ok(&json!({ "destinations": shown })))
}

/// `POST /v1/destinations/{name}/resume`: what is put off is due now, and tried at once.
pub(super) async fn resume(
    State(desk): State<Arc<Desk>>,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (by, form) = administrator(&desk, asked, &[]).await?;
    form.finish()?;
    let put_off = delivery::resume(&desk.live, &name, &by).await?;
    let put_off = put_off.ok_or_else(|| unknown(&desk, &name))?;
    Ok(ok(&json!({ "name": name, "due": put_off })))
}

/// What is told of each destination, by name; with those that are no longer configured and still owed
/// something.
pub(super) async fn told(desk: &Desk) -> Result<BTreeMap<String, Map<String, Value>>, Problem> {
    let standings = delivery::standings(&desk.live).await?;
    let deliveries = &desk.live.meters.deliveries;
    let taken = |name: &str| deliveries.sum(name, |verdict| verdict == "delivered");
    let delivered: BTreeMap<String, u64> = standings
        .iter()
        .map(|standing| (standing.destination.clone(), taken(&standing.destination)))
        .collect();
    let read = desk.live.store.read(move |reader| {
        let dead = reader.dead_letter_counts()?;
        let mut told = BTreeMap::new();
        for standing in standings {
            let name = &standing.destination;
            let letters = dead.iter().find(|(of, _)| of == name);
            let letters = letters.map_or(0, |(_, count)| *count);
            let error = last_error(reader, name)?;
            let mut members = members(&standing, letters, error.as_deref());
            if let Some(delivered) = delivered.get(name) {
                members.insert("delivered".to_owned(), json!(delivered));
            }
            told.insert(standing.destination, members);
        }
        Ok(told)
    });
    Ok(read.await?)
}

fn members(standing: &Standing, letters: u64, error: Option<&str>) -> Map<String, Value> {
    let halted = standing.halted.as_ref().map(|halted| halted.since);
    Map::from_iter([
        ("waiting".to_owned(), json!(standing.waiting)),
        ("oldest_since".to_owned(), json!(standing.oldest)),
        ("dead_letters".to_owned(), json!(letters)),
        ("last_error".to_owned(), json!(error)),
        ("last_delivered".to_owned(), json!(standing.last_delivered)),
        ("circuit".to_owned(), json!(standing.circuit.as_str())),
        ("stopped".to_owned(), json!(standing.stopped)),
        ("paused_until".to_owned(), json!(standing.paused_until)),
        ("halted_since".to_owned(), json!(halted)),
    ])
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

/// 404 for what is no destination, with the name that may have been meant.
pub(super) fn unknown(desk: &Desk, name: &str) -> Problem {
    let snapshot = desk.live.snapshot();
    let connections = snapshot.catalog.config.connections.iter();
    let known: Vec<&str> = connections
        .filter(|connection| connection.connector.deliver.is_some())
        .map(|connection| connection.name.as_str())
        .collect();
    let shown = untrusted::log(name, 60);
    let hint = match nearest(name, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => "andon.yaml has none".to_owned(),
        None => format!("there are {}", known.join(", ")),
    };
    Problem::not_found(format!("no destination is called `{shown}`: {hint}"))
}
