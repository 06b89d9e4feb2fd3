//! Bytes to JSON: decompressed, bounded in size, depth and number of values before any tree is built.

use std::borrow::Cow;
use std::io::Read as _;

use serde_json::Value as Json;

use super::Refused;
use crate::document::Document;

/// The longest body as it comes, in bytes.
pub const LONGEST_BODY: usize = 8 * 1024 * 1024;
/// The longest body after decompression, in bytes.
pub const LONGEST_INFLATED: usize = 16 * 1024 * 1024;
/// How deeply a body may nest.
pub const DEEPEST: usize = 64;
/// How many values one document may hold: each takes some fifty times its bytes.
const MOST_VALUES: usize = 2_000_000;

/// The body after decompression; none where it is not compressed.
pub(super) fn decompressed(
    body: &[u8],
    encoding: Option<&str>,
) -> Result<Option<Vec<u8>>, Refused> {
    match encoding.map(str::trim).unwrap_or_default() {
        "" => return Ok(None),
        none if none.eq_ignore_ascii_case("identity") => return Ok(None),
        gzip if gzip.eq_ignore_ascii_case("gzip") || gzip.eq_ignore_ascii_case("x-gzip") => {}
        _ => return Err(Refused::UnsupportedEncoding),
    }
    let mut inflated = Vec::new();
    let bound = u64::try_from(LONGEST_INFLATED)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    flate2::read::MultiGzDecoder::new(body)
        .take(bound)
        .read_to_end(&mut inflated)
        .map_err(|_| Refused::NotParseable {
            detail: "it is no gzip, or it is cut off".to_owned(),
        })?;
    if inflated.len() > LONGEST_INFLATED {
        return Err(Refused::TooLarge {
            at_most: LONGEST_INFLATED,
            of: "bytes after decompression",
        });
    }
    Ok(Some(inflated))
}

/// One document, as the standard has it.
pub(super) fn strict(bytes: &[u8]) -> Result<Document, Refused> {
    // What is not read at once is refused, or rare: a key that is there twice.
    let read = std::str::from_utf8(without_mark(bytes))
        .ok()
        .and_then(|text| Document::read(text, DEEPEST, MOST_VALUES));
    if let Some(document) = read {
        return Ok(document);
    }
    bounded(bytes)?;
    parsed(bytes).map(Document::from)
}

/// One document as Python writes it: `NaN` and the infinities read as null.
pub(super) fn lenient(bytes: &[u8]) -> Result<Json, Refused> {
    bounded(bytes)?;
    parsed(&without_nan(bytes))
}

/// Whether the bytes end in the middle of a document: more of it may come.
pub(super) fn is_cut_off(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(&without_nan(bytes))
        .is_err_and(|error| error.is_eof())
}

fn parsed(bytes: &[u8]) -> Result<Json, Refused> {
    let text = std::str::from_utf8(without_mark(bytes)).map_err(|error| Refused::NotParseable {
        detail: format!("it is no UTF-8 at byte {}", error.valid_up_to()),
    })?;
    serde_json::from_str(text).map_err(|error| Refused::NotParseable {
        // Where, and never what stands there: serde's own words quote it.
        detail: match text.trim_ascii() {
            "" => "it is empty".to_owned(),
            _ => format!(
                "it is no JSON at line {}, column {}",
                error.line(),
                error.column()
            ),
        },
    })
}

/// Without a byte order mark.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Counts brackets and commas outside strings. What is no JSON at all is left to the parser.
fn bounded(bytes: &[u8]) -> Result<(), Refused> {
    // Most bodies have so few brackets that they cannot nest too deeply; and each value takes a byte.
    let brackets = bytes
        .iter()
        .filter(|byte| matches!(byte, b'{' | b'['))
        .count();
    if brackets <= DEEPEST && bytes.len() <= MOST_VALUES {
        return Ok(());
    }
    let mut depth: usize = 0;
    let mut values: usize = 0;
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => skip_string(&mut rest),
            b'{' | b'[' => {
                depth += 1;
                values += 1;
                if depth > DEEPEST {
                    return Err(Refused::TooDeep { at_most: DEEPEST });
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
    }
    if values > MOST_VALUES {
        return Err(Refused::TooLarge {
            at_most: MOST_VALUES,
            of: "values",
        });
    }
    Ok(())
}

fn skip_string(rest: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                rest.next();
            }
            _ => {}
        }
    }
}

/// `NaN`, `Infinity` and `-Infinity` outside strings become `null`; what holds none of them is not copied.
fn without_nan(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Option<Vec<u8>> = None;
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        let token = match byte {
            b'"' => {
                let mut inside = rest.get(1..).unwrap_or_default().iter();
                skip_string(&mut inside);
                at = bytes.len() - inside.as_slice().len();
                continue;
            }
            b'N' | b'I' | b'-' => [&b"NaN"[..], b"Infinity", b"-Infinity"]
                .into_iter()
                .find(|token| rest.starts_with(token)),
            _ => None,
        };
        match token {
            None => at += 1,
            Some(token) => {
                let out = out.get_or_insert_with(|| Vec::with_capacity(bytes.len()));
                out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
                out.extend_from_slice(b"null");
                at += token.len();
                copied = at;
            }
        }
    }
    match out {
        None => Cow::Borrowed(bytes),
        Some(mut out) => {
            out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
            Cow::Owned(out)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_python_calls_a_number_is_null_outside_strings_only() {
        let text =
            r#"{"a": NaN, "NaN": [-Infinity, Infinity, -1], "b": "say \"NaN\" \\", "c": "NaN"}"#;
        let read = lenient(text.as_bytes()).unwrap();
        assert_eq!(read["a"], Json::Null);
        assert_eq!(read["NaN"], json!([null, null, -1]));
        assert_eq!(read["b"], "say \"NaN\" \\");
        assert_eq!(read["c"], "NaN");
        assert!(strict(text.as_bytes()).is_err());
    }

    #[test]
    fn brackets_in_strings_nest_nothing() {
        let text = format!("[\"{}\"]", "[{".repeat(100));
        assert!(strict(text.as_bytes()).is_ok());
    }

    #[test]
    fn a_document_that_may_go_on_is_told_from_one_that_is_none() {
        for (text, cut_off) in [
            ("{\"a\": [1, NaN", true),
            ("", true),
            ("{a}", false),
            ("{}", false),
        ] {
            assert_eq!(is_cut_off(text.as_bytes()), cut_off, "{text}");
        }
    }

    proptest! {
        #[test]
        fn bytes_are_read_as_serde_reads_them_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let strict = strict(&bytes).ok().map(|read| read.to_json());
            let plain = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            prop_assert_eq!(strict, serde_json::from_slice::<Json>(plain).ok());
            let _ = lenient(&bytes);
            let _ = decompressed(&bytes, Some("gzip"));
        }

        #[test]
        fn any_text_stays_one_leaf(text in ".*") {
            let body = json!({ "a": text, "b": [text] });
            prop_assert_eq!(strict(body.to_string().as_bytes()), Ok(Document::from(&body)));
            prop_assert_eq!(lenient(body.to_string().as_bytes()), Ok(body));
        }
    }
}
