//! `signals:` of a connector.

use super::request::CALL;
use super::{Is, Map, Refers, Rule, key, map};

/// A signal.
pub(super) static SIGNAL: Map = map(
    "signal",
    "One thing that the system says, and how it is cut out of what arrives. It arrives by webhook, by poll or in files.",
    &[&[
        key("about", Is::Text, "What it says, in a sentence.").like("A model version got an alias."),
        key("schema", Is::To(Refers::File), "The JSON Schema (draft 2020-12, without `$ref`) of `data`. Mappings are checked against it, and so is every signal.").must().like("schemas/alias-created.json"),
        key("sample", Is::To(Refers::File), "A recorded example, as it arrives.").like("samples/alias-created.json"),
        key("link", Is::Path, "Where a person can look at it, below the connection's URL. Names come from `data`.").like("\"/#/models/{name}/versions/{version}\""),
        key("webhook", Is::Map(&WEBHOOK), "It is pushed to Andon.").like("{ only_if: body.entity == \"model_version_alias\" }"),
        key("poll", Is::Map(&POLL), "Andon asks for it."),
        key("file", Is::Map(&FILE), "It is found in files below the connection's setting `folder`.").like("{ glob: \"**/*.json\", open: json }"),
        key("own", Is::Word(&[("destinations", "the destinations that take nothing"), ("containments", "the containments that hold no longer")]), "It is Andon's own; only in the built-in connector `andon`."),
        key("each", Is::Either(&[Is::Expression, Is::List(&Is::Named("a name for each item", &Is::Expression))]), "The list of which each item is one signal; an absent list is empty. Lists in lists are written one a line, each with a name for its items.").without("what arrives is one signal").like("=body.alerts"),
        key("only_item", Is::Condition, "Which items count.").like("item.state != \"ok\""),
        key("let", Is::Named("a name", &Is::Expression), "Names for expressions that are used more than once.").like("{ metric: =item.metric }"),
        key("id", Is::Value, "What tells one signal from another: the same id twice is one signal. A list where several values make it.").like("=item.id"),
        key("again", Is::Span, "The same id after so long is a new sighting.").without("never").like("10m"),
        key("lost", Is::Expression, "How many items the sender says it left out. Counted, and shown.").like("=body.truncatedAlerts"),
        key("at", Is::Expression, "When it happened: RFC 3339, or `timestamp(number, \"ms\")`.").without("when it was received").like("=body.timestamp"),
        key("data", Is::Value, "What mappings see as `signal`. It has to fit `schema`.").must().like("=body.data"),
        key("reply", Is::Map(&REPLY), "The signal is what a person says to one of Andon's alerts, where that was sent to: it is heard only from a connection that was told of the alert."),
    ]],
)
.with(&[Rule::One(&["webhook", "poll", "file", "own"])]);

static REPLY: Map = map(
    "reply",
    "What a person says to one of Andon's own alerts, over `signal`. What is absent, or fails, is not said.",
    &[&[
        key("to", Is::Expression, "Where the alert's id stands.").like("=signal.dedup_key"),
        key("known_as", Is::Expression, "What the system calls the alert: kept where `to` gives its id, and looked for where it does not.").like("=signal.incident"),
        key("by", Is::Expression, "Who says it.").like("=signal.by"),
        key("says", Is::Cases(&[
            ("acknowledged", "somebody has taken it"),
            ("resolved", "it was dealt with"),
            ("false_positive", "it was none"),
        ]), "What is said; the first that holds, nothing where none does.").must().like("- acknowledged: signal.status == \"acknowledged\"\n- resolved: signal.status == \"closed\""),
    ]],
)
.with(&[Rule::Some(&["to", "known_as"])]);

static WEBHOOK: Map = map(
    "signal_webhook",
    "How a push is recognised as this signal.",
    &[&[key(
        "only_if",
        Is::Condition,
        "Which pushes are this signal. An error counts as no.",
    )
    .without("all")
    .like("body.entity == \"model_version_alias\" && body.action == \"created\"")]],
);

static POLL: Map = map(
    "poll",
    "A request that is made again and again.",
    &[
        &[
            key("of", Is::Word(&[
                ("state", "things that are: mappings see each at every poll, and it is stored when it changed"),
                ("events", "things that happened: each once"),
            ]), "What is asked for.").must().like("state"),
            key("every", Is::Schedule, "When it is asked, in UTC.").must().like("\"*/5 * * * *\""),
        ],
        CALL,
        &[
            key("next", Is::Map(&NEXT), "How the next page is had.").without("there is one page").like("{ query: page_token, from: =body.next_page_token }"),
            key("mark", Is::Expression, "For newest-first lists: paging stops where an item's mark is not beyond the one stored by the poll before.").without("every poll is a whole scan").like("=item.last_updated_timestamp"),
            key("full", Is::Schedule, "When everything is scanned all the same. What is missing then gives `signal.change == \"gone\"`.").like("\"17 * * * *\""),
        ],
    ],
)
.with(&[Rule::One(&["get", "post", "put", "patch", "delete"])]);

static NEXT: Map = map(
    "next",
    "How the next page is had: by a token, by a link, or by counting pages.",
    &[&[
        key("query", Is::Text, "The parameter that takes the token.").like("page_token"),
        key(
            "from",
            Is::Expression,
            "Where the token stands in an answer; absent or empty ends.",
        )
        .like("=body.next_page_token"),
        key(
            "link",
            Is::Expression,
            "The next page's URL in an answer, on the same host; absent ends.",
        )
        .like("=body.links.next"),
        key(
            "page",
            Is::Text,
            "The parameter that takes the page's number.",
        )
        .like("page"),
        key("first", Is::Whole, "The first page's number.")
            .or("1")
            .like("0"),
        key("while", Is::Condition, "Whether there is another page.")
            .like("body.pagination.hasNext"),
    ]],
)
.with(&[Rule::One(&["query", "link", "page"])]);

static FILE: Map = map(
    "signal_file",
    "Files below the connection's setting `folder`.",
    &[&[
        key(
            "glob",
            Is::Text,
            "Which files: `*` for part of a name, `**/` for any folders.",
        )
        .must()
        .like("\"**/*.eval\""),
        key(
            "open",
            Is::Word(&[
                ("json", "one JSON document: `body`"),
                ("jsonl", "one JSON document a line: `rows`"),
                (
                    "zip",
                    "a member of a zip archive, one JSON document: `body`",
                ),
            ]),
            "How they are read.",
        )
        .must()
        .like("zip"),
        key(
            "member",
            Is::Text,
            "The file in the archive. Needed with `open: zip`.",
        )
        .like("header.json"),
        key("whole", Is::Map(&WHOLE), "When a file is complete.")
            .without("as soon as it can be read")
            .like("{ has: row.entry_type == \"completion\", or_quiet: 30m }"),
        key(
            "only_if",
            Is::Condition,
            "Which files are this signal, where one glob serves several.",
        )
        .like("has(body.tests)"),
    ]],
);

static WHOLE: Map = map(
    "whole",
    "When a file is complete.",
    &[&[
        key("has", Is::Condition, "A line that ends it, over `row`.")
            .like("row.entry_type == \"completion\""),
        key(
            "or_quiet",
            Is::Span,
            "Or nothing was written to it for so long.",
        )
        .like("30m"),
    ]],
);
