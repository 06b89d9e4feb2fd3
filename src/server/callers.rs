//! Who asks: bearer tokens against the callers of `andon.yaml`, and the local token.
//!
//! A token is looked up by its digest, in constant time; it is never logged and never kept.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header, request::Parts};
use data_encoding::BASE64;
use tokio::sync::Mutex;

use super::Desk;
use super::error::Error;
use super::problem::Problem;
use crate::config::{Caller, Scope};
use crate::diag::{Place, Source, Span};
use crate::live::Live;
use crate::secret::{self, Token};

/// How long a token that was revoked may still be taken.
const REVOKED_KNOWN_FOR: Duration = Duration::from_secs(1);
/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 512;

/// What the CLI on this machine calls itself in the audit.
const LOCAL: &str = "local";

/// Where the local token of a store lies: beside it.
pub fn local_token_path(store: &Path) -> PathBuf {
    let mut path = store.as_os_str().to_owned();
    path.push(".token");
    path.into()
}

/// Makes a new local token, which may do everything, and writes it beside the store so that only its
/// owner can read it. Gives its hash. The one before it is no longer taken.
///
/// # Errors
/// When the file cannot be written, or the system gives no random bytes.
pub fn local_token(store: &Path) -> Result<String, Error> {
    let path = local_token_path(store);
    let token = Token::new().map_err(|_| Error::Chance)?;
    let hash = token.hash.clone();
    write_private(&path, &token.print_once())
        .map_err(|source| Error::LocalToken { path, source })?;
    Ok(hash)
}

/// A file made anew: neither the mode of an older one nor a link in its place is taken over.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Tells callers apart.
#[derive(Debug)]
pub(super) struct Gate {
    local: Option<Caller>,
    revoked: Mutex<Option<(Duration, Arc<BTreeSet<String>>)>>,
}

impl Gate {
    /// `local` is the hash of the local token.
    pub(super) fn new(local: Option<String>) -> Self {
        let place = || Place::new(&Source::new("the local token", ""), Span::new(0, 0));
        Self {
            local: local.map(|token_hash| Caller {
                name: LOCAL.to_owned(),
                token_hash,
                may: vec![Scope::Admin],
                until: None,
                place: place(),
            }),
            revoked: Mutex::new(None),
        }
    }

    /// Who sends these headers.
    ///
    /// # Errors
    /// 401, which never says what is wrong with a token that is nobody's; 503 when the store cannot
    /// say which tokens are revoked.
    pub(super) async fn caller(&self, live: &Live, headers: &HeaderMap) -> Result<Caller, Problem> {
        let token = token(headers).ok_or_else(|| {
            Problem::unknown_caller("send `Authorization: Bearer` with a token of Andon's")
        })?;
        self.find(live, &token).await?.ok_or_else(|| {
            Problem::unknown_caller("this token is not known, has ended, or is revoked")
        })
    }

    /// Whether a caller that may send signals to any connection sends these headers. Most senders
    /// have credentials of their own, which are left to intake.
    pub(super) async fn may_signal(
        &self,
        live: &Live,
        headers: &HeaderMap,
    ) -> Result<bool, Problem> {
        let Some(token) = token(headers) else {
            return Ok(false);
        };
        let caller = self.find(live, &token).await?;
        Ok(caller.is_some_and(|caller| caller.may(&Scope::SignalsWrite)))
    }

    async fn find(&self, live: &Live, token: &str) -> Result<Option<Caller>, Problem> {
        let snapshot = live.snapshot();
        let callers = &snapshot.catalog.config.callers;
        let all = || callers.iter().chain(&self.local);
        let hashes = all().map(|caller| caller.token_hash.as_str());
        let Some(caller) = secret::matching(token, hashes).and_then(|index| all().nth(index))
        else {
            return Ok(None);
        };
        let ended = caller.until.is_some_and(|until| live.clock.now() >= until);
        if ended || self.revoked(live).await?.contains(&caller.token_hash) {
            return Ok(None);
        }
        Ok(Some(caller.clone()))
    }

    async fn revoked(&self, live: &Live) -> Result<Arc<BTreeSet<String>>, Problem> {
        let mut known = self.revoked.lock().await;
        let now = live.clock.steady();
        match &*known {
            Some((read_at, revoked)) if now.saturating_sub(*read_at) < REVOKED_KNOWN_FOR => {
                Ok(Arc::clone(revoked))
            }
            _ => {
                let hashes = live.store.read(|reader| reader.revoked()).await?;
                let revoked: Arc<BTreeSet<String>> = Arc::new(hashes.into_iter().collect());
                *known = Some((now, Arc::clone(&revoked)));
                Ok(revoked)
            }
        }
    }
}

/// The token of a request: as a bearer, or as the password of Basic for tools that know nothing else.
fn token(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let plain = String::from_utf8(BASE64.decode(rest.trim().as_bytes()).ok()?).ok()?;
        plain.split_once(':')?.1.to_owned()
    } else {
        return None;
    };
    (!token.is_empty() && token.len() <= LONGEST_TOKEN).then_some(token)
}

/// A request of a known caller.
#[derive(Debug)]
pub(super) struct Asked {
    /// Who asks.
    pub(super) caller: Caller,
    /// Method, path and headers.
    pub(super) parts: Parts,
    /// Not yet read.
    pub(super) body: Body,
}

impl FromRequest<Arc<Desk>> for Asked {
    type Rejection = Problem;

    async fn from_request(request: Request, desk: &Arc<Desk>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let caller = desk.gate.caller(&desk.live, &parts.headers).await?;
        Ok(Self {
            caller,
            parts,
            body,
        })
    }
}

impl Asked {
    /// Goes on only for callers with `scope`.
    ///
    /// # Errors
    /// 403, naming what is missing.
    pub(super) fn need(&self, scope: &Scope) -> Result<(), Problem> {
        if self.caller.may(scope) {
            Ok(())
        } else {
            Err(Problem::missing_scope(
                &self.caller.name,
                &scope.to_string(),
            ))
        }
    }

    /// A segment of the path, counted from 0 after the first slash, as it was sent.
    pub(super) fn segment(&self, index: usize) -> &str {
        segment(&self.parts, index)
    }

    /// The identifier at a place in the path.
    ///
    /// # Errors
    /// 404: what is no identifier names nothing.
    pub(super) fn id<T: std::str::FromStr<Err = crate::id::NotAnId>>(
        &self,
        index: usize,
    ) -> Result<T, Problem> {
        self.segment(index)
            .parse()
            .map_err(|error: crate::id::NotAnId| Problem::not_found(error.to_string()))
    }

    /// The query, of which only `known` parameters may be given.
    pub(super) fn query(&self, known: &[&str]) -> super::body::Form {
        super::body::Form::query(self.parts.uri.query(), known)
    }
}

/// A segment of a path, counted from 0 after the first slash; empty where there is none.
pub(super) fn segment(parts: &Parts, index: usize) -> &str {
    parts
        .uri
        .path()
        .split('/')
        .nth(index.saturating_add(1))
        .unwrap_or_default()
}
