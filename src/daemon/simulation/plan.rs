//! What a platform says in one run: signals, in requests, at their times.

use std::time::Duration;

use serde_json::{Value, json};

use super::chance::Chance;

/// How many senders there are at once.
pub(super) const SENDERS: usize = 3;
const KEYS: u64 = 5;

/// One signal.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) id: String,
    pub(super) key: String,
    pub(super) over: bool,
    body: Value,
}

/// One request of a sender.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) at: Duration,
    pub(super) signals: Vec<Said>,
}

impl Request {
    /// As newline-delimited JSON.
    pub(super) fn body(&self) -> Vec<u8> {
        let lines: Vec<String> = self
            .signals
            .iter()
            .map(|said| said.body.to_string())
            .collect();
        lines.join("\n").into_bytes()
    }
}

/// The requests of one seed, in the order of their times.
pub(super) fn requests(seed: u64) -> Vec<Request> {
    let mut chance = Chance::of(seed, "plan");
    let count = chance.between(4, 14);
    let mut at = 0;
    let mut number = 0;
    let mut requests = Vec::new();
    for _ in 0..count {
        at += chance.weighed(&[(4, 0), (3, 40), (3, 900), (2, 6_000)]);
        let signals = (0..chance.weighed(&[(6, 1), (2, 2), (1, 5)]))
            .map(|_| {
                number += 1;
                said(&mut chance, number)
            })
            .collect();
        requests.push(Request {
            at: Duration::from_millis(at),
            signals,
        });
    }
    requests
}

fn said(chance: &mut Chance, number: u64) -> Said {
    let key = format!("k{}", chance.below(KEYS));
    let id = format!("s{number}");
    let over = chance.percent(25);
    let severity = chance.weighed(&[(3, "low"), (2, "high"), (1, "critical")]);
    let body = json!({
        "id": id,
        "key": key,
        "status": if over { "resolved" } else { "firing" },
        "severity": severity,
        "level": chance.below(3),
    });
    Said {
        id,
        key,
        over,
        body,
    }
}
