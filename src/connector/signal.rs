//! `signals:`: what a system says, and how it is cut out of what arrives.

use std::sync::Arc;
use std::time::Duration;

use super::setting::is_name;
use super::{Files, Schedule};
use crate::diag::{Code, Faults};
use crate::expr::{Expr, Names, Scope, Type, Value};
use crate::shape::{Call, Offered, Path, Reading, Shape};
use crate::yaml::{Fields, Node};

/// A signal that arrives in no way, or in two.
const ONE_WAY: Code = Code("AND0430");
/// A name that cannot be one.
const BAD_NAME: Code = Code("AND0431");
/// A schema that is missing or none.
const BAD_SCHEMA: Code = Code("AND0701");
/// A schema that names what Andon names.
const RESERVED_FIELD: Code = Code("AND0702");
/// A word that is not one of those allowed.
const UNKNOWN_WORD: Code = Code("AND0432");
/// `each:` that is none.
const BAD_EACH: Code = Code("AND0433");
/// `next:` that leads nowhere.
const BAD_NEXT: Code = Code("AND0434");

/// One signal of a connector.
#[derive(Debug)]
pub struct SignalRule {
    /// Its name.
    pub name: String,
    /// What is known of `data`.
    pub data_type: Type,
    /// Checks `data`.
    pub schema: Option<Arc<jsonschema::Validator>>,
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
    /// What its expressions name, in order.
    pub names: Names,
}

/// How a signal arrives.
#[derive(Debug)]
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

const KEYS: [&str; 15] = [
    "about",
    "schema",
    "sample",
    "webhook",
    "poll",
    "file",
    "each",
    "only_item",
    "let",
    "id",
    "at",
    "data",
    "again",
    "lost",
    "link",
];

/// Reads one entry of `signals:`.
pub fn parse(
    connector: &str,
    name: &str,
    node: &Node,
    files: &Files,
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<SignalRule> {
    let fields = Fields::of(node, "a signal", &KEYS, faults)?;
    if !is_name(name) {
        faults
            .error(
                BAD_NAME,
                node.place(),
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
                Code("AND0435"),
                node.place(),
                format!("there is no file `{sample}` beside this manifest"),
            )
            .help("copy a real payload there, or leave the key out");
    }
    let link = fields
        .get("link")
        .and_then(|node| link(node, &data_type, faults));
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
        names,
    })
}

fn way(
    fields: &Fields<'_>,
    names: &Names,
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<Way> {
    let ways = [
        fields.get("webhook"),
        fields.get("poll"),
        fields.get("file"),
    ];
    if ways.iter().flatten().count() != 1 {
        faults
            .error(ONE_WAY, fields.node().head(), "a signal arrives in one way")
            .help("write one of `webhook:`, `poll:` and `file:`; for two ways write two signals");
        return None;
    }
    let reading = Reading::over(names);
    if let Some(node) = fields.get("webhook") {
        let webhook = Fields::of(node, "`webhook`", &["only_if"], faults)?;
        let only_if = webhook
            .get("only_if")
            .map(|node| reading.condition(node, faults));
        return match only_if {
            None => Some(Way::Webhook { only_if: None }),
            Some(read) => read.map(|only_if| Way::Webhook {
                only_if: Some(only_if),
            }),
        };
    }
    if let Some(node) = fields.get("file") {
        return file(node, &reading, faults).map(Way::File);
    }
    fields
        .get("poll")
        .and_then(|node| poll(node, names, offered, faults))
        .map(|poll| Way::Poll(Box::new(poll)))
}

fn poll(node: &Node, names: &Names, offered: Offered<'_>, faults: &mut Faults) -> Option<Poll> {
    let mut keys = vec!["of", "every", "next", "mark", "full"];
    keys.extend(crate::shape::CALL_KEYS);
    let fields = Fields::of(node, "`poll`", &keys, faults)?;
    let reading = Reading {
        names,
        secrets: offered.secrets,
        templates: None,
    };
    let of = match fields
        .required_text("of", "write `of: state` or `of: events`", faults)
        .as_deref()
    {
        Some("state") => Some(PollOf::State),
        Some("events") => Some(PollOf::Events),
        Some(other) => {
            faults
                .error(UNKNOWN_WORD, fields.get("of").unwrap_or(node).place(), format!("a poll is not of `{other}`"))
                .help("write `state` for things that are (evaluated at every poll) or `events` for things that happened (once each)");
            None
        }
        None => None,
    };
    let every = fields
        .require(
            "every",
            "write a schedule, such as `every: \"*/5 * * * *\"`",
            faults,
        )
        .and_then(|node| Schedule::parse(node, faults));
    let full = fields
        .get("full")
        .and_then(|node| Schedule::parse(node, faults));
    let mark = fields
        .get("mark")
        .and_then(|node| reading.expr(node, faults));
    let next = fields
        .get("next")
        .and_then(|node| next(node, &reading, faults));
    let call = Call::parse(&fields, &reading, offered, None, faults);
    Some(Poll {
        of: of?,
        every: every?,
        call: call?,
        next,
        mark,
        full,
    })
}

fn next(node: &Node, reading: &Reading<'_>, faults: &mut Faults) -> Option<Next> {
    let fields = Fields::of(
        node,
        "`next`",
        &["query", "from", "link", "page", "first", "while"],
        faults,
    )?;
    if let Some(link) = fields.get("link") {
        return reading.expr(link, faults).map(Next::Link);
    }
    if let Some(page) = fields.text("page", faults) {
        let more = fields.require(
            "while",
            "write a condition over the answer, such as `while: body.pagination.hasNext`",
            faults,
        )?;
        let first = fields.whole_number("first", faults).unwrap_or(1);
        return reading.condition(more, faults).map(|more| Next::Page {
            query: page,
            first,
            more,
        });
    }
    if let (Some(query), Some(from)) = (fields.text("query", faults), fields.get("from")) {
        return reading
            .expr(from, faults)
            .map(|from| Next::Token { query, from });
    }
    faults
        .error(BAD_NEXT, node.place(), "this does not say how the next page is had")
        .help("write `{ query: page_token, from: =body.next }`, `{ link: =body.next }`, or `{ page: page, while: body.more }`");
    None
}

fn file(node: &Node, reading: &Reading<'_>, faults: &mut Faults) -> Option<FileRule> {
    let fields = Fields::of(
        node,
        "`file`",
        &["glob", "open", "member", "whole", "only_if"],
        faults,
    )?;
    let glob = fields.required_text(
        "glob",
        "say which files, such as `glob: \"**/*.json\"`",
        faults,
    );
    let open = match fields
        .required_text("open", "write `open: json`, `jsonl` or `zip`", faults)
        .as_deref()
    {
        Some("json") => Some(Open::Json),
        Some("jsonl") => Some(Open::Jsonl),
        Some("zip") => fields
            .required_text(
                "member",
                "name the file inside the archive, such as `member: header.json`",
                faults,
            )
            .map(|member| Open::Zip { member }),
        Some(other) => {
            faults
                .error(
                    UNKNOWN_WORD,
                    fields.get("open").unwrap_or(node).place(),
                    format!("files are not opened as `{other}`"),
                )
                .help("write `json`, `jsonl` or `zip`");
            None
        }
        None => None,
    };
    if let Some(glob) = &glob
        && let Err(error) = globset::Glob::new(glob)
    {
        faults
            .error(
                UNKNOWN_WORD,
                fields.get("glob").unwrap_or(node).place(),
                format!("this is no pattern of files: {}", error.kind()),
            )
            .help("write `*` for part of a name, `**/` for any folders");
    }
    let whole = fields.get("whole").and_then(|node| {
        let fields = Fields::of(node, "`whole`", &["has", "or_quiet"], faults)?;
        let has = fields
            .get("has")
            .and_then(|node| reading.condition(node, faults));
        Some(Whole {
            has,
            or_quiet: fields.duration("or_quiet", faults),
        })
    });
    let only_if = fields
        .get("only_if")
        .and_then(|node| reading.condition(node, faults));
    Some(FileRule {
        glob: glob?,
        open: open?,
        whole,
        only_if,
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
    for entry in fields.get("let").and_then(Node::as_map).unwrap_or_default() {
        if names.find(&entry.key).is_some() || !is_name(&entry.key) || entry.key.contains('-') {
            faults
                .error(
                    Code("AND0436"),
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
        let of = expr.as_ref().map_or(Type::Any, |expr| expr.of().clone());
        *names = std::mem::take(names).with(&entry.key, of);
        if let Some(expr) = expr {
            lets.push((slot, expr));
        }
    }
    lets
}

fn schema(
    fields: &Fields<'_>,
    title: &str,
    files: &Files,
    faults: &mut Faults,
) -> (Option<Arc<jsonschema::Validator>>, Type, String) {
    let nothing = (None, Type::Any, String::new());
    let Some(node) = fields.require(
        "schema",
        "write a JSON Schema of `data` and name its file, such as `schema: schemas/x.json`",
        faults,
    ) else {
        return nothing;
    };
    let file = node.as_text().unwrap_or_default().to_owned();
    let Some(text) = files.get(&file) else {
        faults
            .error(
                BAD_SCHEMA,
                node.place(),
                format!("there is no file `{file}` beside this manifest"),
            )
            .help("write a JSON Schema of `data` there");
        return nothing;
    };
    let bad = |what: String, faults: &mut Faults| {
        faults
            .error(BAD_SCHEMA, node.place(), what)
            .help("mend the schema; it is JSON Schema, draft 2020-12, without `$ref`");
    };
    let schema: serde_json::Value = match serde_json::from_slice(text) {
        Ok(schema) => schema,
        Err(error) => {
            bad(
                format!(
                    "`{file}` is no JSON: line {}, column {}",
                    error.line(),
                    error.column()
                ),
                faults,
            );
            return nothing;
        }
    };
    if mentions_ref(&schema, 0) {
        bad(format!("`{file}` uses `$ref`"), faults);
        return nothing;
    }
    for reserved in ["at", "id", "change"] {
        if schema
            .get("properties")
            .and_then(|properties| properties.get(reserved))
            .is_some()
        {
            faults
                .error(
                    RESERVED_FIELD,
                    node.place(),
                    format!("`{file}` has a field `{reserved}`, which is Andon's own"),
                )
                .help(format!("call it otherwise, such as `{reserved}_there`"));
        }
    }
    match jsonschema::validator_for(&schema) {
        Ok(validator) => (
            Some(Arc::new(validator)),
            with_own_fields(Type::from_schema(&schema, title)),
            file,
        ),
        Err(error) => {
            bad(format!("`{file}` is no JSON Schema: {error}"), faults);
            nothing
        }
    }
}

/// `signal.at`, `signal.id` and `signal.change` are Andon's, and always there but the last.
fn with_own_fields(of: Type) -> Type {
    let Type::Object(object) = of else { return of };
    let mut object = (*object).clone();
    object.keys.insert("at".to_owned(), (Type::Time, true));
    object.keys.insert("id".to_owned(), (Type::Text, true));
    object.keys.insert("change".to_owned(), (Type::Text, false));
    Type::Object(Arc::new(object))
}

fn mentions_ref(schema: &serde_json::Value, depth: usize) -> bool {
    match schema {
        _ if depth > 64 => true,
        serde_json::Value::Object(map) => map.iter().any(|(key, value)| {
            (key.as_str() == "$ref" || key.as_str() == "$dynamicRef") && value.is_string()
                || mentions_ref(value, depth + 1)
        }),
        serde_json::Value::Array(items) => items.iter().any(|item| mentions_ref(item, depth + 1)),
        _ => false,
    }
}

/// A path for people to open, below a connection's URL.
#[derive(Debug)]
pub struct SourceLink {
    path: Path,
    names: Names,
}

impl SourceLink {
    /// The path for a signal's data; `None` where the data lack a name that it needs.
    pub fn path(&self, data: &serde_json::Value) -> Option<String> {
        let mut scope = Scope::new(&self.names);
        for (slot, name) in self.names.all().enumerate() {
            if let Some(value) = data.get(name) {
                scope.set(slot, Value::from_json(value));
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
