//! What is counted, for `/metrics`. Numbers only: no payload, and no label but a name that the files
//! give, a word of ours, or the version. `docs/metrics.md` lists every family; a test compares.
//!
//! Counters are kept here as things happen; what can be read when somebody asks is a [`Reading`].

mod reading;
mod tally;
#[cfg(test)]
mod tests;

pub use reading::{DestinationReading, Reading};
pub use tally::Tally;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::clock::Clock;
use crate::connector::Verdict;
use crate::store::Store;

/// What every name begins with.
const PREFIX: &str = "andon";

/// One label and its value.
type Label = [(&'static str, String); 1];
/// Histograms by one label.
type Histograms = Family<Label, Histogram, fn() -> Histogram>;

/// The counters of a running daemon.
#[derive(Debug)]
pub struct Meters {
    registry: Registry,
    /// Signals by connection and by what became of them: read, waiting, stuck, repeat, unmatched.
    pub signals: Tally,
    /// Requests refused at the door, by connection and reason.
    pub refused: Tally,
    /// Signals in one request that was taken.
    pub request_signals: Histogram,
    /// Mappings evaluated, by mapping and outcome: open, close, nothing, stuck, shadow.
    pub judged: Tally,
    /// Polls by connection and outcome: done, failed.
    pub polls: Tally,
    /// Events by destination and verdict.
    pub deliveries: Tally,
    /// Actions by name and state come to.
    pub actions: Tally,
    /// Looks at containments in force, by action and `holds`, `drifted` or `unreadable`.
    pub looks: Tally,
    lost: Family<Label, Counter>,
    delivery_seconds: Histograms,
    batch_events: Histograms,
}

impl Meters {
    /// Those of a daemon that starts now on `store`.
    pub fn new(store: &Store, clock: &Clock) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The program", build);
        let start: Gauge = Gauge::default();
        start.set(clock.now().as_second());
        let about = "When the daemon was started, since 1970";
        registry.register_with_unit("start_time", about, Unit::Seconds, start);
        let signals = Tally::new("connection", "outcome");
        let about = "Signals by what became of them";
        registry.register("signals", about, signals.family());
        let refused = Tally::new("connection", "reason");
        let about = "Requests refused at the door";
        registry.register("requests_refused", about, refused.family());
        // 1 to 16,384.
        let request_signals = Histogram::new(exponential_buckets(1.0, 2.0, 15));
        let about = "Signals in one request that was taken";
        registry.register("request_signals", about, request_signals.clone());
        let lost = Family::default();
        let about = "Items that senders say they left out";
        registry.register("signals_lost_by_sender", about, lost.clone());
        let judged = Tally::new("mapping", "outcome");
        registry.register("judgements", "Mappings evaluated", judged.family());
        let polls = Tally::new("connection", "outcome");
        registry.register("polls", "Polls by how they ended", polls.family());
        let deliveries = Tally::new("destination", "verdict");
        let about = "Events by verdict of their destination";
        registry.register("deliveries", about, deliveries.family());
        let delivery_seconds = Histograms::new_with_constructor(seconds);
        let about = "From a revision's making to its delivery";
        let family = delivery_seconds.clone();
        registry.register_with_unit("delivery", about, Unit::Seconds, family);
        let batch_events = Histograms::new_with_constructor(events);
        let about = "Events in one request to a destination";
        registry.register("delivery_batch_events", about, batch_events.clone());
        let actions = Tally::new("action", "state");
        let about = "States that actions have come to";
        registry.register("actions", about, actions.family());
        let looks = Tally::new("action", "result");
        let about = "Looks at whether a containment in force still holds";
        registry.register("containment_looks", about, looks.family());
        let syncs = store.sync_seconds().clone();
        let about = "Commits with a sync: how long each took";
        registry.register_with_unit("store_sync", about, Unit::Seconds, syncs);
        Self {
            registry,
            signals,
            refused,
            request_signals,
            judged,
            polls,
            deliveries,
            actions,
            looks,
            lost,
            delivery_seconds,
            batch_events,
        }
    }

    /// A sender of `connection` says that it left items out.
    pub fn lost(&self, connection: &str, items: u64) {
        let label = [("connection", connection.to_owned())];
        self.lost.get_or_create(&label).inc_by(items);
    }

    /// A request with so many events is sent to `destination`.
    pub fn sends(&self, destination: &str, events: usize) {
        let label = [("destination", destination.to_owned())];
        let events = u32::try_from(events).unwrap_or(u32::MAX);
        self.batch_events
            .get_or_create(&label)
            .observe(f64::from(events));
    }

    /// Events were delivered to `destination`: after so many seconds each.
    pub fn delivered(&self, destination: &str, after: impl ExactSizeIterator<Item = f64>) {
        let verdict = Verdict::Delivered.as_str();
        let events = u64::try_from(after.len()).unwrap_or(u64::MAX);
        self.deliveries.add(destination, verdict, events);
        let label = [("destination", destination.to_owned())];
        let seconds = self.delivery_seconds.get_or_create_owned(&label);
        for one in after {
            seconds.observe(one.max(0.0));
        }
    }

    /// All of them as OpenMetrics text.
    pub fn text(&self, reading: &Reading) -> String {
        let mut text = String::new();
        let written = encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, &reading.registry(PREFIX)))
            .and_then(|()| encode_eof(&mut text));
        match written {
            Ok(()) => text,
            // Writing into a string does not fail.
            Err(_) => "# EOF\n".to_owned(),
        }
    }
}

/// 1 ms to 524 s.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 20))
}

/// 1 to 4,096.
fn events() -> Histogram {
    Histogram::new(exponential_buckets(1.0, 2.0, 13))
}
