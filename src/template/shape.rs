//! A checked template without blocks: a flat list of parts, rendered without an engine.

use std::borrow::Cow;

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use serde_json::Value;

use super::Values;
use super::helper::{Given, Helper};
use crate::json;

/// A piece of a template.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    Show(Term),
}

/// What gives a value.
#[derive(Debug)]
pub(super) enum Term {
    Name(Vec<String>),
    Literal(Value),
    Call(Helper, Vec<Term>),
}

/// The parts of checked elements; `None` when there is a block among them.
pub(super) fn flat(elements: &[TemplateElement]) -> Option<Vec<Part>> {
    elements
        .iter()
        .filter(|element| !matches!(element, TemplateElement::Comment(_)))
        .map(|element| match element {
            TemplateElement::RawString(text) => Some(Part::Text(text.clone())),
            TemplateElement::Expression(call) => expression(call).map(Part::Show),
            _ => None,
        })
        .collect()
}

fn expression(call: &HelperTemplate) -> Option<Term> {
    if call.params.is_empty() {
        return parameter(&call.name);
    }
    let helper = Helper::find(call.name.as_name()?)?;
    let given: Option<Vec<Term>> = call.params.iter().map(parameter).collect();
    Some(Term::Call(helper, given?))
}

fn parameter(given: &Parameter) -> Option<Term> {
    match given {
        Parameter::Literal(value) => Some(Term::Literal(value.clone())),
        Parameter::Name(name) => Some(Term::Name(keys(name))),
        Parameter::Path(_) => given.as_name().map(|path| Term::Name(keys(path))),
        Parameter::Subexpression(inner) => match inner.as_element() {
            TemplateElement::Expression(call) => expression(call),
            _ => None,
        },
        _ => None,
    }
}

/// The keys of a dotted path.
pub(super) fn keys(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

/// What stands at a path of keys; null when it is absent.
pub(super) fn at<'v>(values: &Values<'v>, path: &[String]) -> &'v Value {
    let mut keys = path.iter();
    let first = keys.next().and_then(|key| values.get(key));
    keys.try_fold(first.unwrap_or(&Value::Null), |value, key| {
        value.as_object().and_then(|map| json::get(map, key))
    })
    .unwrap_or(&Value::Null)
}

pub(super) fn render(parts: &[Part], values: &Values<'_>) -> String {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Show(term) => out.push_str(&given(term, values).shown()),
        }
    }
    out
}

fn given<'v>(term: &'v Term, values: &Values<'v>) -> Given<'v> {
    match term {
        Term::Name(path) => Given {
            value: Cow::Borrowed(at(values, path)),
            from_data: true,
        },
        Term::Literal(value) => Given {
            value: Cow::Borrowed(value),
            from_data: false,
        },
        Term::Call(helper, terms) => {
            let all: Vec<Given<'_>> = terms.iter().map(|term| given(term, values)).collect();
            Given {
                value: Cow::Owned(helper.call(&all)),
                from_data: false,
            }
        }
    }
}
