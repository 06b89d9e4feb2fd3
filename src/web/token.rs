//! OAuth2 client credentials (RFC 6749, section 4.4): one token for all who send, renewed before it ends.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth2::basic::{BasicClient, BasicErrorResponse};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse,
    RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use super::error::{Blame, Error};
use super::wire::{Wire, host_of};
use crate::untrusted;

/// Which token: tokens of different clients, scopes or endpoints are never mixed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wanted {
    pub(super) token_url: String,
    pub(super) client_id: String,
    /// The setting, not the secret.
    pub(super) client_secret: String,
    pub(super) scope: Option<String>,
}

/// Which token a request went out with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenUse {
    wanted: Wanted,
    number: u64,
}

/// The tokens of one connection.
pub(super) struct Tokens {
    wire: Wire,
    slots: Mutex<BTreeMap<Wanted, Slot>>,
    numbers: AtomicU64,
}

/// Held while a token is fetched, so that all who wait share that one.
type Slot = Arc<tokio::sync::Mutex<Option<Cached>>>;

struct Cached {
    token: SecretString,
    number: u64,
    /// Of the secret it was had for: a rotated secret gets a token of its own.
    secret_digest: String,
    fresh_until: Duration,
    ends: Duration,
}

/// What an answer with a token may hold at most, in bytes. Entra's tokens with many roles are over 4 KiB.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// A token without `expires_in` is taken to last so long.
const UNKNOWN_LIFE: Duration = Duration::from_mins(5);

/// A token is renewed so long before its end, or when a fifth of its life is left, whichever comes later.
const EARLY: Duration = Duration::from_mins(5);

/// How long an old token that still holds is used on when renewing it early failed.
const AFTER_FAILURE: Duration = Duration::from_secs(30);

impl Tokens {
    pub(super) fn new(wire: Wire) -> Self {
        Self {
            wire,
            slots: Mutex::new(BTreeMap::new()),
            numbers: AtomicU64::new(0),
        }
    }

    /// The token to use now. Of many who ask at once, one fetches and the others wait for it.
    pub(super) async fn get(
        &self,
        wanted: &Wanted,
        client_secret: &SecretString,
        end: Instant,
    ) -> Result<(SecretString, TokenUse), Error> {
        let slot = self.slot(wanted);
        let Ok(mut cached) = tokio::time::timeout_at(end, slot.lock()).await else {
            return Err(Error::NoToken {
                host: "the token endpoint".to_owned(),
                problem: "another request waits for it".to_owned(),
                blame: Blame::Upstream,
            });
        };
        let secret_digest = crate::secret::hash(client_secret.expose_secret());
        let now = self.wire.clock.steady();
        let mut old = cached
            .take()
            .filter(|known| known.secret_digest == secret_digest && now < known.ends);
        if let Some(known) = old.take_if(|known| now < known.fresh_until) {
            return Ok(Self::used(&mut cached, wanted, known));
        }
        let fetched = fetch(
            self.wire.clone(),
            wanted.clone(),
            client_secret.clone(),
            end,
        );
        match (fetched.await, old) {
            (Ok((token, life)), _) => {
                let early = life.saturating_sub(EARLY).max(life * 4 / 5);
                let known = Cached {
                    token,
                    number: self.numbers.fetch_add(1, Ordering::Relaxed),
                    secret_digest,
                    fresh_until: now.saturating_add(early),
                    ends: now.saturating_add(life),
                };
                Ok(Self::used(&mut cached, wanted, known))
            }
            (Err(_), Some(mut known)) => {
                known.fresh_until = now.saturating_add(AFTER_FAILURE);
                Ok(Self::used(&mut cached, wanted, known))
            }
            (Err(error), None) => Err(error),
        }
    }

    fn used(slot: &mut Option<Cached>, wanted: &Wanted, known: Cached) -> (SecretString, TokenUse) {
        let token = known.token.clone();
        let number = known.number;
        *slot = Some(known);
        let wanted = wanted.clone();
        (token, TokenUse { wanted, number })
    }

    /// Drops the token a request was refused with, unless another has taken its place already: of many that were
    /// refused at once, one fetches anew.
    pub(super) async fn renew(&self, token: &TokenUse) {
        let slot = self.slot(&token.wanted);
        let mut cached = slot.lock().await;
        if cached
            .as_ref()
            .is_some_and(|known| known.number == token.number)
        {
            *cached = None;
        }
    }

    fn slot(&self, wanted: &Wanted) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(wanted.clone()).or_default().clone()
    }
}

/// A token and how long it lasts.
type Fetched = Result<(SecretString, Duration), Error>;

async fn fetch(wire: Wire, wanted: Wanted, client_secret: SecretString, end: Instant) -> Fetched {
    let unusable = |problem: &str| Error::NoToken {
        host: "the token endpoint".to_owned(),
        problem: problem.to_owned(),
        blame: Blame::Admin,
    };
    let url = Url::parse(&wanted.token_url).map_err(|_| unusable("its URL is none"))?;
    let plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain {
        return Err(unusable("its URL is not a plain `https://` one"));
    }
    let host = host_of(&url);
    let client = BasicClient::new(ClientId::new(wanted.client_id.clone()))
        .set_client_secret(ClientSecret::new(client_secret.expose_secret().to_owned()))
        .set_token_uri(TokenUrl::from_url(url))
        // In the body, as Entra's own clients send it; every provider we know reads it there.
        .set_auth_type(AuthType::RequestBody);
    let status = Arc::new(AtomicU16::new(0));
    let post = Post {
        wire,
        end,
        status: status.clone(),
    };
    let mut asked = client.exchange_client_credentials();
    if let Some(scope) = &wanted.scope {
        asked = asked.add_scope(Scope::new(scope.clone()));
    }
    match asked.request_async(&post).await {
        Ok(answer) => {
            let token = SecretString::from(answer.access_token().secret().as_str());
            Ok((token, answer.expires_in().unwrap_or(UNKNOWN_LIFE)))
        }
        Err(error) => Err(no_token(
            error,
            host,
            status.load(Ordering::Relaxed),
            &client_secret,
        )),
    }
}

/// Sends the token request through the connection's own wire: the same reach, a bounded answer, the same deadline.
struct Post {
    wire: Wire,
    end: Instant,
    /// What the endpoint answered with, for the error.
    status: Arc<AtomicU16>,
}

impl<'c> AsyncHttpClient<'c> for Post {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Error>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Post {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let unsendable = || Error::Unsendable {
            part: "token request".to_owned(),
            problem: "it is not a request".to_owned(),
        };
        let request = reqwest::Request::try_from(request).map_err(|_| unsendable())?;
        let answer = self
            .wire
            .exchange(request, LONGEST_ANSWER, self.end)
            .await?;
        self.status.store(answer.status, Ordering::Relaxed);
        let mut response = HttpResponse::new(answer.body);
        *response.status_mut() =
            oauth2::http::StatusCode::from_u16(answer.status).map_err(|_| unsendable())?;
        Ok(response)
    }
}

/// Says what the endpoint said, as far as it is fit to be shown: its error code and description, never its body, which
/// may hold a token, and nothing that repeats the client's secret.
fn no_token(
    error: RequestTokenError<Error, BasicErrorResponse>,
    host: String,
    status: u16,
    client_secret: &SecretString,
) -> Error {
    let (problem, blame) = match error {
        RequestTokenError::Request(
            refused @ (Error::Refused { .. } | Error::Unreachable { .. } | Error::Untrusted { .. }),
        ) => {
            return refused;
        }
        RequestTokenError::Request(error) => (error.to_string(), Blame::Upstream),
        RequestTokenError::ServerResponse(said) => {
            let described = said.error_description().map_or("", String::as_str);
            let text = format!("status {status}, `{}` {described}", said.error().as_ref());
            (text, Blame::Admin)
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => (
            format!("status {status}, and the answer is no token"),
            Blame::Upstream,
        ),
    };
    let problem = if problem.contains(client_secret.expose_secret()) {
        format!("status {status}, and an answer that repeats the client's secret")
    } else {
        untrusted::log(problem.trim(), 300)
    };
    Error::NoToken {
        host,
        problem,
        blame,
    }
}
