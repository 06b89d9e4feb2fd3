//! Pauses between looks, and why a run stops before it is over.

use std::time::Duration;

use crate::live::Live;
use crate::store;

/// The first pause between two looks at the platform; it doubles.
const SHORTEST: Duration = Duration::from_millis(200);
/// The longest.
const LONGEST: Duration = Duration::from_secs(2);

/// Why a run stops before it is over; it is taken up again.
#[derive(Debug)]
pub(super) enum Stop {
    /// The store failed.
    Store(store::Error),
    /// Somebody withdrew it.
    Cancelled,
    /// Andon is frozen.
    Frozen,
    /// To be taken up again after this long.
    Later(Duration),
    /// The daemon stops.
    Daemon,
    /// A test ends it here, as a crash would.
    #[cfg(test)]
    Crashed,
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// How time passes for a run. A test's clock is moved instead of waited for.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    /// Whether pauses move a stopped clock.
    #[cfg(test)]
    pub(super) moves_clock: bool,
    /// How many points of the journal are passed before the run ends as if by a crash.
    #[cfg(test)]
    pub(super) points: Option<std::sync::Arc<std::sync::atomic::AtomicI64>>,
}

impl Pace {
    /// Waits, unless the daemon stops.
    pub(super) async fn pause(&self, live: &Live, span: Duration) -> Result<(), Stop> {
        #[cfg(test)]
        if self.moves_clock {
            live.clock.advance(span);
            tokio::time::sleep(Duration::from_millis(1)).await;
            return Ok(());
        }
        tokio::select! {
            () = live.stop.cancelled() => Err(Stop::Daemon),
            () = tokio::time::sleep(span) => Ok(()),
        }
    }

    /// A point where a crash could happen; only tests make one happen.
    #[cfg_attr(
        not(test),
        expect(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "only tests crash here"
        )
    )]
    pub(super) fn point(&self) -> Result<(), Stop> {
        #[cfg(test)]
        if let Some(points) = &self.points
            && points.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) <= 0
        {
            return Err(Stop::Crashed);
        }
        Ok(())
    }
}

/// Pauses that grow from 0.2 s to 2 s.
#[derive(Debug)]
pub(super) struct Growing(Duration);

impl Default for Growing {
    fn default() -> Self {
        Self(SHORTEST)
    }
}

impl Growing {
    pub(super) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = now.saturating_mul(2).min(LONGEST);
        now
    }
}

/// After how long an action that could not be decided is looked at again: 5 s, doubling up to 5 min.
pub(super) fn look_again(looks: u32) -> Duration {
    Duration::from_secs(5)
        .saturating_mul(1_u32.checked_shl(looks.min(6)).unwrap_or(64))
        .min(Duration::from_mins(5))
}
