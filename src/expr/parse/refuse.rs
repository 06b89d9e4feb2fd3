//! What the parser says when it cannot go on.

use super::super::fault;
use super::super::token::What;
use super::{NESTING, Parsed, Parser, Stopped};

impl Parser<'_, '_> {
    pub(super) fn stop<T>(
        &mut self,
        start: usize,
        end: usize,
        message: &str,
        more: impl FnOnce(&mut crate::diag::Diagnostic),
    ) -> Parsed<T> {
        more(self.faults.error(
            fault::UNREADABLE,
            self.fragment.place_of(start, end),
            message,
        ));
        Err(Stopped)
    }

    pub(super) fn foreign<T>(
        &mut self,
        start: usize,
        end: usize,
        found: &str,
        help: &str,
    ) -> Parsed<T> {
        self.faults
            .error(
                fault::FOREIGN_OPERATOR,
                self.fragment.place_of(start, end),
                format!("`{found}` is no operator here"),
            )
            .help(help);
        Err(Stopped)
    }

    pub(super) fn too_deep<T>(&mut self, start: usize, end: usize) -> Parsed<T> {
        self.faults
            .error(
                fault::TOO_LARGE,
                self.fragment.place_of(start, end),
                format!("this stands more than {NESTING} levels deep"),
            )
            .help("name parts of it under `let:`");
        Err(Stopped)
    }

    pub(super) fn too_large<T>(&mut self, start: usize, end: usize) -> Parsed<T> {
        self.stop(start, end, "this number is too large for an int", |fault| {
            fault.help("write it with a point, such as 1e20, if it need not be exact");
        })
    }

    /// Something else should have come here.
    pub(super) fn expected<T>(&mut self, what: &str, help: &str) -> Parsed<T> {
        let (start, end) = self.span();
        match self.peek() {
            What::End => self.stop(
                start,
                end,
                &format!("the expression ends where {what} should stand"),
                |fault| {
                    fault.help(help);
                },
            ),
            What::Sign(_) if self.is_foreign() => self.not_an_operator(),
            _ => {
                let found = self.written();
                self.stop(
                    start,
                    end,
                    &format!("`{found}` stands where {what} should"),
                    |fault| {
                        fault.help(help);
                    },
                )
            }
        }
    }

    pub(super) fn written(&self) -> String {
        let (start, end) = self.span();
        let text = self.fragment.text.get(start..end).unwrap_or_default();
        crate::untrusted::person(text, 40)
    }

    pub(super) fn is_foreign(&self) -> bool {
        matches!(
            self.peek(),
            What::Sign(
                "===" | "!==" | "**" | "<>" | "=>" | "=<" | "=~" | "!~" | "=" | "&" | "|" | "{{"
            )
        )
    }

    /// Something stands where an operator or the end should.
    pub(super) fn not_an_operator<T>(&mut self) -> Parsed<T> {
        let (start, end) = self.span();
        let found = self.written();
        let instead = match self.peek() {
            What::Sign("=") => {
                self.faults
                    .error(
                        fault::EQUALS_SIGN,
                        self.fragment.place_of(start, end),
                        "a single `=` compares nothing",
                    )
                    .label("did you mean `==`?")
                    .help("write `==`");
                return Err(Stopped);
            }
            What::Sign("===") | What::Name("is" | "eq" | "equals") => "write `==`",
            What::Sign("!==" | "<>") => "write `!=`",
            What::Sign("=>") => "write `>=`",
            What::Sign("=<") => "write `<=`",
            What::Sign("=~") => "write `x.matches(\"pattern\")`",
            What::Sign("!~") => "write `!x.matches(\"pattern\")`",
            What::Sign("**") => "write the multiplication out: `x * x`",
            What::Sign("&") | What::Name("and" | "AND" | "And") => "write `&&`",
            What::Sign("|") | What::Name("or" | "OR" | "Or") => "write `||`",
            What::Name("not" | "NOT") => "write `!(x in list)`, with the `!` before the whole",
            What::Name("like" | "LIKE") => {
                "write `x.contains(\"part\")`, or `x.matches(\"pattern\")`"
            }
            _ => "",
        };
        if !instead.is_empty() {
            return self.foreign(start, end, &found, instead);
        }
        let help = match self.peek() {
            What::Sign(")" | "]" | "}") => "take it out: nothing is open that it closes",
            What::Sign("?") => {
                "write `x.?key` for a key that may be absent, `a ? b : c` for a choice"
            }
            What::Sign(",") => "put a list in brackets: [a, b]",
            What::Sign(":") => "write `a ? b : c`",
            What::Sign("!") => "write `!=`, or put `&&` before it",
            _ => "put an operator between the two, such as `==` or `&&`; a text stands in quotes",
        };
        self.stop(
            start,
            end,
            &format!("`{found}` stands where an operator or the end should"),
            |fault| {
                fault.help(help);
            },
        )
    }
}
