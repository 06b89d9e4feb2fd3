//! `andon.yaml`: where to listen, what to talk to, where alerts go, who may ask for what.
//!
//! Secrets are references here, never the secrets.

mod callers;
mod connection;
mod parse;
mod routes;
#[cfg(test)]
mod tests;

pub use callers::{Caller, Scope};
pub use connection::{Connection, Reach, SecretRef};
pub use parse::{folders, parse};
pub use routes::{Route, alert_type, origin};

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::connector::OWN;

/// The daemon's configuration, checked.
#[derive(Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How others reach it: no slash at its end.
    pub public_url: String,
    /// Certificate and key for `listen`.
    pub tls: Option<Tls>,
    /// The database file.
    pub store: PathBuf,
    /// How long signals are kept.
    pub keep: Keep,
    /// Where more connectors, mappings and templates are.
    pub folders: Folders,
    /// What it talks to, Andon's own connection last.
    pub connections: Vec<Connection>,
    /// Where alerts go.
    pub routes: Vec<Route>,
    /// Who may ask.
    pub callers: Vec<Caller>,
}

/// Certificate and key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The chain.
    pub cert: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// How long signals are kept. What has an open delivery, alert or action stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// Older ones are removed.
    pub signals: Duration,
    /// The largest the store may become, in bytes.
    pub at_most: u64,
}

/// Where more connectors, mappings and templates are, relative to the file's own folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// One folder a connector.
    pub connectors: PathBuf,
    /// One file a mapping.
    pub mappings: PathBuf,
    /// `<destination>/<part>.hbs`.
    pub templates: PathBuf,
}

impl Default for Folders {
    fn default() -> Self {
        Self {
            connectors: "connectors".into(),
            mappings: "mappings".into(),
            templates: "templates".into(),
        }
    }
}

impl Config {
    /// The connections that the file names: all but Andon's own.
    pub fn written(&self) -> impl Iterator<Item = &Connection> {
        let all = self.connections.iter();
        all.filter(|connection| connection.connector.name != OWN)
    }

    /// A connection by its name.
    pub fn connection(&self, name: &str) -> Option<&Connection> {
        self.connections
            .iter()
            .find(|connection| connection.name == name)
    }
}
