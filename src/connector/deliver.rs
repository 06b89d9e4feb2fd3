//! `deliver:`: how alerts are sent to a system, and what its answers mean.

mod acknowledged;
mod answers;
mod fit;

pub use acknowledged::Acknowledged;
pub use answers::{AnswerRule, Verdict};
pub use fit::{Cut, Fit};

use std::time::Duration;

use crate::alert::Alert;
use crate::diag::{Code, Faults, codes};
use crate::expr::{Expr, Names, Type};
use crate::shape::{CALL_KEYS, Call, Offered, Reading, Shape, Templates};
use crate::yaml::{Fields, Node};
use acknowledged::acknowledged;
use answers::answers;

/// A rate that is none.
const BAD_RATE: Code = Code("AND0462");
/// Neither a request nor a file.
const NO_TARGET: Code = Code("AND0463");
/// A secret in an event that shares a request.
const SECRET_IN_BATCH: Code = Code("AND0465");

/// How alerts are sent.
#[derive(Debug)]
pub struct Deliver {
    /// Which revisions.
    pub of: Of,
    /// Where to.
    pub target: Target,
    /// At most so many requests in so long.
    pub rate: Option<(u32, Duration)>,
    /// How events share a request.
    pub batch: Batch,
    /// Whether batches are compressed.
    pub gzip: bool,
    /// How long texts are cut.
    pub cut: Option<Cut>,
    /// One event.
    pub event: Shape,
    /// How the event uses the finding.
    pub ocsf: Use,
    /// The words of an alert that the event or its request may show.
    words: Vec<&'static str>,
    /// What is dropped when one event is too large.
    pub fit: Option<Fit>,
    /// What answers mean, the first that holds.
    pub answers: Vec<AnswerRule>,
    /// Acknowledgment after the answer.
    pub acknowledged: Option<Acknowledged>,
    /// What `event` names, in order: `settings alert ocsf item`.
    pub event_names: Names,
    /// What `answers` name, in order.
    pub answer_names: Names,
}

impl Deliver {
    /// Whether the event or its request may show this word of an alert; the others need not be made.
    pub fn wants(&self, word: &str) -> bool {
        self.words.contains(&word)
    }
}

/// How an event uses something that is costly to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Not at all.
    None,
    /// As it is, wherever it stands.
    Whole,
    /// An expression looks into it.
    Parts,
}

/// Which revisions a destination gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// It keeps state: opening, change of severity, resolving, repeating; waiting ones are coalesced.
    State,
    /// It is a log: all of them.
    Every,
}

/// Where events go.
#[derive(Debug)]
pub enum Target {
    /// A request for each batch.
    Call(Box<Call>),
    /// A file of lines.
    File {
        /// Over `settings`.
        path: Shape,
        /// A new file begins at this size, in bytes.
        rotate: Option<u64>,
        /// Whether each batch is synced to the disk.
        sync: bool,
    },
}

/// How events share a request.
#[derive(Debug)]
pub struct Batch {
    /// How they stand beside one another.
    pub framing: Framing,
    /// The key that an array is wrapped in.
    pub within: Option<String>,
    /// The most bytes before compression, framing counted.
    pub bytes: u64,
    /// The most events.
    pub events: usize,
    /// How long the first waits for others.
    pub wait: Duration,
    /// The longest span of time in one batch.
    pub span: Option<(Expr, Duration)>,
}

/// How events stand beside one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Nothing between them.
    Concatenated,
    /// A JSON array.
    Array,
    /// A line each.
    Newline,
    /// One event a request.
    Single,
}

const KEYS: [&str; 11] = [
    "of",
    "file",
    "rate",
    "batch",
    "gzip",
    "cut",
    "event",
    "fit",
    "answers",
    "acknowledged",
    "auth",
];

/// Reads `deliver:`.
pub fn parse(
    node: &Node,
    templates: &Templates,
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<Deliver> {
    let mut keys: Vec<&str> = CALL_KEYS.to_vec();
    keys.extend(KEYS);
    let fields = Fields::of(node, "`deliver`", &keys, faults)?;
    let start = faults.errors();
    let event_names = names(offered, &["alert", "ocsf", "event", "item"]);
    let answer_names = names(
        offered,
        &[
            "status", "body", "text", "header", "events", "item", "id", "ids",
        ],
    );
    let events = Reading {
        names: &event_names,
        secrets: offered.secrets,
        templates: Some(templates),
    };
    let of = match fields
        .required_text(
            "of",
            "write `of: every` for a log, `of: state` for a pager",
            faults,
        )
        .as_deref()
    {
        Some("state") => Of::State,
        Some("every") | None => Of::Every,
        Some(other) => {
            faults
                .error(codes::UNKNOWN_WORD, fields.get("of").unwrap_or(node).place(), format!("a destination is not of `{other}`"))
                .help("write `every` for a log (all revisions) or `state` for a pager (opening, severity, resolving)");
            Of::Every
        }
    };
    let target = target(&fields, &event_names, offered, faults);
    let event = fields
        .require("event", "write the event that one alert becomes", faults)
        .and_then(|node| events.value_or_cases(node, faults));
    let batch = batch(&fields, &event_names, faults);
    if let (Some(batch), Some(event)) = (&batch, &event)
        && batch.framing != Framing::Single
        && let Some(secret) = event.secrets().first()
    {
        faults
            .error(
                SECRET_IN_BATCH,
                event.place().clone(),
                format!(
                    "the secret `{secret}` stands in an event that shares its request with others"
                ),
            )
            .help("write `batch: { framing: single }`, or name the secret under `auth:`");
    }
    let rate = fields.get("rate").and_then(|node| rate(node, faults));
    let cut = fields.get("cut").and_then(|node| Cut::parse(node, faults));
    let fit = fields.get("fit").and_then(|node| Fit::parse(node, faults));
    let is_file = fields.get("file").is_some();
    let answers = match fields.get("answers") {
        Some(node) => answers(node, &Reading::over(&answer_names), faults),
        None if is_file => Vec::new(),
        None => {
            fields.require(
                "answers",
                "say what each answer means; write `- delivered: status == 200` and so on",
                faults,
            );
            Vec::new()
        }
    };
    let acknowledged = fields
        .get("acknowledged")
        .and_then(|node| acknowledged(node, &answer_names, offered, faults));
    (faults.errors() == start).then_some(())?;
    let (event, batch) = (event?, batch?);
    let ocsf = match (event.uses("ocsf"), event.uses_only_whole("ocsf")) {
        (false, _) => Use::None,
        (true, true) => Use::Whole,
        (true, false) => Use::Parts,
    };
    // A request of its own may name any of an alert's words in its path, headers or query.
    let wanted = |word: &str| batch.framing == Framing::Single || event.shows("alert", word);
    let words = Alert::words().filter(|word| wanted(word)).collect();
    Some(Deliver {
        of,
        target: target?,
        rate,
        batch,
        gzip: fields.truth("gzip", faults).unwrap_or(false),
        cut,
        event,
        ocsf,
        words,
        fit,
        answers,
        acknowledged,
        event_names,
        answer_names,
    })
}

fn names(offered: Offered<'_>, roots: &[&str]) -> Names {
    let names = Names::new().with("settings", offered.settings());
    roots
        .iter()
        .fold(names, |names, root| names.with(root, Type::Any))
}

fn target(
    fields: &Fields<'_>,
    names: &Names,
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<Target> {
    let reading = Reading {
        names,
        secrets: offered.secrets,
        templates: None,
    };
    let Some(node) = fields.get("file") else {
        if fields
            .get("post")
            .or(fields.get("put"))
            .or(fields.get("patch"))
            .is_none()
        {
            faults
                .error(
                    NO_TARGET,
                    fields.node().head(),
                    "this does not say where events go",
                )
                .help("write `post: /path`, or `file: { path: =settings.path }`");
            return None;
        }
        return Call::parse(fields, &reading, offered, None, faults)
            .map(|call| Target::Call(Box::new(call)));
    };
    let file = Fields::of(node, "`file`", &["path", "rotate", "sync"], faults)?;
    let path = file
        .require("path", "write `path: =settings.path`", faults)
        .and_then(|node| reading.value(node, faults))?;
    Some(Target::File {
        path,
        rotate: file.bytes_size("rotate", faults),
        sync: file.truth("sync", faults).unwrap_or(true),
    })
}

fn batch(fields: &Fields<'_>, names: &Names, faults: &mut Faults) -> Option<Batch> {
    let Some(node) = fields.get("batch") else {
        return Some(Batch {
            framing: Framing::Single,
            within: None,
            bytes: 1_000_000,
            events: 1,
            wait: Duration::ZERO,
            span: None,
        });
    };
    let batch = Fields::of(
        node,
        "`batch`",
        &["framing", "in", "bytes", "events", "wait", "span"],
        faults,
    )?;
    let framing = match batch
        .required_text(
            "framing",
            "write concatenated, array, newline or single",
            faults,
        )?
        .as_str()
    {
        "concatenated" => Framing::Concatenated,
        "array" => Framing::Array,
        "newline" => Framing::Newline,
        "single" => Framing::Single,
        other => {
            faults
                .error(
                    codes::UNKNOWN_WORD,
                    batch.get("framing").unwrap_or(node).place(),
                    format!("events are not framed as `{other}`"),
                )
                .help("write concatenated, array, newline or single");
            return None;
        }
    };
    let span = match batch.get("span") {
        None => None,
        Some(node) => {
            let span = Fields::of(node, "`span`", &["of", "at_most"], faults)?;
            let of = span
                .require("of", "write `of: =event.TimeGenerated`", faults)
                .and_then(|node| Reading::over(names).expr(node, faults));
            let at_most = span
                .duration("at_most", faults)
                .unwrap_or(Duration::from_mins(30));
            Some((of?, at_most))
        }
    };
    let most = if framing == Framing::Single { 1 } else { 1_000 };
    let events = batch
        .whole_number("events", faults)
        .and_then(|events| usize::try_from(events).ok())
        .unwrap_or(most);
    Some(Batch {
        framing,
        within: batch.text("in", faults),
        bytes: batch.bytes_size("bytes", faults).unwrap_or(1_000_000),
        events: events.clamp(
            1,
            if framing == Framing::Single {
                1
            } else {
                100_000
            },
        ),
        wait: batch.duration("wait", faults).unwrap_or(Duration::ZERO),
        span,
    })
}

fn rate(node: &Node, faults: &mut Faults) -> Option<(u32, Duration)> {
    let text = node.as_text().unwrap_or_default();
    let read = text.split_once('/').and_then(|(many, per)| {
        Some((
            many.trim().parse::<u32>().ok().filter(|many| *many > 0)?,
            crate::yaml::duration(per.trim())?,
        ))
    });
    if read.is_none() {
        faults
            .error(BAD_RATE, node.place(), format!("`{text}` is no rate"))
            .help("write such as `120/1m`");
    }
    read
}
