//! `reply:`: a signal that is what a person says to one of Andon's own alerts, where that was sent to.

use crate::diag::{Code, Faults};
use crate::document::Place;
use crate::expr::{Expr, Names, Scope, Type, Value};
use crate::shape::Reading;
use crate::yaml::{Fields, Node};

use super::super::step::{NO_VERDICT, case};

/// A reply that reaches no alert.
const NO_ALERT: Code = Code("AND0862");

/// How a signal is read as a reply. Everything is over `signal`, its data.
#[derive(Debug)]
pub struct Reply {
    /// The alert's id.
    to: Option<Expr>,
    /// What the system calls it: kept with the alert where `to` gives its id, and looked for where it does not.
    known_as: Option<Expr>,
    /// Who says it.
    by: Option<Expr>,
    /// What is said, the first that holds; nothing where none does.
    says: Vec<(ReplyWord, Option<Expr>)>,
    names: Names,
}

/// What a person says to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyWord {
    /// Somebody has taken it.
    Acknowledged,
    /// It was dealt with.
    Resolved,
    /// It was none.
    FalsePositive,
}

impl ReplyWord {
    const ALL: [(&'static str, Self); 3] = [
        ("acknowledged", Self::Acknowledged),
        ("resolved", Self::Resolved),
        ("false_positive", Self::FalsePositive),
    ];
}

/// A reply, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replied {
    /// The alert's id, as the system sent it back.
    pub to: Option<String>,
    /// What the system calls it.
    pub known_as: Option<String>,
    /// Who says it, as the system has it.
    pub by: Option<String>,
    /// What is said.
    pub word: Option<ReplyWord>,
}

impl Reply {
    /// Reads a signal's data. What is absent, or fails, is not said.
    pub fn read<'a>(&'a self, data: Place<'a>) -> Replied {
        let mut scope = Scope::new(&self.names);
        scope.set(0, Value::from_place(data));
        let text = |expr: &'a Option<Expr>| -> Option<String> {
            let value = expr.as_ref()?.eval(&scope).ok()?.to_json()?;
            let text = value.as_str()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let holds = |when: &'a Option<Expr>| {
            when.as_ref()
                .is_none_or(|when| when.holds(&scope).unwrap_or(false))
        };
        Replied {
            to: text(&self.to),
            known_as: text(&self.known_as),
            by: text(&self.by),
            word: self
                .says
                .iter()
                .find(|(_, when)| holds(when))
                .map(|(word, _)| *word),
        }
    }
}

/// Reads `reply:`; `data` is what is known of the signal's data.
pub(super) fn reply(node: &Node, data: &Type, faults: &mut Faults) -> Option<Reply> {
    let fields = Fields::of(node, "a reply", &["to", "known_as", "by", "says"], faults)?;
    let start = faults.errors();
    let names = Names::new().with("signal", data.clone());
    let reading = Reading::over(&names);
    let mut expr = |key: &str| {
        let node = fields.get(key)?;
        reading.expr(node, faults)
    };
    let (to, known_as, by) = (expr("to"), expr("known_as"), expr("by"));
    if fields.get("to").is_none() && fields.get("known_as").is_none() {
        faults
            .error(NO_ALERT, node.head(), "this reply names no alert")
            .help("write `to:` with where the alert's id is, such as `to: =signal.dedup_key`, or `known_as:`");
    }
    fields.require(
        "says",
        "write what is said, such as `- acknowledged: signal.status == \"acknowledged\"`",
        faults,
    );
    let nodes = fields.items("says", faults);
    let mut says = Vec::new();
    for (index, item) in nodes.iter().enumerate() {
        let written = match item.as_map() {
            Some([entry]) => ReplyWord::ALL
                .into_iter()
                .find(|(word, _)| *word == entry.key)
                .map(|(_, word)| (word, &entry.value)),
            _ => None,
        };
        let Some((word, condition)) = written else {
            faults
                .error(NO_VERDICT, item.place(), "each line has one word and its condition")
                .help("write such as `- resolved: signal.status == \"closed\"`; a word is acknowledged, resolved or false_positive");
            continue;
        };
        if let Some(when) = case(condition, index + 1 == nodes.len(), &reading, faults) {
            says.push((word, when));
        }
    }
    (faults.errors() == start).then_some(())?;
    Some(Reply {
        to,
        known_as,
        by,
        says,
        names,
    })
}

/// Faults where a connector takes replies and is never told of an alert.
pub(in super::super) fn without_alerts(place: crate::diag::Place, faults: &mut Faults) {
    faults
        .error(
            NO_ALERT,
            place,
            "this is a reply, and nothing is sent there that could be replied to",
        )
        .help("write `deliver:`, or take `reply:` out");
}
