//! What is written to the terminal: one place, so that nothing foreign reaches it unescaped.

use std::io::{IsTerminal, Write};

use crate::diag::{self, Diagnostic};

/// Writes a line to standard output. Whoever reads it may be gone: that ends quietly.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
}

/// Writes text as it stands to standard output.
pub(crate) fn text(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Says on standard error why a command could not run, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "andon: {error}");
    for cause in error.chain().skip(1) {
        let _ = writeln!(out, "  because {cause}");
    }
}

/// Shows faults on standard error as a person reads them, with a closing line.
pub(crate) fn faults(faults: &[Diagnostic]) {
    let mut out = std::io::stderr().lock();
    let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let _ = write!(
        out,
        "{}",
        diag::render(faults, diag::Format::Text { color })
    );
    let _ = writeln!(out, "{}", diag::summary(faults));
}
