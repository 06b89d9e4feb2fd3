//! What the files around the open one name: connectors with their signals and actions, connections, kinds,
//! fields; each with where it stands.
//!
//! Read from outlines and not from the checked catalog: a file that has a fault at the moment keeps its names.

use std::path::Path;
use std::rc::Rc;

use serde_json::Value as Json;

use super::outline::{Entry, Held, Value};
use super::spot::{Spot, Step};
use crate::catalog::File;
use crate::daemon::Folder;
use crate::diag::Span;
use crate::formats::{Format, Refers};

/// A file and its outline.
#[derive(Debug)]
pub(super) struct Page {
    /// As faults name it: a path, or `built-in:` and the path in the binary.
    pub(super) shown: String,
    pub(super) text: String,
    pub(super) tree: Value,
}

/// Something that has a name and a place.
#[derive(Debug, Clone)]
pub(super) struct Thing {
    pub(super) name: String,
    /// What it is, in a few words.
    pub(super) is: String,
    /// What it is for.
    pub(super) about: String,
    pub(super) page: Rc<Page>,
    pub(super) span: Span,
}

/// The open file, the place in it, and the files around.
pub(super) struct Shelf<'f> {
    folder: &'f Folder,
    pub(super) page: Rc<Page>,
    pub(super) format: Option<&'static Format>,
    /// A file under `templates/`.
    pub(super) is_template: bool,
    /// The connector whose folder the file lies in, or would.
    own: String,
}

impl Page {
    pub(super) fn new(shown: &str, text: &str, cursor: Option<usize>) -> Rc<Self> {
        Rc::new(Self {
            shown: shown.to_owned(),
            tree: Value::of(text, cursor),
            text: text.to_owned(),
        })
    }

    fn of(file: &File) -> Rc<Self> {
        Self::new(&file.shown, &String::from_utf8_lossy(&file.bytes), None)
    }

    /// The text behind these keys.
    pub(super) fn said(&self, value: &Value, keys: &[&str]) -> String {
        let text = value.at(keys).and_then(|value| value.text(&self.text));
        crate::untrusted::person(text.unwrap_or_default(), 400)
    }
}

impl Thing {
    /// All of it, as Markdown.
    pub(super) fn told(&self) -> String {
        let about = if self.about.is_empty() {
            String::new()
        } else {
            format!("\n\n{}", self.about)
        };
        format!("**{}** ({}){about}", self.name, self.is)
    }
}

impl<'f> Shelf<'f> {
    /// The files around `text`, which is open as `path`.
    pub(super) fn new(folder: &'f Folder, path: &Path, text: &str, cursor: usize) -> Self {
        let page = Page::new(&path.display().to_string(), text, Some(cursor));
        let head = page.tree.at(&["andon"]).and_then(|head| head.text(text));
        let above = path.parent().and_then(Path::file_name);
        let by_place = match path.file_name().and_then(|name| name.to_str()) {
            Some("connector.yaml") => Format::of_head("connector/v1"),
            Some("andon.yaml") => Format::of_head("config/v1"),
            Some("kinds.yaml") => Format::of_head("kinds/v1"),
            _ if above.is_some_and(|above| above == "mappings") => Format::of_head("mapping/v1"),
            _ => None,
        };
        Self {
            folder,
            format: head.and_then(Format::of_head).or(by_place),
            is_template: path.extension().is_some_and(|ending| ending == "hbs"),
            own: above.map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            page,
        }
    }

    fn thing(page: &Rc<Page>, entry: &Entry, name: String, is: impl Into<String>) -> Thing {
        Thing {
            name,
            is: is.into(),
            about: page.said(&entry.value, &["about"]),
            page: Rc::clone(page),
            span: entry.key_span,
        }
    }

    /// The manifest of a connector.
    pub(super) fn manifest(&self, connector: &str) -> Option<Rc<Page>> {
        let path = format!("connectors/{connector}/connector.yaml");
        Some(Page::of(self.folder.files.get(&path)?))
    }

    /// What a name of this sort can be here.
    pub(super) fn things(&self, refers: Refers, spot: &Spot<'_>) -> Vec<Thing> {
        match refers {
            Refers::Signal => self.of_connectors("signals", "a signal"),
            Refers::Action => self.of_connectors("actions", "an action"),
            Refers::OwnSignal => Self::below(&self.page, &["signals"], "a signal"),
            Refers::Connector => self.connectors(),
            Refers::Connection => self.connections(),
            Refers::Destination => {
                let mut all = self.connections();
                all.retain(|one| {
                    let page = self.manifest(&one.is);
                    page.is_none_or(|page| page.tree.entry("deliver").is_some())
                });
                all
            }
            Refers::Kind => self.kinds(),
            Refers::Setting => self.settings(&[]),
            Refers::Secret => self.settings(&["secret"]),
            Refers::Url => self.settings(&["url"]),
            Refers::Read => match spot.keys().as_slice() {
                ["actions", verb, ..] => {
                    Self::below(&self.page, &["actions", verb, "reads"], "a request")
                }
                _ => Vec::new(),
            },
            Refers::Argument => self.takes(spot),
            Refers::File => self.files(spot),
        }
    }

    fn below(page: &Rc<Page>, keys: &[&str], is: &str) -> Vec<Thing> {
        let entries = page.tree.at(keys).map(Value::entries).unwrap_or_default();
        entries
            .iter()
            .filter(|entry| entry.has_colon)
            .map(|entry| Self::thing(page, entry, entry.key.clone(), is))
            .collect()
    }

    fn of_connectors(&self, key: &str, is: &str) -> Vec<Thing> {
        let mut found = Vec::new();
        for connector in self.folder.files.connectors() {
            let Some(page) = self.manifest(&connector) else {
                continue;
            };
            for mut thing in Self::below(&page, &[key], is) {
                thing.name = format!("{connector}/{}", thing.name);
                found.push(thing);
            }
        }
        found
    }

    fn connectors(&self) -> Vec<Thing> {
        let one = |name: String| {
            let page = self.manifest(&name)?;
            let entry = page.tree.entry("name")?;
            let mut thing = Self::thing(&page, entry, name, "a connector");
            thing.about = page.said(&page.tree, &["about"]);
            Some(thing)
        };
        let names = self.folder.files.connectors();
        names.into_iter().filter_map(one).collect()
    }

    /// Those of `andon.yaml`; what each is, is its connector.
    pub(super) fn connections(&self) -> Vec<Thing> {
        let page = if self.format.is_some_and(|format| format.name == "andon") {
            Rc::clone(&self.page)
        } else {
            Page::new(&self.folder.config.name, &self.folder.config.text, None)
        };
        let mut found = Self::below(&page, &["connections"], "a connection");
        for thing in &mut found {
            let connector = ["connections", &thing.name, "connector"];
            thing.is = page.said(&page.tree, &connector);
        }
        found
    }

    fn kinds(&self) -> Vec<Thing> {
        let mut found: Vec<Thing> = Vec::new();
        for file in self.folder.files.kinds() {
            let page = Page::of(file);
            for kind in page
                .tree
                .at(&["kinds"])
                .map(Value::items)
                .unwrap_or_default()
            {
                let Some(entry) = kind.entry("name") else {
                    continue;
                };
                let name = page.said(kind, &["name"]);
                found.retain(|known| known.name != name);
                let mut thing = Self::thing(&page, entry, name, page.said(kind, &["title"]));
                thing.about = page.said(kind, &["advice"]);
                thing.span = entry.value.span;
                found.push(thing);
            }
        }
        found
    }

    /// The settings of the open connector that are one of these; all of them for none.
    pub(super) fn settings(&self, wanted: &[&str]) -> Vec<Thing> {
        let mut found = Self::below(&self.page, &["settings"], "");
        for thing in &mut found {
            thing.is = self
                .page
                .said(&self.page.tree, &["settings", &thing.name, "is"]);
        }
        found.retain(|thing| wanted.is_empty() || wanted.contains(&thing.is.as_str()));
        found
    }

    /// The settings that a connection of this connector has.
    pub(super) fn settings_of(&self, connector: &str) -> Vec<Thing> {
        let Some(page) = self.manifest(connector) else {
            return Vec::new();
        };
        let mut found = Self::below(&page, &["settings"], "");
        for thing in &mut found {
            let setting = ["settings", &thing.name];
            let optional = page.said(&page.tree, &[setting[0], setting[1], "optional"]) == "true"
                || page.tree.at(&[setting[0], setting[1], "default"]).is_some();
            let need = if optional { "optional" } else { "needed" };
            let is = page.said(&page.tree, &[setting[0], setting[1], "is"]);
            thing.is = format!("{is}, {need}");
        }
        found
    }

    /// The arguments of the action that the innermost map around the place names.
    pub(super) fn takes(&self, spot: &Spot<'_>) -> Vec<Thing> {
        let around = self.beside(spot, "action");
        let Some((connector, verb)) = around.as_deref().and_then(|action| action.split_once('/'))
        else {
            return Vec::new();
        };
        match self.manifest(connector) {
            Some(page) => Self::below(&page, &["actions", verb, "takes"], "an argument"),
            None => Vec::new(),
        }
    }

    fn files(&self, spot: &Spot<'_>) -> Vec<Thing> {
        let connector = if self.format.is_some_and(|format| format.name == "connector") {
            self.own.clone()
        } else {
            let from = self.signal(spot).unwrap_or_default();
            from.split('/').next().unwrap_or_default().to_owned()
        };
        let prefix = format!("connectors/{connector}/");
        let files = self.folder.files.iter();
        files
            .filter_map(|(path, file)| {
                let name = path.strip_prefix(&prefix)?;
                let ending = Path::new(name).extension().unwrap_or_default();
                let is_data = ending != "yaml" && ending != "md";
                is_data.then(|| Thing {
                    name: name.to_owned(),
                    is: "a file".to_owned(),
                    about: String::new(),
                    page: Page::of(file),
                    span: Span::default(),
                })
            })
            .collect()
    }

    /// The text of `key` in the innermost map around a place that has it, root included.
    fn beside(&self, spot: &Spot<'_>, key: &str) -> Option<String> {
        let mut value = &self.page.tree;
        let mut found = value
            .entry(key)
            .and_then(|entry| entry.value.text(&self.page.text));
        for step in &spot.path {
            value = match (step, &value.held) {
                (Step::Key(name), Held::Map(_)) => &value.entry(name)?.value,
                (Step::Item(index), Held::List(items)) => items.get(*index)?,
                _ => break,
            };
            let here = value
                .entry(key)
                .and_then(|entry| entry.value.text(&self.page.text));
            found = here.or(found);
        }
        found.map(str::to_owned)
    }

    /// The signal that `signal` stands for at a place, as `connector/signal`.
    pub(super) fn signal(&self, spot: &Spot<'_>) -> Option<String> {
        match self.format?.name {
            "mapping" => self.beside(spot, "from"),
            "connector" => match spot.keys().as_slice() {
                ["signals", name, ..] => Some(format!("{}/{name}", self.own)),
                ["actions", ..] => Some(format!("{}/{}", self.own, self.beside(spot, "signal")?)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The schema of a signal, and its file.
    pub(super) fn schema(&self, signal: &str) -> Option<(Json, Rc<Page>)> {
        let (connector, name) = signal.split_once('/')?;
        let manifest = self.manifest(connector)?;
        let file = manifest.said(&manifest.tree, &["signals", name, "schema"]);
        let file = self
            .folder
            .files
            .get(&format!("connectors/{connector}/{file}"))?;
        let schema = serde_json::from_slice(&file.bytes).ok()?;
        Some((schema, Page::of(file)))
    }
}
