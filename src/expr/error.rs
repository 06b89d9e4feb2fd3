//! What can go wrong while an expression runs, in words that quote the expression and never the data.

/// An expression has no value, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{kind}")]
pub struct Error {
    /// What happened.
    pub kind: ErrorKind,
    /// The first byte of the part of the expression in which it happened.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

/// What happened. The texts quote the expression, never a value of the data.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ErrorKind {
    /// A plain path leads to a key or an item that is not there.
    #[error("{0}")]
    Missing(String),
    /// A value of a sort that the operator or function does not take.
    #[error("{0}")]
    Sort(String),
    /// Overflow, or division by zero.
    #[error("{0}")]
    Arithmetic(String),
    /// A text that does not hold what was to be read from it.
    #[error("{0}")]
    Unreadable(String),
    /// More steps than one evaluation may take.
    #[error("this takes more than the {0} steps an expression may take")]
    Budget(u32),
    /// Names under `let` that use each other more deeply than the stack allows.
    #[error("names under `let` stand too deep inside each other here")]
    TooDeep,
    /// A name under `let` could not be computed.
    #[error("`{name}` has no value: {cause}")]
    Let {
        /// The name.
        name: String,
        /// Why; its place is in the expression of that name.
        cause: Box<Error>,
    },
}

impl Error {
    pub(super) fn new(kind: ErrorKind, start: usize, end: usize) -> Self {
        Self { kind, start, end }
    }

    /// Whether the evaluation was stopped because it took too many steps.
    pub fn is_budget(&self) -> bool {
        match &self.kind {
            ErrorKind::Budget(_) => true,
            ErrorKind::Let { cause, .. } => cause.is_budget(),
            _ => false,
        }
    }

    pub(super) fn is_too_deep(&self) -> bool {
        matches!(self.kind, ErrorKind::TooDeep)
    }
}
