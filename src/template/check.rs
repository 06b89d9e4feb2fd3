//! The allow-list: walks what Handlebars parsed, and refuses everything that is not named here.

use handlebars::Template;
use handlebars::template::{BlockParam, HelperTemplate, Parameter, TemplateElement};

use super::blocks::item_name;
use super::helper::{Helper, is_date_form};
use super::scan::scan;
use super::{LONGEST, NOT_ALLOWED, PARAMETERS, SYNTAX, TOO_LARGE, UNKNOWN_HELPER, UNKNOWN_NAME};
use crate::diag::{Diagnostic, Faults, Fragment, Place, nearest};

/// How deep `each` may stand in `each`: a hundred items each, so ten thousand rounds.
const DEEPEST_EACH: usize = 2;

/// A template that passed.
pub(super) struct Checked {
    pub(super) template: Template,
    pub(super) names: Vec<String>,
}

/// Parses and checks. `None` when a fault was reported.
pub(super) fn check(fragment: &Fragment, names: &[&str], faults: &mut Faults) -> Option<Checked> {
    let text = fragment.text.as_str();
    if text.len() > LONGEST {
        faults
            .error(
                TOO_LARGE,
                fragment.place.clone(),
                format!(
                    "a template has at most {LONGEST} bytes, and this one {}",
                    text.len()
                ),
            )
            .help("write a shorter text");
        return None;
    }
    if !scan(fragment, faults) {
        return None;
    }
    let template = match Template::compile(text) {
        Ok(template) => template,
        Err(error) => {
            let at = error
                .pos()
                .map_or(0, |(line, column)| offset(text, line, column));
            faults
                .error(
                    SYNTAX,
                    fragment.place_of(at, at),
                    "Handlebars cannot read this tag",
                )
                .help("write {{name}}, {{helper name}}, or {{#if name}}…{{/if}}");
            return None;
        }
    };
    let before = faults.errors();
    let mut walk = Walk {
        fragment,
        declared: names,
        used: Vec::new(),
        items: Vec::new(),
        faults,
    };
    walk.template(&template, 0);
    let names = walk.used;
    (faults.errors() == before).then_some(Checked { template, names })
}

/// The byte of a line and column, both from 1, the column in characters.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let begins = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    let rest = text.get(begins..).unwrap_or_default();
    begins
        + rest
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or(rest.len(), |(at, _)| at)
}

struct Walk<'c> {
    fragment: &'c Fragment,
    declared: &'c [&'c str],
    used: Vec<String>,
    /// What the enclosing `each` blocks call their items; `this` where they do not say.
    items: Vec<String>,
    faults: &'c mut Faults,
}

impl Walk<'_> {
    fn template(&mut self, template: &Template, around: usize) {
        for (index, element) in template.elements.iter().enumerate() {
            let at = template.mapping.get(index).map_or(around, |mapping| {
                offset(&self.fragment.text, mapping.0, mapping.1)
            });
            match element {
                TemplateElement::RawString(_) | TemplateElement::Comment(_) => {}
                TemplateElement::Expression(call) => self.expression(call, at),
                TemplateElement::HelperBlock(block) => self.block(block, at),
                _ => {
                    let place = self.place(at, "{{");
                    self.faults
                        .error(NOT_ALLOWED, place, "templates do not use this kind of tag")
                        .help("write {{name}}, {{helper name}}, or {{#if name}}…{{/if}}");
                }
            }
        }
    }

    fn expression(&mut self, call: &HelperTemplate, at: usize) {
        let Some(name) = call.name.as_name() else {
            let place = self.place(at, "(");
            self.faults
                .error(NOT_ALLOWED, place, "a helper stands alone without brackets")
                .help("write {{upper name}}");
            return;
        };
        if !call.params.is_empty() || !call.hash.is_empty() {
            self.call(call, name, at);
        } else if let Some(helper) = Helper::find(name).filter(|_| !self.declared.contains(&name)) {
            let place = self.place(at, name);
            self.faults
                .error(
                    PARAMETERS,
                    place,
                    format!("`{name}` is a helper, and needs a name"),
                )
                .help(format!("write {}", helper.usage().0));
        } else {
            self.path(name, at);
        }
    }

    fn call(&mut self, call: &HelperTemplate, name: &str, at: usize) {
        let place = self.place(at, name);
        let Some(helper) = Helper::find(name) else {
            let known = Helper::ALL.map(|(known, _)| known);
            let fault = self.faults.error(
                UNKNOWN_HELPER,
                place,
                format!("there is no helper `{name}`"),
            );
            meant(fault, nearest(name, known))
                .help(format!("the helpers are {}", known.join(", ")));
            return;
        };
        let (usage, fewest, most) = helper.usage();
        let count = call.params.len();
        let odd = if !call.hash.is_empty() {
            Some("takes no `key=value`")
        } else if count < fewest {
            Some("needs more after it")
        } else if count > most {
            Some("takes less after it")
        } else {
            match (helper, call.params.get(1)) {
                (Helper::Cut, Some(given)) if !is_count(given) => Some("needs a whole number"),
                (Helper::Percent | Helper::Round, Some(given)) if !is_count(given) => {
                    Some("takes a whole number of decimals")
                }
                (Helper::Date, Some(Parameter::Literal(form)))
                    if form.as_str().is_some_and(is_date_form) =>
                {
                    None
                }
                (Helper::Date, Some(_)) => Some("takes a strftime form in quotes"),
                _ => None,
            }
        };
        if let Some(odd) = odd {
            self.faults
                .error(PARAMETERS, place, format!("`{name}` {odd}"))
                .help(format!("write {usage}"));
        }
        for given in &call.params {
            self.parameter(given, at);
        }
    }

    fn parameter(&mut self, given: &Parameter, at: usize) {
        match given {
            Parameter::Literal(_) => {}
            Parameter::Name(path) => self.path(path, at),
            Parameter::Path(_) => {
                let path = given.as_name().unwrap_or_default().to_owned();
                self.path(&path, at);
            }
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(call) if call.name.as_name().is_some() => {
                    let name = call.name.as_name().unwrap_or_default().to_owned();
                    self.call(call, &name, at);
                }
                _ => {
                    let place = self.place(at, "(");
                    self.faults
                        .error(NOT_ALLOWED, place, "a helper is named, not computed")
                        .help("write (upper name)");
                }
            },
            _ => {
                let place = self.place(at, "{{");
                self.faults
                    .error(
                        NOT_ALLOWED,
                        place,
                        "templates do not use this kind of parameter",
                    )
                    .help("write a name, a number, or a text in quotes");
            }
        }
    }

    fn block(&mut self, block: &HelperTemplate, at: usize) {
        let name = block.name.as_name().unwrap_or_default();
        let place = self.place(at, name);
        let each = name == "each";
        if !matches!(name, "if" | "unless" | "each") {
            self.faults
                .error(NOT_ALLOWED, place, format!("there is no block `{name}`"))
                .help("write {{#if name}}, {{#unless name}} or {{#each names}}");
            return;
        }
        let named = block.block_param.is_some();
        let odd = block.params.len() != 1
            || !block.hash.is_empty()
            || (named && !each)
            || matches!(block.block_param, Some(BlockParam::Pair(_)));
        if odd {
            self.faults
                .error(PARAMETERS, place, format!("`{name}` takes one name"))
                .help(if each {
                    "write {{#each names}} or {{#each names as |item|}}".to_owned()
                } else {
                    format!("write {{{{#{name} name}}}}")
                });
            return;
        }
        for given in &block.params {
            self.parameter(given, at);
        }
        if each {
            if self.items.len() >= DEEPEST_EACH {
                self.faults
                    .error(
                        TOO_LARGE,
                        place,
                        format!("`each` stands in `each` more than {DEEPEST_EACH} deep"),
                    )
                    .help("write {{join this.names \", \"}} for the innermost list");
                return;
            }
            let item = item_name(block).unwrap_or("this").to_owned();
            if self.declared.contains(&item.as_str()) {
                self.faults
                    .error(
                        NOT_ALLOWED,
                        place,
                        format!("`{item}` is the name of another value"),
                    )
                    .help("write {{#each names as |item|}}");
            }
            self.items.push(item);
        }
        if let Some(body) = &block.template {
            self.template(body, at);
        }
        if each {
            self.items.pop();
        }
        if let Some(otherwise) = &block.inverse {
            self.template(otherwise, at);
        }
    }

    /// A dotted path: a declared name, or inside `each` the item, and keys below it.
    fn path(&mut self, raw: &str, at: usize) {
        let place = self.place(at, raw);
        if raw.starts_with('@') {
            let known = matches!(raw, "@index" | "@first" | "@last" | "@key");
            if !known || self.items.is_empty() {
                self.faults
                    .error(NOT_ALLOWED, place, format!("`{raw}` cannot be used here"))
                    .help("write a name; inside {{#each}} also @index, @first, @last or @key");
            }
            return;
        }
        let sound = !raw.is_empty()
            && raw.split('.').all(|key| !key.is_empty())
            && !raw.contains(['/', '[', ']']);
        if !sound {
            self.faults
                .error(NOT_ALLOWED, place, format!("`{raw}` is not a name"))
                .help("write a name, and keys below it with dots, such as {{model.name}}");
            return;
        }
        let first = raw.split('.').next().unwrap_or_default();
        if self.items.iter().any(|item| item == first) || first == "this" && !self.items.is_empty()
        {
            return;
        }
        if self.declared.contains(&first) {
            if !self.used.iter().any(|used| used == first) {
                self.used.push(first.to_owned());
            }
            return;
        }
        let end = place.span.start + first.len();
        let mut place = place;
        if self.fragment.begins.is_some() && place.span.end > end {
            place.span.end = end;
        }
        let fault = self.faults.error(
            UNKNOWN_NAME,
            place,
            format!("this template uses `{first}`, which is no name it can see"),
        );
        let near = nearest(first, self.declared.iter().copied());
        let fault = meant(fault, near);
        let known = self.declared.join(", ");
        // A template in a file serves every mapping: it sees the alert, and no field by its own name.
        let in_file = std::path::Path::new(&self.fragment.place.source.name)
            .extension()
            .is_some_and(|ending| ending == "hbs");
        fault.help(match (known.as_str(), near) {
            ("", _) => "it can see no names: write the text without values".to_owned(),
            (known, _) if !self.items.is_empty() => {
                format!("write `this.{first}` for a key of the item, or use {known}")
            }
            (_, Some(near)) if in_file => format!("write {{{{{near}}}}}"),
            (known, None) if in_file && self.declared.contains(&"fields") => {
                format!("write {{{{fields.{first}}}}} for a field of the mapping, or use {known}")
            }
            (known, None) if in_file => format!("use {known}"),
            (_, Some(near)) => format!("write {{{{{near}}}}}, or add `{first}` under `fields`"),
            (known, None) => format!("add `{first}: =signal.…` under `fields`, or use {known}"),
        });
    }

    /// Where `word` stands in a tag at or after byte `at`; the whole value when it is not found.
    fn place(&self, at: usize, word: &str) -> Place {
        let text = self.fragment.text.as_str();
        let is_name =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | ':' | '@' | '.');
        let wordy = word.starts_with(is_name);
        let rest = text.get(at..).unwrap_or_default();
        for (found, _) in rest.match_indices(word) {
            let start = at + found;
            let end = start + word.len();
            let before = text.get(..start).unwrap_or_default();
            let after = text.get(end..).unwrap_or_default();
            let alone = !before.ends_with(is_name) && !after.starts_with(is_name);
            let in_tag = match (before.rfind("{{"), before.rfind("}}")) {
                (Some(open), Some(close)) => open > close,
                (Some(_), None) => true,
                (None, _) => !wordy,
            };
            if !wordy || alone && in_tag {
                return self.fragment.place_of(start, end);
            }
        }
        self.fragment.place.clone()
    }
}

fn is_count(given: &Parameter) -> bool {
    matches!(given, Parameter::Literal(value) if value.as_u64().is_some())
}

fn meant<'d>(fault: &'d mut Diagnostic, word: Option<&str>) -> &'d mut Diagnostic {
    match word {
        Some(word) => fault.label(format!("did you mean `{word}`?")),
        None => fault.label("not a name here"),
    }
}
