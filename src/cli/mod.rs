//! The command line: one file a command.
//!
//! Commands about files (`check`, `test`, `explain`, `connectors`) need no daemon; the others speak
//! the API of one that runs, with `ANDON_TOKEN` or the token it keeps beside its store.

mod api;
mod check;
mod demo;
mod explain;
mod output;
mod run;
mod shown;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// The alarm and the stop-cord between model platforms and the SOC.
#[derive(Debug, Parser)]
#[command(name = "andon", version, about, max_term_width = 100)]
struct Typed {
    /// The configuration file; without it `andon.yaml` in the current folder, where there is one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the daemon's API is; without it where `andon.yaml` says
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    #[command(subcommand)]
    command: Command,
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
    /// Run the tests that stand in mappings
    Test(test::Typed),
    /// Say why a mapping says what it says about a signal, and what each destination would get
    Explain(explain::Typed),
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
    /// 3: a test in a mapping failed.
    TestFailed,
}

/// Does what was typed.
pub fn main() -> ExitCode {
    let typed = Typed::parse();
    let config = typed.config.as_deref();
    let url = typed.url.as_deref();
    let ended = match typed.command {
        Command::Demo(typed) => demo::run(&typed),
        Command::Run(typed) => run::run(&typed, config),
        Command::Check(typed) => check::run(&typed, config),
        Command::Test(typed) => test::run(&typed, config),
        Command::Explain(typed) => explain::run(&typed, config, url),
    };
    match ended {
        Ok(Ended::Fine) => ExitCode::SUCCESS,
        Ok(Ended::Faults) => ExitCode::from(1),
        Ok(Ended::TestFailed) => ExitCode::from(3),
        Err(error) => {
            output::error(&error);
            ExitCode::from(2)
        }
    }
}
