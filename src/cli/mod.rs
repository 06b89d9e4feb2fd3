//! The command line: one file a command.
//!
//! Commands about files (`check`, `test`, `explain`, `connectors`) need no daemon; the others speak
//! the API of one that runs, with `ANDON_TOKEN` or the token it keeps beside its store.

mod actions;
mod alerts;
mod api;
mod check;
mod demo;
mod connections;
mod connectors;
mod dead_letters;
mod explain;
mod freeze;
mod output;
mod run;
mod send;
mod shown;
mod status;
mod stuck;
mod test;
mod token;

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
    /// Hand a body to the daemon as a model platform would
    Send(send::Typed),
    /// What is open, why, and what to say to it
    Alerts(alerts::Typed),
    /// What was done to models, and asking for more
    Actions(actions::Typed),
    /// What Andon knows of other systems
    Connectors(connectors::Typed),
    /// How each connection fares
    Connections(connections::Typed),
    /// Signals that a mapping or a schema failed on
    Stuck(stuck::Typed),
    /// What a destination refused for good
    DeadLetters(dead_letters::Typed),
    /// How the daemon fares
    Status(status::Typed),
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
        Command::Send(typed) => send::run(&typed, config, url),
        Command::Alerts(typed) => alerts::run(typed, config, url),
        Command::Actions(typed) => actions::run(typed, config, url),
        Command::Connectors(typed) => connectors::run(&typed, config),
        Command::Connections(typed) => connections::run(&typed, config, url),
        Command::Stuck(typed) => stuck::run(typed, config, url),
        Command::DeadLetters(typed) => dead_letters::run(typed, config, url),
        Command::Status(typed) => status::run(&typed, config, url),
        Command::Token(typed) => token::run(&typed, config, url),
        Command::Freeze(typed) => freeze::freeze(typed, config, url),
        Command::Unfreeze => freeze::unfreeze(config, url),
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_has_no_contradiction() {
        Typed::command().debug_assert();
    }

    #[test]
    fn what_is_missing_or_unknown_is_said() {
        for wrong in [
            &["andon", "explain", "x"][..],
            &["andon", "freeze"],
            &["andon", "token", "new", "soar"],
            &["andon", "alerts", "close"],
            &["andon", "actions", "request"],
            &["andon", "actions", "request", "a/b", "--wait", "long"],
            &["andon", "connectors", "--format", "xml"],
        ] {
            assert!(Typed::try_parse_from(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_the_manual_says_can_be_typed() {
        for right in [
            "andon alerts",
            "andon alerts list --all --format json",
            "andon alerts close alt_1 --false-positive --text planned",
            "andon actions request mlflow/move-alias --at registry --with model=m version=1 --alert alt_1 --reason why --ttl 1h --dry-run --wait 30",
            "andon actions revert act_1 --wait 30",
            "andon connections test soc",
            "andon dead-letters show 1",
            "andon stuck retry sig_1",
            "andon token new soar --may alerts:read mlflow/*@registry --until 2027-06-30",
            "andon --url http://127.0.0.1:1 status",
            "andon explain evidently-column-drift last --look-up a.json --format json",
            "andon send local -",
        ] {
            let typed: Vec<&str> = right.split(' ').collect();
            assert!(Typed::try_parse_from(typed).is_ok(), "{right}");
        }
    }
}
