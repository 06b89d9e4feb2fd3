//! What was asked about: which mapping, which signals, what was looked up, and which alert is open.

use std::path::Path;

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::given;
use super::outlook::Known;
use crate::alert::Alert;
use crate::catalog::Catalog;
use crate::cli::api::{self, Api, segment};
use crate::cli::{Where, shown};
use crate::clock::Clock;
use crate::config::Connection;
use crate::daemon::Folder;
use crate::diag::nearest;
use crate::id::Id;
use crate::mapping::Mapping;
use crate::signal::{Signal, SignalName};
use crate::untrusted::Untrusted;

/// How a signal is read.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cli) struct How<'t> {
    /// The signal in a file, where it is not the mapping's.
    pub(in crate::cli) name: Option<&'t str>,
    /// The connection that it would come through.
    pub(in crate::cli) connection: Option<&'t str>,
    /// What `now` is.
    pub(in crate::cli) now: Option<Timestamp>,
}

/// The signals that were named: a file's, or one that is stored.
pub(in crate::cli) fn signals(
    at: &Where,
    catalog: &Catalog,
    mapping: &Mapping,
    named: &str,
    how: How<'_>,
) -> anyhow::Result<Vec<Signal>> {
    let stored = named == "last" || named.starts_with("sig_");
    if stored && !Path::new(named).exists() {
        let signal = from_store(&Api::open(at)?, &mapping.from, named, how.now)?;
        return Ok(vec![signal]);
    }
    let now = how.now.unwrap_or_else(|| Clock::system().now());
    from_file(catalog, mapping, named, how, now)
}

/// What was looked up: nothing without a file.
pub(in crate::cli) fn looked_up(path: Option<&Path>) -> anyhow::Result<Map<String, Json>> {
    let Some(path) = path else {
        return Ok(Map::new());
    };
    let shown = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("`{shown}` cannot be read"))?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("`{shown}` is no JSON object such as {{ \"version\": {{ … }} }}"))
}

/// The open alert of a key, where a daemon can be asked.
pub(super) fn open_alert(at: &Where, mapping: &Mapping, key: &str) -> Known {
    let asked = || -> anyhow::Result<Known> {
        let query = [
            ("open", "true".to_owned()),
            ("mapping", mapping.name.clone()),
            ("key", key.to_owned()),
        ];
        let answer = Api::open(at)?.get("/v1/alerts", &query)?;
        let alerts = answer.get("alerts").and_then(Json::as_array);
        let mut alerts = alerts
            .context("the daemon's answer is no list of alerts")?
            .iter()
            .map(|alert| serde_json::from_value::<Alert>(alert.clone()));
        let found = alerts.find(|alert| alert.as_ref().is_ok_and(|alert| alert.key == key));
        Ok(match found {
            Some(alert) => Known::Open(Box::new(alert?)),
            None => Known::None,
        })
    };
    asked().unwrap_or_else(|error| {
        let why = error.to_string();
        Known::NotAsked(why.split(';').next().unwrap_or_default().to_owned())
    })
}

/// The name of a mapping that is typed as such or as a file; a file elsewhere is put among the others.
pub(in crate::cli) fn mapping_name(typed: &str, folder: &mut Folder) -> anyhow::Result<String> {
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

pub(in crate::cli) fn find<'c>(catalog: &'c Catalog, name: &str) -> anyhow::Result<&'c Mapping> {
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

fn from_file(
    catalog: &Catalog,
    mapping: &Mapping,
    named: &str,
    how: How<'_>,
    now: Timestamp,
) -> anyhow::Result<Vec<Signal>> {
    let name = match how.name {
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
    catalog
        .signal(&name)
        .with_context(|| format!("there is no signal `{}`", shown::text(&name.to_string())))?;
    let connection = how
        .connection
        .map(|wanted| connection(wanted, catalog))
        .transpose()?;
    Ok(given::read(
        Path::new(named),
        &name,
        connection,
        catalog,
        now,
    )?)
}

/// The connection that was typed.
pub(in crate::cli) fn connection<'c>(
    name: &str,
    catalog: &'c Catalog,
) -> anyhow::Result<&'c Connection> {
    if let Some(connection) = catalog.config.connection(name) {
        return Ok(connection);
    }
    let known = catalog
        .config
        .written()
        .map(|connection| connection.name.as_str());
    let help = nearest(name, known).map_or_else(
        || "`andon.yaml` names the connections".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    bail!("there is no connection `{}`; {help}", shown::text(name))
}

fn from_store(
    api: &Api,
    from: &SignalName,
    named: &str,
    now: Option<Timestamp>,
) -> anyhow::Result<Signal> {
    let id = if named == "last" {
        newest(api, from)?
    } else {
        named.to_owned()
    };
    by_id(api, &id, now)
}

/// A stored signal.
pub(in crate::cli) fn by_id(api: &Api, id: &str, now: Option<Timestamp>) -> anyhow::Result<Signal> {
    let json = asked(api, &format!("/v1/signals/{}", segment(id)?), &[])?;
    stored(&json, now).context("the daemon's answer is no signal")
}

/// Signals in the store are the daemon's to show; where none answers, there is another way.
fn asked(api: &Api, path: &str, query: &[(&str, String)]) -> anyhow::Result<Json> {
    api.get(path, query).map_err(|error| match error {
        api::Error::NotRunning { .. } | api::Error::NoToken { .. } => anyhow::Error::new(error)
            .context(
                "`last` and `sig_…` are signals in the store, for which the daemon is asked, and it has to be running; \
                 without it, name a file that holds the signal, such as signal.json",
            ),
        other => other.into(),
    })
}

/// The newest signal of one name, whatever became of it.
pub(in crate::cli) fn newest(api: &Api, name: &SignalName) -> anyhow::Result<String> {
    let query = [("signal", name.to_string()), ("limit", "1".to_owned())];
    let json = asked(api, "/v1/signals", &query)?;
    let id = json.pointer("/signals/0/id").and_then(Json::as_str);
    id.map(str::to_owned)
        .with_context(|| format!("no signal `{name}` is stored"))
}

/// A signal as the API shows it.
fn stored(json: &Json, now: Option<Timestamp>) -> Option<Signal> {
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
        echo_of: text("echo_of").and_then(|id| id.parse().ok()),
        data: Untrusted::new(json.get("data")?.into()),
    })
}
