//! Until the real ones are merged.
#![expect(dead_code, clippy::unused_async, clippy::needless_pass_by_value)]
pub mod intake {
    use crate::live::Live;
    use crate::signal::SignalId;
    use std::sync::Arc;
    pub struct Arrival<'a> {
        pub connection: &'a str,
        pub url_token: Option<&'a str>,
        pub headers: &'a [(String, String)],
        pub body: Vec<u8>,
        pub trusted_caller: bool,
    }
    pub struct Received {
        pub id: SignalId,
        pub repeat: bool,
        pub stuck: Option<String>,
        pub waiting: bool,
    }
    pub struct Receipt {
        pub signals: Vec<Received>,
        pub unmatched: u64,
    }
    #[derive(Debug)]
    pub struct Refused;
    impl Refused {
        pub fn status(&self) -> u16 {
            404
        }
        pub fn detail(&self) -> String {
            "no such connection".into()
        }
        pub fn retry_after(&self) -> Option<u64> {
            None
        }
    }
    pub async fn receive(live: &Arc<Live>, arrival: Arrival<'_>) -> Result<Receipt, Refused> {
        if arrival.connection != "local" {
            return Err(Refused);
        }
        let id = live.store.ids().next(live.clock.now());
        Ok(Receipt {
            signals: vec![Received {
                id,
                repeat: false,
                stuck: None,
                waiting: false,
            }],
            unmatched: 0,
        })
    }
    pub async fn retry(_live: &Arc<Live>, _id: SignalId) -> Result<(), Refused> {
        Err(Refused)
    }
}
pub mod containment {
    use crate::action::{Action, ActionId};
    use crate::alert::AlertId;
    use crate::connector::{ActionRule, Connector};
    use crate::live::Live;
    use crate::store;
    use serde_json::{Map, Value};
    use std::sync::Arc;
    use std::time::Duration;
    pub struct Ask {
        pub action: String,
        pub at: Option<String>,
        pub with: Map<String, Value>,
        pub alert: Option<AlertId>,
        pub incident: Option<Value>,
        pub reason: Option<String>,
        pub ttl_seconds: Option<u64>,
        pub dry_run: bool,
        pub idempotency_key: Option<String>,
        pub by: String,
    }
    pub enum Answer {
        Planned(Value),
        Taken { action: Action, replayed: bool },
    }
    #[derive(Debug, thiserror::Error)]
    pub enum Refused {
        #[error("{0}")]
        Bad(String),
        #[error("{0}")]
        Missing(String),
        #[error("{0}")]
        Conflict(String),
        #[error("{0}")]
        KeyReused(String),
        #[error("Andon is frozen by {by}: {why}")]
        Frozen { by: String, why: String },
        #[error("{0}")]
        Unavailable(String),
        #[error("the request could not be kept")]
        Store(#[from] store::Error),
    }
    impl Refused {
        pub fn status(&self) -> u16 {
            400
        }
    }
    pub async fn ask(_live: &Arc<Live>, _ask: Ask) -> Result<Answer, Refused> {
        Err(Refused::Missing("not here yet".into()))
    }
    pub async fn wait(
        _live: &Arc<Live>,
        _id: ActionId,
        _at_most: Duration,
    ) -> Result<Action, Refused> {
        Err(Refused::Missing("not here yet".into()))
    }
    pub async fn cancel(_live: &Arc<Live>, _id: ActionId, _by: &str) -> Result<Action, Refused> {
        Err(Refused::Missing("not here yet".into()))
    }
    pub async fn revert(_live: &Arc<Live>, _id: ActionId, _by: &str) -> Result<Action, Refused> {
        Err(Refused::Missing("not here yet".into()))
    }
    pub async fn freeze(_live: &Arc<Live>, _by: &str, _why: &str) -> Result<bool, Refused> {
        Ok(true)
    }
    pub async fn unfreeze(_live: &Arc<Live>, _by: &str) -> Result<bool, Refused> {
        Ok(true)
    }
    pub fn describe(rule: &ActionRule, connector: &Connector) -> Value {
        serde_json::json!({ "name": format!("{}/{}", connector.name, rule.name) })
    }
}
