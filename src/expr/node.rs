//! What runs: names resolved to slots, constants folded, patterns compiled.

use jiff::{SignedDuration, Timestamp};
use regex::Regex;
use serde_json::Value as Json;

use crate::alert::Severity;

use super::function::Function;
use super::tree::{Arithmetic, Comparison};
use super::value::Value;

/// One part of a checked expression.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) does: Does,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a part does.
#[derive(Debug, Clone)]
pub(super) enum Does {
    Constant(Constant),
    /// The value of a name; a text is read as what the name is said to be.
    Root(usize, Reads),
    /// The value a macro is at; 0 is the outermost macro's.
    Local(usize),
    Path(Box<Node>, Box<[Step]>, Reads),
    /// Whether the last step is there.
    Has(Box<Node>, Box<[Step]>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<[Node]>),
    Or(Box<[Node]>),
    Compare(Comparison, Box<[Node; 2]>),
    In(Box<[Node; 2]>),
    Sum(Box<Node>, Box<[(Arithmetic, Node)]>),
    Choose(Box<[Node; 3]>),
    List(Box<[Node]>),
    Map(Box<[(Node, Node)]>),
    Call(Function, Box<[Node]>, Option<Box<Regex>>),
    Each(Each, Box<[Node; 2]>),
}

/// One selection of a path.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) by: StepBy,
    pub(super) optional: bool,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone)]
pub(super) enum StepBy {
    Key(Box<str>),
    Index(Node),
}

impl StepBy {
    /// The key it selects, where that is known before it runs.
    fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Index(index) => index.constant_text(),
        }
    }
}

/// A macro over a list (or the keys of a map).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Each {
    Exists,
    ExistsOne,
    All,
    Filter,
    Map,
}

impl Each {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "exists" => Self::Exists,
            "exists_one" => Self::ExistsOne,
            "all" => Self::All,
            "filter" => Self::Filter,
            "map" => Self::Map,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::All => "all",
            Self::Filter => "filter",
            Self::Map => "map",
        }
    }
}

/// What a text stands for where the type of the path says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    AsIs,
    Time,
    Duration,
    Severity,
}

/// A value known before the expression runs; shared between threads, unlike [`Value`].
#[derive(Debug, Clone)]
pub(super) enum Constant {
    Json(Json),
    Double(f64),
    Time(Timestamp),
    Duration(SignedDuration),
    Severity(Severity),
}

impl Constant {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Json(json) => Value::from_json(json),
            Self::Double(double) => Value::Double(*double),
            Self::Time(time) => Value::Time(*time),
            Self::Duration(duration) => Value::Duration(*duration),
            Self::Severity(severity) => Value::Severity(*severity),
        }
    }

    /// The constant that stands for a value, where there is one that reads back the same.
    pub(super) fn of(value: &Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Absent => return None,
            Value::Double(double) => Self::Double(*double),
            Value::Time(time) => Self::Time(*time),
            Value::Duration(duration) => Self::Duration(*duration),
            Value::Severity(severity) => Self::Severity(*severity),
            other => Self::Json(plain(other)?),
        })
    }
}

/// As JSON, when nothing in it is of a sort that JSON lacks.
fn plain(value: &Value<'_>) -> Option<Json> {
    match value {
        Value::Absent | Value::Time(_) | Value::Duration(_) | Value::Severity(_) => None,
        Value::Double(double) if !double.is_finite() => None,
        Value::List(items) => items.iter().map(plain).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| Some((key.clone().into_owned(), plain(value)?)))
            .collect::<Option<serde_json::Map<_, _>>>()
            .map(Json::Object),
        other => other.to_json(),
    }
}

impl Node {
    /// Adds to `keys` the keys that are read directly below the name in `slot`. `false` when the name
    /// is used in another way too, so that all of it may be read.
    pub(super) fn keys_of<'n>(&'n self, slot: usize, keys: &mut Vec<&'n str>) -> bool {
        match &self.does {
            Does::Root(root, _) => return *root != slot,
            Does::Path(base, steps, _) | Does::Has(base, steps) => {
                if let (Does::Root(root, _), Some(StepBy::Key(key))) =
                    (&base.does, steps.first().map(|step| &step.by))
                    && *root == slot
                {
                    keys.push(key);
                    let indexes = indexes(steps);
                    return indexes.into_iter().all(|node| node.keys_of(slot, keys));
                }
            }
            _ => {}
        }
        let mut parts = self.children().into_iter();
        parts.all(|node| node.keys_of(slot, keys))
    }

    /// Adds to `paths` what is read below the name in `slot`: keys from there on, as far as they are
    /// known before it runs. One without keys stands for all of it.
    pub(super) fn paths_of<'n>(&'n self, slot: usize, paths: &mut Vec<Vec<&'n str>>) {
        match &self.does {
            Does::Root(root, _) if *root == slot => paths.push(Vec::new()),
            Does::Path(base, steps, _) | Does::Has(base, steps) if matches!(base.does, Does::Root(root, _) if root == slot) =>
            {
                paths.push(steps.iter().map_while(|step| step.by.key()).collect());
                for index in indexes(steps) {
                    index.paths_of(slot, paths);
                }
            }
            _ => {
                for part in self.children() {
                    part.paths_of(slot, paths);
                }
            }
        }
    }

    /// Its parts, in the order they are written.
    pub(super) fn children(&self) -> Vec<&Self> {
        match &self.does {
            Does::Constant(_) | Does::Root(..) | Does::Local(_) => Vec::new(),
            Does::Path(base, steps, _) | Does::Has(base, steps) => std::iter::once(base.as_ref())
                .chain(indexes(steps))
                .collect(),
            Does::Not(inner) | Does::Negate(inner) => vec![inner],
            Does::And(parts) | Does::Or(parts) | Does::List(parts) | Does::Call(_, parts, _) => {
                parts.iter().collect()
            }
            Does::Compare(_, parts) | Does::In(parts) | Does::Each(_, parts) => {
                parts.iter().collect()
            }
            Does::Sum(first, rest) => std::iter::once(first.as_ref())
                .chain(rest.iter().map(|(_, node)| node))
                .collect(),
            Does::Choose(parts) => parts.iter().collect(),
            Does::Map(entries) => entries
                .iter()
                .flat_map(|(key, value)| [key, value])
                .collect(),
        }
    }

    /// The constant it is.
    pub(super) fn constant(&self) -> Option<&Constant> {
        match &self.does {
            Does::Constant(constant) => Some(constant),
            _ => None,
        }
    }

    /// The constant text it is.
    pub(super) fn constant_text(&self) -> Option<&str> {
        match self.constant()? {
            Constant::Json(Json::String(text)) => Some(text),
            _ => None,
        }
    }
}

/// The parts of a path that are computed.
fn indexes(steps: &[Step]) -> Vec<&Node> {
    let indexes = steps.iter().filter_map(|step| match &step.by {
        StepBy::Index(node) => Some(node),
        StepBy::Key(_) => None,
    });
    indexes.collect()
}
