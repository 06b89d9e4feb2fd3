//! Faults as a terminal or a script shows them.
//!
//! What a file holds is shown as it stands, but for characters that could move the cursor, change
//! colours or reorder what the reader sees.

use std::borrow::Cow;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level as Shown, Renderer, Snippet};

use super::{Diagnostic, Level, Source};

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A person: caret under the cause.
    Text {
        /// With the escape sequences of a terminal that knows colours.
        color: bool,
    },
    /// A script: one JSON array.
    Json,
    /// A workflow of GitHub: one command a fault.
    Github,
    /// Code scanning and editors: SARIF 2.1.0.
    Sarif,
}

/// How much of a line is shown behind the cause, in bytes.
const LONGEST_LINE: usize = 400;

/// The most lines of one cause that are shown.
const MOST_LINES: usize = 6;

/// Writes faults out: for a person one paragraph each, for a script one array.
pub fn render(faults: &[Diagnostic], format: Format) -> String {
    match format {
        Format::Json => json(faults),
        Format::Github => super::github::commands(faults),
        Format::Sarif => super::sarif::log(faults),
        Format::Text { color } => {
            let renderer = if color {
                Renderer::styled()
            } else {
                Renderer::plain()
            };
            let mut out = String::new();
            for (index, fault) in faults.iter().enumerate() {
                if index > 0 {
                    out.push('\n');
                }
                out.push_str(&paragraph(fault, &renderer));
                out.push('\n');
            }
            out
        }
    }
}

/// The line below all of them: how many there are, and where more is said of the first error.
pub fn closing(faults: &[Diagnostic]) -> String {
    let all = summary(faults);
    let error = faults.iter().find(|fault| fault.level == Level::Error);
    match (error.or(faults.first()), faults.len()) {
        (None, _) => all,
        (Some(only), 1) => format!("{all}; more about it: andon code {}", only.code),
        (Some(first), _) => format!("{all}; more about the first: andon code {}", first.code),
    }
}

/// How many there are: "3 faults in 2 files, 1 warning". "no faults" when there is nothing to say.
pub fn summary(faults: &[Diagnostic]) -> String {
    let of = |level| faults.iter().filter(move |fault| fault.level == level);
    let (errors, warnings) = (of(Level::Error).count(), of(Level::Warning).count());
    let mut files: Vec<&str> = of(Level::Error)
        .map(|fault| fault.place.source.name.as_str())
        .collect();
    files.sort_unstable();
    files.dedup();
    let errors = match errors {
        0 => "no faults".to_owned(),
        _ => format!(
            "{} in {}",
            counted(errors, "fault"),
            counted(files.len(), "file")
        ),
    };
    match warnings {
        0 => errors,
        _ => format!("{errors}, {}", counted(warnings, "warning")),
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn paragraph(fault: &Diagnostic, renderer: &Renderer) -> String {
    let level = match fault.level {
        Level::Error => Shown::ERROR,
        Level::Warning => Shown::WARNING,
    };
    let extract = Extract::of(
        &fault.place.source,
        fault.place.span.start,
        fault.place.span.end,
        fault.hidden,
    );
    let label = safe(&fault.label);
    let mark = AnnotationKind::Primary.span(extract.start..extract.end);
    let mark = if label.is_empty() {
        mark
    } else {
        mark.label(label)
    };
    let snippet = Snippet::source(extract.text)
        .line_start(extract.line)
        .path(safe(&fault.place.source.name))
        .annotation(mark);
    let mut group: Group<'_> = level
        .primary_title(safe(&fault.message))
        .id(fault.code.0)
        .element(snippet);
    if let Some(help) = &fault.help {
        group = group.element(Shown::HELP.message(safe(help)));
    }
    without_last_bar(&renderer.render(&[group]))
}

/// The renderer's text without the empty line that it puts before the help.
fn without_last_bar(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let kept = lines.iter().enumerate().filter(|(index, line)| {
        let next = lines.get(index + 1).copied().unwrap_or_default();
        !(without_colours(line).trim() == "|" && without_colours(next).trim().starts_with("= "))
    });
    let mut out = String::with_capacity(text.len());
    for (index, (_, line)) in kept.enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(line);
    }
    out
}

/// A line of the renderer without its escape sequences, each of which ends in `m`.
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    out
}

/// The lines of a file around a cause, safe for a terminal, and the cause's bytes in them.
struct Extract {
    text: String,
    line: usize,
    start: usize,
    end: usize,
}

impl Extract {
    /// `hidden`: the cause is shown as dots, as many as are not worth counting.
    fn of(source: &Source, start: usize, end: usize, hidden: bool) -> Self {
        let text = source.text.as_str();
        let start = boundary(text, start);
        let end = boundary(text, end).max(start);
        let first = text
            .get(..start)
            .and_then(|before| before.rfind('\n'))
            .map_or(0, |found| found + 1);
        let cause = text.get(start..end).unwrap_or_default();
        let shown = cause
            .match_indices('\n')
            .nth(MOST_LINES - 1)
            .map_or(end, |(at, _)| start + at);
        let rest = text.get(shown..).unwrap_or_default();
        let last = shown + rest.find('\n').unwrap_or(rest.len());
        // The beginning of a line is always shown, so that the column is the file's.
        let to = boundary(text, last.min(shown + LONGEST_LINE));
        let mut out = safe(text.get(first..start).unwrap_or_default()).into_owned();
        let begins = out.len();
        if hidden {
            out.push_str("……");
        } else {
            out.push_str(&safe(text.get(start..shown).unwrap_or_default()));
        }
        let ends = out.len();
        out.push_str(&safe(text.get(shown..to).unwrap_or_default()));
        Self {
            line: source.line_and_column(start).0,
            text: out,
            start: begins,
            end: ends,
        }
    }
}

/// The nearest character boundary at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// A text with nothing in it that could break a terminal: controls and what reorders or hides text
/// become `\u{…}`; line breaks stay.
fn safe(text: &str) -> Cow<'_, str> {
    let plain = |character: char| {
        matches!(character, '\n' | '\t') || !(character.is_control() || hidden(character))
    };
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, character) in text.char_indices() {
        if plain(character) {
            out.push(character);
        } else if character == '\r'
            && text
                .get(at + 1..)
                .is_some_and(|rest| rest.starts_with('\n'))
        {
            // The line break of a file from Windows.
        } else {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        }
    }
    Cow::Owned(out)
}

/// Characters that reorder or hide others.
fn hidden(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

fn json(faults: &[Diagnostic]) -> String {
    let all: Vec<serde_json::Value> = faults
        .iter()
        .map(|fault| {
            let [(line, column), (end_line, end_column)] = fault.place.from_to();
            serde_json::json!({
                "code": fault.code.0,
                "level": fault.level.as_str(),
                "message": fault.message,
                "file": fault.place.source.name,
                "line": line,
                "column": column,
                "end_line": end_line,
                "end_column": end_column,
                "label": fault.label,
                "help": fault.help,
                "more": format!("andon code {}", fault.code),
            })
        })
        .collect();
    let mut out = format!("{:#}", serde_json::Value::Array(all));
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diag::{Code, Faults, Place, Span};

    fn sample() -> Vec<Diagnostic> {
        let source = Source::new(
            "mappings/jailbreak-campaign.yaml",
            "name: x\nwhen: signal.catgory == \"jailbreak\" && signal.score >= 0.8\nnext: 1\n",
        );
        let mut faults = Faults::new();
        faults
            .error(
                Code("AND0203"),
                Place::new(&source, Span::new(21, 28)),
                "`catgory` is not a field of acme-gateway/abuse-flags",
            )
            .label("did you mean `category`?")
            .help("the fields are listed in connectors/acme-gateway/schema/abuse-flags.json");
        faults.warning(Code("AND0119"), Place::new(&source, Span::new(0, 4)), "odd");
        faults.into_sorted()
    }

    #[test]
    fn a_person_reads_a_caret_under_the_cause() {
        insta::assert_snapshot!(render(&sample(), Format::Text { color: false }), @r#"
    warning[AND0119]: odd
     --> mappings/jailbreak-campaign.yaml:1:1
      |
    1 | name: x
      | ^^^^

    error[AND0203]: `catgory` is not a field of acme-gateway/abuse-flags
     --> mappings/jailbreak-campaign.yaml:2:14
      |
    2 | when: signal.catgory == "jailbreak" && signal.score >= 0.8
      |              ^^^^^^^ did you mean `category`?
      = help: the fields are listed in connectors/acme-gateway/schema/abuse-flags.json
    "#);
    }

    #[test]
    fn a_script_reads_an_array() {
        insta::assert_snapshot!(render(&sample()[1..], Format::Json), @r#"
    [
      {
        "code": "AND0203",
        "level": "error",
        "message": "`catgory` is not a field of acme-gateway/abuse-flags",
        "file": "mappings/jailbreak-campaign.yaml",
        "line": 2,
        "column": 14,
        "end_line": 2,
        "end_column": 21,
        "label": "did you mean `category`?",
        "help": "the fields are listed in connectors/acme-gateway/schema/abuse-flags.json",
        "more": "andon code AND0203"
      }
    ]
    "#);
    }

    #[test]
    fn colours_only_when_asked_for() {
        assert!(!render(&sample(), Format::Text { color: false }).contains('\u{1b}'));
        assert!(render(&sample(), Format::Text { color: true }).contains('\u{1b}'));
    }

    #[test]
    fn a_summary_counts_in_words() {
        assert_eq!(summary(&sample()), "1 fault in 1 file, 1 warning");
        assert_eq!(
            closing(&sample()),
            "1 fault in 1 file, 1 warning; more about the first: andon code AND0203"
        );
        assert_eq!(
            closing(&sample()[1..]),
            "1 fault in 1 file; more about it: andon code AND0203"
        );
        assert_eq!(summary(&[]), "no faults");
    }

    proptest! {
        #[test]
        fn nothing_in_a_file_breaks_the_terminal(
            text in any::<String>(), a in 0usize..80, b in 0usize..80, said in any::<String>(),
        ) {
            let source = Source::new(said.clone(), text);
            let mut faults = Faults::new();
            faults
                .error(Code("AND0101"), Place::new(&source, Span::new(a, b)), said.clone())
                .label(said.clone())
                .help(said);
            let faults = faults.into_sorted();
            let shown = render(&faults, Format::Text { color: false });
            prop_assert!(!shown.chars().any(|c| c != '\n' && (c.is_control() || hidden(c))), "{shown:?}");
            let json: serde_json::Value = serde_json::from_str(&render(&faults, Format::Json)).unwrap();
            prop_assert_eq!(json.as_array().unwrap().len(), 1);
        }
    }
}
