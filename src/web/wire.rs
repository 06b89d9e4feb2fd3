//! One exchange over the wire: send, and read a bounded answer before a deadline.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use url::{Host, Url};

use super::answer::Answer;
use super::error::Error;
use super::reach::Outside;
#[cfg(test)]
use super::scripted::{Asked, Lost, Script};
use super::trust::distrust;
use crate::clock::Clock;
use crate::config::Reach;

/// An HTTP client that is confined to a reach. Cheap to clone.
#[derive(Clone)]
pub(super) struct Wire {
    /// The connection's name, for errors.
    pub(super) name: Arc<str>,
    pub(super) client: reqwest::Client,
    pub(super) reach: Reach,
    pub(super) clock: Clock,
    #[cfg(test)]
    pub(super) script: Option<Script>,
}

impl Wire {
    /// Sends and reads the answer, both before `end`; at most `at_most` bytes of body, after decompression.
    pub(super) async fn exchange(
        &self,
        request: reqwest::Request,
        at_most: usize,
        end: Instant,
    ) -> Result<Answer, Error> {
        let host = host_of(request.url());
        self.check_literal(request.url(), &host)?;
        let began = self.clock.steady();
        let no_answer = |problem: String| Error::NoAnswer {
            host: host.clone(),
            after: self.clock.steady().saturating_sub(began),
            problem,
        };
        #[cfg(test)]
        if let Some(script) = &self.script {
            let asked = Asked {
                host: host.clone(),
                path: request.url().path().to_owned(),
                body: request
                    .body()
                    .and_then(reqwest::Body::as_bytes)
                    .unwrap_or_default()
                    .to_vec(),
            };
            let (status, headers, body) =
                match tokio::time::timeout_at(end, (script.0)(asked)).await {
                    Ok(Ok(answer)) => answer,
                    Ok(Err(Lost::Unreachable)) => {
                        let problem = "connection refused".to_owned();
                        return Err(Error::Unreachable { host, problem });
                    }
                    Ok(Err(Lost::Cut)) => return Err(no_answer("connection reset".to_owned())),
                    Err(_) => return Err(no_answer("the deadline has passed".to_owned())),
                };
            return Ok(Answer::made(status, headers, body));
        }
        let mut response = match tokio::time::timeout_at(end, self.client.execute(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.told_apart(error, &host, no_answer)),
            Err(_) => return Err(no_answer("the deadline has passed".to_owned())),
        };
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let mut body = Vec::new();
        loop {
            match tokio::time::timeout_at(end, response.chunk()).await {
                Ok(Ok(Some(chunk))) if body.len().saturating_add(chunk.len()) > at_most => {
                    return Err(Error::TooLarge {
                        host,
                        status,
                        at_most,
                    });
                }
                Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(no_answer(innermost(&error.without_url()))),
                Err(_) => return Err(no_answer("the deadline has passed".to_owned())),
            }
        }
        Ok(Answer {
            status,
            headers,
            body,
            took: self.clock.steady().saturating_sub(began),
            json: OnceLock::new(),
            token: None,
        })
    }

    /// A host that is an address is never resolved, so that it is checked here.
    fn check_literal(&self, url: &Url, host: &str) -> Result<(), Error> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            _ => return Ok(()),
        };
        if self.reach.allows(address) {
            return Ok(());
        }
        Err(Error::Refused {
            host: host.to_owned(),
            address,
            reach: self.reach,
        })
    }

    /// Refused by us, never connected, or sent and unanswered. The URL is taken out first: its query may hold a secret.
    fn told_apart(
        &self,
        error: reqwest::Error,
        host: &str,
        no_answer: impl Fn(String) -> Error,
    ) -> Error {
        let error = error.without_url();
        if let Some(outside) = find::<Outside>(&error) {
            return Error::Refused {
                host: host.to_owned(),
                address: outside.address,
                reach: outside.reach,
            };
        }
        if let Some((problem, instead)) = find::<rustls::Error>(&error).and_then(distrust) {
            return Error::Untrusted {
                connection: self.name.to_string(),
                host: host.to_owned(),
                problem,
                instead,
            };
        }
        let problem = innermost(&error);
        if error.is_connect() || error.is_builder() {
            return Error::Unreachable {
                host: host.to_owned(),
                problem,
            };
        }
        no_answer(problem)
    }
}

/// The host and port of a URL, for errors.
pub(super) fn host_of(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => String::new(),
    }
}

/// The cause of a kind, however deep. What an `io::Error` was made of is no source of its own.
pub(super) fn find<'e, T: std::error::Error + 'static>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = match error.downcast_ref().and_then(std::io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => error.source(),
        };
    }
    None
}

/// The cause at the bottom says what happened ("connection refused"); what lies above only repeats that it did.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    crate::untrusted::log(&deepest.to_string(), 200)
}

/// The instant at which a deadline that begins now has passed.
pub(super) fn end_of(deadline: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(deadline)
        .unwrap_or_else(|| now + Duration::from_hours(24))
}
