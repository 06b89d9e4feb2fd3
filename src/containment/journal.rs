//! What a run keeps: each change before it is sent and after it was answered, and what came of it all.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::ask::{FREEZE, count};
use super::pace::Stop;
use super::run::{Next, Run};
use crate::action::{Action, Call, Effect, State};
use crate::alert::{AlertId, Said, State as AlertState};
use crate::catalog::Catalog;
use crate::connector::EchoOf;
use crate::signal::SignalName;
use crate::store::{self, Expected, Tx};
use crate::triage::{Why, revise, still_quiet_at};

/// Older notes of an alert make room.
const MOST_NOTES: usize = 50;

/// What is kept in one transaction beside the action itself.
#[derive(Default)]
struct Entry {
    /// A change that is about to be sent.
    sending: Option<(Call, Vec<Awaited>)>,
    /// Whether the run ends with it.
    last: bool,
    /// A word for the audit.
    audit: Option<&'static str>,
    /// A note for the alert that it answers.
    note: Option<String>,
}

/// A signal that a change will cause.
struct Awaited {
    name: SignalName,
    expected: Json,
    within: std::time::Duration,
}

enum Wrote {
    Kept,
    Cancelled,
    Frozen,
}

impl Run {
    /// Keeps how far it is.
    pub(super) async fn save(&mut self) -> Result<(), Stop> {
        self.write(Entry::default()).await
    }

    /// Keeps how far it is, with a word for the audit.
    pub(super) async fn save_as(&mut self, what: &'static str) -> Result<(), Stop> {
        self.write(Entry {
            audit: Some(what),
            ..Entry::default()
        })
        .await
    }

    /// Keeps that a change is about to be sent, and what it will cause. After this it counts as sent.
    pub(super) async fn save_sending(&mut self, mut call: Call, of: EchoOf) -> Result<Call, Stop> {
        call.at = self.live.clock.now();
        let awaited = self.awaited(of);
        self.progress.tries = self.progress.tries.saturating_add(1);
        let entry = Entry {
            sending: Some((call.clone(), awaited)),
            ..Entry::default()
        };
        self.write(entry).await?;
        Ok(call)
    }

    /// Ends the run: keeps what became of it, says so in the audit and to the alert.
    pub(super) async fn finish(
        &mut self,
        state: State,
        effect: Effect,
        what: &'static str,
        message: String,
    ) -> Result<Next, Stop> {
        let moved = self.action.state != state;
        self.action.state = state;
        self.action.effect = effect;
        self.action.message = message;
        let entry = Entry {
            last: true,
            audit: Some(what),
            note: moved.then(|| format!("{}: {}", self.action.action, self.action.message)),
            ..Entry::default()
        };
        self.write(entry).await?;
        if moved {
            count(&self.live, &self.action);
        }
        if self.action.alert.is_some() {
            self.live.owed.ring();
        }
        Ok(Next::Over)
    }

    fn awaited(&self, of: EchoOf) -> Vec<Awaited> {
        let Some(parts) = self.target.find() else {
            return Vec::new();
        };
        let known = self.known();
        let mut names = known.with;
        names.extend(known.kept);
        names.insert("settings".to_owned(), known.settings);
        let word = match of {
            EchoOf::Do => "do",
            EchoOf::Undo => "undo",
        };
        let mut awaited: Vec<Awaited> = Vec::new();
        for echo in parts.rule.echo.iter().filter(|echo| echo.of == of) {
            match awaited
                .iter_mut()
                .find(|known| known.name.signal == echo.signal)
            {
                Some(known) => known.within = known.within.max(echo.within),
                None => awaited.push(Awaited {
                    name: SignalName {
                        connector: parts.connector.name.clone(),
                        signal: echo.signal.clone(),
                    },
                    expected: json!({ "action": self.action.action, "of": word, "names": names }),
                    within: echo.within,
                }),
            }
        }
        awaited
    }

    async fn write(&mut self, entry: Entry) -> Result<(), Stop> {
        self.pace.point()?;
        self.action.changed_at = self.live.clock.now();
        let mut action = self.action.clone();
        let mut progress = self.progress.clone();
        let calls = self.calls.clone();
        let answered = self.answered.clone();
        let withdrawn = self.withdrawn.clone();
        let target = Arc::clone(&self.target);
        let sending = entry.sending.is_some();
        // What lies between a change that is sent and the end need not survive a power cut: the journal
        // says that it was sent, and what became of it is read. The sync of the change covers what was
        // kept before it.
        let synced = sending || entry.last;
        let job = move |tx: &mut Tx<'_>| {
            let stored = tx.action(action.id)?;
            let was = stored.as_ref().map(|stored| stored.state);
            if was == Some(State::Cancelled) {
                return Ok((Wrote::Cancelled, action, progress));
            }
            action.revert_asked |= stored.as_ref().is_some_and(|stored| stored.revert_asked);
            for call in &calls {
                tx.add_call(action.id, call)?;
                audit_call(tx, &action, call)?;
            }
            if let Some((seq, call)) = &answered {
                tx.put_call(action.id, *seq, call)?;
                audit_call(tx, &action, call)?;
            }
            for echo in withdrawn {
                tx.withdraw_echo(echo)?;
            }
            if sending && let Some(flag) = tx.flag(FREEZE)? {
                action.message = format!("It waits: Andon is frozen by {}: {}", flag.who, flag.why);
                progress.tries = progress.tries.saturating_sub(1);
                action.progress = progress.to_json();
                tx.put_action(&action)?;
                return Ok((Wrote::Frozen, action, progress));
            }
            if let Some((call, awaited)) = entry.sending {
                progress.sent = Some(tx.add_call(action.id, &call)?);
                progress.echoes = expect(tx, &action, awaited)?;
            }
            action.progress = progress.to_json();
            tx.put_action(&action)?;
            if let Some(what) = entry.audit {
                tx.audit("andon", what, &about(&action))?;
            }
            if let (Some(alert), Some(text)) = (action.alert, entry.note) {
                tell(tx, target.catalog(), alert, text)?;
            }
            Ok((Wrote::Kept, action, progress))
        };
        let store = &self.live.store;
        let (wrote, action, progress) = if synced {
            store.write(job).await?
        } else {
            store.write_unsynced(job).await?
        };
        let moved = self.action.state != action.state || !sending;
        self.action = action;
        self.progress = progress;
        self.calls.clear();
        self.answered = None;
        self.withdrawn.clear();
        if moved {
            self.live.actions.ring();
        }
        self.pace.point()?;
        match wrote {
            Wrote::Kept => Ok(()),
            Wrote::Cancelled => Err(Stop::Cancelled),
            Wrote::Frozen => Err(Stop::Frozen),
        }
    }
}

fn expect(
    tx: &mut Tx<'_>,
    action: &Action,
    awaited: Vec<Awaited>,
) -> Result<Vec<i64>, store::Error> {
    let from = tx.now();
    let mut echoes = Vec::new();
    for one in awaited {
        echoes.push(tx.expect_echo(&Expected {
            connection: action.at.clone(),
            name: one.name,
            action: action.id,
            expected: one.expected,
            from,
            until: from.checked_add(one.within).unwrap_or(from),
        })?);
    }
    Ok(echoes)
}

/// Never what was kept: it may hold what the platform keeps to itself.
fn about(action: &Action) -> Json {
    json!({
        "id": action.id,
        "action": action.action,
        "at": action.at,
        "state": action.state,
        "effect": action.effect,
        "changed": action.changed,
        "until": action.until,
        "alert": action.alert,
    })
}

pub(super) fn audit_call(
    tx: &mut Tx<'_>,
    action: &Action,
    call: &Call,
) -> Result<(), store::Error> {
    let about = json!({ "id": action.id, "call": call });
    tx.audit("andon", "action.call", &about).map(drop)
}

/// Adds a note to the alert that an action answers; a new revision carries it to whoever was told of the alert.
pub(super) fn tell(
    tx: &mut Tx<'_>,
    catalog: &Catalog,
    id: AlertId,
    text: String,
) -> Result<(), store::Error> {
    let Some(known) = tx.alert(id)? else {
        return Ok(());
    };
    let now = tx.now();
    let mut alert = known.as_ref().clone();
    alert.revision = alert.revision.saturating_add(1);
    if alert.state != AlertState::Resolved {
        alert.state = AlertState::Updated;
    }
    alert.notes.push(Said {
        by: "andon".to_owned(),
        at: now,
        text,
    });
    let over = alert.notes.len().saturating_sub(MOST_NOTES);
    alert.notes.drain(..over);
    let quiet = still_quiet_at(tx, catalog, &alert)?;
    revise(tx, catalog, alert, Why::Changed, now, quiet).map(drop)
}
