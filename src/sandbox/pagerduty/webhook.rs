//! Webhooks v3: what became of incidents, signed, in order, at least once.
//!
//! Bodies are those of PagerDuty's developer documentation (docs/webhooks). Who is named as `agent` of what came
//! by the Events API is not documented; it is null here, as for other automation.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use url::Url;

use super::{Incident, Pager, Status};
use crate::sandbox::listen::House;
use crate::sandbox::outgoing::{send, uuid};

/// Events that may wait to be sent; later ones are lost.
const WAITING: usize = 1_000;
/// How long an answer may take (docs/webhooks/02-Behavior).
const TIMEOUT: Duration = Duration::from_secs(5);
/// PagerDuty goes on for 48 hours; here it gives up after so many tries.
const TRIES: usize = 20;
/// The pause between two of them.
const PAUSE: Duration = Duration::from_millis(200);

/// Who did something to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agent<'a> {
    /// A person, by the name that is shown.
    Person(&'a str),
    /// PagerDuty itself, or who called its Events API.
    Automation,
}

/// An attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// `X-Webhook-Id`: the same for every attempt.
    pub id: String,
    /// Such as `incident.acknowledged`.
    pub event: String,
    /// The HTTP status that came back; none where no answer came.
    pub status: Option<u16>,
    request: String,
    url: Url,
}

/// What is to be sent, and what was.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Sent>,
    subscription: Mutex<Option<(Url, Vec<String>)>>,
    sent: std::sync::Arc<Mutex<Vec<Sent>>>,
}

impl Outbox {
    /// An outbox with a task that empties it until the house stops.
    pub(super) fn open(house: &House) -> Self {
        let (queue, mut waiting) = mpsc::channel::<Sent>(WAITING);
        let sent = std::sync::Arc::new(Mutex::new(Vec::new()));
        let (stop, noted) = (house.stop.clone(), std::sync::Arc::clone(&sent));
        house.tracker.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    next = waiting.recv() => match next {
                        Some(next) => deliver(next, &noted).await,
                        None => return,
                    },
                }
            }
        });
        Self {
            queue,
            subscription: Mutex::default(),
            sent,
        }
    }
}

/// One event, until it is taken: a 4xx other than 429 drops it, everything else is tried again.
async fn deliver(mut event: Sent, noted: &Mutex<Vec<Sent>>) {
    for _ in 0..TRIES {
        let answered = tokio::time::timeout(TIMEOUT, send(&event.url, &event.request)).await;
        event.status = answered.ok().flatten();
        noted
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event.clone());
        let again = event
            .status
            .is_none_or(|status| status == 429 || status >= 500);
        if !again {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Pager {
    /// From now on every event is sent to this URL, with a signature for each secret: two while it is changed.
    /// Gives `false` for what is no URL.
    pub fn subscribe(&self, url: &str, secrets: &[&str]) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        let secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
        let mut subscription = self
            .outbox
            .subscription
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *subscription = Some((url, secrets));
        true
    }

    /// Every attempt to deliver so far, the oldest first.
    pub fn sent(&self) -> Vec<Sent> {
        self.outbox
            .sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sends an event once more, as PagerDuty does when an answer was lost: the same bytes.
    pub fn send_again(&self, event: &Sent) {
        drop(self.outbox.queue.try_send(event.clone()));
    }

    /// A person takes the open incident of a key. Gives `false` where there is none.
    pub fn acknowledge(&self, dedup_key: &str, person: &str) -> bool {
        self.change(
            dedup_key,
            "acknowledged",
            Status::Acknowledged,
            Agent::Person(person),
        )
    }

    /// Somebody, or automation, resolves the open incident of a key. Gives `false` where there is none.
    pub fn resolve(&self, dedup_key: &str, agent: Agent<'_>) -> bool {
        self.change(dedup_key, "resolved", Status::Resolved, agent)
    }

    fn change(&self, dedup_key: &str, word: &str, status: Status, agent: Agent<'_>) -> bool {
        let mut desk = self.desk();
        let mut incidents = desk.incidents.iter_mut().rev();
        let open = incidents.find(|incident| {
            incident.dedup_key == dedup_key && incident.status != Status::Resolved
        });
        let Some(incident) = open else { return false };
        incident.status = status;
        self.tell(word, incident, agent);
        true
    }

    /// A person writes a note on the latest incident of a key, also on one that is resolved. Gives `false` where
    /// there is none.
    pub fn annotate(&self, dedup_key: &str, person: &str, content: &str) -> bool {
        let Some(incident) = self.incident(dedup_key) else {
            return false;
        };
        let data = json!({
            "incident": reference("incident", &id(&incident), &title(&incident)),
            "id": format!("N{:06}", self.sent().len()),
            "content": content,
            "trimmed": false,
            "type": "incident_note",
        });
        self.fire("incident.annotated", &data, Agent::Person(person));
        true
    }

    /// Tells what became of an incident.
    pub(super) fn tell(&self, word: &str, incident: &Incident, agent: Agent<'_>) {
        let id = id(incident);
        let status = match incident.status {
            Status::Triggered => "triggered",
            Status::Acknowledged => "acknowledged",
            Status::Resolved => "resolved",
        };
        let data = json!({
            "id": id,
            "type": "incident",
            "self": format!("https://api.pagerduty.com/incidents/{id}"),
            "html_url": format!("https://acme.pagerduty.com/incidents/{id}"),
            "number": incident.number,
            "status": status,
            "incident_key": incident.dedup_key,
            "created_at": self.clock.now().to_string(),
            "title": title(incident),
            "service": reference("service", "PF9KMXH", "Model platform"),
            "assignees": [],
            "escalation_policy": reference("escalation_policy", "PUS0KTE", "Default"),
            "teams": [],
            "priority": null,
            "urgency": "high",
            "conference_bridge": null,
            "resolve_reason": null,
        });
        self.fire(&format!("incident.{word}"), &data, agent);
    }

    fn fire(&self, event: &str, data: &Value, agent: Agent<'_>) {
        let subscription = self
            .outbox
            .subscription
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some((url, secrets)) = subscription.as_ref() else {
            return;
        };
        let agent = match agent {
            Agent::Person(name) => reference("user", "PLH1HKV", name),
            Agent::Automation => Value::Null,
        };
        let body = json!({ "event": {
            "id": uuid(),
            "event_type": event,
            "resource_type": "incident",
            "occurred_at": self.clock.now().to_string(),
            "agent": agent,
            "client": null,
            "data": data,
        } })
        .to_string();
        let id = uuid();
        let sent = Sent {
            request: request(url, secrets, &id, &body),
            id,
            event: event.to_owned(),
            status: None,
            url: url.clone(),
        };
        drop(self.outbox.queue.try_send(sent));
    }
}

fn id(incident: &Incident) -> String {
    format!("Q{:06}", incident.number)
}

fn title(incident: &Incident) -> String {
    let summary = incident.event.pointer("/payload/summary");
    let summary = summary.and_then(Value::as_str).unwrap_or_default();
    summary.to_owned()
}

fn reference(kind: &str, id: &str, summary: &str) -> Value {
    let places = match kind {
        "escalation_policy" => "escalation_policies".to_owned(),
        kind => format!("{kind}s"),
    };
    json!({
        "html_url": format!("https://acme.pagerduty.com/{places}/{id}"),
        "id": id,
        "self": format!("https://api.pagerduty.com/{places}/{id}"),
        "summary": summary,
        "type": format!("{kind}_reference"),
    })
}

/// The request, byte for byte as every attempt sends it.
fn request(url: &Url, secrets: &[String], id: &str, body: &str) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let signatures: Vec<String> = secrets.iter().map(|secret| sign(secret, body)).collect();
    format!(
        "POST {} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: PagerDuty-Webhook/V3.0\r\nAccept: */*\r\n\
         Connection: close\r\nContent-Type: application/json\r\nX-Webhook-Id: {id}\r\n\
         X-PagerDuty-Signature: {}\r\nContent-Length: {}\r\n\r\n{body}",
        url.path(),
        signatures.join(","),
        body.len()
    )
}

/// `v1=` and HMAC-SHA256 over the body, in hexadecimal digits; the key is the secret's text.
fn sign(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    format!("v1={}", HEXLOWER.encode(tag.as_ref()))
}
