//! The ways through a mapping, and which of them its tests take.
//!
//! A way is an outcome of `when` and of each part of it that can decide alone, a severity, something
//! that closes, an argument of a containment that is known or asked for, a look-up that finds
//! something or nothing. Templates and `quiet` are no ways: nothing is decided there.

use serde_json::{Map, Value as Json};

use super::{Judgement, LookUp, Mapping, Proposal, ResolveRule};
use crate::alert::Severity;
use crate::connector::StepVerdict;
use crate::diag::{Faults, Place};
use crate::expr::{Expr, Outcome, Scope, Trace};
use crate::signal::Signal;
use crate::yaml::{self, Node};

/// One way through a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Branch {
    /// The key of the file that decides: `when`, `severity`, `resolve`, `contain` or `look_up`.
    pub part: &'static str,
    /// Which way it is, such as `false`, `high` or `asks for model`.
    pub way: String,
    /// Where it is decided.
    pub place: Place,
    /// What is written there.
    pub text: String,
    /// Whether a test takes it.
    pub is_taken: bool,
}

/// What a test gives to a mapping: a signal, and what was looked up.
pub type Tried<'t> = (&'t Signal, &'t Map<String, Json>);

impl Mapping {
    /// Every way through it, in the order of `look_up`, `when`, `severity`, `resolve`, `contain`; and
    /// which of them these take.
    pub fn branches(&self, tried: &[Tried<'_>]) -> Vec<Branch> {
        let file = yaml::parse(&self.place.source, &mut Faults::new());
        let file = Written {
            mapping: self,
            node: file.as_ref(),
        };
        let own: Vec<Tried<'_>> = tried
            .iter()
            .copied()
            .filter(|(signal, _)| signal.name == self.from)
            .collect();
        let mut all = Vec::new();
        for look_up in &self.look_up {
            all.extend(of_look_up(look_up, file, &own));
        }
        all.extend(self.of_when(file, &own));
        all.extend(self.of_severity(file, &own));
        all.extend(self.of_resolve(file, tried));
        all.extend(self.of_contain(file, &own));
        all
    }

    fn of_when(&self, file: Written<'_>, own: &[Tried<'_>]) -> Vec<Branch> {
        let node = file.below(&["when"]);
        let scopes = own
            .iter()
            .map(|(signal, found)| self.scope(&self.names, signal, found));
        let traces: Vec<_> = scopes.map(|scope| self.when.trace(&scope)).collect();
        let is = |outcome: &Outcome, truth: bool| *outcome == Outcome::Value(truth.into());
        let truths: &[bool] = if self.when.is_constant() {
            &[true]
        } else {
            &[true, false]
        };
        let mut all: Vec<Branch> = truths
            .iter()
            .map(|truth| Branch {
                part: "when",
                way: truth.to_string(),
                place: file.place(node),
                text: one_line(self.when.source()),
                is_taken: traces.iter().any(|trace| is(&trace.outcome, *truth)),
            })
            .collect();
        // Its parts are the same whatever the signal says.
        let shape = self.when.trace(&Scope::new(&self.names));
        let Some(joined) = shape.joined else {
            return all;
        };
        let fragment = node.and_then(Node::fragment);
        for (index, part) in shape.parts.iter().enumerate() {
            let decides = |trace: &Trace| {
                let part = trace.parts.get(index);
                part.is_some_and(|part| is(&part.outcome, joined.deciding()))
            };
            all.push(Branch {
                part: "when",
                way: joined.deciding().to_string(),
                place: fragment.as_ref().map_or_else(
                    || file.place(node),
                    |fragment| fragment.place_of(part.start, part.end),
                ),
                text: one_line(&part.text),
                is_taken: traces.iter().any(decides),
            });
        }
        all
    }

    fn of_severity(&self, file: Written<'_>, own: &[Tried<'_>]) -> Vec<Branch> {
        let chosen: Vec<usize> = own
            .iter()
            .filter(|tried| self.proposes(tried).is_some())
            .filter_map(|(signal, found)| {
                let scope = self.scope(&self.names, signal, found);
                let mut cases = self.alert.severity.iter();
                cases.position(|(_, when)| match when {
                    None => true,
                    Some(when) => when.holds(&scope).unwrap_or(false),
                })
            })
            .collect();
        let node = file.below(&["alert", "severity"]);
        let cases = self.alert.severity.iter().enumerate();
        let branch = |(index, (severity, when)): (usize, &(Severity, Option<Expr>))| Branch {
            part: "severity",
            way: severity.as_str().to_owned(),
            place: file.place(item(node, index).or(node)),
            text: written(when.as_ref()),
            is_taken: chosen.contains(&index),
        };
        cases.map(branch).collect()
    }

    fn of_resolve(&self, file: Written<'_>, tried: &[Tried<'_>]) -> Vec<Branch> {
        let closed: Vec<usize> = tried
            .iter()
            .filter(|(signal, found)| {
                matches!(self.judge(signal, found), Ok(Judgement::Close { .. }))
            })
            .filter_map(|(signal, found)| {
                self.resolve.iter().position(|rule| {
                    let names = rule.names.as_ref().unwrap_or(&self.names);
                    let scope = self.scope(names, signal, found);
                    let holds = match &rule.when {
                        None => true,
                        Some(when) => when.holds(&scope).unwrap_or(false),
                    };
                    rule.from == signal.name && holds
                })
            })
            .collect();
        let node = file.below(&["resolve"]);
        let rules = self.resolve.iter().enumerate();
        let branch = |(index, rule): (usize, &ResolveRule)| {
            let item = item(node, index);
            Branch {
                part: "resolve",
                way: "closes".to_owned(),
                place: file.place(item.and_then(|item| item.get("when")).or(item)),
                text: written(rule.when.as_ref()),
                is_taken: closed.contains(&index),
            }
        };
        rules.map(branch).collect()
    }

    fn of_contain(&self, file: Written<'_>, own: &[Tried<'_>]) -> Vec<Branch> {
        let proposals: Vec<Box<Proposal>> = own
            .iter()
            .filter_map(|tried| self.proposes(tried))
            .collect();
        let node = file.below(&["contain"]);
        let mut all = Vec::new();
        for (index, rule) in self.contain.iter().enumerate() {
            let with = item(node, index).and_then(|item| item.get("with"));
            for (name, shape) in &rule.with {
                let Some(expr) = shape.as_expr() else {
                    continue;
                };
                let optional = format!("{name}?");
                let argument = with.and_then(|with| with.get(name).or_else(|| with.get(&optional)));
                let branch = |way: &str, known: bool| Branch {
                    part: "contain",
                    way: format!("{way} {name}"),
                    place: file.place(argument),
                    text: format!("={}", one_line(expr.source())),
                    is_taken: proposals
                        .iter()
                        .flat_map(|proposal| &proposal.contain)
                        .any(|(of, with, _)| *of == index && with.contains_key(name) == known),
                };
                all.push(branch("knows", true));
                all.extend(expr.may_be_absent().then(|| branch("asks for", false)));
            }
        }
        all
    }

    fn proposes(&self, (signal, found): &Tried<'_>) -> Option<Box<Proposal>> {
        match self.judge(signal, found) {
            Ok(Judgement::Open(proposal)) => Some(proposal),
            _ => None,
        }
    }
}

fn of_look_up(look_up: &LookUp, file: Written<'_>, own: &[Tried<'_>]) -> Vec<Branch> {
    let node = file.below(&["look_up", &look_up.name, "keep"]);
    let branch = |way: &str, is_null: bool| Branch {
        part: "look_up",
        way: format!("{} {way}", look_up.name),
        place: file.place(node),
        text: one_line(look_up.keep.source()),
        is_taken: own.iter().any(|(_, found)| {
            found
                .get(&look_up.name)
                .is_some_and(|value| value.is_null() == is_null)
        }),
    };
    // Without `answers` a 404 is nothing found.
    let may_be_null = look_up.answers.is_empty()
        || look_up
            .answers
            .iter()
            .any(|answer| answer.verdict == StepVerdict::None);
    let mut all = vec![branch("found", false)];
    all.extend(may_be_null.then(|| branch("not found", true)));
    all
}

/// The mapping's file, for the places in it.
#[derive(Clone, Copy)]
struct Written<'w> {
    mapping: &'w Mapping,
    node: Option<&'w Node>,
}

impl<'w> Written<'w> {
    fn below(&self, keys: &[&str]) -> Option<&'w Node> {
        keys.iter().try_fold(self.node?, |node, key| node.get(key))
    }

    fn place(&self, node: Option<&Node>) -> Place {
        node.map_or_else(|| self.mapping.place.clone(), Node::place)
    }
}

fn item(node: Option<&Node>, index: usize) -> Option<&Node> {
    node?.as_list()?.get(index)
}

fn written(when: Option<&Expr>) -> String {
    when.map_or_else(|| "otherwise".to_owned(), |when| one_line(when.source()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
