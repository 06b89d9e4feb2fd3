//! `andon check`: every fault of the files, with its place and what to write instead.

use std::path::Path;

use clap::Args;

use super::{Ended, Format, Where, output};
use crate::daemon;
use crate::diag;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// The folder to check; the current one without it
    folder: Option<std::path::PathBuf>,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Checks.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let folder = at.folder(typed.folder.as_deref().unwrap_or(Path::new(".")))?;
    let (catalog, said) = match daemon::load(&folder) {
        Ok((catalog, said)) => (Some(catalog), said),
        Err(daemon::Error::Faults(said)) => (None, said),
        Err(other) => return Err(other.into()),
    };
    match typed.format {
        Format::Json => output::line(&diag::render(&said, diag::Format::Json)),
        Format::Text => {
            if !said.is_empty() {
                output::faults(&said);
            }
            if let Some(catalog) = &catalog {
                output::line(&format!(
                    "{}: {} connections, {} mappings, {} connectors are sound",
                    if folder.is_configured {
                        folder.config.name.as_str()
                    } else {
                        "no andon.yaml here, so the built-in files"
                    },
                    catalog.config.written().count(),
                    catalog.mappings.len(),
                    catalog.connectors.len(),
                ));
            }
        }
    }
    Ok(if catalog.is_some() {
        Ended::Fine
    } else {
        Ended::Faults
    })
}
