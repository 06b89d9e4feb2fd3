//! Places as editors count them: a line, and a character in it, both from 0. Characters are units of UTF-16,
//! unless the client offers UTF-8, as LSP 3.17 has it.

use serde_json::{Value as Json, json};

use crate::diag::Span;

/// In what a character of a place is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Units {
    Utf8,
    /// What every client knows.
    #[default]
    Utf16,
}

impl Units {
    /// UTF-8 where the client offers it.
    pub(super) fn offered(initialize: &Json) -> Self {
        let offered = initialize
            .pointer("/capabilities/general/positionEncodings")
            .and_then(Json::as_array);
        if offered.is_some_and(|all| all.iter().any(|one| one == "utf-8")) {
            Self::Utf8
        } else {
            Self::Utf16
        }
    }

    /// Its name in the protocol.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16 => "utf-16",
        }
    }

    fn length(self, text: &str) -> usize {
        match self {
            Self::Utf8 => text.len(),
            Self::Utf16 => text.encode_utf16().count(),
        }
    }

    /// The byte at a place. What lies behind the end of a line is its end, and what lies inside a character
    /// its beginning.
    pub(super) fn offset(self, text: &str, place: &Json) -> Option<usize> {
        let number = |key: &str| usize::try_from(place.get(key)?.as_u64()?).ok();
        let (line, character) = (number("line")?, number("character")?);
        let mut begins = 0;
        for (index, body) in text.split_inclusive('\n').enumerate() {
            if index == line {
                return Some(begins + self.into_line(body, character));
            }
            begins += body.len();
        }
        Some(text.len())
    }

    fn into_line(self, line: &str, character: usize) -> usize {
        let body = line.trim_end_matches(['\n', '\r']);
        let mut counted = 0;
        for (at, one) in body.char_indices() {
            counted += match self {
                Self::Utf8 => one.len_utf8(),
                Self::Utf16 => one.len_utf16(),
            };
            if counted > character {
                return at;
            }
        }
        body.len()
    }

    /// The place of a byte.
    pub(super) fn place(self, text: &str, offset: usize) -> Json {
        let offset = (0..=offset.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let before = text.get(..offset).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        json!({ "line": before.matches('\n').count(), "character": self.length(line) })
    }

    /// The places of a span.
    pub(super) fn range(self, text: &str, span: Span) -> Json {
        json!({ "start": self.place(text, span.start), "end": self.place(text, span.end) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_character_beyond_the_basic_plane_is_two_units_of_utf_16_and_four_bytes() {
        let text = "a\n𝄞é: x\r\n";
        let behind = text.find(':').unwrap();
        assert_eq!(
            Units::Utf16.place(text, behind),
            json!({ "line": 1, "character": 3 })
        );
        assert_eq!(
            Units::Utf8.place(text, behind),
            json!({ "line": 1, "character": 6 })
        );
    }

    #[test]
    fn a_place_behind_the_end_of_a_line_is_its_end() {
        let text = "ab\r\nc";
        for (line, character, byte) in [(0, 9, 2), (1, 9, 5), (7, 0, 5), (0, 1, 1)] {
            let place = json!({ "line": line, "character": character });
            assert_eq!(Units::Utf16.offset(text, &place), Some(byte), "{place}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_that_begins_a_character_is_found_again(text in "[a\u{e9}\u{1d11e}\n]{0,12}") {
            for units in [Units::Utf8, Units::Utf16] {
                for (at, _) in text.char_indices() {
                    prop_assert_eq!(units.offset(&text, &units.place(&text, at)), Some(at));
                }
            }
        }
    }
}
