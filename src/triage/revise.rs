//! A new revision of an alert: kept, and owed to whom it concerns.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::alert::{Alert, State};
use crate::catalog::Catalog;
use crate::config::Route;
use crate::connector::{OWN, Of};
use crate::mapping::Mapping;
use crate::store::{self, Times, Tx};

/// Why a revision is made (design, promise 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The alert opens.
    Opened,
    /// Its severity changed.
    Severity,
    /// Something else that it shows changed.
    Changed,
    /// It is over.
    Resolved,
    /// It is still open, and `repeat` has passed.
    Repeated,
}

/// Keeps `alert` as its next revision, gives it as it was kept, and owes it to the destinations that its routes name, and to
/// those that were told of it before. Destinations that keep state do not hear of `Changed`, nor of
/// what Andon's own containment caused.
///
/// # Errors
/// When the store fails.
pub fn revise(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    mut alert: Alert,
    why: Why,
    now: Timestamp,
    quiet_at: Option<Timestamp>,
) -> Result<Arc<Alert>, store::Error> {
    alert.revised_at = now;
    let routes = taking(catalog, &alert);
    let to = owed_by(&routes, catalog, &alert, why);
    for destination in &to {
        if !alert.told.contains(destination) {
            alert.told.push(destination.clone());
        }
    }
    let repeat = routes.iter().filter_map(|route| route.repeat).min();
    let open = alert.state != State::Resolved;
    let times = Times {
        quiet_at: quiet_at.filter(|_| open),
        repeat_at: repeat
            .filter(|_| open)
            .and_then(|repeat| now.checked_add(repeat).ok()),
    };
    let alert = Arc::new(alert);
    let revision = tx.put_alert(Arc::clone(&alert), times)?;
    for destination in &to {
        tx.owe(destination, revision, keeps_state(catalog, destination))?;
    }
    Ok(alert)
}

/// The destinations that a revision made for `why` is owed to.
pub fn owed(catalog: &Catalog, alert: &Alert, why: Why) -> Vec<String> {
    owed_by(&taking(catalog, alert), catalog, alert, why)
}

fn taking<'c>(catalog: &'c Catalog, alert: &Alert) -> Vec<&'c Route> {
    let routes = catalog.config.routes.iter();
    routes.filter(|route| route.takes(alert)).collect()
}

fn owed_by(routes: &[&Route], catalog: &Catalog, alert: &Alert, why: Why) -> Vec<String> {
    let mut to: Vec<String> = Vec::new();
    for route in routes {
        if why == Why::Repeated && route.repeat.is_none() {
            continue;
        }
        for destination in &route.to {
            if !to.contains(destination) {
                to.push(destination.clone());
            }
        }
    }
    if why != Why::Repeated {
        for destination in &alert.told {
            if !to.contains(destination) {
                to.push(destination.clone());
            }
        }
    }
    to.retain(|destination| wants(catalog, destination, alert, why));
    to
}

/// Whether a destination keeps the state of alerts, as a pager does: who is told by it is called.
pub fn keeps_state(catalog: &Catalog, destination: &str) -> bool {
    let connection = catalog.config.connection(destination);
    connection
        .and_then(|connection| connection.connector.deliver.as_ref())
        .is_some_and(|deliver| deliver.of == Of::State)
}

fn wants(catalog: &Catalog, destination: &str, alert: &Alert, why: Why) -> bool {
    if is_about(alert, destination) {
        return false;
    }
    if !keeps_state(catalog, destination) {
        return catalog.config.connection(destination).is_some();
    }
    let knows = alert.told.iter().any(|told| told == destination);
    match why {
        _ if alert.caused_by.is_some() => false,
        Why::Opened | Why::Severity | Why::Repeated => true,
        Why::Resolved => knows,
        // What is over is no news to those who never heard of it.
        Why::Changed => !knows && alert.state != State::Resolved,
    }
}

/// Whether an alert of Andon's own says that this destination takes nothing: it need not be told.
fn is_about(alert: &Alert, destination: &str) -> bool {
    alert.origin.connector == OWN
        && alert.fields.get("destination").and_then(Json::as_str) == Some(destination)
}

/// Whether a destination that keeps state, and knows of the alert, was owed `after`, which came after
/// `before`: all but [`Why::Changed`]. Repeats go where a route with `repeat` leads.
pub fn state_heard(catalog: &Catalog, destination: &str, before: &Alert, after: &Alert) -> bool {
    let ends = after.state == State::Resolved && before.state != State::Resolved;
    if ends || after.severity != before.severity {
        return true;
    }
    let routes = catalog.config.routes.iter();
    let repeats = routes
        .filter(|route| route.repeat.is_some())
        .any(|route| route.to.iter().any(|to| to == destination));
    repeats
        && after.title == before.title
        && after.summary == before.summary
        && after.fields == before.fields
        && after.model == before.model
        && after.acknowledged == before.acknowledged
        && after.notes == before.notes
}

/// When an alert of a mapping goes quiet, counted from a signal seen at `seen`.
pub fn quiet_at(mapping: &Mapping, seen: Timestamp) -> Option<Timestamp> {
    mapping.quiet.and_then(|quiet| seen.checked_add(quiet).ok())
}

/// When an open alert goes quiet to which no signal came: when it would have.
///
/// # Errors
/// When the store fails.
pub fn still_quiet_at(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    alert: &Alert,
) -> Result<Option<Timestamp>, store::Error> {
    let stands = tx.goes_quiet_at(alert.id)?;
    let mapping = catalog.mappings.get(&alert.mapping);
    Ok(stands.or_else(|| mapping.and_then(|mapping| quiet_at(mapping, alert.last_seen))))
}
