//! Retention of what is over: closed alerts with their revisions, finished actions with their calls.
//!
//! An alert stays while it is open, is owed to a destination, lies dead, answers to an action that is
//! kept, or a signal that is kept counts in it. An action stays while something is left to do, and
//! while it changed something that can still be undone: what it kept is the only way back. The audit
//! stays: it is evidence.

use std::collections::HashSet;

use jiff::Timestamp;

use super::columns::ms;
use super::error::Error;
use super::handle::Store;
use super::memory::first_id;
use super::retention::{Swept, to_u64};
use super::tx::{Reader, Tx};

/// One row to remove, of an alert that is over. The newest revision goes with the alert itself, so
/// that an alert never stands without what it shows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Gone {
    Revision(i64),
    Alert(i64),
}

impl Store {
    /// Removes actions that are over since before `older_than`, `step_rows` rows in one transaction.
    pub(super) async fn sweep_actions(
        &self,
        older_than: Timestamp,
        step_rows: u32,
    ) -> Result<u64, Error> {
        let mut over = self
            .read(move |reader| reader.actions_over(older_than))
            .await?;
        let count = to_u64(over.len());
        while !over.is_empty() {
            over = self
                .write_lazily(move |tx| tx.remove_actions(over, step_rows.max(1)))
                .await?;
        }
        Ok(count)
    }

    /// Removes closed alerts, `step_rows` rows in one transaction; of those `needed` none.
    pub(super) async fn sweep_alerts(
        &self,
        older_than: Timestamp,
        at_most: u64,
        step_rows: u32,
        mut needed: HashSet<i64>,
        swept: &mut Swept,
    ) -> Result<(), Error> {
        let step = step_rows.max(1);
        let rows = usize::try_from(step).unwrap_or(usize::MAX);
        let mut after = 0;
        loop {
            let before = (swept.bytes <= at_most).then_some(older_than);
            let (closed, gone, returned) = self
                .read(move |reader| {
                    let closed = reader.closed_alerts(after, before, step)?;
                    let gone = reader.gone(&closed, before, &needed)?;
                    Ok((closed, gone, needed))
                })
                .await?;
            needed = returned;
            let Some((last, ..)) = closed.last() else {
                return Ok(());
            };
            after = *last;
            for step in gone.chunks(rows) {
                let step = step.to_vec();
                let removed = self.write_lazily(move |tx| tx.remove_closed(&step)).await?;
                swept.alerts = swept.alerts.saturating_add(removed);
            }
            if !gone.is_empty() {
                swept.bytes = self.read(|reader| reader.bytes_used()).await?;
            }
        }
    }
}

impl Reader<'_> {
    /// Actions of which nothing is left to do or to undo, last changed before `older_than`.
    fn actions_over(&self, older_than: Timestamp) -> Result<Vec<i64>, Error> {
        let rows = self.many(
            "read which actions are over",
            "SELECT id, json_extract(json, '$.changed_at') FROM actions WHERE id < ?1 AND open = 0
                AND (state IN ('rejected', 'expired', 'cancelled', 'reverted')
                    OR state IN ('succeeded', 'failed') AND NOT json_extract(json, '$.changed'))
             ORDER BY id",
            [first_id(older_than)],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
        )?;
        let old = |at: &str| at.parse::<Timestamp>().is_ok_and(|at| at < older_than);
        Ok(rows
            .into_iter()
            .filter(|(_, at)| old(at))
            .map(|(id, _)| id)
            .collect())
    }

    /// Closed alerts that opened before `before`, the oldest first: each with its newest revision, and
    /// when that was made.
    fn closed_alerts(
        &self,
        after: i64,
        before: Option<Timestamp>,
        limit: u32,
    ) -> Result<Vec<(i64, i64, i64)>, Error> {
        self.many(
            "read the oldest closed alerts",
            "SELECT alerts.id, revisions.id, made_ms FROM alerts JOIN revisions ON revisions.id = alerts.revision
             WHERE alerts.id > ?1 AND alerts.id < ?2 AND alerts.open = 0
                AND NOT EXISTS (SELECT 1 FROM actions WHERE alert = alerts.id)
             ORDER BY alerts.id LIMIT ?3",
            (after, before.map_or(i64::MAX, first_id), limit),
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
    }

    /// The rows of those that were closed before `before`, apart from the `needed` ones.
    fn gone(
        &self,
        closed: &[(i64, i64, i64)],
        before: Option<Timestamp>,
        needed: &HashSet<i64>,
    ) -> Result<Vec<Gone>, Error> {
        let before = before.map_or(i64::MAX, ms);
        let mut gone = Vec::new();
        for (alert, newest, made_ms) in closed {
            if *made_ms >= before || needed.contains(alert) {
                continue;
            }
            let older = self.many(
                "read the older revisions of an alert",
                "WITH RECURSIVE chain (id) AS (
                    SELECT previous FROM revisions WHERE id = ?1
                    UNION ALL
                    SELECT revisions.previous FROM revisions JOIN chain ON revisions.id = chain.id)
                 SELECT id FROM chain WHERE id IS NOT NULL ORDER BY id",
                [newest],
                |row| row.get(0).map(Gone::Revision),
            )?;
            gone.extend(older);
            gone.push(Gone::Alert(*alert));
        }
        Ok(gone)
    }
}

impl Tx<'_> {
    /// Removes actions with their calls, `most` rows; gives those that are left to remove.
    fn remove_actions(&mut self, mut over: Vec<i64>, most: u32) -> Result<Vec<i64>, Error> {
        self.remember_largest(over.iter().copied())?;
        let mut left = usize::try_from(most).unwrap_or(usize::MAX);
        let mut done = 0;
        for id in &over {
            let calls = self.put(
                "remove an action's calls",
                "DELETE FROM calls WHERE action = ?1
                    AND seq IN (SELECT seq FROM calls WHERE action = ?1 ORDER BY seq LIMIT ?2)",
                (id, i64::try_from(left).unwrap_or(i64::MAX)),
            )?;
            left = left.saturating_sub(calls);
            if left == 0 {
                break;
            }
            self.put(
                "remove an action",
                "DELETE FROM actions WHERE id = ?1",
                [id],
            )?;
            left = left.saturating_sub(1);
            done += 1;
        }
        self.give_pages_back()?;
        over.drain(..done);
        Ok(over)
    }

    /// Removes rows of closed alerts; gives how many alerts. One that an action was asked for since
    /// stays.
    pub(super) fn remove_closed(&mut self, gone: &[Gone]) -> Result<u64, Error> {
        let mut removed = 0;
        let mut largest = 0;
        for one in gone {
            match one {
                Gone::Revision(id) => {
                    self.put(
                        "remove a revision",
                        "DELETE FROM revisions WHERE id = ?1",
                        [id],
                    )?;
                }
                Gone::Alert(id) => {
                    let newest = self.one(
                        "remove an alert",
                        "DELETE FROM alerts WHERE id = ?1 AND open = 0
                            AND NOT EXISTS (SELECT 1 FROM actions WHERE alert = ?1) RETURNING revision",
                        [id],
                        |row| row.get::<_, i64>(0),
                    )?;
                    if let Some(newest) = newest {
                        self.put(
                            "remove an alert's newest revision",
                            "DELETE FROM revisions WHERE id = ?1",
                            [newest],
                        )?;
                        self.forget_names(*id)?;
                        removed += 1;
                        largest = largest.max(*id);
                    }
                }
            }
        }
        self.remember_largest(std::iter::once(largest))?;
        self.give_pages_back()?;
        Ok(removed)
    }
}
