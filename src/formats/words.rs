//! What expressions and templates may say: names, functions, helpers, each with what it means.
//!
//! Tests hold these lists to what `expr`, `template` and `alert` know.

use super::Word;

/// What Andon adds to every signal.
pub const OWN_FIELDS: [Word; 3] = [
    ("at", "when it happened, a time"),
    ("id", "what the platform calls it, a text"),
    (
        "change",
        "of a polled state: `gone` when a whole scan no longer has it; absent otherwise",
    ),
];

/// The names that expressions begin with, beside what `takes`, `let`, `keep` and `look_up` name.
pub const ROOTS: [Word; 22] = [
    (
        "signal",
        "the signal's data, as `data:` of the connector makes it, with `signal.at`, `signal.id` and `signal.change`",
    ),
    (
        "now",
        "the instant at which the signal was read; stored with it",
    ),
    ("received_at", "when the signal arrived"),
    ("alert", "the alert, in routes and in `event:`"),
    (
        "ocsf",
        "the alert as an OCSF Detection Finding, in `event:`",
    ),
    (
        "settings",
        "the connection's settings, without secrets; in connectors",
    ),
    (
        "body",
        "what arrived or was answered, as JSON; null where it is none",
    ),
    ("text", "what arrived or was answered, as text"),
    (
        "header",
        "its headers, by lower-case name: `header[\"x-id\"]`",
    ),
    ("status", "the status of an answer, such as 200"),
    ("item", "the item of `each:`"),
    ("row", "a line of a `jsonl` file, in `whole:`"),
    ("rows", "the lines of a `jsonl` file"),
    (
        "file",
        "the file: `file.path`, `file.modified`, `file.sha256`, `file.size`",
    ),
    ("mark", "the mark that the poll before stored"),
    ("event", "the event that was built, in `batch.span`"),
    ("events", "how many events the batch has, in `answers:`"),
    ("id", "the batch's id, in `acknowledged:`"),
    ("ids", "the ids that are asked about, in `acknowledged:`"),
    (
        "action",
        "the request: `action.id`, `action.connection`, `action.by`, `action.approver`, `action.reason`, `action.incident`, `action.until`",
    ),
    ("otherwise", "closes a list of cases: it always holds"),
    ("null", "nothing; an absent value equals it"),
];

/// What `alert` has.
pub const ALERT_WORDS: [Word; 22] = [
    ("id", "its id, the same through all revisions"),
    ("event_id", "the id of this revision"),
    ("revision", "the number of this revision, from 1"),
    ("state", "`open`, `updated` or `resolved`"),
    ("kind", "its kind, such as `feature-drift`"),
    (
        "severity",
        "its severity, which orders: `alert.severity >= high`",
    ),
    ("title", "the line for the person on duty"),
    ("summary", "a few lines more"),
    ("at", "when it happened"),
    (
        "time",
        "when this revision was made, in milliseconds since 1970",
    ),
    ("first_seen", "when it was first seen"),
    ("last_seen", "when it was last seen"),
    ("count", "how many signals it is made of"),
    ("mapping", "the mapping that found it"),
    ("model", "what it is about, as `model:` of the mapping says"),
    ("measured", "what was measured, as `measured:` says"),
    ("fields", "what `fields:` says"),
    ("evidence", "what `evidence:` says"),
    (
        "links",
        "where to look: its source, its record, its containments",
    ),
    ("contain", "what may be done about it"),
    (
        "origin",
        "where it came from: `connection`, `connector`, `host`",
    ),
    ("notes", "what people noted on it"),
];

/// What `title` and `summary` may name beside `fields`.
pub const PROSE_WORDS: [Word; 5] = [
    ("model", "what `model:` says, such as `{{model.name}}`"),
    (
        "measured",
        "what `measured:` says, such as `{{measured.value}}`",
    ),
    ("severity", "the severity"),
    ("kind", "the kind"),
    ("connection", "the connection that the signal came through"),
];

/// What texts under `templates/` may not name of [`ALERT_WORDS`]: they are for machines.
const NOT_IN_TEMPLATES: [&str; 2] = ["time", "notes"];

/// What texts under `templates/` may name.
pub fn template_words() -> impl Iterator<Item = &'static Word> {
    ALERT_WORDS
        .iter()
        .filter(|(word, _)| !NOT_IN_TEMPLATES.contains(word))
}

/// What templates may call: how it is written, and what it gives.
pub const TEMPLATE_HELPERS: [(&str, &str, &str); 9] = [
    ("upper", "{{upper name}}", "in capital letters"),
    ("lower", "{{lower name}}", "in small letters"),
    (
        "cut",
        "{{cut name 80}}",
        "at most so many characters, the last an ellipsis where it was cut",
    ),
    (
        "percent",
        "{{percent name 1}}",
        "0.257 as 25.7%; the second number is how many decimals",
    ),
    (
        "round",
        "{{round name 2}}",
        "a number with so many decimals; none without the second number",
    ),
    (
        "date",
        "{{date name \"%Y-%m-%d\"}}",
        "a time in UTC, by strftime letters",
    ),
    ("join", "{{join names \", \"}}", "a list as one text"),
    (
        "plural",
        "{{plural count \"model\" \"models\"}}",
        "a number and its word",
    ),
    (
        "default",
        "{{default name \"unknown\"}}",
        "another text where the value is absent or empty",
    ),
];

/// A function: its name, how it is written, what it gives.
pub type Function = (&'static str, &'static str, &'static str);

/// The functions of expressions. `size(x)` may be written `x.size()`.
pub const FUNCTIONS: [Function; 21] = [
    (
        "size",
        "size(x)",
        "how many characters a text has, items a list, keys a map",
    ),
    (
        "contains",
        "text.contains(\"part\")",
        "whether a text holds another",
    ),
    (
        "startsWith",
        "text.startsWith(\"part\")",
        "whether a text begins with another",
    ),
    (
        "endsWith",
        "text.endsWith(\"part\")",
        "whether a text ends with another",
    ),
    (
        "matches",
        "text.matches(\"pattern\")",
        "whether a regular expression is found in a text; the pattern is constant",
    ),
    (
        "int",
        "int(x)",
        "a number without its decimals, a text as a number, a time as seconds since 1970",
    ),
    (
        "double",
        "double(x)",
        "a number or a text as a number with decimals",
    ),
    ("string", "string(x)", "a value as text"),
    (
        "duration",
        "duration(\"1h30m\")",
        "a text as a span of time, with the units d h m s ms us ns",
    ),
    (
        "timestamp",
        "timestamp(x, \"ms\")",
        "RFC 3339, or a number of `s`, `ms`, `us` or `ns` since 1970, as a time; seconds without a unit",
    ),
    (
        "default",
        "default(x.?key, \"otherwise\")",
        "the second where the first is null or absent",
    ),
    ("lower", "lower(text)", "a text in small letters"),
    ("upper", "upper(text)", "a text in capital letters"),
    (
        "cut",
        "cut(text, 200)",
        "at most so many characters, the last an ellipsis where it was cut",
    ),
    ("json", "json(text)", "what the JSON inside a text holds"),
    (
        "min",
        "min(a, b)",
        "the smallest of several, or of a list; absent of an empty list",
    ),
    (
        "max",
        "max(a, b)",
        "the largest of several, or of a list; absent of an empty list",
    ),
    (
        "sum",
        "sum(list)",
        "the sum of numbers or spans of time; 0 of an empty list",
    ),
    ("flatten", "flatten(list)", "a list of lists as one list"),
    (
        "entries",
        "entries(list, \"key\", \"value\")",
        "`[{key: k, value: v}]` as the map `{k: v}`",
    ),
    (
        "regex.extract",
        "regex.extract(text, \"pattern\")",
        "the first group of a regular expression, or the whole match; null without one; the pattern is constant",
    ),
];

/// What goes through lists, and `has`.
pub const MACROS: [Function; 6] = [
    (
        "has",
        "has(a.b)",
        "whether the last key of a path is there, also when it is null",
    ),
    (
        "exists",
        "list.exists(x, x.score > 0.5)",
        "whether a condition holds for any item",
    ),
    (
        "all",
        "list.all(x, x.score > 0.5)",
        "whether a condition holds for every item",
    ),
    (
        "exists_one",
        "list.exists_one(x, x.score > 0.5)",
        "whether a condition holds for exactly one item",
    ),
    (
        "filter",
        "list.filter(x, x.score > 0.5)",
        "the items for which a condition holds",
    ),
    (
        "map",
        "list.map(x, x.name)",
        "a list of what an expression gives for each item",
    ),
];
