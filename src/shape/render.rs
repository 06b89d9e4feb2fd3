//! From a [`Shape`] and a scope to JSON, with the places where secrets go.

use serde_json::{Map, Value as Json};

use super::{Member, Part, SecretAt, Shape};
use crate::diag::Place;
use crate::document::Document;
use crate::expr::{self, Expr, Scope, Value};
use crate::{json, template, untrusted};

/// What to do with a value that is absent (design, section 3, "Absent and null").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The key is left out.
    LeftOut,
    /// A fault, unless the key ends in `?`.
    Fault,
}

/// A rendered value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rendered {
    /// The value; null where a secret goes.
    pub value: Json,
    /// Where secrets go.
    pub secrets: Vec<SecretAt>,
    /// The keys that were left out because they were absent; `explain` shows them.
    pub left_out: Vec<String>,
    /// `{ lines }`: newline-delimited text in place of a value.
    pub lines: Option<String>,
}

/// Why a value could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An expression failed.
    #[error("{what}: {source}")]
    Expr {
        /// The expression's text.
        what: String,
        /// Where it stands.
        place: Box<Place>,
        /// How it failed.
        #[source]
        source: expr::Error,
    },
    /// A value that must be there is absent.
    #[error("`{what}` is absent, and here it has to be there")]
    Absent {
        /// What it was: an expression or a key.
        what: String,
        /// Where it stands.
        place: Box<Place>,
    },
    /// A value of the wrong kind.
    #[error("`{what}` gives {got}, and here {wanted} is needed")]
    Kind {
        /// The expression's text.
        what: String,
        /// What it gave.
        got: &'static str,
        /// What was needed.
        wanted: &'static str,
        /// Where it stands.
        place: Box<Place>,
    },
    /// A text could not be made.
    #[error("a text could not be made")]
    Text(#[source] template::Error),
    /// A foreign text that its place refuses.
    #[error("`{what}`: {source}")]
    Door {
        /// Where it was to go.
        what: String,
        /// Why not.
        #[source]
        source: untrusted::Refused,
    },
}

impl Shape {
    /// Renders over `scope`. `None` when the whole value is absent.
    pub fn render<'a>(
        &'a self,
        scope: &'a Scope<'a>,
        texts: &Map<String, Json>,
        absent: Absent,
    ) -> Result<Option<Rendered>, Error> {
        let mut run = Run::new(texts, absent);
        let Some(value) = run.shape(self, scope)? else {
            return Ok(None);
        };
        run.out.value = value;
        Ok(Some(run.out))
    }

    /// Writes the value as JSON into `out`, without a tree of it in between where it is a map or an
    /// expression. For values without secrets and `{ lines }`. What is absent is left out, its key
    /// named in `left_out`. `false`, and nothing written, when the whole value is absent.
    pub fn write<'a>(
        &'a self,
        scope: &'a Scope<'a>,
        texts: &Map<String, Json>,
        out: &mut Vec<u8>,
        left_out: &mut Vec<String>,
    ) -> Result<bool, Error> {
        match &self.part {
            Part::Map(members) => {
                out.push(b'{');
                let first = out.len();
                for member in members {
                    let before = out.len();
                    if before > first {
                        out.push(b',');
                    }
                    put(out, &member.key);
                    out.push(b':');
                    if !member.value.write(scope, texts, out, left_out)? {
                        out.truncate(before);
                        left_out.push(member.key.clone());
                    }
                }
                out.push(b'}');
            }
            Part::Expr(expr) => match value_of(expr, &self.place, scope)? {
                Value::Absent => return Ok(false),
                Value::Json(json) => put(out, json),
                Value::Data(place) => put(out, &place),
                Value::Written(written) => out.extend_from_slice(written.as_bytes()),
                Value::Text(text) => put(out, &text),
                other => put(out, &other.to_json()),
            },
            _ => match self.render(scope, texts, Absent::LeftOut)? {
                None => return Ok(false),
                Some(rendered) => {
                    put(out, &rendered.value);
                    left_out.extend(rendered.left_out);
                }
            },
        }
        Ok(true)
    }

    /// As [`Shape::data`], as a document; what stands in a document is taken from it without a tree.
    pub fn document<'a>(
        &'a self,
        scope: &'a Scope<'a>,
        absent: Absent,
    ) -> Result<Option<Document>, Error> {
        let Part::Expr(expr) = &self.part else {
            return Ok(self.data(scope, absent)?.map(Document::from));
        };
        Ok(match value_of(expr, &self.place, scope)? {
            Value::Data(place) => Some(Document::from(place)),
            Value::Json(json) => Some(Document::from(json)),
            other => other.to_json().map(Document::from),
        })
    }

    /// Renders a value that holds neither secrets nor prose: data of signals, fields, arguments.
    pub fn data<'a>(&'a self, scope: &'a Scope<'a>, absent: Absent) -> Result<Option<Json>, Error> {
        if let Part::Constant(value) = &self.part {
            return Ok(Some(value.clone()));
        }
        let none = Map::new();
        let mut run = Run::new(&none, absent);
        run.tells_where = false;
        run.shape(self, scope)
    }
}

/// Values of JSON can always be written as JSON, and a vector always takes them.
fn put(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    let written = json::write(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}

struct Run<'t> {
    texts: &'t Map<String, Json>,
    absent: Absent,
    /// Whether anybody will ask where in the value something is.
    tells_where: bool,
    pointer: String,
    out: Rendered,
}

impl<'t> Run<'t> {
    fn new(texts: &'t Map<String, Json>, absent: Absent) -> Self {
        Self {
            texts,
            absent,
            tells_where: true,
            pointer: String::new(),
            out: Rendered::default(),
        }
    }

    fn go_into(&mut self, key: &str) {
        if self.tells_where {
            self.pointer.push('/');
            self.pointer
                .push_str(&key.replace('~', "~0").replace('/', "~1"));
        }
    }

    fn left_out(&mut self, key: &str) {
        if self.tells_where {
            self.out.left_out.push(key.to_owned());
        }
    }

    fn shape<'a>(&mut self, shape: &'a Shape, scope: &'a Scope<'a>) -> Result<Option<Json>, Error> {
        Ok(Some(match &shape.part {
            Part::Constant(value) => value.clone(),
            Part::Expr(expr) => return Ok(value_of(expr, &shape.place, scope)?.to_json()),
            Part::Map(members) => self.map(members, scope)?,
            Part::List(items) => self.list(items, scope)?,
            Part::Text { template, at_most } => {
                let text = template.render(self.texts).map_err(Error::Text)?;
                Json::String(
                    at_most.map_or_else(|| text.clone(), |bound| untrusted::cut(&text, bound)),
                )
            }
            Part::Secret(name) => {
                self.out.secrets.push(SecretAt {
                    pointer: self.pointer.clone(),
                    name: name.clone(),
                });
                Json::Null
            }
            Part::Pick {
                of,
                from,
                otherwise,
            } => {
                let of = self.shape(of, scope)?;
                let word = match &of {
                    Some(Json::String(word)) => word.clone(),
                    Some(Json::Null) | None => String::new(),
                    Some(other) => other.to_string(),
                };
                let picked = from
                    .iter()
                    .find(|(key, _)| *key == word)
                    .map(|(_, value)| value)
                    .or(otherwise.as_deref());
                match picked {
                    Some(picked) => return self.shape(picked, scope),
                    None => return Ok(None),
                }
            }
            Part::Each { list, give, item } => self.each(list, give, *item, &shape.place, scope)?,
            Part::Lines(items) => {
                let mut lines = String::new();
                for item in items {
                    if let Some(value) = self.shape(item, scope)? {
                        lines.push_str(&value.to_string());
                        lines.push('\n');
                    }
                }
                self.out.lines = Some(lines.clone());
                Json::String(lines)
            }
            Part::Json(inner) => match self.shape(inner, scope)? {
                Some(value) => Json::String(value.to_string()),
                None => return Ok(None),
            },
            Part::Time { value, format } => return time(value, format, &shape.place, scope),
            Part::Cases(cases) => {
                for (when, give) in cases {
                    if when
                        .as_ref()
                        .is_none_or(|when| when.holds(scope).unwrap_or(false))
                    {
                        return self.shape(give, scope);
                    }
                }
                return Ok(None);
            }
        }))
    }

    fn map<'a>(&mut self, members: &'a [Member], scope: &'a Scope<'a>) -> Result<Json, Error> {
        let mut map = Map::with_capacity(members.len());
        let before = self.pointer.len();
        for member in members {
            self.go_into(&member.key);
            match self.shape(&member.value, scope)? {
                Some(value) => {
                    map.insert(member.key.clone(), value);
                }
                None if member.optional || self.absent == Absent::LeftOut => {
                    self.left_out(&member.key);
                }
                None => {
                    return Err(Error::Absent {
                        what: member.key.clone(),
                        place: Box::new(member.value.place.clone()),
                    });
                }
            }
            self.pointer.truncate(before);
        }
        Ok(Json::Object(map))
    }

    fn list<'a>(&mut self, items: &'a [Shape], scope: &'a Scope<'a>) -> Result<Json, Error> {
        let mut list = Vec::with_capacity(items.len());
        let before = self.pointer.len();
        for item in items {
            if self.tells_where {
                self.go_into(&list.len().to_string());
            }
            match self.shape(item, scope)? {
                Some(value) => list.push(value),
                None if self.absent == Absent::LeftOut => {}
                None => {
                    return Err(Error::Absent {
                        what: "an item of a list".to_owned(),
                        place: Box::new(item.place.clone()),
                    });
                }
            }
            self.pointer.truncate(before);
        }
        Ok(Json::Array(list))
    }

    fn each<'a>(
        &mut self,
        list: &'a Expr,
        give: &'a Shape,
        item: usize,
        place: &Place,
        scope: &'a Scope<'a>,
    ) -> Result<Json, Error> {
        let items = value_of(list, place, scope)?
            .to_json()
            .unwrap_or(Json::Null);
        let items = match items {
            Json::Array(items) => items,
            Json::Null => Vec::new(),
            _ => {
                return Err(Error::Kind {
                    what: list.source().to_owned(),
                    got: "something else",
                    wanted: "a list",
                    place: Box::new(place.clone()),
                });
            }
        };
        let mut given = Vec::with_capacity(items.len());
        for one in &items {
            let inner = scope.with_item(item, Value::from_json(one));
            if let Some(value) = self.shape(give, &inner)? {
                given.push(value);
            }
        }
        Ok(Json::Array(given))
    }
}

/// Evaluates, and says which expression it was when that fails.
pub(super) fn value_of<'a>(
    expr: &'a Expr,
    place: &Place,
    scope: &'a Scope<'a>,
) -> Result<Value<'a>, Error> {
    expr.eval(scope).map_err(|source| Error::Expr {
        what: expr.source().to_owned(),
        place: Box::new(place.clone()),
        source,
    })
}

fn time<'a>(
    expr: &'a Expr,
    format: &str,
    place: &Place,
    scope: &'a Scope<'a>,
) -> Result<Option<Json>, Error> {
    let value = value_of(expr, place, scope)?;
    let wrong = |got| Error::Kind {
        what: expr.source().to_owned(),
        got,
        wanted: "a time or milliseconds",
        place: Box::new(place.clone()),
    };
    let at = match &value {
        Value::Absent => return Ok(None),
        Value::Null => return Ok(Some(Json::Null)),
        Value::Time(at) => *at,
        Value::Int(ms) => {
            jiff::Timestamp::from_millisecond(*ms).map_err(|_| wrong("a number out of range"))?
        }
        Value::Text(text) => text.parse().map_err(|_| wrong("a text that is no time"))?,
        other => return Err(wrong(other.what())),
    };
    Ok(Some(Json::String(
        jiff::fmt::strtime::format(format, at).unwrap_or_else(|_| at.to_string()),
    )))
}
