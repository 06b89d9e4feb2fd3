//! `prove:`, `ours:` and `unchanged:`: how an action shows what it did.

use std::time::Duration;

use super::super::step::NO_PROOF;
use super::super::step::{Around, Step, Until};
use crate::diag::{Faults, codes};
use crate::expr::{Expr, Names};
use crate::shape::Reading;
use crate::yaml::{Fields, Node};

/// What proves an action.
#[derive(Debug, Default)]
pub struct Prove {
    /// What the platform says; all must hold.
    pub state: Vec<Until>,
    /// What callers get.
    pub behaviour: Option<Behaviour>,
}

/// Probes of what callers get.
#[derive(Debug)]
pub struct Behaviour {
    /// One probe; `holds` over its answer.
    pub probe: Until,
    /// Probes in a round.
    pub times: u64,
    /// Between probes.
    pub every: Duration,
    /// The share that has to hold in a round.
    pub share: Share,
}

/// A share of a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Share {
    /// At least so much.
    AtLeast(f64),
    /// At most so much.
    AtMost(f64),
}

/// Whether what is there is still Andon's.
#[derive(Debug)]
pub struct Ours {
    /// What is read; `None`: the first state read of the proof, made again.
    pub read: Option<Step>,
    /// What has to hold.
    pub holds: Expr,
}

/// What must be as it was before.
#[derive(Debug)]
pub struct Unchanged {
    /// What is read.
    pub read: Step,
    /// The map in it.
    pub of: Expr,
    /// Keys that may differ.
    pub except: Vec<Expr>,
}

pub(super) fn prove(
    fields: &Fields<'_>,
    around: &Around<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Prove {
    let Some(node) = fields.require(
        "prove",
        "write `prove: { state: … }`: what the platform says once it is done",
        faults,
    ) else {
        return Prove::default();
    };
    let Some(proofs) = Fields::of(node, "`prove`", &["state", "behaviour"], faults) else {
        return Prove::default();
    };
    let state = match proofs.get("state") {
        None => Vec::new(),
        Some(node) => match node.as_list() {
            Some(items) => items
                .iter()
                .filter_map(|item| Until::parse(item, &[], around, names, faults))
                .collect(),
            None => Until::parse(node, &[], around, names, faults)
                .into_iter()
                .collect(),
        },
    };
    let behaviour = proofs
        .get("behaviour")
        .and_then(|node| behaviour(node, around, names, faults));
    if proofs.get("state").is_none() && proofs.get("behaviour").is_none() {
        faults
            .error(NO_PROOF, node.place(), "this proves nothing")
            .help("write `state:` with a read and `until:`");
    }
    Prove { state, behaviour }
}

pub(super) fn behaviour(
    node: &Node,
    around: &Around<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Option<Behaviour> {
    let fields = Fields::checked(node, "`behaviour`");
    let times = fields.whole_number("times", faults).unwrap_or(1).max(1);
    let every = fields
        .duration("every", faults)
        .unwrap_or(Duration::from_secs(1));
    let share = match node.get("share") {
        None => Share::AtLeast(1.0),
        Some(share) => self::share(share, faults)?,
    };
    let probe = Until::parse(node, &["times", "every", "share"], around, names, faults)?;
    Some(Behaviour {
        probe,
        times,
        every,
        share,
    })
}

fn share(node: &Node, faults: &mut Faults) -> Option<Share> {
    let most = node.get("at_most");
    let number = most.unwrap_or(node).to_json().as_f64();
    let Some(number) = number.filter(|number| (0.0..=1.0).contains(number)) else {
        faults
            .error(
                codes::WRONG_TYPE,
                node.place(),
                "`share` is a part of the probes, from 0 to 1",
            )
            .help("write `share: 0.9`, or `share: { at_most: 0.1 }`");
        return None;
    };
    Some(match most {
        Some(_) => Share::AtMost(number),
        None => Share::AtLeast(number),
    })
}

pub(super) fn ours(
    node: &Node,
    around: &Around<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Option<Ours> {
    if node.as_map().is_none() {
        return Reading::over(names)
            .condition(node, faults)
            .map(|holds| Ours { read: None, holds });
    }
    let read = Step::parse(node, &["holds"], around, names, faults);
    let Some(condition) = node.get("holds") else {
        faults
            .error(NO_PROOF, node.place(), "this does not say what is ours")
            .help("write `holds:` with a condition over the answer");
        return None;
    };
    let holds = Reading::over(names).condition(condition, faults);
    Some(Ours {
        read: Some(read?),
        holds: holds?,
    })
}

pub(super) fn unchanged(
    node: &Node,
    around: &Around<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Option<Unchanged> {
    let read = Step::parse(node, &["of", "except"], around, names, faults);
    let reading = Reading::over(names);
    let Some(of) = node.get("of") else {
        faults
            .error(NO_PROOF, node.place(), "this does not say what must stay")
            .help("write `of: =body.applications`");
        return None;
    };
    let of = reading.expr(of, faults);
    let mut except = Vec::new();
    if let Some(keys) = node.get("except") {
        let Some(items) = keys.as_list() else {
            faults
                .error(
                    codes::WRONG_TYPE,
                    keys.place(),
                    "`except` is a list of keys",
                )
                .help("write such as `except: [=app]`");
            return None;
        };
        except.extend(items.iter().filter_map(|item| reading.expr(item, faults)));
    }
    Some(Unchanged {
        read: read?,
        of: of?,
        except,
    })
}
