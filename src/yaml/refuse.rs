//! What YAML would swallow inside a tree that it takes for sound: tags, anchors, values that a comma
//! cut, keys without a value, comments that end a value early.

use std::borrow::Cow;

use saphyr_parser::Tag;

use super::codes;
use super::places::{line_at, quoted, unbalanced};
use super::tree::{Key, Tree, shown};
use super::{Kind, Node, Scalar, Style};
use crate::diag::{Place, Span};

impl Tree<'_> {
    pub(super) fn refuse_marks(
        &mut self,
        span: Span,
        anchor: usize,
        tag: Option<&Cow<'_, Tag>>,
        nothing_follows: bool,
    ) -> Span {
        let mut start = span.start;
        if anchor == 0 && tag.is_none() {
            return span;
        }
        while let Some(rest) = self.source.text.get(start..span.end) {
            let length = rest
                .find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}' | '{' | '['))
                .unwrap_or(rest.len());
            let mark = rest.get(..length).unwrap_or_default().to_owned();
            let at = Span::new(start, start + length);
            if mark.starts_with("&&") {
                // The rest of an expression that began with `!`, which was reported.
            } else if mark.starts_with('&') {
                self.error(codes::ANCHOR, at, "anchors are not used in these files")
                    .label("names a value for use elsewhere")
                    .help(format!(
                        "remove `{mark}`, and write the value where it is used"
                    ));
            } else if mark.starts_with('!') {
                let help = tag_help(&mark, nothing_follows);
                self.error(codes::TAG, at, "YAML reads a tag")
                    .label(format!("`{}` is not read as text", shown(&mark)))
                    .help(help);
            } else {
                break;
            }
            let blanks = rest.get(length..).unwrap_or_default();
            let next = blanks.len() - blanks.trim_start().len();
            start += length + next;
        }
        Span::new(start.min(span.end), span.end)
    }

    /// Refuses `%YAML` and the like, which stand on lines before the document.
    pub(super) fn refuse_directives(&mut self, document: usize) {
        let before = self.source.text.get(..document).unwrap_or_default();
        let lines: Vec<Span> = before
            .split_inclusive('\n')
            .scan(0, |begins, line| {
                let start = *begins;
                *begins += line.len();
                Some((start, line))
            })
            .filter(|(_, line)| line.starts_with('%'))
            .map(|(start, line)| Span::new(start, start + line.trim_end().len()))
            .take(10)
            .collect();
        for line in lines {
            self.error(
                codes::SYNTAX,
                line,
                "lines that begin with `%` are not used in these files",
            )
            .help("remove the line");
        }
    }

    pub(super) fn refuse_alias(&mut self, span: Span) {
        self.error(codes::ALIAS, span, "aliases are not used in these files")
            .label("stands for a value from elsewhere")
            .help("write the value here, or quote a text that begins with `*`");
    }

    /// Refuses a value in `{…}` or `[…]` whose brackets do not match: YAML cut it at a comma. What was
    /// meant takes its place, so that nothing is said about the cut piece as well.
    /// Gives whether the next piece is the rest of this one.
    pub(super) fn refuse_cut(
        &mut self,
        node: &mut Node,
        after_cut: bool,
        key: Option<&Key>,
    ) -> bool {
        let Some(scalar) = node
            .as_scalar()
            .filter(|scalar| scalar.style == Style::Plain)
        else {
            return false;
        };
        if unbalanced(&scalar.text).is_none() {
            return after_cut;
        }
        if after_cut {
            return false;
        }
        let (begins, line) = line_at(&self.source.text, node.span.start);
        let rest = line.get(node.span.start - begins..).unwrap_or_default();
        // What is cut off within its line stands there as it is; what goes over several does not.
        let found = whole_value(rest);
        let begins = found.map(|_| node.span.start).or(scalar.begins);
        let whole = found.unwrap_or(&scalar.text).to_owned();
        let help = match key {
            Some(key) => format!("write {}: {}", key.text, quoted(&whole)),
            None => format!("write {}", quoted(&whole)),
        };
        self.error(
            codes::CUT_VALUE,
            node.span,
            "YAML ends this value here, and a bracket in it stays open",
        )
        .label("inside `{…}` or `[…]` a comma ends a value")
        .help(help);
        node.kind = Kind::Scalar(Scalar {
            text: whole,
            style: Style::Plain,
            begins,
        });
        true
    }

    pub(super) fn refuse_no_value(&mut self, key: &Key) {
        self.error(
            codes::NO_VALUE,
            key.span,
            format!("`{}` is a key without a value", shown(&key.text)),
        )
        .label("inside `{…}` a comma ends a value")
        .help(format!(
            "quote the value before it when it holds a comma, or write {}: null",
            key.text
        ));
    }

    /// Warns of ` #` after a plain value that looks as if more of it was meant.
    pub(super) fn warn_of_comment(&mut self, node: &Node) {
        let Some(scalar) = node
            .as_scalar()
            .filter(|scalar| scalar.style == Style::Plain)
        else {
            return;
        };
        let text = &self.source.text;
        let rest = text.get(node.span.end..).unwrap_or_default();
        let line = rest.split(['\n', '\r']).next().unwrap_or_default();
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        let comment = line.get(blanks..).unwrap_or_default();
        if blanks == 0 || !comment.starts_with('#') {
            return;
        }
        let typed = !scalar.to_json().is_string();
        if is_unfinished(&scalar.text) || (blanks == 1 && !typed) {
            let at = node.span.end + blanks;
            let whole = format!("{}{line}", scalar.text);
            let help = format!(
                "write {} when it belongs to the value, or two blanks before a comment",
                quoted(whole.trim_end())
            );
            self.faults
                .warning(
                    codes::COMMENT,
                    Place::new(self.source, Span::new(at, at + 1)),
                    "a comment begins here, and the value ends before it",
                )
                .label("` #` begins a comment")
                .help(help);
        }
    }
}

/// What to write instead of a tag.
pub(super) fn tag_help(mark: &str, alone: bool) -> String {
    let path = mark.trim_start_matches('!');
    let is_path = path.starts_with(|c: char| c.is_ascii_alphabetic())
        && path
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
    if mark.starts_with("!!") || !is_path {
        if alone {
            format!("quote it: {}", quoted(mark))
        } else {
            "quote the whole value".to_owned()
        }
    } else if alone {
        format!("write `{path} == false`, or quote it: {}", quoted(mark))
    } else {
        format!("write `{path} == false`, or quote the whole value")
    }
}

/// The value that was meant: as far as its brackets are balanced again.
fn whole_value(rest: &str) -> Option<&str> {
    rest.char_indices()
        .filter(|(_, character)| matches!(character, ')' | ']' | '}'))
        .map(|(at, character)| at + character.len_utf8())
        .take(64)
        .filter_map(|end| rest.get(..end))
        .find(|text| text.len() <= 1024 && unbalanced(text).is_none())
}

/// Whether an expression cannot end like this.
fn is_unfinished(text: &str) -> bool {
    let quotes = |mark: char| text.matches(mark).count() % 2 == 1;
    unbalanced(text).is_some()
        || quotes('"')
        || [
            "&&", "||", "==", "!=", "<", ">", "+", "-", "*", "/", "?", ",", "=", " in",
        ]
        .iter()
        .any(|end| text.ends_with(end))
}
