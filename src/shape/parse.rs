//! From what was typed to a [`Shape`]: literals, expressions and forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Member, Part, Shape};
use crate::diag::{Code, Faults, codes, nearest};
use crate::expr::{Expr, Names};
use crate::template::Template;
use crate::yaml::{Entry, Kind, Node, Style};

/// A template that is not there.
const UNKNOWN_TEMPLATE: Code = Code("AND0802");
/// A form with a part of the wrong kind.
const BAD_FORM: Code = Code("AND0803");
/// A form that this place does not take.
const FORM_NOT_HERE: Code = Code("AND0804");
/// A map that is nearly a form.
const NEARLY_A_FORM: Code = Code("AND0805");

/// The texts under `templates/`, by `<destination>/<part>`.
pub type Templates = BTreeMap<String, Arc<Template>>;

/// A text that reads like an expression without its `=`.
const NO_EQUALS_SIGN: Code = Code("AND0806");

/// What values may name where they stand.
#[derive(Clone, Copy)]
pub struct Reading<'r> {
    /// What expressions may name.
    pub names: &'r Names,
    /// The secrets of the connector; empty where secrets have no place.
    pub secrets: &'r [String],
    /// The texts that `{ text }` may name; `None` where prose has no place.
    pub templates: Option<&'r Templates>,
}

impl<'r> Reading<'r> {
    /// Expressions over `names`; no secrets and no prose.
    pub fn over(names: &'r Names) -> Self {
        Self {
            names,
            secrets: &[],
            templates: None,
        }
    }

    /// Reads a value. `None` when it, or anything in it, has a fault.
    pub fn value(&self, node: &Node, faults: &mut Faults) -> Option<Shape> {
        let part = match &node.kind {
            Kind::Null => Part::Constant(Json::Null),
            Kind::Scalar(scalar) => match scalar.text.strip_prefix('=') {
                Some(rest) if rest.starts_with('=') => Part::Constant(Json::from(rest)),
                Some(_) => Part::Expr(Box::new(self.expr(node, faults)?)),
                None => {
                    if scalar.style == Style::Plain && self.is_path(&scalar.text) {
                        let text = &scalar.text;
                        faults
                            .warning(
                                NO_EQUALS_SIGN,
                                node.place(),
                                format!("this is the text `{text}`, and not what stands there"),
                            )
                            .help(format!(
                                "write `={text}`; or quotes around it, if the text is meant"
                            ));
                    }
                    Part::Constant(scalar.to_json())
                }
            },
            Kind::List(items) => self.list(items, faults)?,
            Kind::Map(entries) => self.map(node, entries, faults)?,
        };
        Some(Shape {
            part,
            place: node.place(),
        })
    }

    /// Whether a text leads to something below a name that expressions know here, as `signal.model` does.
    fn is_path(&self, text: &str) -> bool {
        let is_word = |step: &str| {
            let step = step.strip_prefix('?').unwrap_or(step);
            step.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && step.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        text.split_once('.').is_some_and(|(name, below)| {
            self.names.find(name).is_some() && below.split('.').all(is_word)
        })
    }

    /// Reads a value that may be a list of cases `{ when, give }`, of which the first that holds counts.
    pub fn value_or_cases(&self, node: &Node, faults: &mut Faults) -> Option<Shape> {
        let is_case = |item: &Node| item.get("give").is_some() && item.get("when").is_some();
        let Some(items) = node.as_list().filter(|items| items.iter().any(is_case)) else {
            return self.value(node, faults);
        };
        let cases: Vec<Option<(Option<Expr>, Shape)>> =
            items.iter().map(|item| self.case(item, faults)).collect();
        Some(Shape {
            part: Part::Cases(cases.into_iter().collect::<Option<_>>()?),
            place: node.place(),
        })
    }

    fn case(&self, node: &Node, faults: &mut Faults) -> Option<(Option<Expr>, Shape)> {
        let fields = crate::yaml::Fields::of(node, "a case", &["when", "give"], faults)?;
        let when = fields.require(
            "when",
            "write `when:` with a condition, or `when: otherwise`",
            faults,
        );
        let give = fields.require("give", "write `give:` with the value to send", faults);
        let condition = match when?.as_text() {
            Some("otherwise") => Some(None),
            _ => self.one_of_cases(when?, faults).map(Some),
        };
        let give = self.value(give?, faults);
        Some((condition?, give?))
    }

    /// Reads `=…`: the expression behind a value's `=`.
    pub fn expr(&self, node: &Node, faults: &mut Faults) -> Option<Expr> {
        let fragment = node.fragment()?;
        let skip = usize::from(fragment.text.starts_with('='));
        Expr::compile(&fragment.after(skip), self.names, faults)
    }

    /// Reads a condition that decides alone: an expression without `=`.
    pub fn condition(&self, node: &Node, faults: &mut Faults) -> Option<Expr> {
        let expr = self.one_of_cases(node, faults)?;
        expr.tell_always(self.names, faults);
        Some(expr)
    }

    /// Reads the condition of a case, of which the first that holds counts; one that always does is the
    /// last that is reached.
    pub fn one_of_cases(&self, node: &Node, faults: &mut Faults) -> Option<Expr> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.style == Style::Plain || !scalar.text.is_empty() => {
                Expr::condition(&node.fragment()?, self.names, faults)
            }
            _ => {
                faults
                    .error(
                        BAD_FORM,
                        node.place(),
                        format!("a condition is expected here, and this is {}", node.what()),
                    )
                    .help("write an expression without `=`, such as `signal.status == \"FAIL\"`");
                None
            }
        }
    }

    fn list(&self, items: &[Node], faults: &mut Faults) -> Option<Part> {
        let shapes: Vec<Option<Shape>> =
            items.iter().map(|item| self.value(item, faults)).collect();
        let shapes = shapes.into_iter().collect::<Option<Vec<_>>>()?;
        let constants: Option<Vec<Json>> = shapes
            .iter()
            .map(|shape| shape.as_constant().cloned())
            .collect();
        Some(match constants {
            Some(constants) => Part::Constant(Json::Array(constants)),
            None => Part::List(shapes),
        })
    }

    fn map(&self, node: &Node, entries: &[Entry], faults: &mut Faults) -> Option<Part> {
        let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        match keys.as_slice() {
            ["secret"] => self.secret(node, faults),
            ["text"] | ["text", "at_most"] | ["at_most", "text"] => self.text(node, faults),
            ["pick", "from"] | ["from", "pick"] => self.pick(node, faults),
            ["each", "give"] | ["give", "each"] => self.each(node, faults),
            ["lines"] => self.lines(node, faults),
            ["json"] => Some(Part::Json(Box::new(self.value(node.get("json")?, faults)?))),
            ["time", "as"] | ["as", "time"] => self.time(node, faults),
            _ => self.data(node, entries, faults),
        }
    }

    fn data(&self, node: &Node, entries: &[Entry], faults: &mut Faults) -> Option<Part> {
        if node.get("pick").is_some() && entries.len() == 2 {
            faults
                .warning(
                    NEARLY_A_FORM,
                    node.place(),
                    "this map is sent as data, and it is nearly the form `{ pick, from }`",
                )
                .help("write `{ pick: =…, from: { a: 1, otherwise: 2 } }`");
        }
        let members: Vec<Option<Member>> = entries
            .iter()
            .map(|entry| {
                let (key, optional) = match entry.key.strip_suffix('?') {
                    Some(key) => (key, true),
                    None => (entry.key.as_str(), false),
                };
                let value = self.value(&entry.value, faults)?;
                Some(Member {
                    key: key.to_owned(),
                    optional,
                    value,
                })
            })
            .collect();
        let members = members.into_iter().collect::<Option<Vec<_>>>()?;
        let constants: Option<serde_json::Map<String, Json>> = members
            .iter()
            .map(|member| Some((member.key.clone(), member.value.as_constant()?.clone())))
            .collect();
        Some(match constants {
            Some(constants) => Part::Constant(Json::Object(constants)),
            None => Part::Map(members),
        })
    }

    fn secret(&self, node: &Node, faults: &mut Faults) -> Option<Part> {
        let named = node.get("secret")?;
        let name = named.as_text().unwrap_or_default();
        if self.secrets.iter().any(|known| known == name) {
            return Some(Part::Secret(name.to_owned()));
        }
        let fault = faults.error(
            codes::UNKNOWN_SECRET,
            named.place(),
            match self.secrets {
                [] => "a secret has no place here".to_owned(),
                _ => format!("`{name}` is not a secret of this connector"),
            },
        );
        match nearest(name, self.secrets.iter().map(String::as_str)) {
            Some(meant) => fault
                .label(format!("did you mean `{meant}`?"))
                .help(format!("write `{{ secret: {meant} }}`")),
            None if self.secrets.is_empty() => {
                fault.help("secrets go under `auth:`, `accepts:`, `signature:`, and in requests")
            }
            None => fault.help(format!(
                "its secrets are {}; declare others under `settings:` with `is: secret`",
                self.secrets.join(", ")
            )),
        };
        None
    }

    fn text(&self, node: &Node, faults: &mut Faults) -> Option<Part> {
        let named = node.get("text")?;
        let name = named.as_text().unwrap_or_default();
        let Some(templates) = self.templates else {
            faults
                .error(FORM_NOT_HERE, node.place(), "prose has no place here")
                .help("`{ text: … }` belongs in the `event:` of a destination");
            return None;
        };
        let at_most = match node.get("at_most") {
            None => None,
            Some(bound) => {
                let number = bound
                    .as_text()
                    .and_then(|text| text.parse::<usize>().ok())
                    .filter(|bound| *bound > 0);
                if number.is_none() {
                    faults
                        .error(
                            codes::WRONG_TYPE,
                            bound.place(),
                            "`at_most` is a number of characters",
                        )
                        .help("write `at_most: 1024`");
                    return None;
                }
                number
            }
        };
        if named.as_text().is_none() {
            faults
                .error(
                    BAD_FORM,
                    named.place(),
                    format!("`text` alone in a map names a template, and this is {}", named.what()),
                )
                .help("write `{ text: pagerduty/summary }`; where `text` is a key of data, another key beside it, or the whole map as an expression, makes it so");
            return None;
        }
        if let Some(template) = templates.get(name) {
            return Some(Part::Text {
                template: Arc::clone(template),
                at_most,
            });
        }
        let fault = faults.error(
            UNKNOWN_TEMPLATE,
            named.place(),
            format!("there is no template `{name}`"),
        );
        match nearest(name, templates.keys().map(String::as_str)) {
            Some(meant) => fault
                .label(format!("did you mean `{meant}`?"))
                .help(format!("write `{{ text: {meant} }}`")),
            None => fault.help(format!("write the text to `templates/{name}.hbs`")),
        };
        None
    }

    fn pick(&self, node: &Node, faults: &mut Faults) -> Option<Part> {
        let of = self.value(node.get("pick")?, faults);
        let table = node.get("from")?;
        let Some(entries) = table.as_map() else {
            faults
                .error(
                    codes::WRONG_TYPE,
                    table.place(),
                    format!(
                        "`from` is a map of what to pick, and this is {}",
                        table.what()
                    ),
                )
                .help("write `from: { critical: critical, high: error, otherwise: warning }`");
            return None;
        };
        let read: Vec<Option<(String, Shape)>> = entries
            .iter()
            .map(|entry| Some((entry.key.clone(), self.value(&entry.value, faults)?)))
            .collect();
        let mut from = read.into_iter().collect::<Option<Vec<_>>>()?;
        let otherwise = from
            .iter()
            .position(|(key, _)| key == "otherwise")
            .map(|at| Box::new(from.remove(at).1));
        Some(Part::Pick {
            of: Box::new(of?),
            from,
            otherwise,
        })
    }

    fn each(&self, node: &Node, faults: &mut Faults) -> Option<Part> {
        let over = node.get("each")?;
        if !over.as_text().is_some_and(|text| text.starts_with('=')) {
            faults
                .error(
                    BAD_FORM,
                    over.place(),
                    "`each` goes through a list, and this is none",
                )
                .help("write `each: =variants`, the name of a list");
            return None;
        }
        let list = self.expr(over, faults);
        let inner = self.names.clone().with("item", crate::expr::Type::Any);
        let reading = Reading {
            names: &inner,
            secrets: self.secrets,
            templates: self.templates,
        };
        let give = reading.value(node.get("give")?, faults);
        Some(Part::Each {
            list: Box::new(list?),
            give: Box::new(give?),
            item: self.names.len(),
        })
    }

    fn lines(&self, node: &Node, faults: &mut Faults) -> Option<Part> {
        let given = node.get("lines")?;
        let Some(items) = given.as_list() else {
            faults
                .error(
                    codes::WRONG_TYPE,
                    given.place(),
                    format!(
                        "`lines` is a list of values, one a line, and this is {}",
                        given.what()
                    ),
                )
                .help("write `lines: [ =first, =second ]`");
            return None;
        };
        let read: Vec<Option<Shape>> = items.iter().map(|item| self.value(item, faults)).collect();
        Some(Part::Lines(read.into_iter().collect::<Option<_>>()?))
    }

    fn time(&self, node: &Node, faults: &mut Faults) -> Option<Part> {
        let (value, form) = (node.get("time")?, node.get("as")?);
        let format = form.as_text().unwrap_or_default().to_owned();
        if let Err(error) = jiff::fmt::strtime::format(&format, jiff::Timestamp::UNIX_EPOCH) {
            faults
                .error(
                    BAD_FORM,
                    form.place(),
                    format!("`{format}` is not a way to write a time: {error}"),
                )
                .help("write strftime letters, such as `as: \"%Y-%m-%d %H:%M:%S\"`");
            return None;
        }
        if !value.as_text().is_some_and(|text| text.starts_with('=')) {
            faults
                .error(
                    BAD_FORM,
                    value.place(),
                    "`time` is an expression that gives a time or milliseconds",
                )
                .help("write `time: =alert.time`");
            return None;
        }
        Some(Part::Time {
            value: Box::new(self.expr(value, faults)?),
            format,
        })
    }
}
