//! What becomes of alerts, over the real store and the real files.

mod reply;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::alert::{Alert, ClosedHow, Severity, State};
use crate::catalog::{self, Catalog, Files};
use crate::clock::Clock;
use crate::diag::{Faults, Format, Source, render};
use crate::id::{ActionId, Id};
use crate::signal::{Raw, Signal, SignalName};
use crate::store::{AlertFilter, Expected, Options, RawRef, Standing, StandingKind, Store};
use crate::untrusted::Untrusted;

const CONNECTOR: &str = "
andon: connector/v1
name: rows
about: Rows.
webhook: { accepts: anyone }
signals:
  row:
    schema: row.json
    webhook: {}
    data: =body
actions:
  fix:
    about: Fixes a row.
    takes: { name: { is: text } }
    do:
      - post: /fix
        base: there
        body: { name: =name }
    prove: { state: { get: /fix, base: there, until: status == 200 } }
    echo:
      - { signal: row, of: do, when: signal.name == name }
    limits: { reversible: false }
settings:
  there: { is: url, about: Where. }
";

const SCHEMA: &str = r#"{"type":"object","required":["name","value"],"properties":{"name":{"type":"string"},"value":{"type":"number"},"note":{"type":"string"}},"additionalProperties":false}"#;

const MAPPING: &str = "
andon: mapping/v1
name: rows
about: Rows that are too large.
status: stable
from: rows/row
when: signal.value > 10
alert:
  kind: data-quality
  title: \"{{name}} is too large\"
  severity:
    - critical: signal.value > 100
    - medium: otherwise
  model: { name: =signal.name }
  same_as: [=signal.name]
  measured: { what: value, value: =signal.value, limit: 10 }
  fields: { name: =signal.name, note: =signal.?note }
resolve:
  - when: signal.value < 5
quiet: 1h
contain:
  - action: rows/fix
    with: { name: =signal.name }
tests:
  - it: is one
    signal: { name: a, value: 11 }
    gives: { severity: medium }
";

const NOTED: &str = "
andon: mapping/v1
name: noted
about: Rows that ask to be counted.
status: stable
from: rows/row
when: signal.?note == \"count me\"
alert:
  kind: data-quality
  title: \"{{name}} asks to be counted\"
  severity:
    - low: otherwise
  same_as: [=signal.name]
  fields: { name: =signal.name }
quiet: 1h
tests:
  - it: is one
    signal: { name: a, value: 1, note: count me }
    gives: { severity: low }
";

const CONFIG: &str = "
andon: config/v1
connections:
  here:   { connector: rows, there: \"http://127.0.0.1:9\", reach: loopback }
  log:    { connector: file }
  oncall: { connector: pagerduty, routing_key: { env: NONE } }
routes:
  - to: [log]
  - when: alert.severity >= high
    to: [oncall]
    repeat: 4h
";

struct Desk {
    store: Store,
    clock: Clock,
    catalog: Arc<Catalog>,
    _folder: tempfile::TempDir,
}

impl Desk {
    fn files(config: &str) -> Arc<Catalog> {
        let mut files = Files::built_in();
        files.put(
            "connectors/rows/connector.yaml",
            "connector.yaml",
            CONNECTOR.as_bytes(),
        );
        files.put("connectors/rows/row.json", "row.json", SCHEMA.as_bytes());
        files.put("mappings/rows.yaml", "rows.yaml", MAPPING.as_bytes());
        files.put("mappings/noted.yaml", "noted.yaml", NOTED.as_bytes());
        let mut faults = Faults::new();
        let catalog = catalog::load(&files, &Source::new("andon.yaml", config), &mut faults);
        let said = render(&faults.into_sorted(), Format::Text { color: false });
        Arc::new(catalog.unwrap_or_else(|| panic!("{said}")))
    }

    fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::stopped("2026-11-23T08:00:00Z".parse().unwrap());
        let store = Store::open(
            &folder.path().join("andon.db"),
            clock.clone(),
            Options::default(),
        )
        .unwrap();
        Self {
            store,
            clock,
            catalog: Self::files(CONFIG),
            _folder: folder,
        }
    }

    fn signal(&self, name: &str, value: f64, note: Option<&str>) -> Signal {
        let now = self.clock.now();
        let mut data = json!({ "name": name, "value": value, "at": now, "id": "x" });
        if let Some(note) = note {
            data["note"] = json!(note);
        }
        Signal {
            id: self.store.ids().next(now),
            connection: "here".to_owned(),
            name: SignalName {
                connector: "rows".to_owned(),
                signal: "row".to_owned(),
            },
            vendor_id: data.to_string(),
            at: now,
            received_at: now,
            now,
            change: None,
            echo_of: None,
            data: Untrusted::new(data.into()),
        }
    }

    async fn settle(&self, signal: Signal) -> Vec<crate::id::AlertId> {
        let catalog = Arc::clone(&self.catalog);
        let mut judged = judge(&catalog, signal, &BTreeMap::new(), None);
        self.store
            .write(move |tx| {
                let raw = Raw {
                    body: Untrusted::new(b"{}".to_vec()),
                    headers: Vec::new(),
                    path: None,
                };
                settle(tx, &catalog, &mut judged, Some(RawRef::Own(&raw)))
            })
            .await
            .unwrap()
    }

    async fn say(&self, name: &str, value: f64) -> Alert {
        let ids = self.settle(self.signal(name, value, None)).await;
        self.alert(ids[0]).await
    }

    async fn alert(&self, id: crate::id::AlertId) -> Alert {
        self.store
            .read(move |reader| reader.alert(id))
            .await
            .unwrap()
            .unwrap()
    }

    async fn all(&self) -> Vec<Alert> {
        self.store
            .read(|reader| reader.alerts(&AlertFilter::default(), 100))
            .await
            .unwrap()
    }

    /// The revisions owed to a destination, as `state/severity`.
    async fn owed(&self, destination: &'static str) -> Vec<String> {
        let now = self.clock.now();
        self.store
            .read(move |reader| {
                let due = reader.due(destination, now, 0, 100)?;
                due.ready
                    .iter()
                    .map(|owed| {
                        reader
                            .revision(owed.revision)
                            .map(|alert| format!("{}/{}", alert.state.as_str(), alert.severity))
                    })
                    .collect()
            })
            .await
            .unwrap()
    }

    async fn pass(&self, time: Duration) -> usize {
        self.clock.advance(time);
        let (catalog, now) = (Arc::clone(&self.catalog), self.clock.now());
        self.store
            .write(move |tx| due(tx, &catalog, now))
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_key_has_one_open_alert_that_counts() {
    let desk = Desk::set();
    let first = desk.say("a", 11.0).await;
    let again = desk.say("a", 12.0).await;
    let other = desk.say("b", 11.0).await;
    assert_eq!((again.id, again.count, again.revision), (first.id, 2, 1));
    assert_ne!(other.id, first.id);
    assert_eq!(
        again.measured["value"],
        json!(12.0),
        "what was measured last is shown, without a revision"
    );
    assert_eq!(desk.owed("log").await, ["open/medium", "open/medium"]);
}

#[tokio::test]
async fn severity_rises_and_never_falls_while_open() {
    let desk = Desk::set();
    desk.say("a", 11.0).await;
    let risen = desk.say("a", 101.0).await;
    let after = desk.say("a", 12.0).await;
    assert_eq!(
        (risen.severity, risen.state, risen.revision),
        (Severity::Critical, State::Updated, 2)
    );
    assert_eq!(
        (after.severity, after.revision, after.count),
        (Severity::Critical, 2, 3)
    );
    assert_eq!(
        desk.owed("oncall").await,
        ["updated/critical"],
        "the pager hears when its route first takes it"
    );
}

#[tokio::test]
async fn a_log_hears_of_every_change_and_a_pager_of_what_matters() {
    let desk = Desk::set();
    desk.settle(desk.signal("a", 101.0, None)).await;
    desk.settle(desk.signal("a", 101.0, Some("new words")))
        .await;
    assert_eq!(
        desk.owed("log").await,
        ["open/critical", "updated/critical"]
    );
    assert_eq!(desk.owed("oncall").await, ["open/critical"]);
}

#[tokio::test]
async fn a_resolve_closes_and_the_next_signal_opens_another() {
    let desk = Desk::set();
    let first = desk.say("a", 101.0).await;
    let closed = desk.say("a", 1.0).await;
    assert_eq!((closed.id, closed.state), (first.id, State::Resolved));
    assert_eq!(
        closed.closed.as_ref().map(|closed| closed.how),
        Some(ClosedHow::Recovered)
    );
    let second = desk.say("a", 11.0).await;
    assert_ne!(second.id, first.id);
    assert_eq!(
        desk.owed("oncall").await,
        ["open/critical", "resolved/critical"],
        "who was told hears of the end"
    );
    assert!(
        desk.settle(desk.signal("never", 1.0, None))
            .await
            .is_empty(),
        "a resolve of nothing is nothing"
    );
}

#[tokio::test]
async fn quiet_closes_and_a_further_signal_puts_it_off() {
    let desk = Desk::set();
    let alert = desk.say("a", 11.0).await;
    assert_eq!(desk.pass(Duration::from_secs(3_000)).await, 0);
    desk.say("a", 11.0).await;
    assert_eq!(
        desk.pass(Duration::from_secs(3_000)).await,
        0,
        "it was seen again in between"
    );
    assert_eq!(desk.pass(Duration::from_secs(700)).await, 1);
    let closed = desk.alert(alert.id).await;
    assert_eq!(
        closed.closed.map(|closed| closed.how),
        Some(ClosedHow::Quiet)
    );
}

#[tokio::test]
async fn a_route_with_repeat_says_it_again_and_only_there() {
    let desk = Desk::set();
    desk.say("a", 101.0).await;
    for _ in 0..5 {
        desk.pass(Duration::from_secs(3_000)).await;
        desk.say("a", 101.0).await;
    }
    assert_eq!(desk.owed("log").await, ["open/critical"]);
    assert_eq!(
        desk.owed("oncall").await,
        ["open/critical", "updated/critical"],
        "said again after 4 h"
    );
}

#[tokio::test]
async fn the_echo_of_andons_own_change_is_information() {
    let desk = Desk::set();
    let now = desk.clock.now();
    let action: ActionId = Id::from_raw(7);
    desk.store
        .write(move |tx| {
            tx.expect_echo(&Expected {
                connection: "here".to_owned(),
                name: SignalName {
                    connector: "rows".to_owned(),
                    signal: "row".to_owned(),
                },
                action,
                expected: json!({ "action": "rows/fix", "of": "do", "names": { "name": "a" } }),
                from: now,
                until: now
                    .checked_add(Duration::from_secs(60))
                    .unwrap_or(Timestamp::MAX),
            })
        })
        .await
        .unwrap();
    let other = desk.say("b", 101.0).await;
    assert_eq!(
        (other.caused_by, other.severity),
        (None, Severity::Critical),
        "another row is no echo"
    );
    let own = desk.say("a", 101.0).await;
    assert_eq!(
        (own.caused_by, own.severity),
        (Some(action), Severity::Informational)
    );
    assert!(own.contain.is_empty(), "no containment of a containment");
    assert_eq!(other.contain.len(), 1);
    assert_eq!(
        desk.owed("oncall").await,
        ["open/critical"],
        "nobody is paged for it"
    );
    let second = desk.say("a", 102.0).await;
    assert_eq!(
        (second.severity, second.caused_by),
        (Severity::Critical, None),
        "one call has one echo"
    );
}

#[tokio::test]
async fn a_signal_that_cannot_be_judged_is_kept_stuck_with_its_reason() {
    let desk = Desk::set();
    let mut signal = desk.signal("a", 11.0, None);
    signal.data = Untrusted::new(json!({ "name": "a", "value": "eleven" }).into());
    let id = signal.id;
    assert!(desk.settle(signal).await.is_empty());
    let kept = desk
        .store
        .read(move |reader| reader.signal(id))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.standing, StandingKind::Stuck);
    assert!(
        kept.reason
            .is_some_and(|reason| reason.contains("rows") && !reason.contains("eleven")),
        "the reason names the mapping, never the data"
    );
    assert!(desk.all().await.is_empty());
}

#[tokio::test]
async fn a_signal_that_one_mapping_counts_and_another_cannot_judge_names_its_alert() {
    let desk = Desk::set();
    let mut signal = desk.signal("a", 11.0, None);
    signal.data =
        Untrusted::new(json!({ "name": "a", "value": "eleven", "note": "count me" }).into());
    let id = signal.id;
    let alerts = desk.settle(signal).await;
    assert_eq!(alerts.len(), 1);
    let kept = desk.store.read(move |reader| reader.signal(id)).await;
    let kept = kept.unwrap().unwrap();
    assert_eq!(
        (kept.standing, kept.alerts),
        (StandingKind::Stuck, alerts.clone())
    );
    // What it counts in later is added to that.
    let later = desk.settle(desk.signal("b", 11.0, None)).await;
    let read = later.clone();
    desk.store
        .write(move |tx| tx.settle_signal(id, Standing::Read(&read)))
        .await
        .unwrap();
    let kept = desk.store.read(move |reader| reader.signal(id)).await;
    assert_eq!(kept.unwrap().unwrap().alerts, [alerts, later].concat());
}

#[tokio::test]
async fn links_lead_to_the_record_and_to_each_containment() {
    let desk = Desk::set();
    let alert = desk.say("a", 11.0).await;
    let texts: Vec<&str> = alert.links.iter().map(|link| link.text.as_str()).collect();
    assert_eq!(texts, ["Andon record", "Contain: rows/fix at here"]);
    assert_eq!(
        alert.contain[0].with,
        json!({ "name": "a" }).as_object().unwrap().clone()
    );
    let shown: Value = alert.shown(|_| true);
    assert!(shown.get("told").is_none(), "who was told is Andon's own");
}

#[tokio::test]
async fn a_jump_of_the_time_of_day_makes_no_alert_quiet_early_or_late() {
    for to in ["2031-01-01T00:00:00Z", "2020-01-01T00:00:00Z"] {
        let desk = Desk::set();
        desk.say("a", 11.0).await;
        desk.say("a", 12.0).await;
        desk.clock.jump_to(to.parse().unwrap());
        assert_eq!(desk.pass(Duration::from_secs(1)).await, 0, "{to}");
        assert_eq!(desk.pass(Duration::from_secs(3_598)).await, 0, "{to}");
        assert_eq!(desk.pass(Duration::from_secs(1)).await, 1, "{to}");
        assert_eq!(desk.all().await[0].state, State::Resolved, "{to}");
    }
}
