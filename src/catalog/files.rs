//! Files as bytes, by path: what is built in, and what a folder adds or replaces.

use std::collections::BTreeMap;
use std::sync::Arc;

include!(concat!(env!("OUT_DIR"), "/built_in.rs"));

/// The kinds that are built in; `kinds.yaml` is what a folder adds to them.
const BUILT_IN_KINDS: &str = "built-in/kinds.yaml";
/// The kinds that a folder adds, or replaces by name.
const KINDS: &str = "kinds.yaml";

/// Files by their path below a root: `connectors/<name>/…`, `mappings/<name>.yaml`,
/// `templates/<destination>/<part>.hbs`, `kinds.yaml`.
#[derive(Debug, Clone, Default)]
pub struct Files {
    files: BTreeMap<String, File>,
}

/// One file.
#[derive(Debug, Clone)]
pub struct File {
    /// As diagnostics name it.
    pub shown: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl Files {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those in the binary.
    pub fn built_in() -> Self {
        let mut files = Self::new();
        for (path, bytes) in FILES {
            let known = if *path == KINDS { BUILT_IN_KINDS } else { path };
            files.put(known, &format!("built-in:{path}"), bytes);
        }
        files
    }

    /// Adds a file; `shown` is how a reader knows it.
    pub fn put(&mut self, path: &str, shown: &str, bytes: &[u8]) {
        self.files.insert(
            path.to_owned(),
            File {
                shown: shown.to_owned(),
                bytes: bytes.into(),
            },
        );
    }

    /// Adds others over these: a connector's folder replaces the whole folder of that name, other
    /// files replace one by name.
    pub fn overlay(&mut self, others: Self) {
        for path in others.files.keys() {
            if let Some(folder) = connector_folder(path) {
                let prefix = format!("connectors/{folder}/");
                self.files.retain(|known, _| !known.starts_with(&prefix));
            }
        }
        self.files.extend(others.files);
    }

    /// The files of kinds. A kind replaces one of its name in a file before.
    pub fn kinds(&self) -> impl Iterator<Item = &File> {
        [BUILT_IN_KINDS, KINDS]
            .into_iter()
            .filter_map(|path| self.get(path))
    }

    /// Every file, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &File)> {
        self.files.iter().map(|(path, file)| (path.as_str(), file))
    }

    /// A file.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// The names of connector folders.
    pub fn connectors(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .files
            .keys()
            .filter_map(|path| connector_folder(path))
            .map(str::to_owned)
            .collect();
        names.dedup();
        names
    }

    /// The files below a connector's folder, by their path in it.
    pub fn beside(&self, connector: &str) -> crate::connector::Files {
        let prefix = format!("connectors/{connector}/");
        self.files
            .iter()
            .filter_map(|(path, file)| {
                Some((
                    path.strip_prefix(&prefix)?.to_owned(),
                    Arc::clone(&file.bytes),
                ))
            })
            .collect()
    }
}

fn connector_folder(path: &str) -> Option<&str> {
    path.strip_prefix("connectors/")?
        .split_once('/')
        .map(|(folder, _)| folder)
}
