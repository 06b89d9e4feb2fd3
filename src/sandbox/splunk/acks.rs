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
}
