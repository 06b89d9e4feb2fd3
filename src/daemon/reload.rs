//! Files that change while the daemon runs: checked as a whole, their tests run, then put in force at
//! once; or refused, and those of before stay.
//!
//! It looks at the files every few seconds, and at once when somebody asks ([`Live::reloads`]). Files
//! that nobody asked about are taken up only when two looks see the same: an editor or a copy may be
//! half done.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use super::difference::{Paths, Written};
use super::files::Mark;
use super::{Error, Folder, load};
use crate::catalog::{self, Catalog, Files};
use crate::config::Config;
use crate::diag::{self, Diagnostic};
use crate::live::{Ask, Change, Live, Outcome, Refusal, Snapshot};
use crate::mapping::{self, Status};
use crate::store::{self, AlertFilter};
use crate::{untrusted, web};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(3);
/// Every so many looks the files are read although they look as before: some file systems keep times
/// to the second, and some keep none.
const READ_EVERY: u32 = 20;
/// Who puts files in force that nobody asked about.
const ANDON: &str = "andon";
/// The longest reason, in graphemes.
const LONGEST_WHY: usize = 500;
/// Failing tests that are told.
const MOST_TESTS: usize = 20;
/// Open alerts of a mapping that are counted.
const MOST_ALERTS: u32 = 1_000;

/// Starts following the files of `folder`, which are in force, until the daemon stops.
pub(super) fn start(live: &Arc<Live>, folder: Folder, client: web::Client) {
    let Some(asks) = live.reloads.take_asks() else {
        return;
    };
    let reloading = Reloading {
        live: Arc::clone(live),
        client,
        written: Written::of(&folder),
        marks: folder.marks().unwrap_or_default(),
        folder: without_contents(folder),
        looks: 0,
        seen: None,
        refused: None,
    };
    live.tasks.spawn(reloading.follow(asks));
}

/// What the files are is in [`Written`] and in the catalog; once is enough.
fn without_contents(folder: Folder) -> Folder {
    Folder {
        files: Files::new(),
        written: Files::new(),
        ..folder
    }
}

/// What lies there: its digest, or why it cannot be read.
type Seen = Result<String, String>;

struct Reloading {
    live: Arc<Live>,
    client: web::Client,
    /// The files in force.
    folder: Folder,
    written: Written,
    /// What the files looked like when they were read last.
    marks: Vec<Mark>,
    looks: u32,
    /// What the last look saw, where it is neither in force nor refused.
    seen: Option<Seen>,
    /// What was refused, and is not told again.
    refused: Option<Seen>,
}

/// Files that passed every check.
struct Sound {
    folder: Folder,
    catalog: Catalog,
    warnings: Vec<Diagnostic>,
}

/// Why files are refused.
#[derive(Default)]
struct Grounds {
    why: String,
    faults: Vec<Diagnostic>,
    tests: Vec<String>,
}

impl Grounds {
    fn only(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            ..Self::default()
        }
    }
}

impl Reloading {
    async fn follow(mut self, mut asks: mpsc::Receiver<Ask>) {
        if let Err(error) = self.note_start().await {
            tracing::warn!(%error, "the audit does not say which files are in force");
        }
        let live = Arc::clone(&self.live);
        loop {
            tokio::select! {
                biased;
                () = live.stop.cancelled() => return,
                Some(ask) = asks.recv() => {
                    let outcome = self.look_for(&ask.by).await;
                    // Whoever asked may be gone.
                    let _ = ask.answer.send(outcome);
                }
                () = tokio::time::sleep(LOOK_EVERY) => self.look().await,
            }
        }
    }

    /// The files may have changed while the daemon was down.
    async fn note_start(&self) -> Result<(), store::Error> {
        let digests = self.written.digests();
        let hash = self.hash();
        self.live
            .store
            .write_lazily(move |tx| {
                let before = tx.noted_files()?;
                let paths = Paths::between(&before.clone().unwrap_or_default(), &digests);
                if before.is_some() && paths.is_empty() {
                    return Ok(());
                }
                tx.note_files(&digests)?;
                let about = json!({
                    "hash": hash, "added": paths.added, "changed": paths.changed, "removed": paths.removed,
                });
                tx.audit(ANDON, "files.started", &about).map(drop)
            })
            .await
    }

    fn hash(&self) -> String {
        self.live.snapshot().catalog.hash.clone()
    }

    /// A look that nobody asked for.
    async fn look(&mut self) {
        self.looks = self.looks.wrapping_add(1);
        let folder = self.folder.clone();
        let known = (self.seen.is_none() && !self.looks.is_multiple_of(READ_EVERY))
            .then(|| self.marks.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let marks = folder.marks();
            if let (Ok(marks), Some(known)) = (&marks, &known)
                && marks == known
            {
                return None;
            }
            Some((marks.unwrap_or_default(), folder.again()))
        });
        let Ok(Some((marks, read))) = looked.await else {
            return;
        };
        self.marks = marks;
        let seen = seen(&read);
        if seen.as_ref() == Ok(&self.hash()) {
            self.seen = None;
            if self.refused.take().is_some() {
                self.live.reloads.note(&Outcome::Same { hash: self.hash() });
                tracing::info!("the files are those in force again");
            }
        } else if self.refused.as_ref() == Some(&seen) {
            self.seen = None;
        } else if self.seen.as_ref() == Some(&seen) {
            self.seen = None;
            self.take(ANDON, read, seen).await;
        } else {
            self.seen = Some(seen);
        }
    }

    /// A look that somebody asked for: what lies there counts as it is.
    async fn look_for(&mut self, by: &str) -> Outcome {
        let folder = self.folder.clone();
        let read = tokio::task::spawn_blocking(move || {
            (folder.marks().unwrap_or_default(), folder.again())
        });
        let Ok((marks, read)) = read.await else {
            return self.refuse(by, Grounds::only("the files could not be read"), None);
        };
        self.marks = marks;
        self.seen = None;
        let seen = seen(&read);
        if seen.as_ref() == Ok(&self.hash()) {
            self.refused = None;
            let outcome = Outcome::Same { hash: self.hash() };
            self.live.reloads.note(&outcome);
            return outcome;
        }
        self.take(by, read, seen).await
    }

    /// Puts files in force, or refuses them.
    async fn take(&mut self, by: &str, read: Result<Folder, Error>, seen: Seen) -> Outcome {
        let (was_configured, present) = (self.folder.is_configured, self.folder.present.clone());
        let checked = match read {
            Err(error) => Err(Grounds::only(untrusted::with_causes(&error))),
            Ok(folder) => match gone(was_configured, &present, &folder) {
                Some(why) => Err(Grounds::only(why)),
                None => tokio::task::spawn_blocking(move || check(folder))
                    .await
                    .unwrap_or_else(|_| Err(Grounds::only("checking the files broke off"))),
            },
        };
        let applied = match checked {
            Ok(sound) => self.apply(by, sound).await,
            Err(grounds) => Err(grounds),
        };
        match applied {
            Ok(change) => {
                self.refused = None;
                let (hash, by) = (&change.hash, &change.by);
                tracing::info!(%hash, %by, added = change.added.len(), changed = change.changed.len(), removed = change.removed.len(), "other files are in force");
                for note in &change.notes {
                    tracing::warn!("{note}");
                }
                let outcome = Outcome::Changed(change);
                self.live.reloads.note(&outcome);
                outcome
            }
            Err(grounds) => self.refuse(by, grounds, Some(seen)),
        }
    }

    fn refuse(&mut self, by: &str, grounds: Grounds, seen: Option<Seen>) -> Outcome {
        self.refused = seen;
        let why = untrusted::log(&grounds.why, LONGEST_WHY);
        tracing::error!(%by, why, "the files that lie there are refused; those of before stay in force");
        let outcome = Outcome::Refused(Refusal {
            at: self.live.clock.now(),
            by: by.to_owned(),
            why,
            faults: grounds.faults,
            tests: grounds.tests,
        });
        self.live.reloads.note(&outcome);
        outcome
    }

    async fn apply(&mut self, by: &str, sound: Sound) -> Result<Change, Grounds> {
        let unkept =
            |error: store::Error| Grounds::only(format!("the store does not take it: {error}"));
        let (live, before) = (&self.live, self.live.snapshot());
        let Sound {
            folder,
            catalog,
            warnings,
        } = sound;
        let snapshot = Snapshot::new(catalog, &folder.path, &self.client, live.clock.clone())
            .map_err(|error| Grounds::only(untrusted::with_causes(&error)))?;
        let mut notes: Vec<String> = warnings.iter().map(one_line).collect();
        notes.extend(later(&before.catalog.config, &snapshot.catalog.config));
        notes.extend(
            self.left_behind(&before.catalog, &snapshot.catalog)
                .await
                .map_err(unkept)?,
        );
        let written = Written::of(&folder);
        let digests = written.digests();
        let paths = Paths::between(&self.written.digests(), &digests);
        let change = Change {
            at: live.clock.now(),
            by: by.to_owned(),
            before: before.catalog.hash.clone(),
            hash: snapshot.catalog.hash.clone(),
            added: paths.added,
            changed: paths.changed,
            removed: paths.removed,
            notes,
        };
        let keep = snapshot.catalog.config.keep.at_most;
        if keep != before.catalog.config.keep.at_most {
            live.store.bound(keep).await.map_err(unkept)?;
        }
        let about = json!({
            "before": change.before, "hash": change.hash, "added": change.added, "changed": change.changed,
            "removed": change.removed, "notes": change.notes, "difference": self.written.lines_to(&written),
        });
        let who = change.by.clone();
        live.store
            .write(move |tx| {
                tx.audit(&who, "files.changed", &about)?;
                tx.note_files(&digests)
            })
            .await
            .map_err(unkept)?;
        live.swap(snapshot);
        self.folder = without_contents(folder);
        self.written = written;
        Ok(change)
    }

    /// What the new files have no word for, and is still there.
    async fn left_behind(
        &self,
        before: &Catalog,
        after: &Catalog,
    ) -> Result<Vec<String>, store::Error> {
        let silent = |name: &str| match after.mappings.get(name) {
            None => true,
            Some(mapping) => mapping.status != Status::Stable && !mapping.resolves_open,
        };
        let mappings: Vec<String> = before
            .mappings
            .values()
            .filter(|mapping| mapping.status == Status::Stable && silent(&mapping.name))
            .map(|mapping| mapping.name.clone())
            .collect();
        let destinations: Vec<String> = before
            .config
            .connections
            .iter()
            .map(|connection| connection.name.clone())
            .filter(|name| after.config.connection(name).is_none())
            .collect();
        self.live
            .store
            .read(move |reader| {
                let mut notes = Vec::new();
                for mapping in mappings {
                    let filter = AlertFilter {
                        open: Some(true),
                        mapping: Some(mapping.clone()),
                        ..AlertFilter::default()
                    };
                    let open = reader.alerts(&filter, MOST_ALERTS)?.len();
                    if open > 0 {
                        notes.push(format!(
                            "mapping `{mapping}` finds nothing any more and has open alerts ({open}): they stay open until they are quiet or closed by hand; its file with `status: retired` and `open: resolve` closes them"
                        ));
                    }
                }
                for waiting in reader.waiting()? {
                    if waiting.count > 0 && destinations.contains(&waiting.destination) {
                        notes.push(format!(
                            "connection `{}` is gone and events wait for it ({}): they are sent when it is back",
                            waiting.destination, waiting.count
                        ));
                    }
                }
                Ok(notes)
            })
            .await
    }
}

fn seen(read: &Result<Folder, Error>) -> Seen {
    match read {
        Ok(folder) => Ok(catalog::digest(&folder.files, &folder.config)),
        Err(error) => Err(untrusted::with_causes(error)),
    }
}

/// Why files are refused that would leave nearly nothing: a file system that is away looks like a
/// folder that was emptied.
fn gone(was_configured: bool, present: &[&str], now: &Folder) -> Option<String> {
    if was_configured && !now.is_configured {
        return Some(
            "andon.yaml is gone; put it back, or stop Andon to go on without it".to_owned(),
        );
    }
    let missing = present.iter().find(|name| !now.present.contains(*name))?;
    Some(format!(
        "the folder of {missing} is gone; put it back, if only empty, or start Andon anew without it"
    ))
}

/// All checks and all tests.
fn check(folder: Folder) -> Result<Sound, Grounds> {
    let (catalog, warnings) = load(&folder).map_err(|error| match error {
        Error::Faults(faults) => Grounds {
            why: format!("{}; `andon check` shows them", diag::summary(&faults)),
            faults,
            tests: Vec::new(),
        },
        other => Grounds::only(untrusted::with_causes(&other)),
    })?;
    let mut failed = Vec::new();
    for mapping in catalog.mappings.values() {
        for ran in catalog::run_cases(&catalog, mapping, &folder.files) {
            if let mapping::Outcome::Failed(failure) = ran.outcome {
                let what = format!("{}: {}: {failure}", mapping.name, ran.case.it);
                failed.push(untrusted::log(&what, LONGEST_WHY));
            }
        }
    }
    if failed.is_empty() {
        return Ok(Sound {
            folder,
            catalog,
            warnings,
        });
    }
    let why = match failed.len() {
        1 => "a test in a mapping fails; `andon test` shows it".to_owned(),
        many => format!("{many} tests in mappings fail; `andon test` shows them"),
    };
    failed.truncate(MOST_TESTS);
    Err(Grounds {
        why,
        faults: Vec::new(),
        tests: failed,
    })
}

/// What takes effect at the next start only.
fn later(before: &Config, after: &Config) -> Vec<String> {
    let differs = [
        ("listen", before.listen != after.listen),
        ("store", before.store != after.store),
        ("tls", before.tls.is_some() != after.tls.is_some()),
    ];
    let changed = differs.into_iter().filter(|(_, differs)| *differs);
    changed
        .map(|(key, _)| format!("`{key}` in andon.yaml takes effect when Andon is started anew"))
        .collect()
}

fn one_line(fault: &Diagnostic) -> String {
    let place = &fault.place;
    let (line, _) = place.source.line_and_column(place.span.start);
    let what = format!("{}:{line}: {}", place.source.name, fault.message);
    untrusted::log(&what, LONGEST_WHY)
}
