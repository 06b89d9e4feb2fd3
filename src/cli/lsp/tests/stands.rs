use proptest::prelude::*;

use super::*;

const MAPPING: &str = "mappings/a.yaml";

/// What is told at a place begins so.
fn told(name: &str, rows: &[(&str, &str)]) {
    for (marked, begins) in rows {
        let told = found(name, marked).map(|stands| stands.told);
        let told = told.unwrap_or_default();
        assert!(
            told.starts_with(begins) && begins.is_empty() == told.is_empty(),
            "{told}\nand not {begins}:\n{marked}"
        );
    }
}

/// The file and the line, from 1, with what is written there, that a place leads to.
fn leads(name: &str, marked: &str) -> Option<String> {
    let (page, span) = found(name, marked)?.named?;
    let (line, _) = crate::diag::Source::new("", page.text.as_str()).line_and_column(span.start);
    let written = page.text.lines().nth(line - 1).unwrap_or_default().trim();
    Some(format!("{}: {written}", page.shown))
}

#[test]
fn a_key_is_told_with_what_it_takes_and_an_example() {
    let told = found(MAPPING, "name: a\nwh¦en: x\n").unwrap().told;
    insta::assert_snapshot!(told, @r#"
    **when** (a condition, needed)

    When the signal is an alert. Reads `signal`, `now`, `received_at` and what `let` and `look_up` name.

    ```yaml
    when: signal.status == "FAIL" && signal.metric == "ValueDrift"
    ```
    "#);
}

#[test]
fn words_fields_functions_and_names_are_told() {
    told(
        MAPPING,
        &[
            ("status: sha¦dow\n", "**shadow**: on trial"),
            (
                "alert:\n  severity:\n    - hi¦gh: x\n",
                "**high**: to be looked at now",
            ),
            (
                "from: evidently/test\nwhen: signal.sta¦tus == \"FAIL\"\n",
                "**status** (one of \"SUCCESS\", \"FAIL\"",
            ),
            (
                "from: evidently/test\nwhen: signal.?col¦umn == null\n",
                "**column** (text, may be absent), a field of evidently/test\n\nThe column",
            ),
            (
                "from: evidently/test\nwhen: sig¦nal.status == 1\n",
                "**signal**: the signal's data",
            ),
            (
                "from: evidently/test\nwhen: low¦er(signal.status) == \"a\"\n",
                "`lower(text)`\n\na text in small letters",
            ),
            (
                "from: evidently/test\nalert: { fields: { a: '=regex.ext¦ract(signal.path, \"x\")' } }\n",
                "`regex.extract(text",
            ),
            (
                "from: mlflow/version\nwhen: signal.tags.exists(t, t.ke¦y == \"a\")\n",
                "**key** (text",
            ),
            (
                "from: evidently/test\nlet:\n  bad: =signal.value > 1\nwhen: b¦ad\n",
                "**bad** (under `let`)\n\n=signal.value > 1",
            ),
            ("from: evid¦ently/test\n", "**evidently/test** (a signal)"),
            (
                "alert:\n  kind: feature-d¦rift\n",
                "**feature-drift** (Feature drift)",
            ),
            (
                "contain:\n  - action: mlflow/move-alias\n    with: { ver¦sion: 1 }\n",
                "**version** (an argument)\n\nThe version to serve instead",
            ),
            (
                "from: evidently/test\ntests:\n  - signal: { val¦ue: 1 }\n",
                "**value** (number or null)",
            ),
            (
                "alert:\n  fields: { column: =signal.column }\n  title: \"{{upp¦er column}}\"\n",
                "`{{upper name}}`",
            ),
            (
                "from: evidently/test\nwhen: signal.status == \"FA¦IL\"\n",
                "",
            ),
            ("about: some wo¦rds\n", ""),
        ],
    );
    told(
        "andon.yaml",
        &[
            (
                "andon: config/v1\nroutes:\n  - when: alert.sev¦erity >= high\n",
                "**severity**: its severity",
            ),
            (
                "andon: config/v1\nconnections:\n  a: { connector: mlflow, webhook_sec¦ret: { env: A } }\n",
                "**webhook_secret** (secret, optional)\n\nThe secret given",
            ),
        ],
    );
}

#[test]
fn names_lead_to_where_they_were_given() {
    let manifest = "built-in:connectors/evidently/connector.yaml";
    for (marked, place) in [
        ("from: evidently/te¦st\n", format!("{manifest}: test:                                               # one verdict of a report that was run with tests")),
        ("from: evidently/test\nwhen: signal.sta¦tus == 1\n", "built-in:connectors/evidently/schemas/test.json: \"status\": {".to_owned()),
        ("alert:\n  kind: feature-d¦rift\n", "built-in:kinds.yaml: - name: feature-drift".to_owned()),
        ("contain:\n  - action: mlflow/mo¦ve-alias\n", "built-in:connectors/mlflow/connector.yaml: move-alias:".to_owned()),
        ("contain:\n  - action: mlflow/move-alias\n    at: regi¦stry\n", "/soc/andon.yaml: registry: { connector: mlflow, url: \"https://mlflow.example.com\", webhook_secret: { env: SECRET } }".to_owned()),
        ("let:\n  bad: =signal.value > 1\nwhen: b¦ad\n", "/soc/mappings/a.yaml: bad: =signal.value > 1".to_owned()),
        ("alert:\n  fields: { column: =signal.column }\n  title: \"{{col¦umn}}\"\n", "/soc/mappings/a.yaml: fields: { column: =signal.column }".to_owned()),
    ] {
        assert_eq!(leads(MAPPING, marked), Some(place), "{marked}");
    }
    for (marked, place) in [
        (
            "andon: config/v1\nconnections:\n  a: { connector: spl¦unk }\n",
            "built-in:connectors/splunk/connector.yaml: name: splunk",
        ),
        (
            "andon: config/v1\nconnections:\n  a: { connector: splunk }\nroutes:\n  - to: [¦a]\n",
            "/soc/andon.yaml: a: { connector: splunk }",
        ),
    ] {
        assert_eq!(
            leads("andon.yaml", marked).as_deref(),
            Some(place),
            "{marked}"
        );
    }
    for (marked, place) in [
        (
            "andon: connector/v1\nsettings:\n  tok: { is: secret }\nauth: { bearer: to¦k }\n",
            "/soc/connectors/acme/connector.yaml: tok: { is: secret }",
        ),
        (
            "andon: connector/v1\nactions:\n  v:\n    before:\n      - keep: { was: =body.a }\n    already: wa¦s == 1\n",
            "/soc/connectors/acme/connector.yaml: - keep: { was: =body.a }",
        ),
    ] {
        assert_eq!(
            leads("connectors/acme/connector.yaml", marked).as_deref(),
            Some(place),
            "{marked}"
        );
    }
}

#[test]
fn every_key_of_every_built_in_file_is_told() {
    for (name, file) in Files::built_in().iter() {
        let is_yaml = name.starts_with("mappings/") || name.ends_with("connector.yaml");
        if !is_yaml {
            continue;
        }
        let text = String::from_utf8_lossy(&file.bytes);
        let mut begins = 0;
        for line in text.split_inclusive('\n') {
            let lead = line.len() - line.trim_start().len();
            let key = line.trim_start().split(':').next().unwrap_or_default();
            let known = ["same_as", "schema", "sample", "risk", "already"];
            let is_key = lead == 0 && key.chars().all(char::is_alphabetic) || known.contains(&key);
            if is_key && !line.trim().is_empty() {
                let at = begins + lead;
                let marked = format!("{}¦{}", &text[..at], &text[at..]);
                assert!(found(name, &marked).is_some(), "{line} of {name}");
            }
            begins += line.len();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_place_is_too_odd(
        cut in 0_usize..1200, gone in 0_usize..60, put in "[a.:=\"'{}\\[\\]\n |\u{1d11e}-]{0,6}", at in 0_usize..1200,
    ) {
        let mut text = include_str!("../../../../mappings/evidently-column-drift.yaml").to_owned();
        let edge = |text: &str, at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (from, to) = (edge(&text, cut), edge(&text, cut + gone));
        text.replace_range(from..to, &put);
        text.insert(edge(&text, at), '¦');
        let (plain, _) = cursor(&text);
        if let Some(found) = found(MAPPING, &text) {
            prop_assert!(plain.get(found.span.start..found.span.end).is_some());
        }
    }
}
