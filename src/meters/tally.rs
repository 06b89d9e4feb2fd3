//! Counters by a name that the files give and a word of ours.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// The labels of one counter.
type Labels = [(&'static str, String); 2];

/// Counters by a name and a word. Signals are counted one by one, so a counter that is known is found
/// without making its labels.
#[derive(Debug)]
pub struct Tally {
    name: &'static str,
    word: &'static str,
    family: Family<Labels, Counter>,
    known: RwLock<HashMap<String, Vec<(&'static str, Counter)>>>,
}

impl Tally {
    /// Counts by the labels so called.
    pub(super) fn new(name: &'static str, word: &'static str) -> Self {
        Self {
            name,
            word,
            family: Family::default(),
            known: RwLock::default(),
        }
    }

    /// What is registered.
    pub(super) fn family(&self) -> Family<Labels, Counter> {
        self.family.clone()
    }

    /// Counts `by` more.
    pub fn add(&self, name: &str, word: &'static str, by: u64) {
        if let Some(counter) = self.find(name, |known| known == word) {
            counter.inc_by(by);
            return;
        }
        let labels = [(self.name, name.to_owned()), (self.word, word.to_owned())];
        let counter = self.family.get_or_create_owned(&labels);
        counter.inc_by(by);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let words = known.entry(name.to_owned()).or_default();
        if !words.iter().any(|(known, _)| *known == word) {
            words.push((word, counter));
        }
    }

    /// How many were counted under a name, of the words that `of` holds for.
    pub fn sum(&self, name: &str, of: impl Fn(&str) -> bool) -> u64 {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let words = known.get(name).map(Vec::as_slice).unwrap_or_default();
        let counted = words.iter().filter(|(word, _)| of(word));
        counted.map(|(_, counter)| counter.get()).sum()
    }

    fn find(&self, name: &str, is: impl Fn(&str) -> bool) -> Option<Counter> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let (_, counter) = known.get(name)?.iter().find(|(word, _)| is(word))?;
        Some(counter.clone())
    }
}
