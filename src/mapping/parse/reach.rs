//! What the conditions of a mapping leave: cases that are never reached, a `resolve` that never closes,
//! and keys that may not be there when an alert opens or closes.

use super::super::{AlertRule, ResolveRule};
use crate::alert::Severity;
use crate::diag::{Code, Faults};
use crate::expr::{Expr, Names, Supposed, Type};
use crate::shape::Shape;
use crate::signal::SignalName;

/// A case that no signal gets to.
const NEVER_REACHED: Code = Code("AND0309");
/// A value of `same_as` that may be absent.
const KEY_MAY_BE_ABSENT: Code = Code("AND0312");
/// A `same_as` of which every value may be null.
const KEY_MAY_BE_NULL: Code = Code("AND0313");

/// How many fields a help line names.
const NAMED: usize = 5;

/// Checks what was read of one mapping against each other.
pub(super) fn check(
    names: &Names,
    (from, when): (&SignalName, &Expr),
    alert: &AlertRule,
    resolve: &[ResolveRule],
    faults: &mut Faults,
) {
    let all = Supposed::nothing(names);
    let (opens, others) = (all.when(when), all.unless(when));
    severities(&opens, &alert.severity, faults);
    let mut closes = Vec::new();
    for rule in resolve {
        let own = rule.from == *from;
        let rule_names = rule.names.as_ref().unwrap_or(names);
        let before = if own {
            others.clone()
        } else {
            Supposed::nothing(rule_names)
        };
        let closing = match &rule.when {
            None => before,
            Some(condition) => {
                let closing = before.when(condition);
                if own && closing.is_impossible() && !opens.is_impossible() {
                    never_closes(condition, faults);
                }
                closing
            }
        };
        match &rule.same_as {
            Some(same_as) => keys(&[(&closing, "this `resolve`")], same_as, faults),
            None => closes.push(closing),
        }
    }
    let mut uses = vec![(&opens, "`when`")];
    uses.extend(closes.iter().map(|closing| (closing, "`resolve`")));
    keys(&uses, &alert.same_as, faults);
}

/// The first case that holds counts, so one can take all that another was meant for.
fn severities(opens: &Supposed<'_>, cases: &[(Severity, Option<Expr>)], faults: &mut Faults) {
    let mut left = opens.clone();
    for (index, (severity, condition)) in cases.iter().enumerate() {
        let Some(condition) = condition else { return };
        let reached = left.when(condition);
        left = left.unless(condition);
        if !reached.is_impossible() || opens.is_impossible() {
            continue;
        }
        let place = condition.place();
        if opens.never(condition).is_some() {
            faults
                .error(
                    NEVER_REACHED,
                    place,
                    "this case is never reached: it is false wherever `when` is true",
                )
                .help(format!(
                    "take `- {severity}:` out, or write a `when` that lets such signals through"
                ));
            continue;
        }
        let mut above = cases.iter().take(index).filter_map(|(severity, other)| {
            let other = other.as_ref()?;
            let left = opens.unless(other);
            left.never(condition).map(|_| (*severity, other))
        });
        match above.next() {
            Some((taker, other)) => {
                let source = crate::untrusted::person(other.source().trim(), 60);
                let same = opens.unless(condition).never(other).is_some();
                let fault = faults.error(
                    NEVER_REACHED,
                    place,
                    format!(
                        "this case is never reached: `- {taker}: {source}` above takes all of it"
                    ),
                );
                if same {
                    fault.help(format!("take `- {taker}:` or `- {severity}:` out"));
                } else {
                    fault.help(format!("put `- {severity}:` above `- {taker}:`"));
                }
            }
            None => {
                faults
                    .error(
                        NEVER_REACHED,
                        place,
                        "this case is never reached: those above take all of it",
                    )
                    .help(format!("put `- {severity}:` above them, or take it out"));
            }
        }
    }
}

fn never_closes(condition: &Expr, faults: &mut Faults) {
    faults
        .error(
            NEVER_REACHED,
            condition.place(),
            "this closes nothing: wherever it is true, `when` is true too, and opens",
        )
        .help("write `- when: otherwise` for every signal that `when` is false for");
}

/// A value that is absent leaves the signal stuck: nothing says which alert is meant.
fn keys(uses: &[(&Supposed<'_>, &str)], same_as: &[Shape], faults: &mut Faults) {
    let before = faults.errors();
    let values: Vec<Option<&Expr>> = same_as.iter().map(Shape::as_expr).collect();
    for value in values.iter().flatten() {
        let mut absent = uses
            .iter()
            .filter_map(|(supposed, key)| supposed.absent(value, false).map(|part| (part, *key)));
        let Some(((start, end), key)) = absent.next() else {
            continue;
        };
        let said = value.source().get(start..end).unwrap_or_default().trim();
        let plain = said.replace(".?", ".").replace("[?", "[");
        faults
            .error(
                KEY_MAY_BE_ABSENT,
                value.place_of(start, end),
                format!("`{said}` may be absent, and then nothing says which alert is meant: the signal would be stuck"),
            )
            .help(format!(
                "write `default({said}, \"none\")`, or begin {key} with `has({plain}) &&`"
            ));
    }
    let Some((opens, _)) = uses.first() else {
        return;
    };
    let nothing = |value: &Expr| opens.absent(value, true).is_some();
    if faults.errors() > before || !values.iter().all(|value| value.is_some_and(nothing)) {
        return;
    }
    if let Some(first) = same_as.first() {
        let always = always_there(opens.names());
        faults
            .warning(
                KEY_MAY_BE_NULL,
                first.place().clone(),
                "this may be null, and all signals for which it is share one alert",
            )
            .help(if always.is_empty() {
                "write `default(…, …)` with what tells such signals apart".to_owned()
            } else {
                format!("add what the schema requires: {}", always.join(", "))
            });
    }
}

/// Fields of the signal that are always there and never null.
fn always_there(names: &Names) -> Vec<String> {
    let Some((_, Type::Object(object))) = names.find("signal") else {
        return Vec::new();
    };
    object
        .keys
        .iter()
        .filter(|(key, (of, always))| *always && *of == Type::Text && key.as_str() != "id")
        .map(|(key, _)| format!("`=signal.{key}`"))
        .take(NAMED)
        .collect()
}
