//! Reading the keys of a map: which are known, which are missing, which were meant.

use crate::diag::{Code, Faults};

use super::{Entry, Node};

/// A map whose keys are known beforehand.
pub struct Fields<'n> {
    node: &'n Node,
    entries: &'n [Entry],
    /// What the map is, for sentences: "a mapping", "`poll`".
    what: &'static str,
}

/// A map was expected.
pub const NOT_A_MAP: Code = Code("AND0110");
/// A key that this map does not know.
pub const UNKNOWN_KEY: Code = Code("AND0111");
/// A key that this map needs.
pub const MISSING_KEY: Code = Code("AND0112");

impl<'n> Fields<'n> {
    /// Takes a map apart. Reports when it is none, and every key that is not in `known`, with the
    /// one that was probably meant. `what` names the map in sentences, such as "a mapping".
    pub fn of(
        node: &'n Node,
        what: &'static str,
        known: &[&str],
        faults: &mut Faults,
    ) -> Option<Self> {
        let Some(entries) = node.as_map() else {
            faults
                .error(
                    NOT_A_MAP,
                    node.place(),
                    format!(
                        "{what} is a map of keys and values, and this is {}",
                        node.what()
                    ),
                )
                .help(format!(
                    "write its keys on lines of their own: {}",
                    known.join(", ")
                ));
            return None;
        };
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let fault = faults.error(
                    UNKNOWN_KEY,
                    entry.key_place(),
                    format!("{what} has no key `{}`", entry.key),
                );
                match crate::diag::nearest(&entry.key, known.iter().copied()) {
                    Some(meant) => fault
                        .label(format!("did you mean `{meant}`?"))
                        .help(format!("write `{meant}:`")),
                    None => fault.help(format!("its keys are {}", known.join(", "))),
                };
            }
        }
        Some(Self {
            node,
            entries,
            what,
        })
    }

    /// The value of a key, where it is written.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The key and its value, where it is written.
    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key that must be there.
    pub fn require(&self, key: &str, help: &str, faults: &mut Faults) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            faults
                .error(
                    MISSING_KEY,
                    self.node.place(),
                    format!("{} needs the key `{key}`", self.what),
                )
                .help(help);
        }
        found
    }

    /// The map itself.
    pub fn node(&self) -> &'n Node {
        self.node
    }
}
