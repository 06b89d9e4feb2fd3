//! `andon run`: the daemon, until it is told to stop.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use super::{Ended, Where, output};
use crate::clock::Clock;
use crate::daemon::{self, Daemon};
use crate::live::Live;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// How the log is written
    #[arg(long, value_enum, default_value = "text")]
    log: Log,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

/// Runs the daemon.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let folder = at.folder(Path::new("."))?;
    let (catalog, said) = daemon::load(&folder)?;
    if !said.is_empty() {
        output::faults(&said);
    }
    log(typed.log);
    if !folder.is_configured {
        tracing::info!(
            "no andon.yaml here: listening on loopback, one unsigned connection `local`, alerts go to data/alerts.ndjson"
        );
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    runtime.block_on(async {
        survive_a_limit_on_files()?;
        let notice = daemon::Notice::from_env().map(Arc::new);
        let daemon = Daemon::start(catalog, &folder, Clock::system()).await?;
        if let Some(notice) = &notice {
            notice.ready(daemon.address);
            let live = Arc::clone(&daemon.live);
            let keeping = Arc::clone(notice).keep(live, daemon.address);
            daemon.live.tasks.spawn(keeping);
        }
        let reloading = reload_when_told(Arc::clone(&daemon.live))?;
        daemon.live.tasks.spawn(reloading);
        let by_itself = tokio::select! {
            () = asked_to_stop() => false,
            () = daemon.live.stop.cancelled() => true,
        };
        tracing::info!("stopping: finishing what was begun");
        if let Some(notice) = &notice {
            notice.stopping();
        }
        daemon.stop().await;
        tracing::info!("stopped");
        if by_itself {
            bail!("the daemon could not go on; the log says why");
        }
        Ok(Ended::Fine)
    })
}

/// `SIGXFSZ` (signal(7)): 25 on every Linux but MIPS and PA-RISC, and on macOS.
const FILE_TOO_LARGE: i32 = 25;

/// A file at its largest (RLIMIT_FSIZE) ends a process that does not listen to the signal. With a listener the
/// write fails, and the store says that the disk refuses.
fn survive_a_limit_on_files() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    // What listens stays in place when this one is dropped.
    signal(SignalKind::from_raw(FILE_TOO_LARGE))
        .map(drop)
        .context("the signal about files that are too large cannot be listened to")
}

/// Who asks for the files to be read again by a signal.
const BY_SIGNAL: &str = "andon (SIGHUP)";
/// How long such a look may take.
const RELOADED_WITHIN: Duration = Duration::from_mins(5);

/// Each SIGHUP reads the files again; the log says what came of it.
fn reload_when_told(live: Arc<Live>) -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut told = signal(SignalKind::hangup()).context("SIGHUP cannot be listened to")?;
    Ok(async move {
        loop {
            tokio::select! {
                () = live.stop.cancelled() => return,
                _ = told.recv() => {}
            }
            if let Err(error) = live.reloads.ask(BY_SIGNAL, RELOADED_WITHIN).await {
                tracing::warn!(%error, "SIGHUP");
            }
        }
    })
}

/// Waits for SIGTERM or an interrupt.
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Starts the log on standard error. `RUST_LOG` narrows or widens it.
pub(crate) fn log(log: Log) {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    let started = match log {
        Log::Text => builder.try_init(),
        Log::Json => builder.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was already started");
    }
}
