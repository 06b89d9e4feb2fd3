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

impl Part {
    /// The shapes directly in it.
    fn inner(&self) -> Vec<&Shape> {
        match self {
            Self::Constant(_)
            | Self::Expr(_)
            | Self::Text { .. }
            | Self::Secret(_)
            | Self::Time { .. } => Vec::new(),
            Self::Map(members) => members.iter().map(|member| &member.value).collect(),
            Self::List(items) | Self::Lines(items) => items.iter().collect(),
            Self::Pick {
                of,
                from,
                otherwise,
            } => std::iter::once(of.as_ref())
                .chain(from.iter().map(|(_, value)| value))
                .chain(otherwise.as_deref())
                .collect(),
            Self::Each { give, .. } => vec![give],
            Self::Json(inner) => vec![inner],
            Self::Cases(cases) => cases.iter().map(|(_, value)| value).collect(),
        }
    }

    /// The expressions directly in it.
    fn exprs(&self) -> Vec<&Expr> {
        match self {
            Self::Expr(expr) | Self::Time { value: expr, .. } | Self::Each { list: expr, .. } => {
                vec![expr]
            }
            Self::Cases(cases) => cases.iter().filter_map(|(when, _)| when.as_ref()).collect(),
            _ => Vec::new(),
        }
    }
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
        self.exprs().any(|expr| expr.uses(name))
    }

    /// Whether an expression in it may read `name.key`, or a text shows `key`.
    pub fn shows(&self, name: &str, key: &str) -> bool {
        let mut parts = self.parts();
        parts.any(|part| match part {
            Part::Text { template, .. } => template.names().iter().any(|shown| shown == key),
            _ => false,
        }) || self.exprs().any(|expr| expr.reads(name, key))
    }

    /// What its expressions read of the name in `slot`; see [`Expr::paths`].
    pub fn paths(&self, slot: usize) -> Vec<Vec<&str>> {
        self.exprs().flat_map(|expr| expr.paths(slot)).collect()
    }

    /// Whether `name` is only ever a whole value in it, which nothing looks into.
    pub fn uses_only_whole(&self, name: &str) -> bool {
        let mut parts = self.parts();
        parts.all(|part| match part {
            Part::Expr(expr) => expr.is_name(name) || !expr.uses(name),
            Part::Map(_) | Part::Constant(_) | Part::Text { .. } | Part::Secret(_) => true,
            other => !other.exprs().iter().any(|expr| expr.uses(name)),
        })
    }

    fn exprs(&self) -> impl Iterator<Item = &Expr> {
        self.parts().flat_map(Part::exprs)
    }

    /// What it is made of and what that is made of, itself first.
    fn parts(&self) -> impl Iterator<Item = &Part> {
        let mut left = vec![self];
        std::iter::from_fn(move || {
            let next = left.pop()?;
            left.extend(next.part.inner().into_iter().rev());
            Some(&next.part)
        })
    }

    /// Every secret that it names.
    pub fn secrets(&self) -> Vec<&str> {
        let secrets = self.parts().filter_map(|part| match part {
            Part::Secret(name) => Some(name.as_str()),
            _ => None,
        });
        secrets.collect()
    }
}
