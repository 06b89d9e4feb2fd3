//! Arithmetic: ints exactly or not at all, doubles as IEEE 754 has them, times and durations.

use std::borrow::Cow;
use std::rc::Rc;

use super::super::compare::nearest_double;
use super::super::error::{Error, ErrorKind};
use super::super::moment;
use super::super::node::Node;
use super::super::tree::Arithmetic;
use super::super::value::Value;
use super::{Evaluated, Run};

impl<'a> Run<'_, 'a> {
    pub(super) fn sum(
        self,
        node: &'a Node,
        first: &'a Node,
        rest: &'a [(Arithmetic, Node)],
    ) -> Evaluated<'a> {
        let mut value = self.value(first)?;
        for (arithmetic, next) in rest {
            let other = self.value(next)?;
            let left = (node.start, next.start);
            value = self.combine(node, left, &value, *arithmetic, next, &other)?;
        }
        Ok(value)
    }

    pub(super) fn combine(
        self,
        node: &Node,
        (start, _): (usize, usize),
        a: &Value<'a>,
        arithmetic: Arithmetic,
        right: &Node,
        b: &Value<'a>,
    ) -> Evaluated<'a> {
        use Arithmetic::{Add, Divide, Multiply, Remainder, Subtract};
        let whole = |result: Option<i64>| result.map(Value::Int);
        let combined = match (a, arithmetic, b) {
            (Value::Int(a), Add, Value::Int(b)) => whole(a.checked_add(*b)),
            (Value::Int(a), Subtract, Value::Int(b)) => whole(a.checked_sub(*b)),
            (Value::Int(a), Multiply, Value::Int(b)) => whole(a.checked_mul(*b)),
            (Value::Int(_), Divide | Remainder, Value::Int(0)) => {
                let sentence = format!(
                    "{} is zero, and nothing can be divided by it",
                    self.said(right.start, right.end)
                );
                return Err(Error::new(
                    ErrorKind::Arithmetic(sentence),
                    right.start,
                    right.end,
                ));
            }
            (Value::Int(a), Divide, Value::Int(b)) => whole(a.checked_div(*b)),
            (Value::Int(a), Remainder, Value::Int(b)) => whole(a.checked_rem(*b)),
            (Value::Double(a), _, Value::Double(b)) if arithmetic != Remainder => {
                Some(Value::Double(doubles(*a, arithmetic, *b)))
            }
            (Value::Int(a), _, Value::Double(b)) if arithmetic != Remainder => {
                Some(Value::Double(doubles(nearest_double(*a), arithmetic, *b)))
            }
            (Value::Double(a), _, Value::Int(b)) if arithmetic != Remainder => {
                Some(Value::Double(doubles(*a, arithmetic, nearest_double(*b))))
            }
            (Value::Text(a), Add, Value::Text(b)) => {
                self.spend(node, (a.len() + b.len()) / 64)?;
                Some(Value::Text(Cow::Owned(format!("{a}{b}"))))
            }
            (a, Add, b) if a.is_list() && b.is_list() => Some(self.joined(node, a, b)?),
            (Value::Time(a), Add, Value::Duration(b))
            | (Value::Duration(b), Add, Value::Time(a)) => a.checked_add(*b).ok().map(Value::Time),
            (Value::Time(a), Subtract, Value::Duration(b)) => {
                a.checked_sub(*b).ok().map(Value::Time)
            }
            (Value::Time(a), Subtract, Value::Time(b)) => {
                Some(Value::Duration(a.duration_since(*b)))
            }
            (Value::Duration(a), Add, Value::Duration(b)) => a.checked_add(*b).map(Value::Duration),
            (Value::Duration(a), Subtract, Value::Duration(b)) => {
                a.checked_sub(*b).map(Value::Duration)
            }
            (Value::Duration(span), Multiply, by @ (Value::Int(_) | Value::Double(_)))
            | (by @ (Value::Int(_) | Value::Double(_)), Multiply, Value::Duration(span)) => {
                moment::times(*span, by).map(Value::Duration)
            }
            (Value::Duration(span), Divide, by @ (Value::Int(_) | Value::Double(_))) => {
                moment::divided(*span, by).map(Value::Duration)
            }
            _ => {
                let sentence = format!(
                    "`{}` cannot take {} on its left and {} on its right ({})",
                    arithmetic.sign(),
                    a.what(),
                    b.what(),
                    self.said(right.start, right.end)
                );
                return Err(Error::new(ErrorKind::Sort(sentence), start, right.end));
            }
        };
        combined.ok_or_else(|| self.overflow(node))
    }

    pub(super) fn joined(self, node: &Node, a: &Value<'a>, b: &Value<'a>) -> Evaluated<'a> {
        let (first, second) = (a.count().unwrap_or(0), b.count().unwrap_or(0));
        self.spend(node, first + second)?;
        let items = (0..first)
            .filter_map(|index| a.item(index))
            .chain((0..second).filter_map(|index| b.item(index)));
        Ok(Value::List(Rc::new(items.collect())))
    }
}

fn doubles(a: f64, arithmetic: Arithmetic, b: f64) -> f64 {
    match arithmetic {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => a % b,
    }
}
