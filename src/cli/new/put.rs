//! Files that are about to be written: checked over those that are there, then written, none over another.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Map, Value as Json};

use super::mapping::{Draft, From, draft};
use crate::catalog::{self, Catalog, Files};
use crate::config;
use crate::daemon::Folder;
use crate::diag::{self, Faults, Format};
use crate::mapping::{Gives, Judgement, Mapping, Outcome};

/// A file that is not yet written.
#[derive(Debug, Clone)]
pub(super) struct New {
    /// Its name among [`Files`], such as `mappings/x.yaml`.
    pub(super) name: String,
    /// What is in it.
    pub(super) bytes: Vec<u8>,
}

impl New {
    /// A text.
    pub(super) fn text(name: String, text: &str) -> Self {
        Self {
            name,
            bytes: text.as_bytes().to_vec(),
        }
    }
}

/// Everything that is there, with new files over it.
pub(super) fn over(folder: &Folder, new: &[New]) -> anyhow::Result<(Files, Catalog)> {
    let mut files = folder.files.clone();
    for file in new {
        files.put(&file.name, &file.name, &file.bytes);
    }
    let mut faults = Faults::new();
    let catalog = catalog::load(&files, &folder.config, &mut faults);
    match catalog {
        Some(catalog) => Ok((files, catalog)),
        None => bail!(
            "nothing was written, because it would have had a fault:\n{}",
            diag::render(&faults.into_sorted(), Format::Text { color: false })
        ),
    }
}

/// A mapping with its tests: written, checked and run in memory.
pub(super) fn mapping(
    folder: &Folder,
    beside: &[New],
    catalog: &Catalog,
    from: From<'_>,
) -> anyhow::Result<New> {
    let draft = draft(from, catalog);
    let name = format!("mappings/{}.yaml", from.name);
    let with = |text: &str| -> anyhow::Result<(Files, Catalog)> {
        let mut new = beside.to_vec();
        new.push(New::text(name.clone(), text));
        over(folder, &new)
    };
    let unknown: Vec<Gives> = draft.tests.iter().map(|_| Gives::Nothing).collect();
    let (_, tried) = with(&draft.written(draft.tests.iter().zip(&unknown)))?;
    let mapping = tried
        .mappings
        .get(from.name)
        .context("the mapping that was written is not there")?;
    let gives = gives(mapping)?;
    let text = draft.written(chosen(&draft, &gives));
    let (files, tried) = with(&text)?;
    if let Some(mapping) = tried.mappings.get(from.name) {
        for ran in catalog::run_cases(&tried, mapping, &files) {
            if let Outcome::Failed(failure) = ran.outcome {
                bail!(
                    "nothing was written, because its test would have failed: {}: {failure}",
                    ran.case.it
                );
            }
        }
    }
    Ok(New::text(name, &text))
}

/// What each test of a mapping gives.
fn gives(mapping: &Mapping) -> anyhow::Result<Vec<Gives>> {
    let judged = mapping.cases.iter().map(|case| {
        let signal = case.signal(mapping).context("a test without a signal")?;
        Ok(match mapping.judge(&signal, &Map::new())? {
            Judgement::Nothing => Gives::Nothing,
            Judgement::Close { .. } => Gives::Resolved,
            Judgement::Open(proposal) => {
                let whole = proposal.to_test_value(mapping);
                let shown = ["severity", "title"];
                Gives::Alert(
                    whole
                        .into_iter()
                        .filter(|(key, _)| shown.contains(&key.as_str()))
                        .collect(),
                )
            }
        })
    });
    judged.collect()
}

/// One test for each thing that can come of a signal, the alert first.
fn chosen<'d>(draft: &'d Draft, gives: &'d [Gives]) -> impl Iterator<Item = (&'d Json, &'d Gives)> {
    let sorts: [fn(&Gives) -> bool; 3] = [
        |gives| matches!(gives, Gives::Alert(_)),
        |gives| matches!(gives, Gives::Nothing),
        |gives| matches!(gives, Gives::Resolved),
    ];
    let all = move || draft.tests.iter().zip(gives);
    sorts
        .into_iter()
        .filter_map(move |sort| all().find(|(_, gives)| sort(gives)))
}

/// Where a file lies on the disk.
pub(super) fn place(folder: &Folder, name: &str) -> PathBuf {
    let folders = config::folders(&folder.config);
    let (kind, below) = name.split_once('/').unwrap_or((name, ""));
    let root = match kind {
        "connectors" => folders.connectors,
        _ => folders.mappings,
    };
    let path = folder.path.join(root).join(below);
    path.strip_prefix("./")
        .map(Path::to_path_buf)
        .unwrap_or(path)
}

/// Writes files that are not there; where one is, none.
pub(super) fn write(folder: &Folder, new: &[New]) -> anyhow::Result<Vec<PathBuf>> {
    let places: Vec<PathBuf> = new.iter().map(|file| place(folder, &file.name)).collect();
    if let Some(there) = places.iter().find(|path| path.symlink_metadata().is_ok()) {
        bail!(
            "`{}` is there already, and nothing is written over it; give another name at the end",
            there.display()
        );
    }
    for (path, file) in places.iter().zip(new) {
        let shown = path.display();
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("the folder `{}` cannot be made", parent.display()))?;
        }
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .and_then(|mut opened| opened.write_all(&file.bytes))
            .with_context(|| format!("`{shown}` cannot be written"))?;
    }
    Ok(places)
}
