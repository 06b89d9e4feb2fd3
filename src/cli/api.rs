//! Speaks the API of a daemon that runs (design, section 6).
//!
//! Where it is comes from `--url`, else from `andon.yaml`, of which only the few keys that say so are
//! read: a fault elsewhere in the files must not keep anybody from closing an alert. The token is that
//! in `ANDON_TOKEN`, or the one that the daemon keeps beside its store; that one is never sent to
//! another machine.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Map, Value as Json};

use super::whereabouts::Whereabouts;
use super::{Where, shown};
use crate::clock::Clock;
use crate::config::{Reach, SecretRef};
use crate::secret::Secrets;
use crate::shape::{Auth, Body, Content, Leaf, Method, Request};
use crate::{untrusted, web};

/// How long one request may take, beside what the caller asked the daemon to wait.
const DEADLINE: Duration = Duration::from_secs(10);
/// The environment variable that holds a token.
const TOKEN: &str = "ANDON_TOKEN";

/// Why the API gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nobody answers.
    #[error(
        "nothing answers at {url}; start the daemon with `andon run`, or say where it is with --url"
    )]
    NotRunning {
        /// Where it was looked for.
        url: String,
        /// Why.
        #[source]
        source: web::Error,
    },
    /// Its certificate is not taken.
    #[error(
        "{url} is not trusted: {problem}; `--ca FILE` names the certificate authority it is of"
    )]
    Untrusted {
        /// Where.
        url: String,
        /// Why.
        problem: String,
    },
    /// There is no token.
    #[error(
        "there is no token: set {TOKEN}, or start the daemon with `andon run`, which keeps one in `{}`", path.display()
    )]
    NoToken {
        /// Where the daemon would keep one.
        path: PathBuf,
    },
    /// The request could not be sent, or its answer not be read.
    #[error("{url} could not be asked")]
    Web {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: web::Error,
    },
    /// The daemon refused.
    #[error("{detail} ({status})")]
    Refused {
        /// Its status.
        status: u16,
        /// Its sentence, printable.
        detail: String,
        /// All that it answered.
        answer: Box<Json>,
    },
    /// Something else than Andon answered.
    #[error("what answers at {url} is no Andon: its answer ({status}) is no JSON")]
    NotJson {
        /// Where.
        url: String,
        /// Its status.
        status: u16,
    },
}

/// A way to a daemon.
pub(crate) struct Api {
    connection: web::Connection,
    secrets: Secrets,
    runtime: tokio::runtime::Runtime,
    url: String,
    has_token: bool,
    token: PathBuf,
}

/// An answer: its status, and its JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    /// The status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) json: Json,
}

impl Api {
    /// Makes ready to speak with the daemon of the current folder, or with the one at a URL.
    pub(crate) fn open(at: &Where) -> anyhow::Result<Self> {
        let folder = at.folder(Path::new("."))?;
        let url = at.url.as_deref();
        let whereabouts = Whereabouts::read(&folder.config, &folder.path, url);
        let clock = Clock::system();
        let from_env = std::env::var_os(TOKEN).is_some_and(|token| !token.is_empty());
        let may_use_file = url.is_none() || whereabouts.is_here();
        let reference = if from_env {
            Some(SecretRef::Env(TOKEN.to_owned()))
        } else if may_use_file && whereabouts.token.is_file() {
            let path = std::path::absolute(&whereabouts.token)
                .unwrap_or_else(|_| whereabouts.token.clone());
            Some(SecretRef::File(path))
        } else {
            None
        };
        let has_token = reference.is_some();
        let references: BTreeMap<_, _> = reference
            .into_iter()
            .map(|reference| (("andon".to_owned(), "token".to_owned()), reference))
            .collect();
        let mut settings = web::Settings::new("andon");
        settings
            .bases
            .insert("url".to_owned(), whereabouts.url.clone());
        if at.ca.is_some() && !whereabouts.url.starts_with("https://") {
            bail!(
                "--ca is for a daemon with TLS, and {} has none",
                shown::text(&whereabouts.url)
            );
        }
        settings.ca.clone_from(&at.ca);
        settings.reach = Reach::Loopback;
        settings.auth = Auth::Bearer("token".to_owned());
        settings.optional.insert("token".to_owned());
        let connection = web::Client::new(clock.clone(), web::Options::default())
            .connection(settings)
            .with_context(|| {
                format!(
                    "the daemon at {} cannot be asked",
                    shown::text(&whereabouts.url)
                )
            })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("the runtime cannot be started")?;
        Ok(Self {
            connection,
            secrets: Secrets::new(references, folder.path, clock),
            runtime,
            url: whereabouts.url,
            has_token,
            token: whereabouts.token,
        })
    }

    /// Asks for something.
    pub(crate) fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Json, Error> {
        let mut request = request(Method::Get, path);
        request.query = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Leaf::Text(value.clone())))
            .collect();
        Ok(self.send(&request, Duration::ZERO)?.json)
    }

    /// Asks the daemon to do something, with a JSON body; `wait` is how long it may take beside the
    /// usual.
    pub(crate) fn post(
        &self,
        path: &str,
        body: Map<String, Json>,
        wait: Duration,
    ) -> Result<Answered, Error> {
        let mut request = request(Method::Post, path);
        request.content = Some(Content {
            media_type: "application/json".to_owned(),
            body: Body::Json {
                value: Json::Object(body),
                secrets: Vec::new(),
            },
        });
        self.send(&request, wait)
    }

    /// Sends bytes as they are.
    pub(crate) fn post_bytes(
        &self,
        path: &str,
        headers: Vec<(String, String)>,
        media_type: &str,
        bytes: Vec<u8>,
    ) -> Result<Answered, Error> {
        let mut request = request(Method::Post, path);
        request.headers = headers
            .into_iter()
            .map(|(name, value)| (name, Leaf::Text(value)))
            .collect();
        request.content = Some(Content {
            media_type: media_type.to_owned(),
            body: Body::Bytes(bytes),
        });
        self.send(&request, Duration::ZERO)
    }

    /// Asks at once and then every so often, until `show` has enough or somebody interrupts.
    pub(crate) fn watch(
        &self,
        path: &str,
        every: Duration,
        mut show: impl FnMut(Result<Json, Error>) -> ControlFlow<()>,
    ) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let request = request(Method::Get, path);
        self.runtime.block_on(async {
            let mut interrupted = signal(SignalKind::interrupt())?;
            let mut terminated = signal(SignalKind::terminate())?;
            let mut beat = tokio::time::interval(every);
            beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let asking = async {
                loop {
                    beat.tick().await;
                    let answered = self.ask(&request, DEADLINE).await;
                    if show(answered.map(|answered| answered.json)).is_break() {
                        return;
                    }
                }
            };
            tokio::select! {
                _ = interrupted.recv() => {}
                _ = terminated.recv() => {}
                () = asking => {}
            }
            Ok(())
        })
    }

    /// Why the daemon is not ready for signals; `None` when it is.
    pub(crate) fn why_not_ready(&self) -> Result<Option<String>, Error> {
        let request = request(Method::Get, "/readyz");
        let answer = self.runtime.block_on(self.exchange(&request, DEADLINE))?;
        let why = answer.json().and_then(|json| json.get("why_not")?.as_str());
        match (answer.status, why) {
            (503, Some(why)) => Ok(Some(untrusted::log(why, 500))),
            (status, _) => read(&self.url, status, answer.json(), &answer.body).map(|_| None),
        }
    }

    fn send(&self, request: &Request, wait: Duration) -> Result<Answered, Error> {
        let asked = self.ask(request, DEADLINE.saturating_add(wait));
        self.runtime.block_on(asked)
    }

    async fn ask(&self, request: &Request, within: Duration) -> Result<Answered, Error> {
        let answer = self.exchange(request, within).await?;
        if answer.status == 401 && !self.has_token {
            return Err(Error::NoToken {
                path: self.token.clone(),
            });
        }
        read(&self.url, answer.status, answer.json(), &answer.body)
    }

    async fn exchange(&self, request: &Request, within: Duration) -> Result<web::Answer, Error> {
        let sent = self.connection.send(request, &self.secrets, within).await;
        sent.map_err(|source| {
            let url = self.url.clone();
            match source {
                web::Error::Unreachable { .. } => Error::NotRunning { url, source },
                web::Error::Untrusted { problem, .. } => Error::Untrusted { url, problem },
                source => Error::Web { url, source },
            }
        })
    }

    /// Where the daemon is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

fn request(method: Method, path: &str) -> Request {
    Request {
        method,
        base: "url".to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        content: None,
        auth: Auth::Connection,
    }
}

/// What an answer says: its JSON, or in one sentence why it was refused.
fn read(url: &str, status: u16, json: Option<&Json>, body: &[u8]) -> Result<Answered, Error> {
    if (200..300).contains(&status) {
        return match json {
            Some(json) => Ok(Answered {
                status,
                json: json.clone(),
            }),
            None if body.is_empty() => Ok(Answered {
                status,
                json: Json::Null,
            }),
            None => Err(Error::NotJson {
                url: url.to_owned(),
                status,
            }),
        };
    }
    let said = |key: &str| {
        json?
            .get(key)?
            .as_str()
            .map(|text| untrusted::log(text, 500))
    };
    match said("detail").or_else(|| said("title")) {
        Some(detail) => Err(Error::Refused {
            status,
            detail,
            answer: Box::new(json.cloned().unwrap_or_default()),
        }),
        None => Err(Error::NotJson {
            url: url.to_owned(),
            status,
        }),
    }
}

/// One segment of a path, made of what was typed.
pub(crate) fn segment(typed: &str) -> anyhow::Result<String> {
    untrusted::path_segment(typed).with_context(|| format!("`{}` is no name", shown::text(typed)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_is_one_printable_sentence() {
        let problem = json!({ "type": "about:blank", "title": "Not found", "detail": "there is no alert `alt_\u{1b}[2J`" });
        let error = read("http://a", 404, Some(&problem), b"").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no alert `alt_\\u{1b}[2J` (404)"
        );
    }

    #[test]
    fn a_page_that_is_no_json_is_no_andon() {
        let error = read("http://a", 200, None, b"<html>").unwrap_err();
        assert_eq!(
            error.to_string(),
            "what answers at http://a is no Andon: its answer (200) is no JSON"
        );
    }

    #[test]
    fn a_daemon_that_does_not_run_is_said_with_how_to_start_one() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("andon.yaml");
        std::fs::write(&config, "andon: config/v1\n").unwrap();
        let at = Where {
            config: Some(config),
            url: Some(url.clone()),
            ca: None,
        };
        let api = Api::open(&at).unwrap();
        let error = api.get("/v1/alerts", &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "nothing answers at {url}; start the daemon with `andon run`, or say where it is with --url"
            )
        );
    }
}
