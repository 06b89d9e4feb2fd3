//! `kinds.yaml`.

use super::{Is, Map, key, map};

/// The kinds of finding.
pub(super) static KINDS: Map = map(
    "kinds",
    "The sorts of finding that alerts can be. A `kinds.yaml` beside `andon.yaml` adds to those that are built in, or replaces one by name.",
    &[&[
        key(
            "andon",
            Is::Exactly("kinds/v1"),
            "What sort of file this is, and its version. The first key.",
        )
        .must()
        .like("kinds/v1"),
        key("kinds", Is::List(&Is::Map(&KIND)), "The kinds.").must(),
    ]],
);

static KIND: Map = map(
    "kind",
    "One sort of finding: what the SOC's systems call it, and what to look at first.",
    &[&[
        key("name", Is::Text, "What mappings call it, under `kind:`.")
            .must()
            .like("feature-drift"),
        key("title", Is::Text, "A few words for people.")
            .must()
            .like("Feature drift"),
        key(
            "analytic",
            Is::Word(&[
                ("rule", "a condition that somebody wrote"),
                ("behavioral", "something behaves otherwise than usual"),
                ("statistical", "a measure left its limits"),
                ("learning", "a model judged"),
                ("fingerprinting", "something known was recognised"),
            ]),
            "How it was found, as OCSF's `analytic.type` has it.",
        )
        .or("rule")
        .like("statistical"),
        key("types", Is::Texts, "OCSF's `finding_info.types`.").like("[Data Drift]"),
        key(
            "atlas",
            Is::List(&Is::Map(&TECHNIQUE)),
            "The techniques of MITRE ATLAS that it may be. None for a plain signal of quality.",
        )
        .like("- { uid: AML.T0020, name: Poison Training Data }"),
        key(
            "owasp",
            Is::Texts,
            "The entries of OWASP's LLM Top 10 of 2025.",
        )
        .like("[LLM04]"),
        key(
            "advice",
            Is::Text,
            "One line: what to look at first. Sent with the alert.",
        )
        .must()
        .like("Compare the column with its source before the model."),
    ]],
);

static TECHNIQUE: Map = map(
    "technique",
    "A technique of MITRE ATLAS.",
    &[&[
        key("uid", Is::Text, "Its id.").must().like("AML.T0020"),
        key("name", Is::Text, "Its name.")
            .must()
            .like("Poison Training Data"),
    ]],
);
