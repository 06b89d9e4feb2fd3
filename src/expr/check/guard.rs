//! What a condition shows about its paths: `has(a.b) && a.b > 1` may read `a.b` plainly.

use super::super::tree::{By, Comparison, Form, Part};
use super::Check;

/// A path that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) root: Root,
    pub(super) keys: Vec<String>,
}

/// What a path begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Slot(usize),
    Local(usize),
}

impl Check<'_, '_> {
    /// Remembers which paths are there when `part` has come out as `truth`.
    pub(super) fn learn(&mut self, part: &Part, truth: bool) {
        match &part.what {
            Form::Not(inner) => self.learn(inner, !truth),
            Form::And(parts) if truth => parts.iter().for_each(|part| self.learn(part, true)),
            Form::Or(parts) if !truth => parts.iter().for_each(|part| self.learn(part, false)),
            Form::Call {
                target: None,
                name,
                arguments,
                ..
            } if truth && name == "has" => {
                if let Some(path) = arguments.first() {
                    self.learn_path(path);
                }
            }
            Form::Compare(comparison, left, right) => {
                let holds = match comparison {
                    Comparison::Equal => truth,
                    Comparison::NotEqual => !truth,
                    // An order has been found, so both sides were there.
                    _ => {
                        self.learn_path(left);
                        self.learn_path(right);
                        return;
                    }
                };
                for (side, other) in [(left, right), (right, left)] {
                    let null = matches!(other.what, Form::Null);
                    let literal = matches!(
                        other.what,
                        Form::Text(_) | Form::Int(_) | Form::Double(_) | Form::Bool(_)
                    );
                    if (holds && literal) || (!holds && null) {
                        self.learn_path(side);
                    }
                }
            }
            _ => {}
        }
    }

    fn learn_path(&mut self, part: &Part) {
        if let Some(known) = self.as_known(part) {
            for length in 1..=known.keys.len() {
                let keys = known.keys.iter().take(length).cloned().collect();
                self.known.push(Known {
                    root: known.root,
                    keys,
                });
            }
        }
    }

    /// A path of constant keys from a name.
    fn as_known(&self, part: &Part) -> Option<Known> {
        let Form::Path(base, selects) = &part.what else {
            return None;
        };
        let Form::Name(name) = &base.what else {
            return None;
        };
        let root = self.root(name)?;
        let keys = selects
            .iter()
            .map(|select| match &select.by {
                By::Key(key)
                | By::Index(Part {
                    what: Form::Text(key),
                    ..
                }) => Some(key.clone()),
                By::Index(_) => None,
            })
            .collect::<Option<_>>()?;
        Some(Known { root, keys })
    }

    /// What a name at the head of a path stands for.
    pub(super) fn root(&self, name: &str) -> Option<Root> {
        self.local(name)
            .map(Root::Local)
            .or_else(|| self.names.find(name).map(|(slot, _)| Root::Slot(slot)))
    }
}
