//! From the tree to what runs: names to slots, types followed along every path, constants folded,
//! and everything said that can be known before there is any data.

mod calls;
mod compares;
mod guard;
mod paths;

use crate::alert::Severity;
use crate::diag::{Faults, Fragment, Place};

use super::eval::Run;
use super::fault;
use super::names::{Names, Type};
use super::node::{Constant, Does, Node, Reads};
use super::scope::Scope;
use super::sort::Sorts;
use super::tree::{Arithmetic, Form, Part};

use guard::Known;

/// What checking gives.
pub(super) struct Checked {
    pub(super) node: Node,
    pub(super) of: Type,
    pub(super) used: Vec<String>,
}

/// Checks a tree; what it gives is only of use when nothing was reported.
pub(super) fn check(
    part: &Part,
    fragment: &Fragment,
    names: &Names,
    faults: &mut Faults,
) -> Checked {
    let mut check = Check {
        before: faults.errors(),
        fragment,
        names,
        faults,
        used: Vec::new(),
        locals: Vec::new(),
        known: Vec::new(),
    };
    let (node, of) = check.node(part);
    Checked {
        node,
        of,
        used: check.used,
    }
}

struct Check<'c, 'f> {
    fragment: &'c Fragment,
    names: &'c Names,
    faults: &'f mut Faults,
    /// How many errors there were before: what follows from a fault is not folded.
    before: usize,
    used: Vec<String>,
    /// The variables of the macros around, the outermost first.
    locals: Vec<(String, Type)>,
    /// The paths that what stands to the left has shown to be there.
    known: Vec<Known>,
}

type Typed = (Node, Type);

impl Check<'_, '_> {
    fn node(&mut self, part: &Part) -> Typed {
        let (does, of) = match &part.what {
            Form::Null => (constant(serde_json::Value::Null), Type::Null),
            Form::Bool(truth) => (constant((*truth).into()), Type::Bool),
            Form::Int(whole) => (constant((*whole).into()), Type::Number),
            Form::Double(double) => (Does::Constant(Constant::Double(*double)), Type::Number),
            Form::Text(text) => (constant(text.as_str().into()), Type::Text),
            Form::Name(name) => self.name(part, name),
            Form::Path(base, selects) => return self.path(part, base, selects),
            Form::Call { .. } => return self.call(part),
            Form::List(items) => self.list(items),
            Form::Map(entries) => self.map(entries),
            Form::Not(inner) => {
                let inner = self.truth(inner, "!");
                (Does::Not(Box::new(inner)), Type::Bool)
            }
            Form::Negate(inner) => self.negate(inner),
            Form::And(parts) => (Does::And(self.run(parts, "&&")), Type::Bool),
            Form::Or(parts) => (Does::Or(self.run(parts, "||")), Type::Bool),
            Form::Compare(comparison, left, right) => self.compare(part, *comparison, left, right),
            Form::In(item, list) => self.is_in(part, item, list),
            Form::Sum(first, rest) => self.sum(first, rest),
            Form::Choose(condition, then, otherwise) => self.choose(condition, then, otherwise),
        };
        (self.folded(does, part), of)
    }

    /// A name that stands alone or at the head of a path.
    fn name(&mut self, part: &Part, name: &str) -> (Does, Type) {
        if let Some(index) = self.local(name) {
            let of = self.locals.get(index).map(|(_, of)| of.clone());
            return (Does::Local(index), of.unwrap_or(Type::Any));
        }
        if let Some((slot, of)) = self.names.find(name) {
            if !self.used.iter().any(|used| used == name) {
                self.used.push(name.to_owned());
            }
            return (Does::Root(slot, reads(of)), of.clone());
        }
        if let Some(severity) = Severity::from_word(name) {
            return (Does::Constant(Constant::Severity(severity)), Type::Severity);
        }
        self.unknown_name(part, name);
        (constant(serde_json::Value::Null), Type::Any)
    }

    fn local(&self, name: &str) -> Option<usize> {
        self.locals.iter().rposition(|(local, _)| local == name)
    }

    fn list(&mut self, items: &[Part]) -> (Does, Type) {
        let (nodes, types) = self.items(items);
        let of = types.into_iter().reduce(Type::or).unwrap_or(Type::Any);
        (Does::List(nodes.into()), Type::List(Box::new(of)))
    }

    fn items(&mut self, items: &[Part]) -> (Vec<Node>, Vec<Type>) {
        items.iter().map(|item| self.node(item)).unzip()
    }

    fn map(&mut self, entries: &[(Part, Part)]) -> (Does, Type) {
        let mut nodes: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
        let mut object = super::names::Object::default();
        for (key, value) in entries {
            let (key_node, key_of) = self.node(key);
            let sorts = Sorts::of_type(&key_of);
            if !sorts.meets(Sorts::TEXT) {
                let said = self.text(key);
                self.error(fault::WRONG_SORT, key, "the keys of a map are texts")
                    .label(format!("this is {}", sorts.words()))
                    .help(format!("put it in quotes: \"{said}\""));
            }
            let twice = key_node
                .constant_text()
                .is_some_and(|text| nodes.iter().any(|(n, _)| n.constant_text() == Some(text)));
            if twice {
                self.error(
                    fault::WRITTEN_TWICE,
                    key,
                    "this key stands twice in the map",
                )
                .help("keep one of them");
                self.node(value);
                continue;
            }
            let (value_node, value_of) = self.node(value);
            match key_node.constant_text() {
                Some(text) => {
                    let always = !Sorts::of_type(&value_of).meets(Sorts::NULL);
                    object.keys.insert(text.to_owned(), (value_of, always));
                }
                None => object.others = Some(Box::new(Type::Any)),
            }
            nodes.push((key_node, value_node));
        }
        (
            Does::Map(nodes.into()),
            Type::Object(std::sync::Arc::new(object)),
        )
    }

    /// A part that must be able to be true or false.
    fn truth(&mut self, part: &Part, sign: &str) -> Node {
        let (node, of) = self.node(part);
        let sorts = Sorts::of_type(&of);
        if !sorts.meets(Sorts::BOOL) {
            let said = self.text(part);
            let fault = self.error(
                fault::WRONG_SORT,
                part,
                format!(
                    "`{sign}` needs a truth value, and this is {}",
                    sorts.words()
                ),
            );
            if sorts.meets(Sorts::LIST.or(Sorts::TEXT)) {
                fault.help(format!("write `size({said}) > 0`"));
            } else {
                fault.help(format!("compare it, such as `{said} != null`"));
            }
        }
        node
    }

    /// The parts of `&&` or `||`; each knows what those before it have shown.
    fn run(&mut self, parts: &[Part], sign: &str) -> Box<[Node]> {
        let mark = self.known.len();
        let mut nodes = Vec::with_capacity(parts.len());
        for part in parts {
            nodes.push(self.truth(part, sign));
            self.learn(part, sign == "&&");
        }
        self.known.truncate(mark);
        nodes.into()
    }

    fn choose(&mut self, condition: &Part, then: &Part, otherwise: &Part) -> (Does, Type) {
        let mark = self.known.len();
        let first = self.truth(condition, "?");
        self.learn(condition, true);
        let (second, then) = self.node(then);
        self.known.truncate(mark);
        self.learn(condition, false);
        let (third, otherwise) = self.node(otherwise);
        self.known.truncate(mark);
        (
            Does::Choose(Box::new([first, second, third])),
            then.or(otherwise),
        )
    }

    fn negate(&mut self, inner: &Part) -> (Does, Type) {
        let (node, of) = self.node(inner);
        let sorts = Sorts::of_type(&of);
        let takes = sorts.and(Sorts::NUMBER.or(Sorts::DURATION));
        if takes.is_empty() {
            self.error(
                fault::WRONG_SORT,
                inner,
                format!("`-` needs a number, and this is {}", sorts.words()),
            )
            .help("take the sign out, or write `int(…)` around a text that holds a number");
        }
        (Does::Negate(Box::new(node)), of_sorts(takes, Type::Any))
    }

    fn sum(&mut self, first: &Part, rest: &[(Arithmetic, Part)]) -> (Does, Type) {
        let (first_node, mut of) = self.node(first);
        let mut nodes = Vec::with_capacity(rest.len());
        for (arithmetic, part) in rest {
            let (node, other) = self.node(part);
            of = self.combined(first, *arithmetic, part, &of, &other);
            nodes.push((*arithmetic, node));
        }
        (Does::Sum(Box::new(first_node), nodes.into()), of)
    }

    fn combined(
        &mut self,
        first: &Part,
        arithmetic: Arithmetic,
        right: &Part,
        a: &Type,
        b: &Type,
    ) -> Type {
        let (a_sorts, b_sorts) = (Sorts::of_type(a), Sorts::of_type(b));
        let gives = arithmetic_gives(arithmetic, a_sorts, b_sorts);
        if gives.is_empty() {
            let sign = arithmetic.sign();
            let text = Sorts::TEXT;
            let help = if arithmetic == Arithmetic::Add && (a_sorts == text || b_sorts == text) {
                "write `string(…)` around what is not a text".to_owned()
            } else if a_sorts.or(b_sorts).meets(text) {
                "write `int(…)` or `double(…)` around a text that holds a number, `timestamp(…)` around a time".to_owned()
            } else {
                "numbers, durations, and times with durations can be computed with".to_owned()
            };
            let place = self.fragment.place_of(first.start, right.end);
            self.faults
                .error(
                    fault::WRONG_SORT,
                    place,
                    format!(
                        "`{sign}` cannot take {} and {}",
                        a_sorts.words(),
                        b_sorts.words()
                    ),
                )
                .help(help);
            return Type::Any;
        }
        if gives == Sorts::LIST {
            return Type::List(Box::new(a.items().or(b.items())));
        }
        of_sorts(gives, Type::Any)
    }

    /// The node, computed already where nothing in it depends on data.
    fn folded(&mut self, does: Does, part: &Part) -> Node {
        let node = Node {
            does,
            start: part.start,
            end: part.end,
        };
        if !is_constant(&node) || self.faults.errors() > self.before {
            return node;
        }
        let scope = Scope::new(&Names::new());
        let value = Run::new(&scope, &self.fragment.text).value(&node);
        match value.map(|value| Constant::of(&value)) {
            Ok(Some(constant)) => Node {
                does: Does::Constant(constant),
                start: part.start,
                end: part.end,
            },
            Ok(None) => node,
            Err(error) => {
                self.faults
                    .error(
                        fault::ALWAYS_FAILS,
                        self.fragment.place_of(error.start, error.end),
                        error.to_string(),
                    )
                    .help("nothing in it depends on data, so it fails always: change it");
                node
            }
        }
    }

    fn place(&self, part: &Part) -> Place {
        self.fragment.place_of(part.start, part.end)
    }

    fn error(
        &mut self,
        code: crate::diag::Code,
        part: &Part,
        message: impl Into<String>,
    ) -> &mut crate::diag::Diagnostic {
        let place = self.place(part);
        self.faults.error(code, place, message)
    }

    /// A part as written, cut for a sentence.
    fn text(&self, part: &Part) -> String {
        let text = self.fragment.text.get(part.start..part.end);
        crate::untrusted::person(text.unwrap_or_default().trim(), 60)
    }
}

fn constant(json: serde_json::Value) -> Does {
    Does::Constant(Constant::Json(json))
}

/// Whether a node only waits to be computed.
fn is_constant(node: &Node) -> bool {
    let known = |node: &Node| node.constant().is_some();
    match &node.does {
        Does::Not(inner) | Does::Negate(inner) => known(inner),
        Does::And(parts) | Does::Or(parts) | Does::List(parts) => parts.iter().all(known),
        Does::Compare(_, sides) | Does::In(sides) => sides.iter().all(known),
        Does::Choose(parts) => parts.iter().all(known),
        Does::Sum(first, rest) => known(first) && rest.iter().all(|(_, node)| known(node)),
        Does::Map(entries) => entries
            .iter()
            .all(|(key, value)| known(key) && known(value)),
        Does::Call(_, arguments, _) => arguments.iter().all(known),
        _ => false,
    }
}

/// What a text under a type is read as.
fn reads(of: &Type) -> Reads {
    let sorts = Sorts::of_type(of).without(Sorts::NULL);
    if sorts == Sorts::TIME {
        Reads::Time
    } else if sorts == Sorts::DURATION {
        Reads::Duration
    } else if sorts == Sorts::SEVERITY {
        Reads::Severity
    } else {
        Reads::AsIs
    }
}

fn arithmetic_gives(arithmetic: Arithmetic, a: Sorts, b: Sorts) -> Sorts {
    use Arithmetic::{Add, Divide, Multiply, Remainder, Subtract};
    const NONE: Sorts = Sorts::ALL.without(Sorts::ALL);
    let (number, text, time) = (Sorts::NUMBER, Sorts::TEXT, Sorts::TIME);
    let (duration, list) = (Sorts::DURATION, Sorts::LIST);
    let rows = [
        (
            &[Add, Subtract, Multiply, Divide, Remainder][..],
            number,
            number,
            number,
        ),
        (&[Add], text, text, text),
        (&[Add], list, list, list),
        (&[Add, Subtract], time, duration, time),
        (&[Add], duration, time, time),
        (&[Subtract], time, time, duration),
        (&[Add, Subtract], duration, duration, duration),
        (&[Multiply, Divide], duration, number, duration),
        (&[Multiply], number, duration, duration),
    ];
    rows.into_iter()
        .filter(|(signs, left, right, _)| {
            signs.contains(&arithmetic) && a.meets(*left) && b.meets(*right)
        })
        .fold(NONE, |gives, (_, _, _, one)| gives.or(one))
}

/// The type of a set of simple sorts; `other` for what is not one.
fn of_sorts(sorts: Sorts, other: Type) -> Type {
    let simple = [
        (Sorts::BOOL, Type::Bool),
        (Sorts::NUMBER, Type::Number),
        (Sorts::TEXT, Type::Text),
        (Sorts::TIME, Type::Time),
        (Sorts::DURATION, Type::Duration),
        (Sorts::SEVERITY, Type::Severity),
        (Sorts::NULL, Type::Null),
    ];
    if sorts.meets(Sorts::LIST.or(Sorts::MAP)) {
        return other;
    }
    simple
        .into_iter()
        .filter(|(sort, _)| sorts.meets(*sort))
        .map(|(_, of)| of)
        .reduce(Type::or)
        .unwrap_or(other)
}
