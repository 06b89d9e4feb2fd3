//! The program: what was typed, what came of it, and the exit code.
//!
//! 0 fine, 1 the files have faults, 2 it could not run, 3 a mapping's test failed.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Signals are made on one thread and let go on another, which the system's allocator does slowly.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    andon::cli::main()
}
