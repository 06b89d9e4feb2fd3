//! `actions:` of a connector.

use super::request::{BEHAVIOUR, NAMED_READ, OURS, STEP_MAP, UNCHANGED, UNTIL};
use super::{Is, Map, Refers, Rule, Word, key, map};

/// An action.
pub(super) static ACTION: Map = map(
    "action",
    "One thing that can be done to the system. It reads what is there, changes it, proves it, and can change it back.",
    &[&[
        key("about", Is::Text, "What it does, in a sentence. Approvers read it.").must().like("Point a model's alias at another version."),
        key("risk", Is::Word(&[
            ("low", "little harm"),
            ("medium", "some"),
            ("high", "much"),
        ]), "How much harm it can do.").or("high").like("medium"),
        key("takes", Is::Named("a name for the argument", &Is::Map(&TAKE)), "Its arguments.").like("model:   { is: text }\nalias:   { is: text, default: champion }\nversion: { is: text, about: The version to serve instead }"),
        key("let", Is::Named("a name", &Is::Expression), "Names for expressions that are used more than once.").like("{ full: '=namespace + \"/\" + deployment' }"),
        key("prefix", Is::Path, "Stands before every path of this action.").like("\"/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/inferenceservices\""),
        key("reads", Is::Named("a name for the request", &Is::Map(&NAMED_READ)), "Requests that are written once and used by name, as `read: NAME`.").like("service: { get: \"/{name}\" }"),
        key("ready", Is::Map(&UNTIL), "What is waited for before anything is read."),
        key("before", Is::List(&Is::Map(&STEP_MAP)), "Reads what is there now. What is kept of it is the ground of the proof and of undo.").like("- get: /api/2.0/mlflow/registered-models/alias\n  query: { name: =model, alias: =alias }\n  keep: { version_before: =body.model_version.version }"),
        key("already", Is::Condition, "Whether there is nothing to do.").or("false").like("version_before == version"),
        key("do", Is::List(&Is::Map(&STEP_MAP)), "What changes it, one request after the other. When one is refused after another was done, `undo` runs.").must().like("- post: /api/2.0/mlflow/registered-models/alias\n  body: { name: =model, alias: =alias, version: =version }"),
        key("prove", Is::Map(&PROVE), "What shows that it took effect.").must(),
        key("hold", Is::Either(&[Is::Span, Is::Map(&HOLD)]), "How often it is proven again while it is in force. What no longer holds is an alert (`andon/containment`), and nothing is applied again by itself.").without("it is proven once").like("60s"),
        key("ours", Is::Either(&[Is::Condition, Is::Map(&OURS)]), "Whether what is there is still what Andon made of it; only then it is undone. A condition over the first read of `prove.state`, or a request of its own.").like("body.model_version.version == version"),
        key("undo", Is::List(&Is::Map(&STEP_MAP)), "What changes it back, from what was kept.").like("- only_if: version_before != null\n  post: /api/2.0/mlflow/registered-models/alias\n  body: { name: =model, alias: =alias, version: =version_before }"),
        key("undone", Is::Map(&UNTIL), "What shows that it is back.").without("`before` is read again, and every kept value has to be as it was kept"),
        key("unchanged", Is::Map(&UNCHANGED), "What must not have moved beside it.").like("{ get: /api/serve/applications/, of: =body.applications, except: [=app] }"),
        key("echo", Is::List(&Is::Map(&ECHO)), "How Andon's own change comes back as a signal. What is recognised is told as information and offers no containment again.").like("- { signal: alias-created, of: do, when: signal.name == model && signal.version == version }"),
        key("limits", Is::Map(&LIMITS), "What it cannot do, for approvers to know.").like("{ reversible: true }"),
    ]],
);

static HOLD: Map = map(
    "hold",
    "How often an action that is in force is proven again.",
    &[&[
        key("every", Is::Span, "Between two looks; at least 5 seconds.")
            .must()
            .like("60s"),
        key(
            "by",
            Is::Expression,
            "Who changed it, over the first read of `prove.state`, where the platform says.",
        )
        .like("=body.metadata.managedFields[0].manager"),
    ]],
);

/// What an argument is.
const TAKES: &[Word] = &[
    ("text", "a text"),
    ("int", "a whole number"),
    ("number", "a number"),
    ("bool", "`true` or `false`"),
    ("url", "an absolute URL"),
    ("secret", "a text that is shown nowhere"),
    ("time", "an instant, RFC 3339"),
    ("duration", "a span of time, such as `30s`"),
    ("object", "a map"),
    ("list", "a list"),
];

static TAKE: Map = map(
    "take",
    "An argument of an action.",
    &[&[
        key("is", Is::Word(TAKES), "What it is.")
            .must()
            .like("text"),
        key(
            "matches",
            Is::Text,
            "A regular expression that the whole text has to match.",
        )
        .like("\"[a-z0-9-]{1,40}\""),
        key(
            "one_of",
            Is::List(&Is::Data),
            "The only values it may have.",
        )
        .like("[blue, green]"),
        key(
            "min",
            Is::Number,
            "The smallest number, or the shortest text.",
        )
        .like("0"),
        key(
            "max",
            Is::Number,
            "The largest number, or the longest text.",
        )
        .like("100"),
        key("optional", Is::Truth, "Whether it may be left out.")
            .or("false")
            .like("true"),
        key("default", Is::Data, "What it is when it is left out.").like("champion"),
        key("about", Is::Text, "What it is for.").like("The version to serve instead"),
    ]],
);

static PROVE: Map = map(
    "prove",
    "What shows that an action took effect.",
    &[&[
        key("state", Is::Either(&[Is::Map(&UNTIL), Is::List(&Is::Map(&UNTIL))]), "What the platform says. Of a list all have to hold.").like("get: /api/2.0/mlflow/registered-models/alias\nquery: { name: =model, alias: =alias }\nuntil: body.model_version.version == version\nwithin: 30s"),
        key("behaviour", Is::Map(&BEHAVIOUR), "What callers get.").like("{ post: \"/v2/models/{model}/infer\", base: callers_url, body: =probe, times: 5, holds: status == 404, within: 90s }"),
    ]],
)
.with(&[Rule::Some(&["state", "behaviour"])]);

static ECHO: Map = map(
    "echo",
    "How one call of Andon's comes back as a signal. Each call recognises at most one signal, after it was made.",
    &[&[
        key(
            "signal",
            Is::To(Refers::OwnSignal),
            "The signal it comes back as.",
        )
        .must()
        .like("alias-created"),
        key(
            "of",
            Is::Word(&[("do", "of the change"), ("undo", "of changing it back")]),
            "Which change it is of.",
        )
        .or("do")
        .like("undo"),
        key(
            "when",
            Is::Condition,
            "How it is recognised: over `signal`, the arguments, and what was kept.",
        )
        .must()
        .like("signal.name == model && signal.version == version"),
        key("within", Is::Span, "How long after the call.")
            .or("5m")
            .like("10m"),
    ]],
);

static LIMITS: Map = map(
    "limits",
    "What an action cannot do.",
    &[&[
        key("reversible", Is::Truth, "Whether it can be undone.")
            .without("true where there is `undo`")
            .like("true"),
        key(
            "advisory",
            Is::Truth,
            "Whether the platform is only asked, and may do otherwise.",
        )
        .or("false")
        .like("true"),
        key(
            "cluster_wide",
            Is::Truth,
            "Whether it reaches beyond its target.",
        )
        .or("false")
        .like("true"),
        key(
            "restart_safe",
            Is::Truth,
            "Whether it stays in force when the platform restarts.",
        )
        .or("true")
        .like("false"),
        key("bypass", Is::Texts, "Known ways around it.")
            .like("[a process that loaded the alias earlier keeps its version]"),
        key(
            "takes_hold",
            Is::Span,
            "How long it takes to take hold; the first probes wait for it.",
        )
        .without("at once")
        .like("60s"),
        key(
            "kept",
            Is::Data,
            "How much may be kept. Read by nothing yet.",
        ),
    ]],
);
