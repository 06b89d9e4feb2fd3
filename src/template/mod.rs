//! Prose for people: Handlebars behind three functions, parse, check and render.
//!
//! A template is text of ours with named values in it. Everything in it is checked when it is
//! loaded, against an allow-list: names that are declared, a few helpers, `if`, `unless` and
//! `each`. Every text that comes from data is made safe for a person as it goes in, and what comes
//! out is one string that is never rendered or parsed again (design 7, doors 2 and 5).

mod helper;
mod shape;
mod blocks;
mod scan;
mod check;

use serde_json::{Map, Value};

use crate::diag::{Code, Faults, Fragment, Source};
use crate::json;

use shape::Part;

/// The longest template, in bytes.
const LONGEST: usize = 4 * 1024;
/// The longest text that is rendered, in bytes.
const LONGEST_OUTPUT: usize = 64 * 1024;
/// How many items of a list are shown.
const MOST_ITEMS: usize = 100;

/// The template breaks Handlebars' rules.
pub const SYNTAX: Code = Code("AND0301");
/// Something of Handlebars that templates here do not use.
pub const NOT_ALLOWED: Code = Code("AND0302");
/// A helper that does not exist.
pub const UNKNOWN_HELPER: Code = Code("AND0303");
/// A helper with too few, too many or wrong parameters.
pub const PARAMETERS: Code = Code("AND0304");
/// A template that is too long or too deep.
pub const TOO_LARGE: Code = Code("AND0305");
/// A name that is not declared.
pub const UNKNOWN_NAME: Code = Code("AND0311");

/// Why a text could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The values were too long for the bound.
    #[error("the text rendered from {template} is longer than {LONGEST_OUTPUT} bytes")]
    TooLong {
        /// The template's file.
        template: String,
    },
    /// The engine refused. What was checked at load should not come to this.
    #[error("failed to render {template}")]
    Engine {
        /// The template's file.
        template: String,
        /// What the engine said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A checked template.
#[derive(Debug)]
pub struct Template {
    source: String,
    names: Vec<String>,
    body: Body,
}

/// What a template's names stand for: a map, and what comes before it.
#[derive(Debug, Clone, Copy)]
pub struct Values<'v> {
    /// Looked through first.
    pub first: &'v [(&'v str, Value)],
    /// The rest.
    pub then: &'v Map<String, Value>,
}

impl<'v> Values<'v> {
    fn get(&self, name: &str) -> Option<&'v Value> {
        let first = self.first.iter().find(|(known, _)| *known == name);
        first
            .map(|(_, value)| value)
            .or_else(|| json::get(self.then, name))
    }
}

impl<'v> From<&'v Map<String, Value>> for Values<'v> {
    fn from(then: &'v Map<String, Value>) -> Self {
        Self { first: &[], then }
    }
}

#[derive(Debug)]
enum Body {
    /// Text and values: rendered without an engine.
    Flat(Vec<Part>),
    /// With `if`, `unless` or `each`: rendered by Handlebars.
    Blocks(Box<blocks::Blocks>),
}

impl Template {
    /// Parses and checks a template that may use `names`. Every fault is reported; `None` when there
    /// is one.
    pub fn parse(fragment: &Fragment, names: &[&str], faults: &mut Faults) -> Option<Self> {
        let checked = check::check(fragment, names, faults)?;
        let body = match shape::flat(&checked.template.elements) {
            Some(parts) => Body::Flat(parts),
            None => Body::Blocks(Box::new(blocks::Blocks::new(checked.template)?)),
        };
        Some(Self {
            source: fragment.place.source.name.clone(),
            names: checked.names,
            body,
        })
    }

    /// Parses a whole file, `templates/<destination>/<part>.hbs`. The line break that ends a file is
    /// no part of the text.
    pub fn parse_file(
        source: &std::sync::Arc<Source>,
        names: &[&str],
        faults: &mut Faults,
    ) -> Option<Self> {
        let text = source.text.trim_end_matches(['\n', '\r']);
        let span = crate::diag::Span::new(0, text.len());
        let fragment = Fragment {
            text: text.to_owned(),
            place: crate::diag::Place::new(source, span),
            begins: Some(0),
        };
        Self::parse(&fragment, names, faults)
    }

    /// The declared names that the template uses, each once, in the order of their first use.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Renders with these values. A name that is declared and not among them is empty.
    pub fn render<'v>(&self, values: impl Into<Values<'v>>) -> Result<String, Error> {
        let values = &values.into();
        let text = match &self.body {
            Body::Flat(parts) => shape::render(parts, values),
            Body::Blocks(blocks) => blocks.render(values).map_err(|refused| {
                let template = self.source.clone();
                match refused {
                    blocks::Refused::TooLong => Error::TooLong { template },
                    blocks::Refused::Engine(source) => Error::Engine {
                        template,
                        source: Box::new(source),
                    },
                }
            })?,
        };
        if text.len() > LONGEST_OUTPUT {
            return Err(Error::TooLong {
                template: self.source.clone(),
            });
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests;
