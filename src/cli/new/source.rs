//! Which signal a file holds, or the store: what a mapping is written from.

use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value as Json;

use super::MappingTyped;
use crate::catalog::{Catalog, Files};
use crate::cli::api::Api;
use crate::cli::explain::asked::{by_id, connection, newest};
use crate::cli::explain::given;
use crate::cli::{Where, shown};
use crate::clock::Clock;
use crate::connector::OWN;
use crate::diag::nearest;
use crate::expr::Type;
use crate::signal::{Signal, SignalName};

/// Signals of one name.
pub(super) struct Source {
    /// Their name.
    pub(super) name: SignalName,
    /// Their data.
    pub(super) data: Vec<Json>,
    /// What the schema says of them.
    pub(super) of: Type,
    /// What they were read from.
    pub(super) shown: String,
}

/// A connector that takes anything: nothing shows that a file is a signal of it.
const TAKES_ANYTHING: &str = "generic";

/// Finds out what was given, and reads it.
pub(super) fn source(
    from: &[String],
    typed: &MappingTyped,
    at: &Where,
    catalog: &Catalog,
) -> anyhow::Result<Source> {
    let wanted = wanted(typed, catalog)?;
    let mut signals: Vec<Signal> = Vec::new();
    let mut read_from = Vec::new();
    for one in from {
        let is_stored = one == "last" || one.starts_with("sig_");
        if is_stored && !Path::new(one).exists() {
            signals.push(from_store(one, &wanted, at)?);
            read_from.push("a signal in the store".to_owned());
        } else {
            signals.extend(from_file(Path::new(one), &wanted, typed, catalog)?);
            read_from.push(shown::text(one));
        }
    }
    let first = signals.first().context("there is no signal in it")?;
    let name = first.name.clone();
    if let Some(other) = signals.iter().find(|signal| signal.name != name) {
        bail!(
            "these are two signals, `{name}` and `{}`; write a mapping for each",
            other.name
        );
    }
    let rule = catalog
        .signal(&name)
        .with_context(|| format!("there is no signal `{name}` any more"))?;
    Ok(Source {
        of: rule.data_type.clone(),
        data: signals
            .iter()
            .map(|signal| signal.data.as_data().root().to_json())
            .collect(),
        name,
        shown: read_from.join(", "),
    })
}

/// The signals that were asked for; all where none was.
fn wanted(typed: &MappingTyped, catalog: &Catalog) -> anyhow::Result<Vec<SignalName>> {
    let connection = match &typed.connection {
        None => None,
        Some(name) => Some(connection(name, catalog)?),
    };
    let of_connector = |connector: &str| -> Vec<SignalName> {
        let connector = catalog.connectors.get(connector);
        let signals = connector.into_iter().flat_map(|connector| {
            connector.signals.iter().map(|signal| SignalName {
                connector: connector.name.clone(),
                signal: signal.name.clone(),
            })
        });
        signals.collect()
    };
    let all: Vec<SignalName> = match (&connection, &typed.signal) {
        (Some(connection), _) => of_connector(&connection.connector.name),
        (None, Some(_)) => catalog
            .connectors
            .keys()
            .flat_map(|name| of_connector(name))
            .collect(),
        (None, None) => catalog
            .connectors
            .keys()
            .filter(|name| ![OWN, TAKES_ANYTHING].contains(&name.as_str()))
            .flat_map(|name| of_connector(name))
            .collect(),
    };
    let Some(signal) = &typed.signal else {
        return Ok(all);
    };
    let found: Vec<SignalName> = all
        .iter()
        .filter(|name| name.signal == *signal || name.to_string() == *signal)
        .cloned()
        .collect();
    if found.is_empty() {
        let known: Vec<String> = all
            .iter()
            .flat_map(|name| [name.signal.clone(), name.to_string()])
            .collect();
        let meant = nearest(signal, known.iter().map(String::as_str));
        let help = meant.map_or_else(
            || "`andon connectors NAME` lists those of a connector".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        bail!("there is no signal `{}`; {help}", shown::text(signal));
    }
    Ok(found)
}

fn from_store(id: &str, wanted: &[SignalName], at: &Where) -> anyhow::Result<Signal> {
    let api = Api::open(at)?;
    let id = match (id, wanted) {
        ("last", [only]) => newest(&api, only)?,
        ("last", _) => bail!("say the newest of which signals: --signal CONNECTOR/SIGNAL"),
        (id, _) => id.to_owned(),
    };
    by_id(&api, &id, None)
}

fn from_file(
    path: &Path,
    wanted: &[SignalName],
    typed: &MappingTyped,
    catalog: &Catalog,
) -> anyhow::Result<Vec<Signal>> {
    let now = Clock::system().now();
    let connection = typed.connection.as_deref();
    let connection = connection.and_then(|name| catalog.config.connection(name));
    let shown = shown::text(&path.display().to_string());
    let mut found: Vec<Vec<Signal>> = Vec::new();
    let mut refused = None;
    for name in wanted {
        match given::read(path, name, connection, catalog, now) {
            Ok(signals) => found.extend((!signals.is_empty()).then_some(signals)),
            Err(error @ (given::Error::Unreadable { .. } | given::Error::NotJson { .. })) => {
                // Files of another sort are read otherwise; the reason counts where nothing fits.
                refused.get_or_insert(error);
            }
            Err(error) if wanted.len() == 1 => return Err(error.into()),
            // It is another signal.
            Err(given::Error::Neither { .. } | given::Error::NoMember { .. }) => {}
        }
    }
    // One that a connection brings is likelier than one that none does.
    let is_connected = |signals: &Vec<Signal>| {
        let connector = signals.first().map(|signal| signal.name.connector.as_str());
        let mut written = catalog.config.written();
        written.any(|connection| Some(connection.connector.name.as_str()) == connector)
    };
    if found.len() > 1 && found.iter().any(is_connected) {
        found.retain(is_connected);
    }
    match (found.len(), refused) {
        (1, _) => Ok(found.into_iter().flatten().collect()),
        (0, Some(error)) => Err(error.into()),
        (0, None) => bail!(
            "`{shown}` is no signal that Andon knows; `andon new connector --from {shown} NAME` writes a connector for \
             it, with its first mapping"
        ),
        _ => {
            let names: Vec<String> = found
                .iter()
                .filter_map(|signals| Some(signals.first()?.name.to_string()))
                .collect();
            bail!(
                "`{shown}` could be {}; say which with --signal",
                names.join(" or ")
            )
        }
    }
}

/// The schema of a signal, for the words that its fields take.
pub(super) fn schema(files: &Files, catalog: &Catalog, name: &SignalName) -> Option<Json> {
    let rule = catalog.signal(name)?;
    let path = format!("connectors/{}/{}", name.connector, rule.schema_file);
    serde_json::from_slice(&files.get(&path)?.bytes).ok()
}
