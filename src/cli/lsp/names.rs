//! What an expression, or a text with `{{name}}`, may name at a place.

use std::rc::Rc;

use serde_json::Value as Json;

use super::outline::{Held, Value};
use super::shelf::{Page, Shelf, Thing};
use super::spot::Spot;
use crate::formats::{ALERT_WORDS, PROSE_WORDS, ROOTS, Word, template_words};

/// A name and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) of: Of,
    /// Where it was given its name.
    pub(super) stands: Option<Thing>,
}

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) enum Of {
    /// A signal's data, or a part of it: the schema, and its file.
    Data(Rc<Json>, Rc<Page>),
    Words(&'static [Word]),
    Things(Vec<Thing>),
    Unknown,
}

/// Names of what was asked and answered.
const ANSWERED: [&str; 4] = ["status", "body", "text", "header"];

impl Root {
    fn known(name: &str, of: Of) -> Self {
        let about = ROOTS.iter().find(|(known, _)| *known == name);
        Self {
            name: name.to_owned(),
            about: about.map_or("", |(_, about)| about).to_owned(),
            of,
            stands: None,
        }
    }

    fn given(thing: Thing) -> Self {
        Self {
            name: thing.name.clone(),
            about: thing.about.clone(),
            of: Of::Unknown,
            stands: Some(thing),
        }
    }
}

/// The names that an expression may begin with.
pub(super) fn roots(shelf: &Shelf<'_>, spot: &Spot<'_>) -> Vec<Root> {
    let keys = spot.keys();
    let name = shelf.format.map_or("", |format| format.name);
    let known = |names: &[&str]| -> Vec<Root> {
        let known = |name: &&str| Root::known(name, Of::Unknown);
        names.iter().map(known).collect()
    };
    let mut found = Vec::new();
    match (name, keys.as_slice()) {
        ("mapping", ["look_up", ..]) => {
            found.push(signal(shelf, spot));
            found.extend(known(&["now", "received_at"]));
            found.extend(known(&ANSWERED));
            found.extend(named(shelf, &["let"], "under `let`"));
        }
        ("mapping", _) => {
            found.push(signal(shelf, spot));
            found.extend(known(&["now", "received_at"]));
            found.extend(named(shelf, &["let"], "under `let`"));
            found.extend(named(shelf, &["look_up"], "looked up"));
        }
        ("andon", _) => found.push(Root::known("alert", Of::Words(&ALERT_WORDS))),
        ("connector", ["signals", signal_name, rest @ ..]) => {
            found.extend(known(&ANSWERED));
            found.extend(known(&["item", "file", "row", "rows", "mark"]));
            found.push(settings(shelf));
            found.extend(named(
                shelf,
                &["signals", signal_name, "let"],
                "under `let`",
            ));
            if rest.first() == Some(&"reply") {
                found.push(signal(shelf, spot));
            }
        }
        ("connector", ["actions", verb, rest @ ..]) => {
            found.extend(named(shelf, &["actions", verb, "takes"], "an argument"));
            found.extend(named(shelf, &["actions", verb, "let"], "under `let`"));
            if let Some(action) = shelf.page.tree.at(&["actions", verb]) {
                kept(shelf, action, &mut found);
            }
            found.extend(known(&ANSWERED));
            found.push(Root::known("action", Of::Unknown));
            found.push(settings(shelf));
            if rest.first() == Some(&"echo") {
                found.push(signal(shelf, spot));
            }
        }
        ("connector", ["deliver", ..]) => {
            found.push(Root::known("alert", Of::Words(&ALERT_WORDS)));
            found.extend(known(&[
                "ocsf", "event", "events", "id", "ids", "item", "now",
            ]));
            found.extend(known(&ANSWERED));
            found.push(settings(shelf));
        }
        ("connector", _) => {
            found.extend(known(&ANSWERED));
            found.push(settings(shelf));
            if let Some(live) = shelf.page.tree.at(&["live"]) {
                kept(shelf, live, &mut found);
            }
        }
        _ => {}
    }
    found
}

fn signal(shelf: &Shelf<'_>, spot: &Spot<'_>) -> Root {
    let schema = shelf.signal(spot).and_then(|signal| shelf.schema(&signal));
    let of = schema.map_or(Of::Unknown, |(schema, page)| {
        Of::Data(Rc::new(schema), page)
    });
    Root::known("signal", of)
}

fn settings(shelf: &Shelf<'_>) -> Root {
    let mut all = shelf.settings(&[]);
    all.retain(|setting| setting.is != "secret");
    Root::known("settings", Of::Things(all))
}

fn named(shelf: &Shelf<'_>, keys: &[&str], is: &str) -> Vec<Root> {
    let entries = shelf.page.tree.at(keys).map(Value::entries);
    entries
        .unwrap_or_default()
        .iter()
        .filter(|entry| entry.has_colon)
        .map(|entry| {
            let said = match entry.value.text(&shelf.page.text) {
                Some(text) => crate::untrusted::person(text, 200),
                None => shelf.page.said(&entry.value, &["about"]),
            };
            Root::given(Thing {
                name: entry.key.clone(),
                is: is.to_owned(),
                about: said,
                page: Rc::clone(&shelf.page),
                span: entry.key_span,
            })
        })
        .collect()
}

/// The names under every `keep:` and `guard:` of an action.
fn kept(shelf: &Shelf<'_>, value: &Value, found: &mut Vec<Root>) {
    match &value.held {
        Held::Map(entries) => {
            for entry in entries {
                if matches!(entry.key.as_str(), "keep" | "guard") {
                    for kept in entry.value.entries().iter().filter(|kept| kept.has_colon) {
                        let about = kept.value.text(&shelf.page.text).unwrap_or_default();
                        found.push(Root::given(Thing {
                            name: kept.key.clone(),
                            is: "kept of an answer".to_owned(),
                            about: crate::untrusted::person(about, 200),
                            page: Rc::clone(&shelf.page),
                            span: kept.key_span,
                        }));
                    }
                } else {
                    kept(shelf, &entry.value, found);
                }
            }
        }
        Held::List(items) => items.iter().for_each(|item| kept(shelf, item, found)),
        Held::Nothing | Held::Text => {}
    }
}

/// The names that a text may have in `{{…}}`, and below each what it holds.
pub(super) fn prose(shelf: &Shelf<'_>) -> Vec<Root> {
    let Some(format) = shelf.format else {
        // A file under `templates/`.
        return words(template_words());
    };
    if format.name != "mapping" {
        return Vec::new();
    }
    let mut found = named(shelf, &["alert", "fields"], "a field of the alert");
    for mut root in words(PROSE_WORDS.iter()) {
        let below = named(shelf, &["alert", &root.name], "said of the alert");
        if !below.is_empty() {
            root.of = Of::Things(below.into_iter().filter_map(|root| root.stands).collect());
        }
        found.push(root);
    }
    found
}

fn words<'w>(words: impl Iterator<Item = &'w Word>) -> Vec<Root> {
    words
        .map(|(name, about)| Root {
            name: (*name).to_owned(),
            about: (*about).to_owned(),
            of: Of::Unknown,
            stands: None,
        })
        .collect()
}
