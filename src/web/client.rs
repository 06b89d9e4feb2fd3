//! The client and its connections: what the jobs above send with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::answer::Answer;
use super::error::Error;
use super::fill::{Filled, Given, Put};
use super::place;
use super::reach::Resolver;
use super::redacted::Redacted;
#[cfg(test)]
use super::scripted::Script;
use super::token::{Tokens, Wanted};
use super::wire::{Wire, end_of, find, innermost};
use crate::clock::Clock;
use crate::config::Reach;
use crate::secret::Secrets;
use crate::shape::{Auth, Request};

/// What holds for every connection.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a connection (name, TCP, TLS) may take to be made.
    pub connect_within: Duration,
    /// How long a connection that nobody uses is kept.
    pub keep_idle: Duration,
    /// How many of them are kept for each host.
    pub most_idle: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_within: Duration::from_secs(10),
            // Below the 60 s after which many load balancers drop a connection without a word.
            keep_idle: Duration::from_secs(50),
            most_idle: 32,
        }
    }
}

/// One connection of `andon.yaml`, as far as sending goes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name: what secrets are looked up by.
    pub name: String,
    /// The settings of type `url`, by name: where requests go, by their `base`.
    pub bases: BTreeMap<String, String>,
    /// What it may reach.
    pub reach: Reach,
    /// Certificate authorities (PEM) to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// What to show a server that asks for a certificate.
    pub client_certificate: Option<ClientCertificate>,
    /// The longest answer that is read, in bytes after decompression.
    pub longest_answer: usize,
    /// What `auth: Connection` of a request stands for.
    pub auth: Auth,
    /// The secrets that need not be given. All others are required.
    pub optional: BTreeSet<String>,
}

/// A certificate and its key, as PEM files. Read when the connection is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate, and those up to its authority.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The longest answer that is read unless a connection says otherwise: 16 MiB.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Says who calls, to whoever reads the other side's log.
const USER_AGENT: &str = concat!("andon/", env!("CARGO_PKG_VERSION"));

impl Settings {
    /// Settings with the usual bounds: reach public, the system's authorities, no auth.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            bases: BTreeMap::new(),
            reach: Reach::Public,
            ca: None,
            client_certificate: None,
            longest_answer: LONGEST_ANSWER,
            auth: Auth::None,
            optional: BTreeSet::new(),
        }
    }
}

/// Makes connections.
#[derive(Debug, Clone)]
pub struct Client {
    clock: Clock,
    options: Options,
    #[cfg(test)]
    script: Option<Script>,
}

impl Client {
    /// A client that reads `clock`.
    pub fn new(clock: Clock, options: Options) -> Self {
        Self {
            clock,
            options,
            #[cfg(test)]
            script: None,
        }
    }

    /// A client that reaches nobody but `script`.
    #[cfg(test)]
    pub(crate) fn scripted(clock: Clock, script: Script) -> Self {
        Self {
            script: Some(script),
            ..Self::new(clock, Options::default())
        }
    }

    /// Makes a connection: reads its certificate files and checks its URLs. Talks to nobody yet.
    pub fn connection(&self, settings: Settings) -> Result<Connection, Error> {
        let bad = |setting: &str, problem: String| Error::BadSetting {
            connection: settings.name.clone(),
            setting: setting.to_owned(),
            problem,
        };
        let mut bases = BTreeMap::new();
        for (setting, text) in &settings.bases {
            let url = place::base(text).map_err(|problem| bad(setting, problem))?;
            bases.insert(setting.clone(), url);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(self.options.connect_within)
            .pool_idle_timeout(self.options.keep_idle)
            .pool_max_idle_per_host(self.options.most_idle)
            .tcp_keepalive(Duration::from_secs(30))
            .dns_resolver(Resolver {
                reach: settings.reach,
            });
        #[cfg(test)]
        if self.script.is_some() {
            // Nobody is reached, and reading the system's authorities takes longer than a run.
            builder = builder.tls_certs_only([]);
        }
        if let Some(path) = &settings.ca {
            let pem = read(path).map_err(|problem| bad("ca", problem))?;
            let authorities = reqwest::Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|found| !found.is_empty())
                .ok_or_else(|| {
                    bad(
                        "ca",
                        format!("`{}` holds no certificate as PEM", path.display()),
                    )
                })?;
            builder = builder.tls_certs_only(authorities);
        }
        if let Some(ClientCertificate { cert, key }) = &settings.client_certificate {
            let mut pem = read(cert).map_err(|problem| bad("client_certificate", problem))?;
            pem.push(b'\n');
            pem.extend(read(key).map_err(|problem| bad("client_certificate", problem))?);
            let identity = reqwest::Identity::from_pem(&pem).map_err(|_| {
                let (cert, key) = (cert.display(), key.display());
                bad(
                    "client_certificate",
                    format!("`{cert}` has to hold a certificate, and `{key}` its key, as PEM"),
                )
            })?;
            builder = builder.identity(identity);
        }
        let client = builder.build().map_err(|error| {
            let (setting, problem) = match find(&error) {
                Some(rustls::Error::InconsistentKeys(_)) => (
                    "client_certificate",
                    "the certificate and the key do not belong together".to_owned(),
                ),
                Some(rustls::Error::InvalidCertificate(_)) => {
                    ("ca", "a certificate in it is damaged".to_owned())
                }
                _ => ("ca", innermost(&error)),
            };
            bad(setting, problem)
        })?;
        let wire = Wire {
            name: settings.name.as_str().into(),
            client,
            reach: settings.reach,
            clock: self.clock.clone(),
            #[cfg(test)]
            script: self.script.clone(),
        };
        Ok(Connection {
            tokens: Tokens::new(wire.clone()),
            wire,
            bases,
            settings,
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

/// One connection of `andon.yaml`: sends its requests, keeps its sockets and its token.
pub struct Connection {
    settings: Settings,
    bases: BTreeMap<String, Url>,
    wire: Wire,
    tokens: Tokens,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Its name in `andon.yaml`.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Sends once, and reads the answer whatever its status; all of it within `deadline`. Secrets are read now.
    pub async fn send(
        &self,
        request: &Request,
        secrets: &Secrets,
        deadline: Duration,
    ) -> Result<Answer, Error> {
        let end = end_of(deadline);
        let given = self.given(secrets, Put::Secrets);
        let auth = self.auth(request);
        let (token, used) = match Self::wanted_token(auth, &given)? {
            Some((wanted, secret)) => {
                let (token, used) = self.tokens.get(&wanted, &secret, end).await?;
                (Some(token), Some(used))
            }
            None => (None, None),
        };
        let filled = given.fill(self.base(request)?, request, auth, token.as_ref())?;
        let request = wire_request(request, filled)?;
        let mut answer = self
            .wire
            .exchange(request, self.settings.longest_answer, end)
            .await?;
        answer.token = used;
        Ok(answer)
    }

    /// Drops the token that got this answer, unless it was replaced already; says whether there was one at all.
    /// Whoever gets 401 again with the next one should stop.
    pub async fn renew(&self, answer: &Answer) -> bool {
        match &answer.token {
            Some(token) => {
                self.tokens.renew(token).await;
                true
            }
            None => false,
        }
    }

    /// The request as it would be sent, with `<secret NAME>` where a secret goes; fails as [`Connection::send`] would
    /// before sending. Fetches no token.
    pub fn redacted(&self, request: &Request, secrets: &Secrets) -> Result<Redacted, Error> {
        let given = self.given(secrets, Put::Names);
        let auth = self.auth(request);
        let token = Self::wanted_token(auth, &given)?
            .map(|(wanted, _)| SecretString::from(format!("<token of {}>", wanted.client_id)));
        let filled = given.fill(self.base(request)?, request, auth, token.as_ref())?;
        Ok(Redacted::from_filled(request.method, filled))
    }

    fn given<'s>(&'s self, secrets: &'s Secrets, put: Put) -> Given<'s> {
        Given {
            connection: &self.settings.name,
            secrets,
            optional: &self.settings.optional,
            put,
        }
    }

    fn auth<'r>(&'r self, request: &'r Request) -> &'r Auth {
        match &request.auth {
            Auth::Connection => &self.settings.auth,
            own => own,
        }
    }

    /// Which token is needed, and the secret to get it with; none where that secret is optional and not given.
    fn wanted_token(
        auth: &Auth,
        given: &Given<'_>,
    ) -> Result<Option<(Wanted, SecretString)>, Error> {
        let Auth::OAuth2 {
            token_url,
            client_id,
            client_secret,
            scope,
        } = auth
        else {
            return Ok(None);
        };
        let wanted = Wanted {
            token_url: token_url.clone(),
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            scope: scope.clone(),
        };
        Ok(given.text(client_secret)?.map(|secret| (wanted, secret)))
    }

    fn base(&self, request: &Request) -> Result<&Url, Error> {
        self.bases
            .get(&request.base)
            .ok_or_else(|| Error::BadSetting {
                connection: self.settings.name.clone(),
                setting: request.base.clone(),
                problem: "it is not given, or no URL".to_owned(),
            })
    }
}

/// What was filled in, as the HTTP client wants it.
fn wire_request(request: &Request, filled: Filled) -> Result<reqwest::Request, Error> {
    let unsendable = |part: &str| Error::Unsendable {
        part: part.to_owned(),
        problem: "it cannot be written as HTTP".to_owned(),
    };
    let method = reqwest::Method::from_bytes(request.method.as_str().as_bytes())
        .map_err(|_| unsendable("method"))?;
    let mut url = filled.url;
    url.set_query((!filled.query.is_empty()).then_some(filled.query.as_str()));
    let mut out = reqwest::Request::new(method, url);
    for (name, value) in filled.headers {
        let key = reqwest::header::HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| unsendable(&name))?;
        let mut value = reqwest::header::HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| unsendable(&name))?;
        // Keeps it out of the compression tables of HTTP/2 and out of any `Debug`.
        value.set_sensitive(true);
        out.headers_mut().append(key, value);
    }
    if let Some(body) = filled.body {
        *out.body_mut() = Some(body.into());
    }
    Ok(out)
}
