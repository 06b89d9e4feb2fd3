//! From files to a [`Catalog`]: everything is read, and everything wrong is said, in one run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::{Catalog, Files, kinds, reach};
use crate::config;
use crate::connector::{self, Connector};
use crate::diag::{Code, Faults, Fragment, Source, Span, codes, nearest};
use crate::kind::Kind;
use crate::mapping::{self, Known, Mapping};
use crate::shape::Templates;
use crate::template::Template;

/// A connection of a connector that does not have the action.
const WRONG_CONNECTION: Code = Code("AND0531");
/// A file that is no UTF-8.
const NOT_TEXT: Code = Code("AND0123");
/// A connector's folder without a manifest.
const NO_MANIFEST: Code = Code("AND0404");

/// What templates under `templates/` may name: the words of an alert.
const TEMPLATE_NAMES: [&str; 20] = [
    "id",
    "event_id",
    "revision",
    "state",
    "kind",
    "severity",
    "title",
    "summary",
    "at",
    "first_seen",
    "last_seen",
    "count",
    "mapping",
    "model",
    "measured",
    "fields",
    "evidence",
    "origin",
    "links",
    "contain",
];

/// Reads everything. `config` is `andon.yaml`. `None` when anything is wrong; warnings may come with a catalog.
pub fn load(files: &Files, config: &Arc<Source>, faults: &mut Faults) -> Option<Catalog> {
    let start = faults.errors();
    let templates = templates(files, faults);
    let (connectors, unsound) = connectors(files, &templates, faults);
    let before_kinds = faults.errors();
    let kinds = all_kinds(files, faults);
    let known = Known {
        connectors: &connectors,
        unsound: &unsound,
        kinds: &kinds,
        all_kinds: faults.errors() == before_kinds,
    };
    let mappings = mappings(files, known, faults);
    let config_read = config::parse(config, &connectors, &unsound, faults);
    let mut catalog = Catalog {
        connectors,
        mappings,
        kinds,
        config: config_read?,
        hash: digest(files, config),
        by_signal: HashMap::new(),
    };
    check_places(&catalog, faults);
    reach::routes(&catalog, faults);
    reach::same_keys(&catalog, faults);
    (faults.errors() == start).then_some(())?;
    catalog.index();
    Some(catalog)
}

fn text(path: &str, file: &super::files::File, faults: &mut Faults) -> Option<Arc<Source>> {
    match std::str::from_utf8(&file.bytes) {
        Ok(text) => Some(Source::new(file.shown.clone(), text)),
        Err(error) => {
            let source = Source::new(file.shown.clone(), String::from_utf8_lossy(&file.bytes));
            let at = error.valid_up_to();
            faults
                .error(
                    NOT_TEXT,
                    crate::diag::Place::new(&source, Span::new(at, at)),
                    format!("`{path}` is no UTF-8 text"),
                )
                .help("save it as UTF-8");
            None
        }
    }
}

fn templates(files: &Files, faults: &mut Faults) -> Templates {
    let mut templates = Templates::new();
    for (path, file) in files.iter() {
        let Some(name) = path
            .strip_prefix("templates/")
            .and_then(|rest| rest.strip_suffix(".hbs"))
        else {
            continue;
        };
        let Some(source) = text(path, file, faults) else {
            continue;
        };
        let read = Template::parse_file(&source, &TEMPLATE_NAMES, faults);
        // An empty one stands for one that is unsound, so that nobody is told that it is missing. With
        // a fault there is no catalog, so it is never rendered.
        let empty = || Template::parse(&Fragment::whole(name, ""), &[], &mut Faults::new());
        if let Some(template) = read.or_else(empty) {
            templates.insert(name.to_owned(), Arc::new(template));
        }
    }
    templates
}

/// The connectors, and the names of those that have a folder and are not sound: what stands on them
/// is not told again that they are missing.
fn connectors(
    files: &Files,
    templates: &Templates,
    faults: &mut Faults,
) -> (BTreeMap<String, Arc<Connector>>, BTreeSet<String>) {
    let mut connectors = BTreeMap::new();
    let mut unsound = BTreeSet::new();
    for name in files.connectors() {
        let path = format!("connectors/{name}/connector.yaml");
        let Some(file) = files.get(&path) else {
            let source = Source::new(format!("connectors/{name}"), "");
            faults
                .error(
                    NO_MANIFEST,
                    crate::diag::Place::new(&source, Span::default()),
                    format!("the folder `connectors/{name}` has no connector.yaml"),
                )
                .help("write `andon: connector/v1` there, or take the folder away");
            unsound.insert(name);
            continue;
        };
        let read = text(&path, file, faults).and_then(|source| {
            connector::parse(&source, &name, &files.beside(&name), templates, faults)
        });
        match read {
            Some(connector) => {
                connectors.insert(name, Arc::new(connector));
            }
            None => {
                unsound.insert(name);
            }
        }
    }
    (connectors, unsound)
}

fn all_kinds(files: &Files, faults: &mut Faults) -> BTreeMap<String, Arc<Kind>> {
    let mut kinds = BTreeMap::new();
    for file in files.kinds() {
        if let Some(source) = text("kinds.yaml", file, faults) {
            kinds.extend(kinds::parse(&source, faults));
        }
    }
    kinds
}

fn mappings(
    files: &Files,
    known: Known<'_>,
    faults: &mut Faults,
) -> BTreeMap<String, Arc<Mapping>> {
    let mut mappings = BTreeMap::new();
    for (path, file) in files.iter() {
        let name = path.strip_prefix("mappings/").and_then(|rest| {
            rest.strip_suffix(".yaml")
                .or_else(|| rest.strip_suffix(".yml"))
        });
        let Some(name) = name.filter(|name| !name.contains('/')) else {
            continue;
        };
        let Some(source) = text(path, file, faults) else {
            continue;
        };
        if let Some(mapping) = mapping::parse(&source, name, known, faults) {
            mappings.insert(name.to_owned(), Arc::new(mapping));
        }
    }
    mappings
}

/// Connections that mappings name have to be there and to fit.
fn check_places(catalog: &Catalog, faults: &mut Faults) {
    let near = |at: &str| {
        let known = catalog.config.connections.iter();
        nearest(at, known.map(|connection| connection.name.as_str())).map(str::to_owned)
    };
    for mapping in catalog.mappings.values() {
        for rule in &mapping.contain {
            let Some(at) = &rule.at else { continue };
            match catalog.config.connection(at) {
                Some(connection) if connection.connector.name == rule.connector => {}
                Some(connection) => {
                    faults
                        .error(
                            WRONG_CONNECTION,
                            rule.place.clone(),
                            format!(
                                "`{at}` is a connection of {}, and this action is one of {}",
                                connection.connector.name, rule.connector
                            ),
                        )
                        .help(format!("name a connection of {}", rule.connector));
                }
                None => {
                    let fault = faults.error(
                        codes::UNKNOWN_CONNECTION,
                        rule.place.clone(),
                        format!("there is no connection `{at}` in andon.yaml"),
                    );
                    match near(at) {
                        Some(meant) => fault
                            .label(format!("did you mean `{meant}`?"))
                            .help(format!("write `at: {meant}`")),
                        None => fault.help("write it there, or leave `at:` out"),
                    };
                }
            }
        }
        for look_up in &mapping.look_up {
            if let Some(at) = &look_up.at
                && catalog.config.connection(at).is_none()
            {
                let fault = faults.error(
                    codes::UNKNOWN_CONNECTION,
                    look_up.place.clone(),
                    format!("there is no connection `{at}` in andon.yaml"),
                );
                match near(at) {
                    Some(meant) => fault
                        .label(format!("did you mean `{meant}`?"))
                        .help(format!("write `at: {meant}`")),
                    None => fault.help(
                        "write it there, or leave `at:` out to ask the signal's own connection",
                    ),
                };
            }
        }
    }
}

/// A digest of everything that a catalog is made of, in hexadecimal digits.
pub fn digest(files: &Files, config: &Source) -> String {
    let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for (path, file) in files.iter() {
        digest.update(path.as_bytes());
        digest.update(&[0]);
        digest.update(&file.bytes);
        digest.update(&[0]);
    }
    digest.update(config.text.as_bytes());
    data_encoding::HEXLOWER.encode(digest.finish().as_ref())
}
