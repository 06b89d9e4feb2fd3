//! Where the cursor is: behind which keys, and what may stand there by `formats`.

use super::outline::{Entry, Held, Value};
use crate::diag::Span;
use crate::formats::{Format, Is, Map, Refers, Word};

/// One step from a file's root to a place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Item(usize),
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot<'v> {
    /// The way to the map whose key it is, or to the value.
    pub(super) path: Vec<Step>,
    pub(super) part: Part<'v>,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part<'v> {
    /// A key, or a word that may become one.
    Key {
        span: Span,
        has_colon: bool,
        /// All keys of its map.
        all: &'v [Entry],
        flow: bool,
    },
    /// A leaf, or nothing yet.
    Value(Span),
}

/// What may stand at a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Want {
    Is(&'static Is),
    Map(&'static Map),
    /// One of a list of cases: a word and its condition.
    Case(&'static [Word]),
}

static CONDITION: Is = Is::Case;
static VALUE: Is = Is::Value;
static DATA: Is = Is::Data;
static TEXT: Is = Is::Text;
static SECRET: Is = Is::To(Refers::Secret);

impl<'v> Spot<'v> {
    /// The place of the byte `at`; `None` in a comment, and where nothing can stand.
    pub(super) fn find(tree: &'v Value, text: &str, at: usize) -> Option<Self> {
        let before = text.get(..at)?;
        let line = before.rsplit('\n').next().unwrap_or_default();
        if line.trim_start().starts_with('#') {
            return None;
        }
        let mut path = Vec::new();
        let part = descend(tree, text, at, &mut path)?;
        Some(Self { path, part })
    }

    /// The keys of the way, without items.
    pub(super) fn keys(&self) -> Vec<&str> {
        self.path
            .iter()
            .filter_map(|step| match step {
                Step::Key(key) => Some(key.as_str()),
                Step::Item(_) => None,
            })
            .collect()
    }

    /// What may stand here.
    pub(super) fn wants(&self, format: &'static Format) -> Vec<Want> {
        self.path
            .iter()
            .fold(vec![Want::Map(format.map)], |wants, step| {
                wants.iter().flat_map(|want| want.step(step)).collect()
            })
    }
}

fn descend<'v>(value: &'v Value, text: &str, at: usize, path: &mut Vec<Step>) -> Option<Part<'v>> {
    let inside = |span: Span| span.start <= at && at <= span.end;
    match &value.held {
        Held::Map(entries) => {
            let part = |span, has_colon| Part::Key {
                span,
                has_colon,
                all: entries,
                flow: value.flow,
            };
            if let Some(entry) = entries.iter().find(|entry| inside(entry.key_span)) {
                return Some(part(entry.key_span, entry.has_colon));
            }
            let held = entries
                .iter()
                .find(|entry| entry.has_colon && inside(entry.value.span));
            if let Some(entry) = held {
                path.push(Step::Key(entry.key.clone()));
                return descend(&entry.value, text, at, path);
            }
            let end = value.span.end;
            let is_closed = text.get(..end).is_some_and(|text| text.ends_with('}'));
            let within = value.span.start < at && (at < end || at == end && !is_closed);
            (value.flow && within).then(|| part(Span::new(at, at), false))
        }
        Held::List(items) => {
            let (index, item) = items
                .iter()
                .enumerate()
                .find(|(_, item)| inside(item.span))?;
            path.push(Step::Item(index));
            descend(item, text, at, path)
        }
        Held::Nothing => Some(Part::Value(Span::new(at, at))),
        Held::Text => Some(Part::Value(value.span)),
    }
}

/// A want for each thing that it may be.
fn flat(is: &'static Is, found: &mut Vec<Want>) {
    match is {
        Is::Either(all) => all.iter().for_each(|is| flat(is, found)),
        Is::Map(map) => found.push(Want::Map(map)),
        _ => found.push(Want::Is(is)),
    }
}

impl Want {
    fn step(self, step: &Step) -> Vec<Self> {
        let mut found = Vec::new();
        match (self, step) {
            (Self::Map(map), Step::Key(key)) => {
                if let Some(is) = map.key(key).map(|key| &key.is).or(map.others) {
                    flat(is, &mut found);
                }
            }
            (Self::Case(_), Step::Key(_)) => found.push(Self::Is(&CONDITION)),
            (Self::Is(is), step) => match (is, step) {
                (Is::Named(_, held), Step::Key(_)) | (Is::List(held), Step::Item(_)) => {
                    flat(held, &mut found);
                }
                (Is::Cases(words), Step::Item(_)) => found.push(Self::Case(words)),
                (Is::Texts, Step::Item(_)) => found.push(Self::Is(&TEXT)),
                (Is::Value, Step::Key(key)) if key == "secret" => found.push(Self::Is(&SECRET)),
                (Is::Value | Is::Values, _) => found.push(Self::Is(&VALUE)),
                (Is::Data, _) => found.push(Self::Is(&DATA)),
                _ => {}
            },
            _ => {}
        }
        found
    }
}

/// What small language a leaf is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tongue {
    /// An expression without `=`.
    Condition,
    /// An expression, where it begins with `=`.
    Expression,
    /// Text with `{{name}}`.
    Prose,
}

/// The language of a leaf, if it has one.
pub(super) fn tongue(wants: &[Want]) -> Option<Tongue> {
    wants.iter().find_map(|want| match want {
        Want::Is(Is::Condition | Is::Case) => Some(Tongue::Condition),
        Want::Is(Is::Expression | Is::Value | Is::Values) => Some(Tongue::Expression),
        Want::Is(Is::Prose) => Some(Tongue::Prose),
        _ => None,
    })
}
