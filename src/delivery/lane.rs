//! One batch on its way, until each of its events is delivered, dead, or put off.
//!
//! The parts of a split batch are sent one after the other in their order; what comes after a part
//! that is put off is put off with it, so that nothing overtakes.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::answer::Meaning;
use super::event::Event;
use super::send::{Sent, verdict_on};
use super::{Way, pace};
use crate::connector::Verdict;
use crate::live::Live;
use crate::meters::DeliveryLabels;
use crate::store::{DeadLetterCause, Owed};
use crate::untrusted::{self, Untrusted};
use crate::web::Answer;

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

/// Sends a batch and what it is split into. Once `quit` is cancelled no further request is begun.
pub(super) async fn deliver(
    live: &Live,
    way: &Way<'_>,
    rows: Vec<Row>,
    quit: &CancellationToken,
) -> Report {
    let mut run = Run {
        live,
        way,
        report: Report::default(),
        parts: vec![rows],
        renewed: false,
    };
    while let Some(part) = run.parts.pop() {
        if run.report.later.is_some() || quit.is_cancelled() {
            run.report.back.extend(part.into_iter().map(|row| row.owed));
        } else if !part.is_empty() {
            run.part(part).await;
        }
    }
    run.report
}

struct Run<'r> {
    live: &'r Live,
    way: &'r Way<'r>,
    report: Report,
    /// The next one last.
    parts: Vec<Vec<Row>>,
    renewed: bool,
}

impl Run<'_> {
    async fn part(&mut self, part: Vec<Row>) {
        let events: Vec<&Event> = part.iter().map(|row| &row.event).collect();
        match self.way.send(&events).await {
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
                    Verdict::Delivered => self.delivered(part),
                    Verdict::Split => self.split(part, bad, &answer),
                    Verdict::Refuse => self.refuse(part, Some(&answer), said(&answer)),
                    Verdict::Renew if !self.renewed && self.way.renew(&answer).await => {
                        self.renewed = true;
                        self.parts.push(part);
                    }
                    Verdict::Renew => self.put_off(part, Verdict::Stop, None, said(&answer)),
                    Verdict::Retry => {
                        let wait = pace::retry_after(&answer, self.live.clock.now());
                        self.put_off(part, verdict, wait, said(&answer));
                    }
                    Verdict::Pause => self.put_off(part, verdict, wait, said(&answer)),
                    Verdict::Stop => self.put_off(part, verdict, None, said(&answer)),
                }
            }
        }
    }

    fn count(&self, verdict: Verdict, events: usize) {
        self.live
            .meters
            .deliveries
            .get_or_create(&DeliveryLabels {
                destination: self.way.connection.name.clone(),
                verdict: verdict.as_str(),
            })
            .inc_by(u64::try_from(events).unwrap_or(0));
    }

    fn delivered(&mut self, part: Vec<Row>) {
        self.count(Verdict::Delivered, part.len());
        let now = self.live.clock.now();
        for row in part {
            let took = now.duration_since(row.event.revised_at).as_secs_f64();
            self.live.meters.delivery_seconds.observe(took.max(0.0));
            self.report.delivered.push(row.owed.seq);
        }
    }

    /// Before the bad one: delivered; it: refused; after it: sent again. Where it is not known which
    /// one that is, the batch is halved.
    fn split(&mut self, mut part: Vec<Row>, bad: Option<usize>, answer: &Answer) {
        let Some(bad) = bad.filter(|bad| *bad < part.len()) else {
            self.refuse(part, Some(answer), said(answer));
            return;
        };
        let after = part.split_off(bad + 1);
        let refused = part.split_off(bad);
        self.delivered(part);
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

    fn put_off(&mut self, part: Vec<Row>, verdict: Verdict, wait: Option<Duration>, why: String) {
        self.count(verdict, part.len());
        let attempts = part
            .iter()
            .map(|row| row.owed.attempts.saturating_add(1))
            .max()
            .unwrap_or(1);
        let wait = wait.unwrap_or_else(|| match verdict {
            Verdict::Stop => PROBE_EVERY,
            Verdict::Pause => PAUSE,
            _ => pace::back_off(&self.live.clock, attempts),
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
        self.delivered(taken);
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
