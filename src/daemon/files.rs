//! Reading a folder of files: `andon.yaml`, and what it adds to or replaces of the built-in files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use crate::catalog::Files;
use crate::config::{self, Folders};
use crate::diag::Source;

/// What is in force where there is no `andon.yaml`: loopback, one unsigned connection, a file of alerts.
pub const LOCAL_CONFIG: &str = "\
andon: config/v1
listen: 127.0.0.1:7373
connections:
  local: { connector: generic }
  out:   { connector: file }
routes:
  - to: [out]
";

/// The largest file that is read, in bytes; larger ones are no such files.
const LARGEST: u64 = 16 * 1024 * 1024;
/// How deep folders are gone into.
const DEEPEST: usize = 8;

/// A folder with an `andon.yaml`, or without one.
#[derive(Debug)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
    /// `andon.yaml`, or what stands for it.
    pub config: Arc<Source>,
    /// Whether there is an `andon.yaml`.
    pub is_configured: bool,
    /// The built-in files under what the folder adds.
    pub files: Files,
}

impl Folder {
    /// Reads the folder of `config` (an `andon.yaml`), or `folder` without one.
    ///
    /// # Errors
    /// When a file that is there cannot be read.
    pub fn read(folder: &Path, config: Option<&Path>) -> Result<Self, Error> {
        let named = config.map_or_else(|| folder.join("andon.yaml"), Path::to_path_buf);
        let path = config
            .and_then(Path::parent)
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(folder)
            .to_path_buf();
        let (source, is_configured) = match std::fs::read_to_string(&named) {
            Ok(text) => (Source::new(shown(&named), text), true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && config.is_none() => (
                Source::new("andon.yaml (not there; this stands for it)", LOCAL_CONFIG),
                false,
            ),
            Err(source) => {
                return Err(Error::Unreadable {
                    path: named,
                    source,
                });
            }
        };
        let folders = config::folders(&source);
        let mut files = Files::built_in();
        files.overlay(overlay(&path, &folders)?);
        Ok(Self {
            path,
            config: source,
            is_configured,
            files,
        })
    }
}

fn overlay(root: &Path, folders: &Folders) -> Result<Files, Error> {
    let mut files = Files::new();
    for (folder, prefix) in [
        (&folders.connectors, "connectors"),
        (&folders.mappings, "mappings"),
        (&folders.templates, "templates"),
    ] {
        let folder = root.join(folder);
        if folder.is_dir() {
            collect(&folder, prefix, &mut files)?;
        }
    }
    let kinds = root.join("kinds.yaml");
    if kinds.is_file() {
        put(&kinds, "kinds.yaml", &mut files)?;
    }
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, files: &mut Files) -> Result<(), Error> {
    for entry in walkdir::WalkDir::new(folder)
        .max_depth(DEEPEST)
        .sort_by_file_name()
    {
        let entry = entry.map_err(|error| Error::Unreadable {
            path: error.path().unwrap_or(folder).to_path_buf(),
            source: error.into(),
        })?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !entry.file_type().is_file() || hidden {
            continue;
        }
        let Ok(below) = entry.path().strip_prefix(folder) else {
            continue;
        };
        let below = below.to_string_lossy().replace('\\', "/");
        put(entry.path(), &format!("{prefix}/{below}"), files)?;
    }
    Ok(())
}

fn put(path: &Path, name: &str, files: &mut Files) -> Result<(), Error> {
    let unreadable = |source| Error::Unreadable {
        path: path.to_path_buf(),
        source,
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > LARGEST {
        let source = std::io::Error::other(format!(
            "it holds {length} bytes, and files here hold at most {LARGEST}"
        ));
        return Err(Error::Unreadable {
            path: path.to_path_buf(),
            source,
        });
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    files.put(name, &shown(path), &bytes);
    Ok(())
}

/// As a reader in the current folder would write it.
fn shown(path: &Path) -> String {
    path.strip_prefix("./")
        .unwrap_or(path)
        .display()
        .to_string()
}
