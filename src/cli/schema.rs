//! `andon schema`: the formats of the files as JSON Schemas, and as the reference in `docs/`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use super::{Ended, output};
use crate::formats::{self, FORMATS, Format};

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// The sort of file: mapping, connector, andon or kinds; its schema goes to standard output
    #[arg(required_unless_present_any = ["write", "markdown"])]
    name: Option<String>,
    /// Write the schemas of all sorts of file to a folder
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
    /// Write the reference of all sorts of file to a folder
    #[arg(long, value_name = "FOLDER")]
    markdown: Option<PathBuf>,
}

/// Writes.
pub(crate) fn run(typed: &Typed) -> anyhow::Result<Ended> {
    if let Some(name) = &typed.name {
        output::line(&text(format(name)?));
    }
    if let Some(folder) = &typed.write {
        let files = FORMATS
            .iter()
            .map(|format| (format.schema_file(), text(format) + "\n"));
        write(folder, files)?;
    }
    if let Some(folder) = &typed.markdown {
        write(folder, formats::pages().into_iter())?;
    }
    Ok(Ended::Fine)
}

fn format(name: &str) -> anyhow::Result<&'static Format> {
    let Some(format) = FORMATS.iter().find(|format| format.name == name) else {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        bail!(
            "there is no sort of file `{}`; there are {}",
            crate::untrusted::cut(name, 40),
            names.join(", ")
        );
    };
    Ok(format)
}

fn text(format: &Format) -> String {
    format!("{:#}", formats::json_schema(format))
}

fn write(folder: &Path, files: impl Iterator<Item = (String, String)>) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        output::line(&path.display().to_string());
    }
    Ok(())
}
