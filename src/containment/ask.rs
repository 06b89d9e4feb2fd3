//! The doors of containment: asking, looking, waiting, withdrawing, reverting, freezing.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::plan::{self, Plan};
use super::progress::{Phase, Progress};
use super::refused::Refused;
use super::target::Target;
use super::{canonical, takes};
use crate::action::{Action, ActionId, Effect, State};
use crate::alert::AlertId;
use crate::catalog::Catalog;
use crate::live::Live;
use crate::store::{self, ActionFilter, Tx};

/// The flag under which Andon acts on nothing.
pub(super) const FREEZE: &str = "freeze";
/// So many requests may wait for their turn.
const MOST_QUEUED: u32 = 200;
/// The longest time limit: a year.
const LONGEST_TTL: u64 = 366 * 86_400;
/// The longest texts of a request that are kept, in bytes.
const LONGEST_TEXT: usize = 16 * 1024;
/// How often somebody who waits looks, should a bell be missed.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What somebody asks for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// `connector/verb`.
    pub action: String,
    /// The connection; needed where the connector has several.
    pub at: Option<String>,
    /// The arguments.
    pub with: Map<String, Json>,
    /// The alert it answers.
    pub alert: Option<AlertId>,
    /// The incident of the SOAR; hostile.
    pub incident: Option<Json>,
    /// Why; hostile.
    pub reason: Option<String>,
    /// How long it holds, counted from the proof.
    pub ttl_seconds: Option<u64>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// So that asking twice is asking once.
    pub idempotency_key: Option<String>,
    /// The caller.
    pub by: String,
}

/// What came of asking.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "made once a request, and moved once"
)]
pub enum Answer {
    /// What would be done; nothing was changed or kept.
    Planned(Plan),
    /// It is kept, and waits for its turn or is done already.
    Taken {
        /// As it stands now.
        action: Action,
        /// Whether it had been asked for before under the same key.
        replayed: bool,
    },
}

/// Checks a request, and plans it or keeps it for the worker.
///
/// # Errors
/// When it cannot be taken; see [`Refused`].
pub async fn ask(live: &Arc<Live>, ask: Ask) -> Result<Answer, Refused> {
    let snapshot = live.snapshot();
    let at = place(&snapshot.catalog, &ask)?;
    let gone = || Refused::Missing(format!("there is no action `{}` at `{at}`", ask.action));
    let target = Target::new(snapshot.clone(), &ask.action, &at).ok_or_else(gone)?;
    let rule = target.find().ok_or_else(gone)?.rule;
    let with = takes::check(rule, &ask.with).map_err(Refused::Bad)?;
    check_frame(&ask, rule.undo.is_empty())?;
    let fingerprint = canonical::digest(&json!({
        "action": ask.action, "at": at, "with": with, "alert": ask.alert, "ttl_seconds": ask.ttl_seconds,
    }));
    let now = live.clock.now();
    let action = Action {
        id: live.store.ids().next(now),
        action: ask.action,
        at,
        with,
        state: State::Queued,
        effect: Effect::None,
        changed: false,
        message: "It waits for its turn.".to_owned(),
        alert: ask.alert,
        by: ask.by,
        reason: ask.reason,
        incident: ask.incident,
        idempotency_key: ask.idempotency_key,
        fingerprint,
        requested_at: now,
        changed_at: now,
        proven_at: None,
        ttl_seconds: ask.ttl_seconds,
        until: None,
        revert_asked: false,
        drift: None,
        kept: Map::new(),
        after: Map::new(),
        progress: Progress::default().to_json(),
    };
    if ask.dry_run {
        return plan::plan(live, target, action).await.map(Answer::Planned);
    }
    // Intake stops early so that containment does not have to: only what stands in the way of every write
    // stops it, before anything is changed.
    match live.store.room() {
        Ok(()) | Err(store::Error::Full { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let asked = live.store.write(move |tx| keep(tx, action)).await??;
    if let Answer::Taken {
        action,
        replayed: false,
    } = &asked
    {
        count(live, action);
        live.actions.ring();
    }
    Ok(asked)
}

/// Inside the transaction: what was asked for before is given back, what is new is kept.
fn keep(tx: &mut Tx<'_>, action: Action) -> Result<Result<Answer, Refused>, store::Error> {
    if let Some(key) = &action.idempotency_key
        && let Some(known) = tx.action_asked_for(&action.by, key)?
    {
        return Ok(if known.fingerprint == action.fingerprint {
            Ok(Answer::Taken {
                action: known,
                replayed: true,
            })
        } else {
            Err(Refused::KeyReused(format!(
                "the idempotency key was used before, for other content: see {}",
                known.id
            )))
        });
    }
    if let Some(flag) = tx.flag(FREEZE)? {
        return Ok(Err(Refused::Frozen {
            by: flag.who,
            why: flag.why,
        }));
    }
    if let Some(alert) = action.alert
        && tx.alert(alert)?.is_none()
    {
        return Ok(Err(Refused::Missing(format!("there is no alert {alert}"))));
    }
    let queued = ActionFilter {
        state: Some(State::Queued),
        ..ActionFilter::default()
    };
    let most = usize::try_from(MOST_QUEUED).unwrap_or(usize::MAX);
    if tx.actions(&queued, MOST_QUEUED)?.len() >= most {
        return Ok(Err(Refused::Unavailable(format!(
            "{MOST_QUEUED} actions wait for their turn already; ask again later"
        ))));
    }
    tx.put_action(&action)?;
    tx.audit(
        &action.by,
        "action.requested",
        &json!({
            "id": action.id, "action": action.action, "at": action.at, "with": action.with, "alert": action.alert,
            "ttl_seconds": action.ttl_seconds, "reason": action.reason,
        }),
    )?;
    Ok(Ok(Answer::Taken {
        action,
        replayed: false,
    }))
}

fn place(catalog: &Catalog, ask: &Ask) -> Result<String, Refused> {
    let Some((connector, _)) = catalog.action(&ask.action) else {
        let known: Vec<String> = catalog
            .connectors
            .values()
            .flat_map(|connector| {
                connector
                    .actions
                    .iter()
                    .map(|action| format!("{}/{}", connector.name, action.name))
            })
            .collect();
        let meant = crate::diag::nearest(&ask.action, known.iter().map(String::as_str))
            .map(|meant| format!("; did you mean `{meant}`?"))
            .unwrap_or_default();
        return Err(Refused::Missing(format!(
            "`action`: there is no action `{}`{meant}",
            crate::untrusted::person(&ask.action, 80)
        )));
    };
    let fitting: Vec<&str> = catalog
        .config
        .connections
        .iter()
        .filter(|connection| connection.connector.name == connector.name)
        .map(|connection| connection.name.as_str())
        .collect();
    let choices = || match fitting.as_slice() {
        [] => format!("no connection uses the connector `{}`", connector.name),
        _ => format!("write one of {}", fitting.join(", ")),
    };
    match (&ask.at, fitting.as_slice()) {
        (Some(at), _) if fitting.contains(&at.as_str()) => Ok(at.clone()),
        (Some(at), _) => Err(Refused::Bad(format!(
            "`at`: `{}` is no connection of `{}`; {}",
            crate::untrusted::person(at, 80),
            connector.name,
            choices()
        ))),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => Err(Refused::Bad(format!(
            "`at` is needed to say where: {}",
            choices()
        ))),
    }
}

fn check_frame(ask: &Ask, for_good: bool) -> Result<(), Refused> {
    match ask.ttl_seconds {
        Some(0) => {
            return Err(Refused::Bad(
                "`ttl_seconds`: at least 1 is needed; leave it out for no limit".to_owned(),
            ));
        }
        Some(ttl) if ttl > LONGEST_TTL => {
            return Err(Refused::Bad(format!(
                "`ttl_seconds`: at most {LONGEST_TTL} (a year) is allowed"
            )));
        }
        Some(_) if for_good => {
            return Err(Refused::Bad(
                "`ttl_seconds`: this action cannot be undone, so it can have no time limit"
                    .to_owned(),
            ));
        }
        _ => {}
    }
    let incident = ask.incident.as_ref().map(|value| value.to_string().len());
    let long = [
        ("reason", ask.reason.as_ref().map(String::len)),
        ("incident", incident),
        (
            "idempotency_key",
            ask.idempotency_key.as_ref().map(String::len),
        ),
    ];
    match long
        .into_iter()
        .find(|(_, length)| *length > Some(LONGEST_TEXT))
    {
        Some((name, _)) => Err(Refused::Bad(format!(
            "`{name}` is longer than {LONGEST_TEXT} bytes"
        ))),
        None => Ok(()),
    }
}

/// An action as it stands.
///
/// # Errors
/// When the store fails.
pub async fn action(live: &Arc<Live>, id: ActionId) -> Result<Option<Action>, store::Error> {
    live.store.read(move |reader| reader.action(id)).await
}

/// An action once it is no longer open, or as it stands after `at_most`.
///
/// # Errors
/// When the store fails.
pub async fn wait(
    live: &Arc<Live>,
    id: ActionId,
    at_most: Duration,
) -> Result<Option<Action>, store::Error> {
    let end = tokio::time::Instant::now() + at_most;
    let mut bell = live.actions.listen();
    loop {
        bell.catch_up();
        let found = action(live, id).await?;
        if !found.as_ref().is_some_and(Action::is_open) {
            return Ok(found);
        }
        let next = (tokio::time::Instant::now() + LOOK_EVERY).min(end);
        tokio::select! {
            () = live.stop.cancelled() => return Ok(found),
            () = bell.changed() => {}
            () = tokio::time::sleep_until(next) => {
                if next >= end {
                    return action(live, id).await;
                }
            }
        }
    }
}

/// Withdraws an action before anything was applied.
///
/// # Errors
/// 404 for an unknown action; 409 when something was, or may have been, applied.
pub async fn cancel(live: &Arc<Live>, id: ActionId, by: &str) -> Result<Action, Refused> {
    let who = by.to_owned();
    let action = live
        .store
        .write(move |tx| {
            let Some(mut action) = tx.action(id)? else {
                return Ok(Err(missing(id)));
            };
            let untouched = match action.state {
                State::PendingApproval | State::Approved | State::Queued => true,
                State::Running => Progress::of(&action).is_untouched(),
                State::Cancelled => return Ok(Ok(action)),
                _ => false,
            };
            if !untouched {
                return Ok(Err(Refused::Conflict(format!(
                    "{id} is {}: revert it instead",
                    action.state.as_str()
                ))));
            }
            action.state = State::Cancelled;
            action.message = format!("Withdrawn by {who} before anything was applied.");
            action.changed_at = tx.now();
            tx.put_action(&action)?;
            tx.audit(&who, "action.cancelled", &json!({ "id": id }))?;
            Ok(Ok(action))
        })
        .await??;
    count(live, &action);
    live.actions.ring();
    Ok(action)
}

/// Asks for an action to be undone. Asking again gives it as it stands.
///
/// # Errors
/// 404 for an unknown action; 409 when it cannot be undone, or nothing is there to undo; 423 when frozen.
pub async fn revert(live: &Arc<Live>, id: ActionId, by: &str) -> Result<Action, Refused> {
    let who = by.to_owned();
    let snapshot = live.snapshot();
    let action = live
        .store
        .write(move |tx| {
            let Some(mut action) = tx.action(id)? else {
                return Ok(Err(missing(id)));
            };
            match action.state {
                State::Reverted => return Ok(Ok(action)),
                State::Reverting if action.revert_asked => return Ok(Ok(action)),
                _ => {}
            }
            if let Some(flag) = tx.flag(FREEZE)? {
                return Ok(Err(Refused::Frozen {
                    by: flag.who,
                    why: flag.why,
                }));
            }
            if let Some(refused) = irreversible(&snapshot.catalog, &action) {
                return Ok(Err(refused));
            }
            if action.state != State::Reverting {
                Progress::of(&action).begin_undo(&mut action);
            }
            action.revert_asked = true;
            action.message = format!("It is being undone, as {who} asked.");
            action.changed_at = tx.now();
            tx.put_action(&action)?;
            tx.audit(&who, "action.revert_asked", &json!({ "id": id }))?;
            Ok(Ok(action))
        })
        .await??;
    live.actions.ring();
    Ok(action)
}

fn irreversible(catalog: &Catalog, action: &Action) -> Option<Refused> {
    let id = action.id;
    match action.state {
        State::Reverting | State::RevertConflict | State::RevertFailed => {}
        State::Succeeded | State::Failed if action.changed => {}
        State::Succeeded | State::Failed => {
            return Some(Refused::Conflict(format!(
                "{id} changed nothing: there is nothing to undo"
            )));
        }
        state => {
            return Some(Refused::Conflict(format!(
                "{id} is {}: it can be reverted once that is over",
                state.as_str()
            )));
        }
    }
    match catalog.action(&action.action) {
        None => Some(Refused::Conflict(format!(
            "`{}` is no longer configured: nothing knows how to undo it",
            action.action
        ))),
        Some((_, rule)) if rule.undo.is_empty() => Some(Refused::Conflict(format!(
            "`{}` cannot be undone",
            action.action
        ))),
        Some(_) => None,
    }
}

fn missing(id: ActionId) -> Refused {
    Refused::Missing(format!("there is no action {id}"))
}

/// Stops Andon from applying or undoing anything. Gives `false` when it was frozen before.
///
/// # Errors
/// When the store fails.
pub async fn freeze(live: &Arc<Live>, by: &str, why: &str) -> Result<bool, store::Error> {
    let (by, why) = (by.to_owned(), crate::untrusted::person(why, 500));
    live.store
        .write(move |tx| {
            let raised = tx.raise_flag(FREEZE, &by, &why)?;
            if raised {
                tx.audit(&by, "freeze", &json!({ "why": why }))?;
            }
            Ok(raised)
        })
        .await
}

/// Lets Andon act again. Gives `false` when it was not frozen.
///
/// # Errors
/// When the store fails.
pub async fn unfreeze(live: &Arc<Live>, by: &str) -> Result<bool, store::Error> {
    let by = by.to_owned();
    let lowered = live
        .store
        .write(move |tx| {
            let lowered = tx.lower_flag(FREEZE)?;
            if lowered {
                tx.audit(&by, "unfreeze", &json!({}))?;
            }
            Ok(lowered)
        })
        .await?;
    live.actions.ring();
    Ok(lowered)
}

/// Counts a state that an action has come to.
pub(super) fn count(live: &Live, action: &Action) {
    let (name, state) = (&action.action, action.state.as_str());
    live.meters.actions.add(name, state, 1);
}

impl Progress {
    /// Puts `action` on its way back.
    pub(super) fn begin_undo(mut self, action: &mut Action) {
        self.phase = Phase::Undoing;
        self.step = 0;
        self.sent = None;
        self.tries = 0;
        action.state = State::Reverting;
        // Whether it is still Andon's own is for `ours` to say, now.
        if let Some(drift) = action.drift.take() {
            action.effect = drift.held;
        }
        action.progress = self.to_json();
    }
}
