//! What parsing gives: the expression as written, with a place on every part.

use std::cmp::Ordering;

/// One part of an expression.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) what: Form,
    pub(super) start: usize,
    pub(super) end: usize,
    /// How many parts stand below it at most: what bounds every walk over the tree.
    pub(super) height: usize,
}

/// What a part is. Chains of one operator are one part, so that long ones are not deep.
#[derive(Debug, Clone)]
pub(super) enum Form {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Name(String),
    List(Vec<Part>),
    Map(Vec<(Part, Part)>),
    /// A base and what is selected from it, in order.
    Path(Box<Part>, Vec<Select>),
    /// A function, with the value before the dot as its first argument where there is one.
    Call {
        target: Option<Box<Part>>,
        name: String,
        name_start: usize,
        name_end: usize,
        arguments: Vec<Part>,
    },
    Not(Box<Part>),
    Negate(Box<Part>),
    And(Vec<Part>),
    Or(Vec<Part>),
    Compare(Comparison, Box<Part>, Box<Part>),
    In(Box<Part>, Box<Part>),
    /// `a + b - c` or `a * b / c`, from the left.
    Sum(Box<Part>, Vec<(Arithmetic, Part)>),
    Choose(Box<Part>, Box<Part>, Box<Part>),
}

/// One selection of a path.
#[derive(Debug, Clone)]
pub(super) struct Select {
    pub(super) by: By,
    /// Written with `?`: absent instead of an error.
    pub(super) optional: bool,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a selection selects by.
#[derive(Debug, Clone)]
pub(super) enum By {
    /// `.key`
    Key(String),
    /// `[index]`
    Index(Part),
}

/// `==` and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Comparison {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }

    pub(super) fn orders(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Whether it holds of two values of which the first stands so to the second.
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::NotEqual => order != Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::AtMost => order != Ordering::Greater,
            Self::More => order == Ordering::Greater,
            Self::AtLeast => order != Ordering::Less,
        }
    }

    /// The same with its sides exchanged.
    pub(super) fn turned(self) -> Self {
        match self {
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
            same => same,
        }
    }
}

/// `+` and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Arithmetic {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
