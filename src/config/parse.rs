//! Reading `andon.yaml` against the connectors there are.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{Config, Connection, Folders, Keep, Tls, callers, connection, routes};
use crate::connector::{Connector, OWN};
use crate::diag::{Code, Faults, Source, codes};
use crate::yaml::{self, Fields, Node};

/// An address that is none.
const BAD_ADDRESS: Code = Code("AND0602");
/// A URL that is none.
const BAD_URL: Code = Code("AND0603");
/// Everybody may send, from anywhere.
const OPEN_DOOR: Code = Code("AND0604");

const KEYS: [&str; 10] = [
    "andon",
    "listen",
    "public_url",
    "tls",
    "store",
    "keep",
    "folders",
    "connections",
    "routes",
    "callers",
];

/// Where the daemon listens when the file does not say.
const LISTEN: &str = "127.0.0.1:7373";
/// How long signals are kept when the file does not say: seven days, 20 GB.
const KEEP: Keep = Keep {
    signals: Duration::from_hours(7 * 24),
    at_most: 20_000_000_000,
};

/// Reads the folders that `andon.yaml` names; asked before anything else can be read.
pub fn folders(source: &Arc<Source>) -> Folders {
    let node = yaml::parse(source, &mut Faults::new());
    let named = node.as_ref().and_then(|node| node.get("folders"));
    let path = |key: &str, otherwise: PathBuf| {
        named
            .and_then(|node| node.get(key))
            .and_then(Node::as_text)
            .map_or(otherwise, PathBuf::from)
    };
    let defaults = Folders::default();
    Folders {
        connectors: path("connectors", defaults.connectors),
        mappings: path("mappings", defaults.mappings),
        templates: path("templates", defaults.templates),
    }
}

/// Reads `andon.yaml`. `unsound` names connectors that exist and could not be read: their faults are
/// told where they are, and not again for each of their connections.
pub fn parse(
    source: &Arc<Source>,
    connectors: &BTreeMap<String, Arc<Connector>>,
    unsound: &BTreeSet<String>,
    faults: &mut Faults,
) -> Option<Config> {
    let node = yaml::parse(source, faults)?;
    let fields = Fields::of(&node, "andon.yaml", &KEYS, faults)?;
    let start = faults.errors();
    match fields.require("andon", "begin the file with `andon: config/v1`", faults) {
        Some(kind) if kind.as_text() != Some("config/v1") => {
            faults
                .error(codes::WRONG_KIND, kind.place(), "this is no `config/v1`")
                .help("write `andon: config/v1`");
        }
        _ => {}
    }
    let listen = listen(&fields, faults);
    let tls = fields.get("tls").and_then(|node| {
        let fields = Fields::of(node, "`tls`", &["cert", "key"], faults)?;
        let cert = fields
            .require("cert", "write `cert: { file: tls.crt }`", faults)
            .and_then(|node| connection::file(node, "cert", faults));
        let key = fields
            .require("key", "write `key: { file: tls.key }`", faults)
            .and_then(|node| connection::file(node, "key", faults));
        Some(Tls {
            cert: cert?,
            key: key?,
        })
    });
    let public_url = public_url(&fields, listen, tls.is_some(), faults);
    let keep = fields.get("keep").and_then(|node| {
        let fields = Fields::of(node, "`keep`", &["signals", "at_most"], faults)?;
        Some(Keep {
            signals: fields.duration("signals", faults).unwrap_or(KEEP.signals),
            at_most: fields.bytes_size("at_most", faults).unwrap_or(KEEP.at_most),
        })
    });
    if let Some(node) = fields.get("folders") {
        let _ = Fields::of(
            node,
            "`folders`",
            &["connectors", "mappings", "templates"],
            faults,
        );
    }
    let written = fields.entries("connections", faults);
    let mut connections: Vec<Connection> = written
        .iter()
        .filter_map(|entry| connection::parse(entry, connectors, unsound, faults))
        .collect();
    let whole = connections.len() == written.len();
    for connection in &connections {
        let open = connection
            .connector
            .webhook
            .as_ref()
            .is_some_and(|webhook| {
                webhook
                    .accepts
                    .schemes
                    .contains(&crate::connector::Scheme::Anyone)
            });
        if open && !listen.ip().is_loopback() {
            faults
                .error(OPEN_DOOR, connection.place.clone(), format!("everybody who reaches {listen} could send signals as `{}`", connection.name))
                .help("listen on 127.0.0.1, or use a connector whose `webhook:` has `signature:` or `accepts:`");
        }
    }
    connections.extend(
        connectors
            .get(OWN)
            .map(|connector| connection::own(connector, &node)),
    );
    let sound = whole && faults.errors() == start;
    // A route to a connection that is faulty is not told to lead nowhere.
    let routes = if sound {
        routes::parse(fields.items("routes", faults), &connections, faults)
    } else {
        Vec::new()
    };
    let callers = callers::parse(fields.items("callers", faults), faults);
    (faults.errors() == start).then_some(())?;
    Some(Config {
        listen,
        public_url,
        tls,
        store: fields
            .text("store", faults)
            .map_or_else(|| "data/andon.db".into(), PathBuf::from),
        keep: keep.unwrap_or(KEEP),
        folders: folders(source),
        connections,
        routes,
        callers,
    })
}

fn listen(fields: &Fields<'_>, faults: &mut Faults) -> SocketAddr {
    let fallback = SocketAddr::from(([127, 0, 0, 1], 7373));
    let Some(node) = fields.get("listen") else {
        return LISTEN.parse().unwrap_or(fallback);
    };
    let text = node.as_text().unwrap_or_default();
    text.parse().unwrap_or_else(|_| {
        faults
            .error(BAD_ADDRESS, node.place(), format!("`{text}` is no address to listen on"))
            .help("write address and port, such as `listen: 127.0.0.1:7373` or `listen: 0.0.0.0:7373`");
        fallback
    })
}

fn public_url(fields: &Fields<'_>, listen: SocketAddr, tls: bool, faults: &mut Faults) -> String {
    let Some(node) = fields.get("public_url") else {
        return format!("{}://{listen}", if tls { "https" } else { "http" });
    };
    let text = node.as_text().unwrap_or_default();
    match url::Url::parse(text) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none() => {}
        _ => {
            let behind = text.find(['?', '#']).filter(|at| *at > 0);
            let (place, sentence, instead) = match (behind, node.fragment()) {
                (Some(at), Some(fragment)) if text.starts_with("http") => (
                    fragment.place_of(at, text.len()),
                    "others put a path behind this URL, so it ends before `?` and `#`",
                    text.get(..at).unwrap_or_default(),
                ),
                _ => (
                    node.place(),
                    "this is no URL that others could open",
                    "https://andon.example.com",
                ),
            };
            let help = if text.contains('@') {
                "write such as `public_url: https://andon.example.com`".to_owned()
            } else {
                format!("write `public_url: {instead}`")
            };
            let fault = faults.error(BAD_URL, place, sentence).help(help);
            if text.contains('@') {
                fault.hide();
            }
        }
    }
    text.trim_end_matches('/').to_owned()
}
