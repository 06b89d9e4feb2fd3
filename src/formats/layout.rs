//! The order of keys: a file with its keys as the reference lists them, each with the comments that
//! stand at it, and one blank line at most between two.
//!
//! Values stay as they are typed. What comes out is read again: it has to say the same and hold the same
//! comments, or nothing is changed.

use std::sync::Arc;

use super::{Format, Is, Map};
use crate::diag::{Faults, Source, Span};
use crate::yaml::{self, Entry, Kind, Node};

/// Why a file is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be read: `andon check` says why.
    #[error("it cannot be read as YAML; `andon check` says where")]
    Unreadable,
    /// Its first key names none of the sorts of file.
    #[error("its `andon:` names no sort of file that Andon has")]
    NotOurs,
    /// In another order it would say something else, or lose a comment.
    #[error("in another order it would say something else")]
    WouldDiffer,
}

/// A file in its order; the same text where it is in order already.
///
/// # Errors
/// When it cannot be read, is no file of Andon's, or would say something else.
pub fn format(source: &Arc<Source>) -> Result<String, Refused> {
    let root = read(source).ok_or(Refused::Unreadable)?;
    let format = Format::of(&root).ok_or(Refused::NotOurs)?;
    let layout = Layout { text: &source.text };
    let formatted = layout.file(&root, format.map);
    if formatted == source.text {
        return Ok(formatted);
    }
    let again = Source::new(source.name.clone(), formatted);
    let same = read(&again).is_some_and(|after| {
        after.to_json() == root.to_json() && comments(&after) == comments(&root)
    });
    if same {
        Ok(again.text.clone())
    } else {
        Err(Refused::WouldDiffer)
    }
}

/// A file without a fault of YAML.
fn read(source: &Arc<Source>) -> Option<Node> {
    let mut faults = Faults::new();
    yaml::parse(source, &mut faults).filter(|_| !faults.has_errors())
}

/// The comments of a file, sorted.
fn comments(root: &Node) -> Vec<&str> {
    let text = root.source.text.as_str();
    let mut values = Vec::new();
    scalars(root, &mut values);
    values.sort_unstable();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find('#')) {
        let start = at + next;
        at = start + 1;
        let inside = values.partition_point(|span| span.end <= start);
        if let Some(span) = values.get(inside).filter(|span| span.start <= start) {
            at = at.max(span.end);
            continue;
        }
        let before = text.get(..start).unwrap_or_default();
        if before.is_empty() || before.ends_with([' ', '\t', '\n', '\r']) {
            let comment = text.get(start..).unwrap_or_default().lines().next();
            let comment = comment.unwrap_or_default();
            found.push(comment.trim_end());
            at = start + comment.len().max(1);
        }
    }
    found.sort_unstable();
    found
}

fn scalars(node: &Node, found: &mut Vec<Span>) {
    match &node.kind {
        Kind::Null => {}
        Kind::Scalar(_) => found.push(node.span),
        Kind::List(items) => items.iter().for_each(|item| scalars(item, found)),
        Kind::Map(entries) => {
            for entry in entries {
                found.push(entry.key_span);
                scalars(&entry.value, found);
            }
        }
    }
}

struct Layout<'t> {
    text: &'t str,
}

/// A key with what stands at it, as it will be written.
struct Piece {
    /// From its comments on; without the indentation of its first line.
    text: String,
    rank: usize,
    /// Whether a blank line stands before it.
    apart: bool,
    /// Whether comments stand above it.
    headed: bool,
}

impl Layout<'_> {
    fn file(&self, root: &Node, map: &'static Map) -> String {
        let Some(first) = root.as_map().and_then(<[Entry]>::first) else {
            return self.text.to_owned();
        };
        // What stands above the first key is the head of the file, and stays there.
        let start = self.line(first.key_span.start).start;
        let end = self.footer(root.span.end);
        let mut out = self.slice(0, start).to_owned();
        out.push_str(&self.block(root, &Is::Map(map), Span::new(start, end)));
        let footer = self.slice(end, self.text.len()).trim_end();
        if !out.ends_with('\n') {
            out.push('\n');
        }
        if !footer.trim().is_empty() {
            let blank = !out.trim_end_matches([' ', '\r']).ends_with("\n\n");
            if blank {
                out.push('\n');
            }
            out.push_str(footer.trim_start_matches(['\n', '\r']));
            out.push('\n');
        }
        let kept = out.trim_end().len();
        out.truncate(kept);
        out.push('\n');
        out
    }

    /// Where comments behind a blank line at the end of the file begin: they stay at its end.
    fn footer(&self, content_ends: usize) -> usize {
        let mut at = self.line(content_ends.saturating_sub(1)).end;
        let mut blank = false;
        while at < self.text.len() {
            let line = self.line(at);
            let text = self.slice(line.start, line.end);
            if text.trim().is_empty() {
                blank = true;
            } else if blank && text.starts_with('#') {
                return at;
            }
            at = line.end.max(at + 1);
        }
        self.text.len()
    }

    /// The text of `range`, in which `node` stands, with its keys in order.
    fn block(&self, node: &Node, is: &Is, range: Span) -> String {
        let whole = || self.slice(range.start, range.end).to_owned();
        if self
            .slice(node.span.start, node.span.end)
            .starts_with(['{', '['])
        {
            let after = node.span.end.max(range.start);
            return self.slice(range.start, node.span.start).to_owned()
                + &self.flow(node, is)
                + self.slice(after, range.end);
        }
        match (&node.kind, fitting(is, node)) {
            (Kind::Map(entries), Some(Is::Map(map))) => self.entries(
                entries,
                range,
                |key| map.key(key).map(|key| &key.is).or(map.others),
                ranks(map, entries),
            ),
            (Kind::Map(entries), Some(Is::Named(_, held))) => {
                self.entries(entries, range, |_| Some(held), vec![0; entries.len()])
            }
            (Kind::List(items), Some(Is::List(held))) => self.items(items, held, range),
            _ => whole(),
        }
    }

    fn entries<'i>(
        &self,
        entries: &[Entry],
        range: Span,
        is: impl Fn(&str) -> Option<&'i Is>,
        ranks: Vec<usize>,
    ) -> String {
        let Some(first) = entries.first() else {
            return self.slice(range.start, range.end).to_owned();
        };
        let column = self.column(first.key_span.start);
        let indent = " ".repeat(column);
        let on_dash = range.start == first.key_span.start;
        let mut bounds = vec![range.start];
        for pair in entries.windows(2) {
            if let [before, next] = pair {
                bounds.push(self.head(
                    before.value.span.end.max(before.key_span.end),
                    next.key_span.start,
                    column,
                ));
            }
        }
        bounds.push(range.end);
        let mut pieces = Vec::new();
        let mut apart = false;
        for ((entry, bound), rank) in entries.iter().zip(bounds.windows(2)).zip(ranks) {
            let &[start, end] = bound else { continue };
            let written = self.entry(entry, is(&entry.key), Span::new(start, end));
            let trimmed = trim_blank_lines(&written);
            let key_line = self.line(entry.key_span.start).start;
            pieces.push(Piece {
                text: trimmed
                    .strip_prefix(indent.as_str())
                    .unwrap_or(trimmed)
                    .to_owned(),
                rank,
                apart,
                headed: start < key_line,
            });
            apart = trimmed.len() < written.len();
        }
        let tail = apart;
        let sorted = pieces.is_sorted_by_key(|piece| piece.rank);
        let mut order: Vec<&Piece> = pieces.iter().collect();
        order.sort_by_key(|piece| piece.rank);
        // Behind a dash there is no place for comments above a key.
        if !sorted && on_dash && order.first().is_some_and(|piece| piece.headed) {
            order = pieces.iter().collect();
        }
        let mut out = String::new();
        let mut above = "";
        for (index, piece) in order.iter().enumerate() {
            // What was moved takes a blank line along, where it is a paragraph of the file.
            let paragraph = column == 0 && !sorted && (is_long(above) || is_long(&piece.text));
            if index > 0 && (piece.apart || paragraph) {
                out.push('\n');
            }
            above = &piece.text;
            if index > 0 || !on_dash {
                out.push_str(&indent);
            }
            out.push_str(&piece.text);
            if !out.ends_with('\n') {
                out.push('\n');
            }
        }
        if tail {
            out.push('\n');
        }
        out
    }

    /// One key with its comments and its value.
    fn entry(&self, entry: &Entry, is: Option<&Is>, range: Span) -> String {
        let value = &entry.value;
        let (Some(is), true) = (
            is,
            value.span.start >= range.start && value.span.end <= range.end,
        ) else {
            return self.slice(range.start, range.end).to_owned();
        };
        if matches!(value.kind, Kind::Null | Kind::Scalar(_)) {
            return self.slice(range.start, range.end).to_owned();
        }
        let key_ends = entry.key_span.end;
        let start = if self.line(key_ends) == self.line(value.span.start) {
            key_ends
        } else {
            self.head(key_ends, value.span.start, self.column(value.span.start))
        };
        self.slice(range.start, start).to_owned()
            + &self.block(value, is, Span::new(start, range.end))
    }

    fn items(&self, items: &[Node], is: &Is, range: Span) -> String {
        let mut out = String::new();
        let mut at = range.start;
        for (index, item) in items.iter().enumerate() {
            let line = self.line(item.span.start);
            let column = line_indent(self.slice(line.start, line.end));
            let end = items.get(index + 1).map_or(range.end, |next| {
                self.head(item.span.end, next.span.start, column)
            });
            if item.span.start < at || end < item.span.start {
                // Two dashes on one line: nothing is moved there.
                return self.slice(range.start, range.end).to_owned();
            }
            out.push_str(self.slice(at, item.span.start));
            out.push_str(&self.block(item, is, Span::new(item.span.start, end)));
            at = end;
        }
        out.push_str(self.slice(at, range.end));
        out
    }

    /// A map or list in braces or brackets.
    fn flow(&self, node: &Node, is: &Is) -> String {
        let is = fitting(is, node);
        let mut slots: Vec<(Span, String)> = Vec::new();
        let mut order: Vec<usize> = Vec::new();
        match (&node.kind, is) {
            (Kind::Map(entries), Some(Is::Map(map))) => {
                for entry in entries {
                    let held = map.key(&entry.key).map(|key| &key.is).or(map.others);
                    slots.push(self.slot(entry, held));
                }
                let ranks = ranks(map, entries);
                order = (0..entries.len()).collect();
                order.sort_by_key(|index| ranks.get(*index).copied());
            }
            (Kind::Map(entries), Some(Is::Named(_, held))) => {
                slots.extend(entries.iter().map(|entry| self.slot(entry, Some(held))));
            }
            (Kind::List(items), Some(Is::List(held))) => {
                slots.extend(
                    items
                        .iter()
                        .map(|item| (item.span, self.within(item, Some(held)))),
                );
            }
            _ => {}
        }
        if order.is_empty() {
            order = (0..slots.len()).collect();
        }
        let mut out = String::new();
        let mut at = node.span.start;
        for ((span, _), from) in slots.iter().zip(order) {
            let gap = self.slice(at, span.start);
            if gap.contains('#') {
                return self.slice(node.span.start, node.span.end).to_owned();
            }
            out.push_str(gap);
            out.push_str(slots.get(from).map_or("", |(_, text)| text));
            at = span.end;
        }
        out.push_str(self.slice(at, node.span.end));
        out
    }

    fn slot(&self, entry: &Entry, is: Option<&Is>) -> (Span, String) {
        let (start, value) = (entry.key_span.start, &entry.value);
        let text = self.slice(start, value.span.start).to_owned() + &self.within(value, is);
        // The span of a quoted text may hold the blanks behind it.
        let end = start + self.slice(start, value.span.end).trim_end().len();
        (Span::new(start, end), text.trim_end().to_owned())
    }

    fn within(&self, node: &Node, is: Option<&Is>) -> String {
        match (is, &node.kind) {
            (Some(is), Kind::Map(_) | Kind::List(_)) => self.flow(node, is),
            _ => self.slice(node.span.start, node.span.end).to_owned(),
        }
    }

    /// Where what belongs to the key or item at `key` begins, behind content that ends at `before`: at the
    /// comments above it. Comments that stand close below the content before, and apart from the key, are
    /// that content's.
    fn head(&self, before: usize, key: usize, column: usize) -> usize {
        let key_line = self.line(key).start;
        let mut lines = Vec::new();
        let mut at = key_line;
        while at > before {
            let line = self.line(at - 1);
            let text = self.slice(line.start, line.end);
            let blank = text.trim().is_empty();
            let comment = text.trim_start().starts_with('#') && line_indent(text) == column;
            if line.start < before || !(blank || comment) {
                break;
            }
            lines.push((line.start, blank));
            at = line.start;
        }
        lines.reverse();
        let close = lines.iter().take_while(|(_, blank)| !blank).count();
        let rest = lines.get(close..).unwrap_or_default();
        if rest.is_empty() {
            return lines.first().map_or(key_line, |(start, _)| *start);
        }
        let first = rest.iter().find(|(_, blank)| !blank);
        first.map_or(key_line, |(start, _)| *start)
    }

    /// The line that holds byte `at`, with its line break.
    fn line(&self, at: usize) -> Span {
        let at = at.min(self.text.len());
        let start = self.slice(0, at).rfind('\n').map_or(0, |found| found + 1);
        let end = self
            .slice(at, self.text.len())
            .find('\n')
            .map_or(self.text.len(), |found| at + found + 1);
        Span::new(start, end)
    }

    fn column(&self, at: usize) -> usize {
        at - self.line(at).start
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end.max(start)).unwrap_or_default()
    }
}

/// The rank of each key. Where keys are free beside those that are known, only the first of these has its
/// place; where one is not known at all, all stay.
fn ranks(map: &Map, entries: &[Entry]) -> Vec<usize> {
    let rank = |entry: &Entry| map.keys().position(|key| key.name == entry.key);
    if map.others.is_some() {
        return entries
            .iter()
            .map(|entry| usize::from(rank(entry) != Some(0)))
            .collect();
    }
    let ranks: Option<Vec<usize>> = entries.iter().map(rank).collect();
    ranks.unwrap_or_else(|| vec![0; entries.len()])
}

/// Which of several a node is.
pub(super) fn fitting<'i>(is: &'i Is, node: &Node) -> Option<&'i Is> {
    match is {
        Is::Either(all) => all.iter().find_map(|is| fitting(is, node)),
        Is::Map(map) => {
            let entries = node.as_map()?;
            let known = |entry: &Entry| map.others.is_some() || map.key(&entry.key).is_some();
            entries.iter().any(known).then_some(is)
        }
        Is::Named(..) => node.as_map().map(|_| is),
        Is::List(held) => {
            let items = node.as_list()?;
            let fits = matches!(held, Is::Map(_) | Is::Either(_) | Is::Named(..));
            (!fits || items.iter().all(|item| fitting(held, item).is_some())).then_some(is)
        }
        _ => None,
    }
}

/// Whether a text has more than one line.
fn is_long(text: &str) -> bool {
    text.trim_end().contains('\n')
}

fn line_indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// A text without the blank lines at its end; its last line keeps its line break.
fn trim_blank_lines(text: &str) -> &str {
    let mut kept = text;
    while let Some(body) = kept.strip_suffix('\n') {
        let begins = body.rfind('\n').map_or(0, |found| found + 1);
        if !body.get(begins..).unwrap_or_default().trim().is_empty() {
            break;
        }
        kept = kept.get(..begins).unwrap_or_default();
    }
    kept
}
