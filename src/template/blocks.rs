//! A checked template with `if`, `unless` or `each`, rendered by Handlebars.
//!
//! Every value in it is rewritten to go through our own helpers, so that both ways of rendering
//! agree, and so that no shape of data can make the engine fail or reach another name: a declared
//! name is looked up by us before rendering, and stands in the engine's data under a number.

use std::collections::HashMap;
use std::io;

use handlebars::template::{HelperTemplate, Parameter, Subexpression, TemplateElement};
use handlebars::{
    Context, Handlebars, Helper as Called, HelperDef, HelperResult, Output, Path, RenderContext,
    RenderError, RenderErrorReason, ScopedJson, Template,
};
use serde_json::{Map, Value};

use std::borrow::Cow;

use super::helper::{Given, Helper};
use super::shape::{at, keys};
use super::{LONGEST_OUTPUT, MOST_ITEMS, Values};

const NAME: &str = "text";
/// Says of each parameter of a call whether data brought it: `1`, or `0` for the template's own.
const FROM_DATA: &str = "from_data";

/// A template in the engine.
#[derive(Debug)]
pub(super) struct Blocks {
    engine: Handlebars<'static>,
    /// The paths it reads; each stands in the data under its number.
    paths: Vec<Vec<String>>,
}

/// What kept a text from being rendered.
#[derive(Debug)]
pub(super) enum Refused {
    TooLong,
    Engine(RenderError),
}

impl Blocks {
    /// Takes what [`super::check`] let pass. `None` when something in it is not what was checked.
    pub(super) fn new(mut template: Template) -> Option<Self> {
        let mut engine = Handlebars::new();
        for built_in in [
            "with", "lookup", "raw", "log", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or",
            "not", "len",
        ] {
            engine.unregister_helper(built_in);
        }
        engine.register_escape_fn(handlebars::no_escape);
        for (name, helper) in Helper::ALL {
            engine.register_helper(name, Box::new(Ours(helper)));
        }
        engine.register_helper("show", Box::new(Show));
        engine.register_helper("below", Box::new(Below));
        let mut rewrite = Rewrite {
            paths: Vec::new(),
            items: Vec::new(),
        };
        rewrite.template(&mut template)?;
        engine.register_template(NAME, template);
        Some(Self {
            engine,
            paths: rewrite.paths,
        })
    }

    pub(super) fn render(&self, values: &Values<'_>) -> Result<String, Refused> {
        let data: Map<String, Value> = self
            .paths
            .iter()
            .enumerate()
            .map(|(number, path)| (format!("p{number}"), bounded(at(values, path))))
            .collect();
        let mut out = Bounded(Vec::new());
        let context = Context::from(Value::Object(data));
        match self
            .engine
            .render_with_context_to_write(NAME, &context, &mut out)
        {
            Ok(()) => Ok(String::from_utf8_lossy(&out.0).into_owned()),
            Err(_) if out.0.len() >= LONGEST_OUTPUT => Err(Refused::TooLong),
            Err(error) => Err(Refused::Engine(error)),
        }
    }
}

/// Collects at most as many bytes as a text may have.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST_OUTPUT {
            self.0.resize(LONGEST_OUTPUT, b' ');
            return Err(io::Error::other("the text is too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A copy in which every list and map has at most so many items as are shown.
fn bounded(value: &Value) -> Value {
    match value {
        // One more than is shown, so that a list that was cut still ends in `…`.
        Value::Array(items) => items.iter().take(MOST_ITEMS + 1).map(bounded).collect(),
        Value::Object(map) => map
            .iter()
            .take(MOST_ITEMS + 1)
            .map(|(key, value)| (key.clone(), bounded(value)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// Sends every value of a template through our helpers.
struct Rewrite {
    paths: Vec<Vec<String>>,
    /// What the enclosing `each` blocks call their items.
    items: Vec<String>,
}

impl Rewrite {
    fn template(&mut self, template: &mut Template) -> Option<()> {
        for element in &mut template.elements {
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(call) => {
                    let from_data = if call.params.is_empty() {
                        let value = std::mem::replace(&mut call.name, name("show"));
                        call.params = vec![self.parameter(value)?];
                        "1"
                    } else {
                        self.call(call)?;
                        let inner = Subexpression::new(
                            std::mem::replace(&mut call.name, name("show")),
                            std::mem::take(&mut call.params),
                            std::mem::take(&mut call.hash),
                        );
                        call.params = vec![Parameter::Subexpression(inner)];
                        "0"
                    };
                    call.hash = mark(from_data.to_owned());
                }
                TemplateElement::HelperBlock(block) => self.block(block)?,
                _ => return None,
            }
        }
        Some(())
    }

    fn block(&mut self, block: &mut HelperTemplate) -> Option<()> {
        for given in &mut block.params {
            let value = std::mem::replace(given, name(""));
            *given = self.parameter(value)?;
        }
        let each = block.name.as_name() == Some("each");
        if each {
            self.items
                .push(item_name(block).unwrap_or("this").to_owned());
        }
        if let Some(body) = &mut block.template {
            self.template(body)?;
        }
        if each {
            self.items.pop();
        }
        if let Some(otherwise) = &mut block.inverse {
            self.template(otherwise)?;
        }
        Some(())
    }

    /// A call of one of our helpers: its parameters, and which of them data brought.
    fn call(&mut self, call: &mut HelperTemplate) -> Option<()> {
        let marks = call
            .params
            .iter()
            .map(|given| match given {
                Parameter::Subexpression(_) | Parameter::Literal(_) => '0',
                _ => '1',
            })
            .collect();
        for given in &mut call.params {
            let value = std::mem::replace(given, name(""));
            *given = self.parameter(value)?;
        }
        call.hash = mark(marks);
        Some(())
    }

    fn parameter(&mut self, given: Parameter) -> Option<Parameter> {
        match given {
            Parameter::Literal(_) => Some(given),
            Parameter::Name(_) | Parameter::Path(_) => self.path(given.as_name()?),
            Parameter::Subexpression(mut inner) => {
                let TemplateElement::Expression(call) = inner.element.as_mut() else {
                    return None;
                };
                self.call(call)?;
                Some(Parameter::Subexpression(inner))
            }
            _ => None,
        }
    }

    fn path(&mut self, raw: &str) -> Option<Parameter> {
        if raw.starts_with('@') {
            return Path::parse(raw).ok().map(Parameter::Path);
        }
        let path = keys(raw);
        let (first, below) = path.split_first()?;
        let item = first == "this" || self.items.contains(first);
        if !item {
            let number = self.paths.iter().position(|known| *known == path);
            let number = number.unwrap_or_else(|| {
                self.paths.push(path.clone());
                self.paths.len() - 1
            });
            return Path::parse(&format!("@root/p{number}"))
                .ok()
                .map(Parameter::Path);
        }
        let base = Parameter::Path(Path::parse(first).ok()?);
        if below.is_empty() {
            return Some(base);
        }
        let mut given = vec![base];
        given.extend(
            below
                .iter()
                .map(|key| Parameter::Literal(Value::String(key.clone()))),
        );
        let inner = Subexpression::new(name("below"), given, HashMap::new());
        Some(Parameter::Subexpression(inner))
    }
}

/// What `as |item|` names.
pub(super) fn item_name(block: &HelperTemplate) -> Option<&str> {
    match block.block_param.as_ref()? {
        handlebars::template::BlockParam::Single(Parameter::Name(item)) => Some(item),
        _ => None,
    }
}

fn name(text: &str) -> Parameter {
    Parameter::Name(text.to_owned())
}

fn mark(marks: String) -> HashMap<String, Parameter> {
    HashMap::from([(
        FROM_DATA.to_owned(),
        Parameter::Literal(Value::String(marks)),
    )])
}

/// The parameters of a call, and where each is from.
fn given<'c>(called: &'c Called<'_>) -> Vec<Given<'c>> {
    let marks = called
        .hash_get(FROM_DATA)
        .and_then(|marks| marks.value().as_str())
        .unwrap_or_default();
    called
        .params()
        .iter()
        .enumerate()
        .map(|(index, value)| Given {
            value: Cow::Borrowed(value.value()),
            from_data: marks.as_bytes().get(index) != Some(&b'0'),
        })
        .collect()
}

struct Ours(Helper);

impl HelperDef for Ours {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        called: &Called<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        Ok(ScopedJson::Derived(self.0.call(&given(called))))
    }
}

/// Writes a value as text, safe for a person.
struct Show;

impl HelperDef for Show {
    fn call<'reg: 'rc, 'rc>(
        &self,
        called: &Called<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        if let Some(value) = given(called).first() {
            out.write(&value.shown()).map_err(RenderErrorReason::from)?;
        }
        Ok(())
    }
}

/// What stands below an item of a list: null when it is absent, whatever shape the item has.
struct Below;

impl HelperDef for Below {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        called: &Called<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let mut given = called.params().iter().map(handlebars::PathAndJson::value);
        let item = given.next().unwrap_or(&Value::Null);
        let found = given.try_fold(item, |value, key| {
            value.as_object().and_then(|map| map.get(key.as_str()?))
        });
        Ok(ScopedJson::Derived(found.unwrap_or(&Value::Null).clone()))
    }
}
