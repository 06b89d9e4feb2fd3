//! One batch on its way, until each of its events is delivered, dead, or put off.
//!
//! The parts of a split batch are sent one after the other in their order; what comes after a part
//! that is put off is put off with it, so that nothing overtakes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Meaning};
use super::event::{self, Event};
use super::send::{Sent, verdict_on};
use super::{Way, pace};
use crate::connector::Verdict;
use crate::live::Live;
use crate::store::{DeadLetterCause, Owed};
use crate::untrusted::{self, Untrusted};
use crate::web::{Answer, Limiter};

/// The longest wait for a turn by `rate:`; no rate is over more than a day.
const TURN: Duration = Duration::from_hours(24);
/// How long a destination that stopped is left alone between probes.
pub(super) const PROBE_EVERY: Duration = Duration::from_mins(1);
/// How long a destination that says `pause` without saying how long is left alone.
const PAUSE: Duration = Duration::from_mins(10);
/// What is kept of an answer to a refused event (design, section 3.2).
const KEPT: usize = 512;

/// An event with its row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) owed: Owed,
    pub(super) event: Event,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Taken by the destination.
    pub(super) delivered: Vec<i64>,
    /// Taken, under these ids, and to be acknowledged.
    pub(super) unacknowledged: Vec<(Json, Vec<Owed>)>,
    /// Refused for good.
    pub(super) dead: Vec<(i64, DeadLetterCause)>,
    /// Superseded, or taken away by somebody else.
    pub(super) gone: Vec<i64>,
    /// None of these.
    pub(super) back: Vec<Owed>,
    /// Why, and for how long nothing is sent. None when `back` was not tried because the worker ends.
    pub(super) later: Option<Later>,
    /// The destination asked for less.
    pub(super) slow_down: bool,
}

/// Why something is put off.
#[derive(Debug, Clone)]
pub(super) struct Later {
    /// Nothing is sent for so long.
    pub(super) wait: Duration,
    /// `retry`, `pause` or `stop`.
    pub(super) verdict: Verdict,
    /// One line, clean.
    pub(super) why: String,
}

/// What holds for the requests of a batch.
pub(super) struct Terms {
    /// Keeps them to the destination's rate.
    pub(super) limiter: Limiter,
    /// Once it is cancelled no further request is begun.
    pub(super) quit: CancellationToken,
    /// How often in a row the destination failed before.
    pub(super) failures: u32,
    /// Under which what it takes is acknowledged later; none where it is delivered once it is taken.
    pub(super) channel: Option<Arc<str>>,
}

/// Whether a request may be begun.
pub(super) enum Turn {
    /// Now.
    Taken,
    /// Not by this worker.
    Quit,
    /// Not as long as anybody would wait.
    Never(Later),
}

impl Terms {
    /// Waits until the rate allows a request.
    pub(super) async fn turn(&self) -> Turn {
        tokio::select! {
            biased;
            () = self.quit.cancelled() => Turn::Quit,
            turn = self.limiter.ready(TURN) => match turn {
                Ok(()) => Turn::Taken,
                Err(error) => Turn::Never(Later {
                    wait: TURN,
                    verdict: Verdict::Retry,
                    why: error.to_string(),
                }),
            },
        }
    }
}

/// Sends a batch and what it is split into. The turn for its first request is taken already.
pub(super) async fn deliver(live: &Live, way: &Way<'_>, rows: Vec<Row>, terms: &Terms) -> Report {
    let mut run = Run {
        live,
        way,
        terms,
        report: Report::default(),
        parts: vec![rows],
        renewed: false,
    };
    let mut has_turn = true;
    while let Some(part) = run.parts.pop() {
        if part.is_empty() {
            continue;
        }
        if run.report.later.is_none() && !std::mem::take(&mut has_turn) {
            match terms.turn().await {
                Turn::Taken | Turn::Quit => {}
                Turn::Never(later) => run.report.later = Some(later),
            }
        }
        if run.report.later.is_some() || terms.quit.is_cancelled() {
            run.report.back.extend(part.into_iter().map(|row| row.owed));
        } else {
            run.part(part).await;
        }
    }
    run.report
}

struct Run<'r> {
    live: &'r Live,
    way: &'r Way<'r>,
    terms: &'r Terms,
    report: Report,
    /// The next one last.
    parts: Vec<Vec<Row>>,
    renewed: bool,
}

impl Run<'_> {
    async fn part(&mut self, part: Vec<Row>) {
        let events: Vec<&Event> = part.iter().map(|row| &row.event).collect();
        let meters = &self.live.meters;
        meters.sends(&self.way.connection.name, events.len());
        match self.way.send(&events, self.terms.channel.as_deref()).await {
            Sent::Written => self.delivered(part),
            Sent::Failed(error) => {
                let why = error.line();
                match verdict_on(&error) {
                    Verdict::Refuse => self.refuse(part, None, why),
                    verdict => self.put_off(part, verdict, None, why),
                }
            }
            Sent::Answered(answer, Meaning::Each(verdicts)) => {
                self.each(part, &verdicts, &answer);
            }
            Sent::Answered(
                answer,
                Meaning::All {
                    verdict,
                    slow_down,
                    bad,
                    wait,
                },
            ) => {
                self.report.slow_down |= slow_down;
                match verdict {
                    Verdict::Delivered => self.taken(part, &answer),
                    Verdict::Split => self.split(part, bad, &answer),
                    Verdict::Refuse => self.refuse(part, Some(&answer), said(&answer)),
                    Verdict::Renew if !self.renewed && self.way.renew(&answer).await => {
                        self.renewed = true;
                        self.parts.push(part);
                    }
                    Verdict::Renew => self.put_off(part, Verdict::Stop, None, said(&answer)),
                    Verdict::Retry => {
                        let asked = pace::retry_after(&answer, self.live.clock.now());
                        let wait = asked.or_else(|| Some(self.back_off(&part).max(wait?)));
                        self.put_off(part, verdict, wait, said(&answer));
                    }
                    Verdict::Pause => self.put_off(part, verdict, wait, said(&answer)),
                    Verdict::Stop => self.put_off(part, verdict, None, said(&answer)),
                }
            }
        }
    }

    fn count(&self, verdict: Verdict, events: usize) {
        let events = u64::try_from(events).unwrap_or(0);
        let destination = &self.way.connection.name;
        let deliveries = &self.live.meters.deliveries;
        deliveries.add(destination, verdict.as_str(), events);
    }

    /// Delivered, or to be acknowledged first.
    fn taken(&mut self, part: Vec<Row>, answer: &Answer) {
        if self.terms.channel.is_none() {
            self.delivered(part);
            return;
        }
        if let Some(id) = answer::acknowledged_by(self.way, answer) {
            let rows = part.into_iter().map(|row| row.owed).collect();
            self.report.unacknowledged.push((id, rows));
            return;
        }
        let why = format!(
            "it took events without an id to ask for their acknowledgment by: have it acknowledge, or switch acknowledgment off for `{}`: {}",
            self.way.connection.name,
            said(answer)
        );
        self.put_off(part, Verdict::Stop, None, why);
    }

    fn delivered(&mut self, part: Vec<Row>) {
        let now = self.live.clock.now();
        let after = part
            .iter()
            .map(|row| now.duration_since(row.event.revised_at).as_secs_f64());
        let meters = &self.live.meters;
        meters.delivered(&self.way.connection.name, after);
        let taken = part.into_iter().map(|row| row.owed.seq);
        self.report.delivered.extend(taken);
    }

    /// Before the bad one: delivered; it: refused; after it: sent again. Where it is not known which
    /// one that is, the batch is halved; one event alone is made smaller, where it can be.
    fn split(&mut self, mut part: Vec<Row>, bad: Option<usize>, answer: &Answer) {
        let Some(bad) = bad.filter(|bad| *bad < part.len()) else {
            let smaller = match part.as_slice() {
                [only] => event::smaller(self.way, &only.event),
                _ => None,
            };
            match (smaller, part.pop()) {
                (Some(event), Some(row)) => self.parts.push(vec![Row { event, ..row }]),
                (_, last) => {
                    part.extend(last);
                    self.refuse(part, Some(answer), said(answer));
                }
            }
            return;
        };
        let mut after = part.split_off(bad + 1);
        let refused = part.split_off(bad);
        if self.terms.channel.is_some() {
            // What stood before it is there, but nobody will acknowledge it: it is sent again.
            after.splice(..0, part);
        } else {
            self.delivered(part);
        }
        self.refuse(refused, Some(answer), said(answer));
        self.parts.push(after);
    }

    /// One event is dead; of several it is not known which, so that each half is tried.
    fn refuse(&mut self, mut part: Vec<Row>, answer: Option<&Answer>, reason: String) {
        if part.len() > 1 {
            self.count(Verdict::Split, part.len());
            let second = part.split_off(part.len().div_ceil(2));
            self.parts.push(second);
            self.parts.push(part);
            return;
        }
        self.count(Verdict::Refuse, part.len());
        let cause = DeadLetterCause {
            status: answer.map(|answer| answer.status),
            body: Untrusted::new(answer.map(first_bytes).unwrap_or_default()),
            reason,
        };
        let dead = part.into_iter().map(|row| (row.owed.seq, cause.clone()));
        self.report.dead.extend(dead);
    }

    /// By how often these events were tried, or the destination failed, whichever is more: of one that
    /// is gone the next event is always a new one.
    fn back_off(&self, part: &[Row]) -> Duration {
        let tried = part.iter().map(|row| row.owed.attempts).max();
        let attempts = tried.unwrap_or(0).max(self.terms.failures);
        pace::back_off(&self.live.clock, attempts.saturating_add(1))
    }

    fn put_off(&mut self, part: Vec<Row>, verdict: Verdict, wait: Option<Duration>, why: String) {
        self.count(verdict, part.len());
        let wait = wait.unwrap_or_else(|| match verdict {
            Verdict::Stop => PROBE_EVERY,
            Verdict::Pause => PAUSE,
            _ => self.back_off(&part),
        });
        self.report.later = Some(Later { wait, verdict, why });
        self.report
            .back
            .extend(part.into_iter().map(|row| row.owed));
    }

    fn each(&mut self, part: Vec<Row>, verdicts: &[Verdict], answer: &Answer) {
        let mut taken = Vec::new();
        let mut again = Vec::new();
        let mut why = None;
        for (row, verdict) in part.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Delivered => taken.push(row),
                Verdict::Refuse | Verdict::Split => {
                    self.refuse(vec![row], Some(answer), said(answer));
                }
                Verdict::Stop | Verdict::Pause => {
                    why = Some(*verdict);
                    again.push(row);
                }
                Verdict::Retry | Verdict::Renew => again.push(row),
            }
        }
        if !taken.is_empty() {
            self.taken(taken, answer);
        }
        if !again.is_empty() {
            let wait = pace::retry_after(answer, self.live.clock.now());
            self.put_off(again, why.unwrap_or(Verdict::Retry), wait, said(answer));
        }
    }
}

fn first_bytes(answer: &Answer) -> Vec<u8> {
    answer.body.get(..KEPT).unwrap_or(&answer.body).to_vec()
}

/// What an answer says, for a log: its status and the beginning of its body.
pub(super) fn said(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&first_bytes(answer)).into_owned();
    match body.trim() {
        "" => format!("status {}", answer.status),
        body => format!("status {}: {}", answer.status, untrusted::log(body, 200)),
    }
}
