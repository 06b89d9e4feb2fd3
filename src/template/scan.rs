//! The tags of a template, before Handlebars sees it: what is not used here is refused with its
//! place, and nothing deep reaches the engine's parser, which recurses.

use super::{NOT_ALLOWED, SYNTAX, TOO_LARGE};
use crate::diag::{Faults, Fragment};

/// How deep blocks may stand in each other.
const DEEPEST: usize = 8;
/// How deep helpers may stand in each other.
const DEEPEST_CALL: usize = 3;

/// Checks the tags. Gives whether the template may go on to Handlebars.
pub(super) fn scan(fragment: &Fragment, faults: &mut Faults) -> bool {
    let before = faults.errors();
    let text = fragment.text.as_str();
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("{{")) {
        let start = at + found;
        let rest = text.get(start..).unwrap_or_default();
        if text
            .get(..start)
            .is_some_and(|before| before.ends_with('\\'))
        {
            at = start + 2;
            continue;
        }
        if rest.starts_with("{{{") {
            let braces = rest.len() - rest.trim_start_matches('{').len();
            faults
                .error(
                    NOT_ALLOWED,
                    fragment.place_of(start, start + braces),
                    "values are written between two braces",
                )
                .label("more than two")
                .help("write {{name}}");
            at = start + braces;
            continue;
        }
        let (end_mark, begin) = if rest.starts_with("{{!--") {
            ("--}}", 5)
        } else {
            ("}}", 2)
        };
        let Some(length) = rest.get(begin..).and_then(|rest| rest.find(end_mark)) else {
            faults
                .error(
                    SYNTAX,
                    fragment.place_of(start, start + 2),
                    "`{{` has no end",
                )
                .help("write `}}` behind the name");
            return false;
        };
        let inside = rest.get(begin..begin + length).unwrap_or_default();
        at = start + begin + length + end_mark.len();
        if rest.starts_with("{{!") {
            continue;
        }
        let words = inside.trim_start_matches('~').trim_start();
        let word_at = start + begin + inside.len() - words.len();
        refuse_sigil(fragment, words, word_at, faults);
        refuse_brackets(fragment, inside, start + begin, faults);
        let block = |mark: char| {
            words.strip_prefix(mark).map(|name| {
                name.trim_start()
                    .split([' ', '~', '\t', '\n'])
                    .next()
                    .unwrap_or_default()
            })
        };
        if let Some(name) = block('#') {
            open.push((name, start));
            if open.len() > DEEPEST {
                faults
                    .error(
                        TOO_LARGE,
                        fragment.place_of(start, at),
                        format!("blocks stand in each other more than {DEEPEST} deep"),
                    )
                    .help("write a template of its own for what stands inside");
                return false;
            }
        } else if let Some(name) = block('/') {
            match open.pop() {
                Some((opened, _)) if opened == name => {}
                Some((opened, _)) => {
                    faults
                        .error(
                            SYNTAX,
                            fragment.place_of(start, at),
                            format!("this closes `{name}`, and `{opened}` is open"),
                        )
                        .help(format!("write {{{{/{opened}}}}}"));
                    return false;
                }
                None => {
                    faults
                        .error(
                            SYNTAX,
                            fragment.place_of(start, at),
                            format!("this closes `{name}`, and nothing is open"),
                        )
                        .help(format!("write {{{{#{name} …}}}} before it, or remove it"));
                    return false;
                }
            }
        }
    }
    for (name, start) in open {
        faults
            .error(
                SYNTAX,
                fragment.place_of(start, start + 3 + name.len()),
                format!("`{name}` is not closed"),
            )
            .help(format!("write {{{{/{name}}}}} where it ends"));
    }
    faults.errors() == before
}

fn refuse_sigil(fragment: &Fragment, words: &str, at: usize, faults: &mut Faults) {
    let refused = [
        ("#>", "templates do not include others"),
        ("#*", "templates have no decorators"),
        (">", "templates do not include others"),
        ("*", "templates have no decorators"),
        ("&", "values are written between two braces, without `&`"),
    ];
    if let Some((mark, sentence)) = refused.iter().find(|(mark, _)| words.starts_with(mark)) {
        faults
            .error(
                NOT_ALLOWED,
                fragment.place_of(at, at + mark.len()),
                *sentence,
            )
            .help("write the text here, with {{name}} for each value");
    }
}

fn refuse_brackets(fragment: &Fragment, inside: &str, at: usize, faults: &mut Faults) {
    let mut quote = None;
    let mut depth = 0_usize;
    for (offset, character) in inside.char_indices() {
        match (quote, character) {
            (Some(mark), _) if mark == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, '(') => {
                depth += 1;
                if depth > DEEPEST_CALL {
                    faults
                        .error(
                            TOO_LARGE,
                            fragment.place_of(at + offset, at + offset + 1),
                            format!("helpers stand in each other more than {DEEPEST_CALL} deep"),
                        )
                        .help("give the value a name under `fields`");
                    return;
                }
            }
            (None, ')') => depth = depth.saturating_sub(1),
            (None, '[' | '{') => {
                faults
                    .error(
                        NOT_ALLOWED,
                        fragment.place_of(at + offset, at + offset + 1),
                        format!("`{character}` is not used in templates"),
                    )
                    .help("write a name, and keys below it with dots, such as {{model.name}}");
                return;
            }
            _ => {}
        }
    }
}
