//! Indexer acknowledgment: numbers per channel, forgotten once they were answered true.

use std::collections::{BTreeSet, HashMap};

/// Splunk's own bound on channels is 1,000,000; a stand-in needs far fewer.
const CHANNELS: usize = 10_000;
/// Pending numbers of one channel, as Splunk's own bound.
const PENDING: usize = 1_000_000;

/// Which requests are indexed and not yet asked for.
#[derive(Debug, Default)]
pub(super) struct Acks {
    channels: HashMap<String, Channel>,
    held: bool,
    losing: usize,
    most: usize,
}

#[derive(Debug, Default)]
struct Channel {
    next: u64,
    pending: BTreeSet<u64>,
}

impl Acks {
    /// The number of the next request on this channel: from 0, per channel. Nothing at capacity.
    pub(super) fn give(&mut self, channel: &str) -> Option<u64> {
        if !self.channels.contains_key(channel) && self.channels.len() >= CHANNELS {
            return None;
        }
        let channel = self.channels.entry(channel.to_owned()).or_default();
        if channel.pending.len() >= PENDING {
            return None;
        }
        let id = channel.next;
        channel.next += 1;
        channel.pending.insert(id);
        self.most = self.most.max(channel.pending.len());
        Some(id)
    }

    /// A number that never comes true, where one is to be lost.
    pub(super) fn lose(&mut self, channel: &str) -> Option<u64> {
        self.losing = self.losing.checked_sub(1)?;
        let id = self.give(channel)?;
        let channel = self.channels.get_mut(channel)?;
        channel.pending.remove(&id);
        Some(id)
    }

    /// Whether it is indexed. True once only; pending, unknown and foreign numbers all say false.
    pub(super) fn ask(&mut self, channel: &str, id: u64) -> bool {
        !self.held
            && self
                .channels
                .get_mut(channel)
                .is_some_and(|channel| channel.pending.remove(&id))
    }

    pub(super) fn hold(&mut self, hold: bool) {
        self.held = hold;
    }

    pub(super) fn lose_next(&mut self, times: usize) {
        self.losing = times;
    }

    /// As after a restart: every channel counts from 0 again.
    pub(super) fn forget(&mut self) {
        self.channels.clear();
    }

    /// The most that were pending at once on one channel.
    pub(super) fn most(&self) -> usize {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_true_once_and_on_its_own_channel() {
        let mut acks = Acks::default();
        assert_eq!(acks.give("a"), Some(0));
        assert_eq!(acks.give("a"), Some(1));
        assert_eq!(acks.give("b"), Some(0));
        assert!(!acks.ask("b", 1));
        acks.hold(true);
        assert!(!acks.ask("a", 1));
        acks.hold(false);
        assert!(acks.ask("a", 1));
        assert!(!acks.ask("a", 1));
    }

    #[test]
    fn a_lost_number_never_comes_true_and_a_restart_counts_from_0() {
        let mut acks = Acks::default();
        acks.lose_next(1);
        assert_eq!((acks.lose("a"), acks.lose("a")), (Some(0), None));
        assert_eq!((acks.give("a"), acks.give("a")), (Some(1), Some(2)));
        assert!(!acks.ask("a", 0) && acks.ask("a", 1));
        assert_eq!(acks.most(), 2);
        acks.forget();
        assert!(!acks.ask("a", 2));
        assert_eq!(acks.give("a"), Some(0));
    }
}
