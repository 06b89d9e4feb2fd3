//! A destination: its moods, what it takes, and what it saw.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::io::Read as _;
use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

use super::chance::Chance;

/// A log that names the bad event of a batch.
pub(super) const LOG: &str = "soc";
/// A log that answers for each event.
pub(super) const BULK: &str = "bulk";
/// A pager.
pub(super) const PAGER: &str = "oncall";
pub(super) const ALL: [&str; 3] = [LOG, BULK, PAGER];

/// One sighting of one event.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) alert: String,
    /// A pager's resolve does not tell.
    pub(super) revision: Option<u32>,
    /// A digest of what was shown.
    pub(super) body: u64,
    /// In which life of the process.
    pub(super) life: usize,
    /// Andon was told that it was taken.
    pub(super) answered: bool,
}

/// What a destination did and saw.
#[derive(Debug)]
pub(super) struct End {
    name: &'static str,
    pub(super) taken: Vec<Taken>,
    /// What it refused for good, and how much it had taken by then.
    pub(super) refused: Vec<(usize, String, Option<u32>)>,
    pub(super) requests: u64,
    pub(super) at_once: usize,
    pub(super) most_at_once: usize,
    mood: Mood,
    mood_until: Duration,
    chance: Chance,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Fine,
    Flaky,
    Down,
    Busy,
    Hanging,
    Locked,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Takes,
    TakesAndLosesTheAnswer,
    TakesAndHangs,
    Unreachable,
    CutsBefore,
    Hangs,
    Status(u16),
    RetryAfter(u64),
    Garbage,
}

/// A status and a body.
pub(super) type Answer = (u16, Value);

impl End {
    pub(super) fn new(seed: u64, name: &'static str) -> Self {
        Self {
            name,
            taken: Vec::new(),
            refused: Vec::new(),
            requests: 0,
            at_once: 0,
            most_at_once: 0,
            mood: Mood::Fine,
            mood_until: Duration::ZERO,
            chance: Chance::of(seed, name),
        }
    }

    /// What becomes of the next request, and how many milliseconds pass before and after it is read.
    pub(super) fn decide(&mut self, now: Duration, quiet: bool) -> (What, u64, u64) {
        self.requests += 1;
        if quiet {
            return (What::Takes, 1, 1);
        }
        let chance = &mut self.chance;
        if now >= self.mood_until {
            self.mood = chance.weighed(&[
                (8, Mood::Fine),
                (5, Mood::Flaky),
                (1, Mood::Down),
                (1, Mood::Busy),
                (1, Mood::Hanging),
                (1, Mood::Locked),
            ]);
            self.mood_until = now + Duration::from_millis(chance.between(500, 30_000));
        }
        let what = match self.mood {
            Mood::Fine if chance.percent(94) => What::Takes,
            Mood::Flaky if chance.percent(45) => What::Takes,
            Mood::Fine | Mood::Flaky => chance.weighed(&[
                (6, What::TakesAndLosesTheAnswer),
                (2, What::TakesAndHangs),
                (2, What::CutsBefore),
                (2, What::Unreachable),
                (1, What::Hangs),
                (4, What::Status(500)),
                (3, What::RetryAfter(1)),
                (2, What::Status(413)),
                (1, What::Garbage),
                (1, What::Status(400)),
                (1, What::Status(401)),
            ]),
            Mood::Down => What::Unreachable,
            Mood::Busy => What::RetryAfter(chance.between(1, 17)),
            Mood::Hanging => chance.weighed(&[(1, What::Hangs), (1, What::TakesAndHangs)]),
            Mood::Locked => What::Status(chance.weighed(&[(1, 401), (1, 403)])),
        };
        let slow = [(6, 3), (3, 60), (1, 2_500)];
        // A pager's event would be made smaller, and lose the revision by which it is told apart here.
        let what = match what {
            What::Status(413) if self.name == PAGER => What::Status(408),
            what => what,
        };
        (what, chance.weighed(&slow), chance.weighed(&slow))
    }

    pub(super) fn refuse(&mut self, event: &Taken) {
        let refused = (self.taken.len(), event.alert.clone(), event.revision);
        self.refused.push(refused);
    }

    /// Keeps what is taken of a request. Gives where that is, and the answer that belongs to it.
    pub(super) fn take(&mut self, events: Vec<Taken>) -> (Range<usize>, Answer) {
        let first = self.taken.len();
        let answer = match self.name {
            LOG => {
                let bad = events
                    .iter()
                    .position(|event| event.body.is_multiple_of(29));
                if let Some(bad) = bad {
                    // Splunk takes what stands before the bad one, and nothing behind it.
                    self.refuse(&events[bad]);
                    self.taken.extend(events.into_iter().take(bad));
                    let body = json!({ "text": "Invalid data format", "code": 6, "invalid-event-number": bad });
                    (400, body)
                } else {
                    self.taken.extend(events);
                    (200, json!({ "text": "Success", "code": 0 }))
                }
            }
            PAGER if events.iter().any(|event| event.body.is_multiple_of(29)) => {
                (400, json!({ "status": "invalid event" }))
            }
            PAGER => {
                self.taken.extend(events);
                (202, json!({ "status": "success" }))
            }
            _ => {
                let mut items = Vec::new();
                for event in events {
                    let status = if event.body.is_multiple_of(29) {
                        400
                    } else {
                        self.chance.weighed(&[(9, 200), (1, 503)])
                    };
                    match status {
                        200 => self.taken.push(event),
                        400 => self.refuse(&event),
                        _ => {}
                    }
                    items.push(json!({ "s": status }));
                }
                (200, json!({ "items": items }))
            }
        };
        (first..self.taken.len(), answer)
    }
}

/// The events of a request.
pub(super) fn events(name: &str, body: &[u8], life: usize) -> Vec<Taken> {
    let mut bytes = body.to_vec();
    if body.starts_with(&[0x1f, 0x8b]) {
        bytes.clear();
        flate2::read::GzDecoder::new(body)
            .read_to_end(&mut bytes)
            .unwrap();
    }
    let values: Vec<Value> = serde_json::Deserializer::from_slice(&bytes)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let named = |value: &Value| {
        let id = text(value);
        let (alert, revision) = id.rsplit_once('-').unwrap();
        (alert.to_owned(), Some(revision.parse().unwrap()))
    };
    let event = |(alert, revision): (String, Option<u32>), shown: &Value| {
        let mut digest = DefaultHasher::new();
        shown.to_string().hash(&mut digest);
        Taken {
            alert,
            revision,
            body: digest.finish(),
            life,
            answered: false,
        }
    };
    match name {
        LOG => values
            .iter()
            .map(|value| event(named(&value["event"]["metadata"]["uid"]), value))
            .collect(),
        PAGER => values
            .iter()
            .map(|value| {
                let revision = &value["payload"]["custom_details"]["revision"];
                let revision = revision
                    .as_u64()
                    .map(|number| u32::try_from(number).unwrap());
                event((text(&value["dedup_key"]), revision), value)
            })
            .collect(),
        _ => values
            .chunks(2)
            .map(|pair| event(named(&pair[0]["create"]["_id"]), &pair[1]))
            .collect(),
    }
}
