//! From a signal to a judgement.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::{AlertRule, Mapping, ResolveRule};
use crate::alert::Severity;
use crate::expr::{Expr, Names, Scope, Value};
use crate::shape::{Absent, Error, Shape};
use crate::signal::Signal;
use crate::template::{self, Values};
use crate::untrusted;

/// What a mapping says about a signal.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// Nothing.
    Nothing,
    /// There is an alert.
    Open(Box<Proposal>),
    /// An alert of this key is over.
    Close {
        /// The key.
        key: String,
    },
}

/// A containment as a mapping offers it: its place in `contain`, the arguments that are known, and
/// those to ask for.
pub type Offered = (usize, Map<String, Json>, Vec<String>);

/// An alert as a mapping proposes it; triage decides what becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Mapping, connection and `same_as` values, as one canonical text.
    pub key: String,
    /// How bad.
    pub severity: Severity,
    /// One line, clean.
    pub title: String,
    /// A few sentences, clean; may be empty.
    pub summary: String,
    /// When it happened.
    pub at: Timestamp,
    /// What it is about, clean.
    pub model: Map<String, Json>,
    /// What was measured, clean.
    pub measured: Map<String, Json>,
    /// What leaves the house, clean.
    pub fields: Map<String, Json>,
    /// Where proof is, clean.
    pub evidence: Map<String, Json>,
    /// What may be done: place in `contain`, known arguments, arguments to ask for.
    pub contain: Vec<Offered>,
}

/// A mapping that could not judge; the signal is kept with this trace.
#[derive(Debug, Clone, thiserror::Error)]
#[error("mapping `{mapping}`, `{part}`: {reason}")]
pub struct Stuck {
    /// The mapping.
    pub mapping: String,
    /// The key of the mapping's file.
    pub part: &'static str,
    /// What happened, with the expression.
    pub reason: String,
}

/// The longest single text that leaves in a field, in graphemes.
const LONGEST_TEXT: usize = 4_096;
/// The longest key within a field, in graphemes.
const LONGEST_KEY: usize = 256;
/// The longest title and summary, in graphemes.
const LONGEST_TITLE: usize = 512;
const LONGEST_SUMMARY: usize = 4_096;

impl Mapping {
    /// Judges a signal. `looked_up` holds what `look_up` asked for, by name. A signal that is neither
    /// of `from` nor of a `resolve` gives [`Judgement::Nothing`].
    pub fn judge(
        &self,
        signal: &Signal,
        looked_up: &Map<String, Json>,
    ) -> Result<Judgement, Stuck> {
        let own = self.from == signal.name;
        if own {
            let scope = self.scope(&self.names, signal, looked_up);
            if self
                .when
                .holds(&scope)
                .map_err(|error| self.stuck("when", &self.when, &error))?
            {
                return self
                    .propose(signal, &scope)
                    .map(|proposal| Judgement::Open(Box::new(proposal)));
            }
        }
        for rule in self.resolve.iter().filter(|rule| rule.from == signal.name) {
            let names = rule.names.as_ref().unwrap_or(&self.names);
            let scope = self.scope(names, signal, looked_up);
            let holds = match &rule.when {
                None => true,
                Some(when) => when
                    .holds(&scope)
                    .map_err(|error| self.stuck("resolve", when, &error))?,
            };
            if holds {
                return Ok(Judgement::Close {
                    key: self.close_key(rule, signal, &scope)?,
                });
            }
        }
        Ok(Judgement::Nothing)
    }

    /// The scope that `judge` evaluates in; `explain` traces in it.
    pub fn scope<'a>(
        &'a self,
        names: &Names,
        signal: &'a Signal,
        looked_up: &'a Map<String, Json>,
    ) -> Scope<'a> {
        let mut scope = Scope::new(names);
        let mut set = |name: &str, value: Value<'a>| {
            if let Some((slot, _)) = names.find(name) {
                scope.set(slot, value);
            }
        };
        set("signal", Value::from_place(signal.data.as_data().root()));
        set("now", Value::Time(signal.now));
        set("received_at", Value::Time(signal.received_at));
        for look_up in &self.look_up {
            if let Some(value) = looked_up.get(&look_up.name) {
                set(&look_up.name, Value::from_json(value));
            }
        }
        if names.len() == self.names.len() {
            for (slot, expr) in &self.lets {
                scope.set_lazy(*slot, expr);
            }
        }
        scope
    }

    fn propose<'a>(&'a self, signal: &'a Signal, scope: &'a Scope<'a>) -> Result<Proposal, Stuck> {
        let rule = &self.alert;
        let severity = self.severity(rule, scope)?;
        let fields = self.map("fields", rule.fields.as_ref(), scope)?;
        let model = self.map("model", rule.model.as_ref(), scope)?;
        let measured = self.map("measured", rule.measured.as_ref(), scope)?;
        let evidence = self.map("evidence", rule.evidence.as_ref(), scope)?;
        let key = self.key("same_as", &rule.same_as, signal, scope)?;
        let at = match &rule.at {
            None => signal.at,
            Some(expr) => self.time(expr, scope)?.unwrap_or(signal.at),
        };
        let own = [
            ("severity", Json::from(severity.as_str())),
            ("kind", Json::from(rule.kind.name.as_str())),
            ("connection", Json::from(signal.connection.as_str())),
            ("model", Json::Object(model)),
            ("measured", Json::Object(measured)),
        ];
        let texts = Values {
            first: &own,
            then: &fields,
        };
        let failed = |part| {
            move |error: template::Error| Stuck {
                mapping: self.name.clone(),
                part,
                reason: error.to_string(),
            }
        };
        let title = rule.title.render(texts).map_err(failed("title"))?;
        let summary = match &rule.summary {
            None => String::new(),
            Some(summary) => summary.render(texts).map_err(failed("summary"))?,
        };
        let contain = self.contain(signal, scope)?;
        let [.., (_, model), (_, measured)] = own;
        Ok(Proposal {
            key,
            severity,
            title: untrusted::person(title.trim(), LONGEST_TITLE),
            summary: untrusted::cut(summary.trim(), LONGEST_SUMMARY),
            at,
            model: map_of(model),
            measured: map_of(measured),
            fields,
            evidence,
            contain,
        })
    }

    fn severity<'a>(&self, rule: &'a AlertRule, scope: &'a Scope<'a>) -> Result<Severity, Stuck> {
        for (severity, when) in &rule.severity {
            let holds = match when {
                None => true,
                Some(when) => when
                    .holds(scope)
                    .map_err(|error| self.stuck("severity", when, &error))?,
            };
            if holds {
                return Ok(*severity);
            }
        }
        Err(Stuck {
            mapping: self.name.clone(),
            part: "severity",
            reason: "no case holds".to_owned(),
        })
    }

    /// A map of what leaves, every text in it clean. Absent keys are left out.
    fn map<'a>(
        &self,
        part: &'static str,
        shape: Option<&'a Shape>,
        scope: &'a Scope<'a>,
    ) -> Result<Map<String, Json>, Stuck> {
        let Some(shape) = shape else {
            return Ok(Map::new());
        };
        match shape
            .data(scope, Absent::LeftOut)
            .map_err(|error| self.failed(part, &error))?
        {
            Some(Json::Object(mut map)) => {
                map.values_mut().for_each(clean);
                Ok(map)
            }
            _ => Ok(Map::new()),
        }
    }

    fn key<'a>(
        &self,
        part: &'static str,
        same_as: &'a [Shape],
        signal: &Signal,
        scope: &'a Scope<'a>,
    ) -> Result<String, Stuck> {
        let mut parts = Vec::with_capacity(same_as.len() + 2);
        parts.push(Json::from(self.name.as_str()));
        if self.key_has_connection {
            parts.push(Json::from(signal.connection.as_str()));
        }
        for shape in same_as {
            let value = shape
                .data(scope, Absent::Fault)
                .map_err(|error| self.failed(part, &error))?;
            parts.push(value.ok_or_else(|| Stuck {
                mapping: self.name.clone(),
                part,
                reason: "a value that tells alerts apart is absent".to_owned(),
            })?);
        }
        Ok(Json::Array(parts).to_string())
    }

    fn close_key<'a>(
        &'a self,
        rule: &'a ResolveRule,
        signal: &Signal,
        scope: &'a Scope<'a>,
    ) -> Result<String, Stuck> {
        self.key(
            "resolve",
            rule.same_as.as_deref().unwrap_or(&self.alert.same_as),
            signal,
            scope,
        )
    }

    fn contain<'a>(&'a self, signal: &Signal, scope: &'a Scope<'a>) -> Result<Vec<Offered>, Stuck> {
        let mut offers = Vec::new();
        if signal.echo_of.is_some() {
            return Ok(offers);
        }
        for (index, rule) in self.contain.iter().enumerate() {
            let mut with = Map::new();
            let mut ask = rule.ask.clone();
            for (name, shape) in &rule.with {
                match shape
                    .data(scope, Absent::LeftOut)
                    .map_err(|error| self.failed("contain", &error))?
                {
                    Some(value) if !value.is_null() => {
                        with.insert(name.clone(), value);
                    }
                    _ => ask.push(name.clone()),
                }
            }
            offers.push((index, with, ask));
        }
        Ok(offers)
    }

    fn time<'a>(&self, expr: &'a Expr, scope: &'a Scope<'a>) -> Result<Option<Timestamp>, Stuck> {
        let wrong = |got: &str| Stuck {
            mapping: self.name.clone(),
            part: "at",
            reason: format!("`{}` gives {got}, and a time is needed", expr.source()),
        };
        match expr
            .eval(scope)
            .map_err(|error| self.stuck("at", expr, &error))?
        {
            Value::Absent | Value::Null => Ok(None),
            Value::Time(at) => Ok(Some(at)),
            Value::Text(text) => text
                .parse()
                .map(Some)
                .map_err(|_| wrong("a text that is no time")),
            other => Err(wrong(other.what())),
        }
    }

    fn stuck(&self, part: &'static str, expr: &Expr, error: &crate::expr::Error) -> Stuck {
        Stuck {
            mapping: self.name.clone(),
            part,
            reason: format!("`{}`: {error}", expr.source()),
        }
    }

    fn failed(&self, part: &'static str, error: &Error) -> Stuck {
        Stuck {
            mapping: self.name.clone(),
            part,
            reason: error.to_string(),
        }
    }
}

fn map_of(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

/// Door 5 for structured values: every text in it without hidden characters, and cut.
pub fn clean(value: &mut Json) {
    match value {
        Json::String(text) if untrusted::is_plain(text, LONGEST_TEXT) => {}
        Json::String(text) => *text = untrusted::person(text, LONGEST_TEXT),
        Json::Array(items) => items.iter_mut().for_each(clean),
        Json::Object(map) => {
            map.values_mut().for_each(clean);
            if !map.keys().all(|key| untrusted::is_plain(key, LONGEST_KEY)) {
                *map = std::mem::take(map)
                    .into_iter()
                    .map(|(key, value)| (untrusted::person(&key, LONGEST_KEY), value))
                    .collect();
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}
