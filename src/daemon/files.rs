//! Reading a folder of files: `andon.yaml`, and what it adds to or replaces of the built-in files.

use std::collections::BTreeMap;
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

/// Texts that stand for files, such as those that an editor has not saved, by their path.
pub type Unsaved = BTreeMap<PathBuf, String>;

/// A folder with an `andon.yaml`, or without one.
#[derive(Debug, Clone)]
pub struct Folder {
    /// Where it was looked for, and the `andon.yaml` that was named.
    pub(super) asked: (PathBuf, Option<PathBuf>),
    /// The folder.
    pub path: PathBuf,
    /// `andon.yaml`, or what stands for it.
    pub config: Arc<Source>,
    /// Whether there is an `andon.yaml`.
    pub is_configured: bool,
    /// The built-in files under what the folder adds.
    pub files: Files,
    /// What the folder adds.
    pub written: Files,
    /// Its folders of files that are there: `connectors`, `mappings`, `templates`.
    pub present: Vec<&'static str>,
}

impl Folder {
    /// Reads the folder of `config` (an `andon.yaml`), or `folder` without one.
    ///
    /// # Errors
    /// When a file that is there cannot be read.
    pub fn read(folder: &Path, config: Option<&Path>) -> Result<Self, Error> {
        Self::under(folder, config, &Unsaved::new())
    }

    /// As [`Folder::read`], with texts in the place of files, or beside them. Their paths begin as `folder`
    /// does.
    ///
    /// # Errors
    /// As [`Folder::read`].
    pub fn under(folder: &Path, config: Option<&Path>, unsaved: &Unsaved) -> Result<Self, Error> {
        let named = config.map_or_else(|| folder.join("andon.yaml"), Path::to_path_buf);
        let path = config
            .and_then(Path::parent)
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(folder)
            .to_path_buf();
        let text = match unsaved.get(&named) {
            Some(text) => Ok(text.clone()),
            None => std::fs::read_to_string(&named),
        };
        let (source, is_configured) = match text {
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
        let (listed, present) = listed(&path, &folders)?;
        let mut written = Files::new();
        for (path, name) in &listed {
            if !unsaved.contains_key(path) {
                put(path, name, &mut written)?;
            }
        }
        for (file, text) in unsaved {
            if let Some(name) = name_below(&path, &folders, file) {
                written.put(&name, &shown(file), text.as_bytes());
            }
        }
        files.overlay(written.clone());
        Ok(Self {
            asked: (folder.to_path_buf(), config.map(Path::to_path_buf)),
            path,
            present,
            config: source,
            is_configured,
            files,
            written,
        })
    }

    /// Reads the same folder again.
    ///
    /// # Errors
    /// As [`Folder::read`].
    pub fn again(&self) -> Result<Self, Error> {
        let (folder, config) = &self.asked;
        Self::read(folder, config.as_deref())
    }

    /// What its files look like from outside: another look that gives the same need not read them.
    ///
    /// # Errors
    /// When a file that is there cannot be looked at.
    pub fn marks(&self) -> Result<Vec<Mark>, Error> {
        let (folder, config) = &self.asked;
        let named = config.clone().unwrap_or_else(|| folder.join("andon.yaml"));
        let (listed, _) = listed(&self.path, &config::folders(&self.config))?;
        let paths = listed.into_iter().map(|(path, _)| path);
        let config = named.is_file().then_some(named);
        paths.chain(config).map(mark).collect()
    }
}

/// A file and what tells that it was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    path: PathBuf,
    modified: Option<std::time::SystemTime>,
    bytes: u64,
    inode: u64,
}

fn mark(path: PathBuf) -> Result<Mark, Error> {
    use std::os::unix::fs::MetadataExt as _;
    match std::fs::metadata(&path) {
        Ok(about) => Ok(Mark {
            modified: about.modified().ok(),
            bytes: about.len(),
            inode: about.ino(),
            path,
        }),
        Err(source) => Err(Error::Unreadable { path, source }),
    }
}

/// What a file of this path is called among [`Files`], where it is one of the folder's.
fn name_below(root: &Path, folders: &Folders, file: &Path) -> Option<String> {
    let found = [
        (&folders.connectors, "connectors"),
        (&folders.mappings, "mappings"),
        (&folders.templates, "templates"),
    ]
    .into_iter()
    .find_map(|(folder, prefix)| {
        let below = file.strip_prefix(root.join(folder)).ok()?;
        Some(format!(
            "{prefix}/{}",
            below.to_string_lossy().replace('\\', "/")
        ))
    });
    found.or_else(|| (file == root.join("kinds.yaml")).then(|| "kinds.yaml".to_owned()))
}

/// A file below one of the folders, and its name among [`Files`].
type Listed = (PathBuf, String);

/// The files that a folder adds, and which of its folders are there.
fn listed(root: &Path, folders: &Folders) -> Result<(Vec<Listed>, Vec<&'static str>), Error> {
    let mut files = Vec::new();
    let mut present = Vec::new();
    for (folder, prefix) in [
        (&folders.connectors, "connectors"),
        (&folders.mappings, "mappings"),
        (&folders.templates, "templates"),
    ] {
        let folder = root.join(folder);
        if folder.is_dir() {
            present.push(prefix);
            collect(&folder, prefix, &mut files)?;
        }
    }
    let kinds = root.join("kinds.yaml");
    if kinds.is_file() {
        files.push((kinds, "kinds.yaml".to_owned()));
    }
    Ok((files, present))
}

/// Links are followed: a ConfigMap's files are links into a hidden folder that is swapped as a whole.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<Listed>) -> Result<(), Error> {
    let entries = walkdir::WalkDir::new(folder)
        .max_depth(DEEPEST)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.')
        });
    for entry in entries {
        let entry = entry.map_err(|error| Error::Unreadable {
            path: error.path().unwrap_or(folder).to_path_buf(),
            source: error.into(),
        })?;
        if !entry.file_type().is_file() {
            continue;
        }
        let Ok(below) = entry.path().strip_prefix(folder) else {
            continue;
        };
        let below = below.to_string_lossy().replace('\\', "/");
        files.push((entry.path().to_path_buf(), format!("{prefix}/{below}")));
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
