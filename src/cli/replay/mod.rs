//! `andon replay`: what changed files would have made of the signals that are kept; `andon shadow`: what
//! a mapping on trial would have.
//!
//! Reads the store's file beside the daemon, and asks nobody. What is replayed are mappings, routes and
//! kinds: a signal is what its connector made of it when it came.

mod compare;
mod show;
mod side;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::{Ended, Format, Where, output, shown};
use crate::alert::Alert;
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::daemon::{self, Folder};
use crate::signal::{Signal, SignalId};
use crate::store::{self, History};
use crate::yaml;
use compare::{Pair, pairs};
use show::Compared;
use side::{Made, Side};

/// Signals that are read, judged and told at once.
const AT_ONCE: u32 = 2_000;
/// How often progress is drawn.
const DRAWN_EVERY: Duration = Duration::from_millis(500);

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// How far back, such as `7d` or `12h`
    #[arg(long, default_value = "7d", value_name = "TIME")]
    since: String,
    /// The mapping that is changed; the files of this folder are what was before
    #[arg(long, value_name = "FILE", conflicts_with = "against")]
    mapping: Option<PathBuf>,
    /// The folder with the files of before; those of this folder are the changed ones
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Only what was closed as a false positive
    #[arg(long)]
    false_positives: bool,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// What was typed after `shadow`.
#[derive(Debug, Args)]
pub(crate) struct Shadow {
    /// The mapping on trial
    mapping: String,
    /// How far back, such as `7d` or `12h`
    #[arg(long, default_value = "7d", value_name = "TIME")]
    since: String,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Files, and what to call them.
struct Files {
    name: String,
    catalog: Catalog,
}

/// Replays.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let here = at.folder(Path::new("."))?;
    let (catalog, _) = daemon::load(&here)?;
    let now = Files {
        name: "the files of this folder".to_owned(),
        catalog,
    };
    let (before, after) = match (&typed.mapping, &typed.against) {
        (Some(file), _) => (now, changed(here, file)?),
        (None, Some(folder)) => (others(folder)?, now),
        (None, None) => bail!(
            "say what to compare: --mapping FILE for a changed mapping, or --against DIR for the folder of before"
        ),
    };
    let asked = Asked {
        store: at.store(Path::new("."))?,
        since: &typed.since,
        false_positives: typed.false_positives,
        format: typed.format,
    };
    compare(&asked, before, after)
}

/// Shows what a mapping on trial would have found.
pub(crate) fn shadow(typed: &Shadow, at: &Where) -> anyhow::Result<Ended> {
    let here = at.folder(Path::new("."))?;
    let (before, _) = daemon::load(&here)?;
    let (after, _) = daemon::load(&here)?;
    let name = &typed.mapping;
    let known = before.mappings.keys().map(String::as_str);
    let Some(after) = after.with_in_force(name) else {
        let shown = shown::text(name);
        match crate::diag::nearest(name, known) {
            Some(meant) => bail!("there is no mapping `{shown}`: did you mean `{meant}`?"),
            None => bail!("there is no mapping `{shown}`"),
        }
    };
    let asked = Asked {
        store: at.store(Path::new("."))?,
        since: &typed.since,
        false_positives: false,
        format: typed.format,
    };
    let status = before
        .mappings
        .get(name)
        .map_or("", |mapping| mapping.status.as_str());
    let before = Files {
        name: format!("the files of this folder, `{name}` is {status}"),
        catalog: before,
    };
    let after = Files {
        name: format!("the same with `{name}` in force"),
        catalog: after,
    };
    compare(&asked, before, after)
}

/// A folder's files with one mapping in place of the one of that name, in force whatever its status says.
fn changed(mut folder: Folder, file: &Path) -> anyhow::Result<Files> {
    let shown = file.display().to_string();
    let name = file.file_stem().and_then(|stem| stem.to_str());
    let name = name.with_context(|| format!("`{shown}` has no name that a mapping can have"))?;
    let bytes = std::fs::read(file).with_context(|| format!("`{shown}` cannot be read"))?;
    folder
        .files
        .put(&format!("mappings/{name}.yaml"), &shown, &bytes);
    let (catalog, _) = daemon::load(&folder)?;
    let catalog = catalog
        .with_in_force(name)
        .with_context(|| format!("`{shown}` gives no mapping `{name}`"))?;
    Ok(Files {
        name: format!("the same with {shown}"),
        catalog,
    })
}

fn others(folder: &Path) -> anyhow::Result<Files> {
    let config = folder.join("andon.yaml");
    let config = config.is_file().then_some(config);
    let (catalog, _) = daemon::load(&Folder::read(folder, config.as_deref())?)?;
    Ok(Files {
        name: format!("the files of {}", folder.display()),
        catalog,
    })
}

struct Asked<'a> {
    store: PathBuf,
    since: &'a str,
    false_positives: bool,
    format: Format,
}

fn compare(asked: &Asked<'_>, before: Files, after: Files) -> anyhow::Result<Ended> {
    let span = yaml::duration(asked.since).with_context(|| {
        format!(
            "`{}` is no span of time: write `7d`",
            shown::text(asked.since)
        )
    })?;
    let now = Clock::system().now();
    let since = now.checked_sub(span).context("that is too far back")?;
    let history = History::open(&asked.store)?;
    let known = asked
        .false_positives
        .then(|| history.false_positives())
        .transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    let names = [before.name, after.name];
    let sides = [
        Side::begin("before", before.catalog, since)?,
        Side::begin("after", after.catalog, since)?,
    ];
    let (signals, made) = runtime.block_on(replay(history, since, now, sides))?;
    let unsaid = made.each_ref().map(|made| made.unsaid.clone());
    let [made_before, made_after] = made;
    let mut found = pairs(made_before.seen, made_after.seen);
    if let Some(known) = &known {
        found.retain(|pair| known.iter().any(|known| is_of(pair, known)));
    }
    let [before, after] = names;
    let compared = Compared {
        before,
        after,
        since,
        signals,
        unsaid,
        false_positives: known.map(|known| known.len()),
    };
    let json = show::json(&compared, &found);
    output::answer(asked.format, &json, |_| show::text(&compared, &found));
    Ok(Ended::Fine)
}

/// Both sides take the same signals; gives how many there were.
async fn replay(
    history: History,
    since: Timestamp,
    now: Timestamp,
    [mut before, mut after]: [Side; 2],
) -> anyhow::Result<(u64, [Made; 2])> {
    let mut taken = 0;
    if let Some(newest) = history.newest()? {
        let mut progress = Progress::of(history.count(since, newest)?);
        // Read ahead by a thread of its own, which ends with the signals or with this function.
        let (give, mut given) = mpsc::channel(1);
        let reading = tokio::task::spawn_blocking(move || read(&history, since, newest, &give));
        while let Some(signals) = given.recv().await {
            taken += u64::try_from(signals.len()).unwrap_or(0);
            let (one, other) = tokio::join!(
                before.take(Arc::clone(&signals)),
                after.take(Arc::clone(&signals))
            );
            one.and(other)?;
            progress.at(taken);
        }
        reading.await??;
        progress.end();
    }
    Ok((taken, [before.end(now).await?, after.end(now).await?]))
}

fn read(
    history: &History,
    since: Timestamp,
    newest: SignalId,
    give: &mpsc::Sender<Arc<Vec<Signal>>>,
) -> Result<(), store::Error> {
    let mut after = None;
    loop {
        let kept = history.signals(since, after, newest, AT_ONCE)?;
        let Some(last) = kept.last() else {
            return Ok(());
        };
        after = Some(last.signal.id);
        let signals = kept.into_iter().map(|kept| kept.signal).collect();
        if give.blocking_send(Arc::new(signals)).is_err() {
            return Ok(());
        }
    }
}

/// Whether one of a pair is an alert that was known: of its key, and open while it was.
fn is_of(pair: &Pair, known: &Alert) -> bool {
    let until = known.closed.as_ref().map(|closed| closed.at);
    [pair.before(), pair.after()]
        .into_iter()
        .flatten()
        .any(|seen| {
            let alert = &seen.alert;
            let ended = alert.closed.as_ref().map(|closed| closed.at);
            alert.key == known.key
                && until.is_none_or(|until| alert.first_seen <= until)
                && ended.is_none_or(|ended| ended >= known.first_seen)
        })
}

/// How far it is, drawn in place on a terminal and nowhere else.
struct Progress {
    of: u64,
    clock: Clock,
    drawn: Option<Duration>,
    shown: bool,
}

impl Progress {
    fn of(of: u64) -> Self {
        Self {
            of,
            clock: Clock::system(),
            drawn: None,
            shown: std::io::stderr().is_terminal(),
        }
    }

    fn at(&mut self, taken: u64) {
        let now = self.clock.steady();
        let due = self
            .drawn
            .is_none_or(|drawn| now.saturating_sub(drawn) >= DRAWN_EVERY);
        if self.shown && due {
            self.drawn = Some(now);
            let count = |number: u64| shown::count(usize::try_from(number).unwrap_or(usize::MAX));
            let mut out = std::io::stderr().lock();
            // Whoever looked may be gone.
            let _ = write!(out, "\r{} of {} signals", count(taken), count(self.of));
        }
    }

    fn end(&self) {
        if self.drawn.is_some() {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}
