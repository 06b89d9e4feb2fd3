//! The values of the names while expressions run.

use std::cell::{Cell, OnceCell};

use super::Expr;
use super::error::{Error, ErrorKind};
use super::names::Names;
use super::value::Value;

/// How many steps one evaluation may take unless the scope says otherwise.
const STEPS: u32 = 100_000;

/// Values in the order of [`Names`]. Cheap to make; the values borrow from the data.
#[derive(Debug)]
pub struct Scope<'a> {
    slots: Vec<Slot<'a>>,
    budget: u32,
    left: Cell<u32>,
}

#[derive(Debug)]
enum Slot<'a> {
    Unset,
    Set(Value<'a>),
    Lazy(&'a Expr, Box<OnceCell<Result<Value<'a>, Error>>>),
}

/// What a slot holds.
pub(super) enum Held<'r, 'a> {
    Value(Value<'a>),
    Lazy(&'a Expr, &'r OnceCell<Result<Value<'a>, Error>>),
}

impl<'a> Scope<'a> {
    /// With every name unset; an unset name is absent.
    pub fn new(names: &Names) -> Self {
        let mut slots = Vec::with_capacity(names.len());
        slots.resize_with(names.len(), || Slot::Unset);
        Self {
            slots,
            budget: STEPS,
            left: Cell::new(STEPS),
        }
    }

    /// Sets the value of a name; `slot` from [`Names::find`]. A slot beyond the names is ignored.
    pub fn set(&mut self, slot: usize, value: Value<'a>) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Slot::Set(value);
        }
    }

    /// Sets what a name under `let` is computed from: at its first use, once, in this scope. The
    /// expression may only use slots below its own; those above are absent to it.
    pub fn set_lazy(&mut self, slot: usize, expr: &'a Expr) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Slot::Lazy(expr, Box::default());
        }
    }

    /// With another bound on the steps of one evaluation, which is 100,000 unless this is called.
    #[must_use]
    pub fn with_budget(mut self, steps: u32) -> Self {
        self.budget = steps;
        self
    }

    /// A scope of its own in which one more name is set, such as the item of a list that is gone
    /// through. Names under `let` are computed anew in it, because they may use the item.
    #[must_use]
    pub fn with_item<'b>(&self, slot: usize, value: Value<'b>) -> Scope<'b>
    where
        'a: 'b,
    {
        let mut slots: Vec<Slot<'b>> = Vec::with_capacity(self.slots.len().max(slot + 1));
        for held in &self.slots {
            slots.push(match held {
                Slot::Unset => Slot::Unset,
                Slot::Set(value) => Slot::Set(value.clone()),
                Slot::Lazy(expr, _) => Slot::Lazy(expr, Box::default()),
            });
        }
        if slots.len() <= slot {
            slots.resize_with(slot + 1, || Slot::Unset);
        }
        if let Some(place) = slots.get_mut(slot) {
            *place = Slot::Set(value);
        }
        Scope {
            slots,
            budget: self.budget,
            left: Cell::new(self.left.get()),
        }
    }

    pub(super) fn begin(&self) {
        self.left.set(self.budget);
    }

    pub(super) fn held(&self, slot: usize) -> Held<'_, 'a> {
        match self.slots.get(slot) {
            None | Some(Slot::Unset) => Held::Value(Value::Absent),
            Some(Slot::Set(value)) => Held::Value(value.clone()),
            Some(Slot::Lazy(expr, cell)) => Held::Lazy(expr, cell),
        }
    }

    pub(super) fn left(&self) -> usize {
        usize::try_from(self.left.get()).unwrap_or(usize::MAX)
    }

    /// Takes `steps` from what is left of this evaluation.
    pub(super) fn spend(&self, steps: usize) -> Result<(), ErrorKind> {
        let left = u32::try_from(steps)
            .ok()
            .and_then(|steps| self.left.get().checked_sub(steps));
        let Some(left) = left else {
            self.left.set(0);
            return Err(ErrorKind::Budget(self.budget));
        };
        self.left.set(left);
        Ok(())
    }
}
