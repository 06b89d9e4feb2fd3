//! `andon lsp`: a language server over standard input and output, for the files that Andon reads.
//!
//! It says in the editor what `andon check` says, with the texts that are not saved yet; offers keys, words, names
//! and the fields of the signal named in `from`; explains what stands under the cursor; leads to where it
//! was given its name; and formats as `andon fmt` does. It writes no file of the user's.
//!
//! What is known of keys comes from `formats`, what is wrong from `catalog`, and names from outlines of the files,
//! which hold also while a line is half typed. Only `text`, `documents`, `shapes`, `serve` and `answers` know the
//! protocol.

mod text;
mod outline;
mod documents;
mod home;
mod spot;
mod schema;
mod shelf;
mod names;
mod offer;
mod expression;
mod complete;
mod stands;
mod copies;
mod shapes;
mod serve;
mod answers;
#[cfg(test)]
mod tests;

use anyhow::Context as _;
use clap::Args;

use super::Ended;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// Taken and left: some editors say so
    #[arg(long)]
    stdio: bool,
}

/// Serves one editor, until it says `exit` or is gone.
pub(crate) fn run(_: &Typed) -> anyhow::Result<Ended> {
    let (connection, threads) = lsp_server::Connection::stdio();
    let ended = serve::serve(&connection);
    // The writing thread ends when nobody can send to it any more.
    drop(connection);
    threads
        .join()
        .context("the editor speaks no language server protocol here")?;
    Ok(ended)
}
