//! What the functions do.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

use regex::Regex;
use serde_json::Value as Json;

use super::compare::{nearest_double, whole_part};
use super::error::{Error, ErrorKind};
use super::eval::Run;
use super::function::{self, Function};
use super::moment;
use super::node::Node;
use super::sort::Sorts;
use super::value::Value;

/// The longest text that `json(…)` reads, in bytes.
const LONGEST_JSON: usize = 1024 * 1024;

/// Calls a function.
pub(super) fn call<'a>(
    run: Run<'_, 'a>,
    node: &'a Node,
    function: Function,
    arguments: &'a [Node],
    pattern: Option<&'a Regex>,
) -> Result<Value<'a>, Error> {
    let mut values = Vec::new();
    // The commonest calls have one or two arguments, and a pattern is not evaluated.
    let evaluated = if pattern.is_some() {
        1
    } else {
        arguments.len()
    };
    let signature = function::find(function.name());
    for (index, argument) in arguments.iter().take(evaluated).enumerate() {
        let value = run.value(argument)?;
        let takes = signature.map_or(Sorts::ALL, |known| known.takes_at(index));
        if !takes.meets(Sorts::of_value(&value)) {
            let sentence = format!(
                "{} is {}, and `{}` takes {}",
                run.said(argument.start, argument.end),
                value.what(),
                function.name(),
                takes.words()
            );
            return Err(run.sort_error(argument, sentence));
        }
        values.push(value);
    }
    let call = Call {
        run,
        node,
        function,
        arguments,
    };
    let mut values = values.into_iter();
    let first = values.next().unwrap_or(Value::Absent);
    let second = values.next();
    match (function, pattern) {
        (Function::Matches, Some(pattern)) => call.matches(&first, pattern),
        (Function::Extract, Some(pattern)) => call.extract(&first, pattern),
        (Function::Min | Function::Max, _) => call.extreme(first, second, values),
        _ => match second {
            None => call.with_one(first),
            Some(second) => call.with_two(first, &second, values.next().as_ref()),
        },
    }
}

struct Call<'r, 'a> {
    run: Run<'r, 'a>,
    node: &'a Node,
    function: Function,
    arguments: &'a [Node],
}

impl<'a> Call<'_, 'a> {
    fn with_one(&self, value: Value<'a>) -> Result<Value<'a>, Error> {
        match self.function {
            Function::Size => self.size(&value),
            Function::Int => self.int(&value),
            Function::Double => match &value {
                Value::Int(whole) => Ok(Value::Double(nearest_double(*whole))),
                Value::Double(_) => Ok(value),
                Value::Text(text) => read_double(text)
                    .map(Value::Double)
                    .ok_or_else(|| self.unreadable("a number")),
                _ => Err(self.unreadable("a number")),
            },
            Function::String => Ok(match value {
                Value::Text(_) => value,
                Value::Bool(truth) => text(truth.to_string()),
                Value::Int(whole) => text(whole.to_string()),
                Value::Double(double) => text(double.to_string()),
                other => match other.to_json() {
                    Some(Json::String(written)) => text(written),
                    _ => return Err(self.unreadable("a text")),
                },
            }),
            Function::Duration => match &value {
                Value::Text(text) => moment::read_duration(text)
                    .map(Value::Duration)
                    .ok_or_else(|| self.unreadable("a duration such as `90s` or `1h30m`")),
                _ => Ok(value),
            },
            Function::Timestamp => match &value {
                Value::Text(text) => moment::read_time(text)
                    .map(Value::Time)
                    .ok_or_else(|| self.unreadable("a time as RFC 3339 writes it")),
                Value::Time(_) => Ok(value),
                number => self.since_1970(number, "s"),
            },
            Function::Lower => self.change_case(value, str::to_lowercase),
            Function::Upper => self.change_case(value, str::to_uppercase),
            Function::Json => self.json(&value),
            Function::Sum => self.total(&value),
            Function::Flatten => self.flatten(&value),
            _ => Err(self.unreadable("what it needs")),
        }
    }

    fn with_two(
        &self,
        first: Value<'a>,
        second: &Value<'a>,
        third: Option<&Value<'a>>,
    ) -> Result<Value<'a>, Error> {
        match (self.function, &first, second) {
            (Function::Default, _, _) => Ok(if first.is_nothing() {
                second.clone()
            } else {
                first
            }),
            (Function::Contains, Value::Text(text), Value::Text(part)) => {
                self.pay_for(text)?;
                Ok(Value::Bool(text.contains(part.as_ref())))
            }
            (Function::StartsWith, Value::Text(text), Value::Text(part)) => {
                Ok(Value::Bool(text.starts_with(part.as_ref())))
            }
            (Function::EndsWith, Value::Text(text), Value::Text(part)) => {
                Ok(Value::Bool(text.ends_with(part.as_ref())))
            }
            (Function::Timestamp, _, Value::Text(unit)) => self.since_1970(&first, unit),
            (Function::Cut, Value::Text(_), Value::Int(at_most)) => {
                let at_most = usize::try_from(*at_most).unwrap_or(0);
                self.change_case(first, |text| crate::untrusted::cut(text, at_most))
            }
            (Function::Entries, _, Value::Text(key)) => match third {
                Some(Value::Text(value)) => self.entries(&first, key, value),
                _ => Err(self.unreadable("a list of entries")),
            },
            _ => Err(self.unreadable("what it needs")),
        }
    }

    fn size(&self, value: &Value<'_>) -> Result<Value<'a>, Error> {
        let count = match value {
            Value::Text(text) => {
                self.pay_for(text)?;
                text.chars().count()
            }
            other => other.count().unwrap_or(0),
        };
        Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)))
    }

    fn int(&self, value: &Value<'_>) -> Result<Value<'a>, Error> {
        let whole = match value {
            Value::Int(whole) => Some(*whole),
            Value::Double(double) => {
                // Doubles from here on have no fraction left and do not fit.
                (double.abs() < 9_223_372_036_854_775_808.0).then(|| whole_part(*double))
            }
            Value::Text(text) => text.parse().ok(),
            Value::Time(time) => Some(time.as_second()),
            _ => None,
        };
        whole
            .map(Value::Int)
            .ok_or_else(|| self.unreadable("a whole number that fits an int"))
    }

    fn since_1970(&self, value: &Value<'_>, unit: &str) -> Result<Value<'a>, Error> {
        moment::time_since_1970(value, unit)
            .map(Value::Time)
            .ok_or_else(|| {
                self.unreadable("a number of seconds, milliseconds or nanoseconds since 1970")
            })
    }

    fn change_case(
        &self,
        value: Value<'a>,
        change: impl FnOnce(&str) -> String,
    ) -> Result<Value<'a>, Error> {
        let Value::Text(written) = &value else {
            return Ok(value);
        };
        self.pay_for(written)?;
        let changed = change(written);
        Ok(if *written == changed {
            value
        } else {
            text(changed)
        })
    }

    fn matches(&self, value: &Value<'_>, pattern: &Regex) -> Result<Value<'a>, Error> {
        let Value::Text(text) = value else {
            return Err(self.unreadable("a text"));
        };
        self.pay_for(text)?;
        Ok(Value::Bool(pattern.is_match(text)))
    }

    /// The first group, or the whole match where the pattern has none; null without a match.
    fn extract(&self, value: &Value<'a>, pattern: &Regex) -> Result<Value<'a>, Error> {
        let Value::Text(written) = value else {
            return Err(self.unreadable("a text"));
        };
        self.pay_for(written)?;
        let group = usize::from(pattern.captures_len() > 1);
        let found = match written {
            Cow::Borrowed(written) => pattern
                .captures(written)
                .and_then(|found| found.get(group))
                .map(|found| Cow::Borrowed(found.as_str())),
            Cow::Owned(written) => pattern
                .captures(written)
                .and_then(|found| found.get(group))
                .map(|found| Cow::Owned(found.as_str().to_owned())),
        };
        Ok(found.map_or(Value::Null, Value::Text))
    }

    fn extreme(
        &self,
        first: Value<'a>,
        second: Option<Value<'a>>,
        rest: impl Iterator<Item = Value<'a>>,
    ) -> Result<Value<'a>, Error> {
        let wanted = if self.function == Function::Min {
            Ordering::Less
        } else {
            Ordering::Greater
        };
        let mut best = None;
        if let Some(second) = second {
            for value in [first, second].into_iter().chain(rest) {
                best = Some(self.better(best, value, wanted)?);
            }
        } else if first.is_list() {
            for index in 0..first.count().unwrap_or(0) {
                self.run.spend(self.node, 1)?;
                if let Some(value) = first.item(index) {
                    best = Some(self.better(best, value, wanted)?);
                }
            }
        } else {
            best = Some(first);
        }
        Ok(best.unwrap_or(Value::Absent))
    }

    fn better(
        &self,
        best: Option<Value<'a>>,
        value: Value<'a>,
        wanted: Ordering,
    ) -> Result<Value<'a>, Error> {
        let Some(best) = best else {
            return match value.order(&value) {
                Some(_) => Ok(value),
                None => Err(self.no_order(&value, &value)),
            };
        };
        match value.order(&best) {
            Some(order) if order == wanted => Ok(value),
            Some(_) => Ok(best),
            None => Err(self.no_order(&best, &value)),
        }
    }

    fn no_order(&self, a: &Value<'_>, b: &Value<'_>) -> Error {
        let sentence = format!(
            "`{}` cannot order {} and {}",
            self.function.name(),
            a.what(),
            b.what()
        );
        self.run.sort_error(self.node, sentence)
    }

    fn total(&self, list: &Value<'a>) -> Result<Value<'a>, Error> {
        let mut total: Option<Value<'a>> = None;
        for index in 0..list.count().unwrap_or(0) {
            self.run.spend(self.node, 1)?;
            let Some(value) = list.item(index) else {
                break;
            };
            total = Some(match (total, value) {
                (None, value @ (Value::Int(_) | Value::Double(_) | Value::Duration(_))) => value,
                (Some(Value::Int(a)), Value::Int(b)) => {
                    Value::Int(a.checked_add(b).ok_or_else(|| self.overflow())?)
                }
                (Some(Value::Int(a)), Value::Double(b)) => Value::Double(nearest_double(a) + b),
                (Some(Value::Double(a)), Value::Int(b)) => Value::Double(a + nearest_double(b)),
                (Some(Value::Double(a)), Value::Double(b)) => Value::Double(a + b),
                (Some(Value::Duration(a)), Value::Duration(b)) => {
                    Value::Duration(a.checked_add(b).ok_or_else(|| self.overflow())?)
                }
                (_, value) => {
                    let sentence = format!(
                        "`sum` adds numbers or durations, and one item is {}",
                        value.what()
                    );
                    return Err(self.run.sort_error(self.node, sentence));
                }
            });
        }
        Ok(total.unwrap_or(Value::Int(0)))
    }

    fn flatten(&self, list: &Value<'a>) -> Result<Value<'a>, Error> {
        let mut flat = Vec::new();
        for index in 0..list.count().unwrap_or(0) {
            self.run.spend(self.node, 1)?;
            let Some(inner) = list.item(index) else {
                break;
            };
            if inner.is_list() {
                let count = inner.count().unwrap_or(0);
                self.run.spend(self.node, count)?;
                flat.extend((0..count).filter_map(|index| inner.item(index)));
            } else {
                flat.push(inner);
            }
        }
        Ok(Value::List(Rc::new(flat)))
    }

    /// `[{key: k, value: v}]` as `{k: v}`; of a key that stands twice the last counts.
    fn entries(&self, list: &Value<'a>, key: &str, value: &str) -> Result<Value<'a>, Error> {
        let mut entries: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
        for index in 0..list.count().unwrap_or(0) {
            let Some(item) = list.item(index) else {
                break;
            };
            self.run.spend(self.node, 1 + entries.len() / 16)?;
            let Some(Value::Text(name)) = item.key(key) else {
                let sentence =
                    format!("an item of the list of `entries` has no text under `{key}`");
                return Err(self.run.sort_error(self.node, sentence));
            };
            let Some(held) = item.key(value) else {
                continue;
            };
            match entries.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = held,
                None => entries.push((name, held)),
            }
        }
        Ok(Value::Map(Rc::new(entries)))
    }

    fn json(&self, value: &Value<'_>) -> Result<Value<'a>, Error> {
        let Value::Text(text) = value else {
            return Err(self.unreadable("a text"));
        };
        if text.len() > LONGEST_JSON {
            return Err(self.unreadable("JSON of at most 1 MiB"));
        }
        self.run.spend(self.node, text.len() / 32)?;
        // The parser refuses more than 128 levels.
        serde_json::from_str::<Json>(text)
            .map(owned)
            .map_err(|_| self.unreadable("JSON"))
    }

    /// A function over a long text costs more than one step.
    fn pay_for(&self, text: &str) -> Result<(), Error> {
        self.run.spend(self.node, text.len() / 256)
    }

    fn overflow(&self) -> Error {
        let said = self.run.said(self.node.start, self.node.end);
        let kind = ErrorKind::Arithmetic(format!("{said} is out of range"));
        Error::new(kind, self.node.start, self.node.end)
    }

    fn unreadable(&self, what: &str) -> Error {
        let at = self.arguments.first().unwrap_or(self.node);
        let said = self.run.said(at.start, at.end);
        let kind = ErrorKind::Unreadable(format!("{said} does not hold {what}"));
        Error::new(kind, at.start, at.end)
    }
}

fn text<'a>(text: String) -> Value<'a> {
    Value::Text(Cow::Owned(text))
}

/// A number as JSON, Python and CEL write it; `NaN` and `Infinity` are doubles.
fn read_double(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// JSON that nobody else keeps.
fn owned<'a>(json: Json) -> Value<'a> {
    match json {
        Json::String(written) => text(written),
        Json::Array(items) => Value::List(Rc::new(items.into_iter().map(owned).collect())),
        Json::Object(entries) => Value::Map(Rc::new(
            entries
                .into_iter()
                .map(|(key, value)| (Cow::Owned(key), owned(value)))
                .collect(),
        )),
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => number
            .as_i64()
            .map(Value::Int)
            .or(number.as_f64().map(Value::Double))
            .unwrap_or(Value::Null),
    }
}
