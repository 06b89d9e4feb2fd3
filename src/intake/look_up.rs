//! Look-ups: what a mapping has to ask before it can judge. After the 202, from the store, and so
//! also after a restart; tried again until it is answered, at most a day.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use tokio::task::JoinSet;

use super::ask::{ask, pause, retry_after};
use super::draw::said;
use super::keep::count_judged;
use crate::connector::StepVerdict;
use crate::expr::Value;
use crate::live::{Live, Snapshot};
use crate::mapping::{self, Mapping, Stuck};
use crate::shape::Request;
use crate::signal::{Signal, SignalId};
use crate::store::{self, LookUp, StandingKind};
use crate::triage;
use crate::untrusted;
use crate::web::{self, Answer};

/// How many signals are looked up for at the same time.
const AT_ONCE: usize = 8;
/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// After so long a signal is stuck.
const GIVE_UP_AFTER: Duration = Duration::from_hours(24);
/// The longest sleep, so that a jump of the clock is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// The longest reason that is kept, in graphemes.
const LONGEST_REASON: usize = 500;

/// Looks up until the daemon stops. What is under way then is asked again after the next start.
pub(super) async fn run(live: Arc<Live>) {
    let mut rung = live.look_ups.listen();
    let mut under_way: JoinSet<SignalId> = JoinSet::new();
    let mut busy = HashSet::new();
    loop {
        let wait = match start_due(&live, &mut under_way, &mut busy).await {
            Ok(wait) => wait,
            Err(error) => {
                let reason = said("look-ups", &error);
                tracing::warn!(reason, "the store could not say which look-ups are due");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = live.stop.cancelled() => return,
            Some(done) = under_way.join_next() => {
                if let Ok(signal) = done {
                    busy.remove(&signal);
                } else {
                    // Which one it was is not known any more; those that are done are not due again.
                    under_way.abort_all();
                    busy.clear();
                }
            }
            () = rung.changed() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Starts what is due, and says how long until the next is.
async fn start_due(
    live: &Arc<Live>,
    under_way: &mut JoinSet<SignalId>,
    busy: &mut HashSet<SignalId>,
) -> Result<Duration, store::Error> {
    let now = live.clock.now();
    let limit = u32::try_from(AT_ONCE * 2).unwrap_or(u32::MAX);
    let (due, next) = live
        .store
        .read(move |reader| Ok((reader.look_ups_due(now, limit)?, reader.next_look_up()?)))
        .await?;
    let all_due = due.len();
    for look_up in due {
        if under_way.len() >= AT_ONCE {
            break;
        }
        if !busy.insert(look_up.signal) {
            continue;
        }
        let live = Arc::clone(live);
        under_way.spawn(async move {
            let signal = look_up.signal;
            if let Err(error) = make(&live, look_up).await {
                let reason = said("look-up", &error);
                tracing::warn!(%signal, reason, "a look-up could not be kept; it is made again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            signal
        });
    }
    let wait = match next {
        None => LONGEST_SLEEP,
        Some(_) if all_due > 0 => Duration::from_secs(1),
        Some(next) => next.duration_since(now).unsigned_abs().min(LONGEST_SLEEP),
    };
    Ok(wait)
}

/// Why there is no value: it is asked for again, perhaps not before a while, or never.
enum Failed {
    Again(String, Option<Duration>),
    Never(String),
}

/// Makes all look-ups that one signal waits for, and judges by what is found.
pub(super) async fn make(live: &Arc<Live>, look_up: LookUp) -> Result<(), store::Error> {
    let id = look_up.signal;
    let Some(kept) = live.store.read(move |reader| reader.signal(id)).await? else {
        return Ok(());
    };
    if kept.standing != StandingKind::Waiting {
        return Ok(());
    }
    let snapshot = live.snapshot();
    let signal = kept.signal;
    let progress = &look_up.progress;
    let wanted = names(progress.get("mappings"));
    let mut again = names(progress.get("stuck"));
    let mut found = already_found(progress.get("found"));
    let mut ready = Vec::new();
    let mut waiting = Vec::new();
    let mut stuck = Vec::new();
    let mut failure = None;
    let mut longest_wait = Duration::ZERO;
    for name in wanted {
        // A mapping that is gone, or looks nothing up any more, keeps nobody waiting.
        let Some(mapping) = snapshot.catalog.mappings.get(&name) else {
            continue;
        };
        let values = found.entry(name.clone()).or_default();
        match ask_all(&snapshot, mapping, &signal, values).await {
            Ok(()) => ready.push(name),
            Err(Failed::Again(reason, wait)) => {
                failure = Some(untrusted::log(&reason, LONGEST_REASON));
                longest_wait = longest_wait.max(wait.unwrap_or_default());
                waiting.push(name);
            }
            Err(Failed::Never(reason)) => stuck.push(gave_up(&name, &reason)),
        }
    }
    let now = live.clock.now();
    // From the first try, not from the signal's receipt: one that is retried later has its day too.
    let since = progress
        .get("since")
        .and_then(Json::as_str)
        .and_then(|since| since.parse().ok())
        .unwrap_or(now);
    let given_up = now.duration_since(since)
        >= jiff::SignedDuration::try_from(GIVE_UP_AFTER).unwrap_or_default();
    if given_up {
        let reason = failure.clone().unwrap_or_default();
        stuck.extend(waiting.drain(..).map(|name| gave_up(&name, &reason)));
    }
    // Those that were stuck before are asked once more at the end, so that their reason is kept.
    let mut only = ready;
    if waiting.is_empty() {
        only.append(&mut again);
    }
    let mut judged = triage::judge(&snapshot.catalog, signal, &found, Some(&only));
    // One that was refused before and is judged again asks once more.
    waiting.append(&mut judged.waiting);
    judged.waiting.clone_from(&waiting);
    again.extend(stuck.iter().map(|stuck| stuck.mapping.clone()));
    again.extend(judged.stuck.iter().map(|stuck| stuck.mapping.clone()));
    judged.stuck.extend(stuck);
    found.retain(|name, _| waiting.contains(name));
    let attempts = look_up.attempts.saturating_add(1);
    let pause = pause(&live.clock, FIRST_PAUSE, attempts).max(longest_wait);
    let mut waits = (!waiting.is_empty()).then(|| LookUp {
        signal: id,
        attempts,
        next_at: now,
        progress: json!({ "mappings": waiting, "found": found, "stuck": again, "reason": "", "since": since.to_string() }),
        error: failure,
    });
    let catalog = Arc::clone(&snapshot);
    let (touched, judged) = live
        .store
        .write(move |tx| {
            let touched = triage::settle(tx, &catalog.catalog, &mut judged, None)?;
            if let Some(waits) = &mut waits {
                // From here on: the time of day may have jumped since it was asked.
                waits.next_at = tx.now().checked_add(pause).unwrap_or(now);
                tx.wait_for_look_up(waits)?;
            }
            Ok((!touched.is_empty(), judged))
        })
        .await?;
    count_judged(live, &judged);
    if touched {
        live.owed.ring();
    }
    Ok(())
}

fn gave_up(mapping: &str, reason: &str) -> Stuck {
    Stuck {
        mapping: mapping.to_owned(),
        part: "look_up",
        reason: untrusted::log(reason, LONGEST_REASON),
    }
}

fn names(list: Option<&Json>) -> Vec<String> {
    let items = list.and_then(Json::as_array).into_iter().flatten();
    items
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect()
}

fn already_found(found: Option<&Json>) -> BTreeMap<String, Map<String, Json>> {
    let entries = found.and_then(Json::as_object).into_iter().flatten();
    entries
        .filter_map(|(name, values)| Some((name.clone(), values.as_object()?.clone())))
        .collect()
}

/// Asks for what is not in `values` yet, in the order written: each may use those before it.
async fn ask_all(
    snapshot: &Snapshot,
    mapping: &Arc<Mapping>,
    signal: &Signal,
    values: &mut Map<String, Json>,
) -> Result<(), Failed> {
    for look_up in &mapping.look_up {
        if values.contains_key(&look_up.name) {
            continue;
        }
        let value = ask_one(snapshot, mapping, look_up, signal, values).await?;
        values.insert(look_up.name.clone(), value);
    }
    Ok(())
}

async fn ask_one(
    snapshot: &Snapshot,
    mapping: &Mapping,
    look_up: &mapping::LookUp,
    signal: &Signal,
    values: &Map<String, Json>,
) -> Result<Json, Failed> {
    let at = look_up.at.as_ref().unwrap_or(&signal.connection);
    let Some(connection) = snapshot.catalog.config.connection(at) else {
        return Err(Failed::Never(format!("there is no connection `{at}`")));
    };
    let first_url = connection.connector.first_url().unwrap_or_default();
    let request: Result<Request, _> = {
        let scope = mapping.scope(&mapping.names, signal, values);
        look_up.call.render(&scope, &Map::new(), first_url)
    };
    let request = match request {
        Ok(request) => request,
        Err(error) => return Err(Failed::Never(said(&look_up.name, &error))),
    };
    match ask(snapshot, connection, &request).await {
        Ok(answer) => meaning(mapping, look_up, signal, values, &answer),
        Err(error) if error.again() == web::Again::No => {
            Err(Failed::Never(said(&look_up.name, &error)))
        }
        Err(error) => Err(Failed::Again(said(&look_up.name, &error), None)),
    }
}

/// What an answer says: by the mapping's own `answers`, else 2xx is done and 404 is null.
fn meaning(
    mapping: &Mapping,
    look_up: &mapping::LookUp,
    signal: &Signal,
    values: &Map<String, Json>,
    answer: &Answer,
) -> Result<Json, Failed> {
    let text = answer.text();
    let header = web::header_object(&answer.headers);
    let mut scope = mapping.scope(&mapping.names, signal, values);
    let values = [
        ("status", Value::Int(i64::from(answer.status))),
        ("body", answer.json().map_or(Value::Null, Value::from_json)),
        ("text", Value::Text(text.as_ref().into())),
        ("header", Value::from_json(&header)),
    ];
    for (name, value) in values {
        if let Some(slot) = mapping.names.slot(name) {
            scope.set(slot, value);
        }
    }
    let verdict = look_up
        .answers
        .iter()
        .find(|case| match &case.when {
            None => true,
            Some(when) => when.holds(&scope).unwrap_or(false),
        })
        .map_or_else(|| usual(answer.status), |case| case.verdict);
    let what = format!("{}: the answer has status {}", look_up.name, answer.status);
    match verdict {
        StepVerdict::Done | StepVerdict::AlreadyDone => match look_up.keep.eval(&scope) {
            Ok(value) => Ok(value.to_json().unwrap_or_default()),
            Err(error) => Err(Failed::Never(said(&what, &error))),
        },
        StepVerdict::None => Ok(Json::Null),
        StepVerdict::Refused => Err(Failed::Never(what)),
        StepVerdict::Wait | StepVerdict::Stale | StepVerdict::Unknown => {
            Err(Failed::Again(what, retry_after(answer)))
        }
    }
}

/// What an answer means where the mapping says nothing.
fn usual(status: u16) -> StepVerdict {
    match status {
        200..=299 => StepVerdict::Done,
        404 => StepVerdict::None,
        400..=499 if !matches!(status, 408 | 409 | 425 | 429) => StepVerdict::Refused,
        _ => StepVerdict::Unknown,
    }
}
