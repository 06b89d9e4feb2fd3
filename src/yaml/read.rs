//! From text to tree: bounds, characters and tabs first, then the parser's events, and on from
//! each line that breaks them, so that one run tells of all of them.

use std::sync::Arc;

use saphyr_parser::Parser;

use super::codes;
use super::places::Places;
use super::traps::{self, Line};
use super::tree::{Go, Tree};
use super::{Kind, Node};
use crate::diag::{Diagnostic, Faults, Level, Place, Source, Span};

/// The largest file that is read, in bytes.
const LARGEST: usize = 256 * 1024;

/// How many broken lines one run tells of.
const BROKEN_LINES: usize = 16;

/// How many faults of one file are told.
const MOST_FAULTS: usize = 100;

/// Reads a file. `None` when it cannot be read as one map or list; faults say why. A tree that is
/// given may still have faults: they do not keep the rest of it from being checked.
pub fn parse(source: &Arc<Source>, faults: &mut Faults) -> Option<Node> {
    let mut found = Faults::new();
    let root = read(source, &mut found);
    let mut found = found.into_sorted();
    // A line that breaks the file may be told of again when reading goes on.
    found.dedup();
    for (index, fault) in found.into_iter().enumerate() {
        if index == MOST_FAULTS {
            faults
                .error(codes::SYNTAX, fault.place, "more faults follow from here")
                .help("mend the ones before, and check again");
            break;
        }
        pass_on(fault, faults);
    }
    root
}

fn pass_on(fault: Diagnostic, faults: &mut Faults) {
    let told = match fault.level {
        Level::Error => faults.error(fault.code, fault.place, fault.message),
        Level::Warning => faults.warning(fault.code, fault.place, fault.message),
    };
    told.label(fault.label);
    if let Some(help) = fault.help {
        told.help(help);
    }
}

fn read(source: &Arc<Source>, faults: &mut Faults) -> Option<Node> {
    let text = &source.text;
    if text.len() > LARGEST {
        faults
            .error(
                codes::TOO_LARGE,
                Place::new(source, Span::new(0, 0)),
                format!(
                    "a file holds at most 256 KiB, and this one {} bytes",
                    text.len()
                ),
            )
            .help("split it into several files");
        return None;
    }
    if refuse_characters(source, faults) {
        return None;
    }
    let places = Places::of(text);
    let (root, broken) = read_with_tabs(source, &places, faults);
    if broken {
        return None;
    }
    match root {
        Some(root) if matches!(root.kind, Kind::Map(_) | Kind::List(_)) => Some(root),
        _ if faults.has_errors() => None,
        other => {
            let (place, what) = match &other {
                Some(node) if !matches!(node.kind, Kind::Null) => (node.place(), node.what()),
                _ => (Place::new(source, Span::new(0, 0)), "empty"),
            };
            faults
                .error(
                    super::fields::NOT_A_MAP,
                    place,
                    format!("a file holds keys and values, and this one is {what}"),
                )
                .help("begin with `andon:`, the kind and the version, such as `andon: mapping/v1`");
            None
        }
    }
}

/// Refuses tabs that indent; a tab inside a quoted text or a block is content. Gives the tree, and
/// whether it is of no use.
fn read_with_tabs(
    source: &Arc<Source>,
    places: &Places,
    faults: &mut Faults,
) -> (Option<Node>, bool) {
    let text = &source.text;
    let tabs = tabs_in_indentation(text);
    if tabs.is_empty() {
        return read_lines(source, places, text, faults);
    }
    // A tab becomes a blank for the parser, so that what else is wrong is found as well.
    let blanks = with_blanks(text, &tabs);
    let mut others = Faults::new();
    let (root, broken) = read_lines(source, places, &blanks, &mut others);
    let inside = root.as_ref().map(blocks).unwrap_or_default();
    let before = faults.errors();
    for tab in tabs {
        if !inside.iter().any(|span| span.start < tab && tab < span.end) {
            traps::refuse_tab(source, tab, faults);
        }
    }
    if faults.errors() == before {
        return read_lines(source, places, text, faults);
    }
    if !broken {
        faults.append(others);
    }
    (None, true)
}

/// Reads on behind each broken line, by reading again with its value blotted out. The faults of
/// the last reading are those of the whole file. Gives whether any line was broken.
fn read_lines(
    source: &Arc<Source>,
    places: &Places,
    text: &str,
    faults: &mut Faults,
) -> (Option<Node>, bool) {
    let mut blotted: Option<String> = None;
    let mut last: Option<usize> = None;
    for attempt in 0..=BROKEN_LINES {
        let current = blotted.as_deref().unwrap_or(text);
        let mut tree = Tree::new(source, places);
        let stopped = read_once(current, places, &mut tree);
        let (root, found) = tree.finish();
        let Err((at, info)) = stopped else {
            faults.append(found);
            return (root, attempt > 0);
        };
        traps::explain(source, at, &info, faults);
        let next = match last {
            Some(before) if before >= at => None,
            _ => blot_out(source, current, at),
        };
        let Some(next) = next.filter(|_| attempt < BROKEN_LINES) else {
            faults.append(found);
            return (None, true);
        };
        last = Some(at);
        blotted = Some(next);
    }
    (None, true)
}

/// One reading: `Err` where and why the parser gave up.
fn read_once(text: &str, places: &Places, tree: &mut Tree<'_>) -> Result<(), (usize, String)> {
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => {
                if tree.take(event, &span) == Go::Stop {
                    return Ok(());
                }
            }
            Err(error) => {
                return Err((places.byte(error.marker().index()), error.info().to_owned()));
            }
        }
    }
    Ok(())
}

/// The text with the value on the line of byte `at` replaced, character by character, so that every
/// index stays what it was. `None` when there is nothing to replace.
fn blot_out(source: &Arc<Source>, current: &str, at: usize) -> Option<String> {
    let line = Line::at(&source.text, at)?;
    let first = source.text.get(..line.span.start)?.chars().count();
    let count = source
        .text
        .get(line.span.start..line.span.end)?
        .chars()
        .count();
    let mut changed = false;
    let next = current
        .chars()
        .enumerate()
        .map(|(index, character)| {
            if index >= first && index < first + count && character != 'x' {
                changed = true;
                'x'
            } else {
                character
            }
        })
        .collect();
    changed.then_some(next)
}

/// Refuses a byte order mark, NUL and other control characters. Gives whether there was one.
fn refuse_characters(source: &Arc<Source>, faults: &mut Faults) -> bool {
    let odd = source.text.char_indices().filter(|(_, character)| {
        *character == '\u{feff}'
            || character.is_control() && !matches!(character, '\n' | '\r' | '\t' | '\u{85}')
            || matches!(character, '\u{fffe}' | '\u{ffff}')
    });
    let mut any = false;
    for (at, character) in odd.take(10) {
        any = true;
        let place = Place::new(source, Span::new(at, at + character.len_utf8()));
        if character == '\u{feff}' {
            faults
                .error(
                    codes::CHARACTER,
                    place,
                    "a byte order mark stands here, which nobody sees",
                )
                .help("save the file as UTF-8 without a byte order mark");
        } else {
            faults
                .error(
                    codes::CHARACTER,
                    place,
                    format!(
                        "the control character U+{:04X} stands here",
                        u32::from(character)
                    ),
                )
                .help("remove it, or write it as an escape in double quotes, such as \"\\x1b\"");
        }
    }
    any
}

/// The first tab in the indentation of each line that has one and is not blank.
fn tabs_in_indentation(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut begins = 0;
    for line in text.split_inclusive('\n') {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        let blank = line.trim().is_empty();
        if !blank && let Some(tab) = line.get(..indentation).and_then(|part| part.find('\t')) {
            found.push(begins + tab);
        }
        begins += line.len();
    }
    found
}

/// The text with blanks for the tabs that indent.
fn with_blanks(text: &str, tabs: &[usize]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut tabs = tabs.iter().peekable();
    let mut in_tabs = false;
    for (at, character) in text.char_indices() {
        if tabs.next_if(|tab| **tab == at).is_some() {
            in_tabs = true;
        }
        in_tabs = in_tabs && matches!(character, ' ' | '\t');
        out.push(if in_tabs { ' ' } else { character });
    }
    out
}

/// The spans of texts over several lines, in which a tab is content.
fn blocks(node: &Node) -> Vec<Span> {
    let mut found = Vec::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        match &node.kind {
            Kind::Null => {}
            Kind::Scalar(scalar) => {
                if scalar.style == super::Style::Quoted {
                    found.push(node.span);
                }
            }
            Kind::List(items) => open.extend(items),
            Kind::Map(entries) => open.extend(entries.iter().map(|entry| &entry.value)),
        }
    }
    found
}
