//! Reading tokens into a tree: recursive descent, one function a level of binding, at most
//! [`NESTING`] levels deep, so that no text can exhaust the stack.

mod refuse;

use crate::diag::{Faults, Fragment};

use super::fault;
use super::token::{self, Token, What};
use super::tree::{Arithmetic, By, Comparison, Form, Part, Select};

/// How many brackets, arguments and `!` may stand inside each other.
pub(super) const NESTING: usize = 32;
/// How many parts may stand below each other; what the stack of every later walk is sized for.
const HEIGHT: usize = 96;
/// The longest expression in bytes.
pub(super) const LONGEST: usize = 4096;

/// Parses the whole fragment; `None` after reporting.
pub(super) fn parse(fragment: &Fragment, faults: &mut Faults) -> Option<Part> {
    if fragment.text.len() > LONGEST {
        faults
            .error(
                fault::TOO_LARGE,
                fragment.place_of(0, fragment.text.len()),
                format!(
                    "an expression has at most {LONGEST} bytes, and this one has {}",
                    fragment.text.len()
                ),
            )
            .help("name parts of it under `let:`");
        return None;
    }
    let tokens = token::cut(fragment, faults)?;
    let mut parser = Parser {
        fragment,
        tokens,
        at: 0,
        nesting: 0,
        faults,
    };
    parser.whole().ok()
}

struct Parser<'s, 'f> {
    fragment: &'s Fragment,
    tokens: Vec<Token<'s>>,
    at: usize,
    nesting: usize,
    faults: &'f mut Faults,
}

/// Parsing stopped; why has been reported.
struct Stopped;

type Parsed<T = Part> = Result<T, Stopped>;

impl<'s> Parser<'s, '_> {
    fn whole(&mut self) -> Parsed {
        match self.peek() {
            What::End => {
                return self.stop(0, 0, "there is no expression here", |fault| {
                    fault.help("write one, such as `signal.score >= 0.8`");
                });
            }
            What::Sign(sign @ ("=" | "==")) => {
                let sign = *sign;
                let end = sign.len();
                self.faults
                    .error(
                        fault::EQUALS_SIGN,
                        self.fragment.place_of(0, end),
                        "the expression itself has no `=` before it",
                    )
                    .help("conditions are written without `=`; values begin with exactly one");
                return Err(Stopped);
            }
            _ => {}
        }
        let part = self.expression()?;
        if *self.peek() != What::End {
            return self.not_an_operator();
        }
        Ok(part)
    }

    /// `a ? b : c`, and everything that binds tighter.
    fn expression(&mut self) -> Parsed {
        self.deeper()?;
        let (start, _) = self.span();
        let condition = self.either()?;
        let part = if self.take("?") {
            let then = self.expression()?;
            if !self.take(":") {
                return self.expected("`:` and what it is otherwise", "write `a ? b : c`");
            }
            let otherwise = self.expression()?;
            let height = [&condition, &then, &otherwise].map(|part| part.height);
            self.part(
                Form::Choose(Box::new(condition), Box::new(then), Box::new(otherwise)),
                start,
                height,
            )?
        } else {
            condition
        };
        self.nesting -= 1;
        Ok(part)
    }

    fn either(&mut self) -> Parsed {
        let (start, _) = self.span();
        let first = self.both()?;
        self.run(start, "||", first, Self::both, Form::Or)
    }

    fn both(&mut self) -> Parsed {
        let (start, _) = self.span();
        let first = self.comparison()?;
        self.run(start, "&&", first, Self::comparison, Form::And)
    }

    fn run(
        &mut self,
        start: usize,
        sign: &str,
        first: Part,
        next: fn(&mut Self) -> Parsed,
        form: fn(Vec<Part>) -> Form,
    ) -> Parsed {
        if *self.peek() != sign {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(sign) {
            parts.push(next(self)?);
        }
        let heights: Vec<usize> = parts.iter().map(|part| part.height).collect();
        self.part(form(parts), start, heights)
    }

    fn comparison(&mut self) -> Parsed {
        let (start, _) = self.span();
        let left = self.sum()?;
        let Some(sign) = self.comparison_sign() else {
            return Ok(left);
        };
        self.at += 1;
        let right = self.sum()?;
        let height = [left.height, right.height];
        let (left, right) = (Box::new(left), Box::new(right));
        let form = match sign {
            Some(comparison) => Form::Compare(comparison, left, right),
            None => Form::In(left, right),
        };
        let part = self.part(form, start, height)?;
        if self.comparison_sign().is_some() {
            let (start, end) = self.span();
            return self.stop(start, end, "a comparison has two sides", |fault| {
                fault.help("write `a < b && b < c`, or put the first comparison in parentheses");
            });
        }
        Ok(part)
    }

    /// The comparison that comes next; `Some(None)` for `in`.
    #[expect(clippy::option_option, reason = "`in` is no comparison of its own")]
    fn comparison_sign(&self) -> Option<Option<Comparison>> {
        Some(match self.peek() {
            What::Sign("==") => Some(Comparison::Equal),
            What::Sign("!=") => Some(Comparison::NotEqual),
            What::Sign("<") => Some(Comparison::Less),
            What::Sign("<=") => Some(Comparison::AtMost),
            What::Sign(">") => Some(Comparison::More),
            What::Sign(">=") => Some(Comparison::AtLeast),
            What::Name("in") => None,
            _ => return None,
        })
    }

    fn sum(&mut self) -> Parsed {
        let sign = |what: &What<'_>| match what {
            What::Sign("+") => Some(Arithmetic::Add),
            What::Sign("-") => Some(Arithmetic::Subtract),
            _ => None,
        };
        self.chain(Self::product, sign)
    }

    fn product(&mut self) -> Parsed {
        let sign = |what: &What<'_>| match what {
            What::Sign("*") => Some(Arithmetic::Multiply),
            What::Sign("/") => Some(Arithmetic::Divide),
            What::Sign("%") => Some(Arithmetic::Remainder),
            _ => None,
        };
        self.chain(Self::unary, sign)
    }

    fn chain(
        &mut self,
        next: fn(&mut Self) -> Parsed,
        sign: fn(&What<'_>) -> Option<Arithmetic>,
    ) -> Parsed {
        let (start, _) = self.span();
        let first = next(self)?;
        let mut rest = Vec::new();
        while let Some(arithmetic) = sign(self.peek()) {
            self.at += 1;
            rest.push((arithmetic, next(self)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let heights: Vec<usize> = [first.height]
            .into_iter()
            .chain(rest.iter().map(|(_, part)| part.height))
            .collect();
        self.part(Form::Sum(Box::new(first), rest), start, heights)
    }

    fn unary(&mut self) -> Parsed {
        let (start, _) = self.span();
        let negates = match self.peek() {
            What::Sign("!") => false,
            What::Sign("-") => true,
            _ => return self.postfix(),
        };
        self.at += 1;
        // The smallest int has no positive twin, so its sign is read with its digits.
        if negates && let What::Int(digits) = *self.peek() {
            let (_, end) = self.span();
            let negative = 0_i64.checked_sub_unsigned(digits);
            let Some(whole) = negative else {
                return self.too_large(start, end);
            };
            let next = self.tokens.get(self.at + 1).map(|token| &token.what);
            if !matches!(next, Some(What::Sign("." | "["))) {
                self.at += 1;
                return self.part(Form::Int(whole), start, []);
            }
        }
        self.deeper()?;
        let inner = self.unary()?;
        self.nesting -= 1;
        let height = inner.height;
        let inner = Box::new(inner);
        let form = if negates {
            Form::Negate(inner)
        } else {
            Form::Not(inner)
        };
        self.part(form, start, [height])
    }

    /// `.key`, `.?key`, `[index]`, `[?index]` and `.method(…)` after something.
    fn postfix(&mut self) -> Parsed {
        let (begin, _) = self.span();
        let mut part = self.primary()?;
        loop {
            let (start, _) = self.span();
            if self.take(".") {
                let optional = self.take("?");
                let What::Name(name) = *self.peek() else {
                    return self.expected(
                        "a key after the dot",
                        "a key with other characters stands in brackets: x[\"key\"]",
                    );
                };
                let (name_start, name_end) = self.span();
                self.at += 1;
                if *self.peek() == "(" && !optional {
                    part = self.call(begin, Some(part), name, name_start, name_end)?;
                } else {
                    let select = Select {
                        by: By::Key(name.to_owned()),
                        optional,
                        start,
                        end: name_end,
                    };
                    part = self.select(begin, part, select, 0)?;
                }
            } else if self.take("[") {
                let optional = self.take("?");
                let index = self.expression()?;
                let (_, end) = self.span();
                if !self.take("]") {
                    return self.expected("`]`", "close the bracket after the key or index");
                }
                let height = index.height;
                let select = Select {
                    by: By::Index(index),
                    optional,
                    start,
                    end,
                };
                part = self.select(begin, part, select, height)?;
            } else {
                return Ok(part);
            }
        }
    }

    fn select(&mut self, start: usize, base: Part, select: Select, height: usize) -> Parsed {
        let below = base.height;
        match base.what {
            Form::Path(root, mut selects) => {
                selects.push(select);
                let height = below.saturating_sub(1).max(height);
                self.part(Form::Path(root, selects), start, [height])
            }
            _ => self.part(
                Form::Path(Box::new(base), vec![select]),
                start,
                [below, height],
            ),
        }
    }

    fn call(
        &mut self,
        start: usize,
        target: Option<Part>,
        name: &str,
        name_start: usize,
        name_end: usize,
    ) -> Parsed {
        let mut heights = vec![target.as_ref().map_or(0, |part| part.height)];
        self.at += 1;
        let arguments = self.items(")", "an argument")?;
        heights.extend(arguments.iter().map(|part| part.height));
        let form = Form::Call {
            target: target.map(Box::new),
            name: name.to_owned(),
            name_start,
            name_end,
            arguments,
        };
        self.part(form, start, heights)
    }

    /// Expressions with commas between them, up to and with the closing bracket.
    fn items(&mut self, close: &'static str, what: &str) -> Parsed<Vec<Part>> {
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.expression()?);
            if !self.take(",") && *self.peek() != close {
                return self.expected(
                    &format!("`,` or `{close}` after {what}"),
                    &format!("close it with `{close}`"),
                );
            }
        }
        Ok(items)
    }

    fn primary(&mut self) -> Parsed {
        let (start, end) = self.span();
        let what = self.peek().clone();
        let form = match what {
            What::Int(digits) => match i64::try_from(digits) {
                Ok(whole) => Form::Int(whole),
                Err(_) => return self.too_large(start, end),
            },
            What::Double(double) => Form::Double(double),
            What::Text(text) => Form::Text(text.into_owned()),
            What::Name("true") => Form::Bool(true),
            What::Name("false") => Form::Bool(false),
            What::Name("null") => Form::Null,
            What::Name("in") => return self.expected("a value before `in`", "write `x in [1, 2]`"),
            What::Name(name) => {
                self.at += 1;
                if *self.peek() == "(" {
                    return self.call(start, None, name, start, end);
                }
                if matches!(name, "not" | "NOT") && self.begins_a_value() {
                    return self.foreign(start, end, name, "write `!`");
                }
                return self.part(Form::Name(name.to_owned()), start, []);
            }
            What::Sign("(") => {
                self.at += 1;
                let inner = self.expression()?;
                if !self.take(")") {
                    return self.expected("`)`", "close the parenthesis");
                }
                return Ok(inner);
            }
            What::Sign("[") => {
                self.at += 1;
                let items = self.items("]", "an item")?;
                let heights: Vec<usize> = items.iter().map(|part| part.height).collect();
                return self.part(Form::List(items), start, heights);
            }
            What::Sign("{") => return self.map(start),
            What::Sign("{{") => {
                return self.stop(
                    start,
                    end,
                    "`{{…}}` is for prose, and this is an expression",
                    |fault| {
                        fault.help("write the name without braces");
                    },
                );
            }
            What::Sign(_) | What::End => {
                return self.expected("a value", "write a name, a number, or a text in quotes");
            }
        };
        self.at += 1;
        self.part(form, start, [])
    }

    fn map(&mut self, start: usize) -> Parsed {
        self.at += 1;
        let mut entries = Vec::new();
        let mut heights = Vec::new();
        while !self.take("}") {
            let key = self.expression()?;
            if !self.take(":") {
                return self.expected("`:` after a key", "write `{\"key\": value}`");
            }
            let value = self.expression()?;
            heights.extend([key.height, value.height]);
            entries.push((key, value));
            if !self.take(",") && *self.peek() != "}" {
                return self.expected("`,` or `}` after a value", "close it with `}`");
            }
        }
        self.part(Form::Map(entries), start, heights)
    }

    /// A part that begins at `start` and ends with the token just taken, so that parentheses at its
    /// ends are in it.
    fn part(&mut self, what: Form, start: usize, below: impl IntoIterator<Item = usize>) -> Parsed {
        let (_, end) = self.before();
        let height = below.into_iter().max().map_or(0, |below| below + 1);
        if height > HEIGHT {
            return self.too_deep(start, end);
        }
        Ok(Part {
            what,
            start,
            end,
            height,
        })
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.nesting += 1;
        if self.nesting > NESTING {
            let (start, end) = self.span();
            return self.too_deep(start, end);
        }
        Ok(())
    }

    fn peek(&self) -> &What<'s> {
        self.tokens
            .get(self.at)
            .map_or(&What::End, |token| &token.what)
    }

    fn span(&self) -> (usize, usize) {
        self.tokens
            .get(self.at)
            .or(self.tokens.last())
            .map_or((0, 0), |token| (token.start, token.end))
    }

    /// The token just taken.
    fn before(&self) -> (usize, usize) {
        self.tokens
            .get(self.at.saturating_sub(1))
            .map_or((0, 0), |token| (token.start, token.end))
    }

    fn take(&mut self, sign: &str) -> bool {
        let taken = *self.peek() == sign;
        self.at += usize::from(taken);
        taken
    }

    fn begins_a_value(&self) -> bool {
        match self.peek() {
            What::Name(word) => *word != "in",
            What::Int(_) | What::Double(_) | What::Text(_) => true,
            What::Sign(sign) => *sign == "(",
            What::End => false,
        }
    }
}
