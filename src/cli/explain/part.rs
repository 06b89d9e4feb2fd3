//! A condition taken apart: each part that decides, what it gave, and the values it looked at.

use serde::Serialize;
use serde_json::Value as Json;

use crate::expr::{Expr, Outcome, Scope, Trace};

/// What a part gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Gives {
    /// A value.
    Value(Json),
    /// Nothing: the path leads to no value.
    Absent,
    /// No value, and why.
    Failed(String),
    /// It was not computed, because what stands before it had decided.
    NotNeeded,
}

/// A part of a condition or value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Part {
    /// How deep it stands in what it is a part of.
    pub(crate) depth: usize,
    /// As written, on one line.
    pub(crate) text: String,
    /// What it gave.
    pub(crate) gives: Gives,
    /// The values that it looked at.
    pub(crate) values: Vec<Looked>,
}

/// A value that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Looked {
    /// As written.
    pub(crate) text: String,
    /// What was there.
    pub(crate) gives: Gives,
}

/// Takes an expression apart: one part for each side of an outermost `&&` or `||`, and below each what
/// it holds of these.
pub(crate) fn parts<'a>(expr: &'a Expr, scope: &Scope<'a>) -> Vec<Part> {
    let trace = expr.trace(scope);
    let mut out = Vec::new();
    if trace.joined.is_some() {
        for side in &trace.parts {
            walk(side, 0, &mut out);
        }
    } else {
        walk(&trace, 0, &mut out);
    }
    out
}

/// Everything that was looked at to compute an expression.
pub(crate) fn looked<'a>(expr: &'a Expr, scope: &Scope<'a>) -> Vec<Looked> {
    let trace = expr.trace(scope);
    let mut found = Vec::new();
    leaves(&trace, true, &mut found);
    if found.is_empty() && !expr.is_constant() {
        push(&trace, &mut found);
    }
    found
}

/// What an expression gives.
pub(crate) fn gives<'a>(expr: &'a Expr, scope: &Scope<'a>) -> Gives {
    outcome(&expr.trace(scope).outcome)
}

fn walk(trace: &Trace, depth: usize, out: &mut Vec<Part>) {
    let mut values = Vec::new();
    if trace.joined.is_none() {
        leaves(trace, false, &mut values);
    }
    out.push(Part {
        depth,
        text: one_line(&trace.text),
        gives: outcome(&trace.outcome),
        values,
    });
    inner(trace, depth + 1, out);
}

/// The sides of every `&&` and `||` that stands in it.
fn inner(trace: &Trace, depth: usize, out: &mut Vec<Part>) {
    if trace.joined.is_some() {
        for side in &trace.parts {
            walk(side, depth, out);
        }
        return;
    }
    for part in &trace.parts {
        inner(part, depth, out);
    }
}

/// What stands at its ends; with `whole` also through `&&` and `||`.
fn leaves(trace: &Trace, whole: bool, found: &mut Vec<Looked>) {
    for part in &trace.parts {
        if part.joined.is_some() && !whole {
            continue;
        }
        if part.parts.is_empty() {
            push(part, found);
        } else {
            leaves(part, whole, found);
        }
    }
}

fn push(trace: &Trace, found: &mut Vec<Looked>) {
    let looked = Looked {
        text: one_line(&trace.text),
        gives: outcome(&trace.outcome),
    };
    if looked.gives != Gives::NotNeeded && !found.contains(&looked) {
        found.push(looked);
    }
}

fn outcome(outcome: &Outcome) -> Gives {
    match outcome {
        Outcome::Value(value) => Gives::Value(value.clone()),
        Outcome::Absent => Gives::Absent,
        Outcome::Failed(error) => Gives::Failed(error.to_string()),
        Outcome::NotNeeded => Gives::NotNeeded,
    }
}

fn one_line(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.push_str(&")".repeat(unclosed(&line)));
    line
}

/// A part's span ends with its last operand; the brackets around that may stand behind it.
fn unclosed(text: &str) -> usize {
    let (mut open, mut quote, mut escaped) = (0_usize, None, false);
    for character in text.chars() {
        match (quote, character) {
            (Some(_), '\\') => escaped = !escaped,
            (Some(mark), found) => {
                if found == mark && !escaped {
                    quote = None;
                }
                escaped = false;
            }
            (None, '"' | '\'') => quote = Some(character),
            (None, '(') => open += 1,
            (None, ')') => open = open.saturating_sub(1),
            (None, _) => {}
        }
    }
    open
}
