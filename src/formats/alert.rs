//! `alert:` of a mapping.

use super::{Is, Map, Refers, Word, key, map};

/// How bad it is, from the least.
pub(super) const SEVERITIES: &[Word] = &[
    ("informational", "for the record"),
    ("low", "to be looked at when there is time"),
    ("medium", "to be looked at today"),
    ("high", "to be looked at now"),
    ("critical", "somebody is woken"),
];

/// What an alert says.
pub(super) static ALERT: Map = map(
    "alert",
    "What the alert says, and what tells one from another. Only what stands here leaves the house.",
    &[&[
        key("kind", Is::To(Refers::Kind), "What sort of finding it is. The kind brings the OCSF type, the ATLAS and OWASP ids, and the advice.").must().like("feature-drift"),
        key("title", Is::Prose, "One line for the person on duty. `{{name}}` is one of the names under `fields`, or model, measured, severity, kind or connection.").must().like("\"{{column}} of {{dataset}} has drifted from its reference\""),
        key("summary", Is::Prose, "A few lines more, with the same names as `title`.").without("the title").like("\"{{column}} was {{value}} away from its reference.\""),
        key("severity", Is::Either(&[Is::Word(SEVERITIES), Is::Cases(SEVERITIES)]), "How bad it is: one word, or a list of which the first case that holds counts. A list ends with `otherwise`.").must().like("- high: signal.value >= 0.5\n- medium: otherwise"),
        key("model", Is::Values, "Which model it is about. OCSF knows `name`, `version`, `type` and `uid`; `environment` and others are kept.").like("{ name: =signal.?model, environment: =signal.?environment }"),
        key("same_as", Is::List(&Is::Value), "What tells alerts apart: as long as these values are the same, there is one open alert, and signals update it.").must().like("[=signal.dataset, =signal.column]"),
        key("at", Is::Expression, "When it happened: a time, or a text of RFC 3339.").without("when the signal was received").like("=signal.at"),
        key("measured", Is::Values, "What was measured, against which limit. A change of it alone sends nothing.").like("{ what: =signal.method, value: =signal.value, limit: =signal.threshold }"),
        key("fields", Is::Values, "What destinations get beside the words above, and all that `{{name}}` may name. A value that is absent leaves its key out.").like("{ dataset: =signal.dataset, column: =signal.column }"),
        key("evidence", Is::Values, "Where the proof is: report, run, file. A change of it alone sends nothing.").like("{ report: =signal.path }"),
    ]],
);
