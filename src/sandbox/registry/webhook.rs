//! Webhooks: who wants which events, and sending them signed as MLflow 3.17.2 does.
//!
//! With the headers that MLflow's client sends.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use url::Url;

use super::shelf::Refused;
use super::{Delivery, Registry, python};
use crate::sandbox::outgoing::{send, uuid};

/// MLflow's pool of threads.
pub(super) const SENDERS: usize = 10;
/// After the first attempt, on 429, 500, 502, 503, 504 and no answer.
const RETRIES: u32 = 3;
/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Attempts that are remembered.
const REMEMBERED: usize = 10_000;

/// What a webhook may ask for; `prompt` and `budget` events exist and are never fired here.
pub(super) const EVENTS: [(&str, &str); 15] = [
    ("registered_model", "created"),
    ("model_version", "created"),
    ("model_version_tag", "set"),
    ("model_version_tag", "deleted"),
    ("model_version_alias", "created"),
    ("model_version_alias", "deleted"),
    ("prompt", "created"),
    ("prompt_version", "created"),
    ("prompt_tag", "set"),
    ("prompt_tag", "deleted"),
    ("prompt_version_tag", "set"),
    ("prompt_version_tag", "deleted"),
    ("prompt_alias", "created"),
    ("prompt_alias", "deleted"),
    ("budget_policy", "exceeded"),
];

/// One webhook.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) id: String,
    name: String,
    description: Option<String>,
    url: Url,
    given_url: String,
    /// Lower case, sorted.
    events: Vec<(String, String)>,
    secret: Option<String>,
    active: bool,
    created: i64,
}

impl Hook {
    /// Reads `POST /api/2.0/mlflow/webhooks`.
    pub(super) fn from_request(asked: &Value, now: i64) -> Result<Self, Refused> {
        let text = |key: &str| asked.get(key).and_then(Value::as_str).map(str::to_owned);
        let name = text("name").ok_or_else(|| Refused::missing("name"))?;
        let given_url = text("url").ok_or_else(|| Refused::missing("url"))?;
        let url = Url::parse(&given_url)
            .map_err(|_| Refused::invalid(format!("Invalid webhook URL: '{given_url}'")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refused::invalid(format!(
                "Invalid webhook URL scheme: '{}'. Allowed schemes are: https, http.",
                url.scheme()
            )));
        }
        let listed = asked
            .get("events")
            .and_then(Value::as_array)
            .filter(|list| !list.is_empty());
        let mut events = listed
            .ok_or_else(|| Refused::missing("events"))?
            .iter()
            .map(read_event)
            .collect::<Result<Vec<_>, _>>()?;
        events.sort();
        Ok(Self {
            id: uuid(),
            name,
            description: text("description"),
            url,
            given_url,
            events,
            secret: text("secret"),
            active: text("status").is_none_or(|status| status == "ACTIVE"),
            created: now,
        })
    }

    /// As the API shows it: never with its secret.
    pub(super) fn shown(&self) -> Value {
        let mut shown = Map::new();
        let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
        put("webhook_id", self.id.as_str().into());
        put("name", self.name.as_str().into());
        if let Some(description) = &self.description {
            put("description", description.as_str().into());
        }
        put("url", self.given_url.as_str().into());
        let event = |(entity, action): &(String, String)| json!({ "entity": entity.to_uppercase(), "action": action.to_uppercase() });
        put("events", self.events.iter().map(event).collect());
        put(
            "status",
            if self.active { "ACTIVE" } else { "DISABLED" }.into(),
        );
        put("creation_timestamp", self.created.into());
        put("last_updated_timestamp", self.created.into());
        Value::Object(shown)
    }

    fn wants(&self, entity: &str, action: &str) -> bool {
        self.active && self.events.iter().any(|(e, a)| e == entity && a == action)
    }

    /// The request, byte for byte as every attempt sends it.
    fn request(&self, id: &str, at: i64, body: &str) -> String {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or(80);
        let path = self.url.path();
        let query = self
            .url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let signature = self.secret.as_deref().map(|secret| {
            let signature = sign(secret, id, at, body);
            format!("X-MLflow-Signature: {signature}\r\n")
        });
        format!(
            "POST {path}{query} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: python-requests/2.34.2\r\n\
             Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: close\r\n\
             Content-Type: application/json\r\nX-MLflow-Delivery-Id: {id}\r\nX-MLflow-Timestamp: {at}\r\n\
             {}Content-Length: {}\r\n\r\n{body}",
            signature.unwrap_or_default(),
            body.len()
        )
    }
}

impl Registry {
    /// Sends one event to every webhook that wants it, each with an id of its own.
    pub(super) fn fire(self: &Arc<Self>, entity: &str, action: &str, data: &Value) {
        let hooks: Vec<Hook> = self
            .shelf()
            .hooks
            .iter()
            .filter(|hook| hook.wants(entity, action))
            .cloned()
            .collect();
        let now = self.clock.now();
        for hook in hooks {
            let stamp = now.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string();
            let body = python::dumps(
                &json!({ "entity": entity, "action": action, "timestamp": stamp, "data": data }),
            );
            let id = uuid();
            let request = hook.request(&id, now.as_second(), &body);
            let delivery = Delivery {
                id,
                event: format!("{entity}.{action}"),
                status: None,
            };
            let registry = self.clone();
            self.house.tracker.spawn(async move {
                let stop = registry.house.stop.clone();
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = registry.deliver(hook, request, delivery) => {}
                }
            });
        }
    }

    async fn deliver(&self, hook: Hook, request: String, delivery: Delivery) {
        let Ok(_turn) = self.senders.acquire().await else {
            return;
        };
        for attempt in 0..=RETRIES {
            let status = tokio::time::timeout(TIMEOUT, send(&hook.url, &request))
                .await
                .ok()
                .flatten();
            self.remember(Delivery {
                status,
                ..delivery.clone()
            });
            let again = status.is_none_or(|status| matches!(status, 429 | 500 | 502 | 503 | 504));
            if !again || attempt == RETRIES {
                return;
            }
            tokio::time::sleep(self.retry_after.saturating_mul(1 << attempt)).await;
        }
    }

    fn remember(&self, delivery: Delivery) {
        let mut sent = self
            .sent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if sent.len() >= REMEMBERED {
            sent.remove(0);
        }
        sent.push(delivery);
    }
}

/// `v1,` and base64 of HMAC-SHA256 over `{id}.{seconds}.{body}`; the key is the secret's text.
fn sign(secret: &str, id: &str, at: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", BASE64.encode(tag.as_ref()))
}

fn read_event(event: &Value) -> Result<(String, String), Refused> {
    let text = |key: &str| {
        event
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_lowercase)
    };
    let entity = text("entity").ok_or_else(|| Refused::missing("entity"))?;
    let action = text("action").ok_or_else(|| Refused::missing("action"))?;
    let valid: Vec<String> = EVENTS
        .iter()
        .filter(|(known, _)| *known == entity)
        .map(|(_, action)| format!("'{action}'"))
        .collect();
    if EVENTS.contains(&(entity.as_str(), action.as_str())) {
        Ok((entity, action))
    } else {
        Err(Refused::invalid(format!(
            "Invalid action '{action}' for entity '{entity}'. Valid actions are: [{}]",
            valid.join(", ")
        )))
    }
}
