//! A step: one request, what its answers mean, and what is kept of them.

use std::time::Duration;

use crate::diag::{Code, Faults, codes};
use crate::expr::{Expr, Names, Type};
use crate::shape::{CALL_KEYS, Call, Offered, Path, Reading, Shape};
use crate::yaml::{Fields, Node};

/// A line of `answers` without a verdict that there is.
pub(super) const NO_VERDICT: Code = Code("AND0440");
/// A proof without anything that has to hold.
pub(super) const NO_PROOF: Code = Code("AND0452");
/// `read:` that names nothing.
const UNKNOWN_READ: Code = Code("AND0442");

/// One request of an action or a look-up.
#[derive(Debug, Clone)]
pub struct Step {
    /// Whether it runs.
    pub only_if: Option<Expr>,
    /// The request.
    pub call: Call,
    /// What answers mean, the first that holds; empty: the rules of "How a run goes".
    pub answers: Vec<StepAnswer>,
    /// What later steps, the proof and undo need: slot in the action's names, name, value.
    pub keep: Vec<Kept>,
    /// What may change without a new plan, such as a resource version.
    pub guard: Vec<Kept>,
    /// The query that makes this request a dry run of the platform's own.
    pub preview: Option<Shape>,
}

/// A value kept under a name.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its slot in the action's names.
    pub slot: usize,
    /// Its name.
    pub name: String,
    /// Over the answer.
    pub value: Expr,
}

/// What an answer means.
#[derive(Debug, Clone)]
pub struct StepAnswer {
    /// The verdict.
    pub verdict: StepVerdict,
    /// When; `None` for `otherwise`.
    pub when: Option<Expr>,
}

/// A verdict on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepVerdict {
    /// It was done.
    Done,
    /// It was so already.
    AlreadyDone,
    /// There is nothing: what is kept is null.
    None,
    /// Not yet: ask again.
    Wait,
    /// Somebody changed it since it was read: read again, plan again.
    Stale,
    /// The platform will not.
    Refused,
    /// Nobody knows: read, then decide.
    Unknown,
}

impl StepVerdict {
    const ALL: [(&'static str, Self); 7] = [
        ("done", Self::Done),
        ("already_done", Self::AlreadyDone),
        ("none", Self::None),
        ("wait", Self::Wait),
        ("stale", Self::Stale),
        ("refused", Self::Refused),
        ("unknown", Self::Unknown),
    ];

    /// The word in files and in the audit.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, verdict)| *verdict == self)
            .map_or("unknown", |(word, _)| word)
    }
}

/// A read repeated until something holds.
#[derive(Debug, Clone)]
pub struct Until {
    /// What is read.
    pub step: Step,
    /// What has to hold.
    pub until: Expr,
    /// How long it may take.
    pub within: Duration,
}

/// Where a step stands: what it may name, and what it may read by name.
pub struct Around<'s> {
    /// What settings offer.
    pub offered: Offered<'s>,
    /// Stands before every path.
    pub prefix: Option<&'s Path>,
    /// `reads:`: requests named once.
    pub reads: &'s [(String, &'s Node)],
    /// For mappings: whose settings are those of another connector.
    pub what: &'static str,
}

/// The names that only an answer gives; requests cannot see them.
pub const ANSWER: [&str; 4] = ["status", "body", "text", "header"];

/// The keys of a step beside those of a request.
const KEYS: [&str; 7] = [
    "only_if", "read", "answers", "keep", "guard", "preview", "auth",
];

impl Step {
    /// Reads a step out of a map that may also hold the `extra` keys. Names that it keeps are added to `names`.
    pub fn parse(
        node: &Node,
        extra: &[&str],
        around: &Around<'_>,
        names: &mut Names,
        faults: &mut Faults,
    ) -> Option<Self> {
        let mut keys: Vec<&str> = CALL_KEYS.to_vec();
        keys.extend(KEYS);
        keys.extend(extra);
        let fields = Fields::of(node, around.what, &keys, faults)?;
        let before = faults.errors();
        let hidden = names.clone().hiding(&ANSWER);
        let asking = Reading {
            names: &hidden,
            secrets: around.offered.secrets,
            templates: None,
        };
        let only_if = fields
            .get("only_if")
            .and_then(|node| asking.condition(node, faults));
        let preview = fields.get("preview").and_then(|node| {
            Fields::of(node, "`preview`", &["query"], faults)?
                .require(
                    "query",
                    "write what makes it a dry run, such as `query: { dryRun: All }`",
                    faults,
                )
                .and_then(|node| asking.value(node, faults))
        });
        let (call, mut answers) = match fields.get("read") {
            None => (
                Call::parse(&fields, &asking, around.offered, around.prefix, faults),
                Vec::new(),
            ),
            Some(node) => Self::read(node, around, names, &asking, faults)?,
        };
        if let Some(node) = fields.get("answers") {
            answers = step_answers(node, &Reading::over(names), faults);
        }
        let keep = kept(&fields, "keep", names, faults);
        let guard = kept(&fields, "guard", names, faults);
        (faults.errors() == before).then_some(())?;
        Some(Self {
            only_if,
            call: call?,
            answers,
            keep,
            guard,
            preview,
        })
    }

    fn read(
        written: &Node,
        around: &Around<'_>,
        names: &Names,
        asking: &Reading<'_>,
        faults: &mut Faults,
    ) -> Option<(Option<Call>, Vec<StepAnswer>)> {
        let name = written.as_text().unwrap_or_default();
        let Some((_, node)) = around.reads.iter().find(|(known, _)| known == name) else {
            let known: Vec<&str> = around
                .reads
                .iter()
                .map(|(known, _)| known.as_str())
                .collect();
            faults
                .error(
                    UNKNOWN_READ,
                    written.place(),
                    format!("there is no read called `{name}`"),
                )
                .help(if known.is_empty() {
                    "write it under `reads:` of this action".to_owned()
                } else {
                    format!("write one of {}", known.join(", "))
                });
            return None;
        };
        let mut keys: Vec<&str> = CALL_KEYS.to_vec();
        keys.push("answers");
        keys.push("auth");
        let fields = Fields::of(node, "a read", &keys, faults)?;
        let call = Call::parse(&fields, asking, around.offered, around.prefix, faults);
        let answers = fields
            .get("answers")
            .map(|node| step_answers(node, &Reading::over(names), faults))
            .unwrap_or_default();
        Some((call, answers))
    }
}

impl Until {
    /// Reads a step with `until` (or `holds`), `within`, and the keys that whoever asks reads itself.
    pub fn parse(
        node: &Node,
        others: &[&'static str],
        around: &Around<'_>,
        names: &mut Names,
        faults: &mut Faults,
    ) -> Option<Self> {
        let keys = [&["until", "holds", "within"], others].concat();
        let step = Step::parse(node, &keys, around, names, faults);
        let condition = node.get("until").or_else(|| node.get("holds"));
        let Some(condition) = condition else {
            faults
                .error(NO_PROOF, node.head(), "this read proves nothing")
                .help("write `until:` with what has to hold, such as `until: body.state == \"READY\"`");
            return None;
        };
        let until = Reading::over(names).condition(condition, faults);
        let fields = Fields::checked(node, around.what);
        let within = fields
            .duration("within", faults)
            .unwrap_or(Duration::from_secs(30));
        Some(Self {
            step: step?,
            until: until?,
            within,
        })
    }
}

/// Reads `keep:` or `guard:`; the names are added to `names`.
pub(super) fn kept(
    fields: &Fields<'_>,
    key: &str,
    names: &mut Names,
    faults: &mut Faults,
) -> Vec<Kept> {
    let mut kept = Vec::new();
    for entry in fields.entries(key, faults) {
        let value = Reading::over(names).expr(&entry.value, faults);
        let known = names.find(&entry.key).map(|(slot, _)| slot);
        let slot = known.unwrap_or(names.len());
        if known.is_none() {
            *names = std::mem::take(names).with(&entry.key, Type::Any);
        }
        if let Some(value) = value {
            kept.push(Kept {
                slot,
                name: entry.key.clone(),
                value,
            });
        }
    }
    kept
}

/// Reads `answers:` of a step.
fn step_answers(node: &Node, reading: &Reading<'_>, faults: &mut Faults) -> Vec<StepAnswer> {
    let Some(items) = node.as_list() else {
        faults
            .error(
                codes::WRONG_TYPE,
                node.place(),
                format!("`answers` is a list of cases, and this is {}", node.what()),
            )
            .help("write lines such as `- done: status == 200`, and `- refused: otherwise` last");
        return Vec::new();
    };
    let mut answers = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some([entry]) = item.as_map() else {
            faults
                .error(
                    NO_VERDICT,
                    item.place(),
                    "each line has one verdict and its condition",
                )
                .help("write such as `- done: status == 200`");
            continue;
        };
        let Some((_, verdict)) = StepVerdict::ALL
            .into_iter()
            .find(|(word, _)| *word == entry.key)
        else {
            faults
                .error(
                    NO_VERDICT,
                    entry.key_place(),
                    format!("an answer cannot be `{}`", entry.key),
                )
                .help("write done, already_done, none, wait, stale, refused or unknown");
            continue;
        };
        if let Some(when) = case(&entry.value, index + 1 == items.len(), reading, faults) {
            answers.push(StepAnswer { verdict, when });
        }
    }
    answers
}

/// A condition, or `otherwise` where it is the last. `None` when it is faulty.
#[expect(
    clippy::option_option,
    reason = "outer: whether it could be read; inner: `otherwise` has no condition"
)]
pub fn case(
    node: &Node,
    is_last: bool,
    reading: &Reading<'_>,
    faults: &mut Faults,
) -> Option<Option<Expr>> {
    if node.as_text() != Some("otherwise") {
        return reading.one_of_cases(node, faults).map(Some);
    }
    if !is_last {
        faults
            .error(
                codes::NEVER_REACHED,
                node.place(),
                "what stands below `otherwise` is never reached",
            )
            .help("move this line to the end");
    }
    Some(None)
}
