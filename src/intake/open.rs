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

/// The longest file of JSON that is read, in bytes; a member of an archive may be as long.
pub(super) const LONGEST_JSON: u64 = 64 * 1024 * 1024;
/// The longest archive that is opened, in bytes.
pub(super) const LONGEST_FILE: u64 = 256 * 1024 * 1024;

/// What opening an archive came to.
#[derive(Debug)]
pub(super) enum Member {
    /// The member, inflated.
    Here(Vec<u8>),
    /// It is not there yet: a run that goes on has none.
    NotYet,
    /// It is no archive, or not whole.
    NoArchive,
    /// It is longer than is read, once inflated.
    TooLong,
}

/// One member of a zip archive, by its exact name; nothing is written anywhere.
pub(super) fn member(archive: impl std::io::Read + std::io::Seek, name: &str) -> Member {
    use std::io::Read as _;
    let Ok(mut archive) = zip::ZipArchive::new(archive) else {
        return Member::NoArchive;
    };
    let found = match archive.by_name(name) {
        Ok(found) => found,
        Err(zip::result::ZipError::FileNotFound) => return Member::NotYet,
        Err(_) => return Member::NoArchive,
    };
    let mut bytes = Vec::new();
    let Ok(_) = found.take(LONGEST_JSON + 1).read_to_end(&mut bytes) else {
        return Member::NoArchive;
    };
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LONGEST_JSON {
        return Member::TooLong;
    }
    Member::Here(bytes)
}
