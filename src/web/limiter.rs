//! How many requests a connection may send in a time: `rate: 120/1m`.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::error::Error;
use crate::clock::Clock;

/// So many requests in so long a time. Never more, in whichever window of that length one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At least one.
    pub count: NonZeroU32,
    /// The window: a millisecond to a day.
    pub per: Duration,
}

/// Andon's own clock, as `governor` reads it: a test's stopped clock stops the limiter too.
#[derive(Clone, Debug)]
struct Steady(Clock);

impl governor::clock::Clock for Steady {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.steady()
    }
}

/// One count, by our clock.
type Counted = RateLimiter<NotKeyed, InMemoryState, Steady, NoOpMiddleware<Duration>>;

/// Keeps a connection to its [`Rate`]. Cheap to clone; clones share the count.
#[derive(Debug, Clone)]
pub struct Limiter {
    limiter: Option<Arc<Counted>>,
    clock: Clock,
}

/// What one burst may take of a rate, in parts of it. The rest comes evenly.
const BURST_PART: u32 = 10;

impl Limiter {
    /// A limiter; none if there is no rate, or one outside its bounds.
    pub fn new(clock: Clock, rate: Option<Rate>) -> Self {
        let limiter = rate
            .and_then(quota)
            .map(|quota| Arc::new(RateLimiter::direct_with_clock(quota, Steady(clock.clone()))));
        Self { limiter, clock }
    }

    /// Takes one request now, or says how long there is none.
    pub fn take(&self) -> Result<(), Duration> {
        match &self.limiter {
            None => Ok(()),
            Some(limiter) => limiter
                .check()
                .map_err(|until| until.wait_time_from(self.clock.steady())),
        }
    }

    /// Waits until one request may be sent, at most until `deadline` has passed.
    /// Where that is known to be too short, it says so at once.
    pub async fn ready(&self, deadline: Duration) -> Result<(), Error> {
        let end = tokio::time::Instant::now() + deadline;
        loop {
            let Err(wait) = self.take() else {
                return Ok(());
            };
            let next = tokio::time::Instant::now() + wait;
            if next > end {
                return Err(Error::RateLimited { wait });
            }
            tokio::time::sleep_until(next).await;
        }
    }
}

/// A burst of a tenth, and the rest evenly, so that a burst and what comes after it are never more than the vendor
/// counts in one window: `burst + per / interval <= count`.
fn quota(rate: Rate) -> Option<Quota> {
    let burst = NonZeroU32::new(rate.count.get().div_ceil(BURST_PART))?;
    let evenly = rate.count.get().checked_sub(burst.get())?.checked_add(1)?;
    // Rounded up: an interval a nanosecond too short would let one more into the window.
    let interval = u64::try_from(rate.per.as_nanos()).ok()?;
    let interval = Duration::from_nanos(interval.div_ceil(u64::from(evenly)));
    Some(Quota::with_period(interval)?.allow_burst(burst))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stopped() -> Clock {
        Clock::stopped("2026-11-23T08:00:00Z".parse().unwrap())
    }

    fn rate(count: u32, per: Duration) -> Option<Rate> {
        NonZeroU32::new(count).map(|count| Rate { count, per })
    }

    #[test]
    fn a_rate_of_one_waits_its_whole_window() {
        let clock = stopped();
        let limiter = Limiter::new(clock.clone(), rate(1, Duration::from_mins(1)));
        assert_eq!(limiter.take(), Ok(()));
        assert_eq!(limiter.take(), Err(Duration::from_mins(1)));
        clock.advance(Duration::from_mins(1));
        assert_eq!(limiter.take(), Ok(()));
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        let limiter = Limiter::new(stopped(), None);
        assert!((0..1000).all(|_| limiter.take().is_ok()));
    }

    #[tokio::test]
    async fn a_wait_past_the_deadline_is_refused_at_once() {
        let limiter = Limiter::new(stopped(), rate(1, Duration::from_mins(1)));
        limiter.ready(Duration::ZERO).await.unwrap();
        let error = limiter.ready(Duration::from_secs(59)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the rate allows the next request only in 60000 ms"
        );
        assert!(!error.sent());
    }

    proptest! {
        #[test]
        fn no_window_holds_more_than_the_rate(count in 1u32..200, steps in prop::collection::vec(0u64..3_000, 1..400)) {
            let clock = stopped();
            let per = Duration::from_mins(1);
            let limiter = Limiter::new(clock.clone(), rate(count, per));
            let mut taken: Vec<Duration> = Vec::new();
            for step in steps {
                clock.advance(Duration::from_millis(step));
                while limiter.take().is_ok() {
                    taken.push(clock.steady());
                }
            }
            for first in &taken {
                let within = taken.iter().filter(|at| *at >= first && **at < *first + per).count();
                prop_assert!(within <= usize::try_from(count).unwrap(), "{within} of {count}");
            }
        }
    }
}
