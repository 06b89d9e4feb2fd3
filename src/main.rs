//! The program: what was typed, what came of it, and the exit code.
//!
//! 0 fine, 1 the files have faults, 2 it could not run, 3 a mapping's test failed.

use std::process::ExitCode;

fn main() -> ExitCode {
    andon::cli::main()
}
