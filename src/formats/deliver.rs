//! `deliver:` of a connector.

use super::request::{AUTH, CALL};
use super::{Is, Map, Rule, key, map};

/// How alerts are sent.
pub(super) static DELIVER: Map = map(
    "deliver",
    "How alerts are sent to a system: by a request for each batch, or into a file.",
    &[
        &[
            key("of", Is::Word(&[
                ("every", "a log: every revision of an alert"),
                ("state", "a pager: opening, change of severity, resolving, repeating; those that wait are made one"),
            ]), "Which revisions of an alert it gets.").must().like("every"),
        ],
        CALL,
        &[
            key("auth", Is::Map(&AUTH), "Credentials for these requests alone.").without("the connector's `auth`"),
            key("file", Is::Map(&FILE), "Instead of a request: a file that a line is added to for each event.").like("{ path: =settings.path, rotate: 100MB }"),
            key("rate", Is::Rate, "At most so many requests in so long.").without("no limit").like("120/1m"),
            key("batch", Is::Map(&BATCH), "How events share a request.").without("one event a request").like("{ framing: concatenated, bytes: 1000000, events: 500, wait: 20ms }"),
            key("gzip", Is::Truth, "Whether requests are compressed.").or("false").like("true"),
            key("cut", Is::Map(&CUT), "Where values of an event are cut.").like("{ each: 64KB }"),
            key("event", Is::Either(&[Is::List(&Is::Map(&CASE)), Is::Value]), "What one alert becomes: a value over `alert`, `ocsf` and `settings`, or a list of cases of which the first that holds counts.").must().like("{ time: =double(alert.time) / 1000.0, source: andon, event: =ocsf }"),
            key("fit", Is::Map(&FIT), "What is dropped when one event is larger than the destination takes.").like("{ bytes: 512000, drop: [payload.custom_details], note: payload.custom_details_dropped }"),
            key("answers", Is::List(&Is::Map(&ANSWER)), "What answers mean; the first case that holds counts. No answer at all is `retry`. Needed with a request; ends with `otherwise`.").like("- delivered: status == 200\n- retry: status == 429 || status >= 500\n- refuse: otherwise"),
            key("acknowledged", Is::Map(&ACKNOWLEDGED), "For a destination that says later whether what it took is there, such as Splunk's indexers."),
        ],
    ],
)
.with(&[Rule::One(&["post", "put", "patch", "file"])]);

static CASE: Map = map(
    "event_case",
    "One shape of event.",
    &[&[
        key(
            "when",
            Is::Case,
            "For which alerts; `otherwise` in the last.",
        )
        .must()
        .like("alert.state == \"resolved\""),
        key("give", Is::Value, "The event.")
            .must()
            .like("{ event_action: resolve, dedup_key: =alert.id }"),
    ]],
);

static FILE: Map = map(
    "deliver_file",
    "A file of lines.",
    &[&[
        key("path", Is::Value, "Where it is, over `settings`.")
            .must()
            .like("=settings.path"),
        key("rotate", Is::Size, "A new file begins at this size.")
            .without("never")
            .like("100MB"),
        key(
            "sync",
            Is::Truth,
            "Whether each batch is on the disk before it counts as delivered.",
        )
        .or("true")
        .like("false"),
    ]],
);

static BATCH: Map = map(
    "batch",
    "How events share a request.",
    &[&[
        key(
            "framing",
            Is::Word(&[
                ("concatenated", "one behind the other"),
                ("array", "a JSON array"),
                ("newline", "a line each"),
                ("single", "one event a request"),
            ]),
            "How they stand beside one another.",
        )
        .must()
        .like("array"),
        key("in", Is::Text, "The key that an array is wrapped in.")
            .without("none")
            .like("records"),
        key(
            "bytes",
            Is::Size,
            "The most bytes of a request, before compression.",
        )
        .or("1MB")
        .like("1000000"),
        key("events", Is::Whole, "The most events of a request.")
            .or("1000")
            .like("500"),
        key(
            "wait",
            Is::Span,
            "How long the first event waits for others.",
        )
        .or("0s")
        .like("20ms"),
        key(
            "span",
            Is::Map(&SPAN),
            "The longest span of time in one request.",
        )
        .like("{ of: =event.TimeGenerated, at_most: 30m }"),
    ]],
);

static SPAN: Map = map(
    "span",
    "The longest span of time in one request.",
    &[&[
        key("of", Is::Expression, "The time of an event.")
            .must()
            .like("=event.TimeGenerated"),
        key("at_most", Is::Span, "How far two events may be apart.")
            .or("30m")
            .like("30m"),
    ]],
);

static CUT: Map = map(
    "cut",
    "Where values of an event are cut.",
    &[&[
        key("each", Is::Size, "The most bytes of one top-level value.")
            .or("65536")
            .like("64KB"),
        key(
            "mark",
            Is::Text,
            "What stands at the end of one that was cut.",
        )
        .or("…[cut]")
        .like("\"…[cut]\""),
    ]],
);

static FIT: Map = map(
    "fit",
    "How one event that is too large is made smaller.",
    &[&[
        key("bytes", Is::Size, "The most bytes of an event.")
            .without("no limit")
            .like("512000"),
        key(
            "texts",
            Is::Size,
            "First every longer text is cut to so many bytes.",
        )
        .like("8KB"),
        key(
            "mark",
            Is::Text,
            "What stands at the end of one that was cut.",
        )
        .or("…[cut]")
        .like("\"…[cut]\""),
        key(
            "whole",
            Is::Texts,
            "Paths below which no text is cut, such as links.",
        )
        .like("[links]"),
        key(
            "drop",
            Is::Texts,
            "Paths that are dropped, in this order, until it fits.",
        )
        .like("[payload.custom_details]"),
        key("note", Is::Text, "The path that then says so.").like("payload.custom_details_dropped"),
    ]],
);

const ANSWER_KEYS: &[super::Key] = &[
    key("delivered", Is::Case, "It is there. Each of these verdicts takes the condition under which it holds, over `status`, `body`, `text`, `header` and `events` (the size of the batch).").like("status == 200"),
    key("split", Is::Case, "The batch is cut, and its parts are sent again.").like("status == 413"),
    key("retry", Is::Case, "The same again, later.").like("status in [408, 429] || status >= 500"),
    key("renew", Is::Case, "A new token, then again; a second time it is `stop`.").like("status == 401"),
    key("pause", Is::Case, "Nothing more for some time, then again.").like("status == 403"),
    key("stop", Is::Case, "Nothing more until somebody has mended it. What is owed waits.").like("status in [401, 403, 404]"),
    key("refuse", Is::Case, "Never: the event becomes a dead letter. A batch is halved first.").like("otherwise"),
];

const VERDICTS: Rule = Rule::One(&[
    "delivered",
    "split",
    "retry",
    "renew",
    "pause",
    "stop",
    "refuse",
]);

static ANSWER: Map = map(
    "answer",
    "What an answer of a destination means: one verdict with its condition, or `when`, `each` and `answers` where an answer has a verdict for each item.",
    &[
        ANSWER_KEYS,
        &[
            key("slow_down", Is::Condition, "Whether the destination asks for less.").like("body.code != 0"),
            key("bad", Is::Expression, "Of `split`: the number of the event that was refused, from 0. Those before it are delivered, those behind it are sent again. Without it, or beyond the batch: halves.").like("'=body[\"invalid-event-number\"]'"),
            key("for", Is::Span, "Of `pause`: how long. Of `retry`: at least how long, where the answer does not say.").like("10m"),
            key("when", Is::Case, "Which answers have a verdict for each item.").like("status == 200"),
            key("each", Is::Expression, "The list of items in such an answer, in the order of the events.").like("=body.items"),
            key("answers", Is::List(&Is::Map(&ITEM_ANSWER)), "What each `item` means.").like("- delivered: item.create.status in [200, 201, 409]\n- refuse: otherwise"),
        ],
    ],
)
.with(&[Rule::One(&[
    "delivered", "split", "retry", "renew", "pause", "stop", "refuse", "each",
])]);

static ITEM_ANSWER: Map = map(
    "item_answer",
    "What one item of an answer means.",
    &[ANSWER_KEYS],
)
.with(&[VERDICTS]);

static ACKNOWLEDGED: Map = map(
    "acknowledged",
    "How a destination is asked whether what it took is there.",
    &[
        &[
            key("only_if", Is::Condition, "Whether it is used, over `settings`.").without("it is").like("settings.ack"),
            key("channel", Is::Map(&CHANNEL), "The header that names this connection's channel, in these requests and in those that deliver.").like("{ header: X-Splunk-Request-Channel }"),
            key("id", Is::Expression, "The batch's id in the answer to its delivery. Absent: delivery stops and says so.").must().like("=body.ackId"),
        ],
        CALL,
        &[
            key("holds", Is::Condition, "Whether the batch `id` is there, over the answer.").must().like("body.acks[string(id)]"),
            key("every", TIME, "How often it is asked; a second is the least.").or("10s").like("10s"),
            key("again_after", TIME, "After how long a batch is sent again.").or("5m").like("=settings.ack_within"),
        ],
    ],
)
.with(&[super::request::ONE_METHOD]);

const TIME: Is = Is::Either(&[Is::Span, Is::Expression]);

static CHANNEL: Map = map(
    "channel",
    "A header.",
    &[&[key("header", Is::Text, "Its name.")
        .must()
        .like("X-Splunk-Request-Channel")]],
);
