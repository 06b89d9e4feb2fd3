//! What the daemon under proof reads: a platform whose signals have ids, a log and a pager.

use std::path::Path;

use crate::support::{Outcome, secret};

const PLATFORM: &str = r"andon: connector/v1
name: platform
about: Says what a proof says.
docs: https://example.com
verified: { with: the proofs, how: contract }
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
    - high: signal.severity == "high"
    - low: otherwise
  model: { name: =signal.key }
  same_as: [=signal.key]
  fields: { key: =signal.key, level: =signal.level }
resolve:
  - when: signal.status == "resolved"
tests:
  - it: what is sent is an alert
    signal: { key: k1, status: firing, severity: low, level: 0 }
    gives: { severity: low, title: "k1 fires" }
  - it: resolved closes it
    signal: { key: k1, status: resolved, severity: low, level: 0 }
    gives: resolved
"#;

/// As PagerDuty, without its 120 a minute: thousands of alerts are to be told in a proof.
const PAGER: &str = r"andon: connector/v1
name: pager
about: Keeps how each alert stands.
docs: https://example.com
verified: { with: the proofs, how: contract }
settings:
  url: { is: url, about: where }
deliver:
  of: state
  post: /page
  batch: { framing: single }
  event: { id: =alert.event_id, state: =alert.state, title: =alert.title }
  answers:
    - delivered: status == 202
    - retry: status in [408, 429] || status >= 500
    - refuse: otherwise
";

/// A pager that is told of every alert.
pub const ALL_PAGED: &str = "alert.count > 0";

/// Writes the connectors and the mapping, and gives what stands below the address in `andon.yaml`. `paged`
/// says of which alerts the pager is told.
pub fn write(folder: &Path, log: u16, pager: u16, paged: &str, more: &str) -> Outcome<String> {
    for (path, text) in [
        ("connectors/platform/connector.yaml", PLATFORM),
        ("connectors/platform/schemas/event.json", SCHEMA),
        ("connectors/platform/samples/event.json", SAMPLE),
        ("connectors/pager/connector.yaml", PAGER),
        ("mappings/platform-event.yaml", MAPPING),
    ] {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        std::fs::write(path, text)?;
    }
    secret(folder, "hec", crate::support::HEC_TOKEN)?;
    Ok(format!(
        "{more}connections:\n  local: {{ connector: platform }}\n  \
         log: {{ connector: splunk, url: \"http://127.0.0.1:{log}\", reach: loopback, timeout: 2s, token: {{ file: secrets/hec }} }}\n  \
         pager: {{ connector: pager, url: \"http://127.0.0.1:{pager}\", reach: loopback, timeout: 2s }}\n\
         routes:\n  - to: [log]\n  - when: {paged}\n    to: [pager]\n"
    ))
}
