//! What stands in `{…}` and `[…]`, also where a bracket or a quote is not closed yet. JSON is read so too.

use super::{Entry, Held, Value};
use crate::diag::Span;

/// Reads the bracket at `start`; nothing from `end` on belongs to it.
pub(super) fn read(text: &str, start: usize, end: usize, depth: usize) -> Value {
    let mut flow = Flow {
        text: text.get(..end).unwrap_or(text),
        at: start,
    };
    flow.bracket(depth)
}

struct Flow<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Flow<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn starts(&self, mark: char) -> bool {
        self.rest().starts_with(mark)
    }

    /// Goes over blanks, line breaks and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            self.at += blank;
            let before = self.text.get(..self.at).unwrap_or_default();
            if self.starts('#') && before.ends_with([' ', '\n', '\t']) {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if blank == 0 {
                return;
            }
        }
    }

    fn bracket(&mut self, depth: usize) -> Value {
        let start = self.at;
        let is_map = self.starts('{');
        if depth == 0 {
            self.at = self.text.len();
            return Value::new(start, self.at, Held::Text);
        }
        self.at += 1;
        let mut entries = Vec::new();
        let mut items = Vec::new();
        let mut awaits = true;
        loop {
            let before = self.at;
            self.skip();
            let is_comma = self.starts(',');
            if is_comma || self.rest().is_empty() || self.starts('}') || self.starts(']') {
                // Between brackets and commas something may be typed.
                if awaits && !is_map {
                    items.push(Value::new(before, self.at, Held::Nothing));
                }
                awaits = true;
                if is_comma {
                    self.at += 1;
                    continue;
                }
                self.at += usize::from(!self.rest().is_empty());
                break;
            }
            if is_map {
                entries.push(self.entry(depth - 1));
            } else {
                items.push(self.value(depth - 1));
                awaits = false;
            }
        }
        Value {
            span: Span::new(start, self.at),
            held: if is_map {
                Held::Map(entries)
            } else {
                Held::List(items)
            },
            flow: true,
        }
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn entry(&mut self, depth: usize) -> Entry {
        let start = self.at;
        let key = if self.starts('"') || self.starts('\'') {
            self.quoted();
            let whole = self.text.get(start..self.at).unwrap_or_default();
            whole.trim_matches(['"', '\'']).to_owned()
        } else {
            let rest = self.rest();
            let length = rest
                .char_indices()
                .find(|(at, c)| match c {
                    ',' | '}' | ']' | '\n' | '{' | '[' => true,
                    ':' => rest.get(at + 1..).is_none_or(|after| {
                        after.is_empty() || after.starts_with([' ', '\n', '\r', ',', '}'])
                    }),
                    _ => false,
                })
                .map_or(rest.len(), |(at, _)| at);
            let key = rest.get(..length).unwrap_or_default().trim_end();
            // A bracket where a key belongs is passed over.
            self.at += key.len().max(usize::from(key.is_empty()));
            key.to_owned()
        };
        let key_span = Span::new(start, self.at);
        self.skip_blanks();
        let has_colon = self.starts(':');
        let value = if has_colon {
            self.at += 1;
            self.value(depth)
        } else {
            Value::new(self.at, self.at, Held::Nothing)
        };
        Entry {
            key,
            key_span,
            has_colon,
            value,
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        let before = self.at;
        self.skip_blanks();
        let start = self.at;
        match self.rest().chars().next() {
            Some('{' | '[') => self.bracket(depth),
            Some('"' | '\'') => {
                self.quoted();
                Value::new(start, self.at, Held::Text)
            }
            _ => {
                let rest = self.rest();
                let length = rest.find([',', '}', ']', '\n', '\r']).unwrap_or(rest.len());
                self.at += length;
                let written = rest.get(..length).unwrap_or_default();
                if written.trim().is_empty() {
                    Value::new(before, self.at, Held::Nothing)
                } else {
                    Value::new(start, self.at, Held::Text)
                }
            }
        }
    }

    /// Goes over a quoted text; one that is not closed on its line ends with it.
    fn quoted(&mut self) {
        let rest = self.rest();
        let mark = rest.chars().next().unwrap_or('"');
        let mut escaped = false;
        for (at, character) in rest.char_indices().skip(1) {
            match character {
                '\n' | '\r' => {
                    self.at += at;
                    return;
                }
                _ if escaped => escaped = false,
                '\\' if mark == '"' => escaped = true,
                _ if character == mark => {
                    self.at += at + character.len_utf8();
                    return;
                }
                _ => {}
            }
        }
        self.at = self.text.len();
    }
}
