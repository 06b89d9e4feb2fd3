//! `andon.yaml`.

use super::{Is, Map, Refers, Rule, key, map};

/// The daemon's own file.
pub(super) static CONFIG: Map = map(
    "andon",
    "The daemon's own file: where it listens, what it is connected to, where alerts go, and who may ask for what.",
    &[&[
        key("andon", Is::Exactly("config/v1"), "What sort of file this is, and its version. The first key.").must().like("config/v1"),
        key("listen", Is::Text, "Address and port of the API, of webhooks and of `/metrics`.").or("127.0.0.1:7373").like("0.0.0.0:7373"),
        key("public_url", Is::Text, "How others reach this daemon: links in alerts begin with it. No query, no credentials.").without("made of `listen`").like("https://andon.example.com"),
        key("tls", Is::Map(&TLS), "The certificate for `listen`. Without it the API speaks plain HTTP, which belongs on loopback or behind a proxy. Read again when the files change.").like("{ cert: { file: tls.crt }, key: { file: tls.key } }"),
        key("store", Is::Text, "The file of the store, below this folder.").or("data/andon.db").like("/var/lib/andon/andon.db"),
        key("keep", Is::Map(&KEEP), "How long things are kept. What has an open alert, delivery or action stays.").like("{ signals: 7d, at_most: 20GB }"),
        key("folders", Is::Map(&FOLDERS), "Where connectors, mappings and templates lie beside this file.").like("{ mappings: mappings }"),
        key("connections", Is::Named("a name for the connection", &Is::Map(&CONNECTION)), "What Andon is connected to: model platforms and destinations. Each is one configured instance of a connector.").like("soc: { connector: splunk, url: \"https://hec.example.com:8088\", token: { file: /run/secrets/hec } }"),
        key("routes", Is::List(&Is::Map(&ROUTE)), "Which alerts go where. Every route that matches sends.").like("- to: [soc]\n- when: alert.severity >= high\n  to: [oncall]\n  repeat: 4h"),
        key("callers", Is::List(&Is::Map(&CALLER)), "Who may use the API, and for what. `andon token new NAME` prints an entry to paste.").like("- { name: splunk-soar, token: { hash: \"sha256:…\" }, may: [\"alerts:read\"] }"),
    ]],
);

static TLS: Map = map(
    "tls",
    "The certificate for `listen`.",
    &[&[
        key(
            "cert",
            Is::Map(&FILE),
            "The certificate and those between it and the root (PEM).",
        )
        .must()
        .like("{ file: tls.crt }"),
        key("key", Is::Map(&FILE), "Its private key (PEM).")
            .must()
            .like("{ file: tls.key }"),
    ]],
);

static FILE: Map = map(
    "file",
    "A file, below the folder of `andon.yaml` or with its whole path.",
    &[&[key("file", Is::Text, "Its path.").must().like("tls.crt")]],
)
.open(&Is::Data);

static KEEP: Map = map(
    "keep",
    "How long things are kept.",
    &[&[
        key("signals", Is::Span, "How long signals are kept.")
            .or("7d")
            .like("30d"),
        key(
            "at_most",
            Is::Size,
            "How large the store may become; the oldest go first.",
        )
        .or("20GB")
        .like("50GB"),
    ]],
);

static FOLDERS: Map = map(
    "folders",
    "Folders beside `andon.yaml`. What they hold is added to what is built in, or replaces it by name.",
    &[&[
        key("connectors", Is::Text, "The folder of connectors.")
            .or("connectors")
            .like("connectors"),
        key("mappings", Is::Text, "The folder of mappings.")
            .or("mappings")
            .like("mappings"),
        key("templates", Is::Text, "The folder of templates.")
            .or("templates")
            .like("templates"),
    ]],
);

/// The settings of the connector stand beside these keys.
static CONNECTION: Map = map(
    "connection",
    "One configured instance of a connector. Beside these keys stand the connector's own settings, such as `url` and `token`: `andon connectors show NAME` lists them. A setting that is a secret is written `{ env: NAME }` or `{ file: PATH }`, never as itself.",
    &[&[
        key("connector", Is::To(Refers::Connector), "What it is connected to.").must().like("splunk"),
        key("reach", Is::Word(&[
            ("public", "addresses of the internet"),
            ("private", "also private ranges, such as 10.0.0.0/8"),
            ("loopback", "also this machine"),
        ]), "The widest sort of address that its URLs may lead to. An address beyond it is refused, whatever a name resolves to.").or("public").like("private"),
        key("ca", Is::Map(&FILE), "Certificate authorities (PEM) that its certificate may be of, beside the system's.").like("{ file: ca.pem }"),
        key("timeout", Is::Span, "How long a request may take.").or("30s").like("10s"),
    ]],
)
.open(&SETTING);

static SETTING: Is = Is::Either(&[Is::Map(&SECRET), Is::Text]);

static SECRET: Map = map(
    "secret",
    "Where a secret is. It is read again when it changes; a file holds one secret, or several, one a line, while they are rotated.",
    &[&[
        key("env", Is::Text, "The environment variable that holds it.").like("SPLUNK_TOKEN"),
        key("file", Is::Text, "The file that holds it.").like("/run/secrets/hec"),
    ]],
)
.with(&[Rule::One(&["env", "file"])]);

static ROUTE: Map = map(
    "route",
    "Alerts that match, and where they go.",
    &[&[
        key("when", Is::Condition, "Which alerts. Reads `alert`, such as `alert.severity`, `alert.kind`, `alert.mapping`, `alert.model`, `alert.fields`.").without("all").like("alert.severity >= high"),
        key("to", Is::Either(&[Is::List(&Is::To(Refers::Destination)), Is::To(Refers::Destination)]), "The connections they go to.").must().like("[soc]"),
        key("repeat", Is::Span, "Says an alert again when it is still open after so long.").without("never").like("4h"),
    ]],
);

static CALLER: Map = map(
    "caller",
    "Somebody who uses the API, known by a token.",
    &[&[
        key("name", Is::Text, "Who it is. The audit shows it.")
            .must()
            .like("splunk-soar"),
        key(
            "token",
            Is::Map(&TOKEN),
            "The token's digest; the token itself stands nowhere.",
        )
        .must()
        .like("{ hash: \"sha256:…\" }"),
        key(
            "may",
            Is::List(&Is::Either(&[Is::Word(SCOPES), Is::Map(&SCOPE)])),
            "What it may do.",
        )
        .must()
        .like("[\"alerts:read\", { action: mlflow/*, at: registry }]"),
        key("until", Is::Date, "The last day of the token, in UTC.")
            .without("no end")
            .like("2027-06-30"),
    ]],
);

static TOKEN: Map = map(
    "token",
    "A token, as its digest.",
    &[&[key("hash", Is::Text, "What `andon token new` prints.")
        .must()
        .like("\"sha256:…\"")]],
)
.open(&Is::Data);

const SCOPES: &[super::Word] = &[
    ("signals:write", "hand in signals"),
    ("alerts:read", "read alerts"),
    ("alerts:write", "acknowledge, close and note on alerts"),
    ("actions:read", "read what was done"),
    ("actions:approve", "approve what others ask for"),
    ("admin", "everything"),
];

static SCOPE: Map = map(
    "scope",
    "Actions that may be asked for, and where.",
    &[&[
        key(
            "action",
            Is::Text,
            "Connector and verb; `mlflow/*` for all of a connector, `*` for all.",
        )
        .must()
        .like("mlflow/*"),
        key("at", Is::Text, "The connection; `*` for all.")
            .or("*")
            .like("registry"),
    ]],
);
