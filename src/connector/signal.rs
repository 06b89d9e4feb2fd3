//! `signals:`: what a system says, and how it is cut out of what arrives.

mod way;
mod schema;
mod instance;
mod reply;

use std::sync::Arc;
use std::time::Duration;

use super::setting::is_name;
use super::{Files, Schedule};
use crate::diag::{self, Code, Faults, codes};
use crate::document::Place;
use crate::expr::{Expr, Names, Scope, Type, Value};
use crate::shape::{Call, Offered, Path, Reading, Shape};
use crate::yaml::{Entry, Fields, Node};
pub use instance::Instances;
pub(super) use reply::without_alerts;
pub use reply::{Replied, Reply, ReplyWord};
use schema::schema;
use way::way;

/// `each:` that is none.
const BAD_EACH: Code = Code("AND0433");
/// One signal of a connector.
#[derive(Debug)]
pub struct SignalRule {
    /// Its name.
    pub name: String,
    /// What is known of `data`.
    pub data_type: Type,
    /// Checks `data`.
    pub schema: Option<Arc<jsonschema::Validator<Instances>>>,
    /// The file of the schema, for help lines.
    pub schema_file: String,
    /// An example, as it arrives.
    pub sample: Option<String>,
    /// How it arrives.
    pub way: Way,
    /// Lists to go through: the name of each item, and the list. Empty: the body is one signal.
    pub each: Vec<(usize, Expr)>,
    /// Whether an item counts.
    pub only_item: Option<Expr>,
    /// Names made here; lazy.
    pub lets: Vec<(usize, Expr)>,
    /// What the vendor calls it.
    pub id: Option<Shape>,
    /// When it happened.
    pub at: Option<Expr>,
    /// The data that mappings see.
    pub data: Shape,
    /// The same id after this long is a new sighting.
    pub again: Option<Duration>,
    /// How many items the sender says it left out.
    pub lost: Option<Expr>,
    /// A path below the connection's URL where it can be looked at; names come from `data`.
    pub link: Option<SourceLink>,
    /// How it answers one of Andon's own alerts.
    pub reply: Option<Reply>,
    /// Where its name stands.
    pub place: diag::Place,
    /// What its expressions name, in order.
    pub names: Names,
}

/// How a signal arrives.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one for each signal of a manifest, a few dozen in all"
)]
pub enum Way {
    /// Pushed.
    Webhook {
        /// Whether a body is this signal.
        only_if: Option<Expr>,
    },
    /// Asked for.
    Poll(Box<Poll>),
    /// Found in files.
    File(FileRule),
    /// Andon's own, as a state.
    Own(Own),
}

/// What Andon tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// The destinations that take nothing. The body is `{ destinations: [ { destination, why, since } ] }`.
    Destinations,
    /// The containments that no longer hold. The body is `{ containments: [ { containment, action,
    /// platform, with, since, proven_at, asked_by, changed_by } ] }`; `changed_by` may be null.
    Containments,
}

impl Way {
    /// What its items are, where they are remembered from one reading to the next.
    pub fn of(&self) -> Option<PollOf> {
        match self {
            Self::Poll(poll) => Some(poll.of),
            Self::Own(_) => Some(PollOf::State),
            Self::Webhook { .. } | Self::File(_) => None,
        }
    }
}

/// A poll.
#[derive(Debug)]
pub struct Poll {
    /// What its items are.
    pub of: PollOf,
    /// When.
    pub every: Schedule,
    /// The request.
    pub call: Call,
    /// How the next page is had.
    pub next: Option<Next>,
    /// Over `item`: once the stored mark is reached, the rest is known.
    pub mark: Option<Expr>,
    /// When to scan everything, to find what is gone.
    pub full: Option<Schedule>,
}

/// What polled items are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollOf {
    /// States: evaluated at every poll, stored when changed.
    State,
    /// Events: each once.
    Events,
}

/// How the next page is had.
#[derive(Debug)]
pub enum Next {
    /// A query parameter that takes what the answer gave; absent or empty ends.
    Token {
        /// The parameter.
        query: String,
        /// Over the answer.
        from: Expr,
    },
    /// A URL in the answer, on the same host; absent ends.
    Link(Expr),
    /// A page number that counts up from `first` while `more` holds.
    Page {
        /// The parameter.
        query: String,
        /// The first page's number.
        first: u64,
        /// Over the answer.
        more: Expr,
    },
}

/// Files in the connection's `folder`.
#[derive(Debug)]
pub struct FileRule {
    /// Which, relative to the folder.
    pub glob: String,
    /// How they are opened.
    pub open: Open,
    /// When a file is whole.
    pub whole: Option<Whole>,
    /// Whether a body is this signal, where one glob serves several.
    pub only_if: Option<Expr>,
}

/// How a file is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Open {
    /// One JSON document.
    Json,
    /// One JSON document a line: `rows`.
    Jsonl,
    /// A member of a zip archive, one JSON document.
    Zip {
        /// The member's path in the archive.
        member: String,
    },
}

/// When a file is whole.
#[derive(Debug)]
pub struct Whole {
    /// A row that ends it.
    pub has: Option<Expr>,
    /// Or nothing was written for so long.
    pub or_quiet: Option<Duration>,
}

const KEYS: [&str; 17] = [
    "about",
    "schema",
    "sample",
    "webhook",
    "poll",
    "file",
    "own",
    "each",
    "only_item",
    "let",
    "id",
    "at",
    "data",
    "again",
    "lost",
    "link",
    "reply",
];

/// Reads one entry of `signals:`.
pub fn parse(
    connector: &str,
    entry: &Entry,
    files: &Files,
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<SignalRule> {
    let (name, node) = (entry.key.as_str(), &entry.value);
    let fields = Fields::of(node, "a signal", &KEYS, faults)?;
    if !is_name(name) {
        faults
            .error(
                codes::BAD_NAME,
                entry.key_place(),
                format!("a signal cannot be called `{name}`"),
            )
            .help("use letters, digits and `-`");
    }
    let before = faults.errors();
    let mut names = [
        "received_at",
        "now",
        "header",
        "status",
        "body",
        "text",
        "file",
        "rows",
        "row",
        "mark",
        "item",
    ]
    .into_iter()
    .fold(
        Names::new().with("settings", offered.settings()),
        |names, root| names.with(root, Type::Any),
    );
    let way = way(&fields, &names, offered, faults);
    let each = each(&fields, &mut names, faults);
    let lets = lets(&fields, &mut names, faults);
    let reading = Reading::over(&names);
    let only_item = fields
        .get("only_item")
        .and_then(|node| reading.condition(node, faults));
    let id = fields
        .get("id")
        .and_then(|node| reading.value(node, faults));
    let at = fields.get("at").and_then(|node| reading.expr(node, faults));
    let lost = fields
        .get("lost")
        .and_then(|node| reading.expr(node, faults));
    let data = fields
        .require(
            "data",
            "say what mappings see, such as `data: =body.data`",
            faults,
        )
        .and_then(|node| reading.value(node, faults));
    let again = fields.duration("again", faults);
    let title = format!("{connector}/{name}");
    let (schema, data_type, schema_file) = schema(&fields, &title, files, faults);
    let sample = fields.text("sample", faults);
    if let (Some(sample), Some(node)) = (&sample, fields.get("sample"))
        && !files.contains_key(sample)
    {
        faults
            .error(
                codes::MISSING_FILE,
                node.place(),
                format!("there is no file `{sample}` beside this manifest"),
            )
            .help("copy a real payload there, or leave the key out");
    }
    let link = fields
        .get("link")
        .and_then(|node| link(node, &data_type, faults));
    let reply = fields
        .get("reply")
        .and_then(|node| reply::reply(node, &data_type, faults));
    if faults.errors() > before {
        return None;
    }
    Some(SignalRule {
        name: name.to_owned(),
        data_type,
        schema,
        schema_file,
        sample,
        way: way?,
        each,
        only_item,
        lets,
        id,
        at,
        data: data?,
        again,
        lost,
        link,
        reply,
        place: entry.key_place(),
        names,
    })
}

/// `each: =body.tests` names its items `item`; `each: [ { call: =body }, { guard: =call.list } ]` names them itself.
fn each(fields: &Fields<'_>, names: &mut Names, faults: &mut Faults) -> Vec<(usize, Expr)> {
    let Some(node) = fields.get("each") else {
        return Vec::new();
    };
    let mut steps = Vec::new();
    let Some(items) = node.as_list() else {
        if let (Some((slot, _)), Some(list)) =
            (names.find("item"), Reading::over(names).expr(node, faults))
        {
            steps.push((slot, list));
        }
        return steps;
    };
    for item in items {
        let Some([entry]) = item.as_map() else {
            faults
                .error(BAD_EACH, item.place(), "each line names one list")
                .help("write `- call: =body`, and on the next line `- guard: =call.guards`");
            continue;
        };
        let list = Reading::over(names).expr(&entry.value, faults);
        let slot = names.len();
        *names = std::mem::take(names).with(&entry.key, Type::Any);
        if let Some(list) = list {
            steps.push((slot, list));
        }
    }
    steps
}

/// Reads `let:`: each name may use those before it.
pub fn lets(fields: &Fields<'_>, names: &mut Names, faults: &mut Faults) -> Vec<(usize, Expr)> {
    let mut lets = Vec::new();
    for entry in fields.entries("let", faults) {
        if names.slot(&entry.key).is_some() || !is_name(&entry.key) || entry.key.contains('-') {
            faults
                .error(
                    codes::BAD_NAME,
                    entry.key_place(),
                    format!("`{}` cannot be a name made here", entry.key),
                )
                .help("choose a word that nothing else here is called, of letters, digits and `_`");
            continue;
        }
        if !entry
            .value
            .as_text()
            .is_some_and(|text| text.starts_with('='))
        {
            faults
                .error(
                    Code("AND0437"),
                    entry.value.place(),
                    "`let` gives a name to an expression",
                )
                .help(format!("write `{}: =…`", entry.key));
            continue;
        }
        let expr = Reading::over(names).expr(&entry.value, faults);
        let slot = names.len();
        *names = match &expr {
            Some(expr) => std::mem::take(names).with_let(&entry.key, expr),
            None => std::mem::take(names).with(&entry.key, Type::Any),
        };
        if let Some(expr) = expr {
            lets.push((slot, expr));
        }
    }
    lets
}

/// A path for people to open, below a connection's URL.
#[derive(Debug)]
pub struct SourceLink {
    path: Path,
    names: Names,
}

impl SourceLink {
    /// The path for a signal's data; `None` where the data lack a name that it needs.
    pub fn path(&self, data: Place<'_>) -> Option<String> {
        let mut scope = Scope::new(&self.names);
        for (slot, name) in self.names.slots() {
            if let Some(value) = data.get(name) {
                scope.set(slot, Value::from_place(value));
            }
        }
        self.path.render(&scope).ok()
    }
}

/// A path whose names are fields of `data`.
fn link(node: &Node, data: &Type, faults: &mut Faults) -> Option<SourceLink> {
    let mut names = Names::new().with("settings", Type::Any);
    if let Type::Object(object) = data {
        for (key, (of, _)) in &object.keys {
            names = names.with(key, of.clone());
        }
    }
    Path::parse_link(node, &names, faults).map(|path| SourceLink { path, names })
}
