//! What conditions can come to: always true, never true, or not under what others have decided.
//!
//! Over all data that fit their schemas, as far as comparisons of one value with constants tell: texts
//! and numbers as sets, everything else as "do not know". What is claimed is so for every signal, one
//! with keys missing too; nothing is claimed that is only likely (`expr/tests/suppose.rs` holds the
//! claims against the evaluator). A condition comes out true, false, or fails; a part that the
//! evaluation never gets to is judged as if it did, which loses no outcome.

mod domain;
mod question;
mod told;
mod why;

pub(super) use domain::number as exact;
pub use why::{Because, Why};

use std::cell::Cell;
use std::collections::BTreeMap;

use super::names::Names;
use super::node::{Constant, Does, Node};
use super::program::Expr;
use domain::{Domain, MISSING, NULL};
use question::{Question, Subject};

/// How many ways one condition may come about before they are no longer told apart.
const WAYS: usize = 64;

/// How many parts are looked at for one claim. Beyond, nothing is claimed.
const STEPS: u32 = 20_000;

/// All data, or those for which some conditions came out in one way.
#[derive(Debug, Clone)]
pub struct Supposed<'n> {
    names: &'n Names,
    ways: Vec<Way>,
    /// Whether there surely are data for each way, as far as its values can be had together.
    is_exact: bool,
}

/// One way in which it comes about.
#[derive(Debug, Clone, Default)]
struct Way {
    known: BTreeMap<Key, Domain>,
}

/// What is told apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// A name of the data, and keys below it.
    Path(usize, Vec<String>),
    /// What is computed, by its text.
    Text(String),
}

/// How a condition comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    True,
    False,
    Fails,
}

impl Outcome {
    fn of(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }

    fn turned(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Fails => Self::Fails,
        }
    }
}

/// A part of a condition, with the text it stands in.
#[derive(Clone, Copy)]
struct Part<'e> {
    node: &'e Node,
    source: &'e str,
    /// How many names under `let` led here.
    followed: usize,
}

impl<'e> Part<'e> {
    fn of(expr: &'e Expr) -> Self {
        Self {
            node: expr.root(),
            source: expr.source(),
            followed: 0,
        }
    }

    fn at(self, node: &'e Node) -> Self {
        Self { node, ..self }
    }

    fn into(self, expr: &'e Expr) -> Self {
        Self {
            followed: self.followed + 1,
            ..Self::of(expr)
        }
    }

    fn text(self) -> &'e str {
        let text = self.source.get(self.node.start..self.node.end);
        text.unwrap_or_default().trim()
    }
}

impl<'n> Supposed<'n> {
    /// All data.
    pub fn nothing(names: &'n Names) -> Self {
        Self {
            names,
            ways: vec![Way::default()],
            is_exact: true,
        }
    }

    /// The names that the data have.
    pub fn names(&self) -> &'n Names {
        self.names
    }

    /// Those of them for which the condition is true.
    #[must_use]
    pub fn when(&self, condition: &Expr) -> Self {
        self.with(condition, Outcome::True)
    }

    /// Those of them for which the condition is false.
    #[must_use]
    pub fn unless(&self, condition: &Expr) -> Self {
        self.with(condition, Outcome::False)
    }

    /// Whether there are none.
    pub fn is_impossible(&self) -> bool {
        self.ways.is_empty()
    }

    /// Whether the condition is true for every one of them.
    pub fn always(&self, condition: &Expr) -> bool {
        self.unless(condition).is_impossible() && !self.may_fail(condition)
    }

    /// Whether the condition may fail for one of them.
    pub fn may_fail(&self, condition: &Expr) -> bool {
        !self.with(condition, Outcome::Fails).is_impossible()
    }

    /// Where a value may come out absent, or, where `null` counts, null: the part that does.
    pub fn absent(&self, value: &Expr, null: bool) -> Option<(usize, usize)> {
        let part = Part::of(value);
        let subject = question::subject(part, self.names);
        let none = Domain::of_plain(NULL);
        let is_plain = matches!(subject.key, Key::Path(..)) && subject.nothing == none;
        let mut domains = self.ways.iter().map(|way| way.domain(&subject));
        let may = domains
            .any(|domain| (subject.is_absent && domain.has(MISSING)) || (null && domain.has(NULL)));
        (is_plain && may).then_some((part.node.start, part.node.end))
    }

    /// Whether there surely are data of both: each way is known by paths below the name in slot 0
    /// alone, none of which leads into another.
    pub fn surely_meets(&self, other: &Self) -> bool {
        if !self.is_exact || !other.is_exact {
            return false;
        }
        self.ways.iter().any(|one| {
            other.ways.iter().any(|two| {
                let keys: Vec<&Key> = one.known.keys().chain(two.known.keys()).collect();
                let paths: Vec<&[String]> = keys
                    .iter()
                    .filter_map(|key| match key {
                        Key::Path(0, path) => Some(path.as_slice()),
                        _ => None,
                    })
                    .collect();
                let apart = |path: &&[String]| {
                    let into =
                        |other: &&[String]| other.len() > path.len() && other.starts_with(path);
                    !paths.iter().any(into)
                };
                let shared = |(key, domain): (&Key, &Domain)| {
                    two.known.get(key).is_none_or(|known| known.meets(domain))
                };
                paths.len() == keys.len() && paths.iter().all(apart) && one.known.iter().all(shared)
            })
        })
    }

    fn with(&self, condition: &Expr, wanted: Outcome) -> Self {
        let narrowing = Narrowing::over(self.names);
        let ways = narrowing.ways(&self.ways, Part::of(condition), wanted);
        Self {
            names: self.names,
            ways,
            is_exact: self.is_exact && narrowing.is_exact.get(),
        }
    }

    fn narrowed(&self, ways: &[Way], part: Part<'_>, wanted: Outcome) -> Vec<Way> {
        Narrowing::over(self.names).ways(ways, part, wanted)
    }
}

impl Way {
    fn domain(&self, subject: &Subject) -> Domain {
        let known = self.known.get(&subject.key);
        known.unwrap_or(&subject.base).clone()
    }
}

/// Finds the ways in which a part comes out as wanted; never leaves one out.
struct Narrowing<'n> {
    names: &'n Names,
    left: Cell<u32>,
    is_exact: Cell<bool>,
}

impl<'n> Narrowing<'n> {
    fn over(names: &'n Names) -> Self {
        Self {
            names,
            left: Cell::new(STEPS),
            is_exact: Cell::new(true),
        }
    }

    fn ways(&self, ways: &[Way], part: Part<'_>, wanted: Outcome) -> Vec<Way> {
        if ways.is_empty() {
            return Vec::new();
        }
        let left = self.left.get();
        if left == 0 {
            self.is_exact.set(false);
            return ways.to_vec();
        }
        self.left.set(left - 1);
        match &part.node.does {
            Does::Constant(Constant::Json(serde_json::Value::Bool(truth))) => {
                only_if(Outcome::of(*truth) == wanted, ways)
            }
            Does::Constant(_) => only_if(wanted == Outcome::Fails, ways),
            Does::Not(inner) => self.ways(ways, part.at(inner), wanted.turned()),
            Does::And(parts) => self.run(ways, part, parts, (false, wanted)),
            Does::Or(parts) => self.run(ways, part, parts, (true, wanted)),
            Does::Choose(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                let way = |outcome| self.ways(ways, part.at(condition), outcome);
                let mut found = self.ways(&way(Outcome::True), part.at(then), wanted);
                found.extend(self.ways(&way(Outcome::False), part.at(otherwise), wanted));
                if wanted == Outcome::Fails {
                    found.extend(way(Outcome::Fails));
                }
                self.bounded(found, ways)
            }
            Does::Root(slot, _) => match self.names.computed(*slot) {
                Some(expr) if part.followed < WAYS => self.ways(ways, part.into(expr), wanted),
                _ => self.asked(ways, part, wanted),
            },
            _ => self.asked(ways, part, wanted),
        }
    }

    /// `&&`, which one false part decides, or `||`, which one true part decides.
    fn run(
        &self,
        ways: &[Way],
        part: Part<'_>,
        parts: &[Node],
        (decides, wanted): (bool, Outcome),
    ) -> Vec<Way> {
        let decided = Outcome::of(decides);
        let mut found = Vec::new();
        if wanted == decided {
            for one in parts {
                found.extend(self.ways(ways, part.at(one), decided));
            }
        } else if wanted == decided.turned() {
            found = ways.to_vec();
            for one in parts {
                found = self.ways(&found, part.at(one), wanted);
            }
        } else {
            for (index, one) in parts.iter().enumerate() {
                let mut failing = self.ways(ways, part.at(one), Outcome::Fails);
                for (other, _) in parts.iter().zip(0..).filter(|(_, at)| *at != index) {
                    let mut both = self.ways(&failing, part.at(other), decided.turned());
                    both.extend(self.ways(&failing, part.at(other), Outcome::Fails));
                    failing = self.bounded(both, &failing);
                }
                found.extend(failing);
            }
        }
        self.bounded(found, ways)
    }

    /// What was found, or all that there was before where that is too much to follow.
    fn bounded(&self, found: Vec<Way>, before: &[Way]) -> Vec<Way> {
        if found.len() <= WAYS {
            return found;
        }
        self.is_exact.set(false);
        before.to_vec()
    }

    /// One question.
    fn asked(&self, ways: &[Way], part: Part<'_>, wanted: Outcome) -> Vec<Way> {
        let Question {
            subject,
            yes,
            fails,
        } = Question::of(part, self.names);
        let values = match wanted {
            Outcome::True => yes,
            Outcome::Fails => fails,
            Outcome::False => yes.or(&fails).not(),
        };
        if subject.is_error && (subject.is_absent || subject.is_has) {
            self.is_exact.set(false);
        }
        let nothing = subject.nothing.meets(&values);
        let missing = if subject.is_has {
            let none = Domain::of_plain(MISSING);
            // `has` may be false, or fail, where a key above the last is missing.
            values.meets(&none) || (wanted == Outcome::False)
        } else {
            (subject.is_absent && nothing) || (subject.is_error && wanted == Outcome::Fails)
        };
        ways.iter()
            .filter_map(|way| {
                let domain = way.domain(&subject);
                let null = domain.has(NULL)
                    && if subject.is_has {
                        values.has(NULL)
                    } else {
                        nothing
                    };
                let missing = domain.has(MISSING) && missing;
                let kept = domain
                    .and(&values)
                    .with_plain(NULL, null)
                    .with_plain(MISSING, missing);
                (!kept.is_empty()).then(|| {
                    let mut way = way.clone();
                    way.known.insert(subject.key.clone(), kept);
                    way
                })
            })
            .collect()
    }
}

fn only_if(is: bool, ways: &[Way]) -> Vec<Way> {
    if is { ways.to_vec() } else { Vec::new() }
}
