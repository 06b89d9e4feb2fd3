//! One request to a connection, with a fresh token where the old one was refused.

use std::time::Duration;

use crate::clock::Clock;
use crate::config::Connection;
use crate::live::Snapshot;
use crate::shape::Request;
use crate::web::{self, Answer};

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// Sends and reads the answer, whatever its status.
pub(super) async fn ask(
    snapshot: &Snapshot,
    connection: &Connection,
    request: &Request,
) -> Result<Answer, web::Error> {
    let Some(way_out) = snapshot.web(&connection.name) else {
        return Err(web::Error::BadSetting {
            connection: connection.name.clone(),
            setting: request.base.clone(),
            problem: "the connection is not ready".to_owned(),
        });
    };
    let send = || way_out.send(request, &snapshot.secrets, connection.timeout);
    let answer = send().await?;
    if answer.status == 401 && way_out.renew(&answer).await {
        return send().await;
    }
    Ok(answer)
}

/// The pause after so many failures in a row: doubling from `first` to 15 minutes, with jitter of up to a quarter.
pub(super) fn pause(clock: &Clock, first: Duration, failures: u32) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(20)));
    let pause = doubled.min(LONGEST_PAUSE);
    (pause + clock.jitter(pause / 4)).min(LONGEST_PAUSE)
}

/// What an answer asks for under `Retry-After`, where it is given in seconds; never more than 15 minutes.
pub(super) fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds = answer.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}
