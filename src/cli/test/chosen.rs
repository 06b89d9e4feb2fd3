//! Which mappings were named, by files and folders.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::cli::shown;
use crate::daemon::Folder;

/// How deep folders are gone into, as where they are read.
const DEEPEST: usize = 8;

/// The names of the mappings in these files and folders; they stand in place of those of the folder.
/// `None` where nothing was named.
pub(super) fn chosen(
    paths: &[PathBuf],
    folder: &mut Folder,
) -> anyhow::Result<Option<Vec<String>>> {
    if paths.is_empty() {
        return Ok(None);
    }
    let mut names = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = names.len();
            let files = walkdir::WalkDir::new(path)
                .max_depth(DEEPEST)
                .sort_by_file_name();
            for entry in files {
                let entry =
                    entry.with_context(|| format!("`{}` cannot be read", path.display()))?;
                if is_mapping(entry.path()) {
                    names.push(put(entry.path(), folder)?);
                }
            }
            if names.len() == before {
                bail!(
                    "no mapping lies in `{}`",
                    shown::text(&path.display().to_string())
                );
            }
        } else {
            names.push(put(path, folder)?);
        }
    }
    Ok(Some(names))
}

/// Whether a file in a folder is a mapping's: connectors and `andon.yaml` may lie there as well.
fn is_mapping(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "yaml")
        && std::fs::read_to_string(path)
            .is_ok_and(|text| text.lines().any(|line| line.starts_with("andon: mapping/")))
}

fn put(path: &Path, folder: &mut Folder) -> anyhow::Result<String> {
    let typed = path.display().to_string();
    let name = path.file_stem().and_then(|stem| stem.to_str());
    let ending = path.extension().and_then(|ending| ending.to_str());
    let (Some(name), Some("yaml")) = (name, ending) else {
        bail!(
            "`{}` is no mapping's file: those end in .yaml; a mapping's name goes behind --filter",
            shown::text(&typed)
        );
    };
    let bytes =
        std::fs::read(path).with_context(|| format!("`{}` cannot be read", shown::text(&typed)))?;
    folder
        .files
        .put(&format!("mappings/{name}.yaml"), &typed, &bytes);
    Ok(name.to_owned())
}
