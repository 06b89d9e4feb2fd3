//! What is counted, for `/metrics` and for `andon status`. Numbers only: no payload, no name from outside.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The counters of a running daemon.
#[derive(Debug)]
pub struct Meters {
    registry: Registry,
    /// Signals kept, by connection and by what became of them: read, waiting, stuck, repeat, unmatched.
    pub signals: Family<SignalLabels, Counter>,
    /// Requests refused at the door, by connection and status.
    pub refused: Family<RefusedLabels, Counter>,
    /// Mappings evaluated, by mapping and outcome: open, close, nothing, stuck, shadow.
    pub judged: Family<JudgedLabels, Counter>,
    /// Alert revisions made, by kind of revision.
    pub revisions: Family<RevisionLabels, Counter>,
    /// Events by destination and verdict.
    pub deliveries: Family<DeliveryLabels, Counter>,
    /// Events that wait, by destination; set when shown.
    pub waiting: Family<DestinationLabels, Gauge>,
    /// 1 for a destination that gets nothing but a probe a minute, else 0; set when shown.
    pub stopped: Family<DestinationLabels, Gauge>,
    /// From the making of a revision to its delivery, in seconds.
    pub delivery_seconds: Histogram,
    /// Actions by name and end state.
    pub actions: Family<ActionLabels, Counter>,
    /// What the sender says it left out (`lost:`), by connection.
    pub lost: Family<ConnectionLabels, Counter>,
}

/// Labels of [`Meters::signals`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SignalLabels {
    /// The connection.
    pub connection: String,
    /// What became of it.
    pub outcome: &'static str,
}

/// Labels of [`Meters::refused`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefusedLabels {
    /// The connection.
    pub connection: String,
    /// The status answered.
    pub status: u16,
}

/// Labels of [`Meters::judged`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct JudgedLabels {
    /// The mapping.
    pub mapping: String,
    /// What it said.
    pub outcome: &'static str,
}

/// Labels of [`Meters::revisions`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RevisionLabels {
    /// opened, severity, changed, resolved, repeated.
    pub why: &'static str,
}

/// Labels of [`Meters::deliveries`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DeliveryLabels {
    /// The destination.
    pub destination: String,
    /// delivered, retry, split, refuse, stop …
    pub verdict: &'static str,
}

/// A destination alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DestinationLabels {
    /// The destination.
    pub destination: String,
}

/// A connection alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ConnectionLabels {
    /// The connection.
    pub connection: String,
}

/// Labels of [`Meters::actions`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ActionLabels {
    /// `connector/verb`.
    pub action: String,
    /// Its state.
    pub state: &'static str,
}

impl Default for Meters {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("andon");
        let signals = Family::default();
        registry.register("signals", "Signals by what became of them", signals.clone());
        let refused = Family::default();
        registry.register(
            "requests_refused",
            "Requests refused at the door",
            refused.clone(),
        );
        let judged = Family::default();
        registry.register("judgements", "Mappings evaluated", judged.clone());
        let revisions = Family::default();
        registry.register(
            "alert_revisions",
            "Revisions made of alerts",
            revisions.clone(),
        );
        let deliveries = Family::default();
        registry.register(
            "deliveries",
            "Events by verdict of their destination",
            deliveries.clone(),
        );
        let waiting = Family::default();
        registry.register("deliveries_waiting", "Events that wait", waiting.clone());
        let stopped = Family::default();
        registry.register(
            "destination_stopped",
            "Whether a destination gets nothing but a probe a minute",
            stopped.clone(),
        );
        let delivery_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 20));
        registry.register_with_unit(
            "delivery",
            "From a revision's making to its delivery",
            Unit::Seconds,
            delivery_seconds.clone(),
        );
        let actions = Family::default();
        registry.register("actions", "Actions by state", actions.clone());
        let lost = Family::default();
        registry.register(
            "signals_lost_by_sender",
            "Items that senders say they left out",
            lost.clone(),
        );
        Self {
            registry,
            signals,
            refused,
            judged,
            revisions,
            deliveries,
            waiting,
            stopped,
            delivery_seconds,
            actions,
            lost,
        }
    }
}

impl Meters {
    /// All of them as OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => "# EOF\n".to_owned(),
        }
    }
}
