//! Faults as workflow commands, which GitHub shows beside the lines of a pull request.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::fmt::Write as _;

use super::Diagnostic;

/// One command a fault, each on a line of its own.
pub(super) fn commands(faults: &[Diagnostic]) -> String {
    let mut out = String::new();
    for fault in faults {
        let [(line, column), (end_line, end_column)] = fault.place.from_to();
        let _ = write!(
            out,
            "::{} file={},line={line},endLine={end_line}",
            fault.level.as_str(),
            property(&fault.place.source.name)
        );
        // Columns "cannot be sent when startLine and endLine are different values" (`AnnotationProperties` of
        // github.com/actions/toolkit, packages/core).
        if line == end_line {
            let _ = write!(out, ",col={column},endColumn={end_column}");
        }
        let _ = writeln!(
            out,
            ",title={}::{}",
            property(fault.code.0),
            message(&said(fault))
        );
    }
    out
}

/// Sentence, label and help, a line each.
fn said(fault: &Diagnostic) -> String {
    let mut said = fault.message.clone();
    if !fault.label.is_empty() {
        let _ = write!(said, "\n{}", fault.label);
    }
    if let Some(help) = &fault.help {
        let _ = write!(said, "\nhelp: {help}");
    }
    let _ = write!(said, "\nmore: andon code {}", fault.code);
    said
}

/// Escaped as a command's message is.
fn message(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escaped as a command's property is.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use crate::diag::{Code, Faults, Format, Place, Source, Span, render};

    #[test]
    fn nothing_that_a_file_holds_ends_a_command_or_begins_another() {
        let source = Source::new("a,b: 100%.yaml", "when: x\r\n::error::y\n");
        let mut faults = Faults::new();
        faults
            .error(
                Code("AND0203"),
                Place::new(&source, Span::new(6, 7)),
                "`a\n::warning::b` is 100% wrong\r",
            )
            .label("did you mean `c`?")
            .help("write `c`");
        faults.warning(
            Code("AND0119"),
            Place::new(&source, Span::new(0, 12)),
            "odd",
        );
        insta::assert_snapshot!(render(&faults.into_sorted(), Format::Github), @r"
        ::warning file=a%2Cb%3A 100%25.yaml,line=1,endLine=2,title=AND0119::odd%0Amore: andon code AND0119
        ::error file=a%2Cb%3A 100%25.yaml,line=1,endLine=1,col=7,endColumn=8,title=AND0203::`a%0A::warning::b` is 100%25 wrong%0D%0Adid you mean `c`?%0Ahelp: write `c`%0Amore: andon code AND0203
        ");
    }
}
