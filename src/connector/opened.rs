//! A file's bytes as the JSON that expressions see: one document, rows, or a member of an archive.
//!
//! Pure and bounded: what comes in is hostile, and an archive of a few bytes may hold gigabytes.

use std::io::{Cursor, Read as _};

use serde_json::Value as Json;

use super::Open;

/// A file, opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// The document; null for rows.
    pub body: Json,
    /// The rows, a list; null for a document.
    pub rows: Json,
}

/// Why a file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// No text.
    #[error("the file is no UTF-8 text")]
    NotText,
    /// No JSON.
    #[error("line {line} is no JSON")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        #[source]
        source: serde_json::Error,
    },
    /// No archive, or a broken one.
    #[error("the file is no readable zip archive")]
    NotZip(#[source] zip::result::ZipError),
    /// An archive that does not hold it, or not yet: some tools write it last.
    #[error("the archive has no member `{0}`")]
    NoMember(String),
    /// A member that breaks off.
    #[error("the member `{member}` cannot be unpacked")]
    Broken {
        /// The member.
        member: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// More than may be held.
    #[error("what is in the file is larger than {at_most} bytes")]
    TooLarge {
        /// The bound, in bytes.
        at_most: usize,
    },
}

/// Opens a file's bytes as a manifest says. What is in it may have `at_most` bytes, unpacked. JSON is
/// read as Python writes it: `NaN`, `Infinity` and `-Infinity` are null.
pub fn open(how: &Open, bytes: &[u8], at_most: usize) -> Result<Opened, Unreadable> {
    match how {
        Open::Json => Ok(Opened {
            body: json(bounded(bytes, at_most)?, 1)?,
            rows: Json::Null,
        }),
        Open::Jsonl => Ok(Opened {
            body: Json::Null,
            rows: rows(bounded(bytes, at_most)?)?,
        }),
        Open::Zip { member } => Ok(Opened {
            body: json(&unpacked(bytes, member, at_most)?, 1)?,
            rows: Json::Null,
        }),
    }
}

fn bounded(bytes: &[u8], at_most: usize) -> Result<&[u8], Unreadable> {
    if bytes.len() > at_most {
        return Err(Unreadable::TooLarge { at_most });
    }
    Ok(bytes)
}

fn rows(bytes: &[u8]) -> Result<Json, Unreadable> {
    let mut rows = Vec::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        rows.push(json(line, index + 1)?);
    }
    Ok(Json::Array(rows))
}

fn unpacked(bytes: &[u8], member: &str, at_most: usize) -> Result<Vec<u8>, Unreadable> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(Unreadable::NotZip)?;
    let file = match archive.by_name(member) {
        Ok(file) => file,
        Err(zip::result::ZipError::FileNotFound) => {
            return Err(Unreadable::NoMember(member.to_owned()));
        }
        Err(error) => return Err(Unreadable::NotZip(error)),
    };
    // What the archive says of its size is the sender's word; what comes out of it counts.
    let bound = u64::try_from(at_most).unwrap_or(u64::MAX).saturating_add(1);
    let mut out = Vec::new();
    file.take(bound)
        .read_to_end(&mut out)
        .map_err(|source| Unreadable::Broken {
            member: member.to_owned(),
            source,
        })?;
    if out.len() > at_most {
        return Err(Unreadable::TooLarge { at_most });
    }
    Ok(out)
}

/// Reads JSON; `first` is the number of its first line.
fn json(bytes: &[u8], first: usize) -> Result<Json, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = |text: &str| serde_json::from_str(text);
    match read(text) {
        Ok(value) => Ok(value),
        Err(error) => {
            let not_json = |source: serde_json::Error| Unreadable::NotJson {
                line: first + source.line().saturating_sub(1),
                source,
            };
            match without_python(text) {
                Some(plain) => read(&plain).map_err(not_json),
                None => Err(not_json(error)),
            }
        }
    }
}

/// The text with null for what Python writes and JSON does not have; `None` when there is none of it.
/// Inside a string nothing is touched.
fn without_python(text: &str) -> Option<String> {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    let mut out = String::with_capacity(text.len());
    let mut found = false;
    let mut in_string = false;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let word = if in_string {
            None
        } else {
            WORDS.iter().find(|word| rest.starts_with(**word))
        };
        let taken = match word {
            Some(word) => {
                out.push_str("null");
                found = true;
                word.len()
            }
            None if in_string && character == '\\' => {
                let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
                let taken = 1 + escaped;
                out.push_str(rest.get(..taken).unwrap_or_default());
                taken
            }
            None => {
                in_string ^= character == '"';
                out.push(character);
                character.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    found.then_some(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const AT_MOST: usize = 10_000;

    fn body(text: &str) -> Result<Json, Unreadable> {
        open(&Open::Json, text.as_bytes(), AT_MOST).map(|opened| opened.body)
    }

    fn zip_of(member: &str, content: &[u8], method: zip::CompressionMethod) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(member, options).expect("started");
        archive.write_all(content).expect("written");
        archive.finish().expect("finished").into_inner()
    }

    #[test]
    fn json_is_read_as_python_writes_it() {
        for (text, wanted) in [
            (r#"{"a": 1}"#, json!({ "a": 1 })),
            (
                r#"{"a": NaN, "b": [-Infinity, Infinity, 1]}"#,
                json!({ "a": null, "b": [null, null, 1] }),
            ),
            (
                r#"{"NaN": "NaN \" Infinity", "b": NaN}"#,
                json!({ "NaN": "NaN \" Infinity", "b": null }),
            ),
            ("\u{feff}[1]", json!([1])),
        ] {
            assert_eq!(body(text).expect(text), wanted);
        }
    }

    #[test]
    fn what_is_no_json_names_its_line() {
        for (how, text, line) in [
            (Open::Json, "{\n\"a\": oops}", 2),
            (Open::Jsonl, "{}\n\n{\"a\": }\n", 3),
            (Open::Json, "", 1),
        ] {
            let Err(Unreadable::NotJson { line: found, .. }) = open(&how, text.as_bytes(), AT_MOST)
            else {
                panic!("{text}");
            };
            assert_eq!(found.max(1), line, "{text}");
        }
        assert!(matches!(
            open(&Open::Json, b"\xff", AT_MOST),
            Err(Unreadable::NotText)
        ));
    }

    #[test]
    fn rows_are_lines_and_blank_ones_are_none() {
        let opened = open(&Open::Jsonl, b"{\"a\":1}\r\n\n{\"a\":NaN}\n", AT_MOST).expect("rows");
        assert_eq!(opened.rows, json!([{ "a": 1 }, { "a": null }]));
        assert_eq!(opened.body, Json::Null);
    }

    #[test]
    fn a_member_is_unpacked_whatever_it_is_packed_with() {
        for method in [
            zip::CompressionMethod::Stored,
            zip::CompressionMethod::Deflated,
            zip::CompressionMethod::Zstd,
        ] {
            let bytes = zip_of("header.json", br#"{"status": "success"}"#, method);
            let how = Open::Zip {
                member: "header.json".to_owned(),
            };
            let opened = open(&how, &bytes, AT_MOST).expect("opened");
            assert_eq!(opened.body, json!({ "status": "success" }));
            let other = Open::Zip {
                member: "summary.json".to_owned(),
            };
            assert!(matches!(
                open(&other, &bytes, AT_MOST),
                Err(Unreadable::NoMember(_))
            ));
        }
    }

    #[test]
    fn a_bomb_is_refused_once_it_is_too_large() {
        let how = Open::Zip {
            member: "header.json".to_owned(),
        };
        for method in [
            zip::CompressionMethod::Deflated,
            zip::CompressionMethod::Zstd,
        ] {
            let bytes = zip_of("header.json", &vec![b' '; 5_000_000], method);
            assert!(bytes.len() < AT_MOST);
            assert!(matches!(
                open(&how, &bytes, AT_MOST),
                Err(Unreadable::TooLarge { .. })
            ));
        }
        assert!(matches!(
            open(&Open::Json, &[b' '; 20], 19),
            Err(Unreadable::TooLarge { at_most: 19 })
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_opened_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            for how in [Open::Json, Open::Jsonl, Open::Zip { member: "a".to_owned() }] {
                let _ = open(&how, &bytes, AT_MOST);
            }
        }

        #[test]
        fn strings_are_never_touched(text in ".{0,80}") {
            let written = format!("[{}, NaN]", Json::from(text.as_str()));
            prop_assert_eq!(body(&written).expect("json"), json!([text, null]));
        }
    }
}
