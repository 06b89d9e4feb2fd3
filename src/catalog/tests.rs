//! What a folder adds to what is built in, and what it replaces by name.

use super::{Catalog, Files, load};
use crate::diag::{Faults, Format, Source, render};

/// What is built in, under the files of a folder.
fn over(files: &[(&str, &str)]) -> Result<Catalog, String> {
    let mut folder = Files::new();
    for (path, text) in files {
        folder.put(path, &format!("soc/{path}"), text.as_bytes());
    }
    let mut all = Files::built_in();
    all.overlay(folder);
    let mut faults = Faults::new();
    let catalog = load(
        &all,
        &Source::new("andon.yaml", "andon: config/v1\n"),
        &mut faults,
    );
    catalog.ok_or_else(|| render(&faults.into_sorted(), Format::Text { color: false }))
}

fn built_in() -> Catalog {
    over(&[]).unwrap_or_else(|said| panic!("{said}"))
}

const GENERIC: &str = "andon: connector/v1\nname: generic\nabout: Ours.\nwebhook: { accepts: anyone }\n\
    signals:\n  event:\n    schema: schemas/event.json\n    webhook: {}\n    data: =body\n";
const ANY: &str =
    r#"{ "type": "object", "properties": { "key": { "type": "string" } }, "required": ["key"] }"#;
const MAPPING: &str = "andon: mapping/v1\nname: generic-event\nabout: Ours.\nstatus: draft\nfrom: generic/event\n\
    when: signal.?key == \"x\"\nalert: { kind: platform-alert, title: It, severity: low, same_as: [\"=signal.?key\"] }\nquiet: 1h\n";

#[test]
fn a_connector_of_a_name_that_is_built_in_replaces_its_whole_folder() {
    let files = [
        ("connectors/generic/connector.yaml", GENERIC),
        ("connectors/generic/schemas/event.json", ANY),
        ("mappings/generic-event.yaml", MAPPING),
    ];
    let catalog = over(&files).unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(catalog.connectors.len(), built_in().connectors.len());
    assert_eq!(catalog.connectors["generic"].about, "Ours.");
    // The schema that is built in is not found in its place.
    let [manifest, _, mapping] = files;
    let said = over(&[manifest, mapping]).unwrap_err();
    assert!(
        said.contains("soc/connectors/generic/connector.yaml:7:13"),
        "{said}"
    );
}

#[test]
fn a_connector_of_another_name_is_added() {
    let manifest = GENERIC.replace("name: generic", "name: ours");
    let catalog = over(&[
        ("connectors/ours/connector.yaml", &manifest),
        ("connectors/ours/schemas/event.json", ANY),
    ])
    .unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(catalog.connectors.len(), built_in().connectors.len() + 1);
    assert_ne!(catalog.connectors["generic"].about, "Ours.");
}

#[test]
fn a_mapping_replaces_one_of_its_name_and_is_added_otherwise() {
    let usual = built_in();
    let replaced = over(&[("mappings/generic-event.yaml", MAPPING)]).unwrap();
    assert_eq!(replaced.mappings.len(), usual.mappings.len());
    assert_eq!(replaced.mappings["generic-event"].about, "Ours.");
    let event = &usual.mappings["generic-event"].from;
    assert_eq!(usual.mappings_for(event).len(), 1);
    assert_eq!(
        replaced.mappings_for(event).len(),
        0,
        "a draft is never evaluated"
    );
    let other = MAPPING.replace("generic-event", "ours");
    let added = over(&[("mappings/ours.yaml", &other)]).unwrap();
    assert_eq!(added.mappings.len(), usual.mappings.len() + 1);
}

#[test]
fn a_template_replaces_one_of_its_name_and_no_other() {
    let path = "templates/pagerduty/summary.hbs";
    assert!(Files::built_in().get(path).is_some());
    let said = over(&[(path, "{{no_such_name}}")]).unwrap_err();
    assert!(
        said.contains("soc/templates/pagerduty/summary.hbs:1:3"),
        "{said}"
    );
    assert!(over(&[(path, "{{title}} of ours")]).is_ok());
    assert!(over(&[("templates/ours/part.hbs", "{{title}}")]).is_ok());
}

const KINDS: &str = "andon: kinds/v1\nkinds:\n  - { name: ours, title: Ours, advice: Look. }\n  - { name: feature-drift, title: Drift of ours, analytic: rule, advice: Look. }\n";

#[test]
fn a_kind_replaces_one_of_its_name_and_is_added_otherwise() {
    let usual = built_in();
    let catalog = over(&[("kinds.yaml", KINDS)]).unwrap_or_else(|said| panic!("{said}"));
    assert_eq!(catalog.kinds.len(), usual.kinds.len() + 1);
    assert_eq!(catalog.kinds["ours"].title, "Ours");
    assert_eq!(catalog.kinds["feature-drift"].title, "Drift of ours");
    assert_eq!(catalog.kinds["jailbreak"], usual.kinds["jailbreak"]);
    assert_ne!(catalog.hash, usual.hash);
    // Mappings that are built in speak of the kind that replaced theirs; new ones of the one that was added.
    let drift = &catalog.mappings["evidently-column-drift"].alert.kind;
    assert_eq!(drift.title, "Drift of ours");
    let mapping = MAPPING.replace("platform-alert", "ours");
    let both = [
        ("kinds.yaml", KINDS),
        ("mappings/generic-event.yaml", &mapping),
    ];
    assert!(over(&both).is_ok());
}

#[test]
fn a_fault_in_kinds_that_were_added_is_told_once_and_in_their_file() {
    let faulty = KINDS.replace("analytic: rule", "analytic: rules");
    insta::assert_snapshot!(over(&[("kinds.yaml", &faulty)]).unwrap_err(), @r"
    error[AND0126]: `rules` is no kind of analytic
     --> soc/kinds.yaml:4:60
      |
    4 |   - { name: feature-drift, title: Drift of ours, analytic: rules, advice: Look. }
      |                                                            ^^^^^
      = help: write rule, behavioral, statistical, learning or fingerprinting
    ");
}

#[test]
fn what_is_built_in_has_no_fault() {
    let mut faults = Faults::new();
    let config = Source::new("andon.yaml", "andon: config/v1\n");
    let catalog = load(&Files::built_in(), &config, &mut faults);
    let sorted = faults.into_sorted();
    assert_eq!(render(&sorted, Format::Text { color: false }), "");
    assert!(catalog.is_some_and(|catalog| catalog.mappings.len() >= 18));
}
