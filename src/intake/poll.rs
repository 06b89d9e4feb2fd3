//! Polls: asked on schedule, page by page; what changed since the last reading becomes a signal.
//!
//! A state is judged at every reading, also when it is as it was, because a verdict may depend on the
//! clock; that reading is kept only where it changes the verdict. An event is taken once.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json, json};

use super::ask::{ask, pause, retry_after};
use super::draw::{Cut, Draw, UNREAD, said};
use super::hold;
use super::items::{AT_ONCE, gone, keep_items};
use super::page::{Page, base_of};
use crate::clock::Clock;
use crate::config::Connection;
use crate::connector::{Input, Poll, PollOf, Schedule, SignalRule, Way};
use crate::expr::Value;
use crate::live::{Live, Snapshot};
use crate::shape;
use crate::signal::Raw;
use crate::store;
use crate::untrusted::Untrusted;
use crate::web;

/// How many pages one poll goes through.
const MOST_PAGES: usize = 1_000;
/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// How far polls of one schedule are spread, at most.
const SPREAD: Duration = Duration::from_secs(30);
/// They are spread over one part of so many of their interval.
const SHARE: u32 = 10;
/// The longest sleep, so that a jump of the clock is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// Which poll.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub connection: String,
    pub signal: String,
}

/// Why a poll failed. It is made again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An expression of it failed.
    #[error("cannot make the request")]
    Request(#[from] shape::Error),
    /// No answer.
    #[error("cannot poll")]
    Web(#[from] web::Error),
    /// An answer that is none to read.
    #[error("the answer has status {status}")]
    Status {
        /// Its status.
        status: u16,
        /// The beginning of what it says: one line, clean.
        said: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// A page, or nothing.
    #[error("the answer is no JSON")]
    NotJson,
    /// `next:` leads nowhere.
    #[error("cannot go to the next page: {0}")]
    Next(String),
    /// It does not end.
    #[error("there are more than {MOST_PAGES} pages")]
    TooManyPages,
    /// The store takes nothing.
    #[error("cannot keep what was polled")]
    Store(#[from] store::Error),
}

/// Polls until the daemon stops or the snapshot in force has no such poll.
pub(super) async fn run(live: Arc<Live>, key: Key, first_within: Duration) {
    let mut failures: u32 = 0;
    let mut due = later(live.clock.now(), live.clock.jitter(first_within));
    loop {
        if !wait_until(&live, due).await {
            return;
        }
        let snapshot = live.snapshot();
        let Some(found) = Found::new(&snapshot, &key) else {
            return;
        };
        let made = tokio::select! {
            () = live.stop.cancelled() => return,
            made = turn(&live, &snapshot, &key) => made,
        };
        let now = live.clock.now();
        due = match made {
            Ok(()) => {
                failures = 0;
                live.meters.polls.add(&key.connection, "done", 1);
                live.sources.looked(&key.connection, &key.signal, None);
                slot(&found.poll.every, now, &key)
            }
            Err(Error::Store(error)) if error.may_pass() => {
                hold::for_room(&live, &key.connection, &key.signal, &error).await;
                live.clock.now()
            }
            Err(error) => {
                failures = failures.saturating_add(1);
                let reason = said("poll", &error);
                live.meters.polls.add(&key.connection, "failed", 1);
                live.sources
                    .looked(&key.connection, &key.signal, Some(reason.clone()));
                tracing::warn!(connection = %key.connection, signal = %key.signal, failures, reason, "a poll failed; it is made again");
                let mut wait = pause(&live.clock, FIRST_PAUSE, failures);
                if let Error::Status {
                    retry_after: Some(asked),
                    ..
                } = error
                {
                    // Never sooner, and not all at the same instant.
                    let late = live.clock.jitter((asked / SHARE).min(SPREAD));
                    wait = wait.max(asked.saturating_add(late));
                }
                after_failure(&found.poll.every, now, wait, &key)
            }
        };
    }
}

/// Waits until the time of day is `due`, or went back: that would put the poll off for as long. `false` when
/// the daemon stops.
pub(super) async fn wait_until(live: &Live, due: Timestamp) -> bool {
    let mut before = SignedDuration::MAX;
    loop {
        let left = due.duration_since(live.clock.now());
        if left <= SignedDuration::ZERO || left > before {
            return true;
        }
        before = left;
        tokio::select! {
            () = live.stop.cancelled() => return false,
            () = tokio::time::sleep(left.unsigned_abs().min(LONGEST_SLEEP)) => {}
        }
    }
}

/// The rule of a poll and its connection.
pub(super) struct Found<'s> {
    pub connection: &'s Connection,
    pub rule: &'s SignalRule,
    pub poll: &'s Poll,
}

impl<'s> Found<'s> {
    pub fn new(snapshot: &'s Snapshot, key: &Key) -> Option<Self> {
        let connection = snapshot.catalog.config.connection(&key.connection)?;
        let rule = connection.connector.signal(&key.signal)?;
        match &rule.way {
            Way::Poll(poll) => Some(Self {
                connection,
                rule,
                poll,
            }),
            Way::Webhook { .. } | Way::File(_) | Way::Own(_) => None,
        }
    }
}

pub(super) fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The next time on schedule. Polls of one schedule are spread, each always by the same time: by the names
/// of its connection and signal.
pub(super) fn slot(every: &Schedule, now: Timestamp, key: &Key) -> Timestamp {
    let offset = offset(every, now, key);
    let from = now.checked_sub(offset).unwrap_or(now);
    every
        .after(from)
        .map_or(Timestamp::MAX, |next| later(next, offset))
}

fn offset(every: &Schedule, now: Timestamp, key: &Key) -> Duration {
    let next = every.after(now);
    let one = next.and_then(|next| Some(every.after(next)?.duration_since(next)));
    let interval = one.and_then(|one| Duration::try_from(one).ok());
    let spread = interval.map_or(SPREAD, |interval| (interval / SHARE).min(SPREAD));
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let spread = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(hasher.finish() % spread)
}

/// Sooner than the schedule says, or else on schedule, but not before the pause is over.
fn after_failure(every: &Schedule, now: Timestamp, wait: Duration, key: &Key) -> Timestamp {
    let over = later(now, wait);
    if over < slot(every, now, key) {
        over
    } else {
        slot(every, over, key)
    }
}

/// Where a poll was.
#[derive(Debug, Clone, Default)]
struct Cursor {
    mark: Json,
    /// The number of the last whole scan: its instant in milliseconds, so that no two share one.
    scan: i64,
    whole_at: Option<Timestamp>,
}

impl Cursor {
    fn from_json(kept: Option<&Json>) -> Self {
        let Some(kept) = kept else {
            return Self::default();
        };
        Self {
            mark: kept.get("mark").cloned().unwrap_or_default(),
            scan: kept.get("scan").and_then(Json::as_i64).unwrap_or_default(),
            whole_at: kept
                .get("whole_at")
                .and_then(Json::as_str)
                .and_then(|at| at.parse().ok()),
        }
    }

    fn to_json(&self) -> Json {
        json!({
            "mark": self.mark,
            "scan": self.scan,
            "whole_at": self.whole_at.map(|at| at.to_string()),
        })
    }
}

/// Whether everything is gone through: always without a mark, at first, and when `full` says so.
fn is_whole(poll: &Poll, cursor: &Cursor, now: Timestamp) -> bool {
    if poll.mark.is_none() || cursor.mark.is_null() {
        return true;
    }
    match (&poll.full, cursor.whole_at) {
        (None, _) => false,
        (Some(_), None) => true,
        // One that was made later than now was made under another clock.
        (Some(full), Some(last)) => last > now || full.after(last).is_some_and(|due| due <= now),
    }
}

/// One poll: all its pages.
pub(super) async fn turn(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    key: &Key,
) -> Result<(), Error> {
    let Some(found) = Found::new(snapshot, key) else {
        return Ok(());
    };
    let poll = found.poll;
    let now = live.clock.now();
    let kept_key = key.clone();
    let cursor = live
        .store
        .read(move |reader| reader.cursor(&kept_key.connection, &kept_key.signal))
        .await?;
    let mut cursor = Cursor::from_json(cursor.as_ref());
    let whole = is_whole(poll, &cursor, now);
    let known = if whole {
        Json::Null
    } else {
        cursor.mark.clone()
    };
    let scan = if whole || poll.of == PollOf::Events {
        now.as_millisecond().max(cursor.scan.saturating_add(1))
    } else {
        cursor.scan
    };
    let mut faults = false;
    let mut page = Page::first(poll.next.as_ref());
    for number in 1.. {
        live.store.room()?;
        let read = read_page(&live.clock, snapshot, &found, &page, &known).await?;
        faults |= read
            .cuts
            .iter()
            .any(|cut| cut.vendor_id.starts_with(UNREAD));
        for mark in read.cuts.iter().filter_map(|cut| cut.mark.as_ref()) {
            if order(mark, &cursor.mark) == Some(Ordering::Greater) || cursor.mark.is_null() {
                cursor.mark = mark.clone();
            }
        }
        let is_known = |cut: &Cut| {
            cut.mark
                .as_ref()
                .is_some_and(|mark| order(mark, &known) == Some(Ordering::Less))
        };
        let reached = read.cuts.iter().any(is_known);
        let mut cuts = read.cuts;
        cuts.retain(|cut| !is_known(cut));
        let raw = Arc::new(read.raw);
        while !cuts.is_empty() {
            let rest = cuts.split_off(cuts.len().min(AT_ONCE));
            keep_items(live, snapshot, key, cuts, scan, Arc::clone(&raw)).await?;
            cuts = rest;
        }
        match read.next {
            Some(next) if !reached && number < MOST_PAGES => page = next,
            Some(_) if !reached => return Err(Error::TooManyPages),
            _ => break,
        }
    }
    // An item that could not be read is not gone, but nobody knows which one it is.
    if poll.of == PollOf::Events || whole && !faults {
        gone(live, snapshot, key, scan).await?;
    }
    if whole {
        cursor.whole_at = Some(now);
        cursor.scan = scan;
    }
    let kept_key = key.clone();
    live.store
        .write(move |tx| tx.put_cursor(&kept_key.connection, &kept_key.signal, &cursor.to_json()))
        .await?;
    Ok(())
}

/// One answer, cut up.
pub(super) struct Read {
    pub(super) cuts: Vec<Cut>,
    raw: Raw,
    pub(super) next: Option<Page>,
}

/// The longest piece of a refusal that is told, in graphemes.
const LONGEST_SAID: usize = 200;

/// Asks for a page and cuts it up. Keeps nothing.
pub(super) async fn read_page(
    clock: &Clock,
    snapshot: &Snapshot,
    found: &Found<'_>,
    page: &Page,
    known: &Json,
) -> Result<Read, Error> {
    let Found {
        connection,
        rule,
        poll,
    } = found;
    let next = poll.next.as_ref();
    let (request, base) = {
        let mut input = Input::new(&connection.settings, clock.now());
        input.mark = known;
        let scope = rule.scope(&input);
        let first_url = connection.connector.first_url().unwrap_or_default();
        let mut request = poll.call.render(&scope, &Map::new(), first_url)?;
        let base = base_of(connection, &request);
        page.put_into(&mut request, next, base.as_ref())
            .map_err(Error::Next)?;
        (request, base)
    };
    let mut answer = ask(snapshot, connection, &request).await?;
    if !(200..300).contains(&answer.status) {
        return Err(Error::Status {
            status: answer.status,
            said: crate::untrusted::log(answer.text().trim(), LONGEST_SAID),
            retry_after: retry_after(&answer),
        });
    }
    let now = clock.now();
    let header = web::header_object(&answer.headers);
    let (cuts, next) = {
        let mut input = Input::new(&connection.settings, now);
        input.body = Value::from_json(answer.json().ok_or(Error::NotJson)?);
        input.header = &header;
        input.status = Some(answer.status);
        input.mark = known;
        let cuts = Draw::cut(rule, &input, || "poll".to_owned());
        let asked = page.asked_at(base.as_ref(), &request);
        let next = page
            .after(rule, next, &input, asked.as_ref())
            .map_err(Error::Next)?;
        (cuts, next)
    };
    let raw = Raw {
        body: Untrusted::new(std::mem::take(&mut answer.body)),
        headers: vec![(super::STATUS.to_owned(), answer.status.to_string())],
        path: None,
    };
    Ok(Read { cuts, raw, next })
}

pub(super) fn draw<'s>(
    snapshot: &'s Snapshot,
    connection: &'s Connection,
    now: Timestamp,
) -> Draw<'s> {
    Draw {
        catalog: &snapshot.catalog,
        connection,
        received_at: now,
        now,
    }
}

/// Which of two marks is later: numbers by value, also where they are written as texts; texts by their characters.
fn order(one: &Json, other: &Json) -> Option<Ordering> {
    let number = |mark: &Json| match mark {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    };
    match (one, other, number(one), number(other)) {
        (_, _, Some(one), Some(other)) => Some(one.cmp(&other)),
        (Json::Number(one), Json::Number(other), ..) => one.as_f64()?.partial_cmp(&other.as_f64()?),
        (Json::String(one), Json::String(other), ..) => Some(one.cmp(other)),
        _ => None,
    }
}
