//! Comparisons: what can be the same, what has an order, and severities that stand in quotes.

use crate::alert::Severity;

use serde_json::Value as Json;

use super::super::fault;
use super::super::names::Type;
use super::super::node::{Does, Node};
use super::super::sort::Sorts;
use super::super::tree::{Comparison, Form, Part};
use super::super::value::Value;
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
        } else if self.can_equal(part, comparison.sign(), a_sorts, b_sorts) {
            self.is_a_value(&a_of, left, right, &b);
            self.is_a_value(&b_of, right, left, &a);
        }
        self.names_a_severity(a_sorts, right, &b);
        self.names_a_severity(b_sorts, left, &a);
        (Does::Compare(comparison, Box::new([a, b])), Type::Bool)
    }

    /// Whether two sorts of value can be the same, and whatever else there is to say.
    fn can_equal(&mut self, part: &Part, sign: &str, a: Sorts, b: Sorts) -> bool {
        let (a, b) = (a.without(Sorts::NULL), b.without(Sorts::NULL));
        if a.is_empty() || b.is_empty() || a.equal_to().meets(b) {
            return true;
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
        false
    }

    /// `signal.status == "FALI"` can never be where the schema lists what `status` can be.
    fn is_a_value(&mut self, of: &Type, asked: &Part, side: &Part, constant: &Node) {
        let (Some(values), Some(constant)) = (of.values(), constant.constant()) else {
            return;
        };
        let wanted = constant.value();
        let is_listed = |listed: &Json| Value::from_json(listed).equals(&wanted);
        if values.is_empty() || wanted.is_nothing() || values.iter().any(is_listed) {
            return;
        }
        let asked = self.text(asked);
        let texts: Vec<&str> = values.iter().filter_map(Json::as_str).collect();
        let nearest = match &wanted {
            Value::Text(text) => crate::diag::nearest(text, texts.iter().copied()).or_else(|| {
                // `warn` for `warning`, `Failed` for `FAIL`.
                let asked = text.to_lowercase();
                texts.iter().copied().find(|known| {
                    let known = known.to_lowercase();
                    known.starts_with(&asked) || asked.starts_with(&known)
                })
            }),
            _ => None,
        };
        let listed: Vec<String> = values.iter().map(shown).collect();
        let said = wanted
            .to_json()
            .map_or_else(String::new, |json| shown(&json));
        let fault = self.error(
            fault::NO_SUCH_VALUE,
            side,
            format!("`{asked}` is never {said}"),
        );
        match nearest {
            Some(meant) => {
                let meant = shown(&meant.into());
                fault
                    .label(format!("did you mean {meant}?"))
                    .help(format!("write {meant}"));
            }
            None => {
                fault.help(format!("write one of {}", super::paths::listed(&listed)));
            }
        }
    }

    fn can_order(
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
    fn names_a_severity(&mut self, sorts: Sorts, side: &Part, text: &Node) {
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
    fn quoted_severity(
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
        if let Form::List(written) = &list.what {
            return self.is_one_of((item, item_node, &item_of), (list, written));
        }
        let (list_node, list_of) = self.node(list);
        let (a, b) = (Sorts::of_type(&item_of), Sorts::of_type(&list_of));
        if b.meets(Sorts::LIST.or(Sorts::MAP)) {
            if b.without(Sorts::NULL) == Sorts::LIST {
                let items = list_of.items();
                if self.can_equal(part, "in", a, Sorts::of_type(&items)) {
                    self.is_a_value(&items, list, item, &item_node);
                }
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

    /// Each item of a list that is written out is compared for itself.
    fn is_one_of(
        &mut self,
        (item, item_node, item_of): (&Part, Node, &Type),
        (list, written): (&Part, &[Part]),
    ) -> (Does, Type) {
        let sorts = Sorts::of_type(item_of);
        let (nodes, types) = self.items(written);
        for ((one, node), of) in written.iter().zip(&nodes).zip(&types) {
            if self.can_equal(one, "in", sorts, Sorts::of_type(of)) {
                self.is_a_value(item_of, item, one, node);
            }
            self.names_a_severity(sorts, one, node);
        }
        let list = self.folded(Does::List(nodes.into()), list);
        (Does::In(Box::new([item_node, list])), Type::Bool)
    }
}

/// A value as an expression writes it.
fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => Json::from(crate::untrusted::person(text, 40)).to_string(),
        other => other.to_string(),
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
    } else if either.meets(Sorts::BOOL) && !either.meets(Sorts::LIST) {
        "write `true` or `false`, without quotes"
    } else if either.meets(Sorts::LIST) {
        "write `x in list`, or `size(list)` for how many there are"
    } else {
        "compare things of one sort"
    }
    .to_owned()
}
