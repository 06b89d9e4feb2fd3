//! Values, forms and requests as data: what manifests, mappings and settings have in common.
//!
//! A value is literal unless it begins with `=`; a map whose keys are exactly a form's is that form
//! (design, section 3). Everything is compiled at load; rendering never reads text as source again.
//! Secrets are never rendered here: a rendered value says where they go, and `web/` puts them in.

mod call;
mod parse;
mod path;
mod render;
mod request;
#[cfg(test)]
mod tests;

pub use call::{Auth as AuthRule, BodyKind, Call, KEYS as CALL_KEYS, Offered};
pub use parse::{Reading, Templates};
pub use path::Path;
pub use render::{Absent, Error, Rendered};
pub use request::{Auth, Body, Content, Leaf, Method, Request, SecretAt, SecretName};

use std::sync::Arc;

use serde_json::Value as Json;

use crate::diag::Place;
use crate::expr::Expr;
use crate::template::Template;

/// A value as a file gives it: compiled, checked, ready to be rendered over a scope.
#[derive(Debug, Clone)]
pub struct Shape {
    part: Part,
    place: Place,
}

/// What a value is made of.
#[derive(Debug, Clone)]
enum Part {
    /// Nothing in it needs a scope.
    Constant(Json),
    /// `=…`.
    Expr(Box<Expr>),
    /// A map; its keys in the order written.
    Map(Vec<Member>),
    /// A list.
    List(Vec<Shape>),
    /// `{ text: splunk/description, at_most: 1024 }`.
    Text {
        template: Arc<Template>,
        at_most: Option<usize>,
    },
    /// `{ secret: token }`.
    Secret(SecretName),
    /// `{ pick: =x, from: { a: 1, otherwise: 2 } }`.
    Pick {
        of: Box<Shape>,
        from: Vec<(String, Shape)>,
        otherwise: Option<Box<Shape>>,
    },
    /// `{ each: =list, give: … }` with `item`.
    Each {
        list: Box<Expr>,
        give: Box<Shape>,
        item: usize,
    },
    /// `{ lines: [ … ] }`: newline-delimited JSON.
    Lines(Vec<Shape>),
    /// `{ json: … }`: JSON as one string.
    Json(Box<Shape>),
    /// `{ time: =x, as: "%Y-%m-%d" }`, UTC.
    Time { value: Box<Expr>, format: String },
    /// The first `when` that holds: `[ { when, give } … ]`, where the place allows cases.
    Cases(Vec<(Option<Expr>, Shape)>),
}

/// One key of a map.
#[derive(Debug, Clone)]
struct Member {
    key: String,
    /// Written with `?` at its end: left out when absent, where absence is a fault otherwise.
    optional: bool,
    value: Shape,
}

impl Shape {
    /// A value that needs no scope.
    pub fn constant(value: Json, place: Place) -> Self {
        Self {
            part: Part::Constant(value),
            place,
        }
    }

    /// The literal, when nothing in it needs a scope.
    pub fn as_constant(&self) -> Option<&Json> {
        match &self.part {
            Part::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The expression, when the whole value is one.
    pub fn as_expr(&self) -> Option<&Expr> {
        match &self.part {
            Part::Expr(expr) => Some(expr),
            _ => None,
        }
    }

    /// The members of a map that is no form: each key and its value.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Shape)> {
        let members = match &self.part {
            Part::Map(members) => members.as_slice(),
            _ => &[],
        };
        members
            .iter()
            .map(|member| (member.key.as_str(), &member.value))
    }

    /// Where it stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether an expression in it names `name`.
    pub fn uses(&self, name: &str) -> bool {
        match &self.part {
            Part::Constant(_) | Part::Text { .. } | Part::Secret(_) => false,
            Part::Expr(expr) | Part::Time { value: expr, .. } => expr.uses(name),
            Part::Map(members) => members.iter().any(|member| member.value.uses(name)),
            Part::List(items) | Part::Lines(items) => items.iter().any(|item| item.uses(name)),
            Part::Pick {
                of,
                from,
                otherwise,
            } => {
                of.uses(name)
                    || from.iter().any(|(_, value)| value.uses(name))
                    || otherwise.as_ref().is_some_and(|value| value.uses(name))
            }
            Part::Each { list, give, .. } => list.uses(name) || give.uses(name),
            Part::Json(inner) => inner.uses(name),
            Part::Cases(cases) => cases.iter().any(|(when, value)| {
                when.as_ref().is_some_and(|when| when.uses(name)) || value.uses(name)
            }),
        }
    }

    /// Every secret that it names.
    pub fn secrets(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.collect_secrets(&mut found);
        found
    }

    fn collect_secrets<'s>(&'s self, found: &mut Vec<&'s str>) {
        match &self.part {
            Part::Constant(_) | Part::Expr(_) | Part::Text { .. } | Part::Time { .. } => {}
            Part::Secret(name) => found.push(name),
            Part::Map(members) => members
                .iter()
                .for_each(|member| member.value.collect_secrets(found)),
            Part::List(items) | Part::Lines(items) => {
                for item in items {
                    item.collect_secrets(found);
                }
            }
            Part::Pick {
                of,
                from,
                otherwise,
            } => {
                of.collect_secrets(found);
                for (_, value) in from {
                    value.collect_secrets(found);
                }
                if let Some(otherwise) = otherwise {
                    otherwise.collect_secrets(found);
                }
            }
            Part::Each { give, .. } => give.collect_secrets(found),
            Part::Json(inner) => inner.collect_secrets(found),
            Part::Cases(cases) => cases
                .iter()
                .for_each(|(_, value)| value.collect_secrets(found)),
        }
    }
}
