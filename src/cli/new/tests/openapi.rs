//! What an OpenAPI document becomes.

use std::path::Path;

use serde_json::json;

use super::super::sample;
use super::{of, said, text, write};

#[test]
fn an_openapi_document_becomes_signals_polls_and_actions_and_the_rest_is_named() {
    let sample = sample::read(Path::new("tests/data/new/openapi.yaml")).unwrap();
    let (folder, written) = write(&sample).unwrap();
    assert_eq!(said(&folder, &written.files, &written.mapping), "");
    insta::assert_snapshot!(text(&written.files, "connector.yaml"), @r#"
    # Written by `andon new` from tests/data/new/openapi.yaml. What stands below a comment is a guess: read it and mend it.
    andon: connector/v1
    name: acme
    # A sentence or two: what does the system report?
    about: Written from samples; say here what it reports.
    # docs: the page of the vendor that describes what is sent

    settings:
      url: { is: url, about: "Where the API is, such as https://api.example.com" }
      token: { is: secret, optional: true, about: "The key of the API" }
      sent_token: { is: secret, optional: true, about: "Bearer token, which the system sends in the header Authorization" }
      hook_token: { is: secret, optional: true, about: "A token at the end of the URL, where no header can be set" }

    auth: { header: X-Api-Key, secret: token }

    # Who may send. Where the system signs what it sends, write `signature:` in place of `accepts:`.
    webhook:
      accepts:
        - { bearer: sent_token }
        - { url_token: hook_token }
      # A body that is none of the signals is kept, and `andon stuck` tells of it. Later, count: it is only counted.
      unmatched: keep

    signals:
      model-drifted:
        schema: schemas/model-drifted.json
        sample: samples/model-drifted.json
        # Tells a body of this signal from others that come the same way.
        webhook:
          only_if: body.event == "model.drifted"
        # The same id is the same event, however often it is sent.
        id: =body.id
        at: =body.time
        # What mappings see, and what the schema describes.
        data:
          event: =body.event
          id_there: =body.id
          time: =body.time
          model: =body.model
          severity: =body.severity
          score: =body.?score
          # Left out, because people or models write it, or because it is private: body.?message

      model-promoted:
        schema: schemas/model-promoted.json
        sample: samples/model-promoted.json
        # Tells a body of this signal from others that come the same way.
        webhook:
          only_if: body.event == "model.promoted"
        # The same id is the same event, however often it is sent.
        id: =body.id
        at: =body.time
        # What mappings see, and what the schema describes.
        data:
          event: =body.event
          id_there: =body.id
          time: =body.time
          model: =body.model
          version: =body.version
          by: =body.by

      scanned:
        schema: schemas/scanned.json
        sample: samples/scanned.json
        # Tells a body of this signal from others that come the same way.
        webhook:
          only_if: body.event == "scan.finished"
        # id: what the sender calls one event; without it, the same data are the same event.
        # at: when it happened (RFC 3339, or timestamp(body.…, "ms")); without it, when it arrived.
        # What mappings see, and what the schema describes.
        data:
          event: =body.event
          model: =body.model
          verdict: =body.verdict
          rule: =body.rule

      list-models:
        schema: schemas/list-models.json
        sample: samples/list-models.json
        poll:
          # Looked at every time, and kept when it changed; `events` for what happens once.
          of: state
          every: "*/5 * * * *"
          get: /models
          # next: how the next page is had, such as { query: cursor, from: =body.?next }
        each: =body.items
        # What tells one from another.
        id: =item.name
        at: =default(item.?updated_at, received_at)
        # What mappings see, and what the schema describes.
        data:
          name: =item.name
          serving: =item.serving
          updated_at: =item.?updated_at
          children: =item.children
          next: =body.?next

    actions:
      update-model:
        # Say what it does to the model, and how much harm it can do: low, medium or high.
        about: Set serving of what the path names.
        risk: high
        takes:
          model_name: { is: text }
          to: { is: bool }
        before:
          - get: "/models/{model_name}"
            keep: { was_serving: =body.serving }
        already: was_serving == to
        do:
          - patch: "/models/{model_name}"
            body: { serving: =to }
        prove:
          state: { get: "/models/{model_name}", until: body.serving == to, within: 30s }
        ours: body.serving == to
        undo:
          - patch: "/models/{model_name}"
            body: { serving: =was_serving }

    # Not written, and perhaps worth a signal or an action of its own:
    #   POST /models  Register a model
    #   GET /models/{model-name}
    #   DELETE /models/{model-name}  Delete a model\n# for ever: { x }
    #   GET /health
    "#);
    insta::assert_snapshot!(written.connection, @r#"
    In andon.yaml, under `connections:`; the system sends to /v1/signals/acme
      acme: { connector: acme, url: "https://…", token: { env: ACME_TOKEN }, sent_token: { env: ACME_SENT_TOKEN } }
    "#);
    let names: Vec<&str> = written
        .files
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "connectors/acme/connector.yaml",
            "connectors/acme/schemas/model-drifted.json",
            "connectors/acme/samples/model-drifted.json",
            "connectors/acme/samples/model-drifted-2.json",
            "connectors/acme/schemas/model-promoted.json",
            "connectors/acme/samples/model-promoted.json",
            "connectors/acme/schemas/scanned.json",
            "connectors/acme/samples/scanned.json",
            "connectors/acme/schemas/list-models.json",
            "connectors/acme/samples/list-models.json",
            "connectors/acme/samples/list-models-2.json",
            "mappings/acme-model-drifted.yaml"
        ]
    );
}

#[test]
fn an_openapi_document_of_which_nothing_can_be_made_is_refused() {
    for (document, wanted) in [
        (
            json!({ "swagger": "2.0", "paths": {} }),
            "it is not of OpenAPI 3; make it one (converters for Swagger 2 are many), and use that",
        ),
        (
            json!({ "openapi": "3.0.3", "paths": { "/x": { "delete": {} } } }),
            "it describes no webhook, no callback and no list that could be read without an argument",
        ),
        (
            json!({ "openapi": "3.1.0", "webhooks": { "a": { "$ref": "#/webhooks/a" } } }),
            "it describes no webhook, no callback and no list that could be read without an argument",
        ),
    ] {
        let why = write(&of(&[document])).err();
        assert_eq!(
            why,
            Some(format!("no connector can be written from x.json: {wanted}"))
        );
    }
}
