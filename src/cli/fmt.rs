//! `andon fmt`: keys in order, with the comments that stand at them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::{Ended, Where, output, shown};
use crate::diag::Source;
use crate::formats;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// Files, or folders with an andon.yaml; the current folder without them
    paths: Vec<PathBuf>,
    /// Change nothing: show what would be changed, and end with 1 when anything would
    #[arg(long)]
    check: bool,
}

/// Formats.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let files = files(&typed.paths, at)?;
    let (mut changed, mut refused) = (0_usize, 0_usize);
    for file in &files {
        let name = file.display().to_string();
        let text =
            std::fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
        let source = Source::new(name, text);
        let name = shown::text(&source.name);
        let formatted = match formats::format(&source) {
            Ok(formatted) => formatted,
            Err(why) => {
                refused += 1;
                output::complaint(&format!("{name} is left as it is: {why}"));
                continue;
            }
        };
        if formatted == source.text {
            continue;
        }
        changed += 1;
        if typed.check {
            output::text(&difference(&name, &source.text, &formatted));
        } else {
            std::fs::write(file, formatted).with_context(|| format!("{name} cannot be written"))?;
            output::line(&format!("{name}: its keys are in order now"));
        }
    }
    let said = match (changed, typed.check) {
        (0, _) => "in order".to_owned(),
        (_, true) => format!("{changed} would be changed: `andon fmt` does it"),
        (_, false) => format!("{changed} changed"),
    };
    let left = match refused {
        0 => String::new(),
        _ => format!(", {refused} left as they are"),
    };
    let many = if files.len() == 1 {
        "1 file".to_owned()
    } else {
        format!("{} files", files.len())
    };
    output::line(&format!("{many}: {said}{left}"));
    Ok(if refused > 0 || typed.check && changed > 0 {
        Ended::Faults
    } else {
        Ended::Fine
    })
}

/// The files that are meant: a folder stands for those that it adds to what is built in.
fn files(paths: &[PathBuf], at: &Where) -> anyhow::Result<Vec<PathBuf>> {
    let here = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &here } else { paths };
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let folder = at.folder(path)?;
        if folder.is_configured {
            files.push(PathBuf::from(&folder.config.name));
        }
        files.extend(
            folder
                .written
                .iter()
                .filter(|(name, _)| is_ours(name))
                .map(|(_, file)| PathBuf::from(&file.shown)),
        );
    }
    Ok(files)
}

/// Whether a file of a folder has keys to put in order.
fn is_ours(name: &str) -> bool {
    let ending = Path::new(name).extension().unwrap_or_default();
    match name.split_once('/') {
        None => name == "kinds.yaml",
        Some(("mappings", file)) => !file.contains('/') && (ending == "yaml" || ending == "yml"),
        Some(("connectors", file)) => file.split('/').nth(1) == Some("connector.yaml"),
        Some(_) => false,
    }
}

fn difference(name: &str, before: &str, after: &str) -> String {
    let lines = similar::TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(2)
        .header(name, &format!("{name} in order"))
        .to_string();
    lines.lines().map(|line| shown::text(line) + "\n").collect()
}
