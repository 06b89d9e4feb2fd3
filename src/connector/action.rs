//! `actions:`: what can be done to a system, with its proof and its way back.

use std::time::Duration;

use serde_json::Value as Json;

use super::setting::is_name;
use super::signal::lets;
use super::step::{ANSWER, Around, Kept, Step, Until};
use crate::action::Risk;
use crate::diag::{Code, Faults};
use crate::expr::{Expr, Names, Type};
use crate::shape::{Offered, Path, Reading};
use crate::yaml::{Fields, Node};

/// An argument of no known type.
const UNKNOWN_TAKE: Code = Code("AND0450");
/// A name that cannot be one.
const BAD_NAME: Code = Code("AND0451");
/// No proof.
const NO_PROOF: Code = Code("AND0452");
/// A word that is not one of those allowed.
const UNKNOWN_WORD: Code = Code("AND0453");
/// An echo of no signal.
const UNKNOWN_SIGNAL: Code = Code("AND0454");

/// One verb of a connector.
#[derive(Debug)]
pub struct ActionRule {
    /// Its name.
    pub name: String,
    /// One or two sentences.
    pub about: String,
    /// How much harm it can do.
    pub risk: Risk,
    /// Its arguments.
    pub takes: Vec<Take>,
    /// Names made here; lazy.
    pub lets: Vec<(usize, Expr)>,
    /// Waited for before anything is read.
    pub ready: Option<Until>,
    /// What is there now.
    pub before: Vec<Step>,
    /// Whether there is nothing to do.
    pub already: Option<Expr>,
    /// What changes it.
    pub steps: Vec<Step>,
    /// What proves it.
    pub prove: Prove,
    /// Whether what is there is still Andon's.
    pub ours: Option<Ours>,
    /// What changes it back.
    pub undo: Vec<Step>,
    /// What proves that it is back; else every kept value must be as kept.
    pub undone: Option<Until>,
    /// What must be as it was.
    pub unchanged: Option<Unchanged>,
    /// How its own changes come back as signals.
    pub echo: Vec<Echo>,
    /// What it cannot do.
    pub limits: Limits,
    /// What its expressions name, in order.
    pub names: Names,
}

/// An argument.
#[derive(Debug, Clone)]
pub struct Take {
    /// Its name.
    pub name: String,
    /// Its slot in the action's names.
    pub slot: usize,
    /// What it is.
    pub kind: TakeKind,
    /// What for.
    pub about: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it is when left out.
    pub default: Option<Json>,
    /// A text has to match it as a whole.
    pub matches: Option<regex::Regex>,
    /// The only values it may have.
    pub one_of: Vec<Json>,
    /// The smallest number, or the shortest text.
    pub min: Option<f64>,
    /// The largest number, or the longest text.
    pub max: Option<f64>,
}

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeKind {
    /// A text.
    Text,
    /// A whole number.
    Int,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// An absolute URL.
    Url,
    /// A secret of the request, never kept.
    Secret,
    /// An RFC 3339 time.
    Time,
    /// Such as `30s`.
    Duration,
    /// A map.
    Object,
    /// A list.
    List,
}

impl TakeKind {
    const ALL: [(&'static str, Self); 10] = [
        ("text", Self::Text),
        ("int", Self::Int),
        ("number", Self::Number),
        ("bool", Self::Bool),
        ("url", Self::Url),
        ("secret", Self::Secret),
        ("time", Self::Time),
        ("duration", Self::Duration),
        ("object", Self::Object),
        ("list", Self::List),
    ];

    /// The word in files and in the catalog.
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, kind)| *kind == self)
            .map_or("text", |(word, _)| word)
    }
}

/// What proves an action.
#[derive(Debug, Default)]
pub struct Prove {
    /// What the platform says; all must hold.
    pub state: Vec<Until>,
    /// What callers get.
    pub behaviour: Option<Behaviour>,
}

/// Probes of what callers get.
#[derive(Debug)]
pub struct Behaviour {
    /// One probe; `holds` over its answer.
    pub probe: Until,
    /// Probes in a round.
    pub times: u64,
    /// Between probes.
    pub every: Duration,
    /// The share that has to hold in a round.
    pub share: Share,
}

/// A share of a round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Share {
    /// At least so much.
    AtLeast(f64),
    /// At most so much.
    AtMost(f64),
}

/// Whether what is there is still Andon's.
#[derive(Debug)]
pub struct Ours {
    /// What is read; `None`: the first state read of the proof, made again.
    pub read: Option<Step>,
    /// What has to hold.
    pub holds: Expr,
}

/// What must be as it was before.
#[derive(Debug)]
pub struct Unchanged {
    /// What is read.
    pub read: Step,
    /// The map in it.
    pub of: Expr,
    /// Keys that may differ.
    pub except: Vec<Expr>,
}

/// How a change of Andon's own comes back.
#[derive(Debug)]
pub struct Echo {
    /// A signal of the same connector.
    pub signal: String,
    /// Of doing, or of undoing.
    pub of: EchoOf,
    /// Over `signal` and what the action names.
    pub when: Expr,
    /// How long after the call.
    pub within: Duration,
    /// The slot of `signal`.
    pub slot: usize,
    /// What `when` names.
    pub names: Names,
}

/// What an echo is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EchoOf {
    /// Doing.
    Do,
    /// Undoing.
    Undo,
}

/// What an action cannot do, for approvers to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Whether it can be undone.
    pub reversible: bool,
    /// Whether it only asks.
    pub advisory: bool,
    /// Whether it reaches beyond its target.
    pub cluster_wide: bool,
    /// Whether a restart of the platform leaves it in force.
    pub restart_safe: bool,
    /// Known ways around it.
    pub bypass: Vec<String>,
    /// How long it takes to take hold.
    pub takes_hold: Option<Duration>,
}

const KEYS: [&str; 19] = [
    "about",
    "risk",
    "takes",
    "let",
    "prefix",
    "reads",
    "before",
    "ready",
    "already",
    "do",
    "prove",
    "hold",
    "ours",
    "undo",
    "undone",
    "unchanged",
    "echo",
    "limits",
    "class",
];

/// Reads one entry of `actions:`.
pub fn parse(
    name: &str,
    node: &Node,
    signals: &[String],
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<ActionRule> {
    let fields = Fields::of(node, "an action", &KEYS, faults)?;
    let start = faults.errors();
    if !is_name(name) {
        faults
            .error(
                BAD_NAME,
                node.place(),
                format!("an action cannot be called `{name}`"),
            )
            .help("use letters, digits and `-`");
    }
    let mut names = Names::new()
        .with("settings", offered.settings())
        .with("action", Type::Any);
    for root in ANSWER {
        names = names.with(root, Type::Any);
    }
    let takes = takes(&fields, &mut names, faults);
    let lets = lets(&fields, &mut names, faults);
    let prefix = fields
        .get("prefix")
        .and_then(|node| Path::parse(node, None, &names, offered.plain, faults));
    let reads: Vec<(String, &Node)> = fields
        .get("reads")
        .and_then(Node::as_map)
        .unwrap_or_default()
        .iter()
        .map(|entry| (entry.key.clone(), &entry.value))
        .collect();
    let around = Around {
        offered,
        prefix: prefix.as_ref(),
        reads: &reads,
        what: "a step",
    };
    let ready = fields
        .get("ready")
        .and_then(|node| Until::parse(node, &around, &mut names, faults));
    let before = steps(&fields, "before", &around, &mut names, faults);
    let already = fields
        .get("already")
        .and_then(|node| Reading::over(&names).condition(node, faults));
    fields.require("do", "write what changes it, as a list of requests", faults);
    let does = steps(&fields, "do", &around, &mut names, faults);
    let prove = prove(&fields, &around, &mut names, faults);
    let ours = fields
        .get("ours")
        .and_then(|node| ours(node, &around, &mut names, faults));
    let undo = steps(&fields, "undo", &around, &mut names, faults);
    let undone = fields
        .get("undone")
        .and_then(|node| Until::parse(node, &around, &mut names, faults));
    let unchanged = fields
        .get("unchanged")
        .and_then(|node| unchanged(node, &around, &mut names, faults));
    let echo = echoes(&fields, &names, signals, faults);
    let limits = limits(&fields, !undo.is_empty(), faults);
    let risk = match fields.text("risk", faults).as_deref() {
        Some("low") => Risk::Low,
        Some("medium") => Risk::Medium,
        None | Some("high") => Risk::High,
        Some(other) => {
            faults
                .error(
                    UNKNOWN_WORD,
                    fields.get("risk").unwrap_or(node).place(),
                    format!("a risk is not `{other}`"),
                )
                .help("write low, medium or high");
            Risk::High
        }
    };
    let about = fields.required_text("about", "say in a sentence what it does", faults);
    if limits.reversible && ours.is_none() && !undo.is_empty() {
        faults
            .error(
                NO_PROOF,
                node.place_of_key("undo"),
                "an action that is undone says how to tell that nobody changed it since",
            )
            .help("write `ours:` with a condition over the state that `prove.state` reads");
    }
    (faults.errors() == start).then_some(())?;
    Some(ActionRule {
        name: name.to_owned(),
        about: about?,
        risk,
        takes,
        lets,
        ready,
        before,
        already,
        steps: does,
        prove,
        ours,
        undo,
        undone,
        unchanged,
        echo,
        limits,
        names,
    })
}

fn takes(fields: &Fields<'_>, names: &mut Names, faults: &mut Faults) -> Vec<Take> {
    let mut takes = Vec::new();
    for entry in fields
        .get("takes")
        .and_then(Node::as_map)
        .unwrap_or_default()
    {
        let keys = [
            "is", "about", "optional", "default", "matches", "one_of", "min", "max",
        ];
        let Some(take) = Fields::of(&entry.value, "an argument", &keys, faults) else {
            continue;
        };
        if names.find(&entry.key).is_some()
            || !is_name(&entry.key)
            || entry.key.contains('-')
            || entry.key == "signal"
        {
            faults
                .error(BAD_NAME, entry.key_place(), format!("an argument cannot be called `{}`", entry.key))
                .help("choose a word of letters, digits and `_` that expressions do not use otherwise");
            continue;
        }
        let is = take
            .required_text("is", "say what it is, such as `is: text`", faults)
            .unwrap_or_default();
        let Some((_, kind)) = TakeKind::ALL.into_iter().find(|(word, _)| *word == is) else {
            faults
                .error(
                    UNKNOWN_TAKE,
                    take.get("is").unwrap_or(&entry.value).place(),
                    format!("`{is}` is no type of argument"),
                )
                .help("write text, int, number, bool, url, secret, time, duration, object or list");
            // Named all the same: that it is of no type is said once, and not at each place that uses it.
            *names = std::mem::take(names).with(&entry.key, Type::Any);
            continue;
        };
        let of = match kind {
            TakeKind::Text
            | TakeKind::Url
            | TakeKind::Secret
            | TakeKind::Time
            | TakeKind::Duration => Type::Text,
            TakeKind::Int | TakeKind::Number => Type::Number,
            TakeKind::Bool => Type::Bool,
            TakeKind::Object | TakeKind::List => Type::Any,
        };
        let slot = names.len();
        *names = std::mem::take(names).with(&entry.key, of);
        let matches = take.text("matches", faults).and_then(|pattern| {
            match regex::Regex::new(&format!("^(?:{pattern})$")) {
                Ok(regex) => Some(regex),
                Err(_) => {
                    faults
                        .error(
                            UNKNOWN_WORD,
                            take.get("matches").unwrap_or(&entry.value).place(),
                            "this pattern is no regular expression",
                        )
                        .help("write such as `\"[a-z0-9-]{1,40}\"`");
                    None
                }
            }
        });
        let number = |key: &str| take.get(key).and_then(|node| node.to_json().as_f64());
        takes.push(Take {
            name: entry.key.clone(),
            slot,
            kind,
            about: take.text("about", faults).unwrap_or_default(),
            optional: take.truth("optional", faults).unwrap_or(false),
            default: take
                .get("default")
                .map(|node| match (kind, node.to_json()) {
                    (TakeKind::Text, Json::Number(number)) => Json::String(number.to_string()),
                    (_, value) => value,
                }),
            matches,
            one_of: take
                .get("one_of")
                .and_then(Node::as_list)
                .unwrap_or_default()
                .iter()
                .map(Node::to_json)
                .collect(),
            min: number("min"),
            max: number("max"),
        });
    }
    takes
}

fn steps(
    fields: &Fields<'_>,
    key: &str,
    around: &Around<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Vec<Step> {
    let Some(node) = fields.get(key) else {
        return Vec::new();
    };
    let Some(items) = node.as_list() else {
        faults
            .error(
                UNKNOWN_WORD,
                node.place(),
                format!("`{key}` is a list of requests, and this is {}", node.what()),
            )
            .help("begin each request with `- get: /path` or another method");
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| Step::parse(item, &[], around, names, faults))
        .collect()
}

fn prove(
    fields: &Fields<'_>,
    around: &Around<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Prove {
    let Some(node) = fields.require(
        "prove",
        "write `prove: { state: … }`: what the platform says once it is done",
        faults,
    ) else {
        return Prove::default();
    };
    let Some(proofs) = Fields::of(node, "`prove`", &["state", "behaviour"], faults) else {
        return Prove::default();
    };
    let state = match proofs.get("state") {
        None => Vec::new(),
        Some(node) => match node.as_list() {
            Some(items) => items
                .iter()
                .filter_map(|item| Until::parse(item, around, names, faults))
                .collect(),
            None => Until::parse(node, around, names, faults)
                .into_iter()
                .collect(),
        },
    };
    let behaviour = proofs
        .get("behaviour")
        .and_then(|node| behaviour(node, around, names, faults));
    if proofs.get("state").is_none() && proofs.get("behaviour").is_none() {
        faults
            .error(NO_PROOF, node.place(), "this proves nothing")
            .help("write `state:` with a read and `until:`");
    }
    Prove { state, behaviour }
}

fn behaviour(
    node: &Node,
    around: &Around<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Option<Behaviour> {
    let number = |key: &str| {
        node.get(key)
            .and_then(Node::as_text)
            .and_then(|text| text.parse::<u64>().ok())
    };
    let every = node
        .get("every")
        .and_then(Node::as_text)
        .and_then(crate::yaml::duration)
        .unwrap_or(Duration::from_secs(1));
    let share = match node.get("share") {
        None => Share::AtLeast(1.0),
        Some(share) => match share.get("at_most") {
            Some(most) => Share::AtMost(most.to_json().as_f64().unwrap_or(0.0)),
            None => Share::AtLeast(share.to_json().as_f64().unwrap_or(1.0)),
        },
    };
    let mut stripped = node.clone();
    if let crate::yaml::Kind::Map(entries) = &mut stripped.kind {
        entries.retain(|entry| entry.key != "share");
    }
    let probe = Until::parse(&stripped, around, names, faults)?;
    Some(Behaviour {
        probe,
        times: number("times").unwrap_or(1).max(1),
        every,
        share,
    })
}

fn ours(node: &Node, around: &Around<'_>, names: &mut Names, faults: &mut Faults) -> Option<Ours> {
    if node.as_map().is_none() {
        return Reading::over(names)
            .condition(node, faults)
            .map(|holds| Ours { read: None, holds });
    }
    let read = Step::parse(node, &["holds"], around, names, faults);
    let Some(condition) = node.get("holds") else {
        faults
            .error(NO_PROOF, node.place(), "this does not say what is ours")
            .help("write `holds:` with a condition over the answer");
        return None;
    };
    let holds = Reading::over(names).condition(condition, faults);
    Some(Ours {
        read: Some(read?),
        holds: holds?,
    })
}

fn unchanged(
    node: &Node,
    around: &Around<'_>,
    names: &mut Names,
    faults: &mut Faults,
) -> Option<Unchanged> {
    let read = Step::parse(node, &["of", "except"], around, names, faults);
    let reading = Reading::over(names);
    let Some(of) = node.get("of") else {
        faults
            .error(NO_PROOF, node.place(), "this does not say what must stay")
            .help("write `of: =body.applications`");
        return None;
    };
    let of = reading.expr(of, faults);
    let except = node
        .get("except")
        .and_then(Node::as_list)
        .unwrap_or_default()
        .iter()
        .filter_map(|item| reading.expr(item, faults))
        .collect();
    Some(Unchanged {
        read: read?,
        of: of?,
        except,
    })
}

fn echoes(
    fields: &Fields<'_>,
    names: &Names,
    signals: &[String],
    faults: &mut Faults,
) -> Vec<Echo> {
    let slot = names.len();
    let names = names.clone().with("signal", Type::Any);
    let mut echoes = Vec::new();
    for item in fields
        .get("echo")
        .and_then(Node::as_list)
        .unwrap_or_default()
    {
        let Some(echo) = Fields::of(item, "an echo", &["signal", "of", "when", "within"], faults)
        else {
            continue;
        };
        let signal = echo
            .required_text("signal", "name a signal of this connector", faults)
            .unwrap_or_default();
        if !signals.contains(&signal) {
            let fault = faults.error(
                UNKNOWN_SIGNAL,
                echo.get("signal").unwrap_or(item).place(),
                format!("this connector has no signal `{signal}`"),
            );
            match crate::diag::nearest(&signal, signals.iter().map(String::as_str)) {
                Some(meant) => fault
                    .label(format!("did you mean `{meant}`?"))
                    .help(format!("write `signal: {meant}`")),
                None => fault.help(format!("its signals are {}", signals.join(", "))),
            };
            continue;
        }
        let of = match echo.text("of", faults).as_deref() {
            Some("undo") => EchoOf::Undo,
            None | Some("do") => EchoOf::Do,
            Some(other) => {
                faults
                    .error(
                        UNKNOWN_WORD,
                        echo.get("of").unwrap_or(item).place(),
                        format!("an echo is not of `{other}`"),
                    )
                    .help("write `do` or `undo`");
                continue;
            }
        };
        let when = echo
            .require("when", "say how to recognise it", faults)
            .and_then(|node| Reading::over(&names).condition(node, faults));
        let within = echo
            .duration("within", faults)
            .unwrap_or(Duration::from_secs(300));
        if let Some(when) = when {
            echoes.push(Echo {
                signal,
                of,
                when,
                within,
                slot,
                names: names.clone(),
            });
        }
    }
    echoes
}

fn limits(fields: &Fields<'_>, has_undo: bool, faults: &mut Faults) -> Limits {
    let keys = [
        "reversible",
        "advisory",
        "cluster_wide",
        "restart_safe",
        "bypass",
        "takes_hold",
        "kept",
    ];
    let written = fields
        .get("limits")
        .and_then(|node| Fields::of(node, "`limits`", &keys, faults));
    let truth = |key: &'static str, otherwise: bool, faults: &mut Faults| {
        written
            .as_ref()
            .and_then(|fields| fields.truth(key, faults))
            .unwrap_or(otherwise)
    };
    let limits = Limits {
        reversible: truth("reversible", has_undo, faults),
        advisory: truth("advisory", false, faults),
        cluster_wide: truth("cluster_wide", false, faults),
        restart_safe: truth("restart_safe", true, faults),
        bypass: written
            .as_ref()
            .and_then(|fields| fields.list_of_text("bypass", faults))
            .unwrap_or_default(),
        takes_hold: written
            .as_ref()
            .and_then(|fields| fields.duration("takes_hold", faults)),
    };
    if limits.reversible && !has_undo {
        faults
            .error(
                NO_PROOF,
                fields.node().head(),
                "this action says it is reversible, and has no `undo`",
            )
            .help("write `undo:`, or `reversible: false` under `limits:`");
    }
    limits
}

impl ActionRule {
    /// What is kept by `before`: the names that the plan stands on.
    pub fn kept_before(&self) -> impl Iterator<Item = &Kept> {
        self.before.iter().flat_map(|step| step.keep.iter())
    }
}
