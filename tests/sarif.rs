//! What `andon check --format sarif` writes, held against the official JSON Schema of SARIF 2.1.0.
#![expect(
    clippy::indexing_slicing,
    reason = "a test that indexes what is not there has failed, and says where"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test of the whole waits by the machine's clock"
)]

mod support;

use std::fs;
use std::process::Command;

use andon::diag::{Code, Faults, Format, Place, Source, Span, pages, render};
use serde_json::Value;
use support::Outcome;

/// Where a log breaks the schema; nothing where it does not.
fn broken(log: &Value) -> Outcome<Vec<String>> {
    let schema = fs::read_to_string("tests/data/sarif/sarif-2.1.0-rtm.5.json")?;
    let mut schema: Value = serde_json::from_str(&schema)?;
    // Two patterns end in a bracket that opens nowhere, which not every engine reads. Andon writes no `language`.
    for object in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][object]["properties"]["language"];
        let pattern = language.as_object_mut().and_then(|of| of.remove("pattern"));
        assert!(pattern.is_some(), "{object}");
    }
    let schema = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)?;
    let faults = schema.iter_errors(log);
    Ok(faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect())
}

#[test]
fn every_code_at_any_place_is_told_as_the_standard_says() -> Outcome<()> {
    let sources = [
        Source::new("mappings/ä b#1?.yaml", "# é\nwhen: 1\r\n"),
        Source::new("/etc/andon/andon.yaml", ""),
        Source::new("built-in:connectors/mlflow/connector.yaml", "name: 🚨\n"),
        Source::new("c:\\andon\\andon.yaml", "a: b"),
        Source::new("", "a"),
    ];
    let mut faults = Faults::new();
    for (index, code) in pages::all().enumerate() {
        for (number, source) in sources.iter().enumerate() {
            let end = source.text.len();
            let start = (index + number) % (end + 1);
            let place = Place::new(source, Span::new(start, end));
            if index % 2 == 0 {
                faults.error(Code(code), place, "a `fault` with \u{1b} and \u{202e}");
            } else {
                faults
                    .warning(Code(code), place, "")
                    .help("write {0} instead");
            }
        }
    }
    let sorted = faults.into_sorted();
    assert!(sorted.len() > 500, "{}", sorted.len());
    let log = serde_json::from_str(&render(&sorted, Format::Sarif))?;
    assert_eq!(broken(&log)?, Vec::<String>::new());
    let none = serde_json::from_str(&render(&[], Format::Sarif))?;
    assert_eq!(broken(&none)?, Vec::<String>::new());
    Ok(())
}

#[test]
fn the_schema_is_read_and_refuses_what_is_none() -> Outcome<()> {
    let mut log: Value = serde_json::from_str(&render(&[], Format::Sarif))?;
    log["version"] = "2.2".into();
    log["runs"] = serde_json::json!([{ "results": [{ "ruleId": 7 }] }]);
    let broken = broken(&log)?;
    assert_eq!(broken.len(), 4, "{broken:?}");
    Ok(())
}

#[test]
fn the_real_binary_writes_it_with_relative_files() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join("mappings"))?;
    fs::write(
        folder.path().join("mappings/ü.yaml"),
        "andon: mapping/v1\nname: x\n",
    )?;
    fs::write(
        folder.path().join("andon.yaml"),
        "andon: config/v1\nlisten: nowhere\n",
    )?;
    let out = Command::new(env!("CARGO_BIN_EXE_andon"))
        .args(["check", "--format", "sarif"])
        .current_dir(folder.path())
        .output()?;
    assert_eq!(out.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&out.stdout)?;
    assert_eq!(broken(&log)?, Vec::<String>::new());
    let results = log["runs"][0]["results"].as_array().ok_or("no results")?;
    let uri = |result: &Value| {
        let location = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        location["uri"].as_str().unwrap_or_default().to_owned()
    };
    let mut uris: Vec<String> = results.iter().map(uri).collect();
    uris.dedup();
    assert_eq!(uris, ["andon.yaml", "mappings/%C3%BC.yaml"]);
    Ok(())
}
