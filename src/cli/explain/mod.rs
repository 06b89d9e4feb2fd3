//! `andon explain MAPPING SIGNAL`: why a mapping says what it says about a signal, and what each
//! destination would get. Sends nothing.

pub(super) mod given;
mod part;
mod sent;
mod story;
mod text;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::api::{Api, segment};
use super::{Ended, Format, Where, output, shown};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::connector::{Connector, SettingKind};
use crate::daemon::{self, Folder};
use crate::diag::nearest;
use crate::id::Id;
use crate::mapping::Mapping;
use crate::signal::{Signal, SignalName};
use crate::untrusted::Untrusted;
use given::As;
use story::Story;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// A mapping, by its name or its file
    mapping: String,
    /// A file (a signal's data, a sample or a capture), a stored signal (`sig_…`), or `last`: the
    /// newest of those that the mapping is about
    signal: String,
    /// What was looked up: a JSON file such as { "version": { … } }
    #[arg(long, value_name = "FILE")]
    look_up: Option<PathBuf>,
    /// The signal in the file, where it is not the one under `from:`
    #[arg(long = "as", value_name = "CONNECTOR/SIGNAL")]
    name: Option<String>,
    /// The connection that it would come through; the first that fits without it
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// What `now` is; without it the present, or when a stored signal was read
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// Also show each event
    #[arg(long)]
    events: bool,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Explains.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let mut folder = at.folder(Path::new("."))?;
    let named = mapping_name(&typed.mapping, &mut folder)?;
    let (catalog, _) = daemon::load(&folder)?;
    let mapping = find(&catalog, &named)?;
    let found = match &typed.look_up {
        None => Map::new(),
        Some(path) => looked_up(path)?,
    };
    let stored = typed.signal == "last" || typed.signal.starts_with("sig_");
    let signals = if stored && !Path::new(&typed.signal).exists() {
        vec![from_store(&Api::open(at)?, &mapping.from, typed)?]
    } else {
        let now = typed.now.unwrap_or_else(|| Clock::system().now());
        from_file(&catalog, mapping, typed, now)?
    };
    let stories: Vec<Story> = signals
        .iter()
        .map(|signal| story::story(&catalog, mapping, signal, &found))
        .collect();
    match typed.format {
        Format::Text => output::text(&text::all(&stories, typed.events)),
        Format::Json => output::line(&output::json(&serde_json::to_value(&stories)?)),
    }
    Ok(Ended::Fine)
}

/// The name of a mapping that is typed as such or as a file; a file elsewhere is put among the others.
fn mapping_name(typed: &str, folder: &mut Folder) -> anyhow::Result<String> {
    let path = Path::new(typed);
    let is_file = path
        .extension()
        .is_some_and(|ending| ending == "yaml" || ending == "yml");
    if !is_file {
        return Ok(typed.to_owned());
    }
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let known = format!("mappings/{name}.yaml");
    match std::fs::read(path) {
        Ok(bytes) => folder.files.put(&known, typed, &bytes),
        Err(_) if folder.files.get(&known).is_some() => {}
        Err(error) => {
            return Err(error).with_context(|| format!("`{}` cannot be read", shown::text(typed)));
        }
    }
    Ok(name)
}

fn find<'c>(catalog: &'c Catalog, name: &str) -> anyhow::Result<&'c Mapping> {
    if let Some(mapping) = catalog.mappings.get(name) {
        return Ok(mapping);
    }
    let meant = nearest(name, catalog.mappings.keys().map(String::as_str));
    let help = meant.map_or_else(
        || "`andon check` says which files are read".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    bail!("there is no mapping `{}`; {help}", shown::text(name))
}

fn looked_up(path: &Path) -> anyhow::Result<Map<String, Json>> {
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("`{shown}` cannot be read"))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("`{shown}` is no JSON object such as {{ \"version\": {{ … }} }}"))
}

fn from_file(
    catalog: &Catalog,
    mapping: &Mapping,
    typed: &Typed,
    now: Timestamp,
) -> anyhow::Result<Vec<Signal>> {
    let name = match &typed.name {
        None => mapping.from.clone(),
        Some(name) => {
            let (connector, signal) = name
                .split_once('/')
                .context("a signal is named as CONNECTOR/SIGNAL, such as mlflow/alias-created")?;
            SignalName {
                connector: connector.to_owned(),
                signal: signal.to_owned(),
            }
        }
    };
    let rule = catalog
        .signal(&name)
        .with_context(|| format!("there is no signal `{}`", shown::text(&name.to_string())))?;
    let connection = match &typed.connection {
        Some(wanted) => Some(
            catalog
                .config
                .connection(wanted)
                .with_context(|| format!("there is no connection `{}`", shown::text(wanted)))?,
        ),
        None => catalog
            .config
            .connections
            .iter()
            .find(|connection| connection.connector.name == name.connector),
    };
    let none = placeholders(&catalog.connectors, &name.connector);
    let wanted = As {
        name: &name,
        rule,
        connection: connection.map_or(name.connector.as_str(), |found| found.name.as_str()),
        settings: connection.map_or(&none, |found| &found.settings),
        now,
    };
    Ok(given::read(Path::new(&typed.signal), wanted)?)
}

/// Settings of a connector that no connection is configured for: what a sample needs to be read.
pub(super) fn placeholders(connectors: &BTreeMap<String, Arc<Connector>>, name: &str) -> Json {
    let settings = connectors.get(name).map(|connector| &connector.settings);
    let settings = settings
        .into_iter()
        .flatten()
        .filter(|setting| setting.kind != SettingKind::Secret)
        .map(|setting| {
            let stands_for = || Json::from(format!("<{}>", setting.name));
            let value = setting.default.clone().unwrap_or_else(stands_for);
            (setting.name.clone(), value)
        });
    Json::Object(settings.collect())
}

fn from_store(api: &Api, from: &SignalName, typed: &Typed) -> anyhow::Result<Signal> {
    let id = if typed.signal == "last" {
        newest(api, from)?
    } else {
        typed.signal.clone()
    };
    let json = api.get(&format!("/v1/signals/{}", segment(&id)?), &[])?;
    stored(&json, typed.now).context("the daemon's answer is no signal")
}

/// The newest signal of one name, whatever became of it.
pub(super) fn newest(api: &Api, name: &SignalName) -> anyhow::Result<String> {
    let query = [("signal", name.to_string()), ("limit", "1".to_owned())];
    let json = api.get("/v1/signals", &query)?;
    let id = json.pointer("/signals/0/id").and_then(Json::as_str);
    id.map(str::to_owned)
        .with_context(|| format!("no signal `{name}` is stored"))
}

/// A signal as the API shows it.
pub(super) fn stored(json: &Json, now: Option<Timestamp>) -> Option<Signal> {
    let text = |key: &str| json.get(key).and_then(Json::as_str);
    let time = |key: &str| text(key).and_then(|text| text.parse::<Timestamp>().ok());
    let name = text("name").or_else(|| text("signal"))?;
    let (connector, signal) = name.split_once('/')?;
    let received_at = time("received_at")?;
    Some(Signal {
        id: text("id")?.parse().unwrap_or_else(|_| Id::from_raw(0)),
        connection: text("connection")?.to_owned(),
        name: SignalName {
            connector: connector.to_owned(),
            signal: signal.to_owned(),
        },
        vendor_id: text("vendor_id").unwrap_or_default().to_owned(),
        at: time("at").unwrap_or(received_at),
        received_at,
        now: now.or_else(|| time("now")).unwrap_or(received_at),
        change: json
            .get("change")
            .and_then(|change| serde_json::from_value(change.clone()).ok()),
        echo_of: None,
        data: Untrusted::new(json.get("data")?.into()),
    })
}
