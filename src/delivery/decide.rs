//! What a person decides on a dead letter: it is owed again, or dropped for good. The audit has both.

use serde_json::json;

use super::Way;
use crate::alert::Alert;
use crate::connector::Of;
use crate::live::{Live, Snapshot};
use crate::store::{self, DeadLetter, Reader, Tx};
use crate::triage::state_heard;

/// Revisions looked through for one that a destination heard of; of an alert with more since, it is
/// taken for sure that it heard of one.
const LOOK_BACK: u32 = 200;

/// Why a dead letter stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum Undecided {
    /// It never was, was owed again, or was dropped.
    #[error("there is no dead letter {0}")]
    Unknown(i64),
    /// Its destination is no longer in `andon.yaml`.
    #[error(
        "`{destination}` is no destination any more: name it under `connections:` again, or drop dead letter {seq}"
    )]
    NoDestination {
        /// The dead letter.
        seq: i64,
        /// Where it was to go.
        destination: String,
    },
    /// Its destination keeps state, and was owed something newer since.
    #[error(
        "`{destination}` keeps how alert {alert} stands, and was owed something newer than revision {revision}: drop dead letter {seq}"
    )]
    Superseded {
        /// The dead letter.
        seq: i64,
        /// Where it was to go.
        destination: String,
        /// The alert.
        alert: String,
        /// What was refused.
        revision: u32,
    },
    /// The store failed.
    #[error("cannot decide on a dead letter")]
    Store(#[from] store::Error),
}

/// Owes a dead letter again: it is rendered anew, and sent before what waits of its alert. `by` and
/// `why` are for the audit.
///
/// # Errors
/// When there is no such dead letter, or it must not be sent; then it stays as it was.
pub async fn retry(live: &Live, seq: i64, by: &str, why: &str) -> Result<DeadLetter, Undecided> {
    let snapshot = live.snapshot();
    let (by, why) = (by.to_owned(), why.to_owned());
    let letter = live
        .store
        .write(move |tx| {
            let letter = match retriable(tx, &snapshot, seq)? {
                Ok((letter, newest_only)) => {
                    tx.retry_dead_letter(seq, newest_only)?;
                    letter
                }
                Err(undecided) => return Ok(Err(undecided)),
            };
            audit(tx, &letter, "dead_letter.retried", &by, &why)?;
            Ok(Ok(letter))
        })
        .await??;
    live.owed.ring();
    Ok(letter)
}

/// Drops a dead letter for good. `by` and `why` are for the audit.
///
/// # Errors
/// When there is no such dead letter.
pub async fn drop_for_good(
    live: &Live,
    seq: i64,
    by: &str,
    why: &str,
) -> Result<DeadLetter, Undecided> {
    let (by, why) = (by.to_owned(), why.to_owned());
    live.store
        .write(move |tx| {
            let Some(letter) = Reader::dead_letter(tx, seq)? else {
                return Ok(Err(Undecided::Unknown(seq)));
            };
            tx.drop_dead_letter(seq)?;
            audit(tx, &letter, "dead_letter.dropped", &by, &why)?;
            Ok(Ok(letter))
        })
        .await?
}

/// A dead letter that may be sent again, and whether its destination keeps state now.
fn retriable(
    tx: &Tx<'_>,
    snapshot: &Snapshot,
    seq: i64,
) -> Result<Result<(DeadLetter, bool), Undecided>, store::Error> {
    let Some(letter) = Reader::dead_letter(tx, seq)? else {
        return Ok(Err(Undecided::Unknown(seq)));
    };
    let destination = letter.destination.clone();
    let Ok(way) = Way::to(snapshot, &destination) else {
        return Ok(Err(Undecided::NoDestination { seq, destination }));
    };
    let keeps_state = way.deliver.of == Of::State;
    if keeps_state && superseded(tx, snapshot, &letter)? {
        return Ok(Err(Undecided::Superseded {
            seq,
            destination,
            alert: letter.revision.alert.to_string(),
            revision: letter.revision.number,
        }));
    }
    Ok(Ok((letter, keeps_state)))
}

/// Whether its destination was owed a newer revision, delivered by now or not.
fn superseded(
    reader: &Reader<'_>,
    snapshot: &Snapshot,
    letter: &DeadLetter,
) -> Result<bool, store::Error> {
    let since = reader.chain(letter.revision.alert, letter.revision.number, LOOK_BACK)?;
    let whole = since
        .last()
        .is_some_and(|oldest| oldest.revision == letter.revision.number);
    let heard = |pair: &[Alert]| match pair {
        [after, before] => state_heard(&snapshot.catalog, &letter.destination, before, after),
        _ => false,
    };
    Ok(!whole || since.windows(2).any(heard))
}

fn audit(
    tx: &mut Tx<'_>,
    letter: &DeadLetter,
    what: &str,
    by: &str,
    why: &str,
) -> Result<(), store::Error> {
    let about = json!({
        "dead_letter": letter.seq,
        "destination": letter.destination,
        "alert": letter.revision.alert,
        "revision": letter.revision.number,
        "status": letter.cause.status,
        "answer": letter.cause.reason,
        "reason": why,
    });
    tx.audit(by, what, &about).map(drop)
}
