//! Faults that people make, one a folder, and what `andon check` says to each.
//!
//! A folder under `tests/faults/` is named after its fault and lies over what is built in.
//! `expected.txt` in it is what a reader sees. `UPDATE_EXPECT=1 cargo test --test faults` writes these
//! anew; read every one of them before keeping it.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot read its own files stops, and says why"
)]

use std::fs;
use std::path::{Path, PathBuf};

use andon::catalog::{Files, load};
use andon::diag::{Faults, Format, Level, Source, render};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults")
}

/// The folders, by name.
fn folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(root())
        .expect("tests/faults is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// The files below `folder`, by their path with `/`.
fn files(folder: &Path, below: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(below)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(folder, &path, found);
        } else {
            let name = path
                .strip_prefix(folder)
                .expect("below")
                .components()
                .map(|part| part.as_os_str().to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join("/");
            if name != "expected.txt" {
                found.push((name, fs::read(&path).expect("a file")));
            }
        }
    }
}

/// What `andon check` says to a folder, and how many errors and warnings that is.
fn said(folder: &Path) -> (String, usize, usize) {
    let mut found = Vec::new();
    files(folder, folder, &mut found);
    let mut config = fs::read_to_string(root().join("andon.yaml")).expect("andon.yaml");
    let mut over = Files::new();
    for (name, bytes) in found {
        if name == "andon.yaml" {
            config = String::from_utf8(bytes).expect("text");
        } else {
            over.put(&name, &name, &bytes);
        }
    }
    let mut all = Files::built_in();
    all.overlay(over);
    let mut faults = Faults::new();
    let catalog = load(&all, &Source::new("andon.yaml", config), &mut faults);
    let sorted = faults.into_sorted();
    let of = |level| sorted.iter().filter(|fault| fault.level == level).count();
    let (errors, warnings) = (of(Level::Error), of(Level::Warning));
    assert_eq!(catalog.is_none(), errors > 0, "{}", folder.display());
    (
        render(&sorted, Format::Text { color: false }),
        errors,
        warnings,
    )
}

#[test]
fn each_fault_is_told_once_with_its_place_and_its_help() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let folders = folders();
    assert!(folders.len() >= 30, "{} faults", folders.len());
    let mut wrong = Vec::new();
    for folder in folders {
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let (said, errors, warnings) = said(&folder);
        if errors + warnings != 1 {
            wrong.push(format!(
                "{name}: {errors} errors and {warnings} warnings, and it has one fault\n{said}"
            ));
        }
        if !said.contains("help: ") {
            wrong.push(format!("{name}: nothing says what to type\n{said}"));
        }
        let expected = folder.join("expected.txt");
        if update {
            fs::write(&expected, &said).expect("written");
        } else if fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("{name}: this is not what expected.txt has\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
