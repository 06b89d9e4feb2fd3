//! What an expression may name, and what is known of it before it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The names an expression may use. Their order is the order of the values in a scope.
#[derive(Debug, Clone, Default)]
pub struct Names {
    roots: Vec<(String, Type)>,
}

impl Names {
    /// No names.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more name. A later name hides an earlier one of the same spelling.
    #[must_use]
    pub fn with(mut self, name: &str, of: Type) -> Self {
        self.roots.push((name.to_owned(), of));
        self
    }

    /// The place of a name in a scope, and what is known of it.
    pub fn find(&self, name: &str) -> Option<(usize, &Type)> {
        self.roots
            .iter()
            .enumerate()
            .rev()
            .find(|(_, (known, _))| known == name)
            .map(|(slot, (_, of))| (slot, of))
    }

    /// What is known of the name in a slot.
    pub fn of(&self, slot: usize) -> Option<&Type> {
        self.roots.get(slot).map(|(_, of)| of)
    }

    /// Every name, for "did you mean".
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.roots.iter().map(|(name, _)| name.as_str())
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
