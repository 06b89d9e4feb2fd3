//! `connectors/NAME/connector.yaml`: what a system is, who gets in, and what settings it needs.

use super::action::ACTION;
use super::deliver::DELIVER;
use super::live::QUESTION;
use super::request::AUTH;
use super::signal::SIGNAL;
use super::{Is, Map, Refers, Rule, Word, key, map};

/// A connector.
pub(super) static CONNECTOR: Map = map(
    "connector",
    "What Andon knows of one system: what it says, what can be done to it, how alerts are sent to it. A folder each, named after the connector, with the schemas and samples of its signals.",
    &[&[
        key("andon", Is::Exactly("connector/v1"), "What sort of file this is, and its version. The first key.").must().like("connector/v1"),
        key("name", Is::Text, "The connector's name: that of its folder.").must().like("mlflow"),
        key("about", Is::Text, "What it reports and what it can do, in a sentence or two.").must().like("MLflow Model Registry. Reports changes to models; can move aliases."),
        key("docs", Is::Text, "The vendor's page about this interface.").like("https://mlflow.org/docs/latest/ml/webhooks"),
        key("verified", Is::Map(&VERIFIED), "With which version it was tried, and how.").like("{ with: mlflow 3.17.2, how: live }"),
        key("settings", Is::Named("a name for the setting", &Is::Map(&SETTING)), "What a connection in `andon.yaml` has to say. Expressions read them as `settings.NAME`; secrets are never read so.").like("url:   { is: url, about: \"Tracking server, such as https://mlflow.example.com\" }\ntoken: { is: secret, optional: true, about: Bearer token }"),
        key("auth", Is::Either(&[Is::Map(&AUTH), Is::List(&Is::Map(&AUTH))]), "How requests say who asks. Of a list, the first whose secret is given.").like("{ bearer: token }"),
        key("webhook", Is::Map(&WEBHOOK), "Who may push signals. Needed where a signal arrives by webhook.").like("{ accepts: [ { bearer: token } ] }"),
        key("signals", Is::Named("a name for the signal", &Is::Map(&SIGNAL)), "What the system says, and how it is cut out of what arrives."),
        key("actions", Is::Named("a verb", &Is::Map(&ACTION)), "What can be done to the system, each with its proof and its way back."),
        key("deliver", Is::Map(&DELIVER), "How alerts are sent to the system. With it, connections of this connector can stand in routes."),
        key("live", Is::List(&Is::Map(&QUESTION)), "What `andon check --live` asks the system, and what it cannot ask. Polls, folders and secrets are asked without it. A later question may name what an earlier one keeps.").like("- { about: the token, get: /health, answers: [ { fine: status == 200 } ] }\n- { about: the index, cannot: only an event shows it }"),
    ]],
);

static VERIFIED: Map = map(
    "verified",
    "With what it was tried.",
    &[&[
        key("with", Is::Text, "Software and version.")
            .must()
            .like("mlflow 3.17.2"),
        key(
            "how",
            Is::Word(&[
                ("live", "against the running software"),
                ("capture", "against what was recorded of it"),
                ("contract", "against the vendor's documents alone"),
            ]),
            "How it was tried.",
        )
        .must()
        .like("live"),
    ]],
);

/// What a setting is.
const SETTINGS: &[Word] = &[
    (
        "url",
        "an absolute `http` or `https` URL; requests go to the first one",
    ),
    ("secret", "a reference to a secret, never the secret"),
    ("text", "a text"),
    ("number", "a number"),
    ("bool", "`true` or `false`"),
    ("duration", "a span of time, such as `30s`"),
    ("path", "a file or folder, below the folder of `andon.yaml`"),
];

static SETTING: Map = map(
    "setting",
    "One setting of a connection.",
    &[&[
        key("is", Is::Word(SETTINGS), "What it is.")
            .must()
            .like("url"),
        key(
            "matches",
            Is::Text,
            "A regular expression for the whole text of it; of a secret, for what it holds.",
        )
        .like("\"[A-Za-z0-9]{32}\""),
        key("optional", Is::Truth, "Whether it may be left out.")
            .or("false")
            .like("true"),
        key("default", Is::Data, "What it is when it is left out.").like("5m"),
        key("one_of", Is::Texts, "The only values it may have.").like("[us, eu]"),
        key(
            "about",
            Is::Text,
            "What it is for and where to find it. Shown when it is missing.",
        )
        .like("Tracking server, such as https://mlflow.example.com"),
    ]],
);

static WEBHOOK: Map = map(
    "webhook",
    "Who may push signals to `POST /v1/signals/CONNECTION`, for the whole connector.",
    &[&[
        key(
            "signature",
            Is::Map(&SIGNATURE),
            "The signature that a push carries. Short for `accepts:` with this one entry.",
        ),
        key(
            "accepts",
            Is::Either(&[
                Is::Word(&[("anyone", "everybody, on loopback only")]),
                Is::List(&Is::Map(&ACCEPT)),
            ]),
            "Ways in; the first that fits lets a push in.",
        )
        .like("- { bearer: log_token }\n- { url_token: hook_token }"),
        key(
            "unmatched",
            Is::Word(&[
                ("count", "it is counted, and let go"),
                ("keep", "it is kept, to be looked at"),
            ]),
            "What becomes of a push that is none of the signals. It is answered 202 all the same.",
        )
        .or("count")
        .like("keep"),
        key(
            "unreadable",
            Is::Word(&[
                ("refuse", "it is answered 400, so that the sender hears of it, and not kept"),
                (
                    "keep",
                    "it is kept, to be looked at, and answered 202; for a system that gives up after a 400",
                ),
            ]),
            "What becomes of a push that was let in and cannot be read: it is no JSON, nests too deeply, or none of its lines can be read. Who shows a token of Andon's API is always told by a 400.",
        )
        .or("refuse")
        .like("keep"),
    ]],
)
.with(&[Rule::One(&["signature", "accepts"])]);

static ACCEPT: Map = map(
    "accept",
    "One way in.",
    &[&[
        key(
            "signature",
            Is::Map(&SIGNATURE),
            "A signature over what was sent.",
        ),
        key(
            "bearer",
            Is::To(Refers::Secret),
            "`Authorization: Bearer …` with this secret.",
        )
        .like("log_token"),
        key(
            "url_token",
            Is::To(Refers::Secret),
            "This secret is the last segment of the URL. Never logged.",
        )
        .like("hook_token"),
        key("basic", Is::Map(&BASIC), "`Authorization: Basic …`.")
            .like("{ user: andon, password: hook_password }"),
        key(
            "header",
            Is::Text,
            "A header that holds the secret as it is.",
        )
        .like("x-gitlab-token"),
        key("secret", Is::To(Refers::Secret), "The secret of `header`.").like("hook_token"),
    ]],
)
.with(&[Rule::One(&[
    "signature",
    "bearer",
    "url_token",
    "basic",
    "header",
])]);

static BASIC: Map = map(
    "accept_basic",
    "User and password.",
    &[&[
        key(
            "user",
            Is::Text,
            "The user's name, or the secret that holds it.",
        )
        .must()
        .like("andon"),
        key(
            "password",
            Is::To(Refers::Secret),
            "The secret that holds the password.",
        )
        .must()
        .like("hook_password"),
    ]],
);

static SIGNATURE: Map = map(
    "signature",
    "How a push is signed.",
    &[&[
        key("scheme", Is::Word(&[
            ("hmac-sha256", "most vendors"),
            ("hmac-sha512", "some"),
            ("hmac-sha1", "old ones"),
        ]), "How it is made.").must().like("hmac-sha256"),
        key("key", Is::To(Refers::Secret), "The secret that both sides know.").must().like("webhook_secret"),
        key("key_is", Is::Word(&[
            ("text", "its text is the key"),
            ("base64", "base64; the `whsec_` of Standard Webhooks is taken off first"),
            ("hex", "hexadecimal digits"),
        ]), "How the secret is written.").or("text").like("base64"),
        key("header", Is::Text, "The header that holds the signature.").must().like("x-mlflow-signature"),
        key("prefix", Is::Text, "What stands before each signature in that header; those with another are passed over.").without("nothing").like("\"v1,\""),
        key("encoding", Is::Word(&[
            ("hex", "hexadecimal digits"),
            ("base64", "base64, with or without padding"),
        ]), "How the signature is written.").or("hex").like("base64"),
        key("signs", Is::Text, "What is signed: text with `{body}`, `{header.NAME}` and `{field.NAME}` (the value after `NAME=` in the signature's own header).").or("\"{body}\"").like("\"{header.x-id}.{header.x-timestamp}.{body}\""),
        key("sent_at", Is::Text, "Where the time of sending stands: `header.NAME` or `field.NAME`. It has to be part of what is signed.").like("header.x-mlflow-timestamp"),
        key("within", Is::Span, "How far that time may be from now, both ways; a push beyond it is refused.").or("5m").like("10m"),
    ]],
);
