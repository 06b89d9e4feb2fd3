//! Running a checked expression. Every node costs a step, every item of a list another; nothing
//! loops beyond that, and nothing is copied to be looked at.

mod each;
mod sums;

use std::borrow::Cow;
use std::rc::Rc;

use super::call;
use super::compare::{Purse, equal};
use super::error::{Error, ErrorKind};
use super::moment;
use super::node::{Does, Node, Reads, Step, StepBy};
use super::scope::{Held, Scope};
use super::tree::Comparison;
use super::value::Value;
use crate::alert::Severity;

/// How many nodes may stand inside each other, names under `let` counted in.
const DEPTH: usize = 256;

/// One evaluation.
#[derive(Clone, Copy)]
pub(super) struct Run<'r, 'a> {
    pub(super) scope: &'r Scope<'a>,
    /// The text of the expression, for sentences.
    pub(super) source: &'r str,
    locals: Option<&'r Local<'r, 'a>>,
    /// Slots from here on are absent: a `let` sees only what stands before it.
    below: usize,
    depth: usize,
}

/// The value a macro is at, and those of the macros around it.
struct Local<'r, 'a> {
    index: usize,
    value: Value<'a>,
    outer: Option<&'r Local<'r, 'a>>,
}

type Evaluated<'a> = Result<Value<'a>, Error>;

impl<'r, 'a> Run<'r, 'a> {
    pub(super) fn new(scope: &'r Scope<'a>, source: &'r str) -> Self {
        Self {
            scope,
            source,
            locals: None,
            below: usize::MAX,
            depth: 0,
        }
    }

    /// The value of a node.
    pub(super) fn value(self, node: &'a Node) -> Evaluated<'a> {
        let run = Self {
            depth: self.depth + 1,
            ..self
        };
        run.spend(node, 1)?;
        match &node.does {
            Does::Constant(constant) => Ok(constant.value()),
            Does::Root(slot, reads) => Ok(read_as(run.root(node, *slot)?, *reads)),
            Does::Local(index) => Ok(run.local(*index)),
            Does::Path(base, steps, reads) => {
                let base = run.value(base)?;
                run.path(node, base, steps)
                    .map(|value| read_as(value, *reads))
            }
            Does::Has(base, steps) => run.has(base, steps).map(Value::Bool),
            Does::Not(inner) => run.truth(inner, "!").map(|truth| Value::Bool(!truth)),
            Does::Negate(inner) => run.negate(node, inner),
            Does::And(parts) => run.all_or_any(parts, false).map(Value::Bool),
            Does::Or(parts) => run.all_or_any(parts, true).map(Value::Bool),
            Does::Compare(comparison, sides) => {
                run.compare(node, *comparison, sides).map(Value::Bool)
            }
            Does::In(sides) => run.is_in(node, sides).map(Value::Bool),
            Does::Sum(first, rest) => run.sum(node, first, rest),
            Does::Choose(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                if run.truth(condition, "?")? {
                    run.value(then)
                } else {
                    run.value(otherwise)
                }
            }
            Does::List(items) => run.list(items),
            Does::Map(entries) => run.map(entries),
            Does::Call(function, arguments, pattern) => {
                call::call(run, node, *function, arguments, pattern.as_deref())
            }
            Does::Each(each, parts) => run.each(node, *each, parts),
        }
    }

    fn root(self, node: &Node, slot: usize) -> Evaluated<'a> {
        if slot >= self.below {
            return Ok(Value::Absent);
        }
        match self.scope.held(slot) {
            Held::Value(value) => Ok(value),
            Held::Lazy(expr, cell) => {
                let computed = if let Some(computed) = cell.get() {
                    computed.clone()
                } else {
                    let inside = Run {
                        scope: self.scope,
                        source: expr.source(),
                        locals: None,
                        below: slot,
                        depth: self.depth,
                    };
                    let computed = inside.value(expr.root());
                    // Running out of steps or of stack says nothing about the name: another
                    // evaluation, with a new budget, may compute it.
                    let passing =
                        matches!(&computed, Err(error) if error.is_budget() || error.is_too_deep());
                    if !passing {
                        let _ = cell.set(computed.clone());
                    }
                    computed
                };
                computed.map_err(|cause| {
                    let kind = match cause.kind {
                        ErrorKind::Budget(_) | ErrorKind::TooDeep => cause.kind,
                        _ => ErrorKind::Let {
                            name: self.said(node.start, node.end).trim_matches('`').to_owned(),
                            cause: Box::new(cause),
                        },
                    };
                    Error::new(kind, node.start, node.end)
                })
            }
        }
    }

    fn local(self, index: usize) -> Value<'a> {
        let mut local = self.locals;
        while let Some(here) = local {
            if here.index == index {
                return here.value.clone();
            }
            local = here.outer;
        }
        Value::Absent
    }

    fn path(self, node: &Node, base: Value<'a>, steps: &'a [Step]) -> Evaluated<'a> {
        let mut value = base;
        let mut optional = false;
        for step in steps {
            optional |= step.optional;
            if matches!(value, Value::Absent) || (optional && matches!(value, Value::Null)) {
                return Ok(Value::Absent);
            }
            value = match self.step(node, &value, step)? {
                Some(next) => next,
                None if optional => return Ok(Value::Absent),
                None => return Err(self.missing(node, &value, step)),
            };
        }
        Ok(value)
    }

    fn has(self, node: &'a Node, steps: &'a [Step]) -> Result<bool, Error> {
        let Some((last, before)) = steps.split_last() else {
            return Ok(false);
        };
        let base = self.value(node)?;
        let value = self.path(node, base, before)?;
        if matches!(value, Value::Absent) {
            return Ok(false);
        }
        Ok(self.step(node, &value, last)?.is_some())
    }

    /// What one selection gives; `None` when it is not there.
    fn step(self, node: &Node, of: &Value<'a>, step: &'a Step) -> Result<Option<Value<'a>>, Error> {
        let index = match &step.by {
            StepBy::Key(key) if of.is_map() => return Ok(of.key(key)),
            StepBy::Key(_) => {
                return Err(self.no_selection(node, of, step, "has no keys"));
            }
            StepBy::Index(index) => self.value(index)?,
        };
        match &index {
            Value::Text(key) if of.is_map() => Ok(of.key(key)),
            Value::Int(place) if of.is_list() => Ok(usize::try_from(*place)
                .ok()
                .and_then(|place| of.item(place))),
            other if of.is_map() => {
                let why = format!("is a map, and {} is no key of one", other.what());
                Err(self.no_selection(node, of, step, &why))
            }
            other if of.is_list() => {
                let why = format!("is a list, and {} is no place in one", other.what());
                Err(self.no_selection(node, of, step, &why))
            }
            _ => Err(self.no_selection(node, of, step, "has no items")),
        }
    }

    fn no_selection(self, node: &Node, of: &Value<'_>, step: &Step, why: &str) -> Error {
        let before = self.said(node.start, step.start);
        let sentence = if why.starts_with("is ") {
            format!("{before} {why}")
        } else {
            format!("{before} is {} and {why}", of.what())
        };
        Error::new(ErrorKind::Sort(sentence), step.start, step.end)
    }

    fn missing(self, node: &Node, of: &Value<'_>, step: &Step) -> Error {
        let before = self.said(node.start, step.start);
        let sentence = match &step.by {
            StepBy::Key(key) => format!("{before} has no `{key}`"),
            StepBy::Index(_) if of.is_list() => format!(
                "{before} has {} items, and {} is not one of them",
                of.count().unwrap_or(0),
                self.said(step.start, step.end)
            ),
            StepBy::Index(_) => {
                format!("{before} has no {}", self.said(step.start, step.end))
            }
        };
        Error::new(ErrorKind::Missing(sentence), step.start, step.end)
    }

    pub(super) fn truth(self, node: &'a Node, sign: &str) -> Result<bool, Error> {
        match self.value(node)? {
            Value::Bool(truth) => Ok(truth),
            other => Err(self.sort_error(
                node,
                format!(
                    "{} is {}, and `{sign}` needs a truth value",
                    self.said(node.start, node.end),
                    other.what()
                ),
            )),
        }
    }

    /// `&&` with `decides` false, `||` with it true: one part that decides outweighs errors in
    /// others, on whichever side of it they stand.
    fn all_or_any(self, parts: &'a [Node], decides: bool) -> Result<bool, Error> {
        let sign = if decides { "||" } else { "&&" };
        let mut failed = None;
        for part in parts {
            match self.truth(part, sign) {
                Ok(truth) if truth == decides => return Ok(decides),
                Ok(_) => {}
                Err(error) if error.is_budget() => return Err(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(!decides), Err)
    }

    fn negate(self, node: &Node, inner: &'a Node) -> Evaluated<'a> {
        let value = self.value(inner)?;
        let negated = match &value {
            Value::Int(whole) => whole.checked_neg().map(Value::Int),
            Value::Double(double) => Some(Value::Double(-double)),
            Value::Duration(duration) => duration.checked_neg().map(Value::Duration),
            other => {
                let sentence = format!(
                    "{} is {}, and `-` needs a number",
                    self.said(inner.start, inner.end),
                    other.what()
                );
                return Err(self.sort_error(inner, sentence));
            }
        };
        negated.ok_or_else(|| self.overflow(node))
    }

    fn compare(
        self,
        node: &Node,
        comparison: Comparison,
        sides: &'a [Node; 2],
    ) -> Result<bool, Error> {
        let [left, right] = sides;
        let (a, b) = (self.value(left)?, self.value(right)?);
        if !comparison.orders() {
            let same = self.equal(node, &a, &b)?;
            return Ok(same == (comparison == Comparison::Equal));
        }
        let Some(order) = a.order(&b) else {
            // Two numbers without an order: one is NaN, and every comparison with it is false.
            if matches!(
                (&a, &b),
                (
                    Value::Int(_) | Value::Double(_),
                    Value::Int(_) | Value::Double(_)
                )
            ) {
                return Ok(false);
            }
            return Err(self.no_order(comparison, (left, &a), (right, &b)));
        };
        Ok(comparison.holds(order))
    }

    fn no_order(
        self,
        comparison: Comparison,
        (left, a): (&Node, &Value<'_>),
        (right, b): (&Node, &Value<'_>),
    ) -> Error {
        // The fault is with what is not constant, or with what is not there.
        let (at, is, other) = if (right.constant().is_none() && left.constant().is_some())
            || (b.is_nothing() && !a.is_nothing())
        {
            (right, b, a)
        } else {
            (left, a, b)
        };
        let sign = comparison.sign();
        let said = self.said(at.start, at.end);
        let sentence = match (is, other) {
            (Value::Text(_), Value::Severity(_)) => {
                format!("{said} is a text that names no severity")
            }
            (is, other) if is.what() == other.what() => {
                format!(
                    "{said} is {}, and `{sign}` orders no two of them",
                    is.what()
                )
            }
            (is, other) => format!(
                "{said} is {}, and `{sign}` compares it with {}",
                is.what(),
                other.what()
            ),
        };
        self.sort_error(at, sentence)
    }

    /// Equality, paid for.
    pub(super) fn equal(self, node: &Node, a: &Value<'_>, b: &Value<'_>) -> Result<bool, Error> {
        let at_most = self.scope.left();
        let mut purse = Purse(at_most);
        let answer = equal(a, b, &mut purse).ok();
        let spent = match answer {
            Some(_) => at_most - purse.0,
            None => usize::MAX,
        };
        self.spend(node, spent)?;
        Ok(answer.unwrap_or(false))
    }

    fn is_in(self, node: &Node, sides: &'a [Node; 2]) -> Result<bool, Error> {
        let [sought, list] = sides;
        let item = self.value(sought)?;
        let within = self.value(list)?;
        if within.is_map() {
            if item.is_list() || item.is_map() {
                let sentence = format!(
                    "{} is {}, and the keys of a map are texts",
                    self.said(sought.start, sought.end),
                    item.what()
                );
                return Err(self.sort_error(sought, sentence));
            }
            return Ok(match &item {
                Value::Text(key) => within.key(key).is_some(),
                _ => false,
            });
        }
        if !within.is_list() {
            let sentence = format!(
                "{} is {}, and `in` looks into a list or a map",
                self.said(list.start, list.end),
                within.what()
            );
            return Err(self.sort_error(list, sentence));
        }
        for index in 0..within.count().unwrap_or(0) {
            self.spend(node, 1)?;
            if let Some(one) = within.item(index)
                && self.equal(node, &item, &one)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn list(self, items: &'a [Node]) -> Evaluated<'a> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match self.value(item)? {
                Value::Absent => {}
                value => values.push(value),
            }
        }
        Ok(Value::List(Rc::new(values)))
    }

    fn map(self, entries: &'a [(Node, Node)]) -> Evaluated<'a> {
        let mut values: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let name = match self.value(key)? {
                Value::Text(name) => name,
                other => {
                    let sentence = format!(
                        "{} is {}, and the keys of a map are texts",
                        self.said(key.start, key.end),
                        other.what()
                    );
                    return Err(self.sort_error(key, sentence));
                }
            };
            if values.iter().any(|(known, _)| *known == name) {
                let sentence = format!("{} is twice in one map", self.said(key.start, key.end));
                return Err(self.sort_error(key, sentence));
            }
            match self.value(value)? {
                Value::Absent => {}
                value => values.push((name, value)),
            }
        }
        Ok(Value::Map(Rc::new(values)))
    }
}

/// Errors, and what an evaluation costs.
impl Run<'_, '_> {
    pub(super) fn spend(self, node: &Node, steps: usize) -> Result<(), Error> {
        if self.depth > DEPTH {
            return Err(Error::new(ErrorKind::TooDeep, node.start, node.end));
        }
        self.scope
            .spend(steps)
            .map_err(|kind| Error::new(kind, node.start, node.end))
    }

    /// A part of the expression, in backticks, cut.
    pub(super) fn said(self, start: usize, end: usize) -> String {
        let text = self.source.get(start..end).unwrap_or_default().trim();
        format!("`{}`", crate::untrusted::cut(text, 60))
    }

    #[expect(clippy::unused_self, reason = "reads like the other errors of a run")]
    pub(super) fn sort_error(self, node: &Node, sentence: String) -> Error {
        Error::new(ErrorKind::Sort(sentence), node.start, node.end)
    }

    fn overflow(self, node: &Node) -> Error {
        let sentence = format!("{} is out of range", self.said(node.start, node.end));
        Error::new(ErrorKind::Arithmetic(sentence), node.start, node.end)
    }
}

/// A text where the type says that it is a time, a duration or a severity.
fn read_as(value: Value<'_>, reads: Reads) -> Value<'_> {
    let Value::Text(text) = &value else {
        return value;
    };
    let read = match reads {
        Reads::AsIs => None,
        Reads::Time => moment::read_time(text).map(Value::Time),
        Reads::Duration => moment::read_duration(text).map(Value::Duration),
        Reads::Severity => Severity::from_word(text).map(Value::Severity),
    };
    read.unwrap_or(value)
}
