//! `mappings/NAME.yaml`.

use super::alert::ALERT;
use super::request::{CALL, LOOK_UP_ANSWERS};
use super::{Is, Map, Refers, Rule, key, map};

/// A mapping.
pub(super) static MAPPING: Map = map(
    "mapping",
    "A mapping turns one signal into an alert, or closes an alert. One file each, named after the mapping.",
    &[&[
        key("andon", Is::Exactly("mapping/v1"), "What sort of file this is, and its version. The first key.").must().like("mapping/v1"),
        key("name", Is::Text, "The mapping's name: that of the file without `.yaml`. Alerts carry it.").must().like("evidently-column-drift"),
        key("about", Is::Text, "What it finds, in a sentence for the analyst who gets the alert.").must().like("A monitored column has drifted from its reference."),
        key("status", Is::Word(&[
            ("draft", "being written: checked, and not run"),
            ("shadow", "on trial: runs on live signals and is counted, and nothing is delivered; `andon shadow NAME` shows it"),
            ("stable", "in force; it needs `tests`"),
            ("retired", "no longer run; `open` says what becomes of its open alerts"),
        ]), "How far it has come.").must().like("stable"),
        key("open", Is::Word(&[
            ("resolve", "they are resolved when the mapping is retired"),
            ("keep", "they stay, until `quiet` has passed or somebody closes them"),
        ]), "What becomes of the open alerts of a retired mapping. Only with `status: retired`.").or("keep").like("resolve"),
        key("false_positives", Is::Texts, "When this alert is wrong, in a few words each. The analyst sees them beside the alert.").like("[a planned change upstream, a seasonal peak]"),
        key("runbook", Is::Text, "The page to open when the alert comes. Sent with the alert.").like("https://runbooks.example.com/feature-drift"),
        key("from", Is::To(Refers::Signal), "The signal it reads, as connector and signal. `andon connectors show NAME` lists a connector's signals and their fields.").must().like("evidently/test"),
        key("look_up", Is::Named("a name for what is kept", &Is::Map(&LOOK_UP)), "What has to be asked of a platform before the mapping can judge. It is asked after the signal was accepted, and asked again when it fails; what is kept is then a name in the expressions below.").like("version:\n  get: /api/2.0/mlflow/model-versions/get\n  query: { name: =signal.name, version: =signal.version }\n  keep: =body.model_version"),
        key("let", Is::Named("a name", &Is::Expression), "Names for expressions that are used more than once. Each may use those above it; one that nothing uses is not evaluated.").like("{ age: =now - timestamp(signal.fresh_at) }"),
        key("when", Is::Condition, "When the signal is an alert. Reads `signal`, `now`, `received_at` and what `let` and `look_up` name.").must().like("signal.status == \"FAIL\" && signal.metric == \"ValueDrift\""),
        key("alert", Is::Map(&ALERT), "What the alert says, and what tells one from another.").must(),
        key("resolve", Is::List(&Is::Map(&RESOLVE)), "What closes the alert. A mapping has `resolve`, `quiet`, or both.").like("- when: signal.status == \"SUCCESS\" && signal.metric == \"ValueDrift\""),
        key("quiet", Is::Span, "An alert is over when nothing was heard of it for so long.").like("24h"),
        key("contain", Is::List(&Is::Map(&CONTAIN)), "What may be done about it. It is sent along with the alert, ready to be called; nothing is done by itself.").like("- action: mlflow/move-alias\n  with: { alias: champion }\n  ask: [model, version]"),
        key("tests", Is::List(&Is::Map(&TEST)), "Signals, and what has to come of them. `andon test` runs them; a stable mapping has at least one.").like("- it: a failed drift test is an alert\n  signal: { status: FAIL, metric: ValueDrift, value: 0.52 }\n  gives: { severity: high }"),
    ]],
)
.with(&[Rule::Some(&["resolve", "quiet"])]);

const AT: &str = "The connection that is asked. Without it the signal's own.";

static LOOK_UP: Map = map(
    "look_up",
    "One request whose answer is needed to judge.",
    &[
        &[
            key("at", Is::To(Refers::Connection), AT).like("registry"),
            key("only_if", Is::Condition, "Whether it is asked at all."),
        ],
        CALL,
        LOOK_UP_ANSWERS,
        &[key(
            "keep",
            Is::Expression,
            "The part of the answer that the mapping's expressions see under this name.",
        )
        .must()
        .like("=body.model_version")],
    ],
)
.with(&[Rule::One(&["get", "post", "put", "patch", "delete"])]);

static RESOLVE: Map = map(
    "resolve",
    "One way in which an alert is over.",
    &[&[
        key("from", Is::To(Refers::Signal), "Another signal that closes it. It then needs `same_as`.").without("the mapping's own `from`").like("mlflow/tag-set"),
        key("when", Is::Case, "When the signal closes the alert; `otherwise` for any signal of `from` that is no alert.").must().like("signal.key == \"eval\" && signal.value == \"passed\""),
        key("same_as", Is::List(&Is::Value), "Which alert is closed: the same values in the same order as the alert's `same_as`. With another `from` it has to be written.").without("the alert's own").like("[=signal.name, =signal.version]"),
    ]],
);

static CONTAIN: Map = map(
    "contain",
    "One action that may be asked for.",
    &[&[
        key("action", Is::To(Refers::Action), "What is done, as connector and verb. `andon connectors show NAME` lists a connector's actions.").must().like("mlflow/move-alias"),
        key("at", Is::To(Refers::Connection), "The connection it is done on.").without("the signal's own if it fits, else the only one that does").like("registry"),
        key("with", Is::Values, "The arguments that are known already. One that is absent in a signal becomes something to ask for.").like("{ model: =signal.?model, alias: champion }"),
        key("ask", Is::Either(&[Is::List(&Is::To(Refers::Argument)), Is::To(Refers::Argument)]), "The arguments that the analyst fills in.").like("[version]"),
    ]],
);

static TEST: Map = map(
    "test",
    "A signal, and what has to come of it.",
    &[&[
        key("it", Is::Text, "What it shows, in a few words.").like("a failed drift test is an alert"),
        key("now", Is::Time, "What `now` is.").or("2026-11-23T08:00:00Z").like("\"2026-11-23T08:00:00Z\""),
        key("from", Is::To(Refers::Signal), "The signal that `signal:` is one of.").without("the mapping's `from`").like("mlflow/tag-set"),
        key("signal", Is::Data, "The data of one signal, as mappings see it.").like("{ status: FAIL, metric: ValueDrift, value: 0.52 }"),
        key("capture", Is::To(Refers::File), "Instead of `signal`: a file that the platform sent, read through the connector.").like("samples/batch.json"),
        key("after", Is::Span, "Instead of `signal`: so much time passes, which tests `quiet`.").like("25h"),
        key("look_up", Is::Data, "What each `look_up` would have kept, by its name.").like("{ version: { tags: [] } }"),
        key("gives", GIVES, "What has to come of it: `nothing`, `resolved`, or those parts of the alert that have to match. A list where a capture holds several signals.").must().like("{ severity: high }"),
    ]],
)
.with(&[Rule::One(&["signal", "capture", "after"])]);

const ONE: [Is; 2] = [
    Is::Word(&[("nothing", "no alert"), ("resolved", "an alert is over")]),
    Is::Map(&GIVEN),
];
const GIVES: Is = Is::Either(&[Is::Either(&ONE), Is::List(&Is::Either(&ONE))]);

static GIVEN: Map = map(
    "gives",
    "The parts of the alert that have to match. Of a map only the keys that stand here are compared.",
    &[&[
        key("severity", Is::Word(super::alert::SEVERITIES), "The severity.").like("high"),
        key("kind", Is::To(Refers::Kind), "The kind.").like("feature-drift"),
        key("title", Is::Text, "The title, whole.").like("income of loans has drifted from its reference"),
        key("summary", Is::Text, "The summary, whole."),
        key("at", Is::Time, "When it happened."),
        key("model", Is::Data, "What the alert says of the model."),
        key("measured", Is::Data, "What was measured."),
        key("fields", Is::Data, "The fields.").like("{ column: income }"),
        key("evidence", Is::Data, "The evidence."),
        key("contain", Is::Data, "What is offered: a list of `{ action, with, ask }`."),
    ]],
)
.open(&Is::Data);
