//! From a file to the signals that it stands for.
//!
//! A file may hold a signal's data as mappings see them, or what a system sends (a sample, a capture):
//! that goes through the connector's manifest as it would on arrival. Which of the two it is, the
//! signal's schema tells.

use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::catalog::Catalog;
use crate::config::Connection;
use crate::connector::{Input, Open, SettingKind, SignalRule, Way};
use crate::document::Document;
use crate::expr::Value;
use crate::id::Id;
use crate::signal::{Signal, SignalName};
use crate::untrusted::Untrusted;

/// Why a file gives no signal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It cannot be read.
    #[error("`{path}` cannot be read")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The archive holds no such member.
    #[error("`{path}` is no archive with a member `{member}`")]
    NoMember {
        /// The file.
        path: String,
        /// The member.
        member: String,
    },
    /// It is no JSON.
    #[error("`{path}` is no JSON: it breaks off at line {line}, column {column}")]
    NotJson {
        /// The file.
        path: String,
        /// Where it breaks off.
        line: usize,
        /// Where it breaks off.
        column: usize,
    },
    /// It fits neither way.
    #[error(
        "`{path}` is neither data of `{name}` ({as_data}) nor something that `{name}` arrives in ({as_arrived})"
    )]
    Neither {
        /// The file.
        path: String,
        /// The signal.
        name: SignalName,
        /// Why it is no data.
        as_data: String,
        /// Why nothing arrives in it.
        as_arrived: String,
    },
}

/// The largest file that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What a file is read as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct As<'a> {
    /// The signal.
    pub(crate) name: &'a SignalName,
    /// Its rule.
    pub(crate) rule: &'a SignalRule,
    /// The connection that it would come through.
    pub(crate) connection: &'a str,
    /// That connection's settings.
    pub(crate) settings: &'a Json,
    /// When it is read.
    pub(crate) now: Timestamp,
}

/// Reads the signals of a file, as they would come through a connection: the first of their connector, where
/// none is named. None where there is no such signal.
pub(crate) fn read(
    path: &Path,
    name: &SignalName,
    connection: Option<&Connection>,
    catalog: &Catalog,
    now: Timestamp,
) -> Result<Vec<Signal>, Error> {
    let Some(rule) = catalog.signal(name) else {
        return Ok(Vec::new());
    };
    let connection = connection.or_else(|| {
        let mut connections = catalog.config.connections.iter();
        connections.find(|connection| connection.connector.name == name.connector)
    });
    let none = placeholders(catalog, &name.connector);
    let wanted = As {
        name,
        rule,
        connection: connection.map_or(name.connector.as_str(), |found| found.name.as_str()),
        settings: connection.map_or(&none, |found| &found.settings),
        now,
    };
    let shown = path.display().to_string();
    let unreadable = |source| Error::Unreadable {
        path: shown.clone(),
        source,
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(unreadable)?
        .take(LARGEST)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    from_bytes(&shown, bytes, wanted)
}

/// The signals of a file's bytes.
pub(crate) fn from_bytes(
    shown: &str,
    bytes: Vec<u8>,
    wanted: As<'_>,
) -> Result<Vec<Signal>, Error> {
    let rule = wanted.rule;
    let bytes = match &rule.way {
        Way::File(file) if bytes.starts_with(b"PK") => {
            let Open::Zip { member } = &file.open else {
                return Err(Error::NoMember {
                    path: shown.to_owned(),
                    member: String::new(),
                });
            };
            member_of(bytes, member).ok_or_else(|| Error::NoMember {
                path: shown.to_owned(),
                member: member.clone(),
            })?
        }
        _ => bytes,
    };
    let is_rows = matches!(&rule.way, Way::File(file) if file.open == Open::Jsonl);
    let json: Json = if is_rows {
        let rows: Result<Vec<Json>, _> = serde_json::Deserializer::from_slice(&bytes)
            .into_iter()
            .collect();
        Json::Array(rows.map_err(|error| not_json(shown, &error))?)
    } else {
        serde_json::from_slice(&bytes).map_err(|error| not_json(shown, &error))?
    };
    let as_arrived = match arrived(shown, &json, &bytes, is_rows, wanted) {
        Ok(signals) if !signals.is_empty() => return Ok(signals),
        Ok(_) => "no signal is in it".to_owned(),
        Err(why) => why,
    };
    match fits(rule, &json) {
        Ok(()) => Ok(vec![signal(wanted, None, None, json)]),
        Err(as_data) => Err(Error::Neither {
            path: shown.to_owned(),
            name: wanted.name.clone(),
            as_data,
            as_arrived,
        }),
    }
}

/// Settings of a connector that no connection is configured for: what a sample needs to be read.
fn placeholders(catalog: &Catalog, connector: &str) -> Json {
    let connector = catalog.connectors.get(connector);
    let settings = connector
        .into_iter()
        .flat_map(|connector| &connector.settings)
        .filter(|setting| setting.kind != SettingKind::Secret)
        .map(|setting| {
            let stands_for = || Json::from(format!("<{}>", setting.name));
            let value = setting.default.clone().unwrap_or_else(stands_for);
            (setting.name.clone(), value)
        });
    Json::Object(settings.collect())
}

fn not_json(shown: &str, error: &serde_json::Error) -> Error {
    Error::NotJson {
        path: shown.to_owned(),
        line: error.line(),
        column: error.column(),
    }
}

fn member_of(bytes: Vec<u8>, member: &str) -> Option<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).ok()?;
    let mut found = Vec::new();
    archive
        .by_name(member)
        .ok()?
        .take(LARGEST)
        .read_to_end(&mut found)
        .ok()?;
    Some(found)
}

/// What the manifest cuts out of it; an error says why it is not what the signal arrives in.
fn arrived(
    shown: &str,
    json: &Json,
    bytes: &[u8],
    is_rows: bool,
    wanted: As<'_>,
) -> Result<Vec<Signal>, String> {
    let rule = wanted.rule;
    let (header, body) = recorded(json);
    let text = String::from_utf8_lossy(bytes);
    let file = json!({
        "path": shown,
        "modified": wanted.now.to_string(),
        "sha256": digest(bytes),
        "size": bytes.len(),
    });
    let mut input = Input::new(wanted.settings, wanted.now);
    input.header = header;
    input.text = &text;
    match &rule.way {
        Way::File(_) => input.file = &file,
        Way::Poll(_) => input.status = Some(200),
        Way::Webhook { .. } | Way::Own(_) => {}
    }
    if is_rows {
        input.rows = json;
    } else {
        input.body = Value::from_json(body);
    }
    let scope = rule.scope(&input);
    let only_if = match &rule.way {
        Way::Webhook { only_if } => only_if.as_ref(),
        Way::File(file) => file.only_if.as_ref(),
        Way::Poll(_) | Way::Own(_) => None,
    };
    if let Some(only_if) = only_if
        && !only_if.holds(&scope).unwrap_or(false)
    {
        return Err(format!("`{}` does not hold", only_if.source()));
    }
    let mut signals = Vec::new();
    for extracted in rule.extract(&input).map_err(|error| error.to_string())? {
        let extracted = extracted.map_err(|error| error.to_string())?;
        let data = extracted.data.to_json();
        fits(rule, &data)?;
        signals.push(signal(wanted, extracted.vendor_id, extracted.at, data));
    }
    Ok(signals)
}

/// A recording with headers is `{ headers, body }`; anything else is the body itself.
fn recorded(json: &Json) -> (&Json, &Json) {
    match json.as_object() {
        Some(map) if map.len() == 2 => match (map.get("headers"), map.get("body")) {
            (Some(headers), Some(body)) => (headers, body),
            _ => (&Json::Null, json),
        },
        _ => (&Json::Null, json),
    }
}

fn fits(rule: &SignalRule, data: &Json) -> Result<(), String> {
    let Some(schema) = &rule.schema else {
        return Ok(());
    };
    // What Andon adds is not the schema's: a file that was shown by Andon fits too.
    let mut data = data.clone();
    if let Some(map) = data.as_object_mut() {
        for name in ["at", "id", "change"] {
            map.remove(name);
        }
    }
    let data = Document::from(data);
    match schema.iter_errors(data.root()).next() {
        None => Ok(()),
        Some(error) => {
            let at = error.instance_path().to_string();
            let at = if at.is_empty() {
                "it".to_owned()
            } else {
                format!("`{at}`")
            };
            Err(format!("{at} does not fit {}", rule.schema_file))
        }
    }
}

fn signal(
    wanted: As<'_>,
    vendor_id: Option<String>,
    at: Option<Timestamp>,
    mut data: Json,
) -> Signal {
    let given = |key: &str| data.get(key).and_then(Json::as_str);
    let at = at
        .or_else(|| given("at").and_then(|at| at.parse().ok()))
        .unwrap_or(wanted.now);
    let vendor_id = vendor_id
        .or_else(|| given("id").map(str::to_owned))
        .unwrap_or_else(|| digest(data.to_string().as_bytes()));
    if let Json::Object(map) = &mut data {
        added(map, at, &vendor_id);
    }
    Signal {
        id: Id::from_raw(0),
        connection: wanted.connection.to_owned(),
        name: wanted.name.clone(),
        vendor_id,
        at,
        received_at: wanted.now,
        now: wanted.now,
        change: None,
        echo_of: None,
        data: Untrusted::new(data.into()),
    }
}

/// `signal.at` and `signal.id` are Andon's.
fn added(map: &mut Map<String, Json>, at: Timestamp, vendor_id: &str) {
    map.entry("at").or_insert_with(|| at.to_string().into());
    map.entry("id").or_insert_with(|| vendor_id.into());
}

fn digest(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    data_encoding::HEXLOWER.encode(digest.as_ref())
}
