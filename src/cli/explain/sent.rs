//! What each destination would get of a revision of an alert: made by the delivery's own functions.

use serde::Serialize;
use serde_json::Value as Json;

use super::part::{Looked, looked};
use super::request::{Goes, goes};
use crate::alert::Alert;
use crate::config::Route;
use crate::delivery;
use crate::expr::{Names, Scope, Type, Value};
use crate::live::Snapshot;
use crate::mapping::{Mapping, Status};
use crate::triage::{self, Why};

/// What a destination would get.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    /// The connection.
    pub(crate) to: String,
    /// Whether it would get anything.
    #[serde(rename = "is_sent")]
    pub(crate) goes_out: bool,
    /// Why not: the route's condition, or what is wrong.
    pub(crate) why_not: Option<String>,
    /// What the route's condition looked at.
    pub(crate) looked: Vec<Looked>,
    /// The body's bytes, before compression; secrets count as their names.
    pub(crate) bytes: usize,
    /// What names the alert there, where the event says so.
    pub(crate) key: Option<(String, String)>,
    /// Keys that are left out because their values are absent.
    pub(crate) left_out: Vec<String>,
    /// Paths that are dropped so that the event fits.
    pub(crate) dropped: Vec<String>,
    /// The request, or the lines of a file. Also there where nothing is sent because nothing is new.
    #[serde(rename = "request")]
    pub(crate) goes: Option<Goes>,
}

/// Goes through the destinations of routes, and those that were told of the alert before. Without
/// `why` nothing is new.
pub(super) fn sent(
    snapshot: &Snapshot,
    mapping: &Mapping,
    alert: &Alert,
    why: Option<Why>,
) -> Vec<Sent> {
    let catalog = &snapshot.catalog;
    let owed = why.map_or_else(Vec::new, |why| triage::owed(catalog, alert, why));
    let mut to: Vec<&String> = Vec::new();
    for name in catalog
        .config
        .routes
        .iter()
        .flat_map(|route| &route.to)
        .chain(&alert.told)
    {
        if !to.contains(&name) {
            to.push(name);
        }
    }
    to.into_iter()
        .map(|name| {
            let is_owed = owed.contains(name);
            let mut sent = Sent {
                to: name.clone(),
                goes_out: is_owed && mapping.status == Status::Stable,
                why_not: None,
                looked: Vec::new(),
                bytes: 0,
                key: None,
                left_out: Vec::new(),
                dropped: Vec::new(),
                goes: None,
            };
            let knows = alert.told.contains(name);
            let routes = &catalog.config.routes;
            let takes = |route: &&Route| route.to.contains(name) && route.takes(alert);
            if !is_owed && !knows && !routes.iter().any(|route| takes(&route)) {
                not_taken(&mut sent, routes, alert);
                return sent;
            }
            add_event(&mut sent, snapshot, alert);
            if sent.why_not.is_none() && !sent.goes_out {
                sent.why_not = Some(not_owed(mapping, alert, why, is_owed));
            }
            sent
        })
        .collect()
}

/// No route takes it there: the first that leads there says why.
fn not_taken(sent: &mut Sent, routes: &[Route], alert: &Alert) {
    let mut routes = routes.iter().filter(|route| route.to.contains(&sent.to));
    let Some(when) = routes.next().and_then(|route| route.when.as_ref()) else {
        return;
    };
    let names = Names::new().with("alert", Type::Any);
    let shown = alert.shown(|_| true);
    let mut scope = Scope::new(&names);
    scope.set(0, Value::from_json(&shown));
    sent.why_not = Some(format!("{} is false", when.source().trim()));
    sent.looked = looked(when, &scope);
}

fn not_owed(mapping: &Mapping, alert: &Alert, why: Option<Why>, is_owed: bool) -> String {
    match why {
        _ if is_owed => format!("the mapping is `{}`", mapping.status.as_str()),
        None => "nothing is new; this is its event as it stands".to_owned(),
        Some(_) if alert.caused_by.is_some() => "Andon's own containment caused it".to_owned(),
        Some(Why::Changed) => {
            "it keeps state, and is told of opening, severity, repeats and the end".to_owned()
        }
        Some(Why::Resolved) => "it was never told of the alert".to_owned(),
        Some(Why::Opened | Why::Severity | Why::Repeated) => "the alert is about it".to_owned(),
    }
}

fn add_event(sent: &mut Sent, snapshot: &Snapshot, alert: &Alert) {
    let connection = snapshot.catalog.config.connection(&sent.to);
    let Some((connection, deliver)) =
        connection.and_then(|found| Some((found, found.connector.deliver.as_ref()?)))
    else {
        sent.goes_out = false;
        sent.why_not = Some("it takes no alerts any more".to_owned());
        return;
    };
    match delivery::alone(snapshot, &sent.to, alert) {
        Err(error) => {
            sent.goes_out = false;
            sent.why_not = Some(format!("the event cannot be made: {}", error.line()));
        }
        Ok((alone, rendered)) => {
            let goes = goes(connection, deliver, alone);
            sent.left_out = rendered.left_out;
            sent.dropped = rendered.dropped;
            sent.bytes = goes.body.len();
            sent.key = key(&goes.body);
            sent.goes = Some(goes);
        }
    }
}

/// What names the alert in an event.
fn key(body: &str) -> Option<(String, String)> {
    let body: Json = serde_json::from_str(body).ok()?;
    let event = body.get(0).unwrap_or(&body);
    ["dedup_key", "EventId", "event_id"]
        .into_iter()
        .find_map(|name| {
            let found = event.get(name)?.as_str()?;
            Some((name.to_owned(), found.to_owned()))
        })
}
