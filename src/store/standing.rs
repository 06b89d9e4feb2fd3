//! What became of a signal.

use crate::alert::AlertId;

/// What became of a signal.
#[derive(Debug, Clone, Copy)]
pub enum Standing<'a> {
    /// Its mappings were evaluated; it counts in these alerts, often in none.
    Read(&'a [AlertId]),
    /// It waits for a look-up, see `Tx::wait_for_look_up`; mappings that need none count it in these.
    Waiting(&'a [AlertId]),
    /// A mapping or its schema failed on it; it can be replayed.
    Stuck {
        /// The alerts that other mappings count it in.
        alerts: &'a [AlertId],
        /// One line, clean.
        reason: &'a str,
        /// What `explain` would show.
        trace: &'a str,
    },
    /// No connection's manifest knows what to do with it; kept to be looked at.
    Refused {
        /// One line, clean.
        reason: &'a str,
    },
}

/// [`Standing`] without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StandingKind {
    /// See [`Standing::Read`].
    Read,
    /// See [`Standing::Waiting`].
    Waiting,
    /// See [`Standing::Stuck`].
    Stuck,
    /// See [`Standing::Refused`].
    Refused,
}

impl StandingKind {
    const ALL: [Self; 4] = [Self::Read, Self::Waiting, Self::Stuck, Self::Refused];

    pub(super) fn number(self) -> i64 {
        match self {
            Self::Read => 0,
            Self::Waiting => 1,
            Self::Stuck => 2,
            Self::Refused => 3,
        }
    }

    pub(super) fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The word that lists use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Waiting => "waiting",
            Self::Stuck => "stuck",
            Self::Refused => "refused",
        }
    }
}

impl Standing<'_> {
    pub(super) fn kind(&self) -> StandingKind {
        match self {
            Self::Read(_) => StandingKind::Read,
            Self::Waiting(_) => StandingKind::Waiting,
            Self::Stuck { .. } => StandingKind::Stuck,
            Self::Refused { .. } => StandingKind::Refused,
        }
    }

    pub(super) fn alerts(&self) -> &[AlertId] {
        match self {
            Self::Read(alerts) | Self::Waiting(alerts) | Self::Stuck { alerts, .. } => alerts,
            Self::Refused { .. } => &[],
        }
    }

    pub(super) fn reason(&self) -> Option<&str> {
        match self {
            Self::Stuck { reason, .. } | Self::Refused { reason } => Some(reason),
            _ => None,
        }
    }

    pub(super) fn trace(&self) -> Option<&str> {
        match self {
            Self::Stuck { trace, .. } => Some(trace),
            _ => None,
        }
    }
}
