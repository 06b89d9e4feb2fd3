//! The macros: one body for each item, under the budget.

use std::rc::Rc;

use super::super::node::{Each, Node};
use super::super::value::Value;
use super::{Evaluated, Local, Run};

impl<'a> Run<'_, 'a> {
    pub(super) fn each(self, node: &Node, each: Each, parts: &'a [Node; 2]) -> Evaluated<'a> {
        let [over, body] = parts;
        let list = self.value(over)?;
        let Some(count) = list.count() else {
            let sentence = format!(
                "{} is {}, and `{}` goes through a list or the keys of a map",
                self.said(over.start, over.end),
                list.what(),
                each.name()
            );
            return Err(self.sort_error(over, sentence));
        };
        let index = self.locals.map_or(0, |local| local.index + 1);
        let keys = list.is_map();
        let mut kept = Vec::new();
        let mut found = 0_usize;
        let mut failed = None;
        for place in 0..count {
            // Finding the key of a map at a place walks to it.
            self.spend(node, if keys { 1 + place / 16 } else { 1 })?;
            let item = if keys {
                list.key_at(place)
            } else {
                list.item(place)
            };
            let Some(item) = item else { break };
            let local = Local {
                index,
                value: item,
                outer: self.locals,
            };
            let inside = Run {
                locals: Some(&local),
                ..self
            };
            if each == Each::Map {
                match inside.value(body)? {
                    Value::Absent => {}
                    value => kept.push(value),
                }
                continue;
            }
            match inside.truth(body, each.name()) {
                Ok(true) if each == Each::Exists => return Ok(Value::Bool(true)),
                Ok(false) if each == Each::All => return Ok(Value::Bool(false)),
                Ok(true) => {
                    found += 1;
                    if each == Each::Filter {
                        kept.push(local.value);
                    }
                }
                Ok(false) => {}
                Err(error) if matches!(each, Each::Exists | Each::All) && !error.is_budget() => {
                    failed = failed.or(Some(error));
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(match each {
            Each::Exists => Value::Bool(false),
            Each::All => Value::Bool(true),
            Each::ExistsOne => Value::Bool(found == 1),
            Each::Filter | Each::Map => Value::List(Rc::new(kept)),
        })
    }
}
