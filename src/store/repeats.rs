//! The newest signals, so that a repeat is recognised without a look at the disk.
//!
//! A storm makes a million of them: each is 16 bytes in the order of arrival, and an entry of 8 that
//! finds the newest with its hash. Rows are verified by whoever asks, so a collision costs a read, not
//! a mistake.

use std::collections::{HashMap, VecDeque};

/// Room for so many signals is kept in any case.
const LEAST_ROOM: usize = 1_024;

/// A signal, and the one with the same hash before it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    id: i64,
    hash: u32,
    /// Its place; it may have gone since.
    before: u32,
}

/// Signals in the order they came. A place is a count that goes on from the first one ever seen, and
/// wraps around.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    newest: HashMap<u32, u32>,
    order: VecDeque<Seen>,
    /// The place of the oldest.
    first: u32,
}

impl Repeats {
    /// Adds the newest signal.
    pub(super) fn insert(&mut self, hash: i64, id: i64) {
        let hash = short(hash);
        let place = self.first.wrapping_add(count(self.order.len()));
        // Without one before it, it stands before itself, which is not there.
        let before = self.newest.insert(hash, place).unwrap_or(place);
        self.order.push_back(Seen { id, hash, before });
    }

    /// Takes the newest away again, when it is this one.
    pub(super) fn take_back(&mut self, id: i64) {
        let Some(seen) = self.order.pop_back_if(|seen| seen.id == id) else {
            return;
        };
        // The one before it stands in for it, if it is still there.
        if self.at(seen.before).is_some() {
            self.newest.insert(seen.hash, seen.before);
        } else {
            self.newest.remove(&seen.hash);
        }
    }

    /// Forgets those with smaller identifiers than `floor`, and the oldest beyond `most`.
    pub(super) fn forget(&mut self, floor: i64, most: usize) {
        while let Some(seen) = self.order.front().copied() {
            if seen.id >= floor && self.order.len() <= most {
                break;
            }
            if self.newest.get(&seen.hash) == Some(&self.first) {
                self.newest.remove(&seen.hash);
            }
            self.order.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        // After a storm is forgotten, its room is given back; seldom, because it copies what is left.
        let left = self.order.len().max(LEAST_ROOM);
        if self.order.capacity() / 4 > left {
            self.order.shrink_to(left * 2);
            self.newest.shrink_to(left * 2);
        }
    }

    /// The signals that may be meant, the newest first.
    pub(super) fn candidates(&self, hash: i64) -> impl Iterator<Item = i64> {
        let newest = self.newest.get(&short(hash));
        let mut next = newest.and_then(|place| Some((*place, self.at(*place)?)));
        std::iter::from_fn(move || {
            let (place, seen) = next?;
            next = Some(seen.before)
                .filter(|before| *before != place)
                .and_then(|before| Some((before, self.at(before)?)));
            Some(seen.id)
        })
    }

    fn at(&self, place: u32) -> Option<&Seen> {
        let index = usize::try_from(place.wrapping_sub(self.first)).ok()?;
        self.order.get(index)
    }
}

/// The lower half of a hash: of a million signals, one in four thousand shares it with a stranger.
fn short(hash: i64) -> u32 {
    let [a, b, c, d, ..] = hash.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Whatever their places are.
impl PartialEq for Repeats {
    fn eq(&self, other: &Self) -> bool {
        let seen = |repeats: &Self| -> Vec<(i64, Vec<i64>)> {
            let all = repeats.order.iter();
            all.map(|seen| (seen.id, repeats.candidates(seen.hash.into()).collect()))
                .collect()
        };
        seen(self) == seen(other)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Deed {
        Insert(i64),
        TakeBack,
        Forget { kept: usize },
    }

    fn deeds() -> impl Strategy<Value = Vec<Deed>> {
        let deed = prop_oneof![
            6 => (0_i64..5).prop_map(Deed::Insert),
            2 => Just(Deed::TakeBack),
            1 => (0_usize..6).prop_map(|kept| Deed::Forget { kept }),
        ];
        proptest::collection::vec(deed, 0..60)
    }

    proptest! {
        #[test]
        fn it_finds_what_a_list_would_find(deeds in deeds(), first in any::<u32>()) {
            let mut repeats = Repeats { first, ..Repeats::default() };
            let mut list: Vec<(i64, i64)> = Vec::new();
            for (id, deed) in deeds.into_iter().enumerate() {
                let id = i64::try_from(id).unwrap();
                match deed {
                    Deed::Insert(hash) => {
                        repeats.insert(hash, id);
                        list.push((hash, id));
                    }
                    Deed::TakeBack => {
                        if let Some((_, id)) = list.pop() {
                            repeats.take_back(id);
                        }
                    }
                    Deed::Forget { kept } => {
                        repeats.forget(i64::MIN, kept);
                        list.drain(..list.len().saturating_sub(kept));
                    }
                }
                for hash in 0..5 {
                    let found: Vec<i64> = repeats.candidates(hash).collect();
                    let wanted = list.iter().rev().filter(|(known, _)| *known == hash);
                    let wanted: Vec<i64> = wanted.map(|(_, id)| *id).collect();
                    prop_assert_eq!(found, wanted);
                }
            }
            prop_assert!(repeats.newest.len() <= list.len());
        }
    }

    #[test]
    fn the_room_of_a_storm_is_given_back() {
        let mut repeats = Repeats::default();
        for id in 0..100_000 {
            repeats.insert(id, id);
        }
        repeats.forget(99_000, 1_000_000);
        assert!(repeats.order.capacity() < 10_000 && repeats.newest.capacity() < 10_000);
        let left: Vec<i64> = repeats.candidates(99_500).collect();
        assert_eq!(left, [99_500]);
    }

    #[test]
    fn what_is_too_old_is_forgotten() {
        let mut repeats = Repeats::default();
        for id in 0..10 {
            repeats.insert(7, id);
        }
        repeats.forget(4, 100);
        let left: Vec<i64> = repeats.candidates(7).collect();
        assert_eq!(left, [9, 8, 7, 6, 5, 4]);
    }
}
