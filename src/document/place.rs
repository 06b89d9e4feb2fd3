//! A value in a document, to be looked at.

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::Value as Json;

use super::{Document, FEW, Node, index};

/// A value in a document.
#[derive(Clone, Copy)]
pub struct Place<'d> {
    document: &'d Document,
    at: u32,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen<'d> {
    /// Null.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number that is written as an integer and fits.
    Int(i64),
    /// An integer above those.
    Large(u64),
    /// Any other number.
    Double(f64),
    /// A text.
    Text(&'d str),
    /// A list; see [`Place::items`].
    List,
    /// A map; see [`Place::entries`].
    Map,
}

impl<'d> Place<'d> {
    pub(super) fn new(document: &'d Document, at: u32) -> Self {
        Self { document, at }
    }

    pub(super) fn at(self) -> u32 {
        self.at
    }

    /// What it is.
    pub fn seen(self) -> Seen<'d> {
        match self.document.node(self.at) {
            Node::Null => Seen::Null,
            Node::Bool(truth) => Seen::Bool(truth),
            Node::Int(whole) => Seen::Int(whole),
            Node::Large(whole) => Seen::Large(whole),
            Node::Double(double) => Seen::Double(double),
            Node::Text { .. } => Seen::Text(self.document.text_at(self.at)),
            Node::List { .. } => Seen::List,
            Node::Map { .. } => Seen::Map,
        }
    }

    /// What tells it from every other value that is there at the same time: the place of its document
    /// in memory, and its own in the document.
    pub fn identity(self) -> (usize, u32) {
        (std::ptr::from_ref(self.document).addr(), self.at)
    }

    /// Its text, where it is one.
    pub fn as_str(self) -> Option<&'d str> {
        match self.seen() {
            Seen::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a list.
    pub fn is_list(self) -> bool {
        matches!(self.document.node(self.at), Node::List { .. })
    }

    /// Whether it is a map.
    pub fn is_map(self) -> bool {
        matches!(self.document.node(self.at), Node::Map { .. })
    }

    pub(super) fn is_container(self) -> bool {
        self.is_list() || self.is_map()
    }

    /// How many items or keys it has; none where it is no list or map.
    pub fn count(self) -> usize {
        match self.document.node(self.at) {
            Node::List { count, .. } | Node::Map { count, .. } => index(count),
            _ => 0,
        }
    }

    /// The item of a list.
    pub fn item(self, wanted: usize) -> Option<Self> {
        let at = self.is_list().then(|| self.child(wanted)).flatten()?;
        Some(Self { at, ..self })
    }

    /// The key at a place of a map.
    pub fn key_at(self, wanted: usize) -> Option<&'d str> {
        let at = self.is_map().then(|| self.child(wanted)).flatten()?;
        Some(self.document.text_at(at))
    }

    /// Where the item or key stands that has this place among the others.
    fn child(self, wanted: usize) -> Option<u32> {
        if wanted >= self.count() {
            return None;
        }
        if let Some(wide) = self.document.wide.get(&self.at) {
            return wide.places.get(wanted).copied();
        }
        let keys = u32::from(self.is_map());
        let mut at = self.at + 1;
        for _ in 0..wanted {
            step();
            at = self.document.after(at + keys);
        }
        Some(at)
    }

    /// The value under a key of a map.
    pub fn get(self, key: &str) -> Option<Self> {
        let Node::Map { count, .. } = self.document.node(self.at) else {
            return None;
        };
        let document = self.document;
        if count > FEW {
            let wide = document.wide.get(&self.at)?;
            let found = wide.sorted.binary_search_by(|at| {
                step();
                document.text_at(*at).cmp(key)
            });
            let at = *wide.sorted.get(found.ok()?)? + 1;
            return Some(Self { document, at });
        }
        let mut at = self.at + 1;
        for _ in 0..count {
            step();
            if document.is_text(at, key.as_bytes()) {
                return Some(Self {
                    document,
                    at: at + 1,
                });
            }
            at = document.after(at + 1);
        }
        None
    }

    /// The items of a list, in their order; none of anything else.
    pub fn items(self) -> Children<'d> {
        self.children(self.is_list())
    }

    /// The keys and values of a map, in the order written; none of anything else.
    pub fn entries(self) -> Entries<'d> {
        Entries(self.children(self.is_map()))
    }

    fn children(self, any: bool) -> Children<'d> {
        Children {
            document: self.document,
            next: self.at + 1,
            left: if any { self.count() } else { 0 },
        }
    }

    /// The same as a tree.
    pub fn to_json(self) -> Json {
        match self.seen() {
            Seen::Null => Json::Null,
            Seen::Bool(truth) => Json::Bool(truth),
            Seen::Int(whole) => Json::from(whole),
            Seen::Large(whole) => Json::from(whole),
            Seen::Double(double) => Json::from(double),
            Seen::Text(text) => Json::from(text),
            Seen::List => self.items().map(Self::to_json).collect(),
            Seen::Map => Json::Object(
                self.entries()
                    .map(|(key, value)| (key.to_owned(), value.to_json()))
                    .collect(),
            ),
        }
    }
}

/// The items of a list.
pub struct Children<'d> {
    document: &'d Document,
    next: u32,
    left: usize,
}

impl<'d> Iterator for Children<'d> {
    type Item = Place<'d>;

    fn next(&mut self) -> Option<Place<'d>> {
        self.left = self.left.checked_sub(1)?;
        let place = Place::new(self.document, self.next);
        self.next = self.document.after(self.next);
        Some(place)
    }
}

/// The keys and values of a map.
pub struct Entries<'d>(Children<'d>);

impl<'d> Iterator for Entries<'d> {
    type Item = (&'d str, Place<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        let Children { document, next, .. } = self.0;
        // The key, which is one node, and then what stands under it.
        self.0.next += 1;
        let value = self.0.next()?;
        Some((document.text_at(next), value))
    }
}

impl std::fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_json().fmt(f)
    }
}

/// As JSON without blanks.
impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.seen() {
            Seen::Null => to.serialize_unit(),
            Seen::Bool(truth) => to.serialize_bool(truth),
            Seen::Int(whole) => to.serialize_i64(whole),
            Seen::Large(whole) => to.serialize_u64(whole),
            Seen::Double(double) => to.serialize_f64(double),
            Seen::Text(text) => to.serialize_str(text),
            Seen::List => {
                let mut list = to.serialize_seq(Some(self.count()))?;
                for item in self.items() {
                    list.serialize_element(&item)?;
                }
                list.end()
            }
            Seen::Map => {
                let mut map = to.serialize_map(Some(self.count()))?;
                for (key, value) in self.entries() {
                    map.serialize_entry(key, &value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(not(test))]
fn step() {}

/// Counts what a look-up costs.
#[cfg(test)]
fn step() {
    super::tests::STEPS.with(|steps| steps.set(steps.get() + 1));
}
