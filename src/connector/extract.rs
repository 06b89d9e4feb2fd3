//! From one body, answer or file to signals: what is cut out, named and timed.

use jiff::Timestamp;
use serde_json::Value as Json;

use super::{SignalRule, Way};
use crate::document::Document;
use crate::expr::{Scope, Value};
use crate::shape::{Absent, Error};

/// What arrived, as expressions see it.
#[derive(Debug, Clone)]
pub struct Input<'i> {
    /// The connection's settings that are no secrets.
    pub settings: &'i Json,
    /// When it arrived.
    pub received_at: Timestamp,
    /// The body as JSON; null when it is none.
    pub body: Value<'i>,
    /// The body as text; empty where nobody needs it.
    pub text: &'i str,
    /// Headers, lower-case names.
    pub header: &'i Json,
    /// The status of a polled answer.
    pub status: Option<u16>,
    /// `path modified sha256 size` of a file.
    pub file: &'i Json,
    /// The rows of a JSONL file.
    pub rows: &'i Json,
    /// The stored mark of a poll; null at first.
    pub mark: &'i Json,
    /// The body as a document that whoever asks has: data that are all of it are not copied.
    pub whole: Option<&'i Document>,
}

/// A signal, cut out.
#[derive(Debug, Clone, PartialEq)]
pub struct Extracted {
    /// What the vendor calls it; `None` where the manifest has no `id`.
    pub vendor_id: Option<String>,
    /// When it happened; `None` where the manifest has no `at`, or it is absent.
    pub at: Option<Timestamp>,
    /// What mappings see; not yet checked against the schema.
    pub data: Document,
    /// `data` is the whole body and was left there; null stands for it.
    pub whole: bool,
    /// What `mark` of a poll gives for this item; `None` where there is none, or it fails.
    pub mark: Option<Json>,
}

static NULL: Json = Json::Null;

impl<'i> Input<'i> {
    /// Nothing but settings and a time; the parts that a way has are then put in.
    pub fn new(settings: &'i Json, received_at: Timestamp) -> Self {
        Self {
            settings,
            received_at,
            body: Value::Null,
            text: "",
            header: &NULL,
            status: None,
            file: &NULL,
            rows: &NULL,
            mark: &NULL,
            whole: None,
        }
    }
}

impl SignalRule {
    /// The scope for expressions about a whole body: `only_if`, `lost`, a poll's request.
    pub fn scope<'a>(&'a self, input: &Input<'a>) -> Scope<'a> {
        let mut scope = Scope::new(&self.names);
        let mut set = |name: &str, value: Value<'a>| {
            if let Some((slot, _)) = self.names.find(name) {
                scope.set(slot, value);
            }
        };
        set("settings", Value::from_json(input.settings));
        set("received_at", Value::Time(input.received_at));
        set("now", Value::Time(input.received_at));
        set("header", Value::from_json(input.header));
        set("body", input.body.clone());
        set("text", Value::Text(input.text.into()));
        set("file", Value::from_json(input.file));
        set("rows", Value::from_json(input.rows));
        set("mark", Value::from_json(input.mark));
        if let Some(status) = input.status {
            set("status", Value::Int(i64::from(status)));
        }
        for (slot, expr) in &self.lets {
            scope.set_lazy(*slot, expr);
        }
        scope
    }

    /// Cuts signals out of what arrived: one for each item. An item that fails is an error of its own;
    /// a list that cannot be gone through is one error for the whole.
    pub fn extract(&self, input: &Input<'_>) -> Result<Vec<Result<Extracted, Error>>, Error> {
        let mut found = Vec::new();
        let scope = self.scope(input);
        let whole = input.whole.is_some()
            && self.each.is_empty()
            && self.data.as_expr().is_some_and(|data| data.is_name("body"));
        self.walk(&self.each, &scope, whole, &mut found)?;
        Ok(found)
    }

    fn walk<'a>(
        &'a self,
        each: &'a [(usize, crate::expr::Expr)],
        scope: &'a Scope<'a>,
        whole: bool,
        found: &mut Vec<Result<Extracted, Error>>,
    ) -> Result<(), Error> {
        let Some(((slot, list), rest)) = each.split_first() else {
            match self.counts(scope) {
                Ok(true) => found.push(self.one(scope, whole)),
                Ok(false) => {}
                Err(error) => found.push(Err(error)),
            }
            return Ok(());
        };
        let list_value = list
            .eval(scope)
            .map_err(|source| self.failed(list, source))?;
        let items = match list_value {
            Value::Absent | Value::Null => return Ok(()),
            Value::Json(Json::Array(items)) => items.iter().map(Value::from_json).collect(),
            Value::Data(place) if place.is_list() => place.items().map(Value::from_place).collect(),
            Value::List(items) => items.as_ref().clone(),
            other => {
                return Err(Error::Kind {
                    what: list.source().to_owned(),
                    got: other.what(),
                    wanted: "a list",
                    place: Box::new(self.data.place().clone()),
                });
            }
        };
        for item in items {
            let inner = scope.with_item(*slot, item);
            self.walk(rest, &inner, whole, found)?;
        }
        Ok(())
    }

    fn counts<'a>(&'a self, scope: &'a Scope<'a>) -> Result<bool, Error> {
        match &self.only_item {
            None => Ok(true),
            Some(expr) => expr
                .holds(scope)
                .map_err(|source| self.failed(expr, source)),
        }
    }

    fn one<'a>(&'a self, scope: &'a Scope<'a>, whole: bool) -> Result<Extracted, Error> {
        let vendor_id = match &self.id {
            None => None,
            Some(shape) => {
                let id = shape.data(scope, Absent::Fault)?;
                let id = id.filter(|id| !id.is_null()).ok_or_else(|| Error::Absent {
                    what: "id".to_owned(),
                    place: Box::new(shape.place().clone()),
                })?;
                Some(match id {
                    Json::String(text) => text,
                    other => other.to_string(),
                })
            }
        };
        let at = match &self.at {
            None => None,
            Some(expr) => self.time(expr, scope)?,
        };
        let data = if whole {
            None
        } else {
            self.data.document(scope, Absent::LeftOut)?
        };
        let mark = match &self.way {
            Way::Poll(poll) => poll
                .mark
                .as_ref()
                .and_then(|mark| mark.eval(scope).ok()?.to_json())
                .filter(|mark| !mark.is_null()),
            Way::Webhook { .. } | Way::File(_) | Way::Own(_) => None,
        };
        Ok(Extracted {
            vendor_id,
            at,
            data: data.unwrap_or_default(),
            whole,
            mark,
        })
    }

    fn time<'a>(
        &'a self,
        expr: &'a crate::expr::Expr,
        scope: &'a Scope<'a>,
    ) -> Result<Option<Timestamp>, Error> {
        let wrong = |got| Error::Kind {
            what: expr.source().to_owned(),
            got,
            wanted: "an RFC 3339 time or a `timestamp`",
            place: Box::new(self.data.place().clone()),
        };
        match expr
            .eval(scope)
            .map_err(|source| self.failed(expr, source))?
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

    fn failed(&self, expr: &crate::expr::Expr, source: crate::expr::Error) -> Error {
        Error::Expr {
            what: expr.source().to_owned(),
            place: Box::new(self.data.place().clone()),
            source,
        }
    }
}
