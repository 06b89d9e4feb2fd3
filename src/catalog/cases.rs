//! Samples of connectors as the signals they stand for, and the tests of mappings run over them.

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::{Catalog, Files};
use crate::connector::{self, Connector, Input, SettingKind, SignalRule, Way};
use crate::expr::Value;
use crate::id::Id;
use crate::mapping::{Case, Given, Mapping, Outcome};
use crate::signal::{Signal, SignalName, with_own_fields};
use crate::untrusted::Untrusted;

/// The largest sample, unpacked, in bytes.
const LARGEST: usize = 64 << 20;

/// When samples are read, where a test names no `now`.
const READ_AT: &str = "2026-11-23T08:00:00Z";

/// A test of a mapping, run.
#[derive(Debug)]
pub struct Ran<'m> {
    /// The test.
    pub case: &'m Case,
    /// The signals that it stands for; none where time passes, or where they cannot be read.
    pub signals: Vec<Signal>,
    /// How it went.
    pub outcome: Outcome,
}

/// Runs every test of a mapping. A `capture:` is a sample of the connector, read through its manifest.
pub fn run_cases<'m>(catalog: &Catalog, mapping: &'m Mapping, files: &Files) -> Vec<Ran<'m>> {
    let run = |case: &'m Case| {
        let (signals, outcome) = match given(catalog, mapping, case, files) {
            Ok(signals) => {
                let outcome = case.run(mapping, &signals);
                (signals, outcome)
            }
            Err(why) => (Vec::new(), Outcome::of(&case.gives, vec![Err(why)])),
        };
        Ran {
            case,
            signals,
            outcome,
        }
    };
    mapping.cases.iter().map(run).collect()
}

/// The signals that a test stands for.
fn given(
    catalog: &Catalog,
    mapping: &Mapping,
    case: &Case,
    files: &Files,
) -> Result<Vec<Signal>, String> {
    match &case.given {
        Given::After(_) => Ok(Vec::new()),
        Given::Signal { .. } => {
            let signal = case.signal(mapping);
            signal
                .map(|signal| vec![signal])
                .ok_or_else(|| "no signal".to_owned())
        }
        Given::Capture(sample) => {
            let name = mapping
                .signals()
                .find(|name| {
                    catalog
                        .signal(name)
                        .is_some_and(|rule| rule.sample.as_ref() == Some(sample))
                })
                .unwrap_or(&mapping.from);
            captured(
                catalog,
                name,
                sample,
                files,
                case.now.unwrap_or_else(read_at),
            )
        }
    }
}

fn read_at() -> Timestamp {
    READ_AT.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The signals that a sample holds for the signal `name`, as intake would cut them out at `read_at`,
/// checked against the schema. `sample` is a path in the connector's folder. A webhook's sample is a
/// body, or `{ headers, body }`; a poll's is an answer; a file's is the file.
///
/// # Errors
/// A sentence: what is missing, or what does not fit.
pub fn captured(
    catalog: &Catalog,
    name: &SignalName,
    sample: &str,
    files: &Files,
    read_at: Timestamp,
) -> Result<Vec<Signal>, String> {
    let connector = catalog
        .connectors
        .get(&name.connector)
        .ok_or_else(|| format!("there is no connector `{}`", name.connector))?;
    let rule = connector
        .signal(&name.signal)
        .ok_or_else(|| format!("there is no signal `{name}`"))?;
    let path = format!("connectors/{}/{sample}", name.connector);
    let bytes = &files
        .get(&path)
        .ok_or_else(|| format!("there is no file `{path}`"))?
        .bytes;
    let found = extracted(connector, rule, sample, bytes, read_at)?;
    found
        .into_iter()
        .enumerate()
        .map(|(index, item)| signal(rule, name, index, item, read_at))
        .collect()
}

fn extracted(
    connector: &Connector,
    rule: &SignalRule,
    sample: &str,
    bytes: &[u8],
    read_at: Timestamp,
) -> Result<Vec<connector::Extracted>, String> {
    let settings = settings(connector);
    let unreadable = |error: connector::Unreadable| format!("`{sample}`: {error}");
    let how = match &rule.way {
        Way::File(file) => &file.open,
        _ => &connector::Open::Json,
    };
    let opened = connector::open(how, bytes, LARGEST).map_err(unreadable)?;
    let (header, body) = match (&rule.way, opened.body) {
        (Way::Webhook { .. }, Json::Object(mut request))
            if request.len() == 2
                && request.contains_key("headers")
                && request.contains_key("body") =>
        {
            (
                request.remove("headers").unwrap_or_default(),
                request.remove("body").unwrap_or_default(),
            )
        }
        (_, body) => (json!({}), body),
    };
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let file = json!({
        "path": sample,
        "modified": read_at.to_string(),
        "sha256": data_encoding::HEXLOWER.encode(digest.as_ref()),
        "size": bytes.len(),
    });
    let mut input = Input::new(&settings, read_at);
    input.header = &header;
    input.body = Value::from_json(&body);
    match &rule.way {
        Way::Webhook { .. } | Way::Own(_) => {}
        Way::Poll(_) => input.status = Some(200),
        Way::File(_) => {
            input.file = &file;
            input.rows = &opened.rows;
        }
    }
    let only_if = match &rule.way {
        Way::Webhook { only_if } => only_if.as_ref(),
        Way::File(file) => file.only_if.as_ref(),
        Way::Poll(_) | Way::Own(_) => None,
    };
    if let Some(only_if) = only_if
        && !only_if.holds(&rule.scope(&input)).unwrap_or(false)
    {
        return Ok(Vec::new());
    }
    rule.extract(&input)
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|item| item.map_err(|error| error.to_string()))
        .collect()
}

fn signal(
    rule: &SignalRule,
    name: &SignalName,
    index: usize,
    item: connector::Extracted,
    read_at: Timestamp,
) -> Result<Signal, String> {
    if let Some(schema) = &rule.schema
        && let Err(error) = schema.validate(item.data.root())
    {
        return Err(format!(
            "{name} does not fit {}: {}",
            rule.schema_file,
            error.masked()
        ));
    }
    let at = item.at.unwrap_or(read_at);
    let vendor_id = item.vendor_id.unwrap_or_else(|| format!("sample-{index}"));
    let data = with_own_fields(item.data, at, &vendor_id, None);
    Ok(Signal {
        id: Id::from_raw(i64::try_from(index).unwrap_or(0) + 1),
        connection: name.connector.clone(),
        name: name.clone(),
        vendor_id,
        at,
        received_at: read_at,
        now: read_at,
        change: None,
        echo_of: None,
        data: Untrusted::new(data),
    })
}

/// Settings such as a connection would have: the defaults, and a plain value for each that must be given.
fn settings(connector: &Connector) -> Json {
    let mut settings = Map::new();
    for setting in &connector.settings {
        let value = match (&setting.default, setting.kind) {
            (Some(default), _) => default.clone(),
            (None, _) if setting.optional => continue,
            (None, SettingKind::Secret) => continue,
            (None, SettingKind::Url) => format!("https://{}.example.com", connector.name).into(),
            (None, SettingKind::Number) => 1.into(),
            (None, SettingKind::Bool) => false.into(),
            (None, SettingKind::Duration) => "1m".into(),
            (None, SettingKind::Text | SettingKind::Path) => setting
                .one_of
                .first()
                .map_or_else(|| setting.name.clone(), Clone::clone)
                .into(),
        };
        settings.insert(setting.name.clone(), value);
    }
    Json::Object(settings)
}
