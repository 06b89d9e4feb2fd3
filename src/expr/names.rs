//! What an expression may name, and what is known of it before it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::program::Expr;

/// The names an expression may use. Their order is the order of the values in a scope.
#[derive(Debug, Clone, Default)]
pub struct Names {
    roots: Vec<Root>,
    elsewhere: Vec<(&'static str, &'static str)>,
}

#[derive(Debug, Clone)]
struct Root {
    name: String,
    of: Type,
    is_hidden: bool,
    /// What it is computed from, under `let`.
    computed: Option<Arc<Expr>>,
}

impl Names {
    /// No names.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more name. A later name hides an earlier one of the same spelling.
    #[must_use]
    pub fn with(mut self, name: &str, of: Type) -> Self {
        self.roots.push(Root {
            name: name.to_owned(),
            of,
            is_hidden: false,
            computed: None,
        });
        self
    }

    /// With a name made under `let`. The expression uses only names before it.
    #[must_use]
    pub fn with_let(self, name: &str, expr: &Expr) -> Self {
        let mut names = self.with(name, expr.of().clone());
        if let Some(root) = names.roots.last_mut() {
            root.computed = Some(Arc::new(expr.clone()));
        }
        names
    }

    /// The same slots; expressions cannot speak these names any more. Whoever fills the scope still finds
    /// them with [`Names::slot`].
    #[must_use]
    pub fn hiding(mut self, names: &[&str]) -> Self {
        self.hide(names, true);
        self
    }

    /// The same slots; expressions can speak these names again.
    #[must_use]
    pub fn showing(mut self, names: &[&str]) -> Self {
        self.hide(names, false);
        self
    }

    fn hide(&mut self, names: &[&str], is_hidden: bool) {
        let roots = self.roots.iter_mut();
        for root in roots.filter(|root| names.contains(&root.name.as_str())) {
            root.is_hidden = is_hidden;
        }
    }

    /// With a name that is known in other files and not here; `help` says what to write instead.
    #[must_use]
    pub fn elsewhere(mut self, name: &'static str, help: &'static str) -> Self {
        self.elsewhere.push((name, help));
        self
    }

    /// What to write instead of a name of other files.
    pub(super) fn instead_of(&self, name: &str) -> Option<&'static str> {
        let found = self.elsewhere.iter().find(|(known, _)| *known == name);
        found.map(|(_, help)| *help)
    }

    /// The place of a name in a scope, and what is known of it.
    pub fn find(&self, name: &str) -> Option<(usize, &Type)> {
        self.last(|root| root.name == name && !root.is_hidden)
    }

    /// The place of a name in a scope, also of one that is hidden.
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.last(|root| root.name == name).map(|(slot, _)| slot)
    }

    fn last(&self, is_it: impl Fn(&Root) -> bool) -> Option<(usize, &Type)> {
        let mut roots = self.roots.iter().enumerate().rev();
        let found = roots.find(|(_, root)| is_it(root));
        found.map(|(slot, root)| (slot, &root.of))
    }

    /// What is known of the name in a slot.
    pub fn of(&self, slot: usize) -> Option<&Type> {
        self.roots.get(slot).map(|root| &root.of)
    }

    /// What the name in a slot is computed from.
    pub(super) fn computed(&self, slot: usize) -> Option<&Expr> {
        self.roots.get(slot)?.computed.as_deref()
    }

    /// Every slot with its name, also of those that are hidden.
    pub fn slots(&self) -> impl Iterator<Item = (usize, &str)> {
        let names = self.roots.iter().map(|root| root.name.as_str());
        names.enumerate()
    }

    /// Every name that can be spoken, for "did you mean".
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let spoken = self.roots.iter().filter(|root| !root.is_hidden);
        spoken.map(|root| root.name.as_str())
    }

    /// How many values a scope for these names has.
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }
}

/// What is known of a value before it is there; from a JSON Schema where there is one.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Nothing is known; every path into it is allowed and may be absent.
    Any,
    /// Only null.
    Null,
    /// A truth value.
    Bool,
    /// A number (JSON Schema `integer` or `number`).
    Number,
    /// A text.
    Text,
    /// An instant.
    Time,
    /// A span of time.
    Duration,
    /// A severity.
    Severity,
    /// A list of such.
    List(Box<Type>),
    /// A map with known keys.
    Object(Arc<Object>),
    /// One of several, such as text or null.
    OneOf(Vec<Type>),
    /// One of these texts, numbers or truth values (JSON Schema `enum` and `const`).
    Values(Vec<Json>),
    /// A number within bounds.
    Range(Bounds),
}

/// What a number is at least and at most, each with whether it may be just that.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds {
    /// The lower bound.
    pub least: Option<(f64, bool)>,
    /// The upper bound.
    pub most: Option<(f64, bool)>,
}

/// A map with known keys.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object {
    /// What the map is called in sentences, such as `mlflow/alias-created`; may be empty.
    pub title: String,
    /// Each key: what it holds, and whether it is always there.
    pub keys: BTreeMap<String, (Type, bool)>,
    /// What other keys hold; `None` when there are none.
    pub others: Option<Box<Type>>,
}
