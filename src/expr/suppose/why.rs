//! Why a condition is never true: the smallest part of it that rules it out.

use super::question::Question;
use super::{Key, Outcome, Part, Supposed, Way};
use crate::expr::node::{Constant, Does, Node};
use crate::expr::program::Expr;

/// A part that is never true, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Why {
    /// Its first byte in the expression.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// Why.
    pub because: Because,
}

/// Why a part of a condition is never true.
#[derive(Debug, Clone, PartialEq)]
pub enum Because {
    /// What it asks about is never such.
    Only {
        /// What it asks about, as written.
        about: String,
        /// What that can be, for a sentence.
        is: String,
        /// The texts that it can be, where they can be counted.
        texts: Vec<String>,
        /// The texts that were asked for.
        asked: Vec<String>,
    },
    /// It depends on no data, or on too much to say it shortly.
    Itself,
    /// Another part excludes it: its text.
    Beside(String),
    /// Several others exclude it together.
    Together,
}

impl Supposed<'_> {
    /// Whether the condition is true for none of them; then why.
    pub fn never(&self, condition: &Expr) -> Option<Why> {
        let part = Part::of(condition);
        self.narrowed(&self.ways, part, Outcome::True)
            .is_empty()
            .then(|| self.why(&[Way::default()], part))
    }

    /// Every part that is never true, and that makes the condition never true or an alternative in it
    /// useless. A literal `false` is meant.
    pub(super) fn dead(&self, condition: &Expr) -> Vec<Why> {
        let mut dead = Vec::new();
        self.collect(&self.ways, Part::of(condition), &mut dead);
        dead
    }

    fn collect(&self, ways: &[Way], part: Part<'_>, dead: &mut Vec<Why>) {
        let is_dead = self.narrowed(ways, part, Outcome::True).is_empty();
        match &part.node.does {
            Does::Or(parts) => {
                for one in parts {
                    self.collect(ways, part.at(one), dead);
                }
            }
            _ if is_dead && holds_literal(part, false) => {}
            _ if is_dead => dead.push(self.why(&self.ways, part)),
            Does::And(parts) => {
                let mut ways = ways.to_vec();
                for one in parts {
                    self.collect(&ways, part.at(one), dead);
                    ways = self.narrowed(&ways, part.at(one), Outcome::True);
                }
            }
            _ => {}
        }
    }

    /// Why a part is never true; `ways` are those that the reader need not be told of.
    fn why(&self, ways: &[Way], part: Part<'_>) -> Why {
        let is_never = |ways: &[Way], node: &Node| {
            self.narrowed(ways, part.at(node), Outcome::True).is_empty()
        };
        let at = |node: &Node, because| Why {
            start: node.start,
            end: node.end,
            because,
        };
        if let Does::And(parts) = &part.node.does {
            if let Some(alone) = parts.iter().find(|one| is_never(ways, one)) {
                return self.why(ways, part.at(alone));
            }
            for (index, one) in parts.iter().enumerate() {
                let excludes = |other: &&Node| {
                    let held = self.narrowed(ways, part.at(other), Outcome::True);
                    is_never(&held, one)
                };
                if let Some(other) = parts.iter().take(index).find(excludes) {
                    let text = part.at(other).text();
                    return at(one, Because::Beside(crate::untrusted::person(text, 60)));
                }
            }
            return at(part.node, Because::Together);
        }
        if !is_never(ways, part.node) {
            return at(part.node, Because::Together);
        }
        at(part.node, self.only(part))
    }

    fn only(&self, part: Part<'_>) -> Because {
        let asks = |does: &Does| {
            matches!(
                does,
                Does::Compare(..) | Does::In(_) | Does::Has(..) | Does::Root(..) | Does::Path(..)
            )
        };
        let (part, turned) = match &part.node.does {
            Does::Not(inner) => (part.at(inner), true),
            _ => (part, false),
        };
        if !asks(&part.node.does) {
            return Because::Itself;
        }
        let asked = Question::of(part, self.names);
        if !matches!(asked.subject.key, Key::Path(..)) {
            return Because::Itself;
        }
        Because::Only {
            about: about(part),
            is: asked.subject.base.words(),
            texts: asked.subject.base.texts(),
            asked: if turned {
                Vec::new()
            } else {
                asked.yes.texts()
            },
        }
    }

    /// What an always true condition is about, and what that can be.
    pub(super) fn because(&self, condition: &Expr) -> Option<(String, String)> {
        match self.only(Part::of(condition)) {
            Because::Only { about, is, .. } => Some((about, is)),
            _ => None,
        }
    }
}

/// The side of a comparison that is asked about, as written.
fn about(part: Part<'_>) -> String {
    let asked = match &part.node.does {
        Does::Compare(_, sides) => sides.iter().find(|side| side.constant().is_none()),
        Does::In(sides) => sides.first(),
        _ => None,
    };
    let text = match &part.node.does {
        Does::Has(..) => {
            let text = part.text();
            let inner = text
                .strip_prefix("has(")
                .and_then(|rest| rest.strip_suffix(')'));
            inner.unwrap_or(text).trim()
        }
        _ => asked.map_or(part, |side| part.at(side)).text(),
    };
    crate::untrusted::person(text, 60)
}

/// Whether a part is never true because somebody wrote `false` into it, or always true for `true`.
pub(super) fn holds_literal(part: Part<'_>, truth: bool) -> bool {
    let is = |node: &Node| {
        let word = if truth { "true" } else { "false" };
        part.at(node).text().trim_matches(['(', ')', ' ']) == word
            && matches!(
                &node.does,
                Does::Constant(Constant::Json(serde_json::Value::Bool(_)))
            )
    };
    match &part.node.does {
        Does::And(parts) if !truth => parts.iter().any(is),
        Does::Or(parts) if truth => parts.iter().any(is),
        _ => is(part.node),
    }
}
