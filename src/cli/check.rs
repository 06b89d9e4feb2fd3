//! `andon check`: every fault of the files, with its place and what to write instead; with `--live` what each
//! connection answers; with `--store` what is wrong with the store, and what to do.

mod live;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::{Ended, Format, Where, backup, output, shown};
use crate::catalog::Catalog;
use crate::daemon::{self, Folder};
use crate::diag::{self, Diagnostic, Level, Source};
use crate::store::{self, Fault};

/// Stands for the store that `andon.yaml` names: a folder is no store.
const THE_STORE: &str = ".";

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// The folder to check; the current one without it
    folder: Option<PathBuf>,
    /// Check the store and not the files, beside the daemon or without it; with a FILE that one, such as a backup
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = THE_STORE)]
    store: Option<PathBuf>,
    /// Also ask each connection whether it would work; nothing is changed or delivered
    #[arg(long, conflicts_with = "store")]
    live: bool,
    /// For a person, a script, a workflow of GitHub, or code scanning
    #[arg(long, value_enum, default_value = "text")]
    format: Shown,
}

/// Who reads what `check` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shown {
    /// For a person.
    Text,
    /// For a script.
    Json,
    /// Workflow commands: GitHub shows them beside the lines of a pull request.
    Github,
    /// SARIF 2.1.0, for code scanning and editors.
    Sarif,
}

impl Shown {
    /// As the store is shown, which is no file with lines.
    fn of_store(self) -> anyhow::Result<Format> {
        match self {
            Self::Text => Ok(Format::Text),
            Self::Json => Ok(Format::Json),
            Self::Github | Self::Sarif => {
                bail!("a store has no lines to point at: use `--format json` with `--store`")
            }
        }
    }
}

/// Checks.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let here = typed.folder.as_deref().unwrap_or(Path::new("."));
    match &typed.store {
        Some(file) if file == Path::new(THE_STORE) => {
            return check_store(&at.store(here)?, typed.format.of_store()?);
        }
        Some(file) => return check_store(file, typed.format.of_store()?),
        None => {}
    }
    let folder = at.folder(here)?;
    let (catalog, mut said) = match daemon::load(&folder) {
        Ok((catalog, said)) => (Some(catalog), said),
        Err(daemon::Error::Faults(said)) => (None, said),
        Err(other) => return Err(other.into()),
    };
    let sound = catalog.as_ref().map(|catalog| sound(&folder, catalog));
    let asked = match catalog {
        Some(catalog) if typed.live => Some(live::ask(catalog, &folder, &mut said)?),
        _ => None,
    };
    let faulty = said.iter().any(|fault| fault.level == Level::Error);
    match typed.format {
        Shown::Json => match &asked {
            Some(asked) => output::line(&output::json(&live::json(asked, &said))),
            None => output::line(&diag::render(&said, diag::Format::Json)),
        },
        Shown::Github => output::text(&diag::render(&relative(said), diag::Format::Github)),
        Shown::Sarif => output::text(&diag::render(&relative(said), diag::Format::Sarif)),
        Shown::Text => {
            if let Some(asked) = &asked {
                output::line(sound.as_deref().unwrap_or_default());
                output::text(&live::text(asked));
            }
            if !said.is_empty() {
                output::faults(&said);
            }
            if let (None, Some(sound)) = (&asked, &sound) {
                output::line(sound);
            }
        }
    }
    Ok(if faulty { Ended::Faults } else { Ended::Fine })
}

/// What there is, where all of it is sound.
fn sound(folder: &Folder, catalog: &Catalog) -> String {
    format!(
        "{}: {} connections, {} mappings, {} connectors are sound",
        if folder.is_configured {
            folder.config.name.as_str()
        } else {
            "no andon.yaml here, so the built-in files"
        },
        catalog.config.written().count(),
        catalog.mappings.len(),
        catalog.connectors.len(),
    )
}

/// Faults whose files are named from the current folder, where they lie in it: that is how GitHub and
/// editors find them.
fn relative(mut faults: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let Ok(here) = std::env::current_dir() else {
        return faults;
    };
    for fault in &mut faults {
        if let Ok(below) = Path::new(&fault.place.source.name).strip_prefix(&here) {
            let name = below.display().to_string();
            fault.place.source = Source::new(name, fault.place.source.text.clone());
        }
    }
    faults
}

fn check_store(path: &Path, format: Format) -> anyhow::Result<Ended> {
    let checked = store::check(path)?;
    let json = json!({
        "store": path,
        "sound": checked.faults.is_empty(),
        "holds": checked.holds.as_ref().map(backup::holds),
        "faults": faults(&checked.faults),
    });
    output::answer(format, &json, |_| {
        let verdict = match checked.faults.len() {
            0 => "is sound".to_owned(),
            1 => "has a fault".to_owned(),
            many => format!("has {many} faults"),
        };
        let held = checked.holds.as_ref().map(backup::told);
        format!(
            "{} {verdict}\n{}{}",
            shown::text(&path.display().to_string()),
            held.unwrap_or_default(),
            told(&checked.faults)
        )
    });
    Ok(if checked.faults.is_empty() {
        Ended::Fine
    } else {
        Ended::Faults
    })
}

/// The faults of a store, for a script.
pub(super) fn faults(faults: &[Fault]) -> Json {
    let one = |fault: &Fault| {
        json!({
            "what": fault.what,
            "count": fault.count,
            "first": fault.first,
            "in_file": fault.in_file,
            "what_to_do": what_to_do(fault),
        })
    };
    faults.iter().map(one).collect()
}

/// The faults of a store, for a person.
pub(super) fn told(faults: &[Fault]) -> String {
    let mut text = String::new();
    for fault in faults {
        let _ = writeln!(
            text,
            "fault: {} ({})",
            shown::text(&fault.what),
            fault.count
        );
        for first in &fault.first {
            let _ = writeln!(text, "  {}", shown::text(first));
        }
        let _ = writeln!(text, "  help: {}", what_to_do(fault));
    }
    text
}

fn what_to_do(fault: &Fault) -> &'static str {
    if fault.in_file {
        "stop Andon, keep a copy of the file, and `andon restore BACKUP --replace`; look at the disk before"
    } else {
        "stop Andon and `andon restore BACKUP --replace`; or go on, and report this as a fault of Andon's with the lines above"
    }
}
