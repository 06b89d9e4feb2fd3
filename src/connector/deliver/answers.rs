//! `answers:`: what a destination says, and what it means.

use std::time::Duration;

use super::super::step::{NO_VERDICT, case};
use crate::diag::{Code, Faults, codes};
use crate::expr::Expr;
use crate::shape::Reading;
use crate::yaml::{Fields, Node};

/// A key that says nothing beside its verdict.
const NO_USE: Code = Code("AND0460");

/// What an answer means.
#[derive(Debug)]
pub struct AnswerRule {
    /// The verdict; `None` where `each` item has its own.
    pub verdict: Option<Verdict>,
    /// When; `None` for `otherwise`.
    pub when: Option<Expr>,
    /// Delivered, and the destination asks for less.
    pub slow_down: Option<Expr>,
    /// For `split`: the event that was refused.
    pub bad: Option<Expr>,
    /// For `pause`: how long. For `retry`: at least how long, where the answer itself does not say.
    pub wait: Option<Duration>,
    /// An answer for each item: the list, and the verdicts over `item`.
    pub each: Option<(Expr, Vec<AnswerRule>)>,
}

/// A verdict on a batch, or on an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is there.
    Delivered,
    /// The batch is cut, and its parts are sent again.
    Split,
    /// The same again, later.
    Retry,
    /// A new token, then again; a second time: stop.
    Renew,
    /// Wait, then again, and say so.
    Pause,
    /// Nothing more goes there until somebody mends it.
    Stop,
    /// Never: a dead letter.
    Refuse,
}

impl Verdict {
    const ALL: [(&'static str, Self); 7] = [
        ("delivered", Self::Delivered),
        ("split", Self::Split),
        ("retry", Self::Retry),
        ("renew", Self::Renew),
        ("pause", Self::Pause),
        ("stop", Self::Stop),
        ("refuse", Self::Refuse),
    ];

    /// The word in files, logs and metrics.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, verdict)| *verdict == self)
            .map_or("retry", |(word, _)| word)
    }

    /// Whether somebody has to see to the destination, or to wait for long: nothing but probes until then.
    pub fn stops(self) -> bool {
        matches!(self, Self::Stop | Self::Pause)
    }
}

/// What stands beside verdicts in `answers:` of a destination; under `each:` a line is a verdict alone.
const BESIDE: [&str; 6] = ["when", "slow_down", "bad", "for", "each", "answers"];

/// Reads `answers:` of a destination.
pub(super) fn answers(node: &Node, reading: &Reading<'_>, faults: &mut Faults) -> Vec<AnswerRule> {
    cases(node, &BESIDE, reading, faults)
}

fn cases(
    node: &Node,
    beside: &[&str],
    reading: &Reading<'_>,
    faults: &mut Faults,
) -> Vec<AnswerRule> {
    let start = faults.errors();
    let Some(items) = node.as_list().filter(|items| !items.is_empty()) else {
        faults
            .error(
                codes::WRONG_TYPE,
                node.place(),
                format!("`answers` is a list of cases, and this is {}", node.what()),
            )
            .help(
                "write lines such as `- delivered: status == 200`, and `- refuse: otherwise` last",
            );
        return Vec::new();
    };
    let answers: Vec<AnswerRule> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| answer(item, beside, index + 1 == items.len(), reading, faults))
        .collect();
    if faults.errors() == start && answers.last().is_some_and(|last| last.when.is_some()) {
        faults
            .error(
                codes::NO_OTHERWISE,
                items.last().unwrap_or(node).place(),
                "some answers mean nothing here",
            )
            .help("end with `- refuse: otherwise`");
    }
    answers
}

fn answer(
    node: &Node,
    beside: &[&str],
    is_last: bool,
    reading: &Reading<'_>,
    faults: &mut Faults,
) -> Option<AnswerRule> {
    let words: Vec<&str> = Verdict::ALL.iter().map(|(word, _)| *word).collect();
    let fields = Fields::of(node, "an answer", &[&words, beside].concat(), faults)?;
    let named: Vec<(Verdict, &Node)> = Verdict::ALL
        .iter()
        .filter_map(|(word, verdict)| Some((*verdict, fields.get(word)?)))
        .collect();
    let of_items = ["when", "each", "answers"].map(|key| fields.get(key));
    let (verdict, when, each) = match (named.as_slice(), of_items) {
        ([(verdict, condition)], [None, None, None]) => (
            Some(*verdict),
            case(condition, is_last, reading, faults),
            None,
        ),
        ([], [Some(when), Some(each), Some(inner)]) => {
            let when = case(when, is_last, reading, faults);
            let each = reading.expr(each, faults);
            let inner = cases(inner, &[], reading, faults);
            (None, when, Some((each?, inner)))
        }
        _ => {
            let help = format!("begin it with one of {}", words.join(", "));
            let each =
                "; an answer with a verdict for each item has `when:`, `each:` and `answers:`";
            faults
                .error(NO_VERDICT, node.place(), "each line has one verdict")
                .help(if beside.is_empty() { help } else { help + each });
            return None;
        }
    };
    for (key, heeded) in [
        ("slow_down", verdict.is_some()),
        ("bad", verdict == Some(Verdict::Split)),
        (
            "for",
            matches!(verdict, Some(Verdict::Pause | Verdict::Retry)),
        ),
    ] {
        if let Some(entry) = fields.entry(key).filter(|_| !heeded) {
            faults
                .error(
                    NO_USE,
                    entry.key_place(),
                    format!("`{key}` says nothing beside this verdict"),
                )
                .help("`bad` stands beside `split`, `for` beside `pause` and `retry`, `slow_down` beside any but `each`");
        }
    }
    let slow_down = fields
        .get("slow_down")
        .and_then(|node| reading.condition(node, faults));
    let bad = fields
        .get("bad")
        .and_then(|node| reading.expr(node, faults));
    Some(AnswerRule {
        verdict,
        when: when?,
        slow_down,
        bad,
        wait: fields.duration("for", faults),
        each,
    })
}
