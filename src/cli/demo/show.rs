//! What a newcomer sees: each arrival as its tool shows it, and a summary that was counted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::bail;
use serde_json::Value;

use super::output;
use super::stage::Stage;
use crate::clock::Clock;
use crate::sandbox::pagerduty::Status;
use crate::untrusted;

/// What arrived so far.
pub(crate) struct Show {
    seen: Seen,
    splunk: usize,
    azure: usize,
    pager: BTreeMap<String, (u64, bool)>,
    clock: Clock,
    contained: u32,
    undone: u32,
}

/// Kinds of alerts by destination.
#[derive(Default)]
pub(crate) struct Seen {
    opened: BTreeMap<&'static str, BTreeSet<String>>,
    resolved: BTreeMap<&'static str, BTreeSet<String>>,
    alerts: BTreeMap<String, String>,
}

const SPLUNK: &str = "Splunk";
const SENTINEL: &str = "Sentinel";
const PAGERDUTY: &str = "PagerDuty";
const ALL: [&str; 3] = [SPLUNK, SENTINEL, PAGERDUTY];

impl Seen {
    /// Whether an alert of this kind has arrived at each destination.
    pub(crate) fn everywhere(&self, kind: &str) -> bool {
        ALL.iter().all(|to| {
            self.opened
                .get(to)
                .is_some_and(|kinds| kinds.contains(kind))
        })
    }

    /// Whether each destination knows that it is over.
    pub(crate) fn resolved_everywhere(&self, kind: &str) -> bool {
        ALL.iter().all(|to| {
            self.resolved
                .get(to)
                .is_some_and(|kinds| kinds.contains(kind))
        })
    }

    fn note(&mut self, to: &'static str, kind: &str, alert: &str, resolved: bool) {
        let list = if resolved {
            &mut self.resolved
        } else {
            &mut self.opened
        };
        list.entry(to).or_default().insert(kind.to_owned());
        self.alerts
            .entry(kind.to_owned())
            .or_insert_with(|| alert.to_owned());
    }
}

impl Show {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            seen: Seen::default(),
            splunk: 0,
            azure: 0,
            pager: BTreeMap::new(),
            clock: Clock::system(),
            contained: 0,
            undone: 0,
        }
    }

    /// What runs where.
    pub(crate) fn opening(stage: &Stage) {
        output::line(&format!(
            "Andon runs on http://{}, with real delivery to stand-ins on this machine:",
            stage.address()
        ));
        output::line(&format!(
            "   model side   MLflow {}   Feast {}   folders for Evidently and Inspect",
            stage.registry.url(),
            stage.features.url()
        ));
        output::line(&format!(
            "   SOC side     Splunk HEC {}   Azure Logs Ingestion {}   PagerDuty {}",
            stage.splunk.url(),
            stage.azure.url(),
            stage.pager.url()
        ));
    }

    /// A signal that was sent.
    pub(crate) fn signal(&self, from: &str, what: &str) {
        output::line(&format!("   {}  {from:<10} {what}", self.stamp()));
    }

    /// Shows what arrives until `enough` is true.
    pub(crate) async fn until(
        &mut self,
        stage: &Stage,
        within: Duration,
        enough: impl Fn(&Seen) -> bool,
    ) -> anyhow::Result<()> {
        let end = self.clock.steady() + within;
        loop {
            self.look(stage);
            if enough(&self.seen) {
                return Ok(());
            }
            if self.clock.steady() > end {
                bail!("not everything arrived within {} s", within.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Shows what is still on its way.
    pub(crate) async fn settle(&mut self, stage: &Stage) {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(25)).await;
            self.look(stage);
        }
    }

    /// The alert of a kind.
    pub(crate) fn alert_of(&self, kind: &str) -> Option<String> {
        self.seen.alerts.get(kind).cloned()
    }

    /// How an action stands.
    pub(crate) fn action(&mut self, what: &str, action: &Value, stage: &Stage) {
        let word = |key: &str| action.get(key).and_then(Value::as_str).unwrap_or("-");
        match what {
            "undone" => self.undone += u32::from(word("state") == "reverted"),
            _ => self.contained += u32::from(word("state") == "succeeded"),
        }
        output::line(&format!(
            "   {}  {} {}  state={} effect={}",
            self.stamp(),
            what,
            clean(word("action"), 40),
            word("state"),
            word("effect")
        ));
        output::line(&format!("                {}", clean(word("message"), 140)));
        let champion = stage.champion().map_or_else(
            || "nothing".to_owned(),
            |version| format!("version {version}"),
        );
        output::line(&format!(
            "                the registry now serves {champion} as champion"
        ));
    }

    /// What was counted.
    pub(crate) fn summary(&self, stage: &Stage) {
        let incidents = stage.pager.recorded().incidents();
        let resolved = incidents
            .iter()
            .filter(|incident| incident.status == Status::Resolved)
            .count();
        let signed = stage
            .registry
            .recorded()
            .deliveries()
            .iter()
            .filter(|delivery| delivery.status == Some(202))
            .count();
        output::line("\nCounted at the receivers:\n");
        output::line(&format!(
            "   {signed} signed webhooks answered 202 once they were on disk; {} polls of the feature registry",
            stage.features.recorded().asked()
        ));
        output::line(&format!(
            "   Splunk     {} events",
            stage.splunk.recorded().count()
        ));
        output::line(&format!(
            "   Sentinel   {} rows in Andon_CL",
            stage.azure.recorded().count()
        ));
        output::line(&format!(
            "   PagerDuty  {} incidents, {resolved} of them resolved",
            incidents.len()
        ));
        output::line(&format!(
            "   {} containment proven, {} undone when its time was up, no page for Andon's own change",
            self.contained, self.undone
        ));
        output::line(
            "\nNext: `andon run` listens here without any account; README.md has the five-minute path to your own MLflow and Splunk.",
        );
    }

    fn look(&mut self, stage: &Stage) {
        for event in stage
            .splunk
            .recorded()
            .events()
            .into_iter()
            .skip(self.splunk)
        {
            self.splunk += 1;
            self.splunk_event(&event.event, &event.sourcetype);
        }
        for row in stage.azure.recorded().rows().into_iter().skip(self.azure) {
            self.azure += 1;
            self.sentinel_row(&row.columns);
        }
        for incident in stage.pager.recorded().incidents() {
            let over = incident.status == Status::Resolved;
            let now = (incident.triggers, over);
            if self.pager.get(&incident.dedup_key) == Some(&now) {
                continue;
            }
            self.pager.insert(incident.dedup_key.clone(), now);
            self.page(&incident.event, &incident.dedup_key, over);
        }
    }

    fn splunk_event(&mut self, event: &Value, sourcetype: &str) {
        let text = |pointer: &str| {
            event
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let kind = text("/finding_info/analytic/category");
        let resolved = event.get("activity_id").and_then(Value::as_u64) == Some(3);
        self.seen
            .note(SPLUNK, kind, text("/finding_info/uid"), resolved);
        let number = |key: &str| event.get(key).map(Value::to_string).unwrap_or_default();
        output::line(&format!(
            "   {}  {SPLUNK:<10} sourcetype={sourcetype} class_uid={} activity_id={} severity_id={} finding_info.title=\"{}\"",
            self.stamp(),
            number("class_uid"),
            number("activity_id"),
            number("severity_id"),
            clean(text("/finding_info/title"), 70),
        ));
    }

    fn sentinel_row(&mut self, row: &serde_json::Map<String, Value>) {
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
        self.seen.note(
            SENTINEL,
            text("Kind"),
            text("AlertId"),
            text("State") == "resolved",
        );
        output::line(&format!(
            "   {}  {SENTINEL:<10} Andon_CL State={} EventSeverity={} Kind={} AlertTitle=\"{}\"",
            self.stamp(),
            clean(text("State"), 12),
            clean(text("EventSeverity"), 14),
            clean(text("Kind"), 24),
            clean(text("AlertTitle"), 70),
        ));
    }

    fn page(&mut self, event: &Value, dedup_key: &str, over: bool) {
        let text = |pointer: &str| {
            event
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let known = self
            .seen
            .alerts
            .iter()
            .find(|(_, alert)| alert.as_str() == dedup_key)
            .map(|(kind, _)| kind.clone());
        let kind = match text("/payload/class") {
            "" => known.unwrap_or_default(),
            class => class.to_owned(),
        };
        self.seen.note(PAGERDUTY, &kind, dedup_key, over);
        let shown = if over {
            "resolve".to_owned()
        } else {
            format!(
                "trigger severity={} summary=\"{}\"",
                clean(text("/payload/severity"), 12),
                clean(text("/payload/summary"), 70)
            )
        };
        output::line(&format!(
            "   {}  {PAGERDUTY:<10} dedup_key={} event_action={shown}",
            self.stamp(),
            clean(dedup_key, 24)
        ));
    }

    fn stamp(&self) -> String {
        format!("{:6.2} s", self.clock.steady().as_secs_f64())
    }
}

fn clean(text: &str, at_most: usize) -> String {
    untrusted::log(text, at_most)
}
