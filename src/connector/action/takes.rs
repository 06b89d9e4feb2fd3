//! `takes:`: the arguments of an action.

use serde_json::Value as Json;

use super::super::setting::{is_name, pattern};
use crate::diag::{Faults, codes};
use crate::expr::{Names, Type};
use crate::yaml::{Fields, Node};

/// An argument.
#[derive(Debug, Clone)]
pub struct Take {
    /// Its name.
    pub name: String,
    /// Its slot in the action's names.
    pub slot: usize,
    /// What it is.
    pub kind: TakeKind,
    /// What for.
    pub about: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it is when left out.
    pub default: Option<Json>,
    /// A text has to match it as a whole.
    pub matches: Option<regex::Regex>,
    /// The only values it may have.
    pub one_of: Vec<Json>,
    /// The smallest number, or the shortest text.
    pub min: Option<f64>,
    /// The largest number, or the longest text.
    pub max: Option<f64>,
}

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeKind {
    /// A text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// An absolute URL.
    Url,
    /// A secret of the request, never kept.
    Secret,
    /// An RFC 3339 time.
    Time,
    /// Such as `30s`.
    Duration,
    /// A map.
    Object,
    /// A list.
    List,
}

impl TakeKind {
    const ALL: [(&'static str, Self); 10] = [
        ("text", Self::Text),
        ("int", Self::Int),
        ("number", Self::Number),
        ("bool", Self::Bool),
        ("url", Self::Url),
        ("secret", Self::Secret),
        ("time", Self::Time),
        ("duration", Self::Duration),
        ("object", Self::Object),
        ("list", Self::List),
    ];

    /// The word in files and in the catalog.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("text", |(word, _)| word)
    }
}

pub(super) fn takes(fields: &Fields<'_>, names: &mut Names, faults: &mut Faults) -> Vec<Take> {
    let mut takes = Vec::new();
    for entry in fields.entries("takes", faults) {
        let keys = [
            "is", "about", "optional", "default", "matches", "one_of", "min", "max",
        ];
        let Some(take) = Fields::of(&entry.value, "an argument", &keys, faults) else {
            continue;
        };
        if names.slot(&entry.key).is_some()
            || !is_name(&entry.key)
            || entry.key.contains('-')
            || entry.key == "signal"
        {
            faults
                .error(codes::BAD_NAME, entry.key_place(), format!("an argument cannot be called `{}`", entry.key))
                .help("choose a word of letters, digits and `_` that expressions do not use otherwise");
            continue;
        }
        let is = take
            .required_text("is", "say what it is, such as `is: text`", faults)
            .unwrap_or_default();
        let Some((_, kind)) = TakeKind::ALL.into_iter().find(|(word, _)| *word == is) else {
            faults
                .error(
                    codes::UNKNOWN_WORD,
                    take.get("is").unwrap_or(&entry.value).place(),
                    format!("`{is}` is no type of argument"),
                )
                .help("write text, int, number, bool, url, secret, time, duration, object or list");
            // Named all the same: that it is of no type is said once, and not at each place that uses it.
            *names = std::mem::take(names).with(&entry.key, Type::Any);
            continue;
        };
        let of = match kind {
            TakeKind::Text
            | TakeKind::Url
            | TakeKind::Secret
            | TakeKind::Time
            | TakeKind::Duration => Type::Text,
            TakeKind::Int | TakeKind::Number => Type::Number,
            TakeKind::Bool => Type::Bool,
            TakeKind::Object | TakeKind::List => Type::Any,
        };
        let slot = names.len();
        *names = std::mem::take(names).with(&entry.key, of);
        let matches = pattern(&take, faults);
        let number = |key: &str| take.get(key).and_then(|node| node.to_json().as_f64());
        takes.push(Take {
            name: entry.key.clone(),
            slot,
            kind,
            about: take.text("about", faults).unwrap_or_default(),
            optional: take.truth("optional", faults).unwrap_or(false),
            default: take
                .get("default")
                .map(|node| match (kind, node.to_json()) {
                    (TakeKind::Text, Json::Number(number)) => Json::String(number.to_string()),
                    (_, value) => value,
                }),
            matches,
            one_of: take
                .items("one_of", faults)
                .iter()
                .map(Node::to_json)
                .collect(),
            min: number("min"),
            max: number("max"),
        });
    }
    takes
}
