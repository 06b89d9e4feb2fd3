//! What stands at a place: what it is for, and where it was given its name.

use std::rc::Rc;

use super::complete::{Leaf, open_braces, plain};
use super::expression::{Half, is_word, open_text, trailing};
use super::names::{self, Of, Root};
use super::schema::{self, Into};
use super::shelf::{Page, Shelf, Thing};
use super::spot::{Part, Spot, Tongue, Want, tongue};
use crate::diag::Span;
use crate::formats::{FUNCTIONS, Is, Key, MACROS, TEMPLATE_HELPERS, described, takes};

/// Something at a place.
#[derive(Debug)]
pub(super) struct Stands {
    pub(super) span: Span,
    /// What it is for, as Markdown.
    pub(super) told: String,
    /// Where it was given its name, where that is in a file.
    pub(super) named: Option<(Rc<Page>, Span)>,
}

impl Stands {
    fn told(span: Span, told: String) -> Self {
        Self {
            span,
            told,
            named: None,
        }
    }

    fn thing(span: Span, thing: &Thing) -> Self {
        Self {
            span,
            told: thing.told(),
            named: Some((Rc::clone(&thing.page), thing.span)),
        }
    }
}

/// What stands at byte `at` of the open file.
pub(super) fn stands(shelf: &Shelf<'_>, at: usize) -> Option<Stands> {
    let text = shelf.page.text.as_str();
    let Some(format) = shelf.format else {
        if !shelf.is_template {
            return None;
        }
        return prose(shelf, text.get(..word_end(text, at))?, at);
    };
    let spot = Spot::find(&shelf.page.tree, text, at)?;
    let wants = spot.wants(format);
    match spot.part {
        Part::Key { span, .. } => key(shelf, &spot, &wants, span),
        Part::Value(span) => leaf(shelf, &spot, &wants, span, at),
    }
}

fn key(shelf: &Shelf<'_>, spot: &Spot<'_>, wants: &[Want], span: Span) -> Option<Stands> {
    let name = shelf.page.text.get(span.start..span.end)?;
    let name = name.trim_matches(['"', '\'']);
    for want in wants {
        match want {
            Want::Map(map) => {
                if let Some(key) = map.key(name) {
                    return Some(Stands::told(span, told_key(key)));
                }
            }
            Want::Case(words) => {
                if let Some((word, about)) = words.iter().find(|(word, _)| *word == name) {
                    return Some(Stands::told(span, format!("**{word}**: {about}")));
                }
            }
            Want::Is(_) => {}
        }
    }
    let things = match spot.keys().as_slice() {
        ["connections", connection] => {
            let connector = ["connections", connection, "connector"];
            shelf.settings_of(&shelf.page.said(&shelf.page.tree, &connector))
        }
        ["contain", "with"] => shelf.takes(spot),
        ["tests", "signal", below @ ..] => return field_of_test(shelf, spot, below, (name, span)),
        _ => Vec::new(),
    };
    let thing = things.iter().find(|thing| thing.name == name)?;
    Some(Stands::thing(span, thing))
}

/// All that is known of a key.
fn told_key(key: &Key) -> String {
    let need = if key.required { ", needed" } else { "" };
    let mut told = format!(
        "**{}** ({}{need})\n\n{}",
        key.name,
        plain(&takes(&key.is)),
        described(key)
    );
    if let Some(example) = key.example {
        let opens = example.contains('\n') || example.starts_with("- ");
        let example = if opens {
            format!("\n  {}", example.replace('\n', "\n  "))
        } else {
            format!(" {example}")
        };
        told.push_str("\n\n```yaml\n");
        told.push_str(key.name);
        told.push(':');
        told.push_str(&example);
        told.push_str("\n```");
    }
    told
}

fn field_of_test(
    shelf: &Shelf<'_>,
    spot: &Spot<'_>,
    below: &[&str],
    (name, span): (&str, Span),
) -> Option<Stands> {
    let signal = shelf.signal(spot)?;
    let (schema, page) = shelf.schema(&signal)?;
    let mut path: Vec<Into> = below
        .iter()
        .map(|key| Into::Key((*key).to_owned()))
        .collect();
    let fields = schema::fields(schema::at(&schema, &path)?);
    let field = fields.into_iter().find(|field| field.name == name)?;
    path.push(Into::Key(name.to_owned()));
    Some(Stands {
        span,
        told: field.told(&signal),
        named: in_schema(&page, &path),
    })
}

/// Where a schema speaks of a field.
fn in_schema(page: &Rc<Page>, path: &[Into]) -> Option<(Rc<Page>, Span)> {
    let mut value = &page.tree;
    let mut span = None;
    for step in path {
        value = match step {
            Into::Key(key) => {
                let entry = value.at(&["properties"]).and_then(|all| all.entry(key))?;
                span = Some(entry.key_span);
                &entry.value
            }
            Into::Item => value.at(&["items"])?,
        };
    }
    Some((Rc::clone(page), span?))
}

fn leaf(
    shelf: &Shelf<'_>,
    spot: &Spot<'_>,
    wants: &[Want],
    span: Span,
    at: usize,
) -> Option<Stands> {
    let text = shelf.page.text.as_str();
    let end = word_end(text, at).min(span.end);
    let written = Leaf::of(text, span, end);
    match tongue(wants) {
        Some(Tongue::Prose) => return prose(shelf, &written.before, at),
        Some(Tongue::Condition) => return expression(shelf, spot, &written.before, end),
        Some(Tongue::Expression) => {
            if let Some(after) = written.before.strip_prefix('=') {
                return expression(shelf, spot, after, end);
            }
        }
        None => {}
    }
    let whole = text.get(span.start..span.end)?.trim();
    let name = whole.trim_matches(['"', '\'']);
    let span = Span::new(span.start, span.start + whole.len());
    for want in wants {
        match want {
            Want::Is(Is::Word(words)) => {
                if let Some((word, about)) = words.iter().find(|(word, _)| *word == name) {
                    return Some(Stands::told(span, format!("**{word}**: {about}")));
                }
            }
            Want::Is(Is::To(refers)) => {
                let things = shelf.things(*refers, spot);
                if let Some(thing) = things.iter().find(|thing| thing.name == name) {
                    return Some(Stands::thing(span, thing));
                }
            }
            _ => {}
        }
    }
    None
}

/// Behind the word that `at` stands in.
fn word_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.find(|c: char| !is_word(c)).unwrap_or(rest.len())
}

/// The name that `before` ends with, which ends at byte `end` of the file.
fn expression(shelf: &Shelf<'_>, spot: &Spot<'_>, before: &str, end: usize) -> Option<Stands> {
    let word = trailing(before, is_word);
    if word.is_empty() || open_text(before).is_some() {
        return None;
    }
    let span = Span::new(end.checked_sub(word.len())?, end);
    let lead = before.get(..before.len() - word.len()).unwrap_or_default();
    let is_called = shelf
        .page
        .text
        .get(end..)
        .is_some_and(|rest| rest.starts_with('('));
    if is_called {
        let full = trailing(before, |c| is_word(c) || c == '.');
        let mut known = FUNCTIONS.iter().chain(&MACROS);
        let one = known.find(|(name, ..)| *name == word || *name == full)?;
        return Some(Stands::told(span, format!("`{}`\n\n{}", one.1, one.2)));
    }
    let roots = names::roots(shelf, spot);
    let half = Half {
        before,
        roots: &roots,
    };
    if lead.ends_with(['.', '?']) {
        return below(shelf, spot, &half, span);
    }
    if let Some(root) = roots.iter().find(|root| root.name == word) {
        return Some(of_root(root, span));
    }
    let severities = crate::alert::Severity::ALL.map(crate::alert::Severity::as_str);
    severities.contains(&word).then(|| {
        Stands::told(
            span,
            format!("**{word}**: a severity; {}", severities.join(" < ")),
        )
    })
}

/// A field at the end of a path.
fn below(shelf: &Shelf<'_>, spot: &Spot<'_>, half: &Half<'_>, span: Span) -> Option<Stands> {
    let name = shelf.page.text.get(span.start..span.end)?;
    if let Some(field) = half.field() {
        let of = match half.root()?.name.as_str() {
            "signal" => shelf.signal(spot).unwrap_or_default(),
            other => format!("`{other}`"),
        };
        let named = half.resolved().and_then(|(root, path)| match &root.of {
            Of::Data(_, page) => in_schema(page, &path),
            _ => None,
        });
        return Some(Stands {
            span,
            told: field.told(&of),
            named,
        });
    }
    match &half.root()?.of {
        Of::Words(words) => {
            let (word, about) = words.iter().find(|(word, _)| *word == name)?;
            Some(Stands::told(span, format!("**{word}**: {about}")))
        }
        Of::Things(things) => {
            let thing = things.iter().find(|thing| thing.name == name)?;
            Some(Stands::thing(span, thing))
        }
        Of::Data(..) | Of::Unknown => None,
    }
}

fn of_root(root: &Root, span: Span) -> Stands {
    match &root.stands {
        Some(thing) => Stands::thing(span, thing),
        None => Stands::told(span, format!("**{}**: {}", root.name, root.about)),
    }
}

/// The name in `{{…}}` that `before` ends with.
fn prose(shelf: &Shelf<'_>, before: &str, at: usize) -> Option<Stands> {
    let inner = open_braces(before)?;
    let word = trailing(inner, is_word);
    if word.is_empty() {
        return None;
    }
    let end = word_end(&shelf.page.text, at);
    let span = Span::new(end.checked_sub(word.len())?, end);
    let lead = inner.get(..inner.len() - word.len()).unwrap_or_default();
    let roots = names::prose(shelf);
    if let Some(holder) = lead.strip_suffix('.') {
        let holder = trailing(holder, is_word);
        let root = roots.iter().find(|root| root.name == holder)?;
        let Of::Things(things) = &root.of else {
            return None;
        };
        let thing = things.iter().find(|thing| thing.name == word)?;
        return Some(Stands::thing(span, thing));
    }
    let helper = TEMPLATE_HELPERS.iter().find(|(name, ..)| *name == word);
    if let (Some((_, usage, about)), true) = (helper, lead.trim().is_empty()) {
        return Some(Stands::told(span, format!("`{usage}`\n\n{about}")));
    }
    let root = roots.iter().find(|root| root.name == word)?;
    Some(of_root(root, span))
}
