//! Retention: removes old signals in small steps, and only those that nothing needs any more.
//!
//! A signal stays while it waits or is stuck, and while an alert that it counts in is open, is owed
//! to a destination, lies dead, or has an action to be finished or undone. What is over goes after
//! its signals: see `over.rs`.

use std::collections::HashSet;

use jiff::Timestamp;

use super::columns::{Exact, ms};
use super::error::{Error, failed};
use super::handle::Store;
use super::tx::{Reader, Tx};

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Signals removed.
    pub signals: u64,
    /// Signals that were old, or too many, and are still needed.
    pub needed: u64,
    /// Closed alerts removed, with their revisions.
    pub alerts: u64,
    /// Finished actions removed, with their calls.
    pub actions: u64,
    /// Bytes of the database in use afterwards.
    pub bytes: u64,
}

/// Pages of 4 KiB given back to the disk after each step.
const VACUUM: u32 = 512;

/// A signal that a sweep looks at.
struct Old {
    id: i64,
    body: Option<i64>,
    expired: bool,
    needed: bool,
    /// Closed alerts that it counts in, and that nothing else needs.
    closed: Vec<i64>,
}

impl Old {
    fn counts_in(&mut self, alert: i64, open: bool, needed_alerts: &HashSet<i64>) {
        if open || needed_alerts.contains(&alert) {
            self.needed = true;
        } else {
            self.closed.push(alert);
        }
    }
}

impl Store {
    /// Removes signals received before `older_than`, and alerts and actions that were over before it;
    /// while the database holds more than `at_most` bytes, the oldest of the other signals and then of
    /// the other closed alerts too. One transaction takes `step_rows` of them.
    ///
    /// # Errors
    /// When the store fails; what was removed before stays removed.
    pub async fn sweep(
        &self,
        older_than: Timestamp,
        at_most: u64,
        step_rows: u32,
    ) -> Result<Swept, Error> {
        let mut swept = Swept {
            bytes: self.read(|reader| reader.bytes_used()).await?,
            ..Swept::default()
        };
        let mut needed_alerts = self.read(|reader| reader.needed_alerts()).await?;
        // Alerts that a signal which stays counts in stay as well.
        let mut shown = HashSet::new();
        let mut after = 0;
        loop {
            let (looked_at, returned) = self
                .read(move |reader| {
                    let rows =
                        reader.oldest(after, older_than, step_rows.max(1), &needed_alerts)?;
                    Ok((rows, needed_alerts))
                })
                .await?;
            needed_alerts = returned;
            let Some(last) = looked_at.last().map(|old| old.id) else {
                break;
            };
            after = last;
            let too_many = swept.bytes > at_most;
            let any_expired = looked_at.iter().any(|old| old.expired);
            if !too_many && !any_expired {
                break;
            }
            let chosen: Vec<Old> = looked_at
                .into_iter()
                .filter(|old| old.expired || too_many)
                .collect();
            let needed = chosen.iter().filter(|old| old.needed).count();
            swept.needed = swept.needed.saturating_add(to_u64(needed));
            let (stay, removable): (Vec<Old>, Vec<Old>) =
                chosen.into_iter().partition(|old| old.needed);
            shown.extend(stay.into_iter().flat_map(|old| old.closed));
            swept.signals = swept.signals.saturating_add(to_u64(removable.len()));
            if !removable.is_empty() {
                self.write_lazily(move |tx| tx.remove(&removable)).await?;
                swept.bytes = self.read(|reader| reader.bytes_used()).await?;
            }
        }
        self.write_lazily(|tx| tx.forget_echoes()).await?;
        swept.actions = self.sweep_actions(older_than, step_rows).await?;
        shown.extend(needed_alerts);
        self.sweep_alerts(older_than, at_most, step_rows, shown, &mut swept)
            .await?;
        // Intake is refused by this number, and while it is few commits measure anew.
        self.note_bytes(swept.bytes);
        Ok(swept)
    }
}

impl Reader<'_> {
    /// Bytes of the database that are in use.
    ///
    /// # Errors
    /// When the store fails.
    pub fn bytes_used(&self) -> Result<u64, Error> {
        let number = |sql| self.number("measure the store", sql, []);
        let pages = number("PRAGMA page_count")?.saturating_sub(number("PRAGMA freelist_count")?);
        let bytes = pages.saturating_mul(number("PRAGMA page_size")?);
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// Alerts whose signals stay although the alert may be closed.
    fn needed_alerts(&self) -> Result<HashSet<i64>, Error> {
        self.many(
            "read which alerts are still needed",
            "SELECT alert FROM outbox UNION SELECT alert FROM dead_letters
             UNION SELECT alert FROM actions WHERE alert IS NOT NULL AND (open = 1 OR state = 'succeeded' AND until_ms > 0)",
            [],
            |row| row.get(0),
        )
        .map(HashSet::from_iter)
    }

    fn oldest(
        &self,
        after: i64,
        older_than: Timestamp,
        limit: u32,
        needed_alerts: &HashSet<i64>,
    ) -> Result<Vec<Old>, Error> {
        let mut rows = self.many(
            "read the oldest signals",
            "SELECT signals.id, body, state, received_at, alert,
                coalesce((SELECT open FROM alerts WHERE id = signals.alert), 0)
             FROM signals WHERE signals.id > ?1 ORDER BY signals.id LIMIT ?2",
            (after, limit),
            |row| {
                let state: i64 = row.get(2)?;
                let mut old = Old {
                    id: row.get(0)?,
                    body: row.get(1)?,
                    expired: row.get::<_, Exact>(3)?.0 < older_than,
                    needed: state == 1 || state == 2,
                    closed: Vec::new(),
                };
                if let Some(alert) = row.get(4)? {
                    old.counts_in(alert, row.get(5)?, needed_alerts);
                }
                Ok(old)
            },
        )?;
        let last = rows.last().map_or(after, |old| old.id);
        let more = self.many(
            "read the further alerts of the oldest signals",
            "SELECT signal, alert, coalesce((SELECT open FROM alerts WHERE id = alert), 0) FROM signal_alerts
             WHERE signal > ?1 AND signal <= ?2",
            (after, last),
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?)),
        )?;
        for (signal, alert, open) in more {
            if let Ok(place) = rows.binary_search_by_key(&signal, |old| old.id)
                && let Some(old) = rows.get_mut(place)
            {
                old.counts_in(alert, open, needed_alerts);
            }
        }
        Ok(rows)
    }
}

impl Tx<'_> {
    fn remove(&mut self, old: &[Old]) -> Result<(), Error> {
        self.remember_largest(old.iter().map(|old| old.id))?;
        for Old { id, body, .. } in old {
            self.put("remove a signal", "DELETE FROM signals WHERE id = ?1", [id])?;
            self.put(
                "remove a signal's contents",
                "DELETE FROM contents WHERE id = ?1",
                [id],
            )?;
            self.put(
                "remove a signal's alerts",
                "DELETE FROM signal_alerts WHERE signal = ?1",
                [id],
            )?;
            if let Some(body) = body {
                self.put(
                    "remove a body",
                    "DELETE FROM bodies WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM signals WHERE body = ?1)",
                    [body],
                )?;
            }
        }
        // What is not kept any more is no repeat of anything: it need not be remembered either.
        let removed_to = old.iter().map(|old| old.id).max().unwrap_or(0);
        let oldest = self.one(
            "read which signal is the oldest",
            "SELECT min(id) FROM signals",
            [],
            |row| row.get::<_, Option<i64>>(0),
        )?;
        self.memory.signals_from = oldest.flatten().unwrap_or(removed_to.saturating_add(1));
        self.give_pages_back()
    }

    /// Identifiers go on after those that are removed.
    pub(super) fn remember_largest(&self, ids: impl Iterator<Item = i64>) -> Result<(), Error> {
        self.put(
            "remember the largest identifier",
            "INSERT INTO facts (name, value) VALUES ('largest_id', ?1)
             ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            [ids.max().unwrap_or(0)],
        )
        .map(drop)
    }

    /// Gives free pages back to the disk, a few at a time.
    pub(super) fn give_pages_back(&self) -> Result<(), Error> {
        self.connection()
            .prepare_cached(&format!("PRAGMA incremental_vacuum({VACUUM})"))
            .and_then(|mut vacuum| {
                let mut rows = vacuum.query([])?;
                while rows.next()?.is_some() {}
                Ok(())
            })
            .map_err(failed("give pages back to the disk"))
    }

    fn forget_echoes(&mut self) -> Result<(), Error> {
        self.put(
            "forget echoes that never came",
            "DELETE FROM echoes WHERE until_ms < ?1",
            [ms(self.now())],
        )
        .map(drop)
    }
}

pub(super) fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
