//! What a part of a condition asks, and of what: one path, name or call against constants.

use super::super::function::Function;
use super::super::names::{Bounds, Names, Type};
use super::super::node::{Constant, Does, Node, Reads, Step, StepBy};
use super::super::tree::Comparison;
use super::domain::{self, Domain, FALSE, MISSING, NAN, NULL, TRUE};
use super::{Key, Part};
use crate::alert::Severity;

/// How many names under `let` are followed one through the other.
const FOLLOWED: usize = 16;

/// What a part of a condition asks.
pub(super) struct Question {
    pub(super) subject: Subject,
    /// The values for which the answer is yes.
    pub(super) yes: Domain,
    /// The values for which there is no answer.
    pub(super) fails: Domain,
}

/// What is asked about.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is another thing that a missing key may lead to"
)]
pub(super) struct Subject {
    pub(super) key: Key,
    /// What it can be, before anything is supposed.
    pub(super) base: Domain,
    /// What stands for null and for absent: null, or what `default` gives.
    pub(super) nothing: Domain,
    /// Where it is missing it may give absent; it may give an error.
    pub(super) is_absent: bool,
    pub(super) is_error: bool,
    /// Of `has`: a key above the last may be missing.
    is_error_above: bool,
    /// Whether `missing` itself is the answer: this is `has`.
    pub(super) is_has: bool,
}

impl Subject {
    /// Anything that nothing is known of: the same text gives the same value, or fails as it did.
    fn unknown(part: Part<'_>) -> Self {
        Self {
            key: Key::Text(part.text().to_owned()),
            base: Domain::all(),
            nothing: Domain::of_plain(NULL),
            is_absent: false,
            is_error: true,
            is_error_above: false,
            is_has: false,
        }
    }
}

impl Question {
    /// What a part asks that is neither `&&`, `||`, `!`, `?` nor a constant.
    pub(super) fn of(part: Part<'_>, names: &Names) -> Self {
        Self::understood(part, names).unwrap_or_else(|| Self::is_true(Subject::unknown(part)))
    }

    fn understood(part: Part<'_>, names: &Names) -> Option<Self> {
        match &part.node.does {
            Does::Compare(comparison, sides) => {
                let [left, right] = sides.as_ref();
                let (asked, comparison, constant) = match (left.constant(), right.constant()) {
                    (None, Some(constant)) => (left, *comparison, constant),
                    (Some(constant), None) => (right, comparison.turned(), constant),
                    _ => return None,
                };
                let (yes, fails) = compared(comparison, constant, reads(asked))?;
                Some(Self {
                    subject: subject(part.at(asked), names),
                    yes,
                    fails,
                })
            }
            Does::In(sides) => {
                let [asked, list] = sides.as_ref();
                let yes = any_of(list)?;
                Some(Self {
                    subject: subject(part.at(asked), names),
                    yes,
                    fails: Domain::none(),
                })
            }
            Does::Has(base, steps) => {
                let subject = path(base, steps, names)?;
                let fails = if subject.is_error_above {
                    Domain::of_plain(MISSING)
                } else {
                    Domain::none()
                };
                Some(Self {
                    subject: Subject {
                        is_has: true,
                        ..subject
                    },
                    yes: Domain::of_plain(MISSING).not(),
                    fails,
                })
            }
            Does::Root(..) | Does::Path(..) | Does::Call(..) | Does::Each(..) => {
                Some(Self::is_true(subject(part, names)))
            }
            _ => None,
        }
    }

    fn is_true(subject: Subject) -> Self {
        Self {
            subject,
            yes: Domain::of_plain(TRUE),
            fails: Domain::of_plain(TRUE | FALSE).not(),
        }
    }
}

/// What a value is about: a path or name of the data, or the text of what computes it.
pub(super) fn subject(part: Part<'_>, names: &Names) -> Subject {
    known(part, names).unwrap_or_else(|| Subject::unknown(part))
}

fn known(part: Part<'_>, names: &Names) -> Option<Subject> {
    match &part.node.does {
        Does::Root(slot, _) => {
            if let Some(expr) = names.computed(*slot) {
                return (part.followed < FOLLOWED).then(|| subject(part.into(expr), names));
            }
            Some(Subject {
                key: Key::Path(*slot, Vec::new()),
                base: Domain::of_type(names.of(*slot)?).or(&Domain::of_plain(NULL | NAN)),
                nothing: Domain::of_plain(NULL),
                is_absent: false,
                is_error: false,
                is_error_above: false,
                is_has: false,
            })
        }
        Does::Path(base, steps, _) => path(base, steps, names),
        Does::Call(Function::Default, arguments, _) => {
            let [first, second] = arguments.as_ref() else {
                return None;
            };
            let first = subject(part.at(first), names);
            let plain = first.nothing == Domain::of_plain(NULL);
            Some(Subject {
                nothing: Domain::of_constant(second.constant()?).filter(|_| plain)?,
                ..first
            })
        }
        _ => None,
    }
}

/// A path of constant keys from a name of the data.
fn path(base: &Node, steps: &[Step], names: &Names) -> Option<Subject> {
    let Does::Root(slot, _) = &base.does else {
        return None;
    };
    if names.computed(*slot).is_some() {
        return None;
    }
    let mut of = names.of(*slot)?.clone();
    let mut keys = Vec::with_capacity(steps.len());
    let (mut optional, mut is_absent, mut is_error) = (false, false, false);
    let mut is_error_above = false;
    for step in steps {
        let StepBy::Key(key) = &step.by else {
            return None;
        };
        optional |= step.optional;
        let below = below(&of, key);
        is_error_above |= is_absent || is_error || below.of_null || below.of_other;
        is_absent |= optional && (below.is_missing || below.of_null);
        is_error |= below.of_other || (!optional && (below.is_missing || below.of_null));
        keys.push(key.to_string());
        of = below.of;
    }
    let is_missing = is_absent || is_error;
    Some(Subject {
        key: Key::Path(*slot, keys),
        base: Domain::of_type(&of).with_plain(MISSING, is_missing),
        nothing: Domain::of_plain(NULL),
        is_absent,
        is_error,
        is_error_above,
        is_has: false,
    })
}

/// What stands under a key of a value of some type.
struct Below {
    of: Type,
    /// The map may lack the key.
    is_missing: bool,
    /// The value may be null.
    of_null: bool,
    /// The value may be of a sort that has no keys.
    of_other: bool,
}

fn below(of: &Type, key: &str) -> Below {
    let nothing = Type::OneOf(Vec::new());
    let found = |of: Type, is_missing: bool| Below {
        of,
        is_missing,
        of_null: false,
        of_other: false,
    };
    match of {
        Type::Any => Below {
            of_null: true,
            of_other: true,
            ..found(Type::Any, true)
        },
        Type::Object(object) => match (object.keys.get(key), &object.others) {
            (Some((of, always)), _) => found(of.clone(), !always),
            (None, Some(others)) => found((**others).clone(), true),
            (None, None) => found(nothing, true),
        },
        Type::OneOf(types) => {
            let mut sum = found(nothing, false);
            for one in types {
                let one = below(one, key);
                sum.of = sum.of.or(one.of);
                sum.is_missing |= one.is_missing;
                sum.of_null |= one.of_null;
                sum.of_other |= one.of_other;
            }
            sum
        }
        Type::Null => Below {
            of_null: true,
            ..found(nothing, false)
        },
        _ => Below {
            of_other: true,
            ..found(nothing, false)
        },
    }
}

/// What a text there is read as.
fn reads(node: &Node) -> Reads {
    match &node.does {
        Does::Root(_, reads) | Does::Path(_, _, reads) => *reads,
        _ => Reads::AsIs,
    }
}

/// For which values a comparison with a constant holds, and for which it fails.
fn compared(comparison: Comparison, constant: &Constant, reads: Reads) -> Option<(Domain, Domain)> {
    let same = Domain::of_constant(constant)?;
    match comparison {
        Comparison::Equal => return Some((same, Domain::none())),
        Comparison::NotEqual => return Some((same.not(), Domain::none())),
        _ => {}
    }
    let severity = match constant {
        Constant::Severity(severity) => Some(*severity),
        Constant::Json(serde_json::Value::String(text)) if reads == Reads::Severity => {
            Severity::from_word(text)
        }
        _ => None,
    };
    if let Some(limit) = severity {
        let yes = Domain::of_severities(|one| comparison.holds(one.cmp(&limit)));
        return Some((yes, Domain::of_severities(|_| true).not()));
    }
    let limit = match constant {
        Constant::Json(value) if value.is_number() => domain::number(value)?,
        Constant::Double(double) => domain::number(&(*double).into())?,
        // Texts, times and durations have an order that is not followed here.
        _ => return None,
    };
    let bounds = match comparison {
        Comparison::Less | Comparison::AtMost => Bounds {
            least: None,
            most: Some((limit, comparison == Comparison::AtMost)),
        },
        _ => Bounds {
            least: Some((limit, comparison == Comparison::AtLeast)),
            most: None,
        },
    };
    let ordered = Domain::of_numbers(Bounds::default()).or(&Domain::of_plain(NAN));
    Some((Domain::of_numbers(bounds), ordered.not()))
}

/// The values of a constant list.
fn any_of(list: &Node) -> Option<Domain> {
    let items: Vec<Domain> = match &list.does {
        Does::Constant(Constant::Json(serde_json::Value::Array(items))) => {
            items.iter().map(Domain::of_value).collect::<Option<_>>()?
        }
        Does::List(items) => items
            .iter()
            .map(|item| Domain::of_constant(item.constant()?))
            .collect::<Option<_>>()?,
        _ => return None,
    };
    Some(items.iter().fold(Domain::none(), |sum, item| sum.or(item)))
}
