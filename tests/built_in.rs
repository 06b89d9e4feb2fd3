//! What is built in holds together: samples, schemas, links, and the tests of every mapping.

use andon::catalog::{Catalog, Files, captured, load, run_cases};
use andon::diag::{Faults, Format, Source, render};
use andon::mapping::Outcome;
use andon::signal::SignalName;

fn built_in() -> (Files, Catalog) {
    let files = Files::built_in();
    let mut faults = Faults::new();
    let config = Source::new("andon.yaml", "andon: config/v1\n");
    let catalog = load(&files, &config, &mut faults);
    let said = render(&faults.into_sorted(), Format::Text { color: false });
    (files, catalog.unwrap_or_else(|| panic!("{said}")))
}

#[test]
fn every_test_of_every_mapping_passes() {
    let (files, catalog) = built_in();
    let mut wrong = Vec::new();
    let mut ran = 0;
    for mapping in catalog.mappings.values() {
        for test in run_cases(&catalog, mapping, &files) {
            ran += 1;
            if let Outcome::Failed(failure) = test.outcome {
                wrong.push(format!("{}: {}: {failure}", mapping.name, test.case.it));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(ran >= 60, "{ran} tests");
}

#[test]
fn every_sample_is_a_signal_that_fits_its_schema() {
    let (files, catalog) = built_in();
    let read_at = "2026-11-23T10:00:00Z".parse().expect("a time");
    let mut wrong = Vec::new();
    for connector in catalog.connectors.values() {
        for rule in &connector.signals {
            let name = SignalName {
                connector: connector.name.clone(),
                signal: rule.name.clone(),
            };
            let Some(sample) = &rule.sample else {
                wrong.push(format!("{name}: no sample"));
                continue;
            };
            match captured(&catalog, &name, sample, &files, read_at) {
                Ok(signals) if signals.is_empty() => {
                    wrong.push(format!("{name}: {sample} gives none"));
                }
                Ok(signals) => {
                    for signal in signals {
                        if let Some(link) = &rule.link
                            && link.path(signal.data.as_data().root()).is_none()
                        {
                            wrong.push(format!("{name}: no link for {}", signal.vendor_id));
                        }
                    }
                }
                Err(reason) => wrong.push(format!("{name}: {reason}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_sample_or_schema_lies_about_unused() {
    let (files, catalog) = built_in();
    for connector in catalog.connectors.values() {
        let named: Vec<&str> = connector
            .signals
            .iter()
            .flat_map(|rule| {
                rule.sample
                    .as_deref()
                    .into_iter()
                    .chain([rule.schema_file.as_str()])
            })
            .collect();
        let cases: Vec<String> = catalog
            .mappings
            .values()
            .filter(|mapping| mapping.from.connector == connector.name)
            .flat_map(|mapping| mapping.cases.iter().map(|case| format!("{:?}", case.given)))
            .collect();
        for path in files.beside(&connector.name).keys() {
            let kept = path.starts_with("samples/") || path.starts_with("schemas/");
            let used = named.contains(&path.as_str())
                || path.starts_with("samples/") && path.to_ascii_lowercase().ends_with(".json");
            assert!(
                !kept || used || cases.iter().any(|case| case.contains(path.as_str())),
                "{}/{path}",
                connector.name
            );
        }
    }
}
