//! From the parser's events to the tree, reporting what these files do not use.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, ScalarStyle, Tag};

use super::codes;
use super::places::{Places, line_at, quoted};
use super::traps::{close_dash, refuse_dash, too_deep};
use super::{Entry, Kind, Node, Scalar, Style};
use crate::diag::{Faults, Place, Source, Span};

/// How deep maps and lists may stand in each other.
pub(super) const DEEPEST: usize = 32;

/// Keys that other readers of YAML take for truth values.
const TRUTH_WORDS: [&str; 6] = ["on", "off", "yes", "no", "y", "n"];

/// Builds the tree of one document.
pub(super) struct Tree<'s> {
    pub(super) source: &'s Arc<Source>,
    places: &'s Places,
    pub(super) faults: Faults,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    /// A list is no list here: what else would be said of it follows from that.
    mistaken: bool,
}

/// A map or list whose end has not been read.
struct Open {
    start: usize,
    end: usize,
    /// Written with `{…}` or `[…]`.
    flow: bool,
    /// A fault about the whole of it was reported: what is odd inside follows from that.
    quiet: bool,
    /// The last value in it was cut by a comma: the next piece is its rest.
    cut: bool,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        seen: HashMap<String, usize>,
        key: Option<Key>,
    },
}

pub(super) struct Key {
    pub(super) text: String,
    pub(super) span: Span,
    /// Whether its entry belongs into the tree; what is wrong with it was reported.
    sound: bool,
}

/// Whether reading goes on.
#[derive(PartialEq, Eq)]
pub(super) enum Go {
    On,
    Stop,
}

impl<'s> Tree<'s> {
    pub(super) fn new(source: &'s Arc<Source>, places: &'s Places) -> Self {
        Self {
            source,
            places,
            faults: Faults::new(),
            open: Vec::new(),
            root: None,
            documents: 0,
            mistaken: false,
        }
    }

    /// What was found, and the tree when the document was read to its end.
    pub(super) fn finish(self) -> (Option<Node>, Faults) {
        (self.root.filter(|_| !self.mistaken), self.faults)
    }

    /// Takes the next event.
    pub(super) fn take(&mut self, event: Event<'_>, span: &saphyr_parser::Span) -> Go {
        let span = self.places.span(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents == 1 {
                    self.refuse_directives(span.start);
                }
                if self.documents > 1 {
                    self.error(codes::DOCUMENTS, span, "a file holds one document")
                        .label("a second one begins here")
                        .help("write it to a file of its own");
                    // Half a file would only give faults that follow from this one.
                    self.root = None;
                    return Go::Stop;
                }
            }
            Event::Alias(_) => {
                self.refuse_alias(span);
                self.close(span, Kind::Null);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let span = self.refuse_marks(span, anchor, tag.as_ref(), text.is_empty());
                self.refuse_dash(span, style);
                let kind = self.scalar(&text, style, span);
                let span = self.trimmed(span, style);
                self.close(span, kind);
            }
            Event::SequenceStart(anchor, tag) => {
                return self.begin(span, anchor, tag.as_ref(), Items::List(Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                let items = Items::Map {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    key: None,
                };
                return self.begin(span, anchor, tag.as_ref(), items);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
        }
        Go::On
    }

    /// Refuses `-high: …` where a line begins.
    fn refuse_dash(&mut self, span: Span, style: ScalarStyle) {
        let in_block = self.open.last().is_none_or(|outer| !outer.flow);
        if in_block
            && style == ScalarStyle::Plain
            && close_dash(&self.source.text, span.start) == Some(span.start)
        {
            self.mistaken = true;
            refuse_dash(self.source, span.start, &mut self.faults);
        }
    }

    fn begin(&mut self, span: Span, anchor: usize, tag: Option<&Cow<'_, Tag>>, items: Items) -> Go {
        let span = self.refuse_marks(span, anchor, tag, false);
        let flow = self.slice(span).starts_with(['{', '[']);
        let mut quiet = false;
        if let Some(outer) = self.open.last() {
            quiet = outer.quiet;
            let doubled = flow && outer.flow && outer.start + 1 == span.start;
            let as_key = matches!(&outer.items, Items::Map { key: None, .. });
            if doubled && as_key && !quiet {
                quiet = true;
                let braces = Span::new(outer.start, span.start + 1);
                let (begins, line) = line_at(&self.source.text, braces.start);
                let value = line.get(braces.start - begins..).unwrap_or_default();
                let help = format!("quote the text: {}", quoted(value.trim_end()));
                self.error(
                    codes::BRACES,
                    braces,
                    "YAML reads `{{` as the start of a map",
                )
                .label("a text that begins with `{{` stands in quotes")
                .help(help);
                if let Some(outer) = self.open.last_mut() {
                    outer.quiet = true;
                }
            }
        }
        if self.open.len() >= DEEPEST {
            let place = Place::new(self.source, Span::new(span.start, span.start + 1));
            too_deep(place, &mut self.faults);
            return Go::Stop;
        }
        self.open.push(Open {
            start: span.start,
            end: span.end,
            flow,
            quiet,
            cut: false,
            items,
        });
        Go::On
    }

    fn end(&mut self, span: Span) {
        let Some(done) = self.open.pop() else { return };
        let end = if done.flow { span.end } else { done.end };
        let kind = match done.items {
            Items::List(items) => Kind::List(items),
            Items::Map { entries, .. } => Kind::Map(entries),
        };
        self.close(Span::new(done.start, end), kind);
    }

    /// Puts a finished node where it belongs.
    fn close(&mut self, span: Span, kind: Kind) {
        let mut node = Node {
            source: Arc::clone(self.source),
            span,
            kind,
        };
        let Some(mut outer) = self.open.pop() else {
            self.root = Some(node);
            return;
        };
        outer.end = outer.end.max(span.end);
        let (flow, quiet) = (outer.flow, outer.quiet);
        match &mut outer.items {
            Items::List(items) => {
                if flow && !quiet {
                    outer.cut = self.refuse_cut(&mut node, outer.cut, None);
                }
                items.push(node);
            }
            Items::Map { entries, seen, key } => match key.take() {
                None => *key = Some(self.key(&node, seen)),
                Some(named) => {
                    if flow && !quiet {
                        if is_empty(&node) {
                            if !outer.cut && named.sound {
                                self.refuse_no_value(&named);
                            }
                        } else {
                            outer.cut = self.refuse_cut(&mut node, outer.cut, Some(&named));
                        }
                    } else if !flow {
                        self.warn_of_comment(&node);
                    }
                    if named.sound {
                        entries.push(Entry {
                            key: named.text,
                            key_span: named.span,
                            value: node,
                        });
                    }
                }
            },
        }
        self.open.push(outer);
    }

    fn key(&mut self, node: &Node, seen: &mut HashMap<String, usize>) -> Key {
        let span = node.span;
        let mut key = Key {
            text: String::new(),
            span,
            sound: false,
        };
        let quiet = self.open.last().is_some_and(|outer| outer.quiet);
        let Some(scalar) = node.as_scalar() else {
            if matches!(node.kind, Kind::Null) || !(quiet || self.doubled(span)) {
                let written = self.slice(span).to_owned();
                self.error(
                    codes::KEY_NOT_TEXT,
                    span,
                    format!("a key is a text, and this is {}", node.what()),
                )
                .help(
                    if written.is_empty() || node.as_scalar().is_none() && written.len() > 40 {
                        "write a name before the `:`".to_owned()
                    } else {
                        format!("write {}: …", quoted(&written))
                    },
                );
            }
            return key;
        };
        key.text.clone_from(&scalar.text);
        let plain = scalar.style == Style::Plain;
        if key.text == "$ref" || plain && key.text == "<<" {
            self.error(
                codes::MERGE,
                span,
                format!("`{}` is not used in these files", key.text),
            )
            .label("brings in what stands elsewhere")
            .help("write the keys and values here, where they are used");
            return key;
        }
        if plain && TRUTH_WORDS.contains(&key.text.to_ascii_lowercase().as_str()) {
            self.error(
                codes::TRUTH_KEY,
                span,
                format!(
                    "`{}` is no name: other readers of YAML take it for a truth value",
                    key.text
                ),
            )
            .help(format!(
                "choose another name, or write {}: …",
                quoted(&key.text)
            ));
        } else if plain && !scalar.to_json().is_string() {
            self.error(
                codes::KEY_NOT_TEXT,
                span,
                format!("a key is a text, and `{}` is {}", key.text, node.what()),
            )
            .help(format!("write {}: …", quoted(&key.text)));
        }
        if let Some(first) = seen.get(&key.text) {
            let (line, column) = self.source.line_and_column(*first);
            self.error(
                codes::DUPLICATE,
                span,
                format!("the key `{}` stands twice in this map", shown(&key.text)),
            )
            .label(format!("first on line {line}, column {column}"))
            .help(format!("remove one of them, on line {line} or here"));
            return key;
        }
        seen.insert(key.text.clone(), span.start);
        key.sound = true;
        key
    }

    /// Whether a key at `span` is the second brace of `{{`, which was reported at its start.
    fn doubled(&self, span: Span) -> bool {
        span.start > 0
            && self
                .source
                .text
                .get(span.start - 1..span.start + 1)
                .is_some_and(|text| text == "{{")
    }

    fn scalar(&self, text: &str, style: ScalarStyle, span: Span) -> Kind {
        let plain = style == ScalarStyle::Plain;
        if plain && matches!(text, "" | "~" | "null") {
            return Kind::Null;
        }
        let begins = match style {
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => span.start,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => span.start + 1,
        };
        let exact = self
            .source
            .text
            .get(begins..span.end)
            .is_some_and(|written| written.starts_with(text));
        Kind::Scalar(Scalar {
            text: text.to_owned(),
            style: if plain { Style::Plain } else { Style::Quoted },
            begins: exact.then_some(begins),
        })
    }

    /// The span of a block without the blank lines that YAML counts to it.
    fn trimmed(&self, span: Span, style: ScalarStyle) -> Span {
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                Span::new(span.start, span.start + self.slice(span).trim_end().len())
            }
            _ => span,
        }
    }

    /// Refuses `&anchor` and `!tag` before a node; gives the span of the node without them.
    pub(super) fn error(
        &mut self,
        code: crate::diag::Code,
        span: Span,
        message: impl Into<String>,
    ) -> &mut crate::diag::Diagnostic {
        self.faults
            .error(code, Place::new(self.source, span), message)
    }

    pub(super) fn slice(&self, span: Span) -> &str {
        self.source
            .text
            .get(span.start..span.end)
            .unwrap_or_default()
    }
}

/// A text cut to what a sentence can hold.
pub(super) fn shown(text: &str) -> String {
    crate::untrusted::cut(text, 60)
}

fn is_empty(node: &Node) -> bool {
    matches!(node.kind, Kind::Null)
        && !matches!(
            node.source.text.get(node.span.start..node.span.end),
            Some("~" | "null")
        )
}
