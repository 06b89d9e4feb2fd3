//! Faults as a terminal, a script or a pull request shows them.

use super::{Diagnostic, Level};

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A person: caret under the cause.
    Text,
    /// A script: one JSON array.
    Json,
}

/// Writes faults out.
pub fn render(faults: &[Diagnostic], format: Format) -> String {
    let _ = (format, Level::Error);
    faults
        .iter()
        .map(|fault| format!("{}\n", fault.message))
        .collect()
}
