//! What broke a file, in our own words: the parser says where it gave up, the line says why.

use std::sync::Arc;

use super::codes;
use super::places::{line_at, quoted};
use super::refuse::tag_help;
use super::tree::{DEEPEST, shown};
use crate::diag::{Faults, Place, Source, Span};

/// A `key: value` (or `- value`) on one line, as far as it can be told without a parser.
pub(super) struct Line<'t> {
    key: &'t str,
    value: &'t str,
    /// The bytes of the value in the file.
    pub(super) span: Span,
}

impl<'t> Line<'t> {
    /// Takes apart the line that holds byte `at`. `None` when it holds no value.
    pub(super) fn at(text: &'t str, at: usize) -> Option<Self> {
        let (begins, line) = line_at(text, at);
        let mut rest = line.trim_start();
        while let Some(item) = rest.strip_prefix("- ") {
            rest = item.trim_start();
        }
        let (key, value) = match rest.split_once(": ") {
            Some((key, value)) if !key.starts_with(['{', '[', '"', '\'', '#']) => {
                (key.trim_end(), value.trim_start())
            }
            _ => ("", rest),
        };
        let start = begins + line.len() - value.len();
        let value = value.trim_end();
        (!value.is_empty()).then_some(Self {
            key,
            value,
            span: Span::new(start, start + value.len()),
        })
    }

    /// The line as it would be typed with its value in quotes.
    fn in_quotes(&self) -> String {
        let value = quoted(self.value);
        if self.key.is_empty() {
            value
        } else {
            format!("{}: {value}", self.key)
        }
    }
}

/// Reports why the parser gave up at byte `at` with `info`.
pub(super) fn explain(source: &Arc<Source>, at: usize, info: &str, faults: &mut Faults) {
    let text = &source.text;
    if info.contains("recursion limit") {
        too_deep(point(source, at), faults);
        return;
    }
    if let Some(dash) = dash_above(text, at) {
        refuse_dash(source, dash, faults);
        return;
    }
    let line = Line::at(text, at);
    let place = |start: usize, end: usize| Place::new(source, Span::new(start, end));
    if let Some(line) = &line {
        let start = line.span.start;
        let first_word = line.value.split([' ', '\t']).next().unwrap_or_default();
        let word = place(start, start + first_word.len());
        if line.value.starts_with("{{") {
            faults
                .error(
                    codes::BRACES,
                    place(start, start + 2),
                    "YAML reads `{{` as the start of a map",
                )
                .label("a text that begins with `{{` stands in quotes")
                .help(format!("write {}", line.in_quotes()));
            return;
        }
        if line.value.starts_with('!') {
            faults
                .error(codes::TAG, word, "YAML reads a tag")
                .label(format!("`{}` is not read as text", shown(first_word)))
                .help(tag_help(first_word, first_word == line.value));
            return;
        }
        if line.value.starts_with('*') || info.contains("unknown anchor") {
            let word = if line.value.starts_with('*') {
                word
            } else {
                point(source, at)
            };
            faults
                .error(codes::ALIAS, word, "aliases are not used in these files")
                .label("stands for a value from elsewhere")
                .help("write the value here, or quote a text that begins with `*`");
            return;
        }
        if line.value.starts_with('&') {
            faults
                .error(codes::ANCHOR, word, "anchors are not used in these files")
                .label("names a value for use elsewhere")
                .help(format!(
                    "remove `{}`, or quote the text: {}",
                    shown(first_word),
                    line.in_quotes()
                ));
            return;
        }
        if line.value.starts_with(['@', '`', '%']) {
            let mark = line.value.chars().next().unwrap_or_default();
            faults
                .error(
                    codes::SYNTAX,
                    place(start, start + mark.len_utf8()),
                    format!("a text without quotes cannot begin with `{mark}`"),
                )
                .help(format!("write {}", line.in_quotes()));
            return;
        }
        if info.contains("tab") {
            refuse_tab(source, at, faults);
            return;
        }
        if let Some(quote) = line
            .value
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''))
            && info.contains("indentation")
        {
            faults
                .error(
                    codes::SYNTAX,
                    place(start, start + 1),
                    "this quoted text has no end",
                )
                .help(format!("write {}{quote}", line.value));
            return;
        }
        let flow = line.value.starts_with(['{', '[']);
        if info.contains("trailing content")
            || line.value.starts_with(['"', '\''])
                && !info.contains("stream")
                && info.contains("did not find expected key")
        {
            faults
                .error(
                    codes::SYNTAX,
                    point(source, at),
                    "text goes on behind a closing quote",
                )
                .label("the quoted text has ended")
                .help(format!("quote the whole value: {}", line.in_quotes()));
            return;
        }
        if !flow
            && info.contains("mapping values are not allowed")
            && let Some(colon) = line
                .value
                .find(": ")
                .or_else(|| line.value.ends_with(':').then(|| line.value.len() - 1))
        {
            faults
                .error(
                    codes::COLON,
                    place(start + colon, start + colon + 1),
                    "a colon and a blank make a key of what stands before them",
                )
                .label("this text needs quotes")
                .help(format!("write {}", line.in_quotes()));
            return;
        }
        if let Some(cut) = expression_in_flow(line.value) {
            let (from, to) = (start + cut.start, start + cut.end);
            let value = text.get(from..to).unwrap_or_default();
            faults
                .error(
                    codes::CUT_VALUE,
                    place(from, to),
                    "inside `{…}` or `[…]` an expression with a bracket, brace, comma or `?` stands in quotes",
                )
                .label("YAML cuts it")
                .help(format!("write {}", quoted(value)));
            return;
        }
    }
    let (sentence, help) = words(info);
    faults
        .error(codes::SYNTAX, point(source, at), sentence)
        .help(help);
}

/// A list item whose dash has no blank behind it, at the beginning of the line that holds byte `at`: where
/// its dash stands. A number below zero is none.
pub(super) fn close_dash(text: &str, at: usize) -> Option<usize> {
    let (begins, line) = line_at(text, at);
    let mut rest = line.trim_start();
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    let first = rest.strip_prefix('-')?.chars().next()?;
    let is_other = first.is_whitespace() || first.is_ascii_digit() || matches!(first, '-' | '.');
    (!is_other).then_some(begins + line.len() - rest.len())
}

/// The same on the line that holds byte `at`, or on the line that it follows: YAML reads that one as a word,
/// and trips over the next.
fn dash_above(text: &str, at: usize) -> Option<usize> {
    let (mut begins, mut line) = line_at(text, at);
    let mut depth = usize::MAX;
    let mut lines = 0;
    loop {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        if !content.trim().is_empty() && !content.starts_with('#') && indent <= depth {
            let found = close_dash(text, begins);
            if found.is_some() || lines > 0 {
                return found;
            }
            depth = indent;
            lines += 1;
        }
        (begins, line) = line_at(text, begins.checked_sub(1)?);
    }
}

/// Refuses the dash at byte `at`, which has no blank behind it.
pub(super) fn refuse_dash(source: &Arc<Source>, at: usize, faults: &mut Faults) {
    let (begins, line) = line_at(&source.text, at);
    let item = line.get(at - begins..).unwrap_or_default().trim_end();
    let word = item.split([' ', '\t']).next().unwrap_or_default();
    let word = word.strip_suffix(':').unwrap_or(word);
    faults
        .error(
            codes::SYNTAX,
            Place::new(source, Span::new(at, at + word.len())),
            "the dash of a list item has a blank behind it",
        )
        .label("YAML reads this as a word")
        .help(format!("write `- {}`", shown(item.trim_start_matches('-'))));
}

/// Refuses what stands too deep.
pub(super) fn too_deep(place: Place, faults: &mut Faults) {
    faults
        .error(
            codes::TOO_LARGE,
            place,
            format!("maps and lists stand in each other more than {DEEPEST} deep"),
        )
        .help(format!("write at most {DEEPEST} levels"));
}

/// Refuses a tab at byte `at`.
pub(super) fn refuse_tab(source: &Arc<Source>, at: usize, faults: &mut Faults) {
    let rest = source.text.get(at..).unwrap_or_default();
    let tabs = rest.len() - rest.trim_start_matches('\t').len();
    faults
        .error(
            codes::TAB,
            Place::new(source, Span::new(at, at + tabs)),
            "a tab cannot indent",
        )
        .label(if tabs > 1 { "tabs" } else { "a tab" })
        .help("write two blanks for each level");
}

/// One character at byte `at`, so that the caret stands under it.
fn point(source: &Arc<Source>, at: usize) -> Place {
    let text = &source.text;
    let rest = text.get(at..).unwrap_or_default();
    let width = rest
        .chars()
        .next()
        .filter(|character| !matches!(character, '\n' | '\r'))
        .map_or(0, char::len_utf8);
    Place::new(source, Span::new(at, at + width))
}

/// Where an expression stands unquoted inside `{…}` or `[…]` on this line, and holds what YAML cuts.
fn expression_in_flow(value: &str) -> Option<Span> {
    if !value.starts_with(['{', '[']) {
        return None;
    }
    let start = [": =", "[=", ", =", "[ ="]
        .iter()
        .filter_map(|mark| value.find(mark).map(|at| at + mark.len() - 1))
        .filter(|start| {
            value
                .get(*start..)
                .is_some_and(|rest| rest.contains(['(', '[', '{', '?']))
        })
        .min()?;
    // The expression ends where the brackets around it do.
    let mut depth = 0_usize;
    let mut quote = None;
    for (at, character) in value.get(start..)?.char_indices() {
        match (quote, character) {
            (Some(mark), _) if mark == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth > 0 => depth -= 1,
            (None, ']' | '}') => {
                let end = value.get(..start + at)?.trim_end().len();
                return Some(Span::new(start, end));
            }
            (None, ',') if depth == 0 => return Some(Span::new(start, start + at)),
            _ => {}
        }
    }
    None
}

/// The parser's complaint as a sentence, and what to do.
fn words(info: &str) -> (&'static str, &'static str) {
    const TABLE: [(&str, &str, &str); 16] = [
        (
            "unexpected end of stream",
            "this quoted text has no end",
            "write the closing quote",
        ),
        (
            "document indicator",
            "this quoted text has no end",
            "write the closing quote",
        ),
        (
            "flow mapping",
            "a `,` or `}` is missing before this",
            "write `}` behind the last value, or quote the value before this",
        ),
        (
            "flow sequence",
            "a `,` or `]` is missing before this",
            "write `]` behind the last value, or quote the value before this",
        ),
        (
            "bracket",
            "a bracket that nothing opened",
            "remove it, or quote the text it belongs to",
        ),
        (
            "invalid indentation",
            "this line belongs to what stands above, and is not indented enough",
            "indent it further than the key it belongs to",
        ),
        (
            "wrongly indented",
            "this line is indented less than the block it belongs to",
            "indent all lines of the block alike",
        ),
        (
            "block scalar",
            "a `|` or `>` ends its line",
            "write the text on the next line, indented",
        ),
        (
            "escape",
            "YAML knows no such escape",
            "write `\\\\` for a backslash, or use single quotes",
        ),
        (
            "hexadecimal",
            "YAML knows no such escape",
            "write `\\\\` for a backslash, or use single quotes",
        ),
        (
            "directive",
            "lines that begin with `%` are not used in these files",
            "remove the line",
        ),
        (
            "<document start>",
            "nothing may stand behind the end of a value",
            "indent it under the key it belongs to, or quote the whole value",
        ),
        (
            "expected key",
            "a key and `:` are expected here",
            "write `key: value`, indented like the keys around it",
        ),
        (
            "'-' indicator",
            "a `- ` is expected here",
            "write `- ` before each item, all indented alike",
        ),
        (
            "block sequence entries",
            "a list begins on a line of its own",
            "write `-` on the next line, or `[a, b]` here",
        ),
        (
            "mapping values are not allowed",
            "a `:` where no key can stand",
            "quote the text that holds it",
        ),
    ];
    TABLE
        .iter()
        .find(|(mark, _, _)| info.contains(mark))
        .map_or(
            (
                "YAML cannot read this",
                "quote the value, or indent it like its neighbours",
            ),
            |(_, sentence, help)| (*sentence, *help),
        )
}
