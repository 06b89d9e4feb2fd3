//! The stage: stand-ins on loopback, and the real daemon between them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use super::{MODEL, write};
use crate::catalog::Files;
use crate::clock::Clock;
use crate::config::{Reach, SecretRef};
use crate::daemon::{self, Daemon, Folder};
use crate::sandbox::registry::NewVersion;
use crate::sandbox::{Running, azure, features, pagerduty, registry, splunk};
use crate::secret::Secrets;
use crate::shape::{Auth, Body, Content, Method, Request};
use crate::web;

/// Secrets of the stand-ins; they guard nothing.
const HEC_TOKEN: &str = "6a7b1c1e-0d4e-4b38-9f0b-1d2a3c4b5e6f";
const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
const WEBHOOK_SECRET: &str = "demo-webhook-secret";

/// Everything that runs.
pub(crate) struct Stage {
    folder: PathBuf,
    daemon: Daemon,
    /// The model registry.
    pub(crate) registry: Running<registry::Registry>,
    /// The feature registry.
    pub(crate) features: Running<features::Features>,
    /// Splunk.
    pub(crate) splunk: Running<splunk::Indexer>,
    /// Sentinel.
    pub(crate) azure: Running<azure::Workspace>,
    /// PagerDuty.
    pub(crate) pager: Running<pagerduty::Pager>,
    api: web::Connection,
    secrets: Secrets,
    files: Files,
}

impl Stage {
    /// Starts everything; the registry holds two versions of the model, and champion is version 1.
    pub(crate) async fn set(folder: &Path) -> anyhow::Result<Self> {
        let files = Files::built_in();
        let splunk =
            splunk::start(splunk::Options::with_token(splunk::Token::new(HEC_TOKEN))).await?;
        let columns = columns(&files)?;
        let columns: Vec<(&str, &str)> = columns
            .iter()
            .map(|(name, kind)| (name.as_str(), kind.as_str()))
            .collect();
        let options = azure::Options::with_stream(azure::Stream::new("Custom-Andon_CL", &columns));
        let (tenant_dcr, client_id, client_secret, scope) = (
            options.dcr.clone(),
            options.client_id.clone(),
            options.client_secret.clone(),
            options.scope.clone(),
        );
        let azure = azure::start(options).await?;
        let pager = pagerduty::start(pagerduty::Options::with_key(ROUTING_KEY)).await?;
        let registry = registry::start(registry::Options::default()).await?;
        let recording = text(&files, "connectors/feast/samples/feature-view.json")?;
        let features = features::start(&crate::sandbox::Listen::default(), &recording).await?;

        let port = free_port()?;
        let secret =
            |name: &str, value: &str| write(&folder.join("secrets").join(name), value.as_bytes());
        secret("hec", HEC_TOKEN)?;
        secret("routing_key", ROUTING_KEY)?;
        secret("webhook", WEBHOOK_SECRET)?;
        secret("azure", &client_secret)?;
        let config = format!(
            "\
andon: config/v1
listen: 127.0.0.1:{port}
public_url: http://127.0.0.1:{port}
store: data/andon.db
connections:
  registry: {{ connector: mlflow, url: \"{registry}\", reach: loopback, webhook_secret: {{ file: secrets/webhook }} }}
  features: {{ connector: feast, url: \"{features}\", reach: loopback, project: risk }}
  reports:  {{ connector: evidently, folder: reports }}
  evals:    {{ connector: inspect, folder: evals }}
  soc:      {{ connector: splunk, url: \"{splunk}\", reach: loopback, token: {{ file: secrets/hec }} }}
  sentinel: {{ connector: sentinel, url: \"{azure}\", reach: loopback, dcr: {tenant_dcr}, token_url: \"{azure}{token_path}\", client_id: \"{client_id}\", client_secret: {{ file: secrets/azure }}, scope: \"{scope}\" }}
  oncall:   {{ connector: pagerduty, url: \"{pager}\", reach: loopback, routing_key: {{ file: secrets/routing_key }} }}
routes:
  - to: [soc, sentinel]
  - when: alert.severity >= medium
    to: [oncall]
",
            registry = registry.url(),
            features = features.url(),
            splunk = splunk.url(),
            azure = azure.url(),
            token_path = azure.recorded().token_path(),
            pager = pager.url(),
        );
        write(&folder.join("andon.yaml"), config.as_bytes())?;
        std::fs::create_dir_all(folder.join("reports"))?;
        std::fs::create_dir_all(folder.join("evals"))?;
        let read = Folder::read(folder, Some(&folder.join("andon.yaml")))?;
        let (catalog, _) = match daemon::load(&read) {
            Ok(loaded) => loaded,
            Err(daemon::Error::Faults(said)) => {
                super::output::faults(&said);
                bail!("the demonstration's own files have faults");
            }
            Err(other) => return Err(other.into()),
        };
        let store = folder.join(&catalog.config.store);
        let clock = Clock::system();
        let daemon = Daemon::start(catalog, &read, clock.clone()).await?;

        let house = registry.recorded();
        house.create_model(MODEL, &[])?;
        for source in [
            "s3://models/fraud-detector/1",
            "s3://models/fraud-detector/2",
        ] {
            house.create_version(
                MODEL,
                NewVersion {
                    source: source.to_owned(),
                    run_id: Some("3f1c9a0b7d524c1f8e6a2b9d0c4e7f18".to_owned()),
                    ..NewVersion::default()
                },
            )?;
        }
        house.set_tag(MODEL, 1, "eval", "passed")?;
        house.set_alias(MODEL, "champion", 1)?;
        house.add_webhook(
            "andon",
            &format!("http://127.0.0.1:{port}/v1/signals/registry"),
            Some(WEBHOOK_SECRET),
        )?;

        let (api, secrets) = api(&store, port, &clock)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            daemon,
            registry,
            features,
            splunk,
            azure,
            pager,
            api,
            secrets,
            files,
        })
    }

    /// Stops everything, the daemon first.
    pub(crate) async fn strike(self) {
        self.daemon.stop().await;
        self.registry.stop().await;
        self.features.stop().await;
        self.splunk.stop().await;
        self.azure.stop().await;
        self.pager.stop().await;
    }

    /// The address that the daemon listens on.
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.daemon.address
    }

    /// Writes the recorded reports where the daemon looks for them.
    pub(crate) fn deliver_reports(&self) -> anyhow::Result<()> {
        let put = |from: &str, to: &str| -> anyhow::Result<()> {
            let file = self
                .files
                .get(from)
                .with_context(|| format!("{from} is not built in"))?;
            write(&self.folder.join(to), &file.bytes)
        };
        put(
            "connectors/evidently/samples/test.json",
            "reports/loans/2026-11-23.json",
        )?;
        put(
            "connectors/inspect/samples/run.eval",
            "evals/harmful_refusal.eval",
        )
    }

    /// Points the alias at a version, as somebody with the right to do so would.
    pub(crate) fn promote(&self, version: u64) -> anyhow::Result<()> {
        Ok(self
            .registry
            .recorded()
            .set_alias(MODEL, "champion", version)?)
    }

    /// Tags a version as evaluated.
    pub(crate) fn pass_evaluation(&self, version: u64) -> anyhow::Result<()> {
        Ok(self
            .registry
            .recorded()
            .set_tag(MODEL, version, "eval", "passed")?)
    }

    /// The version that the alias points at, as the registry says.
    pub(crate) fn champion(&self) -> Option<u64> {
        self.registry.recorded().alias(MODEL, "champion")
    }

    /// Asks the daemon's API, as a playbook would.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let request = Request {
            method: if method == "POST" {
                Method::Post
            } else {
                Method::Get
            },
            base: "url".to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            content: body.map(|body| Content {
                media_type: "application/json".to_owned(),
                body: Body::Json {
                    value: body.clone(),
                    secrets: Vec::new(),
                },
            }),
            auth: Auth::Connection,
        };
        let answer = self
            .api
            .send(&request, &self.secrets, Duration::from_secs(30))
            .await?;
        match answer.json() {
            Some(json) if answer.status < 300 => Ok(json.clone()),
            _ => bail!(
                "{method} {path} was answered {}: {}",
                answer.status,
                crate::untrusted::log(&answer.text(), 400)
            ),
        }
    }

    /// Asks for an action until it is in one of `states`.
    pub(crate) async fn until_state(
        &self,
        id: &str,
        states: &[&str],
        within: Duration,
    ) -> anyhow::Result<Value> {
        let clock = Clock::system();
        loop {
            let action = self.call("GET", &format!("/v1/actions/{id}"), None).await?;
            let state = action
                .get("state")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if states.contains(&state) {
                return Ok(action);
            }
            if clock.steady() > within {
                bail!("after {} s the action is still {state}", within.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The daemon's API with the token that it keeps beside its store.
fn api(store: &Path, port: u16, clock: &Clock) -> anyhow::Result<(web::Connection, Secrets)> {
    let mut token = store.as_os_str().to_owned();
    token.push(".token");
    let references = [(
        ("api".to_owned(), "token".to_owned()),
        SecretRef::File(token.into()),
    )]
    .into();
    let secrets = Secrets::new(references, PathBuf::new(), clock.clone());
    let mut settings = web::Settings::new("api");
    settings
        .bases
        .insert("url".to_owned(), format!("http://127.0.0.1:{port}"));
    settings.reach = Reach::Loopback;
    settings.auth = Auth::Bearer("token".to_owned());
    let client = web::Client::new(clock.clone(), web::Options::default());
    Ok((client.connection(settings)?, secrets))
}

fn text(files: &Files, path: &str) -> anyhow::Result<String> {
    let file = files
        .get(path)
        .with_context(|| format!("{path} is not built in"))?;
    Ok(String::from_utf8_lossy(&file.bytes).into_owned())
}

/// The columns of the table definition beside Sentinel's manifest.
fn columns(files: &Files) -> anyhow::Result<Vec<(String, String)>> {
    let table: Value = serde_json::from_str(&text(files, "connectors/sentinel/table.json")?)?;
    let columns = table
        .pointer("/properties/schema/columns")
        .and_then(Value::as_array)
        .context("table.json has no columns")?;
    let word = |column: &Value, key: &str| {
        column
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Ok(columns
        .iter()
        .map(|column| (word(column, "name"), word(column, "type")))
        .collect())
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free on loopback")?;
    Ok(listener.local_addr()?.port())
}
