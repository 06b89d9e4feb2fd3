//! A model registry that speaks the part of MLflow 3.17.2 that Andon's connector needs.
//!
//! Answers, error bodies and webhooks are those of recorded exchanges with a real server. What was
//! not recorded is not served: an unknown path is MLflow's own 404 page.

mod python;
mod shelf;
mod search;
mod webhook;
mod calls;
mod routes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

pub use shelf::{NewVersion, Refused};

use super::listen::{self, Error, House, Listen, Running};
use crate::clock::Clock;
use shelf::Shelf;
use webhook::Hook;

/// How to start one.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where.
    pub listen: Listen,
    /// `Authorization: Bearer` that every call must carry, as a reverse proxy would ask; none by default.
    pub token: Option<String>,
    /// The pause before the first retry of a webhook; it doubles twice. MLflow waits 1 s.
    pub retry_after: Duration,
    /// The clock of timestamps.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            token: None,
            retry_after: Duration::from_secs(1),
            clock: Clock::system(),
        }
    }
}

/// The registry's content, and handles to change it as MLflow's own client would.
#[derive(Debug)]
pub struct Registry {
    shelf: Mutex<Shelf>,
    token: Option<String>,
    retry_after: Duration,
    clock: Clock,
    house: House,
    /// MLflow sends with a pool of ten threads; their order is not promised.
    senders: Arc<Semaphore>,
    sent: Mutex<Vec<Delivery>>,
}

/// One attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `X-MLflow-Delivery-Id`: the same for every attempt.
    pub id: String,
    /// Such as `model_version_alias.created`.
    pub event: String,
    /// The HTTP status that came back; none where no answer came.
    pub status: Option<u16>,
}

impl Registry {
    /// Registers a model.
    pub fn create_model(
        self: &Arc<Self>,
        name: &str,
        tags: &[(&str, &str)],
    ) -> Result<(), Refused> {
        let tags = tags
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        self.do_create_model(name, tags.collect(), None).map(drop)
    }

    /// Adds a version to a model, and gives its number.
    pub fn create_version(
        self: &Arc<Self>,
        name: &str,
        version: NewVersion,
    ) -> Result<u64, Refused> {
        self.do_create_version(name, version)
    }

    /// Points an alias at a version.
    pub fn set_alias(
        self: &Arc<Self>,
        name: &str,
        alias: &str,
        version: u64,
    ) -> Result<(), Refused> {
        self.do_set_alias(name, alias, &version.to_string())
    }

    /// Takes an alias away; one that is not there is no fault.
    pub fn delete_alias(self: &Arc<Self>, name: &str, alias: &str) -> Result<(), Refused> {
        self.do_delete_alias(name, alias)
    }

    /// Sets a tag of a version.
    pub fn set_tag(
        self: &Arc<Self>,
        name: &str,
        version: u64,
        key: &str,
        value: &str,
    ) -> Result<(), Refused> {
        self.do_set_tag(name, &version.to_string(), key, value)
    }

    /// Deletes a tag of a version; one that is not there is no fault.
    pub fn delete_tag(
        self: &Arc<Self>,
        name: &str,
        version: u64,
        key: &str,
    ) -> Result<(), Refused> {
        self.do_delete_tag(name, &version.to_string(), key)
    }

    /// The version that an alias names.
    pub fn alias(&self, name: &str, alias: &str) -> Option<u64> {
        self.shelf().alias(name, alias).ok()
    }

    /// Sends every event that the real registry can send to `url`, signed where there is a secret.
    /// Only `http:` URLs on loopback are reached.
    pub fn add_webhook(&self, name: &str, url: &str, secret: Option<&str>) -> Result<(), Refused> {
        let events = webhook::EVENTS
            .iter()
            .map(|(entity, action)| json!({ "entity": entity.to_uppercase(), "action": action.to_uppercase() }))
            .collect();
        let mut asked = json!({ "name": name, "url": url, "events": Value::Array(events) });
        if let (Some(asked), Some(secret)) = (asked.as_object_mut(), secret) {
            asked.insert("secret".to_owned(), secret.into());
        }
        self.create_webhook(&asked).map(drop)
    }

    /// Every attempt to deliver so far, the oldest first; at most the latest 10,000.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn create_webhook(&self, asked: &Value) -> Result<Value, Refused> {
        let hook = Hook::from_request(asked, self.clock.now().as_millisecond())?;
        let shown = hook.shown();
        self.shelf().hooks.push(hook);
        Ok(shown)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts an empty registry.
pub async fn start(options: Options) -> Result<Running<Registry>, Error> {
    let house = House::default();
    let registry = Arc::new(Registry {
        shelf: Mutex::default(),
        token: options.token,
        retry_after: options.retry_after,
        clock: options.clock,
        house: house.clone(),
        senders: Arc::new(Semaphore::new(webhook::SENDERS)),
        sent: Mutex::default(),
    });
    let router = routes::all(registry.clone());
    listen::start(&options.listen, router, registry, house).await
}
