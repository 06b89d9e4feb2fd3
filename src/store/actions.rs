//! Actions, their calls, and what a caller asked for once.

use jiff::Timestamp;

use super::columns::{from_ms, ms};
use super::error::{Error, from_json, to_json};
use super::tx::{Reader, Tx};
use crate::action::{Action, ActionId, Call, State};
use crate::alert::AlertId;
use crate::id::Id;

/// Which actions to list; the newest come first.
#[derive(Debug, Clone, Default)]
pub struct ActionFilter {
    /// In this state.
    pub state: Option<State>,
    /// `connector/verb`.
    pub action: Option<String>,
    /// On this connection.
    pub connection: Option<String>,
    /// Answering this alert.
    pub alert: Option<AlertId>,
    /// The page before this one ended here.
    pub before: Option<ActionId>,
}

/// Whether something is left to do before the time limit.
fn is_unfinished(action: &Action) -> bool {
    action.is_open() || matches!(action.state, State::Reverting | State::Unknown)
}

impl Tx<'_> {
    /// Keeps an action as it now is. Its idempotency key must be free: see
    /// [`Reader::action_asked_for`].
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_action(&mut self, action: &Action) -> Result<(), Error> {
        self.put(
            "keep an action",
            "INSERT INTO actions (id, open, until_ms, alert, state, action, connection, caller, idempotency_key, json)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (id) DO UPDATE SET open = excluded.open, until_ms = excluded.until_ms,
                state = excluded.state, json = excluded.json",
            (
                action.id.raw(),
                is_unfinished(action),
                action.until.map(ms),
                action.alert.map(Id::raw),
                action.state.as_str(),
                &action.action,
                &action.at,
                &action.by,
                &action.idempotency_key,
                to_json("an action", action)?,
            ),
        )
        .map(drop)
    }

    /// Keeps a call that an action made, after those before it. Gives its place.
    ///
    /// # Errors
    /// When the store fails.
    pub fn add_call(&mut self, action: ActionId, call: &Call) -> Result<u32, Error> {
        let last = self.number(
            "read an action's last call",
            "SELECT coalesce(max(seq), 0) FROM calls WHERE action = ?1",
            [action.raw()],
        )?;
        let seq = u32::try_from(last).unwrap_or(u32::MAX).saturating_add(1);
        self.put_call(action, seq, call)?;
        Ok(seq)
    }

    /// Replaces a call, once its answer is known.
    ///
    /// # Errors
    /// When the store fails.
    pub fn put_call(&mut self, action: ActionId, seq: u32, call: &Call) -> Result<(), Error> {
        self.put(
            "keep a call",
            "INSERT INTO calls (action, seq, json) VALUES (?1, ?2, ?3)
             ON CONFLICT (action, seq) DO UPDATE SET json = excluded.json",
            (action.raw(), seq, to_json("a call", call)?),
        )
        .map(drop)
    }
}

impl Reader<'_> {
    /// An action.
    ///
    /// # Errors
    /// When the store fails.
    pub fn action(&self, id: ActionId) -> Result<Option<Action>, Error> {
        self.one(
            "read an action",
            "SELECT json FROM actions WHERE id = ?1",
            [id.raw()],
            |row| row.get::<_, String>(0),
        )?
        .map(|json| from_json("action", id.raw(), &json))
        .transpose()
    }

    /// What a caller asked for under an idempotency key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn action_asked_for(&self, caller: &str, key: &str) -> Result<Option<Action>, Error> {
        self.action_rows(
            "look for what was asked for before",
            "SELECT id, json FROM actions WHERE caller = ?1 AND idempotency_key = ?2",
            (caller, key),
        )
        .map(|found| found.into_iter().next())
    }

    /// Actions that pass `filter`, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn actions(&self, filter: &ActionFilter, limit: u32) -> Result<Vec<Action>, Error> {
        self.action_rows(
            "list actions",
            "SELECT id, json FROM actions WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR action = ?2)
             AND (?3 IS NULL OR connection = ?3) AND (?4 IS NULL OR alert = ?4) AND id < ?5
             ORDER BY id DESC LIMIT ?6",
            (
                filter.state.map(State::as_str),
                &filter.action,
                &filter.connection,
                filter.alert.map(Id::raw),
                filter.before.map_or(i64::MAX, Id::raw),
                limit,
            ),
        )
    }

    /// Actions with something left to do: what a start takes up again, the oldest first. Those that
    /// are being undone and those that are `unknown` are among them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unfinished_actions(&self) -> Result<Vec<Action>, Error> {
        self.action_rows(
            "read which actions are unfinished",
            "SELECT id, json FROM actions INDEXED BY actions_open WHERE open = 1 ORDER BY id",
            [],
        )
    }

    /// How many actions have something left to do.
    ///
    /// # Errors
    /// When the store fails.
    pub fn count_unfinished_actions(&self) -> Result<u64, Error> {
        self.number(
            "count unfinished actions",
            "SELECT count(*) FROM actions INDEXED BY actions_open WHERE open = 1",
            [],
        )
        .map(|count| u64::try_from(count).unwrap_or(0))
    }

    /// Actions whose `until` has passed. Containment clears it, or moves the state on.
    ///
    /// # Errors
    /// When the store fails.
    pub fn actions_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Action>, Error> {
        self.action_rows(
            "read which actions have reached their time limit",
            "SELECT id, json FROM actions WHERE until_ms <= ?1 AND state = 'succeeded' ORDER BY until_ms, id LIMIT ?2",
            (ms(now), limit),
        )
    }

    /// When the next action reaches its time limit.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_action_due(&self) -> Result<Option<Timestamp>, Error> {
        let next = self.one(
            "read when an action reaches its time limit",
            "SELECT until_ms FROM actions WHERE until_ms > 0 AND state = 'succeeded' ORDER BY until_ms LIMIT 1",
            [],
            |row| row.get::<_, i64>(0),
        )?;
        Ok(next.map(from_ms))
    }

    /// The calls of an action, in the order they were made.
    ///
    /// # Errors
    /// When the store fails.
    pub fn calls(&self, action: ActionId) -> Result<Vec<Call>, Error> {
        self.many(
            "read an action's calls",
            "SELECT json FROM calls WHERE action = ?1 ORDER BY seq",
            [action.raw()],
            |row| row.get::<_, String>(0),
        )?
        .iter()
        .map(|json| from_json("call of action", action.raw(), json))
        .collect()
    }

    fn action_rows(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<Action>, Error> {
        self.many(doing, sql, parameters, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?
        .iter()
        .map(|(id, json)| from_json("action", *id, json))
        .collect()
    }
}
