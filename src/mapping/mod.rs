//! What turns a signal into an alert, or closes one: `mappings/<name>.yaml`, parsed and checked.
//!
//! Judging is pure: the same signal, looked-up values and mapping give the same judgement, today and
//! in a replay. What becomes of a judgement (counting, silences, routes) is `triage/`.

mod outcome;
mod cases;
mod judge;
mod reads;
mod branches;
mod parse;
#[cfg(test)]
mod tests;

pub use branches::Branch;
pub use cases::{Case, Given};
pub use judge::{Judgement, Offered, Proposal, Stuck, clean};
pub use outcome::{Came, Difference, Failure, Gives, Outcome, WHOLE};
pub use parse::{Known, parse};
pub use reads::Reads;

use std::sync::Arc;
use std::time::Duration;

use crate::alert::Severity;
use crate::connector::StepAnswer;
use crate::diag::Place;
use crate::expr::{Expr, Names};
use crate::kind::Kind;
use crate::shape::{Call, Shape};
use crate::signal::SignalName;
use crate::template::Template;

/// A mapping, checked.
#[derive(Debug)]
pub struct Mapping {
    /// The file's name.
    pub name: String,
    /// One or two sentences.
    pub about: String,
    /// Whether it counts.
    pub status: Status,
    /// When it is wrong to be alarmed.
    pub false_positives: Vec<String>,
    /// Where the procedure is written.
    pub runbook: Option<String>,
    /// The signal it judges.
    pub from: SignalName,
    /// What has to be asked before it can judge.
    pub look_up: Vec<LookUp>,
    /// Names made here; lazy.
    pub lets: Vec<(usize, Expr)>,
    /// Whether there is an alert.
    pub when: Expr,
    /// The alert.
    pub alert: AlertRule,
    /// What closes it.
    pub resolve: Vec<ResolveRule>,
    /// No signal for so long closes it.
    pub quiet: Option<Duration>,
    /// What may be done about it.
    pub contain: Vec<ContainRule>,
    /// Its tests.
    pub cases: Vec<Case>,
    /// What its expressions name, in order.
    pub names: Names,
    /// Whether its keys hold the connection: all its signals are of one connector.
    pub key_has_connection: bool,
    /// Retired, it takes its open alerts with it.
    pub resolves_open: bool,
    /// Where its name stands.
    pub place: Place,
}

/// Whether a mapping counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Being written: checked and tested, never evaluated.
    Draft,
    /// Evaluated and counted on live signals, delivered nowhere.
    Shadow,
    /// In force.
    Stable,
    /// No longer evaluated; kept for its history.
    Retired,
}

impl Status {
    /// The word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Shadow => "shadow",
            Self::Stable => "stable",
            Self::Retired => "retired",
        }
    }
}

/// The alert that a mapping makes.
#[derive(Debug)]
pub struct AlertRule {
    /// Its kind.
    pub kind: Arc<Kind>,
    /// Where its kind stands.
    pub kind_place: Place,
    /// One line.
    pub title: Template,
    /// A few sentences.
    pub summary: Option<Template>,
    /// The first that holds; the last has no condition.
    pub severity: Vec<(Severity, Option<Expr>)>,
    /// What it is about.
    pub model: Option<Shape>,
    /// One open alert for each.
    pub same_as: Vec<Shape>,
    /// When it happened.
    pub at: Option<Expr>,
    /// What was measured.
    pub measured: Option<Shape>,
    /// What leaves the house.
    pub fields: Option<Shape>,
    /// Where proof is.
    pub evidence: Option<Shape>,
}

/// Something that has to be asked first.
#[derive(Debug)]
pub struct LookUp {
    /// Its name in expressions.
    pub name: String,
    /// Its slot.
    pub slot: usize,
    /// The connection; `None`: the signal's own.
    pub at: Option<String>,
    /// The request.
    pub call: Call,
    /// What answers mean; empty: 2xx is done, 404 is null.
    pub answers: Vec<StepAnswer>,
    /// What is kept of the answer.
    pub keep: Expr,
    /// Where it stands; its `at:`, where it has one.
    pub place: Place,
}

/// What closes an alert.
#[derive(Debug)]
pub struct ResolveRule {
    /// The signal.
    pub from: SignalName,
    /// When; `None`: any signal of `from` that `when` is false for.
    pub when: Option<Expr>,
    /// The key that it closes; `None`: the alert's own `same_as`.
    pub same_as: Option<Vec<Shape>>,
    /// What its expressions name, where `from` is another signal.
    pub names: Option<Names>,
}

/// A containment that may be offered.
#[derive(Debug)]
pub struct ContainRule {
    /// The connector.
    pub connector: String,
    /// The verb.
    pub verb: String,
    /// The connection, where named.
    pub at: Option<String>,
    /// Arguments; an absent one becomes an `ask`.
    pub with: Vec<(String, Shape)>,
    /// Arguments that a person fills in.
    pub ask: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

impl Mapping {
    /// Whether it has to ask before it can judge this signal.
    pub fn looks_up(&self, signal: &SignalName) -> bool {
        !self.look_up.is_empty() && self.from == *signal
    }

    /// Every signal that it wants to see.
    pub fn signals(&self) -> impl Iterator<Item = &SignalName> {
        std::iter::once(&self.from).chain(
            self.resolve
                .iter()
                .map(|rule| &rule.from)
                .filter(|from| **from != self.from),
        )
    }
}
