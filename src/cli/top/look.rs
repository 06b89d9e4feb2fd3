//! What two looks at the daemon say together: rates, and what stands now.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::cli::shown;

/// What was seen.
#[derive(Debug)]
pub(super) struct Seen {
    /// By the daemon's clock, printable.
    pub(super) at: String,
    /// Why it takes no signals, printable.
    pub(super) no_room: String,
    pub(super) rows: Vec<Row>,
}

/// A connection. What it has no part in is `None`.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) connector: String,
    pub(super) state: &'static str,
    /// Signals in ten seconds.
    pub(super) signals: Option<u64>,
    pub(super) stuck: u64,
    /// Events in ten seconds.
    pub(super) delivered: Option<u64>,
    pub(super) waiting: Option<u64>,
    pub(super) oldest_seconds: Option<u64>,
    pub(super) dead: Option<u64>,
    pub(super) last_error: String,
}

impl Seen {
    /// `before` is the look before, and how long ago that was.
    pub(super) fn new(before: Option<(&Json, Duration)>, now: &Json) -> Self {
        let at = now.get("at").and_then(Json::as_str);
        let at: Option<Timestamp> = at.and_then(|at| at.parse().ok());
        let rows = connections(now).iter().map(|connection| {
            let before = before.and_then(|(json, ago)| {
                let name = connection.get("name");
                let mut all = connections(json).iter();
                Some((all.find(|one| one.get("name") == name)?, ago))
            });
            Row::new(before, connection, at.unwrap_or(Timestamp::UNIX_EPOCH))
        });
        Self {
            at: at.map(shown::seconds).unwrap_or_default(),
            no_room: shown::cell(now, "/no_room"),
            rows: rows.collect(),
        }
    }

    /// One object for a script.
    pub(super) fn to_json(&self) -> Json {
        let rows: Vec<Json> = self.rows.iter().map(Row::to_json).collect();
        json!({ "at": self.at, "no_room": text_or_null(&self.no_room), "connections": rows })
    }
}

fn connections(json: &Json) -> &[Json] {
    let list = json.get("connections").and_then(Json::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

impl Row {
    fn new(before: Option<(&Json, Duration)>, now: &Json, at: Timestamp) -> Self {
        let number = |pointer: &str| now.pointer(pointer).and_then(Json::as_u64);
        let rate = |pointer: &str| {
            let (before, ago) = before?;
            let before = before.pointer(pointer)?.as_u64()?;
            in_ten_seconds(before, number(pointer)?, ago)
        };
        let instant =
            |pointer: &str| -> Option<Timestamp> { now.pointer(pointer)?.as_str()?.parse().ok() };
        let delivers = now.get("delivery").is_some();
        let oldest = instant("/delivery/oldest_since").map(|since| at.duration_since(since));
        let takes_signals = number("/signals").is_some_and(|signals| signals > 0);
        let last_error = shown::first_of(now, &["/delivery/stopped", "/held/why", "/last_error"]);
        let state = if !shown::cell(now, "/delivery/stopped").is_empty() {
            "stopped"
        } else if instant("/delivery/halted_since").is_some() {
            "halted"
        } else if instant("/delivery/paused_until").is_some_and(|until| until > at) {
            "paused"
        } else if last_error.is_empty() {
            "ok"
        } else {
            "failing"
        };
        Self {
            name: shown::cell(now, "/name"),
            connector: shown::cell(now, "/connector"),
            state,
            signals: rate("/received").filter(|_| takes_signals),
            stuck: number("/stuck").unwrap_or(0),
            delivered: rate("/delivery/delivered"),
            waiting: number("/delivery/waiting"),
            oldest_seconds: oldest.map(|age| u64::try_from(age.as_secs()).unwrap_or(0)),
            dead: number("/delivery/dead_letters").filter(|_| delivers),
            last_error: shown::first_of(
                now,
                &[
                    "/delivery/stopped",
                    "/held/why",
                    "/last_error",
                    "/delivery/last_error",
                ],
            ),
        }
    }

    fn to_json(&self) -> Json {
        json!({
            "name": self.name,
            "connector": self.connector,
            "state": self.state,
            "signals_per_second": self.signals.map(tenths),
            "stuck": self.stuck,
            "delivered_per_second": self.delivered.map(tenths),
            "waiting": self.waiting,
            "oldest_seconds": self.oldest_seconds,
            "dead_letters": self.dead,
            "last_error": text_or_null(&self.last_error),
        })
    }
}

/// `None` where the daemon was started again in between, and counts anew.
fn in_ten_seconds(before: u64, now: u64, ago: Duration) -> Option<u64> {
    let more = u128::from(now.checked_sub(before)?).checked_mul(10_000)?;
    u64::try_from(more.checked_div(ago.as_millis())?).ok()
}

fn tenths(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / 10.0
}

fn text_or_null(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
