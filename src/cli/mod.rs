//! The command line: one file a command.
//!
//! Commands about files (`check`, `code`, `fmt`, `lsp`, `schema`, `test`, `new`, `explain`, `connectors`) and those about the store's own file
//! (`backup`, `restore`, `check --store`) need no daemon; the others speak the API of one that runs, with
//! `ANDON_TOKEN` or the token it keeps beside its store.

mod actions;
mod alerts;
mod api;
mod backup;
mod check;
mod code;
mod demo;
mod connections;
mod connectors;
mod dead_letters;
mod destinations;
mod explain;
mod fmt;
mod freeze;
mod lsp;
mod new;
mod output;
mod reload;
mod replay;
mod restore;
mod run;
mod schema;
mod send;
mod shown;
mod status;
mod stuck;
mod test;
mod token;
mod top;
mod whereabouts;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::daemon::{self, Folder};
use shown::Asked;

/// The alarm and the stop-cord between model platforms and the SOC.
#[derive(Debug, Parser)]
#[command(name = "andon", version, about, max_term_width = 100)]
struct Typed {
    #[command(flatten)]
    at: Where,
    #[command(subcommand)]
    command: Command,
}

/// Which files, and which daemon.
#[derive(Debug, Default, Args)]
pub(crate) struct Where {
    /// The configuration file; without it `andon.yaml` in the current folder, where there is one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the daemon's API is; without it where `andon.yaml` says
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// The certificate authorities (PEM) that the daemon's certificate may be of; without it the system's
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
}

impl Where {
    /// Reads the files, and what `folder` adds to those that are built in.
    fn folder(&self, folder: &Path) -> Result<Folder, daemon::Error> {
        Folder::read(folder, self.config.as_deref())
    }

    /// Where the store lies, also when the files have faults.
    fn store(&self, folder: &Path) -> Result<PathBuf, daemon::Error> {
        let folder = self.folder(folder)?;
        Ok(whereabouts::Whereabouts::read(&folder.config, &folder.path, None).store)
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// See it work: signals, alerts at three receivers, a containment proven and undone
    Demo(demo::Typed),
    /// Run the daemon
    Run(run::Typed),
    /// Check the files: every fault, with its place and what to write instead
    Check(check::Typed),
    /// What a code of a fault means, and what to write instead
    Code(code::Typed),
    /// Put the keys of files in order; values and comments stay as they are
    Fmt(fmt::Typed),
    /// JSON Schemas of the files, for editors that complete and check; or the reference as Markdown
    Schema(schema::Typed),
    /// Serve an editor: faults, completion, hover and definitions as you type; see docs/editors.md
    Lsp(lsp::Typed),
    /// Run the tests that stand in mappings
    Test(test::Typed),
    /// Write a first mapping, or a first connector, from what a system sends
    New(new::Typed),
    /// Say why a mapping says what it says about a signal, and what each destination would get
    Explain(explain::Typed),
    /// Say what changed files would have made of the signals that are kept
    Replay(replay::Typed),
    /// Say what a mapping on trial would have found
    Shadow(replay::Shadow),
    /// Hand a body to the daemon as a model platform would
    Send(send::Typed),
    /// What is open, why, and what to say to it
    Alerts(Asked<alerts::What>),
    /// What was done to models, and asking for more
    Actions(Asked<actions::What>),
    /// What Andon knows of other systems
    Connectors(Asked<connectors::What>),
    /// How each connection fares
    Connections(Asked<connections::What>),
    /// How each destination stands, and trying one at once
    Destinations(Asked<destinations::What>),
    /// Signals that a mapping or a schema failed on
    Stuck(Asked<stuck::What>),
    /// What a destination refused for good
    DeadLetters(Asked<dead_letters::What>),
    /// Put the files that lie there in force now; faulty ones are refused, and those of before stay
    Reload(reload::Typed),
    /// How the daemon fares
    Status(status::Typed),
    /// Copy the store to a file, while the daemon runs or not
    Backup(backup::Typed),
    /// Put a backup in the place of the store; the daemon has to be stopped
    Restore(restore::Typed),
    /// The flow by connection, live
    Top(top::Typed),
    /// Make, list and revoke tokens of callers
    Token(token::Typed),
    /// Stop Andon from changing anything on any platform
    Freeze(freeze::Typed),
    /// Let Andon act again
    Unfreeze,
}

/// For a person, or for a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For a person.
    Text,
    /// For a script.
    Json,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// 0
    Fine,
    /// 1: the files have faults.
    Faults,
    /// 1: the editor that `lsp` served left without `shutdown`, as its protocol wants it.
    Abandoned,
    /// 3: a test in a mapping failed.
    TestFailed,
}

/// Does what was typed.
pub fn main() -> ExitCode {
    let typed = Typed::parse();
    let at = &typed.at;
    let ended = match typed.command {
        Command::Demo(typed) => demo::run(&typed),
        Command::Run(typed) => run::run(&typed, at),
        Command::Check(typed) => check::run(&typed, at),
        Command::Code(typed) => code::run(&typed),
        Command::Fmt(typed) => fmt::run(&typed, at),
        Command::Schema(typed) => schema::run(&typed),
        Command::Lsp(typed) => lsp::run(&typed),
        Command::Test(typed) => test::run(&typed, at),
        Command::New(typed) => new::run(&typed, at),
        Command::Explain(typed) => explain::run(&typed, at),
        Command::Replay(typed) => replay::run(&typed, at),
        Command::Shadow(typed) => replay::shadow(&typed, at),
        Command::Send(typed) => send::run(&typed, at),
        Command::Alerts(typed) => alerts::run(typed, at),
        Command::Actions(typed) => actions::run(typed, at),
        Command::Connectors(typed) => connectors::run(&typed, at),
        Command::Connections(typed) => connections::run(typed, at),
        Command::Destinations(typed) => destinations::run(typed, at),
        Command::Stuck(typed) => stuck::run(typed, at),
        Command::DeadLetters(typed) => dead_letters::run(typed, at),
        Command::Reload(typed) => reload::run(&typed, at),
        Command::Status(typed) => status::run(&typed, at),
        Command::Backup(typed) => backup::run(&typed, at),
        Command::Restore(typed) => restore::run(&typed, at),
        Command::Top(typed) => top::run(&typed, at),
        Command::Token(typed) => token::run(&typed, at),
        Command::Freeze(typed) => freeze::freeze(typed, at),
        Command::Unfreeze => freeze::unfreeze(at),
    };
    match ended {
        Ok(Ended::Fine) => ExitCode::SUCCESS,
        Ok(Ended::Faults | Ended::Abandoned) => ExitCode::from(1),
        Ok(Ended::TestFailed) => ExitCode::from(3),
        Err(error) => {
            if let Some(daemon::Error::Faults(said)) = error.downcast_ref() {
                output::faults(said);
                return ExitCode::from(1);
            }
            output::error(&error);
            ExitCode::from(2)
        }
    }
}
