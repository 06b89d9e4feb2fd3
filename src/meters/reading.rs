//! What is read when somebody asks for `/metrics`: how much waits, how full the store is.
//!
//! It is made anew for each answer, so that what is gone from the files is gone from the answer.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::Label;

/// What stands now.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Each destination.
    pub destinations: Vec<DestinationReading>,
    /// Signals that are not settled: connection, state, how many.
    pub unsettled: Vec<(String, &'static str, u64)>,
    /// Alerts that are open.
    pub alerts_open: u64,
    /// Actions with work left to do.
    pub actions_unfinished: u64,
    /// Commits since the store was opened.
    pub commits: u64,
    /// Jobs in them.
    pub jobs: u64,
    /// Bytes of the database in use.
    pub bytes: u64,
    /// Bytes free on the store's disk, where that is known.
    pub free: Option<u64>,
    /// Whether new signals are taken.
    pub room: bool,
    /// The digest of the files in force.
    pub files: String,
    /// How often other files were put in force since the start, and how often they were refused.
    pub reloads: (u64, u64),
    /// Whether what lies there was refused.
    pub files_refused: bool,
}

/// How a destination stands.
#[derive(Debug, Clone, Default)]
pub struct DestinationReading {
    /// Its name.
    pub name: String,
    /// Events that wait for it.
    pub waiting: u64,
    /// For how many seconds the first of them waits.
    pub oldest_seconds: u64,
    /// What it refused for good.
    pub dead_letters: u64,
    /// Nothing is sent but a probe.
    pub stopped: bool,
    /// Nothing is sent for a while.
    pub paused: bool,
}

impl Reading {
    pub(super) fn registry(&self, prefix: &str) -> Registry {
        let mut registry = Registry::with_prefix(prefix);
        let by_destination = |of: fn(&DestinationReading) -> u64| {
            let family = Family::<Label, Gauge>::default();
            for one in &self.destinations {
                let label = [("destination", one.name.clone())];
                family.get_or_create(&label).set(signed(of(one)));
            }
            family
        };
        let waiting = by_destination(|one| one.waiting);
        registry.register("deliveries_waiting", "Events that wait", waiting);
        let oldest = by_destination(|one| one.oldest_seconds);
        let about = "For how long the first event waits";
        registry.register_with_unit("deliveries_oldest_waiting", about, Unit::Seconds, oldest);
        let dead = by_destination(|one| one.dead_letters);
        registry.register("dead_letters", "Events refused for good", dead);
        let stopped = by_destination(|one| u64::from(one.stopped));
        let about = "Whether a destination gets nothing but a probe";
        registry.register("destination_stopped", about, stopped);
        let paused = by_destination(|one| u64::from(one.paused));
        let about = "Whether a destination gets nothing for a while";
        registry.register("destination_paused", about, paused);
        let unsettled = Family::<[(&'static str, String); 2], Gauge>::default();
        for (connection, state, count) in &self.unsettled {
            let labels = [
                ("connection", connection.clone()),
                ("state", (*state).to_owned()),
            ];
            unsettled.get_or_create(&labels).set(signed(*count));
        }
        let about = "Signals kept that wait, are stuck, or that nobody knew; up to 100,000";
        registry.register("signals_unsettled", about, unsettled);
        gauge(
            &mut registry,
            "alerts_open",
            "Open alerts",
            self.alerts_open,
        );
        let about = "Actions with work left to do";
        gauge(
            &mut registry,
            "actions_unfinished",
            about,
            self.actions_unfinished,
        );
        counter(&mut registry, "store_commits", "Transactions", self.commits);
        counter(
            &mut registry,
            "store_jobs",
            "Jobs in transactions",
            self.jobs,
        );
        let about = "Whether new signals are taken";
        gauge(&mut registry, "store_has_room", about, u64::from(self.room));
        let about = "The database in use";
        registry.register_with_unit("store", about, Unit::Bytes, set(self.bytes));
        let files = Info::new([("hash", self.files.clone())]);
        registry.register("files", "The files in force", files);
        let reloads = Family::<[(&'static str, &'static str); 1], Counter>::default();
        let (changed, refused) = self.reloads;
        for (outcome, count) in [("changed", changed), ("refused", refused)] {
            reloads.get_or_create(&[("outcome", outcome)]).inc_by(count);
        }
        let about = "Looks at the files that found others";
        registry.register("reloads", about, reloads);
        let about = "Whether the files that lie there were refused";
        let refused = u64::from(self.files_refused);
        gauge(&mut registry, "files_refused", about, refused);
        if let Some(free) = self.free {
            let about = "Free on the store's disk";
            registry.register_with_unit("store_disk_free", about, Unit::Bytes, set(free));
        }
        registry
    }
}

fn gauge(registry: &mut Registry, name: &str, about: &str, value: u64) {
    registry.register(name, about, set(value));
}

fn counter(registry: &mut Registry, name: &str, about: &str, value: u64) {
    let counter: Counter = Counter::default();
    counter.inc_by(value);
    registry.register(name, about, counter);
}

fn set(value: u64) -> Gauge {
    let gauge = Gauge::default();
    gauge.set(signed(value));
    gauge
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
