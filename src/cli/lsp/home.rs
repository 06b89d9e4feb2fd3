//! The folder that an open file belongs to, and what is wrong in it with the texts that are not saved yet:
//! the same check that `andon check` makes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::documents::Documents;
use super::outline::Value;
use crate::catalog::Files;
use crate::daemon::{self, Folder};
use crate::diag::Diagnostic;
use crate::formats::Format;

/// What a connector's folder is read up to, where it lies outside of any folder of Andon's: files, and bytes
/// of each.
const MOST_BESIDE: usize = 256;
const LONGEST_BESIDE: u64 = 4 * 1024 * 1024;

/// A folder as it is with what is typed.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) root: PathBuf,
    pub(super) folder: Folder,
}

/// The folder that a file belongs to: the nearest above it with an `andon.yaml`; without one by where such
/// files lie; else its own. `None` where the file is none of Andon's.
pub(super) fn root_of(path: &Path, documents: &Documents) -> Option<PathBuf> {
    let is_config = |folder: &Path| {
        let config = folder.join("andon.yaml");
        documents.text(&config).is_some() || config.is_file()
    };
    let mut above = path.ancestors().skip(1);
    let own = above.next()?;
    if let Some(root) = path.ancestors().skip(1).find(|folder| is_config(folder)) {
        let below = path.strip_prefix(root).ok()?;
        let of_it = below.components().count() > 1 && is_data(path)
            || head(path, documents).is_some()
            || path.file_name()? == "andon.yaml"
            || path.file_name()? == "kinds.yaml";
        return of_it.then(|| root.to_path_buf());
    }
    head(path, documents)?;
    let lies = |folder: &&Path| {
        let name = folder.file_name().and_then(|name| name.to_str());
        matches!(name, Some("connectors" | "mappings"))
    };
    let kept = path.ancestors().skip(1).take(3).find(lies);
    Some(kept.and_then(Path::parent).unwrap_or(own).to_path_buf())
}

/// A schema, a template, or a file that has lost its head while it is edited.
fn is_data(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("json" | "hbs" | "yaml" | "yml"))
}

/// The sort of file that an open text says it is.
pub(super) fn head(path: &Path, documents: &Documents) -> Option<&'static Format> {
    format_of(documents.text(path)?)
}

/// The sort of file that a text says it is.
pub(super) fn format_of(text: &str) -> Option<&'static Format> {
    let tree = Value::of(text, None);
    Format::of_head(tree.at(&["andon"])?.text(text)?)
}

impl Home {
    /// Reads it, with the texts that are open.
    pub(super) fn read(root: &Path, documents: &Documents) -> Result<Self, daemon::Error> {
        Ok(Self {
            root: root.to_path_buf(),
            folder: Folder::under(root, None, &documents.below(root))?,
        })
    }

    /// Every fault, by file. A file that the folder does not read is checked as if it did.
    pub(super) fn check(&self, documents: &Documents) -> BTreeMap<PathBuf, Vec<Diagnostic>> {
        let mut found: BTreeMap<PathBuf, Vec<Diagnostic>> = BTreeMap::new();
        for fault in faults(&self.folder) {
            let file = PathBuf::from(&fault.place.source.name);
            if file.is_absolute() && !file.is_dir() {
                found.entry(file).or_default().push(fault);
            }
        }
        for path in documents
            .paths()
            .filter(|path| path.starts_with(&self.root))
        {
            if self.reads(path) || root_of(path, documents).as_ref() != Some(&self.root) {
                continue;
            }
            let Some(folder) = self.with(path, documents) else {
                continue;
            };
            let name = path.display().to_string();
            let mut own = faults(&folder);
            own.retain(|fault| fault.place.source.name == name);
            found.insert(path.to_path_buf(), own);
        }
        found
    }

    fn reads(&self, path: &Path) -> bool {
        let name = path.display().to_string();
        self.folder.config.name == name
            || self
                .folder
                .written
                .iter()
                .any(|(_, file)| file.shown == name)
    }

    /// The files to look things up in for an open file: those of the folder, with this one among them.
    pub(super) fn around(&self, path: &Path, documents: &Documents) -> Folder {
        let lone = !self.reads(path);
        let with = if lone {
            self.with(path, documents)
        } else {
            None
        };
        with.unwrap_or_else(|| self.folder.clone())
    }

    /// The folder with a file that it does not read itself.
    fn with(&self, path: &Path, documents: &Documents) -> Option<Folder> {
        let text = documents.text(path)?;
        let shown = path.display().to_string();
        let mut added = Files::new();
        match format_of(text)?.name {
            "mapping" => {
                let name = format!("mappings/{}.yaml", path.file_stem()?.to_str()?);
                added.put(&name, &shown, text.as_bytes());
            }
            "kinds" => added.put("kinds.yaml", &shown, text.as_bytes()),
            "connector" => added = beside(path.parent()?, documents),
            _ => {
                let unsaved = documents.below(&self.root);
                return Folder::under(path.parent()?, Some(path), &unsaved).ok();
            }
        }
        let mut folder = self.folder.clone();
        folder.files.overlay(added);
        Some(folder)
    }
}

fn faults(folder: &Folder) -> Vec<Diagnostic> {
    match daemon::load(folder) {
        Ok((_, said)) | Err(daemon::Error::Faults(said)) => said,
        Err(_) => Vec::new(),
    }
}

/// A connector's folder that lies on its own.
fn beside(folder: &Path, documents: &Documents) -> Files {
    let mut files = Files::new();
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
        return files;
    };
    let entries = walkdir::WalkDir::new(folder).max_depth(3).into_iter();
    for entry in entries.flatten().take(MOST_BESIDE) {
        let small = entry
            .metadata()
            .is_ok_and(|about| about.len() <= LONGEST_BESIDE);
        let Ok(below) = entry.path().strip_prefix(folder) else {
            continue;
        };
        if entry.file_type().is_file()
            && small
            && let Ok(bytes) = std::fs::read(entry.path())
        {
            let path = format!("connectors/{name}/{}", below.to_string_lossy());
            files.put(&path, &entry.path().display().to_string(), &bytes);
        }
    }
    for (path, text) in documents.below(folder) {
        if let Ok(below) = path.strip_prefix(folder) {
            let name = format!("connectors/{name}/{}", below.to_string_lossy());
            files.put(&name, &path.display().to_string(), text.as_bytes());
        }
    }
    files
}
