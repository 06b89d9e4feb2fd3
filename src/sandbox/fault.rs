//! What goes wrong on purpose: a script of answers that the next requests get.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;

use super::body;
use super::listen::Wire;

/// One way in which an exchange goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The body is read; this status and this text come back; nothing is processed.
    Status(u16, String),
    /// As `Status`, with `Retry-After` in seconds and an empty body.
    RetryAfter(u16, u64),
    /// The body is read, and no answer ever comes while the server runs.
    Hang,
    /// The connection ends after the request's head, before its body is read.
    CutBeforeRead,
    /// The connection ends after the whole request was read; nothing is processed.
    CutAfterRead,
    /// The request is processed as always, then the connection ends instead of the answer.
    AcceptAndLoseAnswer,
    /// The request waits this long and is then processed as always.
    SlowBy(Duration),
}

/// The script: first what was queued, then what a seeded rate picks, else nothing goes wrong.
#[derive(Debug, Default)]
pub struct Faults {
    script: Mutex<Script>,
    requests: AtomicU64,
}

#[derive(Debug, Default)]
struct Script {
    queue: VecDeque<Fault>,
    rate: Option<Rate>,
    only: Option<String>,
}

#[derive(Debug)]
struct Rate {
    per_thousand: u64,
    state: u64,
    fault: Fault,
}

impl Faults {
    /// The next request that has none yet gets this one.
    pub fn then(&self, fault: Fault) {
        self.script().queue.push_back(fault);
    }

    /// The next `times` requests get this one.
    pub fn then_times(&self, times: usize, fault: &Fault) {
        let mut script = self.script();
        script
            .queue
            .extend(std::iter::repeat_n(fault.clone(), times));
    }

    /// So many of a thousand requests get this one; the same seed picks the same ones.
    pub fn at_rate(&self, per_thousand: u64, seed: u64, fault: Fault) {
        self.script().rate = Some(Rate {
            per_thousand,
            state: seed,
            fault,
        });
    }

    /// From now on only requests whose path begins like this are touched.
    pub fn only(&self, path_prefix: &str) {
        self.script().only = Some(path_prefix.to_owned());
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        *self.script() = Script::default();
    }

    /// How many queued faults no request has met yet.
    pub fn waiting(&self) -> usize {
        self.script().queue.len()
    }

    /// How many requests have come, the failed ones too.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    fn take(&self, path: &str) -> Option<Fault> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut script = self.script();
        if script
            .only
            .as_ref()
            .is_some_and(|only| !path.starts_with(only))
        {
            return None;
        }
        if let Some(fault) = script.queue.pop_front() {
            return Some(fault);
        }
        script.rate.as_mut().and_then(Rate::roll)
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rate {
    /// SplitMix64: enough chance to pick requests, and the same in every run.
    fn roll(&mut self) -> Option<Fault> {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % 1000 < self.per_thousand).then(|| self.fault.clone())
    }
}

/// Puts the script before every route, unknown ones too.
pub(super) fn guard(router: Router, faults: Arc<Faults>, stop: CancellationToken) -> Router {
    router.layer(middleware::from_fn_with_state((faults, stop), meet))
}

async fn meet(
    State((faults, stop)): State<(Arc<Faults>, CancellationToken)>,
    ConnectInfo(wire): ConnectInfo<Wire>,
    request: Request,
    next: Next,
) -> Response {
    let Some(fault) = faults.take(request.uri().path()) else {
        return next.run(request).await;
    };
    match fault {
        Fault::Status(status, text) => {
            swallow(request).await;
            (status_of(status), text).into_response()
        }
        Fault::RetryAfter(status, seconds) => {
            swallow(request).await;
            let after = [(header::RETRY_AFTER, seconds.to_string())];
            (status_of(status), after).into_response()
        }
        Fault::Hang => {
            swallow(request).await;
            stop.cancelled().await;
            lost(&wire)
        }
        Fault::CutBeforeRead => lost(&wire),
        Fault::CutAfterRead => {
            swallow(request).await;
            lost(&wire)
        }
        Fault::AcceptAndLoseAnswer => {
            drop(next.run(request).await);
            lost(&wire)
        }
        Fault::SlowBy(time) => {
            tokio::time::sleep(time).await;
            next.run(request).await
        }
    }
}

async fn swallow(request: Request<Body>) {
    // What the body held no longer matters, and neither does a client that broke off in it.
    drop(axum::body::to_bytes(request.into_body(), body::MOST).await);
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// An answer that is never seen, because writing it fails and ends the connection.
fn lost(wire: &Wire) -> Response {
    wire.cut();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
