//! A test into a mapping's file, behind its others: nothing else of the file changes.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Map, Value as Json};

use crate::diag::{Faults, Source};
use crate::yaml::{self, Kind, Node};

/// Where the items of a list of its own stand in.
const INDENT: usize = 2;

/// The text of a mapping's file with one more test, and the lines of the test alone.
pub(super) fn with_test(
    source: &std::sync::Arc<Source>,
    test: &Map<String, Json>,
) -> anyhow::Result<(String, String)> {
    let text = source.text.as_str();
    let file = yaml::parse(source, &mut Faults::new()).context("the file cannot be read")?;
    if text
        .get(file.span.start..)
        .is_some_and(|rest| rest.starts_with('{'))
    {
        bail!("the whole file stands in {{…}}: write its keys on lines of their own first");
    }
    let list = file.get("tests");
    let items = list.and_then(Node::as_list).unwrap_or_default();
    let (at, indent, head, gone) = match (list, items.last()) {
        (None, _) => (text.len(), INDENT, "\ntests:", 0..0),
        (Some(list), None) => {
            let written = text.get(list.span.start..list.span.end).unwrap_or_default();
            if !matches!(list.kind, Kind::Null | Kind::List(_)) {
                bail!("`tests` is no list: `andon check` says what to write");
            }
            let gone = list.span.start..list.span.start + nothing(written);
            let key = file.place_of_key("tests").span.end;
            (end_of_line(text, gone.end.max(key)), INDENT, "", gone)
        }
        (Some(list), Some(last)) => {
            if text
                .get(list.span.start..)
                .is_some_and(|rest| rest.starts_with('['))
            {
                bail!("the tests stand in […]: write each as `- it: …` on lines of its own first");
            }
            let before = text.get(..last.span.start).unwrap_or_default().trim_end();
            let dash = before.len().saturating_sub(1);
            let begins = before.rfind('\n').map_or(0, |at| at + 1);
            let indent = dash.saturating_sub(begins);
            (end_of(text, last, indent), indent, "", 0..0)
        }
    };
    let lines = item(test, indent);
    let ends = if at == text.len() { "\n" } else { "" };
    let starts = if head.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let added = format!("{starts}{head}{lines}{ends}");
    let added = if text.contains("\r\n") {
        added.replace('\n', "\r\n")
    } else {
        added
    };
    let (first, rest) = text
        .split_at_checked(at)
        .context("the file cannot be read")?;
    let mut first = first.to_owned();
    if !gone.is_empty() {
        first.replace_range(gone, "");
    }
    Ok((
        format!("{first}{added}{rest}"),
        lines.trim_start_matches('\n').to_owned(),
    ))
}

/// How long what stands for no tests is: `[]`, `null`, or nothing at all.
fn nothing(written: &str) -> usize {
    match written.find(']') {
        Some(end) if written.starts_with('[') => end + 1,
        _ if written.starts_with('#') => 0,
        _ => written.split_whitespace().next().map_or(0, str::len),
    }
}

/// The test as an item of a list, after a line break.
fn item(test: &Map<String, Json>, indent: usize) -> String {
    let members = yaml::members(test, indent + 2);
    let rest = members.get(1 + indent + 2..).unwrap_or_default();
    format!("\n{:indent$}- {rest}", "")
}

fn end_of_line(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let end = rest.find('\n').map_or(text.len(), |found| at + found);
    let line = text.get(..end).unwrap_or_default();
    line.strip_suffix('\r').map_or(end, str::len)
}

/// Where an item ends: behind its last line, and behind the comments below that stand as deep as it does.
fn end_of(text: &str, last: &Node, indent: usize) -> usize {
    let content = text.get(..last.span.end).unwrap_or_default().trim_end();
    let mut end = end_of_line(text, content.len());
    let mut at = end;
    while let Some(rest) = text.get(at..) {
        let Some(line_at) = rest.find('\n').map(|found| at + found + 1) else {
            break;
        };
        let line = text
            .get(line_at..end_of_line(text, line_at))
            .unwrap_or_default();
        let deep = line.len() - line.trim_start().len();
        if !line.trim_start().starts_with('#') || deep <= indent {
            break;
        }
        end = line_at + line.len();
        at = end;
    }
    end
}

/// Writes a file as a whole or not at all: it may be read meanwhile, and the power may fail.
pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("`{}` cannot be written", path.display());
    // A link stays a link.
    let path = std::fs::canonicalize(path).with_context(cannot)?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    // What begins with a dot is not taken for a mapping.
    let part = path.with_file_name(format!(".{}.part", name.unwrap_or_default()));
    let written = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&part)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(std::fs::metadata(&path)?.permissions())?;
        file.sync_all()?;
        std::fs::rename(&part, &path)
    };
    written()
        .inspect_err(|_| drop(std::fs::remove_file(&part)))
        .with_context(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn put(file: &str) -> String {
        let test = json!({ "it": "b c", "signal": { "x": 1 }, "gives": "nothing" });
        let source = Source::new("m.yaml", file);
        let written = with_test(&source, test.as_object().expect("a map"));
        written.map_or_else(|error| error.to_string(), |(text, _)| text)
    }

    #[test]
    fn a_test_goes_behind_the_others_and_nothing_else_changes() {
        for (before, after) in [
            (
                "a: 1\ntests:\n  - it: a\n    gives: nothing   # why\n    # of a\n# the end\n",
                "a: 1\ntests:\n  - it: a\n    gives: nothing   # why\n    # of a\n  - it: b c\n    signal: { x: 1 }\n    gives: nothing\n# the end\n",
            ),
            (
                "tests:\n- it: a\n\nz: 1",
                "tests:\n- it: a\n- it: b c\n  signal: { x: 1 }\n  gives: nothing\n\nz: 1",
            ),
            (
                "tests:\n- it: a",
                "tests:\n- it: a\n- it: b c\n  signal: { x: 1 }\n  gives: nothing\n",
            ),
            (
                "a: 1\r\ntests:\r\n  - it: a\r\nz: 1\r\n",
                "a: 1\r\ntests:\r\n  - it: a\r\n  - it: b c\r\n    signal: { x: 1 }\r\n    gives: nothing\r\nz: 1\r\n",
            ),
            (
                "a: 1\n",
                "a: 1\n\ntests:\n  - it: b c\n    signal: { x: 1 }\n    gives: nothing\n",
            ),
            (
                "tests: []  # none\na: 1\n",
                "tests:   # none\n  - it: b c\n    signal: { x: 1 }\n    gives: nothing\na: 1\n",
            ),
            (
                "tests: [{ it: a }]\n",
                "the tests stand in […]: write each as `- it: …` on lines of its own first",
            ),
        ] {
            assert_eq!(put(before), after, "{before}");
        }
    }

    proptest! {
        /// Door 3: whatever a signal says is one leaf of one test, and the tests before stay.
        #[test]
        fn hostile_text_is_one_leaf_of_the_new_test(text in any::<String>(), key in "\\PC{1,12}") {
            prop_assume!(key != "$ref");
            let mut test = json!({ "it": text.clone(), "gives": { "title": text.clone() } });
            test["signal"] = json!({ key: { "deep": [text] } });
            let source = Source::new("m.yaml", "andon: x\ntests:\n  - it: a\n    gives: nothing\nz: 1\n");
            let (written, _) = with_test(&source, test.as_object().expect("a map")).expect("written");
            let mut faults = Faults::new();
            let read = yaml::parse(&Source::new("m.yaml", written.clone()), &mut faults);
            prop_assert_eq!(faults.into_sorted().len(), 0, "{}", written);
            let read = read.expect("a file").to_json();
            prop_assert_eq!(&read["tests"], &json!([{ "it": "a", "gives": "nothing" }, test]));
            prop_assert_eq!(&read["z"], 1);
        }
    }
}
