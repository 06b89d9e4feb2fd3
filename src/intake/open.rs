//! Opening a file: JSON as Python writes it, one document a line, or one member of a zip archive.

use serde_json::Value as Json;

use super::Refused;
use super::body::lenient;

/// The rows of a file with one document a line, and whether its last line is not whole yet.
pub(super) fn rows(bytes: &[u8]) -> Result<(Json, bool), Refused> {
    let mut rows = Vec::new();
    let ends = bytes.last().is_none_or(|last| *last == b'\n');
    let mut lines = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
        .peekable();
    while let Some((index, line)) = lines.next() {
        match lenient(line) {
            Ok(row) => rows.push(row),
            Err(_) if lines.peek().is_none() && !ends => return Ok((Json::Array(rows), true)),
            Err(refused) => {
                return Err(Refused::NotParseable {
                    detail: format!("line {}: {refused}", index + 1),
                });
            }
        }
    }
    Ok((Json::Array(rows), false))
}
