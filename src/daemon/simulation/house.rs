//! The files of the simulated Andon: a platform that says what it is told to, and three destinations.

use std::path::Path;
use std::sync::Arc;

use super::world::World;
use crate::catalog::{self, Files};
use crate::clock::Clock;
use crate::diag::{Faults, Source};
use crate::live::Snapshot;
use crate::web;

const PLATFORM: &str = r"andon: connector/v1
name: platform
about: Says what a seed says.
docs: https://example.com
verified: { with: the simulation, how: contract }
webhook:
  accepts: anyone
  unmatched: keep
signals:
  event:
    schema: schemas/event.json
    sample: samples/event.json
    webhook:
      only_if: size(body) > 0
    id: =body.id
    data: =body
";

const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "platform/event",
  "type": "object",
  "required": ["key", "status", "severity", "level"],
  "properties": {
    "key": { "type": "string" },
    "status": { "type": "string" },
    "severity": { "type": "string" },
    "level": { "type": "integer" }
  }
}"#;

const SAMPLE: &str =
    r#"{ "id": "s0", "key": "k0", "status": "firing", "severity": "low", "level": 0 }"#;

const MAPPING: &str = r#"andon: mapping/v1
name: platform-event
about: What the platform says.
status: stable
from: platform/event
when: signal.status != "resolved"
alert:
  kind: platform-alert
  title: "{{key}} fires"
  severity:
    - critical: signal.severity == "critical"
    - high: signal.severity == "high"
    - low: otherwise
  model: { name: =signal.key }
  same_as: [=signal.key]
  fields: { key: =signal.key, level: =signal.level }
resolve:
  - when: signal.status == "resolved"
quiet: 45s
tests:
  - it: what is sent is an alert
    signal: { key: k1, status: firing, severity: low, level: 0 }
    gives: { severity: low, title: "k1 fires" }
  - it: resolved closes it
    signal: { key: k1, status: resolved, severity: low, level: 0 }
    gives: resolved
"#;

const BULK: &str = r"andon: connector/v1
name: bulk
about: A bulk API that answers for each item.
docs: https://example.com
verified: { with: the simulation, how: contract }
settings:
  url: { is: url, about: where }
deliver:
  of: every
  post: /_bulk
  batch: { framing: newline, events: 10, wait: 5ms }
  event: { lines: [ { create: { _id: =alert.event_id } }, { title: =alert.title, level: =alert.fields.level, count: =alert.count } ] }
  answers:
    - when: status == 200
      each: =body.items
      answers:
        - delivered: item.s == 200
        - retry: item.s == 503
        - refuse: otherwise
    - retry: otherwise
";

const CONFIG: &str = r"andon: config/v1
listen: 127.0.0.1:7373
public_url: http://127.0.0.1:7373
store: andon.db
connections:
  local: { connector: platform }
  soc: { connector: splunk, url: https://soc.example.com, token: { file: secret } }
  bulk: { connector: bulk, url: https://bulk.example.com }
  oncall: { connector: pagerduty, url: https://pager.example.com, routing_key: { file: secret } }
routes:
  - to: [soc, bulk, oncall]
";

/// The configuration in force; made once, because a run takes less time than checking all files.
pub(super) fn snapshot(folder: &Path, clock: &Clock, world: &World) -> Arc<Snapshot> {
    std::fs::write(folder.join("secret"), "0123456789abcdef0123456789abcdef").unwrap();
    let mut files = Files::built_in();
    for (path, text) in [
        ("connectors/platform/connector.yaml", PLATFORM),
        ("connectors/platform/schemas/event.json", SCHEMA),
        ("connectors/platform/samples/event.json", SAMPLE),
        ("connectors/bulk/connector.yaml", BULK),
        ("mappings/platform-event.yaml", MAPPING),
    ] {
        files.put(path, path, text.as_bytes());
    }
    let mut faults = Faults::new();
    let catalog = catalog::load(&files, &Source::new("andon.yaml", CONFIG), &mut faults);
    let Some(catalog) = catalog else {
        panic!("{:#?}", faults.into_sorted());
    };
    let client = web::Client::scripted(clock.clone(), world.script());
    Arc::new(Snapshot::new(catalog, folder, &client, clock.clone()).unwrap())
}
