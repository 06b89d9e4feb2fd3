//! Functions and macros: which there are, and what they are given.

use regex::{Regex, RegexBuilder};

use super::super::fault;
use super::super::function::{FUNCTIONS, Function, Signature, find};
use super::super::names::Type;
use super::super::node::{Does, Each, Node};
use super::super::sort::Sorts;
use super::super::tree::{Form, Part};
use super::{Check, Typed, constant};

/// How much memory one compiled pattern may take, in bytes.
const PATTERN: usize = 1024 * 1024;

/// A call as written.
struct Written<'p> {
    part: &'p Part,
    target: Option<&'p Part>,
    name: &'p str,
    name_start: usize,
    name_end: usize,
    arguments: &'p [Part],
}

impl Check<'_, '_> {
    pub(super) fn call(&mut self, part: &Part) -> Typed {
        let Form::Call {
            target,
            name,
            name_start,
            name_end,
            arguments,
        } = &part.what
        else {
            return (self.nothing(part), Type::Any);
        };
        let written = Written {
            part,
            target: target.as_deref(),
            name,
            name_start: *name_start,
            name_end: *name_end,
            arguments,
        };
        let (does, of) = self.called(&written);
        (self.folded(does, part), of)
    }

    fn called(&mut self, written: &Written<'_>) -> (Does, Type) {
        if written.name == "has" && written.target.is_none() {
            return self.has(written);
        }
        if let (Some(target), Some(each)) = (written.target, Each::from_name(written.name)) {
            return self.each(written, target, each);
        }
        // `regex.extract(…)`, unless something here is called `regex`.
        let space = match written.target.map(|target| &target.what) {
            Some(Form::Name(space)) if !self.is_named(space) => Some(space.as_str()),
            _ => None,
        };
        if let Some(space) = space {
            let whole = format!("{space}.{}", written.name);
            if let Some(signature) = find(&whole) {
                let arguments: Vec<&Part> = written.arguments.iter().collect();
                return self.function(written, signature, &arguments);
            }
            if space == "regex" {
                return self.unknown_function(written, &whole);
            }
        }
        let Some(signature) = find(written.name) else {
            return self.unknown_function(written, written.name);
        };
        let arguments: Vec<&Part> = written
            .target
            .into_iter()
            .chain(written.arguments)
            .collect();
        self.function(written, signature, &arguments)
    }

    fn has(&mut self, written: &Written<'_>) -> (Does, Type) {
        if let [argument] = written.arguments
            && let Form::Path(base, selects) = &argument.what
        {
            let (base, steps, _) = self.steps(base, selects, true);
            return (Does::Has(Box::new(base), steps.into()), Type::Bool);
        }
        self.error(
            fault::WRONG_ARGUMENTS,
            written.part,
            "`has` asks whether one path is there",
        )
        .help("write `has(signal.key)`");
        for argument in written.arguments {
            self.node(argument);
        }
        (constant(false.into()), Type::Bool)
    }

    fn each(&mut self, written: &Written<'_>, target: &Part, each: Each) -> (Does, Type) {
        let (over, over_of) = self.node(target);
        let sorts = Sorts::of_type(&over_of);
        if !sorts.meets(Sorts::LIST.or(Sorts::MAP)) {
            self.error(
                fault::WRONG_SORT,
                target,
                format!(
                    "`{}` goes through a list or the keys of a map, and this is {}",
                    each.name(),
                    sorts.words()
                ),
            )
            .help("call it on a list");
        }
        let [variable, body] = written.arguments else {
            return self.bad_macro(written, each);
        };
        let Form::Name(variable) = &variable.what else {
            return self.bad_macro(written, each);
        };
        let item = match (sorts.meets(Sorts::LIST), sorts.meets(Sorts::MAP)) {
            (true, false) => over_of.items(),
            (false, true) => Type::Text,
            _ => Type::Any,
        };
        let mark = self.known.len();
        self.locals.push((variable.clone(), item.clone()));
        let (body, gives) = if each == Each::Map {
            self.node(body)
        } else {
            (self.truth(body, each.name()), Type::Bool)
        };
        self.locals.pop();
        self.known.truncate(mark);
        let of = match each {
            Each::Exists | Each::ExistsOne | Each::All => Type::Bool,
            Each::Filter => Type::List(Box::new(item)),
            Each::Map => Type::List(Box::new(gives)),
        };
        (Does::Each(each, Box::new([over, body])), of)
    }

    fn bad_macro(&mut self, written: &Written<'_>, each: Each) -> (Does, Type) {
        let target = written
            .target
            .map_or_else(String::new, |part| self.text(part));
        let body = if each == Each::Map {
            "x.key"
        } else {
            "x.key == 1"
        };
        self.error(
            fault::WRONG_ARGUMENTS,
            written.part,
            format!(
                "`{}` takes a name for each item and what to ask of it",
                each.name()
            ),
        )
        .help(format!("write `{target}.{}(x, {body})`", each.name()));
        (constant(serde_json::Value::Null), Type::Any)
    }

    fn function(
        &mut self,
        written: &Written<'_>,
        signature: &Signature,
        arguments: &[&Part],
    ) -> (Does, Type) {
        let count = arguments.len();
        if count < signature.least || count > signature.most {
            let wants = match (signature.least, signature.most) {
                (1, 1) => "one argument".to_owned(),
                (least, most) if least == most => format!("{least} arguments"),
                (least, most) => format!("{least} to {most} arguments"),
            };
            self.error(
                fault::WRONG_ARGUMENTS,
                written.part,
                format!("`{}` takes {wants}, and this has {count}", signature.name),
            )
            .help(format!("write `{}`", signature.usage));
        }
        let mut nodes = Vec::with_capacity(count);
        let mut types = Vec::with_capacity(count);
        for (index, argument) in arguments.iter().enumerate() {
            let (node, of) = self.node(argument);
            let (takes, sorts) = (signature.takes_at(index), Sorts::of_type(&of));
            if index < signature.most && !takes.meets(sorts) {
                self.wrong_argument(signature, argument, takes, sorts);
            }
            nodes.push(node);
            types.push(of);
        }
        let pattern = match (signature.has_pattern(), nodes.get(1), arguments.get(1)) {
            (true, Some(node), Some(part)) => self.pattern(node, part).map(Box::new),
            _ => None,
        };
        if signature.function == Function::Timestamp
            && let (Some(unit), Some(part)) = (nodes.get(1), arguments.get(1))
        {
            self.unit(unit, part);
        }
        let of = signature.function.gives(&types);
        if signature.has_pattern() && pattern.is_none() {
            // Reported already; without its pattern it cannot run.
            return (constant(serde_json::Value::Null), of);
        }
        (Does::Call(signature.function, nodes.into(), pattern), of)
    }

    fn wrong_argument(
        &mut self,
        signature: &Signature,
        argument: &Part,
        takes: Sorts,
        sorts: Sorts,
    ) {
        let said = self.text(argument);
        let fault = self.error(
            fault::WRONG_SORT,
            argument,
            format!(
                "`{}` takes {}, and this is {}",
                signature.name,
                takes.words(),
                sorts.words()
            ),
        );
        if takes == Sorts::TEXT && sorts.meets(Sorts::NUMBER.or(Sorts::BOOL)) {
            fault.help(format!("write `string({said})`"));
        } else if signature.function == Function::Contains && sorts.meets(Sorts::LIST) {
            fault.help(format!("write `x in {said}`"));
        } else {
            fault.help(format!("write `{}`", signature.usage));
        }
    }

    fn unit(&mut self, unit: &Node, part: &Part) {
        if !matches!(unit.constant_text(), Some("s" | "ms" | "us" | "ns")) {
            self.error(
                fault::WRONG_ARGUMENTS,
                part,
                "the unit of `timestamp` is \"s\", \"ms\" or \"ns\"",
            )
            .help("write `timestamp(x, \"ms\")`");
        }
    }

    fn pattern(&mut self, node: &Node, part: &Part) -> Option<Regex> {
        let Some(text) = node.constant_text() else {
            self.error(
                fault::BAD_PATTERN,
                part,
                "a pattern is a constant text, never data",
            )
            .help("write it in quotes: r\"\\d+\"");
            return None;
        };
        let built = RegexBuilder::new(text)
            .size_limit(PATTERN)
            .dfa_size_limit(PATTERN)
            .nest_limit(32)
            .build();
        match built {
            Ok(pattern) => Some(pattern),
            Err(regex::Error::CompiledTooBig(_)) => {
                self.error(fault::BAD_PATTERN, part, "this pattern is too large")
                    .help("repeat less: `\\w{1,1000}` costs a thousand `\\w`");
                None
            }
            Err(error) => {
                let said = error.to_string();
                let why = said.lines().last().unwrap_or_default();
                let why = why.trim().trim_start_matches("error: ").to_owned();
                self.error(fault::BAD_PATTERN, part, "this is no regular expression")
                    .label(why)
                    .help("put a backslash before a sign that stands for itself, in a text that begins with r: r\"\\(\"");
                None
            }
        }
    }

    fn unknown_function(&mut self, written: &Written<'_>, name: &str) -> (Does, Type) {
        for argument in written.arguments {
            // What stands inside may have faults of its own; names of macros' variables do not.
            if !matches!(argument.what, Form::Name(_)) {
                self.node(argument);
            }
        }
        let instead = match name {
            "len" | "length" | "count" => Some("size"),
            "str" | "toString" | "text" => Some("string"),
            "float" | "number" => Some("double"),
            "tolower" | "toLower" | "lowerAscii" | "lowercase" => Some("lower"),
            "toupper" | "toUpper" | "upperAscii" | "uppercase" => Some("upper"),
            "any" | "some" => Some("exists"),
            "every" => Some("all"),
            "select" | "where" => Some("filter"),
            "coalesce" | "orValue" | "get" => Some("default"),
            "includes" => Some("contains"),
            "substring" | "truncate" => Some("cut"),
            "parse_json" | "fromJson" | "parseJson" => Some("json"),
            "extract" => Some("regex.extract"),
            "time" | "date" | "parse_time" => Some("timestamp"),
            _ => None,
        };
        let known = FUNCTIONS.iter().map(|signature| signature.name).chain([
            "has",
            "exists",
            "exists_one",
            "all",
            "filter",
            "map",
        ]);
        let nearest = instead.or_else(|| crate::diag::nearest(name, known.clone()));
        let is_value = written.target.is_none() && self.is_named(name);
        let place = self.fragment.place_of(written.name_start, written.name_end);
        let fault = self.faults.error(
            fault::UNKNOWN_FUNCTION,
            place,
            format!("there is no function `{name}`"),
        );
        if is_value {
            fault.help(format!("`{name}` is a value: write it without parentheses"));
        } else if let Some(meant) = nearest {
            let usage = find(meant).map_or_else(
                || match meant {
                    "has" => "has(signal.key)".to_owned(),
                    each => format!("list.{each}(x, x.key == 1)"),
                },
                |signature| signature.usage.to_owned(),
            );
            fault
                .label(format!("did you mean `{meant}`?"))
                .help(format!("write `{usage}`"));
        } else {
            let names: Vec<&str> = known.collect();
            fault.help(format!("the functions are {}", names.join(", ")));
        }
        (constant(serde_json::Value::Null), Type::Any)
    }

    fn nothing(&self, part: &Part) -> Node {
        let _ = self;
        Node {
            does: constant(serde_json::Value::Null),
            start: part.start,
            end: part.end,
        }
    }
}
