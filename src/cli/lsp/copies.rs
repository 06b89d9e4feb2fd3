//! Copies of the files in the binary, so that an editor can open what a definition leads to.
//!
//! They lie in the user's cache, one folder for each set of built-in files, and cannot be written: who wants to
//! change one puts a file of that name into a folder of their own.

use std::path::{Path, PathBuf};

use crate::catalog::{self, Files};
use crate::diag::Source;

/// How a built-in file is named in faults.
const BUILT_IN: &str = "built-in:";

/// The file that is named so in faults: one on disk as it is, a built-in one as its copy, which is made now.
pub(super) fn file(shown: &str) -> Option<PathBuf> {
    let Some(path) = shown.strip_prefix(BUILT_IN) else {
        return Some(PathBuf::from(shown)).filter(|path| path.is_absolute());
    };
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|cache| cache.is_absolute())
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
    let files = Files::built_in();
    let digest = catalog::digest(&files, &Source::new("andon.yaml", ""));
    let folder = cache.join("andon/built-in").join(digest.get(..12)?);
    let wanted = folder.join(path);
    // Anew where a cleaner of caches was at work.
    for (_, file) in files.iter() {
        if let Some(path) = file.shown.strip_prefix(BUILT_IN) {
            write(&folder.join(path), &file.bytes).ok()?;
        }
    }
    Some(wanted)
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // Written beside it and moved there, so that nobody reads half of it.
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&beside, bytes)?;
    let mut rights = std::fs::metadata(&beside)?.permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(&beside, rights)?;
    std::fs::rename(&beside, path)
}
