//! A look at a source that keeps nothing: for `andon check --live`.

use std::fs::File;

use serde_json::Value as Json;

use super::file::{Folder, walk};
use super::page::Page;
use super::poll::{Error, Found, Key, read_page};
use crate::clock::Clock;
use crate::live::Snapshot;

/// How many files are opened, the latest first.
const OPENED: usize = 100;

/// The first page of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstPage {
    /// How many signals are on it.
    pub signals: usize,
    /// Of those, how many the manifest or the schema fails on.
    pub stuck: usize,
    /// Why, for the first of them: one line, clean.
    pub why: Option<String>,
    /// Whether there are more pages.
    pub more: bool,
}

/// Asks for the first page of a poll; `None` where the connection has no such poll.
///
/// # Errors
/// When there is no such answer as the poll reads.
pub async fn first_page(
    clock: &Clock,
    snapshot: &Snapshot,
    connection: &str,
    signal: &str,
) -> Result<Option<FirstPage>, Error> {
    let key = Key {
        connection: connection.to_owned(),
        signal: signal.to_owned(),
    };
    let Some(found) = Found::new(snapshot, &key) else {
        return Ok(None);
    };
    let page = Page::first(found.poll.next.as_ref());
    let read = read_page(clock, snapshot, &found, &page, &Json::Null).await?;
    let faults = || read.cuts.iter().filter_map(|cut| cut.fault.as_ref());
    Ok(Some(FirstPage {
        signals: read.cuts.len(),
        stuck: faults().count(),
        why: faults().next().cloned(),
        more: read.next.is_some(),
    }))
}

/// The files that a connection reads: how many there are for each signal. `None` where it reads none. Blocks on the disk.
///
/// # Errors
/// One line on what cannot be read.
pub fn folder(
    snapshot: &Snapshot,
    connection: &str,
) -> Option<Result<Vec<(String, usize)>, String>> {
    let folder = Folder::new(snapshot, connection)?;
    Some(files(&folder))
}

fn files(folder: &Folder<'_>) -> Result<Vec<(String, usize)>, String> {
    let path = folder.path.display();
    std::fs::read_dir(&folder.path).map_err(|error| format!("`{path}` cannot be read: {error}"))?;
    let mut found = walk(folder);
    let counts = folder.rules.iter().map(|(rule, _, glob)| {
        let count = found
            .iter()
            .filter(|file| glob.is_match(&file.path))
            .count();
        (rule.name.clone(), count)
    });
    let counts = counts.collect();
    found.sort_by_key(|file| std::cmp::Reverse(file.modified));
    for file in found.iter().take(OPENED) {
        File::open(&file.full)
            .map_err(|error| format!("`{path}/{}` cannot be read: {error}", file.path))?;
    }
    Ok(counts)
}
