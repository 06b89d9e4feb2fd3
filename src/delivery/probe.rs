//! One marked event straight to a destination: does it take what Andon sends?

use serde_json::{Map, json};

use super::answer::{self, Meaning};
use super::lane::said;
use super::send::Sent;
use super::worker::guid;
use super::{Error, Way, event};
use crate::alert::{Alert, Origin, Severity, State};
use crate::connector::{Of, Verdict};
use crate::live::Live;

/// Sends one clearly marked event, past triage and outbox; nothing of it is kept. A destination that
/// keeps state also gets its end, so that nothing stays open. Gives one line on what was answered.
///
/// # Errors
/// When there is no such destination, the event cannot be made, no answer comes, or the answer says
/// that it was not taken.
pub async fn test_event(live: &Live, destination: &str) -> Result<String, Error> {
    let snapshot = live.snapshot();
    let way = Way::to(&snapshot, destination)?;
    let mut alert = synthetic(live, &way);
    let channel = guid(live.clock.chance(), live.clock.chance());
    let mut told = send(&way, &alert, &channel).await?;
    if way.deliver.of == Of::State {
        alert.revision += 1;
        alert.state = State::Resolved;
        told = send(&way, &alert, &channel).await?;
    }
    Ok(told)
}

async fn send(way: &Way<'_>, alert: &Alert, channel: &str) -> Result<String, Error> {
    let event = event::render(way, alert)?;
    match way.send(&[&event], Some(channel)).await {
        Sent::Written => Ok("written".to_owned()),
        Sent::Failed(error) => Err(error),
        Sent::Answered(answer, meaning) => {
            let verdict = match meaning {
                Meaning::All { verdict, .. } => verdict,
                Meaning::Each(verdicts) => verdicts.first().copied().unwrap_or(Verdict::Retry),
            };
            match verdict {
                Verdict::Delivered
                    if way.acknowledges().is_some()
                        && answer::acknowledged_by(way, &answer).is_none() =>
                {
                    Err(Error::NotTaken {
                        destination: way.connection.name.clone(),
                        verdict: "taken without an id to ask for its acknowledgment by",
                        said: said(&answer),
                    })
                }
                Verdict::Delivered => Ok(format!("delivered: {}", said(&answer))),
                other => Err(Error::NotTaken {
                    destination: way.connection.name.clone(),
                    verdict: other.as_str(),
                    said: said(&answer),
                }),
            }
        }
    }
}

fn synthetic(live: &Live, way: &Way<'_>) -> Alert {
    let now = live.clock.now();
    let kinds = &way.snapshot.catalog.kinds;
    let kind = kinds
        .get("pipeline-failure")
        .or_else(|| kinds.values().next());
    let text = |value: serde_json::Value| value.as_object().cloned().unwrap_or_else(Map::new);
    Alert {
        id: live.store.ids().next(now),
        revision: 1,
        state: State::Open,
        mapping: "andon-test".to_owned(),
        key: "andon-test".to_owned(),
        kind: kind.map_or_else(|| "test".to_owned(), |kind| kind.name.clone()),
        severity: Severity::Informational,
        title: "Test event from Andon: nothing has happened".to_owned(),
        summary: "Sent by `andon connections test`. No action is needed.".to_owned(),
        at: now,
        revised_at: now,
        first_seen: now,
        last_seen: now,
        count: 1,
        model: text(json!({ "name": "andon-test" })),
        measured: Map::new(),
        fields: text(json!({ "test": true })),
        evidence: Map::new(),
        links: Vec::new(),
        contain: Vec::new(),
        origin: Origin {
            connection: way.connection.name.clone(),
            connector: way.connector.name.clone(),
            host: way.connection.host().to_owned(),
        },
        signal: live.store.ids().next(now),
        closed: None,
        acknowledged: None,
        notes: Vec::new(),
        told: Vec::new(),
        caused_by: None,
    }
}
