//! One step of a command: named, timed, and stopping the rest when it fails.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

/// A program to run, with a name to show.
pub struct Step {
    name: String,
    command: Command,
}

impl Step {
    /// A step that runs `program`.
    pub fn new(name: &str, program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        // No step may wait for somebody to type.
        command.args(arguments).stdin(Stdio::null());
        Self {
            name: name.to_owned(),
            command,
        }
    }

    /// A step that runs the cargo that runs this.
    pub fn cargo(name: &str, arguments: &[&str]) -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        Self::new(name, &cargo, arguments)
    }

    /// Sets a variable of the environment for this step alone.
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.command.env(variable, value);
        self
    }

    /// Runs it; its output is shown as it comes.
    #[expect(
        clippy::disallowed_methods,
        reason = "this clock only tells a person how long a step took"
    )]
    pub fn run(mut self) -> Result<()> {
        eprintln!("── {}", self.name);
        let begun = Instant::now();
        let status = self
            .command
            .status()
            .with_context(|| format!("could not run {:?}", self.command.get_program()))?;
        let seconds = begun.elapsed().as_secs_f32();
        if !status.success() {
            bail!("{} failed after {seconds:.1} s ({status})", self.name);
        }
        eprintln!("── {} passed in {seconds:.1} s", self.name);
        Ok(())
    }
}
