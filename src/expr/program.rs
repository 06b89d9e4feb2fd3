//! A compiled expression.

use crate::diag::{Faults, Fragment, Place};

use super::check;
use super::error::{Error, ErrorKind};
use super::eval::Run;
use super::fault;
use super::names::{Names, Type};
use super::node::{Does, Node, Reads};
use super::parse;
use super::scope::Scope;
use super::sort::Sorts;
use super::value::Value;

/// A condition or a value, compiled; runs as often as wanted, from any thread.
#[derive(Debug, Clone)]
pub struct Expr {
    fragment: Fragment,
    root: Node,
    of: Type,
    /// The names it uses, each once.
    used: Vec<Used>,
}

/// A name in an expression.
#[derive(Debug, Clone)]
struct Used {
    name: String,
    /// The keys below it that are read; `None`: perhaps all of it.
    keys: Option<Vec<String>>,
}

impl Used {
    fn of(name: String, names: &Names, root: &Node) -> Self {
        let mut keys = Vec::new();
        let only = names
            .find(&name)
            .is_some_and(|(slot, _)| root.keys_of(slot, &mut keys));
        let keys = only.then(|| keys.into_iter().map(str::to_owned).collect());
        Self { name, keys }
    }
}

impl Expr {
    /// Parses and checks; reports every fault at its place. `None` if there was an error.
    pub fn compile(fragment: &Fragment, names: &Names, faults: &mut Faults) -> Option<Self> {
        let before = faults.errors();
        let part = parse::parse(fragment, faults)?;
        let checked = check::check(&part, fragment, names, faults);
        (faults.errors() == before).then(|| Self {
            fragment: fragment.clone(),
            used: checked
                .used
                .into_iter()
                .map(|name| Used::of(name, names, &checked.node))
                .collect(),
            root: checked.node,
            of: checked.of,
        })
    }

    /// As [`Expr::compile`], for a condition: it must be able to be true or false, and, as far as is known
    /// of the names, to be true.
    pub fn condition(fragment: &Fragment, names: &Names, faults: &mut Faults) -> Option<Self> {
        let expr = Self::compile(fragment, names, faults)?;
        let sorts = Sorts::of_type(&expr.of);
        if sorts.meets(Sorts::BOOL) {
            return (!expr.tell_never(names, faults)).then_some(expr);
        }
        let fault = faults.error(
            fault::NO_TRUTH_VALUE,
            fragment.place_of(expr.root.start, expr.root.end),
            format!(
                "a condition is true or false, and this is {}",
                sorts.words()
            ),
        );
        if sorts.meets(Sorts::NUMBER) {
            fault.help(format!(
                "compare it, such as `{} > 0`",
                expr.source().trim()
            ));
        } else if sorts.meets(Sorts::TEXT) {
            fault.help(format!(
                "compare it, such as `{} == \"…\"`",
                expr.source().trim()
            ));
        } else {
            fault.help("compare it with something");
        }
        None
    }

    /// Its value. What it borrows lives as long as the data in the scope.
    pub fn eval<'a>(&'a self, scope: &Scope<'a>) -> Result<Value<'a>, Error> {
        scope.begin();
        Run::new(scope, self.source()).value(&self.root)
    }

    /// Whether a condition holds. Anything but a truth value is an error, absent and null too.
    pub fn holds<'a>(&'a self, scope: &Scope<'a>) -> Result<bool, Error> {
        match self.eval(scope)? {
            Value::Bool(truth) => Ok(truth),
            other => Err(Error::new(
                ErrorKind::Sort(format!(
                    "a condition is true or false, and this is {}",
                    other.what()
                )),
                self.root.start,
                self.root.end,
            )),
        }
    }

    /// What is known of its value.
    pub fn of(&self) -> &Type {
        &self.of
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.fragment.text
    }

    /// The place of a part of it in its file.
    pub fn place_of(&self, start: usize, end: usize) -> Place {
        self.fragment.place_of(start, end)
    }

    /// The place of all of it in its file.
    pub fn place(&self) -> Place {
        self.place_of(self.root.start, self.root.end)
    }

    /// Whether its value is the same for all data.
    pub fn is_constant(&self) -> bool {
        self.used.is_empty()
    }

    /// Whether a name occurs in it.
    pub fn uses(&self, name: &str) -> bool {
        self.used.iter().any(|used| used.name == name)
    }

    /// Whether it may read what stands under `key` in the value of `name`. What is not read need not be
    /// made. Does not follow names under `let`.
    pub fn reads(&self, name: &str, key: &str) -> bool {
        let mut used = self.used.iter().filter(|used| used.name == name);
        used.any(|used| match &used.keys {
            Some(keys) => keys.iter().any(|read| read == key),
            None => true,
        })
    }

    /// What it reads of the name in `slot`: keys below it, as far as they are known before it runs. One
    /// without keys stands for all of it. Does not follow names under `let`.
    pub fn paths(&self, slot: usize) -> Vec<Vec<&str>> {
        let mut paths = Vec::new();
        self.root.paths_of(slot, &mut paths);
        paths
    }

    /// Whether it is a path that may lead to nothing, by `.?` or `[?…]`.
    pub fn may_be_absent(&self) -> bool {
        match &self.root.does {
            Does::Path(_, steps, _) => steps.iter().any(|step| step.optional),
            _ => false,
        }
    }

    /// Whether it is that name and nothing else.
    pub fn is_name(&self, name: &str) -> bool {
        matches!(self.root.does, Does::Root(_, Reads::AsIs)) && self.uses(name)
    }

    /// The names it uses, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.used.iter().map(|used| used.name.as_str())
    }

    pub(super) fn root(&self) -> &Node {
        &self.root
    }
}
