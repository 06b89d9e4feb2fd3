//! Paths against what the schema says, and names that nothing is called.

use super::super::fault;
use super::super::names::{Object, Type};
use super::super::node::{Does, Node, Step, StepBy};
use super::super::sort::Sorts;
use super::super::tree::{By, Form, Part, Select};
use super::guard::{Known, Root};
use super::{Check, Typed, reads};

/// How many names a help line lists.
const LISTED: usize = 16;

/// What a key of a type is: what it holds, and whether it is always there.
enum Found {
    Is(Type, bool),
    /// There is no such key; these are.
    Unknown(String, Vec<String>),
    NoKeys,
}

impl Check<'_, '_> {
    pub(super) fn path(&mut self, part: &Part, base: &Part, selects: &[Select]) -> Typed {
        let (base, steps, of) = self.steps(base, selects, false);
        let does = Does::Path(Box::new(base), steps.into(), reads(&of));
        let node = Node {
            does,
            start: part.start,
            end: part.end,
        };
        (node, of)
    }

    /// The base, the steps and the type of a path. Of `has` the last step may be absent.
    pub(super) fn steps(
        &mut self,
        base: &Part,
        selects: &[Select],
        has: bool,
    ) -> (Node, Vec<Step>, Type) {
        let (base_node, mut of) = self.node(base);
        let mut known = match &base.what {
            Form::Name(name) => self.root(name).map(|root| Known {
                root,
                keys: Vec::new(),
            }),
            _ => None,
        };
        let mut optional = false;
        let mut steps = Vec::with_capacity(selects.len());
        for (index, select) in selects.iter().enumerate() {
            optional |= select.optional;
            let spared = has && index + 1 == selects.len();
            let by = match &select.by {
                By::Key(key) => {
                    of = self.by_key(base, select, key, &of, &mut known, (optional, spared));
                    StepBy::Key(key.as_str().into())
                }
                By::Index(index) => {
                    let (node, index_of) = self.node(index);
                    if let Some(key) = node.constant_text().map(str::to_owned) {
                        of = self.by_key(base, select, &key, &of, &mut known, (optional, spared));
                        StepBy::Key(key.into())
                    } else {
                        known = None;
                        of = self.by_index(base, select, &of, &index_of, optional);
                        StepBy::Index(node)
                    }
                }
            };
            steps.push(Step {
                by,
                optional: select.optional,
                start: select.start,
                end: select.end,
            });
        }
        (base_node, steps, of)
    }

    fn by_key(
        &mut self,
        base: &Part,
        select: &Select,
        key: &str,
        of: &Type,
        known: &mut Option<Known>,
        (optional, spared): (bool, bool),
    ) -> Type {
        if let Some(known) = known {
            known.keys.push(key.to_owned());
        }
        let shown = known.as_ref().is_some_and(|path| self.known.contains(path));
        match find(of, key) {
            Found::Is(held, true) => held,
            Found::Is(held, false) if shown => held,
            Found::Is(held, false) if optional => held.or(Type::Null),
            Found::Is(held, false) => {
                if !spared {
                    self.may_be_absent(base, select, key);
                }
                held
            }
            Found::Unknown(title, keys) => {
                self.unknown_field(base, select, key, &title, &keys);
                Type::Any
            }
            Found::NoKeys => {
                let before = self.before(base, select);
                let place = self.fragment.place_of(select.start, select.end);
                let words = Sorts::of_type(of).words();
                self.faults
                    .error(
                        fault::WRONG_SORT,
                        place,
                        format!("`{before}` is {words}, and has no keys"),
                    )
                    .help(if words == "a list" {
                        format!(
                            "write `{before}[0]` for its first item, or `{before}.exists(x, …)`"
                        )
                    } else {
                        format!("write `{before}` alone")
                    });
                Type::Any
            }
        }
    }

    fn by_index(
        &mut self,
        base: &Part,
        select: &Select,
        of: &Type,
        index: &Type,
        optional: bool,
    ) -> Type {
        let (sorts, by) = (Sorts::of_type(of), Sorts::of_type(index));
        let fits = (sorts.meets(Sorts::LIST) && by.meets(Sorts::NUMBER))
            || (sorts.meets(Sorts::MAP) && by.meets(Sorts::TEXT));
        if !fits {
            let before = self.before(base, select);
            let place = self.fragment.place_of(select.start, select.end);
            let sentence = format!(
                "`{before}` is {}, and {} selects nothing from it",
                sorts.words(),
                by.words()
            );
            self.faults
                .error(fault::WRONG_SORT, place, sentence)
                .help("a list is indexed by a number, a map by a text");
            return Type::Any;
        }
        let held = if sorts.meets(Sorts::MAP) {
            Type::Any
        } else {
            of.items()
        };
        if optional { held.or(Type::Null) } else { held }
    }

    fn may_be_absent(&mut self, base: &Part, select: &Select, key: &str) {
        let before = self.before(base, select);
        let plain = is_name(key);
        let (whole, optional) = if plain {
            (format!("{before}.{key}"), format!("{before}.?{key}"))
        } else {
            let key = serde_json::Value::from(key);
            (format!("{before}[{key}]"), format!("{before}[?{key}]"))
        };
        self.faults
            .error(
                fault::MAY_BE_ABSENT,
                self.fragment.place_of(select.start, select.end),
                format!("`{whole}` may be absent: the schema does not require it"),
            )
            .label("may be absent")
            .help(format!(
                "write `{optional}`, or put `has({whole}) &&` before it"
            ));
    }

    fn unknown_field(
        &mut self,
        base: &Part,
        select: &Select,
        key: &str,
        title: &str,
        keys: &[String],
    ) {
        let before = self.before(base, select);
        let of = if title.is_empty() {
            format!("`{before}`")
        } else {
            title.to_owned()
        };
        let nearest = crate::diag::nearest(key, keys.iter().map(String::as_str));
        // The caret stands under the key, not under the dot before it.
        let text = self.fragment.text.get(select.start..select.end);
        let lead = text
            .unwrap_or_default()
            .bytes()
            .take_while(|byte| matches!(byte, b'.' | b'?' | b' '))
            .count();
        let fault = self.faults.error(
            fault::UNKNOWN_FIELD,
            self.fragment.place_of(select.start + lead, select.end),
            format!("`{key}` is not a field of {of}"),
        );
        if let Some(meant) = nearest {
            fault
                .label(format!("did you mean `{meant}`?"))
                .help(if is_name(meant) {
                    format!("write `{before}.{meant}`")
                } else {
                    format!("write `{before}[{}]`", serde_json::Value::from(meant))
                });
        } else if keys.is_empty() {
            fault.help(format!("{of} has no fields: write `{before}` alone"));
        } else if before == "settings" {
            fault.help(format!(
                "its fields are {}; secrets are never in expressions: write `{{ secret: {key} }}`",
                listed(keys)
            ));
        } else {
            fault.help(format!("its fields are {}", listed(keys)));
        }
    }

    /// What stands before a selection, as written.
    fn before(&self, base: &Part, select: &Select) -> String {
        let text = self.fragment.text.get(base.start..select.start);
        crate::untrusted::person(text.unwrap_or_default().trim(), 60)
    }

    pub(super) fn unknown_name(&mut self, part: &Part, name: &str) {
        let mut names: Vec<String> = Vec::new();
        let locals = self.locals.iter().map(|(name, _)| name.as_str());
        for name in locals.chain(self.names.all()) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        let words = crate::alert::Severity::ALL.map(crate::alert::Severity::as_str);
        let known = names.iter().map(String::as_str);
        let nearest = crate::diag::nearest(name, known.chain(words));
        let holder = self.holder(name);
        let hyphen = self.hyphenated(part);
        let fault = self.faults.error(
            fault::UNKNOWN_NAME,
            self.fragment.place_of(part.start, part.end),
            format!("nothing here is called `{name}`"),
        );
        let instead = match name {
            "True" | "TRUE" => Some("write `true`".to_owned()),
            "False" | "FALSE" => Some("write `false`".to_owned()),
            "None" | "nil" | "undefined" | "Null" | "NULL" => Some("write `null`".to_owned()),
            "otherwise" => Some("`otherwise` stands alone, as the last case of a list".to_owned()),
            _ => self.names.instead_of(name).map(str::to_owned),
        };
        if let Some(instead) = instead.or(hyphen) {
            fault.help(instead);
        } else if let Some(holder) = holder {
            fault
                .label(format!("did you mean `{holder}.{name}`?"))
                .help(format!("write `{holder}.{name}`"));
        } else if let Some(meant) = nearest {
            fault
                .label(format!("did you mean `{meant}`?"))
                .help(format!("write `{meant}`"));
        } else if names.is_empty() {
            fault.help("there are no names here; put a text in quotes");
        } else {
            fault.help(format!(
                "the names here are {}; a text stands in quotes",
                listed(&names)
            ));
        }
    }

    /// The name that has a field of this name.
    fn holder(&self, field: &str) -> Option<String> {
        self.names
            .all()
            .find(|name| {
                self.names.find(name).is_some_and(
                    |(_, of)| matches!(of, Type::Object(object) if object.keys.contains_key(field)),
                )
            })
            .map(str::to_owned)
    }

    /// `body.invalid-event` is read as a subtraction.
    fn hyphenated(&self, part: &Part) -> Option<String> {
        let text = &self.fragment.text;
        let before = text.get(..part.start)?.strip_suffix('-')?;
        let begins = before
            .rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '?'))
            .map_or(0, |at| at + 1);
        let (holder, first) = before.get(begins..)?.rsplit_once('.')?;
        let after = text.get(part.start..)?;
        let length = after
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'))
            .unwrap_or(after.len());
        let rest = after.get(..length)?;
        Some(format!(
            "if `-` is part of the key, write `{holder}[\"{first}-{rest}\"]`"
        ))
    }

    /// Whether a name stands for a value here.
    pub(super) fn is_named(&self, name: &str) -> bool {
        matches!(self.root(name), Some(Root::Local(_) | Root::Slot(_)))
    }
}

fn find(of: &Type, key: &str) -> Found {
    match of {
        Type::Any => Found::Is(Type::Any, true),
        Type::Object(object) => find_in(object, key),
        Type::OneOf(types) => {
            let mut found: Option<(Type, bool)> = None;
            let mut unknown = None;
            for one in types {
                match find(one, key) {
                    Found::Is(held, always) => {
                        found = Some(match found {
                            None => (held, always),
                            Some((other, sure)) => (other.or(held), sure && always),
                        });
                    }
                    Found::Unknown(title, keys) => unknown = Some((title, keys)),
                    Found::NoKeys => {}
                }
            }
            match (found, unknown) {
                // One of several maps lacks it, so it may be absent.
                (Some((held, _)), Some(_)) => Found::Is(held, false),
                (Some((held, always)), None) => Found::Is(held, always),
                (None, Some((title, keys))) => Found::Unknown(title, keys),
                (None, None) => Found::NoKeys,
            }
        }
        _ => Found::NoKeys,
    }
}

fn find_in(object: &Object, key: &str) -> Found {
    match (object.keys.get(key), &object.others) {
        (Some((held, always)), _) => Found::Is(held.clone(), *always),
        (None, Some(others)) => Found::Is((**others).clone(), false),
        (None, None) => Found::Unknown(object.title.clone(), object.keys.keys().cloned().collect()),
    }
}

pub(super) fn listed(names: &[String]) -> String {
    let mut shown: Vec<&str> = names.iter().map(String::as_str).take(LISTED).collect();
    if names.len() > LISTED {
        shown.push("…");
    }
    shown.join(", ")
}

fn is_name(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
