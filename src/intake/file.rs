//! Files in a connection's folder: read once they are whole, remembered by their content.
//!
//! No link is followed, so that nothing outside the folder is read. A file that cannot be read is
//! kept once as stuck; it does not come again until its content is another.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::draw::said;
use super::hold;
use super::keep::keep;
use super::read_file::{Outcome, draw, hash};
use crate::config::Connection;
use crate::connector::{FileRule, SignalRule, Way};
use crate::live::{Live, Snapshot};
use crate::store;

/// How many files of a folder are looked at.
const MOST_FILES: usize = 100_000;
/// How deep folders may lie.
const DEEPEST_FOLDER: usize = 32;
/// How many signals are kept in one write.
const AT_ONCE: usize = 500;
/// What is not whole for so long never will be.
const GIVE_UP_AFTER: Duration = Duration::from_mins(10);
/// Files that are gone are forgotten every so many looks.
const FORGET_EVERY: u64 = 1_000;
/// But not those that were read so lately: a folder may be away for a while.
const FORGET_AFTER: Duration = Duration::from_hours(24);

/// Reads files until the daemon stops or the snapshot in force has none to read.
pub(super) async fn run(live: Arc<Live>, connection: String, every: Duration) {
    let mut seen = Seen::default();
    loop {
        let snapshot = live.snapshot();
        if Folder::new(&snapshot, &connection).is_none() {
            return;
        }
        let looked = tokio::select! {
            () = live.stop.cancelled() => return,
            looked = look(&live, &snapshot, &connection, &mut seen) => looked,
        };
        if let Err(error) = &looked
            && error.may_pass()
        {
            hold::for_room(&live, &connection, "", error).await;
            continue;
        }
        let failed = looked.err().map(|error| said("files", &error));
        let outcome = if failed.is_none() { "done" } else { "failed" };
        live.meters.polls.add(&connection, outcome, 1);
        if let Some(reason) = &failed {
            tracing::warn!(
                connection,
                reason,
                "files could not be kept; they are read again"
            );
        }
        live.sources.looked(&connection, "files", failed);
        tokio::select! {
            () = live.stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// What was seen at the last looks.
#[derive(Debug, Default)]
pub(super) struct Seen {
    files: HashMap<String, Known>,
    looks: u64,
}

#[derive(Debug, Clone)]
struct Known {
    size: u64,
    modified: Timestamp,
    next: Next,
}

/// When a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// When it stood still until the next look.
    IfStill,
    /// It was not whole; at that time it is opened again, though nothing was written.
    At(Timestamp),
    /// When something is written.
    IfChanged,
}

/// A file that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Below the folder, with `/` between its parts.
    pub path: String,
    pub full: PathBuf,
    pub size: u64,
    pub modified: Timestamp,
}

/// A connection's folder and the rules for the files in it.
pub(super) struct Folder<'s> {
    pub connection: &'s Connection,
    pub path: PathBuf,
    pub(super) rules: Vec<(&'s SignalRule, &'s FileRule, globset::GlobMatcher)>,
}

impl<'s> Folder<'s> {
    /// `None` where the connection reads no files.
    pub fn new(snapshot: &'s Snapshot, connection: &str) -> Option<Self> {
        let connection = snapshot.catalog.config.connection(connection)?;
        let path = snapshot.folder().join(connection.text("folder")?);
        let rules: Vec<_> = connection
            .connector
            .signals
            .iter()
            .filter_map(|rule| match &rule.way {
                Way::File(file) => {
                    let glob = globset::GlobBuilder::new(&file.glob)
                        .literal_separator(true)
                        .build()
                        .ok()?;
                    Some((rule, file, glob.compile_matcher()))
                }
                Way::Webhook { .. } | Way::Poll(_) | Way::Own(_) => None,
            })
            .collect();
        (!rules.is_empty()).then_some(Self {
            connection,
            path,
            rules,
        })
    }

    /// The rules for a file, in the order of the manifest.
    pub fn rules_for(&self, path: &str) -> Vec<(&'s SignalRule, &'s FileRule)> {
        self.rules
            .iter()
            .filter(|(_, _, glob)| glob.is_match(path))
            .map(|(rule, file, _)| (*rule, *file))
            .collect()
    }
}

/// One look at the folder: reads what is whole and new. Gives how many signals were kept.
pub(super) async fn look(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    connection: &str,
    seen: &mut Seen,
) -> Result<usize, store::Error> {
    live.store.room()?;
    let (walked, name) = (Arc::clone(snapshot), connection.to_owned());
    let found = live
        .tasks
        .spawn_blocking(move || {
            Folder::new(&walked, &name).map_or_else(Vec::new, |folder| walk(&folder))
        })
        .await
        .unwrap_or_default();
    let mut count = 0;
    for file in &found {
        if !seen.is_due(file, live.clock.now()) {
            continue;
        }
        live.store.room()?;
        let (next, signals) = read(live, snapshot, connection, file).await?;
        count += signals;
        if let Some(known) = seen.files.get_mut(&file.path) {
            known.next = next;
        }
    }
    let there: HashSet<String> = found.into_iter().map(|file| file.path).collect();
    seen.files.retain(|path, _| there.contains(path));
    seen.looks += 1;
    if seen.looks.is_multiple_of(FORGET_EVERY) && !there.is_empty() {
        let before = live.clock.now().checked_sub(FORGET_AFTER);
        let (name, before) = (connection.to_owned(), before.unwrap_or(Timestamp::MIN));
        live.store
            .write_lazily(move |tx| tx.forget_files(&name, &there, before))
            .await?;
    }
    Ok(count)
}

impl Seen {
    /// Whether a file is to be opened now: it stood still since the last look, and was not opened since.
    fn is_due(&mut self, file: &Found, now: Timestamp) -> bool {
        match self.files.get(&file.path) {
            Some(known) if known.size == file.size && known.modified == file.modified => {
                match known.next {
                    Next::IfStill => true,
                    Next::At(at) => now >= at,
                    Next::IfChanged => false,
                }
            }
            _ => {
                let known = Known {
                    size: file.size,
                    modified: file.modified,
                    next: Next::IfStill,
                };
                self.files.insert(file.path.clone(), known);
                false
            }
        }
    }
}

pub(super) fn walk(folder: &Folder<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let entries = walkdir::WalkDir::new(&folder.path)
        .follow_links(false)
        .max_depth(DEEPEST_FOLDER)
        .sort_by_file_name();
    for entry in entries.into_iter().filter_map(Result::ok) {
        if !entry.file_type().is_file() {
            continue;
        }
        let Some(path) = below(&folder.path, entry.path()) else {
            continue;
        };
        if folder.rules_for(&path).is_empty() {
            continue;
        }
        if let Some((size, modified)) = stat(entry.path()) {
            found.push(Found {
                path,
                full: entry.path().to_owned(),
                size,
                modified,
            });
        }
        if found.len() >= MOST_FILES {
            tracing::warn!(connection = %folder.connection.name, "the folder holds more than {MOST_FILES} files; the rest is not read");
            break;
        }
    }
    found
}

/// `None` for names that are no UTF-8.
fn below(folder: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path
        .strip_prefix(folder)
        .ok()?
        .components()
        .map(|part| part.as_os_str().to_str())
        .collect();
    parts.map(|parts| parts.join("/"))
}

/// Size and time of a regular file; `None` for a link, or when it is gone.
pub(super) fn stat(path: &Path) -> Option<(u64, Timestamp)> {
    let of = std::fs::symlink_metadata(path).ok()?;
    if !of.is_file() {
        return None;
    }
    let modified = Timestamp::try_from(of.modified().ok()?).ok()?;
    Some((of.len(), modified))
}

async fn read(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    connection: &str,
    file: &Found,
) -> Result<(Next, usize), store::Error> {
    let hashed = file.clone();
    let sha256 = live.tasks.spawn_blocking(move || hash(&hashed)).await;
    let Ok(Some(sha256)) = sha256 else {
        return Ok((Next::IfStill, 0));
    };
    let (name, path) = (connection.to_owned(), file.path.clone());
    let known = live
        .store
        .read(move |reader| reader.file_was_read(&name, &path, &sha256))
        .await?;
    if known {
        return Ok((Next::IfChanged, 0));
    }
    let now = live.clock.now();
    let age = now.duration_since(file.modified);
    let give_up = jiff::SignedDuration::try_from(GIVE_UP_AFTER).unwrap_or_default();
    let (drawing, opened) = (Arc::clone(live), file.clone());
    let (of, name) = (Arc::clone(snapshot), connection.to_owned());
    let outcome = live
        .tasks
        .spawn_blocking(move || {
            Folder::new(&of, &name).map_or(Outcome::NotYet, |folder| {
                draw(
                    drawing.as_ref(),
                    &of.catalog,
                    &folder,
                    &opened,
                    &sha256,
                    age >= give_up,
                )
            })
        })
        .await;
    let drawn = match outcome {
        Ok(Outcome::Read(drawn)) => drawn,
        // The file is as it was at the last look; it is opened again when something was written.
        Ok(Outcome::NotYet) => return Ok((Next::IfChanged, 0)),
        Ok(Outcome::NotYetUntil(at)) => return Ok((Next::At(at), 0)),
        Ok(Outcome::Moved) | Err(_) => return Ok((Next::IfStill, 0)),
        Ok(Outcome::NotWhole) => {
            let until = file.modified.checked_add(GIVE_UP_AFTER);
            return Ok((Next::At(until.unwrap_or(Timestamp::MAX)), 0));
        }
    };
    let mut count = 0;
    let mut rest = drawn;
    loop {
        let mut signals = 0;
        let fits = rest
            .iter()
            .position(|body| {
                signals += body.signals.len();
                signals > AT_ONCE
            })
            .map_or(rest.len(), |end| end.max(1));
        let later = rest.split_off(fits);
        let last = later.is_empty();
        let (of, name, path) = (
            Arc::clone(snapshot),
            connection.to_owned(),
            file.path.clone(),
        );
        let (kept, written) = live
            .store
            .write(move |tx| {
                let kept = keep(tx, &of.catalog, &mut rest)?;
                if last {
                    tx.put_file(&name, &path, &sha256)?;
                }
                Ok((kept, rest))
            })
            .await?;
        kept.ring(live);
        super::keep::count(live, &written, &kept.received);
        count += kept.received.len();
        rest = later;
        if last {
            return Ok((Next::IfChanged, count));
        }
    }
}
