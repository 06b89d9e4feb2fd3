//! The tree that reading gives.

use std::sync::Arc;

use crate::diag::{Fragment, Place, Source, Span};

/// A value in a file, with its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// The file it stands in.
    pub source: Arc<Source>,
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Nothing written, `~` or `null`.
    Null,
    /// A text, number or truth value.
    Scalar(Scalar),
    /// `- a` or `[a]`.
    List(Vec<Node>),
    /// `k: v` or `{k: v}`, in the order written; each key once.
    Map(Vec<Entry>),
}

/// One `key: value`.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// A leaf.
#[derive(Debug, Clone)]
pub struct Scalar {
    /// The text after YAML's unescaping and folding.
    pub text: String,
    /// How it was written.
    pub style: Style,
    /// Where `text` begins in the source when it stands there byte for byte.
    pub begins: Option<usize>,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes: numbers and truth values are read as such (YAML 1.2 core schema; never `yes`, `on`, `0755`).
    Plain,
    /// In quotes, or as a `|` or `>` block: always text.
    Quoted,
}

impl Node {
    /// Its place, for a diagnostic.
    pub fn place(&self) -> Place {
        Place::new(&self.source, self.span)
    }

    /// Where it begins, for a fault about something that is missing from it or about what it is: the
    /// first key of a map of several lines, the first line of another value, else the whole.
    pub fn head(&self) -> Place {
        let text = self.source.text.get(self.span.start..self.span.end);
        let Some((line, _)) = text.and_then(|text| text.trim_end().split_once('\n')) else {
            return self.place();
        };
        match self.as_map().and_then(<[_]>::first) {
            Some(first) => first.key_place(),
            None => Place::new(
                &self.source,
                Span::new(self.span.start, self.span.start + line.trim_end().len()),
            ),
        }
    }

    /// What to call it in a sentence: "a map", "a list", "a text", "a number", "a truth value", "nothing".
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Scalar(scalar) => match scalar.to_json() {
                serde_json::Value::Bool(_) => "a truth value",
                serde_json::Value::Number(_) => "a number",
                _ => "a text",
            },
        }
    }

    /// The scalar, if it is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text of a scalar as written, whatever its type: `1.10` stays `1.10`.
    pub fn as_text(&self) -> Option<&str> {
        self.as_scalar().map(|scalar| scalar.text.as_str())
    }

    /// The items of a list.
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// A key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// The place of a key of this map, else the map's own.
    pub fn place_of_key(&self, key: &str) -> Place {
        let entry = self
            .as_map()
            .and_then(|entries| entries.iter().find(|entry| entry.key == key));
        entry.map_or_else(|| self.place(), Entry::key_place)
    }

    /// The text of a scalar as a fragment to be read by another small language.
    pub fn fragment(&self) -> Option<Fragment> {
        self.as_scalar().map(|scalar| Fragment {
            text: scalar.text.clone(),
            place: self.place(),
            begins: scalar.begins,
        })
    }

    /// The whole node as plain JSON: plain scalars by YAML 1.2's core schema, quoted ones as text.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Null => serde_json::Value::Null,
            Kind::Scalar(scalar) => scalar.to_json(),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect(),
            ),
        }
    }
}

impl Entry {
    /// The key's place, for a diagnostic.
    pub fn key_place(&self) -> Place {
        Place::new(&self.value.source, self.key_span)
    }
}

impl Scalar {
    /// The typed value: `true false`, integers, decimals when plain; text otherwise.
    pub fn to_json(&self) -> serde_json::Value {
        if self.style == Style::Plain {
            match self.text.as_str() {
                "true" => return true.into(),
                "false" => return false.into(),
                _ => {}
            }
            if let Ok(whole) = self.text.parse::<i64>()
                && whole.to_string() == self.text
            {
                return whole.into();
            }
            let digits = self.text.strip_prefix('-').unwrap_or(&self.text);
            if digits.starts_with(|first: char| first.is_ascii_digit())
                && digits
                    .chars()
                    .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'))
                && digits.contains(['.', 'e', 'E'])
                && let Ok(number) = self.text.parse::<f64>()
                && let Some(number) = serde_json::Number::from_f64(number)
            {
                return serde_json::Value::Number(number);
            }
        }
        serde_json::Value::String(self.text.clone())
    }
}
