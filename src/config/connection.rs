//! `connections:`: one configured instance of a connector each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::connector::{Connector, OWN, Setting, SettingKind, is_name};
use crate::diag::{Code, Faults, Place, codes, nearest};
use crate::yaml::{Entry, Fields, Node};

/// A connection called as Andon itself is.
const RESERVED_NAME: Code = Code("AND0615");
/// A connection to Andon itself.
const TO_ITSELF: Code = Code("AND0616");
/// A connector that does not exist.
const UNKNOWN_CONNECTOR: Code = Code("AND0610");
/// A setting that is missing.
const MISSING_SETTING: Code = Code("AND0611");
/// A secret written out.
const LITERAL_SECRET: Code = Code("AND0613");
/// A setting of the wrong type.
const BAD_SETTING: Code = Code("AND0614");

/// How long one request may take when the file does not say.
const TIMEOUT: Duration = Duration::from_secs(30);

/// One configured instance of a connector.
#[derive(Debug)]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// Its connector.
    pub connector: Arc<Connector>,
    /// Settings that are no secrets, defaults put in: an object.
    pub settings: Json,
    /// References to its secrets.
    pub secrets: BTreeMap<String, SecretRef>,
    /// Which addresses its URLs may resolve to.
    pub reach: Reach,
    /// A private certificate authority.
    pub ca: Option<PathBuf>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Where it stands.
    pub place: Place,
    /// Where what is written under it stands, by key.
    written: BTreeMap<String, Place>,
    host: String,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// `{ env: NAME }`.
    Env(String),
    /// `{ file: path }`, relative to the folder of `andon.yaml`.
    File(PathBuf),
}

/// Which addresses a connection's URLs may resolve to; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Reach {
    #[default]
    /// Addresses of the public internet.
    Public,
    /// Also private ranges (RFC 1918, unique local, carrier-grade).
    Private,
    /// Also this machine.
    Loopback,
}

impl Connection {
    /// A text setting.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.settings.get(name).and_then(Json::as_str)
    }

    /// Where a setting is written; where the connection is, for one that is not.
    pub fn place_of(&self, key: &str) -> &Place {
        self.written.get(key).unwrap_or(&self.place)
    }

    /// The host of its first URL, or the machine's own name for those that have none.
    pub fn host(&self) -> &str {
        &self.host
    }
}

fn host(connector: &Connector, settings: &Map<String, Json>) -> String {
    let url = connector
        .first_url()
        .and_then(|setting| settings.get(setting)?.as_str())
        .and_then(|url| url::Url::parse(url).ok());
    url.as_ref()
        .and_then(url::Url::host_str)
        .unwrap_or("localhost")
        .to_owned()
}

/// Reads one entry of `connections:`.
pub fn parse(
    entry: &Entry,
    connectors: &BTreeMap<String, Arc<Connector>>,
    unsound: &BTreeSet<String>,
    faults: &mut Faults,
) -> Option<Connection> {
    let node = &entry.value;
    let start = faults.errors();
    if !is_name(&entry.key) {
        faults
            .error(
                codes::BAD_NAME,
                entry.key_place(),
                format!("a connection cannot be called `{}`", entry.key),
            )
            .help("use letters, digits, `-` and `_`, a letter first");
    }
    if entry.key == OWN {
        faults
            .error(
                RESERVED_NAME,
                entry.key_place(),
                "`andon` is the connection that Andon has to itself",
            )
            .help("choose another name");
    }
    let Some(named) = node.get("connector") else {
        faults
            .error(
                codes::MISSING_KEY,
                entry.key_place(),
                "this does not say what it is connected to",
            )
            .help("write `connector: splunk`, or another that `andon connectors` lists");
        return None;
    };
    let name = named.as_text().unwrap_or_default();
    let Some(connector) = connectors.get(name) else {
        if unsound.contains(name) {
            return None;
        }
        let fault = faults.error(
            UNKNOWN_CONNECTOR,
            named.place(),
            format!("there is no connector `{name}`"),
        );
        match nearest(name, connectors.keys().map(String::as_str)) {
            Some(meant) => fault
                .label(format!("did you mean `{meant}`?"))
                .help(format!("write `connector: {meant}`")),
            None => fault.help(format!(
                "connectors are {}",
                connectors.keys().cloned().collect::<Vec<_>>().join(", ")
            )),
        };
        return None;
    };
    if name == OWN {
        faults
            .error(
                TO_ITSELF,
                named.place(),
                "Andon is connected to itself already",
            )
            .help("leave this connection out; mappings name its signals as `from: andon/…`");
        return None;
    }
    let mut known: Vec<&str> = vec!["connector", "reach", "ca", "timeout"];
    known.extend(
        connector
            .settings
            .iter()
            .map(|setting| setting.name.as_str()),
    );
    let fields = Fields::of(node, "this connection", &known, faults)?;
    let mut settings = Map::new();
    let mut secrets = BTreeMap::new();
    for setting in &connector.settings {
        let Some(value) = fields.get(&setting.name) else {
            match &setting.default {
                Some(default) => {
                    settings.insert(setting.name.clone(), default.clone());
                }
                None if setting.optional => {}
                None => {
                    faults
                        .error(
                            MISSING_SETTING,
                            entry.key_place(),
                            format!("`{name}` needs the setting `{}`", setting.name),
                        )
                        .help(match (setting.kind, setting.about.as_str()) {
                            (SettingKind::Secret, about) => format!(
                                "write `{}: {{ env: NAME }}` or `{{ file: path }}`. {about}",
                                setting.name
                            ),
                            (_, about) => format!("write `{}: …`. {about}", setting.name),
                        });
                }
            }
            continue;
        };
        if setting.kind == SettingKind::Secret {
            if let Some(reference) = secret(value, setting, faults) {
                secrets.insert(setting.name.clone(), reference);
            }
        } else if let Some(value) = plain(value, setting, faults) {
            settings.insert(setting.name.clone(), value);
        }
    }
    let reach = match fields.text("reach", faults).as_deref() {
        None | Some("public") => Reach::Public,
        Some("private") => Reach::Private,
        Some("loopback") => Reach::Loopback,
        Some(other) => {
            faults
                .error(codes::UNKNOWN_WORD, fields.get("reach").unwrap_or(node).place(), format!("`reach` cannot be `{other}`"))
                .help("write public, private or loopback: the widest sort of address that its URLs may lead to");
            Reach::Public
        }
    };
    let ca = fields.get("ca").and_then(|node| file(node, "ca", faults));
    let timeout = fields.duration("timeout", faults).unwrap_or(TIMEOUT);
    (faults.errors() == start).then_some(())?;
    Some(Connection {
        name: entry.key.clone(),
        connector: Arc::clone(connector),
        host: host(connector, &settings),
        settings: Json::Object(settings),
        secrets,
        reach,
        ca,
        timeout,
        place: entry.key_place(),
        written: node
            .as_map()
            .unwrap_or_default()
            .iter()
            .map(|entry| (entry.key.clone(), entry.value.place()))
            .collect(),
    })
}

/// Andon's connection to itself; nobody writes it down.
pub fn own(connector: &Arc<Connector>, file: &Node) -> Connection {
    let settings = connector.settings.iter().filter_map(|setting| {
        let value = setting.default.clone()?;
        Some((setting.name.clone(), value))
    });
    let settings: Map<String, Json> = settings.collect();
    Connection {
        name: OWN.to_owned(),
        connector: Arc::clone(connector),
        host: host(connector, &settings),
        settings: Json::Object(settings),
        secrets: BTreeMap::new(),
        reach: Reach::default(),
        ca: None,
        timeout: TIMEOUT,
        place: file.place(),
        written: BTreeMap::new(),
    }
}

/// Reads `{ file: path }`.
pub fn file(node: &Node, key: &str, faults: &mut Faults) -> Option<PathBuf> {
    let path = node.get("file").and_then(Node::as_text);
    if path.is_none() {
        faults
            .error(
                codes::WRONG_TYPE,
                node.place(),
                format!("`{key}` is a file"),
            )
            .help(format!("write `{key}: {{ file: name.pem }}`"));
    }
    path.map(PathBuf::from)
}

fn secret(node: &Node, setting: &Setting, faults: &mut Faults) -> Option<SecretRef> {
    match node.as_map() {
        Some([entry]) if entry.key == "env" => entry
            .value
            .as_text()
            .map(|name| SecretRef::Env(name.to_owned())),
        Some([entry]) if entry.key == "file" => entry
            .value
            .as_text()
            .map(|path| SecretRef::File(path.into())),
        _ => {
            faults
                .error(
                    LITERAL_SECRET,
                    node.place(),
                    format!(
                        "`{}` is a secret, and secrets are never written here",
                        setting.name
                    ),
                )
                .help(format!(
                    "write `{}: {{ env: NAME }}` or `{}: {{ file: path }}`",
                    setting.name, setting.name
                ))
                .hide();
            None
        }
    }
}

fn plain(node: &Node, setting: &Setting, faults: &mut Faults) -> Option<Json> {
    let text = node.as_text().unwrap_or_default();
    let wrong = match setting.kind {
        SettingKind::Url => match url::Url::parse(text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() => {
                Some("an absolute http or https URL, such as https://mlflow.example.com")
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                Some("a URL without credentials; they are settings of their own")
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                Some("a URL without `?` and `#`")
            }
            Ok(_) => None,
            Err(_) => Some("an absolute http or https URL, such as https://mlflow.example.com"),
        },
        SettingKind::Number => (!node.to_json().is_number()).then_some("a number"),
        SettingKind::Bool => (!node.to_json().is_boolean()).then_some("`true` or `false`"),
        SettingKind::Duration => crate::yaml::duration(text)
            .is_none()
            .then_some("a span of time, such as 30s"),
        SettingKind::Text | SettingKind::Path | SettingKind::Secret => {
            node.as_text().is_none().then_some("a text")
        }
    };
    if let Some(wanted) = wrong {
        let fault = faults
            .error(
                BAD_SETTING,
                node.place(),
                format!("`{}` has to be {wanted}", setting.name),
            )
            .help(instead(setting, text, wanted));
        if text.contains('@') {
            fault.hide();
        }
        return None;
    }
    if !setting.one_of.is_empty() && !setting.one_of.iter().any(|known| known == text) {
        faults
            .error(
                codes::UNKNOWN_WORD,
                node.place(),
                format!("`{}` cannot be `{text}`", setting.name),
            )
            .help(format!("write one of {}", setting.one_of.join(", ")));
        return None;
    }
    if let Some(pattern) = &setting.matches
        && !pattern.is_match(text)
    {
        faults
            .error(
                BAD_SETTING,
                node.place(),
                format!("`{}` is not written like this", setting.name),
            )
            .help(instead(setting, text, &setting.looks()));
        return None;
    }
    Some(match setting.kind {
        SettingKind::Number | SettingKind::Bool => node.to_json(),
        _ => Json::from(text),
    })
}

/// What to write in place of a setting that is none.
fn instead(setting: &Setting, text: &str, wanted: &str) -> String {
    let name = &setting.name;
    let meant = (setting.kind == SettingKind::Url).then(|| {
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let mut url = url::Url::parse(&whole).ok()?;
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        let fits = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
        fits.then(|| format!("write `{name}: {}`", url.as_str().trim_end_matches('/')))
    });
    match meant.flatten() {
        Some(help) => help,
        None if setting.about.is_empty() => format!("write `{name}:` with {wanted}"),
        None => format!("write `{name}:` with {wanted}. {}", setting.about),
    }
}
