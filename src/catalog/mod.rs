//! All files together: connectors, mappings, templates, kinds and `andon.yaml`, cross-checked into one
//! immutable snapshot.
//!
//! Pure: files come in as bytes. Whoever reads the disk is above (`daemon/`, `cli/`).

mod files;
mod cases;
mod kinds;
mod load;
mod reach;
#[cfg(test)]
mod tests;

pub use cases::{Ran, captured, run_cases};
pub use files::{File, Files};
pub use load::{digest, load};

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config::{Config, Connection};
use crate::connector::{ActionRule, Connector, SignalRule};
use crate::kind::Kind;
use crate::mapping::{ContainRule, Mapping, Status};
use crate::signal::SignalName;

/// A checked snapshot of everything that people write.
#[derive(Debug)]
pub struct Catalog {
    /// By name.
    pub connectors: BTreeMap<String, Arc<Connector>>,
    /// By name.
    pub mappings: BTreeMap<String, Arc<Mapping>>,
    /// By name.
    pub kinds: BTreeMap<String, Arc<Kind>>,
    /// The daemon's own file.
    pub config: Config,
    /// A digest of everything it was made of.
    pub hash: String,
    by_signal: HashMap<SignalName, Vec<Arc<Mapping>>>,
}

impl Catalog {
    /// The mappings in force that want to see a signal: one look-up, however many mappings there are.
    pub fn mappings_for(&self, signal: &SignalName) -> &[Arc<Mapping>] {
        self.by_signal
            .get(signal)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// A signal's rule.
    pub fn signal(&self, name: &SignalName) -> Option<&SignalRule> {
        self.connectors.get(&name.connector)?.signal(&name.signal)
    }

    /// An action's rule, by `connector/verb`.
    pub fn action(&self, name: &str) -> Option<(&Arc<Connector>, &ActionRule)> {
        let (connector, verb) = name.split_once('/')?;
        let connector = self.connectors.get(connector)?;
        connector.action(verb).map(|action| (connector, action))
    }

    /// The connection that an offered containment would run on: the one named, else the signal's own
    /// if it fits, else the only one that does.
    pub fn place_for(&self, rule: &ContainRule, signal_connection: &str) -> Option<&Connection> {
        if let Some(at) = &rule.at {
            return self.config.connection(at);
        }
        let fits = |connection: &&Connection| connection.connector.name == rule.connector;
        if let Some(own) = self.config.connection(signal_connection).filter(fits) {
            return Some(own);
        }
        let mut all = self.config.connections.iter().filter(fits);
        match (all.next(), all.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// With a mapping in force whatever its status says: what would it find? `None` when there is none of
    /// that name.
    #[must_use]
    pub fn with_in_force(mut self, mapping: &str) -> Option<Self> {
        self.by_signal.clear();
        let known = self.mappings.get_mut(mapping)?;
        Arc::get_mut(known)?.status = Status::Stable;
        self.index();
        Some(self)
    }

    fn index(&mut self) {
        self.by_signal.clear();
        for mapping in self.mappings.values() {
            if matches!(mapping.status, Status::Stable | Status::Shadow) {
                for signal in mapping.signals() {
                    let wanting = self.by_signal.entry(signal.clone()).or_default();
                    if !wanting.iter().any(|known| known.name == mapping.name) {
                        wanting.push(Arc::clone(mapping));
                    }
                }
            }
        }
    }
}
