//! What each destination would get of an alert. Pure.

use serde::Serialize;
use serde_json::Value as Json;

use super::part::{Looked, looked};
use crate::alert::Alert;
use crate::catalog::Catalog;
use crate::config::Connection;
use crate::connector::{Deliver, Target};
use crate::expr::{Names, Scope, Type, Value};
use crate::mapping::{Mapping, Status};
use crate::ocsf::{self, Product};

/// What a destination would get.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    /// The connection.
    pub(crate) to: String,
    /// Whether it would get anything.
    #[serde(rename = "is_sent")]
    pub(crate) would: bool,
    /// Why not: the route's condition, or what is wrong.
    pub(crate) why_not: Option<String>,
    /// What the route's condition looked at.
    pub(crate) looked: Vec<Looked>,
    /// The event's bytes, before compression; secrets count as their names.
    pub(crate) bytes: usize,
    /// What names the alert there, where the event says so.
    pub(crate) key: Option<(String, String)>,
    /// Where it would go, without host and credentials.
    pub(crate) where_to: String,
    /// The event.
    pub(crate) event: Option<Json>,
}

/// Goes through the routes.
pub(crate) fn sent(catalog: &Catalog, mapping: &Mapping, alert: &Alert) -> Vec<Sent> {
    let shown = alert.shown(|_| true);
    let product = Product {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let finding = ocsf::finding(alert, &mapping.alert.kind, &product).to_json();
    let mut all: Vec<Sent> = Vec::new();
    for route in &catalog.config.routes {
        let takes = route.takes(alert);
        for to in &route.to {
            if all.iter().any(|known| known.to == *to && known.would) {
                continue;
            }
            if takes {
                all.retain(|known| known.to != *to);
                all.push(event(catalog, to, mapping, &shown, &finding));
            } else if !all.iter().any(|known| known.to == *to) {
                let when = route.when.as_ref();
                let names = Names::new().with("alert", Type::Any);
                let mut scope = Scope::new(&names);
                scope.set(0, Value::from_json(&shown));
                let mut not = none(to);
                not.why_not = when.map(|when| format!("{} is false", when.source().trim()));
                not.looked = when.map(|when| looked(when, &scope)).unwrap_or_default();
                all.push(not);
            }
        }
    }
    all
}

fn none(to: &str) -> Sent {
    Sent {
        to: to.to_owned(),
        would: false,
        why_not: None,
        looked: Vec::new(),
        bytes: 0,
        key: None,
        where_to: String::new(),
        event: None,
    }
}

fn event(catalog: &Catalog, to: &str, mapping: &Mapping, alert: &Json, finding: &Json) -> Sent {
    let mut sent = none(to);
    let connection = catalog.config.connection(to);
    let Some((connection, deliver)) =
        connection.and_then(|found| Some((found, found.connector.deliver.as_ref()?)))
    else {
        sent.why_not = Some("it takes no alerts".to_owned());
        return sent;
    };
    sent.where_to = target(connection, deliver);
    match deliver.render_event(&connection.settings, alert, finding) {
        Err(error) => sent.why_not = Some(format!("the event cannot be made: {error}")),
        Ok(None) => sent.why_not = Some("no case of `event` holds".to_owned()),
        Ok(Some(rendered)) => {
            let mut value = rendered.value;
            for secret in &rendered.secrets {
                if let Some(place) = value.pointer_mut(&secret.pointer) {
                    *place = format!("<secret {}>", secret.name).into();
                }
            }
            sent.bytes = rendered
                .lines
                .as_ref()
                .map_or_else(|| value.to_string().len(), String::len);
            sent.key = ["dedup_key", "EventId", "event_id"]
                .into_iter()
                .find_map(|name| {
                    let found = value.get(name)?.as_str()?;
                    Some((name.to_owned(), found.to_owned()))
                });
            sent.event = Some(value);
            sent.would = matches!(mapping.status, Status::Stable);
            if !sent.would {
                sent.why_not = Some(format!("the mapping is `{}`", mapping.status.as_str()));
            }
        }
    }
    sent
}

fn target(connection: &Connection, deliver: &Deliver) -> String {
    match &deliver.target {
        Target::Call(call) => call.method().as_str().to_owned(),
        Target::File { .. } => connection.text("path").unwrap_or("a file").to_owned(),
    }
}
