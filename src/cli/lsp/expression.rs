//! Half an expression: what the path before the cursor holds, and what may be typed there.
//!
//! Read backwards from the cursor, because what is being typed parses as nothing yet.

use std::rc::Rc;

use serde_json::Value as Json;

use super::names::{Of, Root};
use super::offer::{Kind, Offer};
use super::schema::{self, Field, Into};
use crate::alert::Severity;
use crate::formats::{FUNCTIONS, Function, MACROS};

/// How many steps a path is followed.
const LONGEST: usize = 32;

/// What stands before the cursor, and the names that it may use.
pub(super) struct Half<'h> {
    pub(super) before: &'h str,
    pub(super) roots: &'h [Root],
}

impl<'h> Half<'h> {
    /// What may be typed, and how many bytes before the cursor it replaces. `quote` is the mark that the
    /// whole expression stands in, so that texts in it take the other.
    pub(super) fn offers(&self, quote: Option<char>) -> (usize, Vec<Offer>) {
        if let Some((opens, inside)) = open_text(self.before) {
            let lead = self.before.get(..opens).unwrap_or_default();
            return (inside.len(), self.in_text(lead));
        }
        let word = trailing(self.before, is_word);
        let lead = self.before.get(..self.before.len() - word.len());
        let lead = lead.unwrap_or_default();
        if let Some(holder) = lead.strip_suffix('.').or_else(|| lead.strip_suffix(".?")) {
            return (word.len(), self.behind_a_dot(holder, lead.ends_with('?')));
        }
        let mark = if quote == Some('"') { '\'' } else { '"' };
        let mut offers = self.values(lead, |value| match value {
            Json::String(text) => format!("{mark}{text}{mark}"),
            other => other.to_string(),
        });
        for root in &self.all_roots() {
            let is = root.stands.as_ref().map_or("", |thing| &thing.is);
            offers.push(Offer::new(&root.name, Kind::Name, is, &root.about).ranked(1));
        }
        let has = MACROS.iter().filter(|(name, ..)| *name == "has");
        offers.extend(
            FUNCTIONS
                .iter()
                .chain(has)
                .map(|one| function(one).ranked(2)),
        );
        (word.len(), offers)
    }

    /// The name that the path at the end begins with.
    pub(super) fn root(&self) -> Option<&'h Root> {
        self.resolved().map(|(root, _)| root)
    }

    /// The path at the end, as a name and the steps below it.
    pub(super) fn resolved(&self) -> Option<(&'h Root, Vec<Into>)> {
        self.resolve(&path_at_end(self.before)?, 0)
    }

    /// The field that a path ends in.
    pub(super) fn field(&self) -> Option<Field> {
        let path = path_at_end(self.before)?;
        let (Into::Key(last), holder) = path.split_last()? else {
            return None;
        };
        if holder.is_empty() {
            return None;
        }
        let fields = Self::fields(holder, &self.look(holder)?);
        fields.into_iter().find(|field| field.name == *last)
    }

    fn in_text(&self, lead: &str) -> Vec<Offer> {
        let index = lead.strip_suffix('[').or_else(|| lead.strip_suffix("[?"));
        if let Some(path) = index.and_then(path_at_end) {
            let of = self.look(&path);
            return of.map_or_else(Vec::new, |of| {
                let fields = Self::fields(&path, &of);
                fields.iter().map(|field| offered(field, false)).collect()
            });
        }
        self.values(lead, |value| match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    /// The values that the path before a comparison may have.
    fn values(&self, lead: &str, written: impl Fn(&Json) -> String) -> Vec<Offer> {
        let lead = lead.trim_end();
        let compared = ["==", "!=", ">=", "<=", ">", "<"]
            .into_iter()
            .find_map(|sign| lead.strip_suffix(sign))
            .or_else(|| {
                let list = lead.get(..lead.rfind('[')?)?.trim_end();
                list.strip_suffix("in").filter(|rest| rest.ends_with(' '))
            });
        let Some(path) = compared.and_then(|text| path_at_end(text.trim_end())) else {
            return Vec::new();
        };
        let keys: Vec<&str> = path
            .iter()
            .filter_map(|step| match step {
                Into::Key(key) => Some(key.as_str()),
                Into::Item => None,
            })
            .collect();
        if keys == ["alert", "severity"] {
            let word = |one: Severity| Offer::new(one.as_str(), Kind::Word, "a severity", "");
            return Severity::ALL.map(word).into();
        }
        let Some(Of::Data(schema, _)) = self.look(&path) else {
            return Vec::new();
        };
        let about = schema::about(&schema);
        schema::values(&schema)
            .iter()
            .map(|value| {
                let label = crate::untrusted::person(&written(value), 120);
                Offer::new(&label, Kind::Word, "a value of the field", &about)
            })
            .collect()
    }

    fn behind_a_dot(&self, holder: &str, optional: bool) -> Vec<Offer> {
        let path = path_at_end(holder);
        let of = path.as_ref().and_then(|path| self.look(path));
        let mut offers: Vec<Offer> = match (&path, &of) {
            (Some(path), Some(Of::Words(words))) if path.len() == 1 => words
                .iter()
                .map(|(name, about)| Offer::new(name, Kind::Field, "", about))
                .collect(),
            (Some(path), Some(Of::Things(things))) if path.len() == 1 => things
                .iter()
                .map(|thing| Offer::new(&thing.name, Kind::Field, &thing.is, &thing.about))
                .collect(),
            (Some(path), Some(of)) => Self::fields(path, of)
                .iter()
                .map(|field| offered(field, !optional))
                .collect(),
            _ => Vec::new(),
        };
        if !optional {
            let methods = MACROS.iter().chain(&FUNCTIONS);
            let dotted = methods.filter(|(_, usage, _)| is_method(usage));
            offers.extend(dotted.map(|one| function(one).ranked(2)));
        }
        offers
    }

    fn fields(path: &[Into], of: &Of) -> Vec<Field> {
        let Of::Data(schema, _) = of else {
            return Vec::new();
        };
        let mut fields = schema::fields(schema);
        if matches!(path, [Into::Key(root)] if root == "signal") {
            fields.extend(schema::own_fields());
        }
        fields
    }

    /// The names, with those that `exists(x, …)` and its like give before the cursor.
    fn all_roots(&self) -> Vec<Root> {
        let mut roots = self.roots.to_vec();
        roots.extend(locals(self.before).into_iter().map(|(name, _)| Root {
            name,
            about: "an item of the list".to_owned(),
            of: Of::Unknown,
            stands: None,
        }));
        roots
    }

    /// What a path holds.
    fn look(&self, path: &[Into]) -> Option<Of> {
        let (root, steps) = self.resolve(path, 0)?;
        match &root.of {
            of if steps.is_empty() => Some(of.clone()),
            Of::Data(schema, page) => {
                let part = schema::at(schema, &steps)?;
                Some(Of::Data(Rc::new(part.clone()), Rc::clone(page)))
            }
            _ => Some(Of::Unknown),
        }
    }

    /// A path with the items of `exists(x, …)` and its like followed to the list they are of.
    fn resolve(&self, path: &[Into], depth: usize) -> Option<(&'h Root, Vec<Into>)> {
        let (Into::Key(first), rest) = path.split_first()? else {
            return None;
        };
        if depth >= LONGEST {
            return None;
        }
        let mut local = locals(self.before).into_iter().rev();
        if let Some((_, Some(mut list))) = local.find(|(name, _)| name == first)
            && list.first() != path.first()
        {
            list.push(Into::Item);
            list.extend(rest.iter().cloned());
            return self.resolve(&list, depth + 1);
        }
        let root = self.roots.iter().find(|root| root.name == *first)?;
        Some((root, rest.to_vec()))
    }
}

fn offered(field: &Field, dotted: bool) -> Offer {
    let is_name = field.name.chars().all(is_word);
    let offer = Offer::new(&field.name, Kind::Field, &field.is, &field.about);
    let offer = if dotted && !field.always && is_name {
        // A path that may be absent is refused without the `?`.
        offer.typed(format!("?{}", field.name))
    } else {
        offer
    };
    offer.ranked(u8::from(!field.always))
}

/// A function as it is called, up to where its arguments begin.
fn function((name, usage, about): &Function) -> Offer {
    let insert = if usage.contains('(') {
        format!("{name}(")
    } else {
        (*name).to_owned()
    };
    Offer::new(name, Kind::Function, usage, about).typed(insert)
}

fn is_method(usage: &str) -> bool {
    let before = usage.split('(').next().unwrap_or_default();
    before.starts_with("text.") || before.starts_with("list.") || before == "size"
}

/// Whether a name may have this character.
pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The end of a text that these characters make.
pub(super) fn trailing(text: &str, fits: impl Fn(char) -> bool) -> &str {
    let begins = text
        .char_indices()
        .rev()
        .take_while(|(_, character)| fits(*character))
        .last()
        .map_or(text.len(), |(at, _)| at);
    text.get(begins..).unwrap_or_default()
}

/// The text that is open at the end: where its quote stands, and what is in it so far.
pub(super) fn open_text(before: &str) -> Option<(usize, &str)> {
    let mut open: Option<(usize, char)> = None;
    let mut escaped = false;
    for (at, character) in before.char_indices() {
        match open {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some((_, mark)) if mark == character => open = None,
            None if matches!(character, '"' | '\'') => open = Some((at, character)),
            _ => {}
        }
    }
    let (at, _) = open?;
    Some((at, before.get(at + 1..)?))
}

/// The path that a text ends with: `a.?b["c"][0]` gives `a`, `b`, `c` and an item.
fn path_at_end(text: &str) -> Option<Vec<Into>> {
    let mut path = Vec::new();
    let mut rest = text;
    while path.len() < LONGEST {
        if let Some(inner) = rest.strip_suffix(']') {
            let opens = inner.rfind('[')?;
            let index = inner.get(opens + 1..)?.trim_start_matches('?');
            let key = ['"', '\'']
                .into_iter()
                .find_map(|mark| index.strip_prefix(mark)?.strip_suffix(mark));
            path.push(key.map_or(Into::Item, |key| Into::Key(key.to_owned())));
            rest = inner.get(..opens)?;
            continue;
        }
        let word = trailing(rest, is_word);
        if word.is_empty() || word.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        path.push(Into::Key(word.to_owned()));
        rest = rest.get(..rest.len() - word.len())?;
        let Some(before) = rest.strip_suffix(".?").or_else(|| rest.strip_suffix('.')) else {
            path.reverse();
            return Some(path);
        };
        rest = before;
    }
    None
}

/// Names for the items of lists, such as `x` of `signal.tags.exists(x, …`, with the path of the list.
fn locals(before: &str) -> Vec<(String, Option<Vec<Into>>)> {
    let mut found = Vec::new();
    for (at, _) in before.match_indices('(').take(LONGEST) {
        let head = before.get(..at).unwrap_or_default();
        let name = trailing(head, is_word);
        let is_macro = MACROS
            .iter()
            .any(|(known, ..)| *known == name && name != "has");
        let list = head.get(..head.len() - name.len());
        let Some(list) = list
            .and_then(|list| list.strip_suffix('.'))
            .filter(|_| is_macro)
        else {
            continue;
        };
        let rest = before.get(at + 1..).unwrap_or_default();
        if let Some((local, _)) = rest.split_once(',')
            && !local.trim().is_empty()
            && local.trim().chars().all(is_word)
        {
            found.push((local.trim().to_owned(), path_at_end(list)));
        }
    }
    found
}
