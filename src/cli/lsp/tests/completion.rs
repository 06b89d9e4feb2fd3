use proptest::prelude::*;

use super::*;

const MAPPING: &str = "mappings/a.yaml";
const CONNECTOR: &str = "connectors/acme/connector.yaml";

/// A file with the cursor, and what is offered first there; of a name with `!` that it is not.
fn offers(name: &str, rows: &[(&str, &[&str])]) {
    for (marked, wanted) in rows {
        let offered = offered(name, marked);
        let labels = labels(&offered);
        for one in *wanted {
            match one.strip_prefix('!') {
                Some(none) => assert!(!labels.contains(&none), "{none} in {labels:?}:\n{marked}"),
                None => assert!(labels.contains(one), "no {one} in {labels:?}:\n{marked}"),
            }
        }
        if wanted.is_empty() {
            assert_eq!(labels, Vec::<&str>::new(), "{marked}");
        }
    }
}

#[test]
fn keys_that_are_not_there_yet_are_offered_and_those_that_are_needed_first() {
    let marked = "andon: mapping/v1\nname: a\nfrom: evidently/test\n¦\n";
    let offered = offered(MAPPING, marked);
    assert_eq!(
        labels(&offered),
        [
            "about",
            "status",
            "when",
            "alert",
            "open",
            "false_positives",
            "runbook",
            "look_up",
            "let",
            "resolve",
            "quiet",
            "contain",
            "tests"
        ]
    );
    let about = &offered.offers[0];
    assert_eq!(
        (
            about.label.as_str(),
            about.is.as_str(),
            about.insert.as_str()
        ),
        ("about", "needed: a text", "about: ")
    );
    assert!(about.about.starts_with("What it finds"), "{}", about.about);
}

#[test]
fn keys_fit_the_map_they_stand_in() {
    offers(
        MAPPING,
        &[
            (
                "alert:\n  kind: x\n  sev¦\n",
                &["severity", "title", "!kind", "!from"],
            ),
            ("alert:\n  kind: x\n  ¦\nresolve:\n", &["severity", "!kind"]),
            ("alert: { kind: x, ¦ }\n", &["severity", "!kind"]),
            ("alert: { kind: x, t¦\nresolve:\n", &["title", "!kind"]),
            ("contain:\n  - ¦\n", &["action", "at", "with", "ask"]),
            (
                "contain:\n  - action: mlflow/move-alias\n    with: { ¦ }\n",
                &["model", "alias", "version"],
            ),
            (
                "contain:\n  - action: mlflow/move-alias\n    ask: [¦]\n",
                &["model", "alias", "version"],
            ),
            ("alert:\n  severity:\n    - ¦\n", &["high", "critical"]),
            ("alert:\n  severity:\n    - hi¦\n", &["high"]),
            (
                "look_up:\n  v:\n    get: /a\n    ¦\n",
                &["query", "keep", "!post"],
            ),
            (
                "from: evidently/test\ntests:\n  - it: x\n    signal: { status: FAIL, ¦ }\n",
                &["metric", "value", "!status"],
            ),
            (
                "from: evidently/test\ntests:\n  - it: x\n    signal: { status: ¦ }\n",
                &["FAIL", "!metric"],
            ),
            // A comment, and a text, have no keys.
            ("andon: mapping/v1\n# fr¦\n", &[]),
            ("about: a sentence ¦\n", &[]),
        ],
    );
}

#[test]
fn words_and_names_of_other_files_are_offered() {
    offers(
        MAPPING,
        &[
            ("status: ¦\n", &["draft", "shadow", "stable", "retired"]),
            ("status: st¦\n", &["stable"]),
            ("from: ¦\n", &["evidently/test", "mlflow/alias-created"]),
            ("from: evidently/¦\nwhen: x\n", &["evidently/drift"]),
            ("alert:\n  kind: ¦\n", &["feature-drift", "eval-regression"]),
            (
                "contain:\n  - action: ¦\n",
                &["mlflow/move-alias", "!mlflow/model"],
            ),
            (
                "contain:\n  - action: mlflow/move-alias\n    at: ¦\n",
                &["registry", "soc"],
            ),
            ("resolve:\n  - from: ml¦\n", &["mlflow/tag-set"]),
        ],
    );
    offers(
        "andon.yaml",
        &[
            (
                "andon: config/v1\nconnections:\n  a: { connector: ¦ }\n",
                &["mlflow", "splunk", "file"],
            ),
            (
                "andon: config/v1\nconnections:\n  a:\n    connector: splunk\n    ¦\n",
                &["url", "token", "reach", "!connector"],
            ),
            (
                "andon: config/v1\nconnections:\n  a: { connector: splunk }\n  b: { connector: mlflow }\nroutes:\n  - to: [¦]\n",
                &["a", "!b"],
            ),
            (
                "andon: config/v1\nroutes:\n  - when: alert.¦\n",
                &["severity", "kind"],
            ),
            (
                "andon: config/v1\nroutes:\n  - when: alert.severity >= ¦\n",
                &["high"],
            ),
        ],
    );
    offers(
        CONNECTOR,
        &[
            (
                "andon: connector/v1\nsettings:\n  tok: { is: secret }\n  url: { is: url }\nauth: { bearer: ¦ }\n",
                &["tok", "!url"],
            ),
            (
                "andon: connector/v1\nsettings:\n  a: { is: ¦ }\n",
                &["secret", "url"],
            ),
            (
                "andon: connector/v1\nsignals:\n  s:\n    ¦\n",
                &["schema", "webhook", "poll"],
            ),
            (
                "andon: connector/v1\nsettings:\n  tok: { is: secret }\n  a: { is: text }\nsignals:\n  s:\n    id: =settings.¦\n",
                &["a", "!tok"],
            ),
            (
                "andon: connector/v1\nactions:\n  v:\n    takes: { model: { is: text, about: Which } }\n    before:\n      - get: /x\n        keep: { was: =body.a }\n    already: ¦\n",
                &["model", "was", "status"],
            ),
        ],
    );
}

#[test]
fn the_fields_of_the_signal_are_offered_with_what_they_are() {
    let marked = "from: evidently/test\nwhen: signal.¦\n";
    let offered = offered(MAPPING, marked);
    let status = offered.offers.iter().find(|offer| offer.label == "status");
    let status = status.unwrap();
    assert_eq!(
        status.is,
        r#"one of "SUCCESS", "FAIL", "WARNING", "ERROR", "SKIPPED""#
    );
    assert_eq!(status.about, "The verdict");
    offers(
        MAPPING,
        &[
            (
                "from: evidently/test\nwhen: sig¦\n",
                &["signal", "now", "size", "!status"],
            ),
            (
                "from: evidently/test\nwhen: signal.st¦ == 1\n",
                &["status", "at"],
            ),
            (
                "from: evidently/test\nalert: { fields: { a: =signal.¦ } }\n",
                &["dataset", "value"],
            ),
            (
                "from: evidently/test\nalert: { fields: { a: =signal.¦\nresolve: []\n",
                &["dataset"],
            ),
            (
                "from: evidently/test\nalert: { same_as: [=signal.¦] }\n",
                &["dataset"],
            ),
            (
                "from: evidently/test\nalert:\n  severity:\n    - high: signal.value >= 0.5 && signal.¦\n",
                &["threshold"],
            ),
            (
                "from: evidently/test\nlet:\n  bad: =signal.status == \"FAIL\"\nwhen: b¦\n",
                &["bad"],
            ),
            (
                "from: evidently/test\nresolve:\n  - from: mlflow/tag-set\n    when: signal.¦\n",
                &["key", "!dataset"],
            ),
            ("from: alertmanager/alert\nwhen: signal[\"¦\n", &["labels"]),
            // A value that is no expression, and a signal that nobody knows.
            (
                "from: evidently/test\nalert: { fields: { a: signal.¦ } }\n",
                &[],
            ),
            ("from: no/such\nwhen: signal.¦\n", &["!status"]),
        ],
    );
}

#[test]
fn the_items_of_a_list_have_the_fields_that_the_schema_gives_them() {
    offers(
        MAPPING,
        &[(
            "from: mlflow/version\nwhen: signal.tags.exists(t, t.¦\n",
            &["key", "value"],
        )],
    );
}

#[test]
fn the_values_that_a_schema_lists_are_offered_in_comparisons() {
    offers(
        MAPPING,
        &[
            (
                "from: evidently/test\nwhen: signal.status == ¦\n",
                &["\"FAIL\"", "signal"],
            ),
            (
                "from: evidently/test\nwhen: signal.status == \"¦\n",
                &["FAIL", "!signal"],
            ),
            (
                "from: evidently/test\nwhen: signal.status == \"F¦\"\n",
                &["FAIL"],
            ),
            (
                "from: evidently/test\nwhen: signal.status in [\"FAIL\", \"¦\n",
                &["ERROR"],
            ),
            (
                "from: evidently/test\nwhen: \"signal.status == ¦\"\n",
                &["'FAIL'"],
            ),
            ("from: evidently/test\nwhen: signal.dataset == \"¦\"\n", &[]),
        ],
    );
}

#[test]
fn a_text_is_offered_what_it_may_name() {
    let alert = "alert:\n  fields: { column: =signal.column }\n  model: { name: =signal.name }\n";
    for (line, wanted) in [
        ("  title: \"{{¦\"\n", &["column", "severity", "upper"][..]),
        ("  title: \"{{upper c¦}}\"\n", &["column", "!upper"]),
        ("  title: \"{{model.¦}}\"\n", &["name", "!column"]),
        ("  title: \"{{column}} ¦\"\n", &[]),
    ] {
        let marked = format!("from: evidently/test\n{alert}{line}");
        offers(MAPPING, &[(marked.as_str(), wanted)]);
    }
    offers(
        "templates/soc/part.hbs",
        &[("It is {{¦", &["title", "severity", "plural"])],
    );
}

#[test]
fn what_is_taken_takes_the_place_of_the_word_before_the_cursor() {
    for (marked, label, whole) in [
        ("alert:\n  sev¦\n", "severity", "alert:\n  severity: \n"),
        ("name: a\nal¦\n", "alert", "name: a\nalert:\n"),
        ("sta¦: draft\n", "status", "status: draft\n"),
        ("status:¦\n", "stable", "status: stable\n"),
        ("alert: { fie¦ }\n", "fields", "alert: { fields:  }\n"),
        ("from: evi¦\n", "evidently/test", "from: evidently/test\n"),
        (
            "from: evidently/test\nwhen: signal.col¦\n",
            "column",
            "from: evidently/test\nwhen: signal.?column\n",
        ),
        (
            "from: evidently/test\nwhen: signal.?col¦\n",
            "column",
            "from: evidently/test\nwhen: signal.?column\n",
        ),
        (
            "from: evidently/test\nwhen: signal.status == \"F¦\"\n",
            "FAIL",
            "from: evidently/test\nwhen: signal.status == \"FAIL\"\n",
        ),
        (
            "from: evidently/test\nalert: { fields: { a: '=up¦' } }\n",
            "upper",
            "from: evidently/test\nalert: { fields: { a: '=upper(' } }\n",
        ),
    ] {
        assert_eq!(taken(MAPPING, marked, label), whole);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Wherever the cursor stands in a file that was cut and stirred, there is an answer whose span is on
    /// the line before the cursor.
    #[test]
    fn every_place_of_every_text_has_an_answer(
        cut in 0_usize..1200, gone in 0_usize..60, put in "[a.:=\"'{}\\[\\]\n |\u{1d11e}-]{0,6}", at in 0_usize..1200,
    ) {
        let mut text = include_str!("../../../../mappings/evidently-column-drift.yaml").to_owned();
        let edge = |text: &str, at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (from, to) = (edge(&text, cut), edge(&text, cut + gone));
        text.replace_range(from..to, &put);
        let at = edge(&text, at);
        text.insert(at, '¦');
        let offered = offered(MAPPING, &text);
        let (plain, at) = cursor(&text);
        prop_assert!(offered.offers.is_empty() || offered.span.end == at);
        prop_assert!(plain.get(offered.span.start..offered.span.end).is_some_and(|part| !part.contains('\n')));
    }
}
