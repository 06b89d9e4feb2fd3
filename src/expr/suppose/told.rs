//! What is told of a condition whose outcome is known before there are data.

use super::why::holds_literal;
use super::{Because, Outcome, Part, Supposed, Why};
use crate::diag::Faults;
use crate::expr::fault;
use crate::expr::names::Names;
use crate::expr::node::{Does, Node};
use crate::expr::program::Expr;

impl Expr {
    /// Reports each part that is never true, where that makes the condition never true or an alternative
    /// in it useless. Whether there was one.
    pub(in crate::expr) fn tell_never(&self, names: &Names, faults: &mut Faults) -> bool {
        let dead = Supposed::nothing(names).dead(self);
        for why in &dead {
            let own = self.source().get(why.start..why.end).unwrap_or_default();
            let own = crate::untrusted::person(own.trim(), 60);
            let (message, help) = why.said(&own);
            faults
                .error(
                    fault::NEVER_TRUE,
                    self.place_of(why.start, why.end),
                    message,
                )
                .help(help);
        }
        !dead.is_empty()
    }

    /// Warns of a condition that is true for all data. A literal `true` is meant.
    pub fn tell_always(&self, names: &Names, faults: &mut Faults) {
        let all = Supposed::nothing(names);
        let part = Part::of(self);
        if !all.always(self) || holds_literal(part, true) {
            return;
        }
        let cause = all.always_part(part);
        let because = all
            .because(self)
            .map_or_else(String::new, |(about, is)| format!(": `{about}` is {is}"));
        faults
            .warning(
                fault::ALWAYS_TRUE,
                self.place_of(cause.start, cause.end),
                format!("this is always true{because}"),
            )
            .help("write `true` if that is meant");
    }
}

impl Supposed<'_> {
    /// The alternative that makes a condition always true, or all of it.
    fn always_part<'e>(&self, part: Part<'e>) -> &'e Node {
        let is_always = |node: &&Node| {
            [Outcome::False, Outcome::Fails]
                .into_iter()
                .all(|outcome| self.narrowed(&self.ways, part.at(node), outcome).is_empty())
        };
        match &part.node.does {
            Does::Or(parts) => parts.iter().find(is_always).unwrap_or(part.node),
            _ => part.node,
        }
    }
}

impl Why {
    /// The sentence, and what to write instead; `own` is the part as written.
    fn said(&self, own: &str) -> (String, String) {
        match &self.because {
            Because::Only { about, is, .. } => (
                format!("this is never true: `{about}` is {is}"),
                format!("compare `{about}` with {is}, or take this out"),
            ),
            Because::Itself => (
                "this is never true, whatever arrives".to_owned(),
                "write `false` if that is meant".to_owned(),
            ),
            Because::Beside(other) => (
                format!("this is never true where `{other}` is"),
                format!(
                    "write `{other} || {own}` if one of them is enough, or mend the one that is wrong"
                ),
            ),
            Because::Together => (
                "this is never true together with the rest of the condition".to_owned(),
                "write `||` where one of them is enough, or take out what excludes it".to_owned(),
            ),
        }
    }
}
