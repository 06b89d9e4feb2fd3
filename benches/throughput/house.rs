//! The folder that a program under test works in, and the files that Andon reads there.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use tempfile::TempDir;

/// A row of a drift report: the mapping of every table but those that say otherwise.
pub const MAPPING: &str = include_str!("andon/mapping.yaml");
/// All rows are one alert, of which nothing that is shown differs from row to row.
pub const ONE_KEY: &str = include_str!("andon/one-key.yaml");

/// An empty folder and a port of its own. Dropping it removes the folder.
pub struct House {
    folder: TempDir,
    pub port: u16,
    /// What Andon shall log: `warn`, or less where trouble is meant.
    pub log: &'static str,
}

impl House {
    pub fn new() -> io::Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?,
            port: free_port()?,
            log: "warn",
        })
    }

    /// Reads rows with one mapping, and sends to the receiver at `hec`: the Splunk manifest as it
    /// is, but with `wait: 0` and without gzip, as the peers were measured.
    pub fn of_rows(hec: u16, mapping: &str) -> io::Result<Self> {
        let house = Self::new()?;
        house.put(
            "connectors/rows/connector.yaml",
            include_str!("andon/connector.yaml"),
        )?;
        house.put(
            "connectors/rows/schemas/row.json",
            include_str!("andon/row.json"),
        )?;
        house.put_mapping(mapping)?;
        let splunk = include_str!("../../connectors/splunk/connector.yaml");
        house.put(
            "connectors/splunk/connector.yaml",
            &splunk
                .replace("wait: 20ms", "wait: 0ms")
                .replace("gzip: true", "gzip: false"),
        )?;
        house.put("secret", "00000000-0000-0000-0000-000000000000")?;
        house.configure(&format!(
            "connections:\n  rows: {{ connector: rows }}\n  soc: {{ connector: splunk, url: \"http://127.0.0.1:{hec}\", reach: loopback, token: {{ file: secret }} }}\nroutes:\n  - to: [soc]\n"
        ))?;
        Ok(house)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn put(&self, path: &str, text: &str) -> io::Result<()> {
        let path = self.path().join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)
    }

    /// Puts a mapping where its name says.
    pub fn put_mapping(&self, mapping: &str) -> io::Result<()> {
        let name = mapping
            .lines()
            .find_map(|line| line.strip_prefix("name: "))
            .ok_or_else(|| io::Error::other("a mapping without a name"))?;
        self.put(&format!("mappings/{name}.yaml"), mapping)
    }

    /// Writes `andon.yaml`; `rest` is what follows the address.
    pub fn configure(&self, rest: &str) -> io::Result<()> {
        let port = self.port;
        self.put(
            "andon.yaml",
            &format!("andon: config/v1\nlisten: 127.0.0.1:{port}\n{rest}"),
        )
    }
}

/// A port of loopback that nobody listens on.
pub fn free_port() -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
