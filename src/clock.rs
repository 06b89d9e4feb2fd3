//! The only reader of time and of chance. Tests stop it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Reads the wall clock, a clock that never jumps, and chance.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    System {
        started: Instant,
    },
    Stopped(Arc<Mutex<Stopped>>),
    #[cfg(test)]
    Led(Arc<Mutex<led::Led>>),
}

#[derive(Debug)]
struct Stopped {
    now: Timestamp,
    steady: Duration,
    chance: u64,
}

impl Clock {
    /// The machine's own clocks.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads them"
    )]
    pub fn system() -> Self {
        Self {
            source: Source::System {
                started: Instant::now(),
            },
        }
    }

    /// A clock that stands at `now` until a test moves it; its chance is the same in every run.
    pub fn stopped(now: Timestamp) -> Self {
        let stopped = Stopped {
            now,
            steady: Duration::ZERO,
            chance: 0x9e37_79b9_7f4a_7c15,
        };
        Self {
            source: Source::Stopped(Arc::new(Mutex::new(stopped))),
        }
    }

    /// The time of day, UTC. It can jump.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads them"
    )]
    pub fn now(&self) -> Timestamp {
        match &self.source {
            Source::System { .. } => {
                Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
            }
            Source::Stopped(stopped) => lock(stopped).now,
            #[cfg(test)]
            Source::Led(led) => led::lock(led).now(),
        }
    }

    /// Time since this clock was made. It never jumps.
    pub fn steady(&self) -> Duration {
        match &self.source {
            Source::System { started } => started.elapsed(),
            Source::Stopped(stopped) => lock(stopped).steady,
            #[cfg(test)]
            Source::Led(led) => led::lock(led).steady(),
        }
    }

    /// A number nobody can guess the use of; for jitter, never for secrets.
    pub fn chance(&self) -> u64 {
        match &self.source {
            Source::System { .. } => RandomState::new().build_hasher().finish(),
            Source::Stopped(stopped) => {
                let mut stopped = lock(stopped);
                stopped.chance = stopped
                    .chance
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                stopped.chance >> 11
            }
            #[cfg(test)]
            Source::Led(led) => led::lock(led).chance(),
        }
    }

    /// A share of `most`, from nothing to all of it.
    pub fn jitter(&self, most: Duration) -> Duration {
        let whole = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.chance() % whole.max(1))
    }

    /// Moves a stopped clock forward; the machine's own is left alone.
    pub fn advance(&self, by: Duration) {
        if let Source::Stopped(stopped) = &self.source {
            let mut stopped = lock(stopped);
            stopped.steady += by;
            stopped.now = stopped.now.checked_add(by).unwrap_or(Timestamp::MAX);
        }
    }

    /// Makes a stopped clock's time of day jump, while its steady time stands.
    pub fn jump_to(&self, now: Timestamp) {
        if let Source::Stopped(stopped) = &self.source {
            lock(stopped).now = now;
        }
    }
}

fn lock(stopped: &Mutex<Stopped>) -> std::sync::MutexGuard<'_, Stopped> {
    stopped.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod led {
    //! A clock that goes with the stopped time of tokio, over several runtimes one after the other.

    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    use jiff::{SignedDuration, Timestamp};
    use tokio::time::Instant;

    use super::{Clock, Source};

    #[derive(Debug)]
    pub(super) struct Led {
        /// The time of day when the steady time was nothing.
        day: Timestamp,
        /// Steady time before this runtime.
        before: Duration,
        /// When this runtime began.
        began: Option<Instant>,
        chance: u64,
    }

    impl Led {
        pub(super) fn steady(&self) -> Duration {
            let gone = self.began.map_or(Duration::ZERO, |began| began.elapsed());
            self.before + gone
        }

        pub(super) fn now(&self) -> Timestamp {
            self.day
                .checked_add(self.steady())
                .unwrap_or(Timestamp::MAX)
        }

        pub(super) fn chance(&mut self) -> u64 {
            self.chance = self
                .chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            self.chance >> 11
        }
    }

    impl Clock {
        /// A clock that tokio's time leads, once a runtime has begun.
        pub(crate) fn led(now: Timestamp) -> Self {
            Self {
                source: Source::Led(Arc::new(Mutex::new(Led {
                    day: now,
                    before: Duration::ZERO,
                    began: None,
                    chance: 0,
                }))),
            }
        }

        /// As new, with another chance.
        pub(crate) fn reset(&self, now: Timestamp, seed: u64) {
            let Source::Led(led) = &self.source else {
                return;
            };
            let mut led = lock(led);
            led.day = now;
            led.before = Duration::ZERO;
            led.began = None;
            led.chance = seed;
        }

        /// Goes on with the runtime that this is called in.
        pub(crate) fn begin(&self) {
            let Source::Led(led) = &self.source else {
                return;
            };
            lock(led).began = Some(Instant::now());
        }

        /// Stands still until the next runtime.
        pub(crate) fn end(&self) {
            let Source::Led(led) = &self.source else {
                return;
            };
            let mut led = lock(led);
            led.before = led.steady();
            led.began = None;
        }

        /// Somebody sets the time of day.
        pub(crate) fn jump(&self, by: SignedDuration) {
            let Source::Led(led) = &self.source else {
                return;
            };
            let mut led = lock(led);
            led.day = led.day.checked_add(by).unwrap_or(led.day);
        }
    }

    pub(super) fn lock(led: &Mutex<Led>) -> MutexGuard<'_, Led> {
        led.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_moves_the_day_and_not_the_steady_time() {
        let clock = Clock::stopped("2026-11-23T08:00:00Z".parse().unwrap());
        clock.advance(Duration::from_secs(5));
        clock.jump_to("2020-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(clock.steady(), Duration::from_secs(5));
        assert_eq!(clock.now().to_string(), "2020-01-01T00:00:00Z");
    }

    #[test]
    fn jitter_stays_below_its_bound() {
        let clock = Clock::system();
        for _ in 0..1000 {
            assert!(clock.jitter(Duration::from_millis(10)) < Duration::from_millis(10));
        }
    }
}
