//! `andon new`: a first mapping, or a first connector, written from what a system sends.
//!
//! What is written is a draft with comments: each guess says what to look at. It is checked and its test
//! is run before a byte of it is on the disk, and nothing is ever written over a file that is there. What
//! stands in a sample was written by others: it becomes quoted text, or a name of letters and digits.

mod text;
mod names;
mod field;
mod guess;
mod infer;
mod sample;
mod alarm;
mod mapping;
mod signal;
mod put;
mod source;
mod schema;
mod openapi;
mod connector;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand};

use super::{Ended, Where, output, shown};
use crate::catalog::Catalog;
use crate::daemon::{self, Folder};

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    #[command(subcommand)]
    what: What,
}

/// What to write.
#[derive(Debug, Subcommand)]
enum What {
    /// Write a mapping for a signal: its likely fields, severity and key, a test, and what to look at
    Mapping(MappingTyped),
    /// Write a connector for a system that Andon does not know: schema, sample, and a first mapping
    Connector(ConnectorTyped),
}

/// For a mapping.
#[derive(Debug, Args)]
struct MappingTyped {
    /// What the mapping is called; made of the signal's name without it. More samples may stand here too
    names: Vec<String>,
    /// A signal: a file (its data, a sample or a capture); or what the running daemon has stored: a signal
    /// (`sig_…`), or `last` with --signal
    #[arg(long, value_name = "FILE-OR-ID", required = true)]
    from: Vec<String>,
    /// The connection that it comes through
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// The signal it is, where more than one fits: SIGNAL, or CONNECTOR/SIGNAL
    #[arg(long, value_name = "NAME")]
    signal: Option<String>,
}

/// For a connector.
#[derive(Debug, Args)]
struct ConnectorTyped {
    /// What the connector is called; made of the first file's name without it. More samples may stand here too
    names: Vec<String>,
    /// What the system sends, as JSON, or its OpenAPI document; several samples of one signal are looked at together
    #[arg(long, value_name = "FILE", required = true)]
    from: Vec<PathBuf>,
    /// What the signal in the samples is called
    #[arg(long, value_name = "NAME", default_value = "event")]
    signal: String,
}

/// Writes.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let folder = at.folder(Path::new("."))?;
    let (catalog, _) = daemon::load(&folder)?;
    match &typed.what {
        What::Mapping(typed) => new_mapping(typed, at, &folder, &catalog),
        What::Connector(typed) => connector::run(typed, &folder, &catalog),
    }
}

fn new_mapping(
    typed: &MappingTyped,
    at: &Where,
    folder: &Folder,
    catalog: &Catalog,
) -> anyhow::Result<Ended> {
    let (name, more) = name_and_files(&typed.names)?;
    let mut from = typed.from.clone();
    from.extend(more);
    let source = source::source(&from, typed, at, catalog)?;
    let name = match name {
        Some(name) => free_mapping(name, folder)?,
        None => first_free(
            &format!("{}-{}", source.name.connector, source.name.signal),
            folder,
        ),
    };
    let schema = source::schema(&folder.files, catalog, &source.name);
    let written = put::mapping(
        folder,
        &[],
        catalog,
        mapping::From {
            name: &name,
            signal: &source.name,
            data: &source.data,
            of: &source.of,
            schema: schema.as_ref(),
            source: &source.shown,
        },
    )?;
    for path in put::write(folder, &[written])? {
        output::line(&format!("written  {}", path.display()));
    }
    output::text(&next(&name, from.first().map_or("last", String::as_str)));
    Ok(Ended::Fine)
}

/// What to do with a mapping that was just written.
fn next(name: &str, from: &str) -> String {
    let from = if from.contains(' ') {
        format!("'{from}'")
    } else {
        from.to_owned()
    };
    format!(
        "         checked, and its tests pass; a draft, so nothing is alerted yet\n\nNext:\n  \
         read it: what stands below a comment is a guess\n  \
         andon test --filter {name}\n  \
         andon explain {name} {}\n  \
         then write `status: stable`; a daemon that runs takes it up by itself\n",
        shown::text(&from)
    )
}

/// Of what stands behind the options: the name, and the files.
fn name_and_files(typed: &[String]) -> anyhow::Result<(Option<&str>, Vec<String>)> {
    let is_file = |text: &str| {
        let endings = [".json", ".jsonl", ".ndjson", ".yaml", ".yml"];
        endings.iter().any(|ending| text.ends_with(ending)) || Path::new(text).is_file()
    };
    let (files, names): (Vec<&String>, Vec<&String>) = typed.iter().partition(|text| is_file(text));
    match names.as_slice() {
        [] => Ok((None, files.into_iter().cloned().collect())),
        [name] => Ok((Some(name.as_str()), files.into_iter().cloned().collect())),
        [first, second, ..] => bail!(
            "`{}` and `{}` cannot both be its name; write one, and `--from` before each file",
            shown::text(first),
            shown::text(second)
        ),
    }
}

/// A name that was typed, where it is one and none has it.
fn free_mapping(name: &str, folder: &Folder) -> anyhow::Result<String> {
    checked_name(name)?;
    if is_taken(name, folder) {
        bail!(
            "there is a mapping `{name}` already, and a new one would take its place; give another name"
        );
    }
    Ok(name.to_owned())
}

fn checked_name(name: &str) -> anyhow::Result<()> {
    if crate::connector::is_name(name) {
        return Ok(());
    }
    let instead = names::of_file(name).unwrap_or_else(|| "drift-watch".to_owned());
    bail!(
        "`{}` cannot be a name: use letters, digits, `-` and `_`, a letter first, such as `{instead}`",
        shown::text(name)
    )
}

fn is_taken(name: &str, folder: &Folder) -> bool {
    ["yaml", "yml"].iter().any(|ending| {
        let file = format!("mappings/{name}.{ending}");
        folder.files.get(&file).is_some() || put::place(folder, &file).symlink_metadata().is_ok()
    })
}

/// The name, or the name with the first number that none has.
fn first_free(name: &str, folder: &Folder) -> String {
    let name: String = name.chars().take(56).collect();
    let numbered = (2_u32..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone())
        .chain(numbered)
        .find(|name| !is_taken(name, folder))
        .unwrap_or(name)
}
