//! Sentinel's table, the stream of its data collection rule and the event that the manifest makes are
//! held together: a key without a column would be lost without a word after a 204.
#![expect(
    clippy::unwrap_used,
    reason = "a test that indexes what is not there has failed, and says where"
)]

use std::collections::BTreeMap;

use andon::catalog::{self, Files};
use andon::diag::{Faults, Source};
use serde_json::Value;

fn file(path: &str) -> Value {
    let files = Files::built_in();
    let file = files
        .get(path)
        .unwrap_or_else(|| panic!("{path} is not built in"));
    serde_json::from_slice(&file.bytes).unwrap()
}

fn columns(list: &Value) -> BTreeMap<String, String> {
    let word = |column: &Value, key: &str| column[key].as_str().unwrap_or_default().to_lowercase();
    list.as_array()
        .unwrap()
        .iter()
        .map(|column| {
            (
                column["name"].as_str().unwrap_or_default().to_owned(),
                word(column, "type"),
            )
        })
        .collect()
}

#[test]
fn table_stream_and_event_have_the_same_columns() {
    let table = columns(&file("connectors/sentinel/table.json")["properties"]["schema"]["columns"]);
    let rule = file("connectors/sentinel/dcr.json");
    let streams = find(&rule, "streamDeclarations").expect("the rule declares a stream");
    let stream = columns(&streams["Custom-Andon_CL"]["columns"]);
    assert_eq!(table, stream);

    let mut faults = Faults::new();
    let config = Source::new("andon.yaml", "andon: config/v1\n");
    let catalog = catalog::load(&Files::built_in(), &config, &mut faults)
        .expect("the built-in files are sound");
    let deliver = catalog.connectors["sentinel"]
        .deliver
        .as_ref()
        .expect("sentinel delivers");
    let event: Vec<&str> = deliver.event.members().map(|(key, _)| key).collect();
    let mut sorted = event.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, table.keys().map(String::as_str).collect::<Vec<_>>());
}

/// Azure's own rules for column names (Azure Monitor, custom logs limits).
#[test]
fn column_names_are_such_as_azure_takes() {
    let reserved = [
        "_ResourceId",
        "id",
        "_SubscriptionId",
        "TenantId",
        "Type",
        "UniqueId",
        "Title",
    ];
    let table = columns(&file("connectors/sentinel/table.json")["properties"]["schema"]["columns"]);
    assert_eq!(
        table.get("TimeGenerated").map(String::as_str),
        Some("datetime")
    );
    for name in table.keys() {
        assert!(
            name.len() <= 45 && name.starts_with(|first: char| first.is_ascii_alphabetic()),
            "{name}"
        );
        assert!(
            name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                && !reserved.contains(&name.as_str()),
            "{name}"
        );
    }
}

fn find<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map
            .get(key)
            .or_else(|| map.values().find_map(|value| find(value, key))),
        Value::Array(items) => items.iter().find_map(|value| find(value, key)),
        _ => None,
    }
}
