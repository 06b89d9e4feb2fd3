//! What every key of every file is: one description, of which the JSON Schemas, the reference in
//! `docs/reference/`, the order of keys and what an editor offers are made.
//!
//! It describes and judges nothing: whether a file is sound is said by those who read it (`mapping`,
//! `connector`, `config`, `catalog`). `tests/schemas.rs` holds the two together: a key that one of them
//! knows and the other does not is a failed test.

mod mapping;
mod alert;
mod connector;
mod signal;
mod action;
mod request;
mod deliver;
mod live;
mod config;
mod kinds;
mod words;
mod schema;
mod markdown;
mod layout;
#[cfg(test)]
mod tests;

pub use layout::{Refused, format};
pub use markdown::{pages, takes};
pub use schema::{described, json_schema};
pub use words::{
    ALERT_WORDS, FUNCTIONS, Function, MACROS, OWN_FIELDS, PROSE_WORDS, ROOTS, TEMPLATE_HELPERS,
    template_words,
};

use crate::yaml::Node;

/// One sort of file.
#[derive(Debug, PartialEq, Eq)]
pub struct Format {
    /// The word on the command line and in the names of its files: `mapping`.
    pub name: &'static str,
    /// What its first key says: `mapping/v1`.
    pub head: &'static str,
    /// Where such files lie.
    pub lies: &'static str,
    /// Its keys.
    pub map: &'static Map,
}

/// All sorts of file, in the order in which somebody meets them.
pub static FORMATS: [Format; 4] = [
    Format {
        name: "mapping",
        head: "mapping/v1",
        lies: "mappings/NAME.yaml",
        map: &mapping::MAPPING,
    },
    Format {
        name: "connector",
        head: "connector/v1",
        lies: "connectors/NAME/connector.yaml",
        map: &connector::CONNECTOR,
    },
    Format {
        name: "andon",
        head: "config/v1",
        lies: "andon.yaml",
        map: &config::CONFIG,
    },
    Format {
        name: "kinds",
        head: "kinds/v1",
        lies: "kinds.yaml",
        map: &kinds::KINDS,
    },
];

impl Format {
    /// The sort of file that a first key names, such as `mapping/v1`.
    pub fn of_head(head: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.head == head)
    }

    /// The sort of a file that was read.
    pub fn of(node: &Node) -> Option<&'static Self> {
        Self::of_head(node.get("andon")?.as_text()?)
    }

    /// Its schema's file below `schemas/`.
    pub fn schema_file(&self) -> String {
        format!("{}.v1.json", self.name)
    }
}

/// A map whose keys are known.
#[derive(Debug, PartialEq, Eq)]
pub struct Map {
    /// What it is called in schemas and in the reference; each name once.
    pub name: &'static str,
    /// What it is, in a sentence or two.
    pub about: &'static str,
    /// Its keys in the order in which they are written; groups that several maps share.
    pub keys: &'static [&'static [Key]],
    /// Which of them go together.
    pub rules: &'static [Rule],
    /// What keys of other names hold; `None` where there are none.
    pub others: Option<&'static Is>,
}

/// Which keys of a map go together.
#[derive(Debug, PartialEq, Eq)]
pub enum Rule {
    /// Exactly one of them stands there.
    One(&'static [&'static str]),
    /// At least one of them does.
    Some(&'static [&'static str]),
}

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub is: Is,
    /// What it is for, in an admin's words.
    pub about: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// What it is where it is left out, as it would be written.
    pub default: Option<&'static str>,
    /// What holds where it is left out, in words.
    pub without: Option<&'static str>,
    /// How it is written, without the key; several lines where it is a block.
    pub example: Option<&'static str>,
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// This text and no other.
    Exactly(&'static str),
    /// A text.
    Text,
    /// One of these words, each with what it means.
    Word(&'static [Word]),
    /// `true` or `false`.
    Truth,
    /// A whole number from 0.
    Whole,
    /// A number.
    Number,
    /// A span of time, such as `30s`.
    Span,
    /// A size in bytes, such as `64KB`.
    Size,
    /// A media type of JSON, such as `application/x-amz-json-1.1`.
    JsonMedia,
    /// So many in so long, such as `120/1m`.
    Rate,
    /// A schedule of five fields.
    Schedule,
    /// An instant.
    Time,
    /// A day.
    Date,
    /// A condition: an expression without `=`.
    Condition,
    /// A condition, or `otherwise` in the last of a list of cases.
    Case,
    /// An expression, with `=` before it.
    Expression,
    /// A literal, an expression with `=`, or a form; also inside lists and maps.
    Value,
    /// A map of names that are chosen here, each with a value.
    Values,
    /// Anything; it is taken as it stands.
    Data,
    /// Text with `{{name}}` in it.
    Prose,
    /// The path of a request, with `{name}` in it.
    Path,
    /// The name of something that stands elsewhere.
    To(Refers),
    /// A map of names that are chosen here; the first word says what is named.
    Named(&'static str, &'static Is),
    /// A list.
    List(&'static Is),
    /// A list of texts, or one.
    Texts,
    /// A list of cases, each a word and its condition.
    Cases(&'static [Word]),
    /// A map with these keys.
    Map(&'static Map),
    /// One of several.
    Either(&'static [Is]),
}

/// A word and what it means.
pub type Word = (&'static str, &'static str);

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refers {
    /// `connector/signal`.
    Signal,
    /// A signal of this connector.
    OwnSignal,
    /// `connector/verb`.
    Action,
    /// An argument of the action beside it.
    Argument,
    /// A connector.
    Connector,
    /// A connection of `andon.yaml`.
    Connection,
    /// A connection of `andon.yaml` that takes alerts.
    Destination,
    /// A kind of `kinds.yaml`.
    Kind,
    /// A setting of this connector.
    Setting,
    /// A setting with `is: secret` of this connector.
    Secret,
    /// A setting with `is: url` of this connector.
    Url,
    /// A request under `reads:` of this action.
    Read,
    /// A file beside the manifest.
    File,
}

impl Refers {
    /// What it is, in a few words.
    pub fn what(self) -> &'static str {
        match self {
            Self::Signal => "`connector/signal`",
            Self::OwnSignal => "a signal of this connector",
            Self::Action => "`connector/verb`",
            Self::Argument => "an argument of the action",
            Self::Connector => "the name of a connector",
            Self::Connection => "a connection of `andon.yaml`",
            Self::Destination => "a connection of `andon.yaml` whose connector has `deliver`",
            Self::Kind => "a kind of `kinds.yaml`",
            Self::Setting => "a setting of this connector",
            Self::Secret => "a setting with `is: secret`",
            Self::Url => "a setting with `is: url`",
            Self::Read => "a name under `reads:`",
            Self::File => "a file below the connector's folder",
        }
    }
}

impl Map {
    /// Its keys, in the order in which they are written.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().flat_map(|group| group.iter())
    }

    /// A key.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

impl Is {
    /// The maps that it may be or hold, in order.
    pub fn maps(&self, found: &mut Vec<&'static Map>) {
        match *self {
            Self::Map(map) if found.iter().any(|known| known.name == map.name) => {}
            Self::Map(map) => {
                found.push(map);
                let held = map.keys().map(|key| &key.is);
                held.chain(map.others).for_each(|is| is.maps(found));
            }
            Self::Named(_, is) | Self::List(is) => is.maps(found),
            Self::Either(all) => all.iter().for_each(|is| is.maps(found)),
            _ => {}
        }
    }
}

const fn key(name: &'static str, is: Is, about: &'static str) -> Key {
    Key {
        name,
        is,
        about,
        required: false,
        default: None,
        without: None,
        example: None,
    }
}

impl Key {
    const fn must(mut self) -> Self {
        self.required = true;
        self
    }

    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn without(mut self, words: &'static str) -> Self {
        self.without = Some(words);
        self
    }

    const fn like(mut self, example: &'static str) -> Self {
        self.example = Some(example);
        self
    }
}

/// A map with keys of its own alone.
const fn map(name: &'static str, about: &'static str, keys: &'static [&'static [Key]]) -> Map {
    Map {
        name,
        about,
        keys,
        rules: &[],
        others: None,
    }
}

impl Map {
    const fn with(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    const fn open(mut self, others: &'static Is) -> Self {
        self.others = Some(others);
        self
    }
}
