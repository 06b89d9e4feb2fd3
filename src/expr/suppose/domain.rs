//! What a value can be, as a set: which texts, which numbers, whether null, whether nothing at all.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::super::names::{Bounds, Type};
use super::super::node::Constant;
use crate::alert::Severity;

/// 2 to the power of 53: below it a double holds every whole number as exactly itself. From here on
/// nothing is claimed.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// How many texts a sentence lists.
const LISTED: usize = 8;

/// A set of values.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Domain {
    plain: u8,
    numbers: Vec<Cut>,
    texts: Texts,
}

/// Not there: a key that is missing, or an expression that fails.
pub(super) const MISSING: u8 = 1;
pub(super) const NULL: u8 = 2;
pub(super) const TRUE: u8 = 4;
pub(super) const FALSE: u8 = 8;
/// What arithmetic can give, and JSON cannot hold.
pub(super) const NAN: u8 = 16;
/// A list, a map, a time or a duration.
const OTHER: u8 = 32;
const EVERYTHING: u8 = 63;

/// Where a set of numbers begins or ends: just before or just after `at`. A number is in the set when
/// an odd number of cuts stands before it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cut {
    at: f64,
    after: bool,
}

impl Cut {
    fn new(at: f64, after: bool) -> Self {
        // Both zeros are one number.
        Self {
            at: at + 0.0,
            after,
        }
    }

    fn order(&self, other: &Self) -> Ordering {
        self.at
            .total_cmp(&other.at)
            .then(self.after.cmp(&other.after))
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Texts {
    Only(BTreeSet<String>),
    AllBut(BTreeSet<String>),
}

impl Domain {
    pub(super) fn none() -> Self {
        Self::of_plain(0)
    }

    /// Every value there is, and that there is none.
    pub(super) fn all() -> Self {
        Self {
            plain: EVERYTHING,
            numbers: vec![Cut::new(f64::NEG_INFINITY, false)],
            texts: Texts::AllBut(BTreeSet::new()),
        }
    }

    /// Only what the bits name.
    pub(super) fn of_plain(plain: u8) -> Self {
        Self {
            plain,
            numbers: Vec::new(),
            texts: Texts::Only(BTreeSet::new()),
        }
    }

    pub(super) fn of_texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self {
            texts: Texts::Only(texts.into_iter().map(str::to_owned).collect()),
            ..Self::none()
        }
    }

    /// The severities that `wanted` says yes to, by their words.
    pub(super) fn of_severities(wanted: impl Fn(Severity) -> bool) -> Self {
        let all = Severity::ALL.into_iter().filter(|one| wanted(*one));
        Self::of_texts(all.map(Severity::as_str))
    }

    /// The numbers from `least` to `most`, each with whether it is itself among them.
    pub(super) fn of_numbers(bounds: Bounds) -> Self {
        let (from, with) = bounds.least.unwrap_or((f64::NEG_INFINITY, true));
        let mut numbers = vec![Cut::new(from, !with)];
        numbers.extend(bounds.most.map(|(to, with)| Cut::new(to, with)));
        let cut_off = matches!(numbers.as_slice(), [from, to] if from.order(to) != Ordering::Less);
        Self {
            numbers: if cut_off { Vec::new() } else { numbers },
            ..Self::none()
        }
    }

    fn all_texts() -> Self {
        Self {
            texts: Texts::AllBut(BTreeSet::new()),
            ..Self::none()
        }
    }

    /// Just this value; `None` for a list, a map, or a number too large for a claim.
    pub(super) fn of_value(value: &Json) -> Option<Self> {
        Some(match value {
            Json::Null => Self::of_plain(NULL),
            Json::Bool(true) => Self::of_plain(TRUE),
            Json::Bool(false) => Self::of_plain(FALSE),
            Json::String(text) => Self::of_texts([text.as_str()]),
            Json::Number(_) => {
                let number = number(value)?;
                Self::of_numbers(Bounds {
                    least: Some((number, true)),
                    most: Some((number, true)),
                })
            }
            Json::Array(_) | Json::Object(_) => return None,
        })
    }

    /// Just this constant; a severity is the text that names it.
    pub(super) fn of_constant(constant: &Constant) -> Option<Self> {
        match constant {
            Constant::Json(value) => Self::of_value(value),
            Constant::Double(double) => {
                Self::of_value(&Json::from(*double)).filter(|_| double.is_finite())
            }
            Constant::Severity(severity) => Some(Self::of_texts([severity.as_str()])),
            Constant::Time(_) | Constant::Duration(_) => None,
        }
    }

    /// What a value of this type can be. Data hold no NaN.
    pub(super) fn of_type(of: &Type) -> Self {
        match of {
            Type::Any => Self::all().without(&Self::of_plain(MISSING)),
            Type::Null => Self::of_plain(NULL),
            Type::Bool => Self::of_plain(TRUE | FALSE),
            Type::Number => Self::of_numbers(Bounds::default()),
            Type::Range(bounds) => Self::of_numbers(*bounds),
            Type::Text => Self::all_texts(),
            // A text that is none stays a text.
            Type::Time | Type::Duration => Self::of_plain(OTHER).or(&Self::all_texts()),
            Type::Severity => Self::of_severities(|_| true),
            Type::List(_) | Type::Object(_) => Self::of_plain(OTHER),
            Type::Values(values) => values.iter().fold(Self::none(), |sum, value| {
                sum.or(&Self::of_value(value).unwrap_or_else(Self::all))
            }),
            Type::OneOf(types) => types
                .iter()
                .fold(Self::none(), |sum, one| sum.or(&Self::of_type(one))),
        }
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        Self {
            plain: self.plain & other.plain,
            numbers: merged(&self.numbers, &other.numbers, |a, b| a && b),
            texts: self.texts.and(&other.texts),
        }
    }

    pub(super) fn or(&self, other: &Self) -> Self {
        self.not().and(&other.not()).not()
    }

    pub(super) fn without(&self, other: &Self) -> Self {
        self.and(&other.not())
    }

    /// All that is not in it.
    pub(super) fn not(&self) -> Self {
        let line = [Cut::new(f64::NEG_INFINITY, false)];
        Self {
            plain: EVERYTHING & !self.plain,
            numbers: merged(&line, &self.numbers, |_, own| !own),
            texts: match &self.texts {
                Texts::Only(texts) => Texts::AllBut(texts.clone()),
                Texts::AllBut(texts) => Texts::Only(texts.clone()),
            },
        }
    }

    /// Without what the bits name, and with it where `there` says so.
    pub(super) fn with_plain(mut self, plain: u8, there: bool) -> Self {
        self.plain &= !plain;
        if there {
            self.plain |= plain;
        }
        self
    }

    pub(super) fn has(&self, plain: u8) -> bool {
        self.plain & plain != 0
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        !self.and(other).is_empty()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.plain == 0
            && self.numbers.is_empty()
            && matches!(&self.texts, Texts::Only(texts) if texts.is_empty())
    }

    /// The texts in it, where they can be counted.
    pub(super) fn texts(&self) -> Vec<String> {
        match &self.texts {
            Texts::Only(texts) => texts.iter().cloned().collect(),
            Texts::AllBut(_) => Vec::new(),
        }
    }

    /// What to call it in a sentence: `"a" or "b"`, `a number from 0 to 1`.
    pub(super) fn words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        match &self.texts {
            Texts::Only(texts) if texts.len() > LISTED => {
                words.push("one of a few texts".to_owned());
            }
            Texts::Only(texts) => words.extend(texts.iter().map(|text| {
                let text = crate::untrusted::person(text, 40);
                format!("\"{text}\"")
            })),
            Texts::AllBut(_) => words.push("a text".to_owned()),
        }
        words.extend(self.numbers_in_words());
        match (self.has(TRUE), self.has(FALSE)) {
            (true, true) => words.push("true or false".to_owned()),
            (true, false) => words.push("true".to_owned()),
            (false, true) => words.push("false".to_owned()),
            (false, false) => {}
        }
        for (bit, word) in [
            (OTHER, "something else"),
            (NULL, "null"),
            (MISSING, "absent"),
        ] {
            if self.has(bit) {
                words.push(word.to_owned());
            }
        }
        match words.split_last() {
            None => "nothing".to_owned(),
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
        }
    }

    fn numbers_in_words(&self) -> Option<String> {
        let least = |cut: &Cut| {
            let word = if cut.after { "above" } else { "at least" };
            cut.at.is_finite().then(|| format!("{word} {}", cut.at))
        };
        let most = |cut: &Cut| {
            let word = if cut.after { "at most" } else { "below" };
            format!("{word} {}", cut.at)
        };
        let within = match self.numbers.as_slice() {
            [] => return None,
            [from, to] if from.at.total_cmp(&to.at) == Ordering::Equal => {
                return Some(from.at.to_string());
            }
            [from, to] => least(from)
                .into_iter()
                .chain([most(to)])
                .collect::<Vec<_>>()
                .join(" and "),
            [from] => least(from).unwrap_or_default(),
            _ => String::new(),
        };
        Some(if within.is_empty() {
            "a number".to_owned()
        } else {
            format!("a number that is {within}")
        })
    }
}

impl Texts {
    fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(a & b),
            (Self::Only(only), Self::AllBut(but)) | (Self::AllBut(but), Self::Only(only)) => {
                Self::Only(only - but)
            }
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(a | b),
        }
    }
}

/// A number about which claims can be made.
pub(in crate::expr) fn number(value: &Json) -> Option<f64> {
    value.as_f64().filter(|number| number.abs() < EXACT)
}

/// The numbers that `keep` wants of those in one set and in the other.
fn merged(a: &[Cut], b: &[Cut], keep: impl Fn(bool, bool) -> bool) -> Vec<Cut> {
    let mut cuts: Vec<Cut> = a.iter().chain(b).copied().collect();
    cuts.sort_by(Cut::order);
    cuts.dedup();
    let mut kept = Vec::new();
    let mut inside = false;
    for cut in cuts {
        let within = |set: &[Cut]| {
            let before = set
                .iter()
                .filter(|own| own.order(&cut) != Ordering::Greater);
            before.count() % 2 == 1
        };
        let now = keep(within(a), within(b));
        if now != inside {
            kept.push(cut);
            inside = now;
        }
    }
    kept
}
