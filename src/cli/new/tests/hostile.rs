//! Whatever stands in a sample, what is written is sound, or a sentence says why there is nothing.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{of, said, text, write};

/// Texts that somebody would take for more than text.
fn hostile() -> Vec<String> {
    let long = "x".repeat(100_000);
    let texts = [
        "a: b\nstatus: stable",
        "{{status}}",
        "{{{x}}}",
        "\u{202e}gpj.exe",
        "'; drop",
        "\"]}",
        "# no",
        "!tag",
        "*alias",
        "%",
        "\u{0}\u{1b}[31m",
        "=1 + 1",
        "${x}",
        &long,
        "- x",
        "---",
        "$ref",
        "<<",
        "yes",
        "at",
        "id",
    ];
    texts.map(str::to_owned).to_vec()
}

#[test]
fn hostile_names_and_values_stay_what_they_are() {
    for name in hostile() {
        let name = name.as_str();
        let bodies = [
            json!({ "model": name, "status": name, "severity": name, "share": 1, name: name, "nested": { name: { name: 1 } } }),
            json!({ "alerts": [{ name: name, "name": name, "severity": name, "share": 1 }], name: 1 }),
        ];
        for body in bodies {
            let (folder, written) = write(&of(std::slice::from_ref(&body))).unwrap();
            let said = said(&folder, &written.files, &written.mapping);
            assert_eq!(said, "", "{body:.200}");
            for file in &written.files {
                assert!(
                    file.name.is_ascii() && !file.name.contains(".."),
                    "{}",
                    file.name
                );
            }
            let mapping = text(&written.files, "acme-event.yaml");
            assert!(mapping.contains("\nstatus: draft\n") && mapping.len() < 20_000);
        }
    }
}

/// JSON as systems send it and as nobody does.
pub(in crate::cli::new) fn documents() -> impl Strategy<Value = Json> {
    let word = proptest::sample::select(vec![
        "ok",
        "FAIL",
        "critical",
        "warning",
        "fraud-detector",
        "2026-11-23T08:00:00Z",
        "",
        "a: b",
        "{{x}}",
        "=x",
        "\u{202e}",
        "null",
        "1",
        "https://a.example/",
        "one two three four five six seven eight nine",
    ]);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>()
            .prop_filter("JSON has no other", |number| number.is_finite())
            .prop_map(Json::from),
        word.prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    let key = prop_oneof![
        proptest::sample::select(vec![
            "id",
            "at",
            "change",
            "model",
            "name",
            "status",
            "state",
            "severity",
            "level",
            "score",
            "value",
            "threshold",
            "limit",
            "time",
            "timestamp",
            "event",
            "type",
            "kind",
            "passed",
            "drifted",
            "text",
            "json",
            "secret",
            "lines",
            "pick",
            "from",
            "each",
            "give",
            "as",
            "in",
            "true",
            "null",
            "labels",
            "alerts",
            "data",
            "events",
            "prompt",
            "$ref",
            "a b",
            "x?",
            "{{y}}",
            "fingerprint",
            "connection",
            "else",
            "default",
            "cut",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            2 => proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            5 => proptest::collection::vec((key.clone(), inner), 0..8)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_samples_what_is_written_is_sound_or_a_sentence_says_why(
        bodies in proptest::collection::vec(documents(), 1..3)
    ) {
        match write(&of(&bodies)) {
            Ok((folder, written)) => {
                let said = said(&folder, &written.files, &written.mapping);
                prop_assert!(said.is_empty(), "{}", said);
            }
            Err(why) => prop_assert!(why.starts_with("no connector can be written from x.json: "), "{}", why),
        }
    }
}

#[test]
fn hostile_names_in_an_openapi_document_stay_what_they_are() {
    for name in hostile() {
        let name = name.as_str();
        let schema = json!({ "type": "object", "required": [name], "properties": {
            name: { "type": "boolean" }, "model": { "type": "string", "example": name }, "ok": { "type": "boolean" } } });
        let body = json!({ "content": { "application/json": { "schema": schema } } });
        let list = json!({ "content": { "application/json": { "schema": { "type": "array", "items": schema } } } });
        let (path, thing) = (format!("/{name}"), format!("/{{{name}}}"));
        let document = json!({
            "openapi": "3.1.0",
            "webhooks": { name: { "post": { "requestBody": body } }, "plain": { "post": { "requestBody": body } } },
            "paths": {
                path: { "get": { "operationId": name, "summary": name, "responses": { "200": list } } },
                thing: {
                    "get": { "responses": { "200": body } },
                    "patch": { "operationId": name, "summary": name, "requestBody": body },
                },
            },
            "components": { "securitySchemes": { name: { "type": "apiKey", "in": "header", "name": name } } },
        });
        let (folder, written) = write(&of(&[document])).unwrap();
        let said = said(&folder, &written.files, &written.mapping);
        assert_eq!(said, "", "{name:.80}");
        assert!(text(&written.files, "connector.yaml").len() < 20_000);
    }
}
