use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::action::ActionId;
use crate::alert::{AlertId, Closed, Link, Offer, Origin, Said};
use crate::kind::Technique;
use crate::signal::SignalId;

fn schema() -> jsonschema::Validator {
    let text = include_str!("../../tests/data/ocsf/2004-detection_finding.schema.json");
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

fn drift() -> Kind {
    Kind {
        name: "feature-drift".to_owned(),
        title: "Feature drift".to_owned(),
        analytic: 3,
        types: vec!["Data Drift".to_owned()],
        atlas: vec![
            Technique {
                uid: "AML.T0020".to_owned(),
                name: "Poison Training Data".to_owned(),
            },
            Technique {
                uid: "AML.T0011.000".to_owned(),
                name: "Unsafe AI Artifacts".to_owned(),
            },
        ],
        owasp: vec!["LLM04".to_owned()],
        advice: "Compare the feature with its reference.".to_owned(),
    }
}

fn product() -> Product {
    Product {
        version: "0.1.0".to_owned(),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn income() -> Alert {
    Alert {
        id: AlertId::from_raw(1_852_000_000_000_000_000),
        revision: 1,
        state: State::Open,
        mapping: "evidently-column-drift".to_owned(),
        key: "evidently-column-drift/loans/income".to_owned(),
        kind: "feature-drift".to_owned(),
        severity: Severity::High,
        title: "income of loans has drifted from its reference".to_owned(),
        summary: "The distance is 0.52, the limit 0.1.".to_owned(),
        at: "2026-11-23T08:00:00Z".parse().unwrap(),
        revised_at: "2026-11-23T08:00:02.5Z".parse().unwrap(),
        first_seen: "2026-11-23T08:00:00Z".parse().unwrap(),
        last_seen: "2026-11-23T08:00:01Z".parse().unwrap(),
        count: 3,
        model: object(json!({
            "name": "loan-scorer", "version": 7, "uri": "mlflow://registry/loan-scorer/7",
            "environment": "production", "owner": "risk-ml", "stage": "Production",
        })),
        measured: object(json!({ "what": "psi", "value": 0.52, "limit": 0.1 })),
        fields: object(json!({ "dataset": "loans", "column": "income" })),
        evidence: object(json!({ "report": "reports/loans/1.json" })),
        links: vec![Link {
            text: "Report".to_owned(),
            href: "https://ml.example.com/1".to_owned(),
        }],
        contain: vec![Offer {
            action: "mlflow/move-alias".to_owned(),
            at: "registry".to_owned(),
            about: "Point a model's alias at another version.".to_owned(),
            with: object(json!({ "model": "loan-scorer" })),
            ask: vec!["version".to_owned()],
            href: "https://andon.example.com/v1/actions".to_owned(),
        }],
        origin: Origin {
            connection: "reports".to_owned(),
            connector: "evidently".to_owned(),
            host: "ml.example.com".to_owned(),
        },
        signal: SignalId::from_raw(7),
        closed: None,
        acknowledged: None,
        notes: Vec::new(),
        told: Vec::new(),
        caused_by: None,
    }
}

fn said() -> Said {
    Said {
        by: "ana".to_owned(),
        at: "2026-11-23T09:00:00Z".parse().unwrap(),
        text: "Mine.".to_owned(),
    }
}

fn closed(how: ClosedHow) -> Closed {
    Closed {
        at: "2026-11-23T10:00:00Z".parse().unwrap(),
        how,
        by: None,
    }
}

fn made(alert: &Alert, kind: &Kind) -> Value {
    finding(alert, kind, &product()).to_json()
}

/// The schema, and the rules that it does not check.
fn assert_valid(validator: &jsonschema::Validator, event: &Value) {
    let faults: Vec<String> = validator
        .iter_errors(event)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    let whole = |key: &str| event[key].as_i64().unwrap();
    assert_eq!(
        whole("type_uid"),
        whole("class_uid") * 100 + whole("activity_id")
    );
    for key in ["time", "start_time", "end_time"] {
        assert!(event[key].is_i64(), "{key} is in whole milliseconds");
    }
    let none = Vec::new();
    for evidence in event["evidences"].as_array().unwrap_or(&none) {
        assert!(
            ["data", "api", "file"]
                .iter()
                .any(|key| evidence.get(key).is_some())
        );
    }
    assert_eq!(event["metadata"].get("profiles"), None);
    for profiled in ["ai_model", "verdict_id", "cloud", "actor", "assignee"] {
        assert_eq!(event.get(profiled), None);
    }
}

#[test]
fn a_drift_alert_is_this_finding() {
    let event = made(&income(), &drift());
    assert_valid(&schema(), &event);
    insta::assert_snapshot!(serde_json::to_string_pretty(&event).unwrap());
}

#[test]
fn activity_and_status_follow_the_life_of_an_alert() {
    let acknowledged = |mut alert: Alert| {
        alert.acknowledged = Some(said());
        alert
    };
    let revised = |state, revision| Alert {
        revision,
        state,
        ..income()
    };
    let over = |how| Alert {
        closed: Some(closed(how)),
        ..revised(State::Resolved, 4)
    };
    let table = [
        (income(), 1, 1),
        (acknowledged(income()), 1, 2),
        (revised(State::Updated, 2), 2, 2),
        (revised(State::Open, 2), 2, 2),
        (over(ClosedHow::Recovered), 3, 4),
        (over(ClosedHow::Quiet), 3, 4),
        (over(ClosedHow::Resolved), 3, 4),
        (over(ClosedHow::FalsePositive), 3, 3),
        (over(ClosedHow::Retired), 3, 4),
        (revised(State::Resolved, 1), 3, 4),
    ];
    let schema = schema();
    for (alert, activity, status) in table {
        let event = made(&alert, &drift());
        assert_valid(&schema, &event);
        assert_eq!(
            (event["activity_id"].as_i64(), event["status_id"].as_i64()),
            (Some(activity), Some(status))
        );
    }
}

#[test]
fn the_finding_keeps_its_uid_and_the_event_has_its_own() {
    let second = Alert {
        revision: 2,
        state: State::Updated,
        ..income()
    };
    let first = made(&income(), &drift());
    let second = made(&second, &drift());
    assert_eq!(first["finding_info"]["uid"], second["finding_info"]["uid"]);
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
}

#[test]
fn an_alert_without_a_model_or_measure_is_still_valid() {
    let bare = Alert {
        model: Map::new(),
        measured: Map::new(),
        evidence: Map::new(),
        links: Vec::new(),
        contain: Vec::new(),
        summary: String::new(),
        ..income()
    };
    let kind = Kind {
        atlas: Vec::new(),
        owasp: Vec::new(),
        types: Vec::new(),
        ..drift()
    };
    let event = made(&bare, &kind);
    assert_valid(&schema(), &event);
    assert_eq!(event.get("resources"), None);
    assert_eq!(event.get("anomaly_analyses"), None);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn any_map(keys: &'static [&'static str]) -> impl Strategy<Value = Map<String, Value>> {
    let key = prop_oneof![
        prop::sample::select(keys).prop_map(str::to_owned),
        any::<String>()
    ];
    prop::collection::vec((key, any_json()), 0..6).prop_map(|pairs| pairs.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Door 3: whatever the values hold, the event is valid and each text is one leaf.
    #[test]
    fn any_values_give_a_valid_finding(
        model in any_map(&["name", "uri", "uid", "version", "owner", "environment", "type"]),
        measured in any_map(&["what", "value", "limit"]),
        fields in any_map(&["a"]),
        evidence in any_map(&["report"]),
        title in any::<String>(),
        state in prop::sample::select(vec![State::Open, State::Updated, State::Resolved]),
        severity in prop::sample::select(Severity::ALL.to_vec()),
        revision in 1_u32..9,
        count in 1_u64..u64::from(u32::MAX),
        caused in any::<bool>(),
    ) {
        thread_local! {
            static SCHEMA: jsonschema::Validator = schema();
        }
        let alert = Alert {
            model, measured, fields: fields.clone(), evidence, title: title.clone(), state, severity, revision, count,
            notes: vec![said()],
            caused_by: caused.then(|| ActionId::from_raw(3)),
            ..income()
        };
        let event = made(&alert, &drift());
        SCHEMA.with(|schema| assert_valid(schema, &event));
        let parsed: Value = serde_json::from_str(&event.to_string()).unwrap();
        prop_assert_eq!(parsed["message"].as_str(), Some(title.as_str()));
        prop_assert_eq!(event["unmapped"]["fields"].as_object(), Some(&fields));
    }
}
