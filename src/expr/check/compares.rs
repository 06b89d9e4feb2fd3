//! Comparisons: what can be the same, what has an order, and severities that stand in quotes.

use crate::alert::Severity;

use super::super::fault;
use super::super::names::Type;
use super::super::node::{Does, Node};
use super::super::sort::Sorts;
use super::super::tree::{Comparison, Part};
use super::Check;

impl Check<'_, '_> {
    pub(super) fn compare(
        &mut self,
        part: &Part,
        comparison: Comparison,
        left: &Part,
        right: &Part,
    ) -> (Does, Type) {
        let (a, a_of) = self.node(left);
        let (b, b_of) = self.node(right);
        let (a_sorts, b_sorts) = (Sorts::of_type(&a_of), Sorts::of_type(&b_of));
        if comparison.orders() {
            self.can_order(part, comparison, (left, a_sorts), (right, b_sorts));
            self.quoted_severity(comparison, (left, &a, a_sorts), (right, &b, b_sorts));
        } else {
            self.can_equal(part, comparison.sign(), a_sorts, b_sorts);
        }
        self.names_a_severity(&a, a_sorts, right, &b);
        self.names_a_severity(&b, b_sorts, left, &a);
        (Does::Compare(comparison, Box::new([a, b])), Type::Bool)
    }

    pub(super) fn can_equal(&mut self, part: &Part, sign: &str, a: Sorts, b: Sorts) {
        let (a, b) = (a.without(Sorts::NULL), b.without(Sorts::NULL));
        if a.is_empty() || b.is_empty() || a.equal_to().meets(b) {
            return;
        }
        let help = how_to_compare(a, b);
        self.error(
            fault::NEVER_COMPARES,
            part,
            format!(
                "`{sign}` compares {} with {}, which are never the same",
                a.words(),
                b.words()
            ),
        )
        .help(help);
    }

    pub(super) fn can_order(
        &mut self,
        part: &Part,
        comparison: Comparison,
        (left, a): (&Part, Sorts),
        (right, b): (&Part, Sorts),
    ) {
        let sign = comparison.sign();
        for (side, sorts) in [(left, a), (right, b)] {
            let orderless = Sorts::NULL.or(Sorts::LIST).or(Sorts::MAP);
            if sorts.without(orderless).is_empty() {
                self.error(
                    fault::NEVER_COMPARES,
                    side,
                    format!(
                        "`{sign}` needs something that has an order, and this is {}",
                        sorts.words()
                    ),
                )
                .help("write `==` or `!=`, or compare a key of it");
                return;
            }
        }
        if a.ordered_with().meets(b) {
            return;
        }
        self.error(
            fault::NEVER_COMPARES,
            part,
            format!("`{sign}` cannot compare {} with {}", a.words(), b.words()),
        )
        .help(how_to_compare(a, b));
    }

    /// `alert.severity == "hihg"` can never be.
    pub(super) fn names_a_severity(
        &mut self,
        other: &Node,
        sorts: Sorts,
        side: &Part,
        text: &Node,
    ) {
        let _ = other;
        let Some(text) = text.constant_text() else {
            return;
        };
        if sorts.without(Sorts::NULL) != Sorts::SEVERITY || Severity::from_word(text).is_some() {
            return;
        }
        let text = text.to_owned();
        let words = Severity::ALL.map(Severity::as_str);
        let nearest = crate::diag::nearest(&text, words);
        let fault = self.error(fault::NEVER_COMPARES, side, "this is no severity");
        if let Some(meant) = nearest {
            fault.label(format!("did you mean `{meant}`?"));
        }
        fault.help(format!("write one of {}", words.join(", ")));
    }

    /// `signal.level >= "high"` would go by the letters.
    pub(super) fn quoted_severity(
        &mut self,
        comparison: Comparison,
        left: (&Part, &Node, Sorts),
        right: (&Part, &Node, Sorts),
    ) {
        for ((side, node, _), (_, _, other)) in [(left, right), (right, left)] {
            let severity = node.constant_text().and_then(Severity::from_word);
            if let Some(severity) = severity
                && other.without(Sorts::NULL) != Sorts::SEVERITY
            {
                self.faults
                    .warning(
                        fault::QUOTED_SEVERITY,
                        self.fragment.place_of(side.start, side.end),
                        format!(
                            "`{}` compares two texts by their letters",
                            comparison.sign()
                        ),
                    )
                    .help(format!("write the severity without quotes: {severity}"));
            }
        }
    }

    pub(super) fn is_in(&mut self, part: &Part, item: &Part, list: &Part) -> (Does, Type) {
        let (item_node, item_of) = self.node(item);
        let (list_node, list_of) = self.node(list);
        let (a, b) = (Sorts::of_type(&item_of), Sorts::of_type(&list_of));
        if b.meets(Sorts::LIST.or(Sorts::MAP)) {
            if b.without(Sorts::NULL) == Sorts::LIST {
                let items = Sorts::of_type(&list_of.items());
                self.can_equal(part, "in", a, items);
            }
        } else {
            let said = (self.text(item), self.text(list));
            let fault = self.error(
                fault::WRONG_SORT,
                list,
                format!("`in` looks into a list or a map, and this is {}", b.words()),
            );
            if b.meets(Sorts::TEXT) {
                fault.help(format!("write `{}.contains({})`", said.1, said.0));
            } else {
                fault.help("write a list: `x in [1, 2]`");
            }
        }
        (Does::In(Box::new([item_node, list_node])), Type::Bool)
    }
}

fn how_to_compare(a: Sorts, b: Sorts) -> String {
    let either = a.or(b);
    if either.meets(Sorts::TIME) && either.meets(Sorts::TEXT) {
        "write `timestamp(…)` around the text"
    } else if either.meets(Sorts::DURATION) && either.meets(Sorts::TEXT) {
        "write `duration(…)` around the text"
    } else if either.meets(Sorts::NUMBER) && either.meets(Sorts::TEXT) {
        "put both in quotes or neither, or write `int(…)` or `double(…)` around a text that holds a number"
    } else if either.meets(Sorts::DURATION) && either.meets(Sorts::NUMBER) {
        "write the span as `duration(\"90s\")`"
    } else if either.meets(Sorts::LIST) {
        "write `x in list`, or `size(list)` for how many there are"
    } else {
        "compare things of one sort"
    }
    .to_owned()
}
