//! What may be typed at a place of a file.

use serde_json::Value as Json;

use super::expression::{Half, is_word, trailing};
use super::names;
use super::offer::{Kind, Offer};
use super::outline::Entry;
use super::schema;
use super::shelf::{Shelf, Thing};
use super::spot::{Part, Spot, Tongue, Want, tongue};
use crate::diag::Span;
use crate::formats::{Is, Key, Map, Refers, TEMPLATE_HELPERS, described, takes};

/// What is offered, and the part of the line that it takes the place of.
#[derive(Debug, Default)]
pub(super) struct Offered {
    pub(super) span: Span,
    pub(super) offers: Vec<Offer>,
}

/// What may be typed at byte `at` of the open file.
pub(super) fn offers(shelf: &Shelf<'_>, at: usize) -> Offered {
    let offered = anywhere(shelf, at);
    let span = offered.span;
    let replaced = shelf.page.text.get(span.start..span.end);
    // An edit that completes stays on its line, as the protocol wants it.
    if replaced.is_some_and(|text| !text.contains('\n')) {
        offered
    } else {
        Offered::default()
    }
}

fn anywhere(shelf: &Shelf<'_>, at: usize) -> Offered {
    let text = shelf.page.text.as_str();
    let Some(format) = shelf.format else {
        if !shelf.is_template {
            return Offered::default();
        }
        let before = text.get(..at).unwrap_or_default();
        return prose(shelf, before, at);
    };
    let Some(spot) = Spot::find(&shelf.page.tree, text, at) else {
        return Offered::default();
    };
    let wants = spot.wants(format);
    match spot.part {
        Part::Key {
            span,
            has_colon,
            all,
            flow,
        } => {
            let typed = Typed {
                has_colon,
                others: all,
                span,
                flow,
            };
            let mut offers = typed.keys(shelf, &spot, &wants);
            if offers.is_empty() && !has_colon && !flow {
                // The only word in its place may be a value that stands on a line of its own.
                return leaf(
                    shelf,
                    &spot,
                    &wants,
                    Span::new(span.start, at.max(span.end)),
                    at,
                );
            }
            offers.retain(|offer| {
                let same = |entry: &Entry| {
                    entry.has_colon && entry.key == offer.label && entry.key_span != span
                };
                !all.iter().any(same)
            });
            Offered {
                span: Span::new(span.start, at),
                offers,
            }
        }
        Part::Value(span) => {
            let mut offered = leaf(shelf, &spot, &wants, span, at);
            if text.get(..at).is_some_and(|before| before.ends_with(':')) {
                // Without a blank behind its colon a key is none.
                for offer in &mut offered.offers {
                    offer.insert.insert(0, ' ');
                }
            }
            let in_list = matches!(spot.path.last(), Some(super::spot::Step::Item(_)));
            if offered.offers.is_empty() && in_list {
                let typed = Typed {
                    has_colon: false,
                    others: &[],
                    span,
                    flow: false,
                };
                offered.span = Span::new(span.start.min(at), at);
                offered.offers = typed.keys(shelf, &spot, &wants);
            }
            offered
        }
    }
}

/// A key that is being typed.
struct Typed<'t> {
    has_colon: bool,
    others: &'t [Entry],
    span: Span,
    flow: bool,
}

impl Typed<'_> {
    fn keys(&self, shelf: &Shelf<'_>, spot: &Spot<'_>, wants: &[Want]) -> Vec<Offer> {
        let mut offers = Vec::new();
        for want in wants {
            match want {
                Want::Map(map) => {
                    let left = map.keys().filter(|key| !self.is_ruled_out(map, key.name));
                    offers.extend(left.map(|key| self.key(key)));
                }
                Want::Case(words) if self.is_alone() => {
                    offers.extend(words.iter().map(|(word, about)| {
                        let offer = Offer::new(word, Kind::Word, "a case", about);
                        offer.typed(self.with_colon(word, " "))
                    }));
                }
                _ => {}
            }
        }
        offers.extend(self.data(shelf, spot));
        offers
    }

    /// Whether no other key stands beside it: a case has one alone.
    fn is_alone(&self) -> bool {
        let others = self.others.iter();
        others.filter(|entry| entry.key_span != self.span).count() == 0
    }

    /// Whether a key of which only one may stand there has its place taken.
    fn is_ruled_out(&self, map: &Map, name: &str) -> bool {
        map.rules.iter().any(|rule| match rule {
            crate::formats::Rule::One(names) => {
                let taken = |entry: &Entry| {
                    entry.key_span != self.span && names.contains(&entry.key.as_str())
                };
                names.contains(&name) && self.others.iter().any(taken)
            }
            crate::formats::Rule::Some(_) => false,
        })
    }

    fn key(&self, key: &Key) -> Offer {
        // What goes on below the key stands on lines of its own.
        let opens = !self.flow
            && matches!(
                key.is,
                Is::Map(_) | Is::Named(..) | Is::List(_) | Is::Cases(_) | Is::Values
            );
        let need = if key.required { "needed: " } else { "" };
        let is = format!("{need}{}", plain(&takes(&key.is)));
        Offer::new(key.name, Kind::Key, &is, &described(key))
            .typed(self.with_colon(key.name, if opens { "" } else { " " }))
            .ranked(u8::from(!key.required))
    }

    fn with_colon(&self, name: &str, blank: &str) -> String {
        if self.has_colon {
            name.to_owned()
        } else {
            format!("{name}:{blank}")
        }
    }

    /// Keys that other files name: settings of a connection, arguments of an action, fields of a signal.
    fn data(&self, shelf: &Shelf<'_>, spot: &Spot<'_>) -> Vec<Offer> {
        let thing = |thing: &Thing| {
            Offer::new(&thing.name, Kind::Reference, &thing.is, &thing.about)
                .typed(self.with_colon(&thing.name, " "))
        };
        match spot.keys().as_slice() {
            ["connections", name] => {
                let connection = ["connections", name, "connector"];
                let connector = shelf.page.said(&shelf.page.tree, &connection);
                shelf.settings_of(&connector).iter().map(thing).collect()
            }
            ["contain", "with"] => shelf.takes(spot).iter().map(thing).collect(),
            ["tests", "signal", below @ ..] => {
                let Some((schema, _)) = shelf.signal(spot).and_then(|name| shelf.schema(&name))
                else {
                    return Vec::new();
                };
                let fields = schema::at(&schema, &steps(below)).map(schema::fields);
                fields
                    .unwrap_or_default()
                    .iter()
                    .map(|field| {
                        Offer::new(&field.name, Kind::Field, &field.is, &field.about)
                            .typed(self.with_colon(&field.name, " "))
                            .ranked(u8::from(!field.always))
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Markdown's links as their words.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        out.push_str(before);
        let link = behind.split_once("](").and_then(|(words, link)| {
            let (_, after) = link.split_once(')')?;
            Some((words, after))
        });
        let (words, after) = link.unwrap_or(("[", behind));
        out.push_str(words);
        rest = after;
    }
    out.push_str(rest);
    out.replace('`', "")
}

/// A leaf that is being typed: what its quote is, and what of it stands before the cursor.
pub(super) struct Leaf {
    pub(super) quote: Option<char>,
    /// Without the quote and, of an expression, without `=`.
    pub(super) before: String,
}

impl Leaf {
    /// Reads `span` up to `at`.
    pub(super) fn of(text: &str, span: Span, at: usize) -> Self {
        let written = text.get(span.start..at).unwrap_or_default().trim_start();
        let quote = written.chars().next().filter(|c| matches!(c, '"' | '\''));
        let inner = quote.map_or(written, |mark| written.trim_start_matches(mark));
        let before = match quote {
            Some('"') => inner.replace("\\\"", "\""),
            Some(_) => inner.replace("''", "'"),
            None => inner.to_owned(),
        };
        Self { quote, before }
    }
}

fn leaf(shelf: &Shelf<'_>, spot: &Spot<'_>, wants: &[Want], span: Span, at: usize) -> Offered {
    let written = Leaf::of(&shelf.page.text, span, at);
    match tongue(wants) {
        Some(Tongue::Prose) => return prose(shelf, &written.before, at),
        Some(Tongue::Condition) => return expression(shelf, spot, &written, at),
        Some(Tongue::Expression) => {
            if let Some(after) = written.before.strip_prefix('=') {
                let inner = Leaf {
                    before: after.to_owned(),
                    quote: written.quote,
                };
                return expression(shelf, spot, &inner, at);
            }
        }
        None => {}
    }
    let mut offers = Vec::new();
    for want in wants {
        match want {
            Want::Is(Is::Word(words)) => {
                offers.extend(
                    words
                        .iter()
                        .map(|(word, about)| Offer::new(word, Kind::Word, "", about)),
                );
            }
            Want::Is(Is::Truth) => {
                offers.extend(["true", "false"].map(|word| Offer::new(word, Kind::Word, "", "")));
            }
            Want::Is(Is::Exactly(word)) => offers.push(Offer::new(word, Kind::Word, "", "")),
            Want::Is(Is::To(refers)) => offers.extend(references(shelf, spot, *refers)),
            Want::Is(Is::Data) => offers.extend(values(shelf, spot)),
            _ => {}
        }
    }
    let typed = written.before.trim_start().len();
    Offered {
        span: Span::new(at.saturating_sub(typed), at),
        offers,
    }
}

/// The values that the schema lists for a field of a test's signal.
fn values(shelf: &Shelf<'_>, spot: &Spot<'_>) -> Vec<Offer> {
    let keys = spot.keys();
    let ["tests", "signal", below @ ..] = keys.as_slice() else {
        return Vec::new();
    };
    let Some((schema, _)) = shelf.signal(spot).and_then(|signal| shelf.schema(&signal)) else {
        return Vec::new();
    };
    let values = schema::at(&schema, &steps(below)).map(schema::values);
    let one = |value: &Json| {
        let written = crate::yaml::inline(value);
        Offer::new(&written, Kind::Word, "a value of the field", "")
    };
    values.unwrap_or_default().iter().map(one).collect()
}

fn steps(keys: &[&str]) -> Vec<schema::Into> {
    let one = |key: &&str| schema::Into::Key((*key).to_owned());
    keys.iter().map(one).collect()
}

fn references(shelf: &Shelf<'_>, spot: &Spot<'_>, refers: Refers) -> Vec<Offer> {
    shelf
        .things(refers, spot)
        .iter()
        .map(|thing| Offer::new(&thing.name, Kind::Reference, &thing.is, &thing.about))
        .collect()
}

fn expression(shelf: &Shelf<'_>, spot: &Spot<'_>, written: &Leaf, at: usize) -> Offered {
    let roots = names::roots(shelf, spot);
    let half = Half {
        before: &written.before,
        roots: &roots,
    };
    let (replaced, mut offers) = half.offers(written.quote);
    let keys = spot.keys();
    if matches!(keys.last(), Some(&key) if key != "same_as")
        && tongue_is_case(&keys)
        && written.before.trim().chars().all(char::is_alphanumeric)
    {
        offers.push(
            Offer::new(
                "otherwise",
                Kind::Word,
                "",
                "closes a list of cases: it always holds",
            )
            .ranked(1),
        );
    }
    Offered {
        span: Span::new(at.saturating_sub(replaced), at),
        offers,
    }
}

/// Whether a condition is one of a list of cases.
fn tongue_is_case(keys: &[&str]) -> bool {
    keys.iter()
        .any(|key| matches!(*key, "severity" | "answers" | "says" | "resolve"))
}

/// What may be typed in `{{…}}`; nothing outside of it.
fn prose(shelf: &Shelf<'_>, before: &str, at: usize) -> Offered {
    let Some(inner) = open_braces(before) else {
        return Offered::default();
    };
    let word = trailing(inner, is_word);
    let lead = inner.get(..inner.len() - word.len()).unwrap_or_default();
    let roots = names::prose(shelf);
    let mut offers = Vec::new();
    if let Some(holder) = lead.strip_suffix('.') {
        let name = trailing(holder, is_word);
        if let Some(names::Of::Things(things)) = roots
            .iter()
            .find(|root| root.name == name)
            .map(|root| &root.of)
        {
            offers.extend(
                things
                    .iter()
                    .map(|thing| Offer::new(&thing.name, Kind::Field, &thing.is, &thing.about)),
            );
        }
    } else {
        offers.extend(roots.iter().map(|root| {
            let is = root.stands.as_ref().map_or("", |thing| &thing.is);
            Offer::new(&root.name, Kind::Name, is, &root.about)
        }));
        if lead.trim().is_empty() {
            offers.extend(TEMPLATE_HELPERS.iter().map(|(name, usage, about)| {
                Offer::new(name, Kind::Function, usage, about)
                    .typed(format!("{name} "))
                    .ranked(1)
            }));
        }
    }
    Offered {
        span: Span::new(at.saturating_sub(word.len()), at),
        offers,
    }
}

/// What stands behind the last `{{`, where that is still open.
pub(super) fn open_braces(before: &str) -> Option<&str> {
    let (_, inner) = before.rsplit_once("{{")?;
    (!inner.contains("}}")).then_some(inner)
}
