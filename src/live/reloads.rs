//! Asking that the files be read again, what that came to, and which files are in force.
//!
//! Whoever reads them is above (`daemon/`): it takes the asks, and notes here what became of each.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::diag::Diagnostic;

/// Asks that wait at most; whoever comes then is told to ask again.
const WAITING: usize = 8;

/// Somebody asks for a look at the files.
#[derive(Debug)]
pub struct Ask {
    /// Who, for the audit.
    pub by: String,
    /// Where the answer goes. Nobody may be waiting any more.
    pub answer: oneshot::Sender<Outcome>,
}

/// What a look at the files came to.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// They are those in force.
    Same {
        /// Their digest.
        hash: String,
    },
    /// They are in force now.
    Changed(Change),
    /// Those of before stay in force.
    Refused(Refusal),
}

/// Files that were put in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Who asked; `andon` when nobody did.
    pub by: String,
    /// The digest of those before.
    pub before: String,
    /// Their digest.
    pub hash: String,
    /// Files that are new, by path.
    pub added: Vec<String>,
    /// Files that hold something else.
    pub changed: Vec<String>,
    /// Files that are gone.
    pub removed: Vec<String>,
    /// What else somebody should know: one sentence each.
    pub notes: Vec<String>,
}

/// Files that were not put in force.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// Who asked; `andon` when nobody did.
    pub by: String,
    /// Why, in one clean line.
    pub why: String,
    /// What is wrong with them.
    pub faults: Vec<Diagnostic>,
    /// Tests of mappings that fail, each in one clean line.
    pub tests: Vec<String>,
}

/// Why an ask was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// Too many wait, or the daemon is stopping.
    #[error("the files are being read again already, or the daemon is stopping")]
    Busy,
    /// It goes on, and its outcome will be in the status.
    #[error("reading the files takes long; `andon status` will say what came of it")]
    TooSlow,
}

/// Which files are in force, and whether newer ones were refused.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// How often files were put in force since the start.
    pub changes: u64,
    /// How often they were refused.
    pub refusals: u64,
    /// The last change; none since the start.
    pub last: Option<Change>,
    /// Why the files that lie there are not those in force.
    pub refused: Option<Refusal>,
}

/// The way to whoever reads the files.
#[derive(Debug)]
pub struct Reloads {
    asks: mpsc::Sender<Ask>,
    asked: Mutex<Option<mpsc::Receiver<Ask>>>,
    files: Mutex<Files>,
}

impl Default for Reloads {
    fn default() -> Self {
        let (asks, asked) = mpsc::channel(WAITING);
        Self {
            asks,
            asked: Mutex::new(Some(asked)),
            files: Mutex::default(),
        }
    }
}

impl Reloads {
    /// Asks for a look at the files, and waits `within` for what it comes to.
    ///
    /// # Errors
    /// When nobody takes the ask, or it is not done in time.
    pub async fn ask(&self, by: &str, within: Duration) -> Result<Outcome, Unanswered> {
        let (answer, answered) = oneshot::channel();
        let by = by.to_owned();
        self.asks
            .try_send(Ask { by, answer })
            .map_err(|_| Unanswered::Busy)?;
        match tokio::time::timeout(within, answered).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => Err(Unanswered::Busy),
            Err(_) => Err(Unanswered::TooSlow),
        }
    }

    /// The asks, for whoever reads the files; the first one gets them.
    pub fn take_asks(&self) -> Option<mpsc::Receiver<Ask>> {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Notes what a look came to.
    pub fn note(&self, outcome: &Outcome) {
        let mut files = self.lock();
        match outcome {
            Outcome::Same { .. } => files.refused = None,
            Outcome::Changed(change) => {
                files.changes = files.changes.saturating_add(1);
                files.refused = None;
                files.last = Some(change.clone());
            }
            Outcome::Refused(refusal) => {
                files.refusals = files.refusals.saturating_add(1);
                files.refused = Some(refusal.clone());
            }
        }
    }

    /// What stands.
    pub fn files(&self) -> Files {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
