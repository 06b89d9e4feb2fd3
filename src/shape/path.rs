//! Paths of requests: literal text and `{name}` segments, appended to a base path.

use crate::diag::{Code, Faults, Fragment, Place, codes, nearest};
use crate::expr::{Expr, Names, Scope, Value};
use crate::untrusted;
use crate::yaml::Node;

use super::Error;
use super::render::value_of;

/// A path that is no path.
const BAD_PATH: Code = Code("AND0810");
/// A `{name}` that nothing gives.
const UNKNOWN_SEGMENT: Code = Code("AND0811");

/// A path, compiled.
#[derive(Debug, Clone)]
pub struct Path {
    parts: Vec<Piece>,
}

#[derive(Debug, Clone)]
enum Piece {
    /// As written.
    Literal(String),
    /// One percent-encoded segment.
    Segment(Box<Expr>, Box<crate::diag::Place>),
}

impl Path {
    /// Reads `/a/{name}/b`. A name is looked for among `names`, then among `settings`.
    /// `prefix` stands before it, already compiled.
    pub fn parse(
        node: &Node,
        prefix: Option<&Self>,
        names: &Names,
        settings: &[String],
        faults: &mut Faults,
    ) -> Option<Self> {
        let Some(fragment) = node.fragment() else {
            faults
                .error(
                    codes::WRONG_TYPE,
                    node.place(),
                    format!("a path is a text, and this is {}", node.what()),
                )
                .help("write a path that begins with `/`, such as `/api/v1/things`");
            return None;
        };
        let text = fragment.text.as_str();
        let mut sound = true;
        if !text.starts_with('/') {
            let path = without_host(text);
            let host = text.len().saturating_sub(path.len());
            let place = if host > 0 && text.ends_with(&path) {
                fragment.place_of(0, host)
            } else {
                fragment.place.clone()
            };
            faults
                .error(BAD_PATH, place, "a path begins with `/`")
                .help(format!(
                    "write `{path}`; the host comes from the connection"
                ));
            sound = false;
        }
        if let Some(at) = text.find(['?', '#']) {
            faults
                .error(
                    BAD_PATH,
                    fragment.place_of(at, text.len()),
                    "a path holds no query",
                )
                .help("put it under `query:`, one key for each parameter");
            sound = false;
        }
        let mut parts = prefix
            .map(|prefix| prefix.parts.clone())
            .unwrap_or_default();
        let mut rest = 0;
        while let Some(tail) = text.get(rest..) {
            let Some(open) = tail.find('{') else {
                push_literal(&mut parts, tail);
                break;
            };
            push_literal(&mut parts, tail.get(..open).unwrap_or_default());
            let start = rest + open + 1;
            let Some(length) = text.get(start..).and_then(|after| after.find('}')) else {
                faults
                    .error(
                        BAD_PATH,
                        fragment.place_of(start - 1, text.len()),
                        "this `{` is never closed",
                    )
                    .help("write `{name}` for one segment");
                return None;
            };
            match segment(&fragment, start, start + length, names, settings, faults) {
                Some(piece) => parts.push(piece),
                None => sound = false,
            }
            rest = start + length + 1;
        }
        let climbs = parts.iter().any(|part| matches!(part, Piece::Literal(text) if text.split('/').any(|one| one == ".." || one == ".")));
        if climbs {
            faults
                .error(BAD_PATH, dots(&fragment), "a path does not climb")
                .help("write the whole path, without `.` or `..`");
            sound = false;
        }
        sound.then_some(Self { parts })
    }

    /// Reads a path for people to open: as [`Path::parse`], and a `#` may stand in it, as web
    /// applications use one. Nothing is ever requested from it.
    pub fn parse_link(node: &Node, names: &Names, faults: &mut Faults) -> Option<Self> {
        let Some((before, after)) = node.as_text().and_then(|text| text.split_once("#/")) else {
            return Self::parse(node, None, names, &[], faults);
        };
        let begins = node.fragment()?.begins;
        let part = |text: String, skip: usize| Node {
            source: std::sync::Arc::clone(&node.source),
            span: node.span,
            kind: crate::yaml::Kind::Scalar(crate::yaml::Scalar {
                text,
                style: crate::yaml::Style::Quoted,
                begins: begins.map(|begins| begins + skip),
            }),
        };
        let first = Self {
            parts: vec![Piece::Literal(format!("{before}#"))],
        };
        Self::parse(
            &part(format!("/{after}"), before.len() + 1),
            Some(&first),
            names,
            &[],
            faults,
        )
    }

    /// The path with its segments put in, each percent-encoded.
    pub fn render<'a>(&'a self, scope: &'a Scope<'a>) -> Result<String, Error> {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Piece::Literal(text) => path.push_str(text),
                Piece::Segment(expr, place) => {
                    let value = value_of(expr, place, scope)?;
                    let what = expr.source();
                    let text = match &value {
                        Value::Text(text) => text.clone().into_owned(),
                        Value::Int(_) | Value::Bool(_) => value
                            .to_json()
                            .map(|json| json.to_string())
                            .unwrap_or_default(),
                        Value::Absent | Value::Null => {
                            return Err(Error::Absent {
                                what: what.to_owned(),
                                place: place.clone(),
                            });
                        }
                        other => {
                            return Err(Error::Kind {
                                what: what.to_owned(),
                                got: other.what(),
                                wanted: "a text or a whole number",
                                place: place.clone(),
                            });
                        }
                    };
                    let segment = untrusted::path_segment(&text).map_err(|source| Error::Door {
                        what: what.to_owned(),
                        source,
                    })?;
                    path.push_str(&segment);
                }
            }
        }
        Ok(path)
    }
}

fn push_literal(parts: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        parts.push(Piece::Literal(text.to_owned()));
    }
}

/// The path that somebody meant who wrote a URL, or left out the first slash.
fn without_host(text: &str) -> String {
    let path = match text.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => text,
    };
    format!("/{path}")
}

/// Where `.` or `..` stands as a segment; the whole value where another part of the path brings it.
fn dots(fragment: &Fragment) -> Place {
    let mut start = 0;
    for segment in fragment.text.split('/') {
        if matches!(segment, "." | "..") {
            return fragment.place_of(start, start + segment.len());
        }
        start += segment.len() + 1;
    }
    fragment.place.clone()
}

fn segment(
    fragment: &Fragment,
    start: usize,
    end: usize,
    names: &Names,
    settings: &[String],
    faults: &mut Faults,
) -> Option<Piece> {
    let name = fragment.text.get(start..end).unwrap_or_default();
    let place = fragment.place_of(start, end);
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let source = match () {
        () if word && names.find(name).is_some() => name.to_owned(),
        () if word
            && settings.iter().any(|known| known == name)
            && names.find("settings").is_some() =>
        {
            format!("settings.{name}")
        }
        () => {
            let known: Vec<&str> = names
                .all()
                .chain(settings.iter().map(String::as_str))
                .filter(|known| *known != "settings")
                .collect();
            let fault = faults.error(
                UNKNOWN_SEGMENT,
                place,
                format!("nothing named `{name}` can stand in this path"),
            );
            match nearest(name, known.iter().copied()) {
                Some(meant) => fault
                    .label(format!("did you mean `{meant}`?"))
                    .help(format!("write `{{{meant}}}`")),
                None => fault.help(format!("a segment is one of {}", known.join(", "))),
            };
            return None;
        }
    };
    let inner = Fragment {
        text: source,
        place: place.clone(),
        begins: None,
    };
    Some(Piece::Segment(
        Box::new(Expr::compile(&inner, names, faults)?),
        Box::new(place),
    ))
}
