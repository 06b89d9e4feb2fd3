//! Text and data that a model, a prompt or a platform may have written, and the doors it leaves by.
//!
//! `Untrusted<T>` has no `Display`, no `Deref` and no `Serialize`: whoever wants what is inside
//! names the place it goes to. The doors for single texts are functions here; each gives back
//! something that is safe in that one place and nowhere else (design, section 7).

use std::fmt::Write as _;

use unicode_segmentation::UnicodeSegmentation;

/// Something that came from outside.
#[derive(Clone, PartialEq, Eq)]
pub struct Untrusted<T>(T);

impl<T> Untrusted<T> {
    /// Marks `inner` as coming from outside.
    pub fn new(inner: T) -> Self {
        Self(inner)
    }

    /// As data: for expressions, schemas, and leaves of typed JSON. Never for text or source.
    pub fn as_data(&self) -> &T {
        &self.0
    }

    /// As data, owned.
    pub fn into_data(self) -> T {
        self.0
    }
}

impl<T> std::fmt::Debug for Untrusted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Untrusted(…)")
    }
}

/// Door 5, for a person to read: hidden and reordering characters shown as `\u{…}`, line breaks
/// kept as blanks, cut at `at_most` graphemes with `…` as the last of them.
pub fn person(text: &str, at_most: usize) -> String {
    if is_plain(text, at_most) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len().min(at_most.saturating_mul(4)));
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' | '\u{85}' => out.push(' '),
            hidden if is_hidden(hidden) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(hidden));
            }
            plain => out.push(plain),
        }
    }
    cut(&out, at_most)
}

/// Whether [`person`] would leave a text as it is, because it is short and printable ASCII: the common
/// case, told quickly.
pub fn is_plain(text: &str, at_most: usize) -> bool {
    text.len() <= at_most && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// Door 5, for prose: as [`person`], and what a client would turn into a link is shown defanged.
pub fn prose(text: &str, at_most: usize) -> String {
    cut(&defanged(&person(text, at_most)), at_most)
}

/// Cuts at a grapheme, so that at most `at_most` of them are left; a cut text ends in `…`.
pub fn cut(text: &str, at_most: usize) -> String {
    if text.len() <= at_most {
        return text.to_owned();
    }
    let mut ends = text
        .grapheme_indices(true)
        .map(|(start, _)| start)
        .chain([text.len()]);
    match (
        ends.clone().nth(at_most),
        at_most.checked_sub(1).and_then(|keep| ends.nth(keep)),
    ) {
        (None, _) => text.to_owned(),
        (Some(end), _) if end == text.len() => text.to_owned(),
        (Some(_), Some(end)) => format!("{}…", text.get(..end).unwrap_or_default()),
        (Some(_), None) => String::new(),
    }
}

/// Door 6, for a log or a terminal: one line, nothing but printable characters, cut.
pub fn log(text: &str, at_most: usize) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if character.is_control() || is_hidden(character) || character == '\\' {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    cut(&out, at_most)
}

/// An error and what caused it, each said once; not yet harmless, see [`log`].
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_said = cause.to_string();
        if !said.ends_with(&cause_said) {
            said.push_str(": ");
            said.push_str(&cause_said);
        }
        source = cause.source();
    }
    said
}

/// Why a text cannot be put in a place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A path segment may not be empty.
    #[error("a path segment is empty")]
    EmptySegment,
    /// `.` and `..` would climb out of the path.
    #[error("a path segment is `.` or `..`")]
    DotSegment,
    /// Header values are visible ASCII, blanks and tabs (RFC 9110, section 5.5).
    #[error("a header value holds a control character")]
    HeaderControl,
    /// The place has a bound.
    #[error("a value of {length} bytes is longer than the {at_most} allowed here")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The bound in bytes.
        at_most: usize,
    },
}

/// The longest path segment and header value that Andon makes of foreign text, in bytes.
const LONGEST: usize = 2_048;

/// Everything but RFC 3986's unreserved characters is encoded.
const SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Door 4, for one segment of a URL's path: percent-encoded; empty, `.` and `..` refused.
pub fn path_segment(text: &str) -> Result<String, Refused> {
    match text {
        "" => Err(Refused::EmptySegment),
        "." | ".." => Err(Refused::DotSegment),
        long if long.len() > LONGEST => Err(Refused::TooLong {
            length: long.len(),
            at_most: LONGEST,
        }),
        text => Ok(percent_encoding::utf8_percent_encode(text, SEGMENT).to_string()),
    }
}

/// Door 4, for the value of a header: control characters refused, the rest as UTF-8 bytes.
pub fn header(text: &str) -> Result<String, Refused> {
    if text.len() > LONGEST {
        return Err(Refused::TooLong {
            length: text.len(),
            at_most: LONGEST,
        });
    }
    if text
        .chars()
        .any(|character| character.is_control() && character != '\t')
    {
        return Err(Refused::HeaderControl);
    }
    Ok(text.to_owned())
}

/// Shows links as text: `hxxps://evil[.]example`.
pub fn defanged(text: &str) -> String {
    // Every sign of a link holds a colon, or these letters.
    let signs = text.bytes().any(|byte| byte == b':')
        || text
            .as_bytes()
            .windows(4)
            .any(|four| four.eq_ignore_ascii_case(b"www."));
    if !signs {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(&defanged_word(word));
    }
    out
}

fn defanged_word(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let linked = lower.contains("://")
        || lower.contains("www.")
        || ["javascript:", "data:", "mailto:", "file:"]
            .iter()
            .any(|scheme| lower.contains(scheme));
    if !linked {
        return word.to_owned();
    }
    word.replace("://", "[:]//")
        .replace("http", "hxxp")
        .replace("HTTP", "HXXP")
        .replace("www.", "www[.]")
        .replace("javascript:", "javascript[:]")
        .replace("data:", "data[:]")
        .replace("mailto:", "mailto[:]")
        .replace("file:", "file[:]")
}

/// Characters that a reader does not see, or that reorder what a reader sees: controls, bidirectional
/// marks and overrides, zero-width characters, tags, variation selectors, and other formats.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reordering_override_is_shown() {
        assert_eq!(person("pay\u{202e}cod.exe", 100), "pay\\u{202e}cod.exe");
    }

    #[test]
    fn a_text_is_cut_at_a_grapheme() {
        let family = "👨‍👩‍👧";
        assert_eq!(
            cut(&format!("{family}{family}{family}"), 2),
            format!("{family}…")
        );
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("abcd", 0), "");
    }

    #[test]
    fn a_link_in_prose_is_defanged() {
        assert_eq!(
            prose("see https://evil.example/x", 100),
            "see hxxps[:]//evil.example/x"
        );
    }

    #[test]
    fn a_log_line_stays_one_line() {
        assert_eq!(
            log("a\r\nlevel=info \u{1b}[31m", 100),
            "a\\r\\nlevel=info \\u{1b}[31m"
        );
    }

    #[test]
    fn a_segment_never_climbs() {
        assert_eq!(path_segment(".."), Err(Refused::DotSegment));
        assert_eq!(path_segment("../x"), Ok("..%2Fx".to_owned()));
        assert_eq!(path_segment(""), Err(Refused::EmptySegment));
    }

    proptest! {
        #[test]
        fn what_a_person_reads_hides_nothing(text in any::<String>(), at_most in 0usize..64) {
            let shown = person(&text, at_most);
            prop_assert!(!shown.chars().any(is_hidden));
            prop_assert!(shown.graphemes(true).count() <= at_most);
        }

        #[test]
        fn a_segment_stays_one_segment(text in any::<String>()) {
            if let Ok(segment) = path_segment(&text) {
                prop_assert!(!segment.contains(['/', '?', '#', '\\', '%']) || segment.contains('%'));
                prop_assert!(segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)));
                let back = percent_encoding::percent_decode_str(&segment).decode_utf8().unwrap().into_owned();
                prop_assert_eq!(back, text);
            }
        }

        #[test]
        fn a_header_stays_one_line(text in any::<String>()) {
            if let Ok(value) = header(&text) {
                prop_assert!(!value.contains(['\r', '\n', '\0']));
            }
        }

        #[test]
        fn a_log_entry_is_printable(text in any::<String>()) {
            prop_assert!(!log(&text, 200).chars().any(|character| character.is_control() || is_hidden(character)));
        }

        #[test]
        fn prose_holds_no_live_link(text in any::<String>()) {
            let shown = prose(&format!("{text} https://a.example {text}"), 500);
            prop_assert!(!shown.contains("://"));
        }
    }
}
