//! Why an expression came out as it did: each part with its value.

use serde_json::Value as Json;

use super::error::Error;
use super::eval::Run;
use super::node::{Does, Node};
use super::program::Expr;
use super::scope::Scope;

/// One part of an expression and what it gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The part as written.
    pub text: String,
    /// Its first byte in the expression.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// What it gave. Values are data: whoever shows them cleans them for the place.
    pub outcome: Outcome,
    /// What stands between its parts, where that is `&&` or `||`.
    pub joined: Option<Joined>,
    /// The parts it was made of, in the order they are computed. Constants are left out.
    pub parts: Vec<Trace>,
}

/// How the parts of a condition decide together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joined {
    /// `&&`: one that is false decides.
    And,
    /// `||`: one that is true decides.
    Or,
}

impl Joined {
    /// What a part gives that decides for all.
    pub fn deciding(self) -> bool {
        self == Self::Or
    }
}

/// What a part gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A value.
    Value(Json),
    /// Nothing: the path leads to no value.
    Absent,
    /// No value, and why.
    Failed(Error),
    /// It was not computed, because what stands before it had decided.
    NotNeeded,
}

impl Expr {
    /// Computes every part that the value needs, and says what each gave. For `explain`: it costs
    /// a multiple of [`Expr::eval`].
    pub fn trace<'a>(&'a self, scope: &Scope<'a>) -> Trace {
        trace(self.root(), self.source(), scope, true)
    }
}

fn trace<'a>(node: &'a Node, source: &str, scope: &Scope<'a>, needed: bool) -> Trace {
    let outcome = if needed {
        scope.begin();
        match Run::new(scope, source).value(node) {
            Ok(value) => value.to_json().map_or(Outcome::Absent, Outcome::Value),
            Err(error) => Outcome::Failed(error),
        }
    } else {
        Outcome::NotNeeded
    };
    let joined = match &node.does {
        Does::And(_) => Some(Joined::And),
        Does::Or(_) => Some(Joined::Or),
        _ => None,
    };
    let mut parts = Vec::new();
    let mut needed = needed;
    for (index, child) in worth_showing(node).into_iter().enumerate() {
        if matches!(child.does, Does::Constant(_)) {
            continue;
        }
        let chosen = match (
            &node.does,
            &parts.first().map(|first: &Trace| &first.outcome),
        ) {
            (Does::Choose(_), Some(Outcome::Value(Json::Bool(truth)))) if index > 0 => {
                *truth == (index == 1)
            }
            (Does::Choose(_), Some(_)) if index > 0 => false,
            _ => true,
        };
        let part = trace(child, source, scope, needed && chosen);
        if joined.is_some_and(|joined| part.outcome == Outcome::Value(joined.deciding().into())) {
            needed = false;
        }
        parts.push(part);
    }
    Trace {
        text: source
            .get(node.start..node.end)
            .unwrap_or_default()
            .to_owned(),
        start: node.start,
        end: node.end,
        outcome,
        joined,
        parts,
    }
}

/// The parts worth showing: names alone say nothing, and the body of a macro has as many values as
/// there are items.
fn worth_showing(node: &Node) -> Vec<&Node> {
    let mut parts = node.children();
    match &node.does {
        Does::Path(base, ..) | Does::Has(base, _) if matches!(base.does, Does::Root(..)) => {
            parts.remove(0);
        }
        Does::Map(entries) => return entries.iter().map(|(_, value)| value).collect(),
        Does::Each(..) => parts.truncate(1),
        _ => {}
    }
    parts
}
