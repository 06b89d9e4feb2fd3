//! What is offered to somebody who types, before it is made into the protocol's shape.

/// One thing that may be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    /// How the list shows it.
    pub(super) label: String,
    pub(super) kind: Kind,
    /// A few words beside it.
    pub(super) is: String,
    /// What it is for, as Markdown.
    pub(super) about: String,
    /// What is typed.
    pub(super) insert: String,
    /// Those with a lower one stand first.
    pub(super) rank: u8,
}

/// What an offer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    Word,
    Field,
    Name,
    Function,
    Reference,
}

impl Kind {
    /// Its number in LSP 3.17, `CompletionItemKind`.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Key => 10,
            Self::Word => 12,
            Self::Field => 5,
            Self::Name => 6,
            Self::Function => 3,
            Self::Reference => 18,
        }
    }
}

impl Offer {
    /// One that is typed as it is shown.
    pub(super) fn new(label: &str, kind: Kind, is: &str, about: &str) -> Self {
        Self {
            label: label.to_owned(),
            kind,
            is: is.to_owned(),
            about: about.to_owned(),
            insert: label.to_owned(),
            rank: 0,
        }
    }

    /// With another text to type than is shown.
    #[must_use]
    pub(super) fn typed(mut self, insert: String) -> Self {
        self.insert = insert;
        self
    }

    /// Further down.
    #[must_use]
    pub(super) fn ranked(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }
}
