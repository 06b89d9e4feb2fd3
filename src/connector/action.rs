//! `actions:`: what can be done to a system, with its proof and its way back.

mod takes;
mod refuses;
mod proof;
mod echo;
mod hold;

pub use echo::{Echo, EchoOf};
pub use hold::Hold;
pub use proof::{Behaviour, Ours, Prove, Share, Unchanged};
pub use refuses::Refusal;
pub use takes::{Take, TakeKind};

use std::time::Duration;

use super::setting::is_name;
use super::signal::lets;
use super::step::{ANSWER, Around, Kept, Step, Until};
use crate::action::Risk;
use crate::diag::{Code, Faults, codes};
use crate::expr::{Expr, Names, Type};
use crate::shape::{Offered, Path, Reading};
use crate::yaml::{Entry, Fields, Node};
use echo::echoes;
use hold::hold;
use proof::{ours, prove, unchanged};
use takes::takes;

/// An action that is undone and does not say what is its own.
const NO_OURS: Code = Code("AND0455");
/// Said to be reversible, with nothing that undoes it.
const NO_UNDO: Code = Code("AND0456");

/// One verb of a connector.
#[derive(Debug)]
pub struct ActionRule {
    /// Its name.
    pub name: String,
    /// One or two sentences.
    pub about: String,
    /// How much harm it can do.
    pub risk: Risk,
    /// Its arguments.
    pub takes: Vec<Take>,
    /// Names made here; lazy.
    pub lets: Vec<(usize, Expr)>,
    /// Waited for before anything is read.
    pub ready: Option<Until>,
    /// What is there now.
    pub before: Vec<Step>,
    /// Whether there is nothing to do.
    pub already: Option<Expr>,
    /// What changes it.
    pub steps: Vec<Step>,
    /// What proves it.
    pub prove: Prove,
    /// How often it is proven again while it is in force.
    pub hold: Option<Hold>,
    /// Whether what is there is still Andon's.
    pub ours: Option<Ours>,
    /// What changes it back.
    pub undo: Vec<Step>,
    /// What proves that it is back; else every kept value must be as kept.
    pub undone: Option<Until>,
    /// What must be as it was.
    pub unchanged: Option<Unchanged>,
    /// How its own changes come back as signals.
    pub echo: Vec<Echo>,
    /// What it cannot do.
    pub limits: Limits,
    /// What its expressions name, in order.
    pub names: Names,
}

/// What an action cannot do, for approvers to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of the manifest that approvers read by its name"
)]
pub struct Limits {
    /// Whether it can be undone.
    pub reversible: bool,
    /// Whether it only asks.
    pub advisory: bool,
    /// Whether it reaches beyond its target.
    pub cluster_wide: bool,
    /// Whether a restart of the platform leaves it in force.
    pub restart_safe: bool,
    /// Known ways around it.
    pub bypass: Vec<String>,
    /// How long it takes to take hold.
    pub takes_hold: Option<Duration>,
}

const KEYS: [&str; 18] = [
    "about",
    "risk",
    "takes",
    "let",
    "prefix",
    "reads",
    "before",
    "ready",
    "already",
    "do",
    "prove",
    "hold",
    "ours",
    "undo",
    "undone",
    "unchanged",
    "echo",
    "limits",
];

/// Reads one entry of `actions:`.
pub fn parse(
    entry: &Entry,
    signals: &[String],
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<ActionRule> {
    let (name, node) = (entry.key.as_str(), &entry.value);
    let fields = Fields::of(node, "an action", &KEYS, faults)?;
    let start = faults.errors();
    if !is_name(name) {
        faults
            .error(
                codes::BAD_NAME,
                entry.key_place(),
                format!("an action cannot be called `{name}`"),
            )
            .help("use letters, digits and `-`");
    }
    let mut names = Names::new()
        .with("settings", offered.settings())
        .with("action", Type::Any);
    for root in ANSWER {
        names = names.with(root, Type::Any);
    }
    let takes = takes(&fields, &mut names, faults);
    let lets = lets(&fields, &mut names, faults);
    let prefix = fields
        .get("prefix")
        .and_then(|node| Path::parse(node, None, &names, offered.plain, faults));
    let reads: Vec<(String, &Node)> = fields
        .entries("reads", faults)
        .iter()
        .map(|entry| (entry.key.clone(), &entry.value))
        .collect();
    let around = Around {
        offered,
        prefix: prefix.as_ref(),
        reads: &reads,
        what: "a step",
    };
    let readiness = fields
        .get("ready")
        .and_then(|node| Until::parse(node, &[], &around, &mut names, faults));
    let before = steps(&fields, "before", &around, &mut names, faults);
    let already = fields
        .get("already")
        .and_then(|node| Reading::over(&names).condition(node, faults));
    fields.require("do", "write what changes it, as a list of requests", faults);
    let does = steps(&fields, "do", &around, &mut names, faults);
    let prove = prove(&fields, &around, &mut names, faults);
    let hold = hold(&fields, &names, faults);
    let ours = fields
        .get("ours")
        .and_then(|node| ours(node, &around, &mut names, faults));
    let undo = steps(&fields, "undo", &around, &mut names, faults);
    let undone = fields
        .get("undone")
        .and_then(|node| Until::parse(node, &[], &around, &mut names, faults));
    let unchanged = fields
        .get("unchanged")
        .and_then(|node| unchanged(node, &around, &mut names, faults));
    let echo = echoes(&fields, &names, signals, faults);
    let limits = limits(&fields, !undo.is_empty(), faults);
    let risk = match fields.text("risk", faults).as_deref() {
        Some("low") => Risk::Low,
        Some("medium") => Risk::Medium,
        None | Some("high") => Risk::High,
        Some(other) => {
            faults
                .error(
                    codes::UNKNOWN_WORD,
                    fields.get("risk").unwrap_or(node).place(),
                    format!("a risk is not `{other}`"),
                )
                .help("write low, medium or high");
            Risk::High
        }
    };
    let about = fields.required_text("about", "say in a sentence what it does", faults);
    if limits.reversible && fields.get("ours").is_none() && !undo.is_empty() {
        faults
            .error(
                NO_OURS,
                node.place_of_key("undo"),
                "an action that is undone says how to tell that nobody changed it since",
            )
            .help("write `ours:` with a condition over the state that `prove.state` reads");
    }
    (faults.errors() == start).then_some(())?;
    Some(ActionRule {
        name: name.to_owned(),
        about: about?,
        risk,
        takes,
        lets,
        ready: readiness,
        before,
        already,
        steps: does,
        prove,
        hold,
        ours,
        undo,
        undone,
        unchanged,
        echo,
        limits,
        names,
    })
}

fn steps(
    fields: &Fields<'_>,
    key: &str,
    around: &Around<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Vec<Step> {
    fields
        .items(key, faults)
        .iter()
        .filter_map(|item| Step::parse(item, &[], around, names, faults))
        .collect()
}

fn limits(fields: &Fields<'_>, has_undo: bool, faults: &mut Faults) -> Limits {
    let keys = [
        "reversible",
        "advisory",
        "cluster_wide",
        "restart_safe",
        "bypass",
        "takes_hold",
        "kept",
    ];
    let written = fields
        .get("limits")
        .and_then(|node| Fields::of(node, "`limits`", &keys, faults));
    let truth = |key: &'static str, otherwise: bool, faults: &mut Faults| {
        written
            .as_ref()
            .and_then(|fields| fields.truth(key, faults))
            .unwrap_or(otherwise)
    };
    let limits = Limits {
        reversible: truth("reversible", has_undo, faults),
        advisory: truth("advisory", false, faults),
        cluster_wide: truth("cluster_wide", false, faults),
        restart_safe: truth("restart_safe", true, faults),
        bypass: written
            .as_ref()
            .and_then(|fields| fields.list_of_text("bypass", faults))
            .unwrap_or_default(),
        takes_hold: written
            .as_ref()
            .and_then(|fields| fields.duration("takes_hold", faults)),
    };
    if limits.reversible && !has_undo {
        faults
            .error(
                NO_UNDO,
                fields.get("limits").map_or_else(
                    || fields.node().head(),
                    |node| node.place_of_key("reversible"),
                ),
                "this action says it is reversible, and has no `undo`",
            )
            .help("write `undo:`, or `reversible: false` under `limits:`");
    }
    limits
}

impl ActionRule {
    /// What is kept by `before`: the names that the plan stands on.
    pub fn kept_before(&self) -> impl Iterator<Item = &Kept> {
        self.before.iter().flat_map(|step| step.keep.iter())
    }
}
