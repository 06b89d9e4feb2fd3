//! The functions there are, and what each takes.

use super::names::Type;
use super::sort::Sorts;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    Int,
    Double,
    String,
    Duration,
    Timestamp,
    Default,
    Lower,
    Upper,
    Cut,
    Json,
    Min,
    Max,
    Sum,
    Flatten,
    Entries,
    Extract,
}

/// How a function is called and what it takes and gives.
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) function: Function,
    /// One entry for each argument; those from `least` on may be left out. `min` and `max` repeat
    /// their last one.
    pub(super) takes: &'static [Sorts],
    pub(super) least: usize,
    pub(super) most: usize,
    /// What to write.
    pub(super) usage: &'static str,
}

const ORDERED: Sorts = Sorts::NUMBER
    .or(Sorts::TEXT)
    .or(Sorts::TIME)
    .or(Sorts::DURATION)
    .or(Sorts::SEVERITY);
const SIMPLE: Sorts = ORDERED.or(Sorts::BOOL);

const fn signature(
    name: &'static str,
    function: Function,
    takes: &'static [Sorts],
    least: usize,
    usage: &'static str,
) -> Signature {
    Signature {
        name,
        function,
        takes,
        least,
        most: takes.len(),
        usage,
    }
}

/// All of them.
pub(super) static FUNCTIONS: [Signature; 21] = [
    signature(
        "size",
        Function::Size,
        &[Sorts::TEXT.or(Sorts::LIST).or(Sorts::MAP)],
        1,
        "size(x)",
    ),
    signature(
        "contains",
        Function::Contains,
        &[Sorts::TEXT, Sorts::TEXT],
        2,
        "text.contains(\"part\")",
    ),
    signature(
        "startsWith",
        Function::StartsWith,
        &[Sorts::TEXT, Sorts::TEXT],
        2,
        "text.startsWith(\"part\")",
    ),
    signature(
        "endsWith",
        Function::EndsWith,
        &[Sorts::TEXT, Sorts::TEXT],
        2,
        "text.endsWith(\"part\")",
    ),
    signature(
        "matches",
        Function::Matches,
        &[Sorts::TEXT, Sorts::TEXT],
        2,
        "text.matches(\"pattern\")",
    ),
    signature(
        "int",
        Function::Int,
        &[Sorts::NUMBER.or(Sorts::TEXT).or(Sorts::TIME)],
        1,
        "int(x)",
    ),
    signature(
        "double",
        Function::Double,
        &[Sorts::NUMBER.or(Sorts::TEXT)],
        1,
        "double(x)",
    ),
    signature("string", Function::String, &[SIMPLE], 1, "string(x)"),
    signature(
        "duration",
        Function::Duration,
        &[Sorts::TEXT.or(Sorts::DURATION)],
        1,
        "duration(\"1h30m\")",
    ),
    signature(
        "timestamp",
        Function::Timestamp,
        &[Sorts::TEXT.or(Sorts::NUMBER).or(Sorts::TIME), Sorts::TEXT],
        1,
        "timestamp(text), or timestamp(number, \"s\") with \"s\", \"ms\" or \"ns\"",
    ),
    signature(
        "default",
        Function::Default,
        &[Sorts::ALL, Sorts::ALL],
        2,
        "default(x.?key, \"otherwise\")",
    ),
    signature("lower", Function::Lower, &[Sorts::TEXT], 1, "lower(text)"),
    signature("upper", Function::Upper, &[Sorts::TEXT], 1, "upper(text)"),
    signature(
        "cut",
        Function::Cut,
        &[Sorts::TEXT, Sorts::NUMBER],
        2,
        "cut(text, 200)",
    ),
    signature("json", Function::Json, &[Sorts::TEXT], 1, "json(text)"),
    Signature {
        name: "min",
        function: Function::Min,
        takes: &[ORDERED.or(Sorts::LIST), ORDERED],
        least: 1,
        most: 32,
        usage: "min(list), or min(a, b)",
    },
    Signature {
        name: "max",
        function: Function::Max,
        takes: &[ORDERED.or(Sorts::LIST), ORDERED],
        least: 1,
        most: 32,
        usage: "max(list), or max(a, b)",
    },
    signature("sum", Function::Sum, &[Sorts::LIST], 1, "sum(list)"),
    signature(
        "flatten",
        Function::Flatten,
        &[Sorts::LIST],
        1,
        "flatten(list)",
    ),
    signature(
        "entries",
        Function::Entries,
        &[Sorts::LIST, Sorts::TEXT, Sorts::TEXT],
        3,
        "entries(list, \"key\", \"value\")",
    ),
    signature(
        "regex.extract",
        Function::Extract,
        &[Sorts::TEXT, Sorts::TEXT],
        2,
        "regex.extract(text, \"pattern\")",
    ),
];

/// The function of a name.
pub(super) fn find(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.iter().find(|known| known.name == name)
}

impl Signature {
    /// What the argument at `index` may be.
    pub(super) fn takes_at(&self, index: usize) -> Sorts {
        self.takes
            .get(index)
            .or(self.takes.last())
            .copied()
            .unwrap_or(Sorts::ALL)
    }

    /// Whether its last argument is a pattern that must be constant.
    pub(super) fn has_pattern(&self) -> bool {
        matches!(self.function, Function::Matches | Function::Extract)
    }
}

impl Function {
    /// What it gives for arguments of these types.
    pub(super) fn gives(self, arguments: &[Type]) -> Type {
        let first = || arguments.first().cloned().unwrap_or(Type::Any);
        match self {
            Self::Contains | Self::StartsWith | Self::EndsWith | Self::Matches => Type::Bool,
            Self::Size | Self::Int | Self::Double => Type::Number,
            Self::String | Self::Lower | Self::Upper | Self::Cut => Type::Text,
            Self::Duration => Type::Duration,
            Self::Timestamp => Type::Time,
            Self::Extract => Type::OneOf(vec![Type::Text, Type::Null]),
            Self::Json | Self::Entries => Type::Any,
            Self::Default => {
                let other = arguments.get(1).cloned().unwrap_or(Type::Any);
                match first() {
                    Type::Null => other,
                    first => first.without_null().or(other),
                }
            }
            Self::Flatten => Type::List(Box::new(match first().items() {
                nested @ Type::List(_) => nested.items(),
                _ => Type::Any,
            })),
            Self::Min | Self::Max => match arguments {
                [list] if Sorts::of_type(list).meets(Sorts::LIST) => list.items().or(Type::Null),
                many => many.iter().cloned().reduce(Type::or).unwrap_or(Type::Any),
            },
            Self::Sum => match first().items() {
                Type::Number => Type::Number,
                Type::Duration => Type::Duration,
                _ => Type::Any,
            },
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        FUNCTIONS
            .iter()
            .find(|known| known.function == self)
            .map_or("", |known| known.name)
    }
}
