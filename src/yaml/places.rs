//! From the parser's character indexes to byte offsets, exactly, also where a character has several bytes.

use crate::diag::Span;

/// The byte offset of every character of a text.
pub(super) struct Places {
    /// `None` when all characters are one byte long, so that an index is its offset.
    starts: Option<Vec<usize>>,
    length: usize,
}

impl Places {
    pub(super) fn of(text: &str) -> Self {
        let starts =
            (!text.is_ascii()).then(|| text.char_indices().map(|(start, _)| start).collect());
        Self {
            starts,
            length: text.len(),
        }
    }

    /// The byte at which character `index` begins; the end of the text for what lies behind it.
    pub(super) fn byte(&self, index: usize) -> usize {
        match &self.starts {
            None => index.min(self.length),
            Some(starts) => starts.get(index).copied().unwrap_or(self.length),
        }
    }

    pub(super) fn span(&self, span: &saphyr_parser::Span) -> Span {
        Span::new(self.byte(span.start.index()), self.byte(span.end.index()))
    }
}

/// The line that holds byte `at`, without its line break: where it begins, and its text.
pub(super) fn line_at(text: &str, at: usize) -> (usize, &str) {
    let before = text.get(..at).unwrap_or(text);
    let begins = before.rfind('\n').map_or(0, |found| found + 1);
    let rest = text.get(begins..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    (begins, line.strip_suffix('\r').unwrap_or(line))
}

/// A text in the quotes that need the least escaping, as it would be typed.
pub(super) fn quoted(text: &str) -> String {
    if text.contains(['"', '\\']) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        format!("\"{text}\"")
    }
}

/// The first bracket that has no partner, outside of quotes: its offset. `None` when all have one.
pub(super) fn unbalanced(text: &str) -> Option<usize> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if let Some(mark) = quote {
            if escaped {
                escaped = false;
            } else if character == '\\' {
                escaped = true;
            } else if character == mark {
                quote = None;
            }
            continue;
        }
        match character {
            '"' | '\'' => quote = Some(character),
            '(' => open.push((at, ')')),
            '[' => open.push((at, ']')),
            '{' => open.push((at, '}')),
            ')' | ']' | '}' => match open.pop() {
                Some((_, wanted)) if wanted == character => {}
                _ => return Some(at),
            },
            _ => {}
        }
    }
    open.first().map(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_behind_a_wide_character_is_its_byte() {
        let places = Places::of("é€a");
        assert_eq!(
            [0, 1, 2, 3, 9].map(|index| places.byte(index)),
            [0, 2, 5, 6, 6]
        );
    }

    #[test]
    fn a_bracket_without_a_partner_is_found_outside_quotes() {
        for (text, found) in [
            ("=cut(s.x", Some(4)),
            ("20)", Some(2)),
            ("=f(a[0])", None),
            ("=a == \")\"", None),
            ("(]", Some(1)),
            ("", None),
        ] {
            assert_eq!(unbalanced(text), found, "{text}");
        }
    }

    #[test]
    fn quotes_are_chosen_for_the_text() {
        assert_eq!(quoted("=a"), "\"=a\"");
        assert_eq!(quoted("=a == \"b's\""), "'=a == \"b''s\"'");
    }
}
