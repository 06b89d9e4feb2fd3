//! Every mapping that wants a signal is asked about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::catalog::Catalog;
use crate::mapping::{Judgement, Mapping, Status, Stuck};
use crate::signal::Signal;

/// What all mappings together say about a signal.
#[derive(Debug)]
pub struct Judged {
    /// The signal.
    pub signal: Signal,
    /// What each mapping in force says, where it says something.
    pub said: Vec<(Arc<Mapping>, Judgement)>,
    /// Mappings that could not judge.
    pub stuck: Vec<Stuck>,
    /// Mappings that have to look something up first.
    pub waiting: Vec<String>,
    /// Mappings on trial: what they would have said, counted and shown, never sent.
    pub shadow: Vec<(Arc<Mapping>, Judgement)>,
}

/// Asks the mappings. `looked_up` holds, by mapping, what was looked up; a mapping that has to look
/// up and is not in it waits. `only` limits the question to some mappings, as when one is retried.
pub fn judge(
    catalog: &Catalog,
    signal: Signal,
    looked_up: &BTreeMap<String, Map<String, Json>>,
    only: Option<&[String]>,
) -> Judged {
    let mut judged = Judged {
        said: Vec::new(),
        stuck: Vec::new(),
        waiting: Vec::new(),
        shadow: Vec::new(),
        signal,
    };
    let nothing = Map::new();
    for mapping in catalog.mappings_for(&judged.signal.name) {
        if only.is_some_and(|only| !only.contains(&mapping.name)) {
            continue;
        }
        let found = looked_up.get(&mapping.name);
        if found.is_none() && mapping.looks_up(&judged.signal.name) {
            judged.waiting.push(mapping.name.clone());
            continue;
        }
        match mapping.judge(&judged.signal, found.unwrap_or(&nothing)) {
            Ok(Judgement::Nothing) => {}
            Ok(said) if mapping.status == Status::Shadow => {
                judged.shadow.push((Arc::clone(mapping), said));
            }
            Ok(said) => judged.said.push((Arc::clone(mapping), said)),
            Err(stuck) => judged.stuck.push(stuck),
        }
    }
    judged
}
