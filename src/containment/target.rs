//! What an action runs on: its rule, its connection, and the names that its expressions see.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::action::Action;
use crate::catalog::Catalog;
use crate::config::Connection;
use crate::connector::{ActionRule, Connector};
use crate::expr::{Scope, Value};
use crate::live::Snapshot;
use crate::shape;
use crate::web;

/// A rule on a connection, in one state of the configuration.
pub(super) struct Target {
    pub(super) snapshot: Arc<Snapshot>,
    action: String,
    at: String,
}

/// A target looked up: borrowed parts of the snapshot.
#[derive(Clone, Copy)]
pub(super) struct Parts<'t> {
    pub(super) connector: &'t Connector,
    pub(super) rule: &'t ActionRule,
    pub(super) connection: &'t Connection,
    pub(super) web: &'t web::Connection,
}

impl Target {
    /// `None` when the configuration no longer has it.
    pub(super) fn new(snapshot: Arc<Snapshot>, action: &str, at: &str) -> Option<Self> {
        let target = Self {
            snapshot,
            action: action.to_owned(),
            at: at.to_owned(),
        };
        target.find().is_some().then_some(target)
    }

    pub(super) fn catalog(&self) -> &Catalog {
        &self.snapshot.catalog
    }

    pub(super) fn find(&self) -> Option<Parts<'_>> {
        let (connector, rule) = self.catalog().action(&self.action)?;
        let connection = self.catalog().config.connection(&self.at)?;
        (connection.connector.name == connector.name).then_some(())?;
        Some(Parts {
            connector,
            rule,
            connection,
            web: self.snapshot.web(&self.at)?,
        })
    }

    /// What two runs may not change at once: the platform's thing that `before` reads first, else the arguments.
    pub(super) fn lock(&self, action: &Action) -> String {
        let with = Json::Object(action.with.clone());
        let otherwise = || {
            format!(
                "{} {} {}",
                self.at,
                self.action,
                super::canonical::canonical(&with)
            )
        };
        let Some(parts) = self.find() else {
            return otherwise();
        };
        let known = Known::of(action, parts.connection);
        let scope = known.scope(parts.rule, None, false);
        let first = parts.rule.before.first().and_then(|step| {
            let request = step
                .call
                .render(&scope, &Map::new(), parts.connector.first_url()?)
                .ok()?;
            let shown = parts.web.redacted(&request, &self.snapshot.secrets).ok()?;
            let body = shown.body.map(|body| body.to_string()).unwrap_or_default();
            Some(format!("{} {} {body}", self.at, shown.url))
        });
        first.unwrap_or_else(otherwise)
    }
}

/// The values of an action's names, apart from answers.
pub(super) struct Known {
    pub(super) settings: Json,
    pub(super) about: Json,
    pub(super) with: Map<String, Json>,
    pub(super) kept: Map<String, Json>,
    /// Names that were kept and are absent; in `kept` they are null.
    pub(super) absent: Vec<String>,
    pub(super) guard: Map<String, Json>,
}

impl Known {
    /// What is known before anything was read.
    pub(super) fn of(action: &Action, connection: &Connection) -> Self {
        Self {
            settings: connection.settings.clone(),
            about: json!({
                "id": action.id,
                "name": action.action,
                "at": action.at,
                "by": action.by,
                "alert": action.alert,
                "incident": action.incident,
                "reason": action.reason,
            }),
            with: action.with.clone(),
            kept: action.kept.clone(),
            absent: Vec::new(),
            guard: Map::new(),
        }
    }

    /// A scope over it, and over an answer. In `undo` what was absent is written as null.
    pub(super) fn scope<'k>(
        &'k self,
        rule: &'k ActionRule,
        answer: Option<&'k Said>,
        undo: bool,
    ) -> Scope<'k> {
        let mut scope = Scope::new(&rule.names);
        for (slot, expr) in &rule.lets {
            scope.set_lazy(*slot, expr);
        }
        let mut set = |name: &str, value: Value<'k>| {
            if let Some((slot, _)) = rule.names.find(name) {
                scope.set(slot, value);
            }
        };
        set("settings", Value::from_json(&self.settings));
        set("action", Value::from_json(&self.about));
        for (name, value) in self.with.iter().chain(&self.guard) {
            set(name, Value::from_json(value));
        }
        for (name, value) in &self.kept {
            let absent = !undo && self.absent.contains(name);
            set(
                name,
                if absent {
                    Value::Absent
                } else {
                    Value::from_json(value)
                },
            );
        }
        if let Some(said) = answer {
            set("status", Value::Int(said.status.into()));
            set("text", Value::Text(said.text.as_str().into()));
            set("header", Value::from_json(&said.header));
            if let Some(body) = &said.body {
                set("body", Value::from_json(body));
            }
        }
        scope
    }
}

/// An answer as expressions see it.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) body: Option<Json>,
    pub(super) text: String,
    pub(super) header: Json,
}

impl Said {
    pub(super) fn new(answer: &web::Answer) -> Self {
        Self {
            status: answer.status,
            body: answer.json().cloned(),
            text: answer.text().into_owned(),
            header: web::header_object(&answer.headers),
        }
    }
}

/// One line of why a request could not be made, for a person.
pub(super) fn unmade(error: &shape::Error) -> String {
    format!("the request cannot be made: {error}")
}
