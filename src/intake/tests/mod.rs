//! Against the real store, small servers on loopback, and folders that are there for one test.

mod webhook;
mod poll;
mod file;
mod look_up;
mod hold;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use tempfile::TempDir;

use crate::catalog::{Files, load};
use crate::clock::Clock;
use crate::diag::{Faults, Format, Source, render};
use crate::live::{Live, Snapshot};
use crate::store::{Options, StandingKind, Store, Unsettled};
use crate::web;

/// A daemon without its jobs: a test makes their turns itself.
struct House {
    live: Arc<Live>,
    folder: TempDir,
}

impl House {
    /// `config` goes below the first line of `andon.yaml`; `secret` is the text of the file `secret`.
    fn new(now: &str, config: &str, own: &[(&str, &str)]) -> Self {
        Self::within(TempDir::new().unwrap(), now, config, own)
    }

    fn within(folder: TempDir, now: &str, config: &str, own: &[(&str, &str)]) -> Self {
        let clock = Clock::stopped(now.parse().unwrap());
        let snapshot = snapshot(folder.path(), &clock, config, own);
        let path = folder.path().join("andon.db");
        let store = Store::open(&path, clock.clone(), Options::default()).unwrap();
        Self {
            live: Live::new(snapshot, store, clock),
            folder,
        }
    }

    async fn unsettled(&self, standing: StandingKind) -> Vec<Unsettled> {
        self.live
            .store
            .read(move |reader| reader.unsettled(standing, None, 100))
            .await
            .unwrap()
    }

    async fn stuck_reasons(&self) -> Vec<String> {
        let stuck = self.unsettled(StandingKind::Stuck).await;
        stuck.into_iter().filter_map(|one| one.reason).collect()
    }

    fn later(&self, seconds: u64) {
        self.live.clock.advance(Duration::from_secs(seconds));
    }

    /// How many signals were counted with this outcome, over all connections.
    fn counted(&self, outcome: &str) -> u64 {
        let wanted = format!("outcome=\"{outcome}\"");
        self.live
            .meters
            .text(&crate::meters::Reading::default())
            .lines()
            .filter(|line| line.starts_with("andon_signals_total") && line.contains(&wanted))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            .sum()
    }
}

fn snapshot(folder: &Path, clock: &Clock, config: &str, own: &[(&str, &str)]) -> Snapshot {
    std::fs::write(folder.join("secret"), "tocsin-fixture-secret").unwrap();
    let mut files = Files::built_in();
    for (path, text) in own {
        files.put(path, path, text.as_bytes());
    }
    let config = Source::new("andon.yaml", format!("andon: config/v1\n{config}"));
    let mut faults = Faults::new();
    let catalog = load(&files, &config, &mut faults);
    let said = render(&faults.into_sorted(), Format::Text { color: false });
    let catalog = catalog.unwrap_or_else(|| panic!("{said}"));
    let client = web::Client::new(clock.clone(), web::Options::default());
    Snapshot::new(catalog, folder, &client, clock.clone()).unwrap()
}

/// A server on loopback that gives the answers of a script, in order, the last one for ever.
struct Server {
    url: String,
    script: Arc<Mutex<VecDeque<(u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
    tasks: tokio_util::task::TaskTracker,
}

impl Server {
    async fn new(script: &[(u16, &str)]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = script
            .iter()
            .map(|(status, body)| (*status, body.replace("BASE", &url)))
            .collect();
        let server = Self {
            url,
            script: Arc::new(Mutex::new(answers)),
            asked: Arc::default(),
            tasks: tokio_util::task::TaskTracker::new(),
        };
        let (script, asked) = (Arc::clone(&server.script), Arc::clone(&server.asked));
        let app = Router::new().fallback(move |request: Request| {
            asked.lock().unwrap().push(request.uri().to_string());
            let mut script = script.lock().unwrap();
            let answer = match script.len() {
                0 => (500, String::new()),
                1 => script[0].clone(),
                _ => script.pop_front().unwrap(),
            };
            async move { (StatusCode::from_u16(answer.0).unwrap(), answer.1) }
        });
        server
            .tasks
            .spawn(async move { axum::serve(listener, app).await.unwrap() });
        server
    }

    fn then(&self, script: &[(u16, &str)]) {
        let mut known = self.script.lock().unwrap();
        *known = script
            .iter()
            .map(|(status, body)| (*status, (*body).to_owned()))
            .collect();
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().drain(..).collect()
    }
}
