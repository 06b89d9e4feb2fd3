//! A tree of a file as it is while somebody types in it: it always comes about, also where the text is no
//! YAML at the moment.
//!
//! Lines and indentation make it, and brackets on their own terms. It judges nothing and is never used to run
//! anything: what a file says is read by `yaml`, which takes no half of a line for a whole one.

mod flow;
#[cfg(test)]
mod tests;

use crate::diag::Span;

/// How deep maps and lists are gone into; what stands deeper is text.
const DEEPEST: usize = 48;

/// A value and where it stands, or could stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) span: Span,
    pub(super) held: Held,
    /// Written with `{…}` or `[…]`.
    pub(super) flow: bool,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    Nothing,
    Text,
    List(Vec<Value>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    /// Whether its colon is there: without it the key may be half of a word, or a text.
    pub(super) has_colon: bool,
    pub(super) value: Value,
}

/// A line with something on it; of the line behind a dash only what follows the dash.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Its first character.
    start: usize,
    /// How far that stands in.
    indent: usize,
    /// Behind its last character that is no blank.
    end: usize,
}

impl Value {
    /// The tree of a text. Where the cursor stands on a blank line, that line counts as one.
    pub(super) fn of(text: &str, cursor: Option<usize>) -> Self {
        let mut reader = Reader {
            text,
            rows: rows(text, cursor),
            next: 0,
            depth: 0,
        };
        let mut entries = Vec::new();
        let mut whole = None;
        // What stands further out than the first line is read on from there.
        while reader.next < reader.rows.len() {
            let value = reader.node(0);
            match value.held {
                Held::Map(more) => entries.extend(more),
                _ => whole = whole.or(Some(value)),
            }
        }
        match whole {
            Some(value) if entries.is_empty() => value,
            _ => Self::new(0, text.len(), Held::Map(entries)),
        }
    }

    fn new(start: usize, end: usize, held: Held) -> Self {
        Self {
            span: Span::new(start, end),
            held,
            flow: false,
        }
    }

    /// The entries of a map.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.held {
            Held::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list.
    pub(super) fn items(&self) -> &[Self] {
        match &self.held {
            Held::List(items) => items,
            _ => &[],
        }
    }

    /// An entry of a map.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value behind these keys.
    pub(super) fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter()
            .try_fold(self, |value, key| Some(&value.entry(key)?.value))
    }

    /// The text of a leaf, without its quotes.
    pub(super) fn text<'t>(&self, text: &'t str) -> Option<&'t str> {
        if self.held != Held::Text {
            return None;
        }
        let written = text.get(self.span.start..self.span.end)?.trim();
        let inner = ['"', '\'']
            .into_iter()
            .find_map(|mark| written.strip_prefix(mark)?.strip_suffix(mark));
        Some(inner.unwrap_or(written))
    }
}

/// The lines with something on them; comments are none.
fn rows(text: &str, cursor: Option<usize>) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut begins = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end();
        let lead = body.len() - body.trim_start_matches([' ', '\t']).len();
        let ends = begins + line.trim_end_matches(['\n', '\r']).len();
        if body.is_empty() {
            let here = cursor.filter(|at| (begins..=ends).contains(at));
            rows.extend(here.map(|at| Row {
                start: at,
                indent: at - begins,
                end: at,
            }));
        } else if !body.trim_start().starts_with('#') && body != "---" {
            rows.push(Row {
                start: begins + lead,
                indent: lead,
                end: begins + body.len(),
            });
        }
        begins += line.len();
    }
    // Behind the last line break there is a line too.
    if let Some(at) = cursor.filter(|at| *at == text.len() && text.ends_with('\n')) {
        rows.push(Row {
            start: at,
            indent: 0,
            end: at,
        });
    }
    rows
}

struct Reader<'t> {
    text: &'t str,
    rows: Vec<Row>,
    next: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<Row> {
        self.rows.get(self.next).copied()
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end.max(start)).unwrap_or_default()
    }

    fn is_dash(&self, row: Row) -> bool {
        let text = self.slice(row.start, row.end);
        text == "-" || text.starts_with("- ")
    }

    /// What begins on the next line, which stands in at least so far.
    fn node(&mut self, least: usize) -> Value {
        let Some(row) = self.peek() else {
            return Value::new(self.text.len(), self.text.len(), Held::Nothing);
        };
        self.depth += 1;
        let value = if self.depth > DEEPEST {
            self.scalar(row.start, least)
        } else if self.is_dash(row) {
            self.list(row.indent)
        } else if self.slice(row.start, row.end).starts_with(['{', '[']) {
            self.scalar(row.start, least)
        } else {
            self.map(least)
        };
        self.depth -= 1;
        value
    }

    fn list(&mut self, indent: usize) -> Value {
        let start = self.peek().map_or(0, |row| row.start);
        let mut items = Vec::new();
        let mut end = start;
        while let Some(row) = self.peek() {
            if row.indent != indent || !self.is_dash(row) {
                break;
            }
            let rest = self.slice(row.start + 1, row.end);
            let after = row.start + 1 + (rest.len() - rest.trim_start().len());
            let item = if after >= row.end {
                self.next += 1;
                self.below(row, indent + 1)
            } else {
                if let Some(here) = self.rows.get_mut(self.next) {
                    here.indent += after - row.start;
                    here.start = after;
                }
                let inner = Row {
                    start: after,
                    ..row
                };
                if self.is_dash(inner) || self.key(inner).is_some() {
                    self.node(indent + 1)
                } else {
                    self.scalar(after, indent + 1)
                }
            };
            end = item.span.end.max(row.end);
            items.push(item);
        }
        Value::new(start, end, Held::List(items))
    }

    /// What stands on the lines below a key or a dash; nothing where the next line stands further out.
    fn below(&mut self, row: Row, least: usize) -> Value {
        match self.peek() {
            Some(next) if next.indent >= least => self.node(least),
            _ => Value::new(row.end, self.line_end(row.end), Held::Nothing),
        }
    }

    fn line_end(&self, at: usize) -> usize {
        let rest = self.slice(at, self.text.len());
        at + rest.find(['\n', '\r']).unwrap_or(rest.len())
    }

    fn map(&mut self, least: usize) -> Value {
        let start = self.peek().map_or(0, |row| row.start);
        let mut entries = Vec::new();
        let mut end = start;
        while let Some(row) = self.peek().filter(|row| row.indent >= least) {
            let found = if self.is_dash(row) {
                None
            } else {
                self.key(row)
            };
            let entry = if let Some((key, key_span, colon)) = found {
                self.entry(row, key, key_span, colon)
            } else {
                self.next += 1;
                while self.peek().is_some_and(|next| next.indent > row.indent) {
                    self.next += 1;
                }
                // A dash among keys belongs to nothing.
                if self.is_dash(row) {
                    continue;
                }
                Entry {
                    key: self.slice(row.start, row.end).to_owned(),
                    key_span: Span::new(row.start, row.end),
                    has_colon: false,
                    value: Value::new(row.end, row.end, Held::Nothing),
                }
            };
            end = entry.value.span.end.max(entry.key_span.end);
            entries.push(entry);
        }
        Value::new(start, end, Held::Map(entries))
    }

    fn entry(&mut self, row: Row, key: String, key_span: Span, colon: usize) -> Entry {
        let rest = self.slice(colon + 1, row.end);
        let after = colon + 1 + (rest.len() - rest.trim_start().len());
        let is_bare = after >= row.end;
        let value = if is_bare || self.slice(after, row.end).starts_with('#') {
            self.next += 1;
            match self.peek() {
                Some(next) if next.indent == row.indent && self.is_dash(next) => {
                    self.node(row.indent)
                }
                _ if is_bare => {
                    let value = self.below(row, row.indent + 1);
                    if value.held == Held::Nothing {
                        Value::new(colon + 1, self.line_end(row.end), Held::Nothing)
                    } else {
                        value
                    }
                }
                _ => self.below(Row { end: after, ..row }, row.indent + 1),
            }
        } else {
            self.scalar(after, row.indent + 1)
        };
        Entry {
            key,
            key_span,
            has_colon: true,
            value,
        }
    }

    /// A text or a bracket that begins at `start` on the next line and goes on while lines stand in.
    fn scalar(&mut self, start: usize, least: usize) -> Value {
        let Some(row) = self.peek() else {
            return Value::new(start, start, Held::Nothing);
        };
        self.next += 1;
        let mut end = row.end;
        let opens = self.slice(start, row.end).starts_with(['{', '[']);
        while let Some(next) = self.peek() {
            let closes = opens && self.slice(next.start, next.end).starts_with(['}', ']']);
            if next.indent < least && !(closes && next.indent + 1 >= least) {
                break;
            }
            end = next.end;
            self.next += 1;
        }
        if opens {
            return flow::read(self.text, start, end, DEEPEST.saturating_sub(self.depth));
        }
        let one_line = end == row.end;
        let plain = !self.slice(start, end).starts_with(['"', '\'', '|', '>']);
        if one_line
            && plain
            && let Some(comment) = self.slice(start, end).find(" #")
        {
            end = start + self.slice(start, start + comment).trim_end().len();
        }
        // Blanks behind it belong to what is being typed.
        let typed = if one_line && end == row.end {
            self.line_end(end)
        } else {
            end
        };
        Value::new(start, typed, Held::Text)
    }

    /// The key at the beginning of a line: its text, where it stands, and its colon.
    fn key(&self, row: Row) -> Option<(String, Span, usize)> {
        key_at(self.text, row.start, row.end)
    }
}

/// A key at `start`, with a colon behind it and a blank, or the end, behind that.
fn key_at(text: &str, start: usize, end: usize) -> Option<(String, Span, usize)> {
    let written = text.get(start..end)?;
    let (key, length) = match written.chars().next()? {
        mark @ ('"' | '\'') => {
            let close = written.get(1..)?.find(mark)? + 1;
            (written.get(1..close)?, close + 1)
        }
        '{' | '[' | '|' | '>' | '#' | '=' => return None,
        _ => {
            let colon = written.match_indices(':').map(|(at, _)| at).find(|at| {
                let after = written.get(at + 1..).unwrap_or_default();
                after.is_empty() || after.starts_with([' ', '\t'])
            })?;
            let key = written.get(..colon)?;
            if key.contains(" #") {
                return None;
            }
            (key.trim_end(), key.trim_end().len())
        }
    };
    let rest = written.get(length..)?;
    let colon = start + length + (rest.len() - rest.trim_start().len());
    let after = text.get(colon..end)?.strip_prefix(':')?;
    (after.is_empty() || after.starts_with([' ', '\t']))
        .then(|| (key.to_owned(), Span::new(start, start + length), colon))
}
