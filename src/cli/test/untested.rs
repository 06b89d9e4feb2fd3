//! The ways through a mapping that no test takes.

use serde_json::{Value as Json, json};

use crate::cli::shown;
use crate::mapping::{Branch, Mapping};

/// The longest piece of a mapping that is shown, in graphemes.
const LONGEST: usize = 100;

/// Each by its place, for a person; nothing where all are taken.
pub(super) fn text(mapping: &Mapping, branches: &[Branch]) -> String {
    let untested: Vec<&Branch> = branches.iter().filter(|way| !way.is_taken).collect();
    if untested.is_empty() {
        return String::new();
    }
    let lines: Vec<Vec<String>> = untested
        .iter()
        .map(|way| {
            vec![
                format!("  {}", place(way)),
                way.part.to_owned(),
                shown::text(&way.way),
                crate::untrusted::log(&way.text, LONGEST),
            ]
        })
        .collect();
    let (name, all) = (&mapping.name, branches.len());
    let taken = all - untested.len();
    format!(
        "{name}: tests take {taken} of {all} ways; not these:\n{}  \
         to add one: andon test --record {name} SIGNAL     (a file, sig_…, or last)\n\n",
        shown::aligned(&lines)
    )
}

/// For a script.
pub(super) fn json(branches: &[Branch]) -> Json {
    let untested: Vec<Json> = branches
        .iter()
        .filter(|way| !way.is_taken)
        .map(|way| {
            let (line, column) = way.place.source.line_and_column(way.place.span.start);
            json!({
                "file": way.place.source.name, "line": line, "column": column,
                "part": way.part, "way": way.way, "text": way.text,
            })
        })
        .collect();
    json!({ "ways": branches.len(), "taken": branches.len() - untested.len(), "untested": untested })
}

fn place(way: &Branch) -> String {
    let (line, _) = way.place.source.line_and_column(way.place.span.start);
    format!("{}:{line}", way.place.source.name)
}
