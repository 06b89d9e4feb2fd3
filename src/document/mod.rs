//! A JSON document as one text and one flat list of nodes: quick to read, to look into and to let go.
//!
//! A tree hashes every key and takes memory for every text; of a body, most is never asked for. Here
//! texts are ranges of one text, and a key is found by comparing those of its length. Bodies are
//! hostile: a list or map of many has an index, so that nothing takes quadratic time.

mod place;
mod read;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

pub use place::{Children, Entries, Place, Seen};

/// Lists and maps of more than so many have an index.
const FEW: u32 = 32;

/// A JSON document. Every key is in a map once. At most 4 GB of text.
#[derive(Clone)]
pub struct Document {
    /// What was read, then the texts that it holds with escapes resolved.
    text: String,
    /// In the order of the document; the first is the root.
    nodes: Vec<Node>,
    /// By the place of the list or map.
    wide: BTreeMap<u32, Wide>,
}

/// One value, or the key of one; a key stands before its value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Node {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer above those of `Int`.
    Large(u64),
    Double(f64),
    /// A range of the text.
    Text {
        from: u32,
        to: u32,
    },
    /// How many items it has, and the place after the last.
    List {
        count: u32,
        end: u32,
    },
    /// How many keys it has, and the place after the last value.
    Map {
        count: u32,
        end: u32,
    },
}

/// The index of a list or map of many.
#[derive(Debug, Clone, Default)]
struct Wide {
    /// Where each item or key stands, in the order of the document.
    places: Vec<u32>,
    /// Of a map: where each key stands, in the order of the keys.
    sorted: Vec<u32>,
}

impl Document {
    /// Null.
    pub fn null() -> Self {
        Self {
            text: String::new(),
            nodes: vec![Node::Null],
            wide: BTreeMap::new(),
        }
    }

    /// A document from its text, as `serde_json` reads it: of a key that is twice in one map the last
    /// value counts. `None` where that is worth asking `serde_json` itself: for all that is no JSON, and
    /// for what nests deeper than `deepest`, holds more than `most` values, or has a key twice.
    pub fn read(text: &str, deepest: usize, most: usize) -> Option<Self> {
        read::read(text, deepest, most)
    }

    /// The list of these documents.
    pub fn list<'d>(items: impl IntoIterator<Item = &'d Self>) -> Self {
        let mut document = Self::null();
        let mut count = 0;
        for item in items {
            document.append(item.root());
            count += 1;
        }
        let end = length(&document.nodes);
        document.fill(0, Node::List { count, end });
        document
    }

    /// The value that is the whole document.
    pub fn root(&self) -> Place<'_> {
        Place::new(self, 0)
    }

    /// The same as a tree.
    pub fn to_json(&self) -> Json {
        self.root().to_json()
    }

    /// With these keys in the map that the document is: in the place of what is there under the same
    /// key, else at the end. A document that is no map stays what it is.
    #[must_use]
    pub fn with(mut self, own: &[(&str, &str)]) -> Self {
        let Node::Map { mut count, .. } = self.node(0) else {
            return self;
        };
        for (key, value) in own {
            match self.root().get(key) {
                Some(known) if known.is_container() => {
                    let mut tree = self.to_json();
                    if let Json::Object(map) = &mut tree {
                        for (key, value) in own {
                            map.insert((*key).to_owned(), Json::from(*value));
                        }
                    }
                    return Self::from(&tree);
                }
                Some(known) => {
                    let at = known.at();
                    let value = self.keep(value);
                    self.put(at, value);
                }
                None => {
                    let (key, value) = (self.keep(key), self.keep(value));
                    self.nodes.extend([key, value]);
                    count += 1;
                }
            }
        }
        let end = length(&self.nodes);
        self.fill(0, Node::Map { count, end });
        self
    }

    fn node(&self, at: u32) -> Node {
        self.nodes.get(index(at)).copied().unwrap_or(Node::Null)
    }

    fn put(&mut self, at: u32, node: Node) {
        if let Some(place) = self.nodes.get_mut(index(at)) {
            *place = node;
        }
    }

    /// The text of a key or of a value that is one.
    fn text_at(&self, at: u32) -> &str {
        match self.node(at) {
            Node::Text { from, to } => self.text.get(index(from)..index(to)).unwrap_or_default(),
            _ => "",
        }
    }

    fn is_text(&self, at: u32, text: &[u8]) -> bool {
        match self.node(at) {
            Node::Text { from, to } if index(to - from) == text.len() => {
                self.text.as_bytes().get(index(from)..index(to)) == Some(text)
            }
            _ => false,
        }
    }

    /// Where the value after this one stands.
    fn after(&self, at: u32) -> u32 {
        match self.node(at) {
            Node::List { end, .. } | Node::Map { end, .. } => end,
            _ => at + 1,
        }
    }

    /// Keeps a text, to be pointed at.
    fn keep(&mut self, text: &str) -> Node {
        let from = place_of(self.text.len());
        self.text.push_str(text);
        Node::Text {
            from,
            to: place_of(self.text.len()),
        }
    }

    /// Puts a list or map whose contents stand after it where it belongs, with an index where it has
    /// many. Gives whether each of its keys is there once.
    fn fill(&mut self, at: u32, container: Node) -> bool {
        self.put(at, container);
        let (count, is_map) = match container {
            Node::List { count, .. } => (count, false),
            Node::Map { count, .. } => (count, true),
            _ => return true,
        };
        if count <= FEW {
            return true;
        }
        let mut wide = Wide::default();
        let mut next = at + 1;
        for _ in 0..count {
            wide.places.push(next);
            next = self.after(next + u32::from(is_map));
        }
        let mut once = true;
        if is_map {
            wide.sorted.clone_from(&wide.places);
            wide.sorted
                .sort_unstable_by(|a, b| self.text_at(*a).cmp(self.text_at(*b)));
            once = wide.sorted.windows(2).all(|two| match two {
                [a, b] => self.text_at(*a) != self.text_at(*b),
                _ => true,
            });
        }
        self.wide.insert(at, wide);
        once
    }

    /// Puts a value of another document at the end of the nodes.
    fn append(&mut self, value: Place<'_>) {
        let node = match value.seen() {
            Seen::Null => Node::Null,
            Seen::Bool(truth) => Node::Bool(truth),
            Seen::Int(whole) => Node::Int(whole),
            Seen::Large(whole) => Node::Large(whole),
            Seen::Double(double) => Node::Double(double),
            Seen::Text(text) => self.keep(text),
            Seen::List => {
                let at = self.open();
                let mut count = 0;
                for item in value.items() {
                    self.append(item);
                    count += 1;
                }
                let end = length(&self.nodes);
                self.fill(at, Node::List { count, end });
                return;
            }
            Seen::Map => {
                let at = self.open();
                let mut count = 0;
                for (key, item) in value.entries() {
                    let key = self.keep(key);
                    self.nodes.push(key);
                    self.append(item);
                    count += 1;
                }
                let end = length(&self.nodes);
                self.fill(at, Node::Map { count, end });
                return;
            }
        };
        self.nodes.push(node);
    }

    /// Puts a tree at the end of the nodes.
    fn append_json(&mut self, json: &Json) {
        let node = match json {
            Json::Null => Node::Null,
            Json::Bool(truth) => Node::Bool(*truth),
            Json::Number(number) => number_of(number),
            Json::String(text) => self.keep(text),
            Json::Array(items) => {
                let at = self.open();
                for item in items {
                    self.append_json(item);
                }
                let (count, end) = (place_of(items.len()), length(&self.nodes));
                self.fill(at, Node::List { count, end });
                return;
            }
            Json::Object(entries) => return self.append_map(entries),
        };
        self.nodes.push(node);
    }

    fn append_map(&mut self, entries: &Map<String, Json>) {
        let at = self.open();
        for (key, item) in entries {
            let key = self.keep(key);
            self.nodes.push(key);
            self.append_json(item);
        }
        let (count, end) = (place_of(entries.len()), length(&self.nodes));
        self.fill(at, Node::Map { count, end });
    }

    /// The place of a list or map that is yet to be filled.
    fn open(&mut self) -> u32 {
        let at = length(&self.nodes);
        self.nodes.push(Node::Null);
        at
    }

    fn empty() -> Self {
        Self {
            text: String::new(),
            nodes: Vec::new(),
            wide: BTreeMap::new(),
        }
    }
}

impl Default for Document {
    fn default() -> Self {
        Self::null()
    }
}

impl From<&Json> for Document {
    fn from(json: &Json) -> Self {
        let mut document = Self::empty();
        document.append_json(json);
        document
    }
}

impl From<Json> for Document {
    fn from(json: Json) -> Self {
        Self::from(&json)
    }
}

impl From<Place<'_>> for Document {
    fn from(place: Place<'_>) -> Self {
        let mut document = Self::empty();
        document.append(place);
        document
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.to_json() == other.to_json()
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_json().fmt(f)
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.root().fmt(f)
    }
}

impl serde::Serialize for Document {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.root().serialize(to)
    }
}

fn number_of(number: &serde_json::Number) -> Node {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (Some(whole), _, _) => Node::Int(whole),
        (None, Some(whole), _) => Node::Large(whole),
        (None, None, Some(double)) => Node::Double(double),
        (None, None, None) => Node::Null,
    }
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Documents are far below the 4 GB at which this would stop to tell places apart.
fn place_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn length(nodes: &[Node]) -> u32 {
    place_of(nodes.len())
}

#[cfg(test)]
mod tests;
