//! What is wrong with a file, said so that it can be mended: code, one sentence, place, help.
//!
//! Everything a person typed is checked into these; nothing here knows what the file is about.

pub mod codes;
pub mod pages;
mod github;
mod render;
mod sarif;

use std::sync::Arc;

pub use render::{Format, closing, render, summary};

/// A file, or a text that stands for one, as diagnostics show it.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as the reader typed it, or `built-in:mappings/x.yaml`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// A text with a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
        })
    }

    /// Line and column of a byte offset, both from 1, the column in characters.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let offset = (0..=offset.min(self.text.len()))
            .rev()
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(0);
        let before = self.text.get(..offset).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        (line, column)
    }
}

/// Bytes of a source, from `start` up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// From `start` up to `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }
}

/// A span of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub source: Arc<Source>,
    /// Where in it.
    pub span: Span,
}

impl Place {
    /// A span of a source.
    pub fn new(source: &Arc<Source>, span: Span) -> Self {
        Self {
            source: Arc::clone(source),
            span,
        }
    }

    /// Line and column of its first byte, and of the byte after the last; as [`Source::line_and_column`].
    pub fn from_to(&self) -> [(usize, usize); 2] {
        [self.span.start, self.span.end].map(|at| self.source.line_and_column(at))
    }
}

/// A small text (an expression, a template) inside a file, with its way back to the file's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The text to be read.
    pub text: String,
    /// The whole value it stands in.
    pub place: Place,
    /// The byte of the source at which `text` begins, where it stands there exactly as written;
    /// `None` when it was escaped or folded: then faults underline the whole value.
    pub begins: Option<usize>,
}

impl Fragment {
    /// A text of its own, as in tests and on the command line.
    pub fn whole(name: &str, text: &str) -> Self {
        let source = Source::new(name, text);
        let span = Span::new(0, text.len());
        Self {
            text: text.to_owned(),
            place: Place { source, span },
            begins: Some(0),
        }
    }

    /// The place of bytes `start..end` of `text`; never a wrong column.
    pub fn place_of(&self, start: usize, end: usize) -> Place {
        match self.begins {
            Some(begins) => Place::new(&self.place.source, Span::new(begins + start, begins + end)),
            None => self.place.clone(),
        }
    }

    /// The rest of the text after its first `bytes` bytes, such as after the `=` of a value.
    #[must_use]
    pub fn after(&self, bytes: usize) -> Self {
        Self {
            text: self.text.get(bytes..).unwrap_or_default().to_owned(),
            place: self.place.clone(),
            begins: self.begins.map(|begins| begins + bytes),
        }
    }
}

/// The name of a sort of fault, such as `AND0203`. 01xx YAML and files, 02xx expressions,
/// 03xx templates and what conditions come to, 04xx connectors, 05xx mappings, 06xx `andon.yaml`,
/// 07xx schemas, 08xx values, and from 0850 what connections answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub &'static str);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// Whether a fault keeps the files from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// They cannot be used.
    Error,
    /// They can, and should be looked at.
    Warning,
}

impl Level {
    /// Its word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its sort.
    pub code: Code,
    /// Whether it keeps the files from being used.
    pub level: Level,
    /// One sentence in the reader's words, without a period.
    pub message: String,
    /// The cause.
    pub place: Place,
    /// A few words under the caret; may be empty.
    pub label: String,
    /// Something to type.
    pub help: Option<String>,
    /// What stands at its place may be a secret: it is not shown.
    pub hidden: bool,
}

impl Diagnostic {
    /// Adds a few words under the caret.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    /// Keeps what stands at its place from being shown: somebody wrote a secret there.
    pub fn hide(&mut self) -> &mut Self {
        self.hidden = true;
        self
    }

    /// Adds what to write instead.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}

/// All faults of one run.
#[derive(Debug, Default)]
pub struct Faults {
    list: Vec<Diagnostic>,
}

impl Faults {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error.
    pub fn error(
        &mut self,
        code: Code,
        place: Place,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Level::Error, code, place, message.into())
    }

    /// Adds a warning.
    pub fn warning(
        &mut self,
        code: Code,
        place: Place,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Level::Warning, code, place, message.into())
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the element was pushed the line before"
    )]
    fn add(&mut self, level: Level, code: Code, place: Place, message: String) -> &mut Diagnostic {
        self.list.push(Diagnostic {
            code,
            level,
            message,
            place,
            label: String::new(),
            help: None,
            hidden: false,
        });
        let last = self.list.len() - 1;
        &mut self.list[last]
    }

    /// Takes over what another run found.
    pub fn append(&mut self, other: Self) {
        self.list.extend(other.list);
    }

    /// Whether anything keeps the files from being used.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|fault| fault.level == Level::Error)
    }

    /// How many errors there are; compared before and after, it tells whether a part was sound.
    pub fn errors(&self) -> usize {
        self.list
            .iter()
            .filter(|fault| fault.level == Level::Error)
            .count()
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Sorted by file and place, each once.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by(|a, b| {
            (&a.place.source.name, a.place.span, a.code).cmp(&(
                &b.place.source.name,
                b.place.span,
                b.code,
            ))
        });
        self.list.dedup();
        self.list
    }
}

/// The known word nearest to `word`, when it is near enough to be what was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(3)) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
