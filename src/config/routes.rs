//! `routes:`: which alerts go to which destinations.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Connection;
use crate::alert::{Alert, State};
use crate::diag::{Code, Faults, Place, codes, nearest};
use crate::expr::{Expr, Names, Object, Scope, Supposed, Type, Value, Why};
use crate::shape::Reading;
use crate::yaml::{Fields, Node};

/// A route to no connection.
const LEADS_NOWHERE: Code = Code("AND0620");
/// A connection that takes no alerts.
const NO_DESTINATION: Code = Code("AND0621");

/// One route. Every route that matches sends.
#[derive(Debug)]
pub struct Route {
    /// The destinations.
    pub to: Vec<String>,
    /// Over `alert`; `None`: every alert.
    pub when: Option<Expr>,
    /// Say it again after so long, while it is open.
    pub repeat: Option<Duration>,
    /// What `when` names.
    names: Names,
    /// Where it stands.
    pub place: Place,
}

impl Route {
    /// Whether an alert goes this way. `alert` is its expression value. A condition that fails sends:
    /// an alert too many is mended, one too few is not seen.
    pub fn takes(&self, alert: &Alert) -> bool {
        let Some(when) = &self.when else { return true };
        let shown = alert.shown(|word| when.reads("alert", word));
        let mut scope = Scope::new(&self.names);
        scope.set(0, Value::from_json(&shown));
        when.holds(&scope).unwrap_or(true)
    }

    /// Whether no alert of this type goes this way; then why.
    pub fn never(&self, alert: Type) -> Option<Why> {
        let when = self.when.as_ref()?;
        let names = Names::new().with("alert", alert);
        let all = Supposed::nothing(&names);
        // One that fails sends as well.
        if all.may_fail(when) {
            return None;
        }
        all.never(when)
    }
}

/// What is known of `alert`, with more known of some of its words.
pub fn alert_type(mut more: BTreeMap<&str, Type>) -> Type {
    let keys = Alert::words().map(|word| {
        let of = more.remove(word).unwrap_or_else(|| usual(word));
        (word.to_owned(), (of, true))
    });
    Type::Object(Arc::new(Object {
        title: "an alert".to_owned(),
        keys: keys.collect(),
        others: None,
    }))
}

fn usual(word: &str) -> Type {
    match word {
        "severity" => Type::Severity,
        "state" => Type::Values(
            [State::Open, State::Updated, State::Resolved]
                .map(|state| state.as_str().into())
                .to_vec(),
        ),
        "at" | "first_seen" | "last_seen" => Type::Time,
        "revision" | "time" | "count" => Type::Number,
        "model" | "measured" | "fields" | "evidence" => Type::Object(Arc::new(Object {
            title: String::new(),
            keys: BTreeMap::new(),
            others: Some(Box::new(Type::Any)),
        })),
        "links" | "contain" | "notes" => Type::List(Box::new(Type::Any)),
        "origin" => origin(Type::Text, Type::Text),
        _ => Type::Text,
    }
}

/// What is known of `alert.origin`.
pub fn origin(connection: Type, connector: Type) -> Type {
    let keys = [
        ("connection", connection),
        ("connector", connector),
        ("host", Type::Text),
    ];
    Type::Object(Arc::new(Object {
        title: "`alert.origin`".to_owned(),
        keys: keys.map(|(key, of)| (key.to_owned(), (of, true))).into(),
        others: None,
    }))
}

/// Reads `routes:`.
pub fn parse(items: &[Node], connections: &[Connection], faults: &mut Faults) -> Vec<Route> {
    items
        .iter()
        .filter_map(|item| route(item, connections, faults))
        .collect()
}

fn route(node: &Node, connections: &[Connection], faults: &mut Faults) -> Option<Route> {
    let fields = Fields::of(node, "a route", &["to", "when", "repeat"], faults)?;
    let start = faults.errors();
    let names = Names::new().with("alert", alert_type(BTreeMap::new()));
    let when = fields
        .get("when")
        .map(|node| Reading::over(&names).condition(node, faults));
    let repeat = fields.duration("repeat", faults);
    let destinations = fields.require(
        "to",
        "write `to: [soc]`, the connections that it goes to",
        faults,
    )?;
    let mut to = Vec::new();
    let items = destinations
        .as_list()
        .unwrap_or(std::slice::from_ref(destinations));
    if items.is_empty() {
        faults
            .error(
                LEADS_NOWHERE,
                destinations.place(),
                "this route leads nowhere",
            )
            .help("write `to: [soc]`, the connections that it goes to");
    }
    for item in items {
        let name = item.as_text().unwrap_or_default();
        match connections
            .iter()
            .find(|connection| connection.name == name)
        {
            Some(connection) if connection.connector.deliver.is_some() => to.push(name.to_owned()),
            Some(connection) => {
                faults
                    .error(NO_DESTINATION, item.place(), format!("`{name}` takes no alerts: `{}` has no `deliver`", connection.connector.name))
                    .help("name a connection of splunk, sentinel, pagerduty, file or another with `deliver`");
            }
            None => {
                let known = connections
                    .iter()
                    .filter(|connection| connection.connector.deliver.is_some())
                    .map(|connection| connection.name.as_str());
                let fault = faults.error(
                    codes::UNKNOWN_CONNECTION,
                    item.place(),
                    format!("there is no connection `{name}`"),
                );
                match nearest(name, known) {
                    Some(meant) => fault
                        .label(format!("did you mean `{meant}`?"))
                        .help(format!("write `{meant}`")),
                    None => fault.help("write its name under `connections:` first"),
                };
            }
        }
    }
    (faults.errors() == start).then_some(())?;
    let when = match when {
        None => None,
        Some(read) => Some(read?),
    };
    Some(Route {
        to,
        when,
        repeat,
        names,
        place: node.place(),
    })
}
