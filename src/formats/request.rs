//! Requests: the call itself, what its answers mean, what is kept of them.

use super::{Is, Key, Map, Refers, Rule, Word, key, map};

/// The keys of every request.
pub(super) const CALL: &[Key] = &[
    key("get", Is::Path, "A GET to this path. A path stands behind the connection's URL; `{name}` is one segment of it, percent-encoded.").like("/api/2.0/mlflow/registered-models/alias"),
    key("post", Is::Path, "A POST to this path.").like("/services/collector/event"),
    key("put", Is::Path, "A PUT to this path."),
    key("patch", Is::Path, "A PATCH to this path.").like("\"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}/scale\""),
    key("delete", Is::Path, "A DELETE to this path."),
    key("base", Is::To(Refers::Url), "Another setting of type `url` that the path stands behind. Such a request sends no credentials unless it has `auth` of its own.").without("the first setting of type `url`").like("callers_url"),
    key("query", Is::Value, "What stands behind `?`: a map. A list repeats the key; null leaves it out.").like("{ name: =model, alias: =alias }"),
    key("headers", Is::Values, "Headers. Those of credentials and of the body's kind are set by `auth` and `as`.").like("{ X-Amz-Target: SageMaker.DescribeEndpoint }"),
    key("as", Is::Either(&[Is::Word(&[
        ("json", "JSON"),
        ("form", "the pairs of a form"),
        ("merge-patch", "a JSON merge patch"),
        ("json-patch", "a JSON patch"),
        ("apply-patch", "a server-side apply of Kubernetes"),
    ]), Is::JsonMedia]), "How the body is written, or the media type of JSON that it is sent as.").or("json").like("merge-patch"),
    key("body", Is::Value, "What is sent.").like("{ name: =model, alias: =alias, version: =version }"),
];

/// The one rule that requests have.
pub(super) const ONE_METHOD: Rule = Rule::One(&["get", "post", "put", "patch", "delete"]);

/// What an answer to a step means.
const VERDICTS: &[Word] = &[
    ("done", "it was done"),
    ("already_done", "it was so already"),
    ("none", "there is nothing: what is kept is null"),
    ("wait", "not yet: ask again"),
    (
        "stale",
        "somebody changed it since it was read: read again, plan again",
    ),
    ("refused", "the platform will not"),
    ("unknown", "nobody knows: read, then decide"),
];

const ANSWERS: Key = key("answers", Is::Cases(VERDICTS), "What answers mean; the first case that holds counts. Reads `status`, `body`, `text` and `header`. An error counts as no.").without("2xx done; 409 and 412 stale; 429 waits; other 4xx refused; 5xx or no answer unknown").like("- done: status == 200\n- none: status in [400, 404]\n- refused: otherwise");

/// Credentials of one request.
pub(super) const OWN_AUTH: Key = key(
    "auth",
    Is::Map(&AUTH),
    "Credentials for this request alone.",
)
.without("the connector's `auth`")
.like("{ bearer: token }");

const ONLY_IF: Key = key("only_if", Is::Condition, "Whether the step runs.")
    .without("it does")
    .like("version_before != null");

/// What a look-up says of its answers.
pub(super) const LOOK_UP_ANSWERS: &[Key] = &[OWN_AUTH, ANSWERS, GUARD, PREVIEW, READ];

const READ: Key = key(
    "read",
    Is::To(Refers::Read),
    "A request that is named under `reads:`, instead of one written here.",
)
.like("service");

const GUARD: Key = key(
    "guard",
    Is::Named("a name", &Is::Expression),
    "As `keep`, for what may change meanwhile without a new plan, such as a resource version.",
)
.like("{ seen: =body.metadata.resourceVersion }");

const PREVIEW: Key = key(
    "preview",
    Is::Map(&DRY_RUN),
    "What makes this request a dry run of the platform's own. Sent when a dry run is asked for.",
)
.like("{ query: { dryRun: All } }");

static DRY_RUN: Map = map(
    "preview",
    "What makes a request a dry run.",
    &[&[key("query", Is::Value, "What is added behind `?`.")
        .must()
        .like("{ dryRun: All }")]],
);

const STEP: &[Key] = &[ONLY_IF, READ];

const STEP_ENDS: &[Key] = &[
    OWN_AUTH,
    PREVIEW,
    ANSWERS,
    key("keep", Is::Named("a name", &Is::Expression), "What later steps, the proof and undo need of the answer. One that is absent is kept as null.").like("{ version_before: =body.model_version.version }"),
    GUARD,
];

const STEP_RULE: Rule = Rule::One(&["read", "get", "post", "put", "patch", "delete"]);

/// A step of an action.
pub(super) static STEP_MAP: Map = map(
    "step",
    "One request of an action.",
    &[STEP, CALL, STEP_ENDS],
)
.with(&[STEP_RULE]);

/// A read that is repeated until something holds.
pub(super) static UNTIL: Map = map(
    "until",
    "A request that is made again until something holds.",
    &[
        STEP,
        CALL,
        STEP_ENDS,
        &[
            key(
                "until",
                Is::Condition,
                "What has to hold, over the answer. An error counts as no.",
            )
            .like("body.model_version.version == version"),
            key("holds", Is::Condition, "The same as `until`."),
            key("within", Is::Span, "How long it may take.")
                .or("30s")
                .like("90s"),
        ],
    ],
)
.with(&[STEP_RULE, Rule::One(&["until", "holds"])]);

/// Probes of what callers get.
pub(super) static BEHAVIOUR: Map = map(
    "behaviour",
    "Probes of what callers really get. Rounds are made until one of them reaches `share`, or `within` ends; a probe without an answer counts against it.",
    &[
        STEP,
        CALL,
        STEP_ENDS,
        &[
            key("holds", Is::Condition, "What has to hold of a probe's answer.").like("status == 404"),
            key("until", Is::Condition, "The same as `holds`."),
            key("times", Is::Whole, "Probes in a round.").or("1").like("5"),
            key("every", Is::Span, "How long to wait between two probes.").or("1s").like("2s"),
            key("share", Is::Either(&[Is::Number, Is::Map(&SHARE)]), "Which part of a round has to hold, from 0 to 1: at least so much, or `at_most`.").or("1.0").like("{ at_most: 0.1 }"),
            key("within", Is::Span, "How long it may take.").or("30s").like("90s"),
        ],
    ],
)
.with(&[STEP_RULE, Rule::One(&["until", "holds"])]);

static SHARE: Map = map(
    "share",
    "A part of a round that must not be passed.",
    &[&[key("at_most", Is::Number, "From 0 to 1.")
        .must()
        .like("0.1")]],
);

/// A read of its own under `ours:`.
pub(super) static OURS: Map = map(
    "ours",
    "A request, and what has to hold of its answer.",
    &[
        STEP,
        CALL,
        STEP_ENDS,
        &[key("holds", Is::Condition, "What has to hold.")
            .must()
            .like("body.metadata.uid == uid")],
    ],
)
.with(&[STEP_RULE]);

/// What must be as it was.
pub(super) static UNCHANGED: Map = map(
    "unchanged",
    "A request whose answer holds a map that must stay as it was.",
    &[
        STEP,
        CALL,
        STEP_ENDS,
        &[
            key("of", Is::Expression, "The map.")
                .must()
                .like("=body.applications"),
            key(
                "except",
                Is::List(&Is::Expression),
                "The keys in it that may change.",
            )
            .like("[=app]"),
        ],
    ],
)
.with(&[STEP_RULE]);

/// A request named once under `reads:`.
pub(super) static NAMED_READ: Map = map(
    "read",
    "A request that is written once and used by name.",
    &[CALL, &[OWN_AUTH, ANSWERS]],
)
.with(&[ONE_METHOD]);

/// How requests say who asks.
pub(super) static AUTH: Map = map(
    "auth",
    "How requests say who asks. Secrets are named by their setting; one that is optional and not given leaves the whole entry out.",
    &[&[
        key("bearer", Is::To(Refers::Secret), "`Authorization: Bearer …` with this secret.").like("token"),
        key("basic", Is::Map(&BASIC), "`Authorization: Basic …`.").like("{ user: =settings.user, password: password }"),
        key("header", Is::Text, "A header that holds the secret.").like("Authorization"),
        key("scheme", Is::Text, "The word before the secret in `header`.").without("none").like("Splunk"),
        key("secret", Is::To(Refers::Secret), "The secret of `header`.").like("token"),
        key("oauth2", Is::Map(&OAUTH2), "OAuth2 client credentials; a token is had, and renewed before it ends."),
    ]],
)
.with(&[Rule::One(&["bearer", "basic", "header", "oauth2"])]);

static BASIC: Map = map(
    "auth_basic",
    "User and password.",
    &[&[
        key(
            "user",
            Is::Value,
            "The user: a setting, a text, or `{ secret: NAME }`.",
        )
        .must()
        .like("=settings.user"),
        key(
            "password",
            Is::To(Refers::Secret),
            "The secret that holds the password.",
        )
        .must()
        .like("password"),
    ]],
);

static OAUTH2: Map = map(
    "oauth2",
    "OAuth2 client credentials (RFC 6749, section 4.4).",
    &[&[
        key("token_url", Is::Value, "Where tokens are had.")
            .must()
            .like("=settings.token_url"),
        key("client_id", Is::Value, "The client.")
            .must()
            .like("=settings.client_id"),
        key(
            "client_secret",
            Is::To(Refers::Secret),
            "The secret that the client has.",
        )
        .must()
        .like("client_secret"),
        key("scope", Is::Value, "What the token is for.").like("=settings.scope"),
    ]],
);
