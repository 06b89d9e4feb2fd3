//! The certificate of `listen`: read from files, and read again when they change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;

use super::error::Error;
use crate::live::{Live, Snapshot};

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(10);

/// Certificate and key as files.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

/// What tells that a file was changed.
type Mark = (Option<SystemTime>, u64);

impl Files {
    fn of(snapshot: &Snapshot) -> Option<Self> {
        let tls = snapshot.catalog.config.tls.as_ref()?;
        Some(Self {
            cert: snapshot.folder().join(&tls.cert),
            key: snapshot.folder().join(&tls.key),
        })
    }

    async fn marks(&self) -> io::Result<(Mark, Mark)> {
        Ok((mark(&self.cert).await?, mark(&self.key).await?))
    }
}

async fn mark(path: &Path) -> io::Result<Mark> {
    let about = tokio::fs::metadata(path).await?;
    Ok((about.modified().ok(), about.len()))
}

/// The certificate that `andon.yaml` names, if it names one. A task reads it again when its files change;
/// one that cannot be used leaves the old one in place.
///
/// # Errors
/// When the files cannot be read, or do not make a certificate and its key.
pub(super) async fn load(live: &Arc<Live>) -> Result<Option<RustlsConfig>, Error> {
    let Some(files) = Files::of(&live.snapshot()) else {
        return Ok(None);
    };
    let refuse = |source| Error::Tls {
        cert: files.cert.clone(),
        key: files.key.clone(),
        source,
    };
    let marks = files.marks().await.map_err(refuse)?;
    let config = RustlsConfig::from_pem_file(&files.cert, &files.key)
        .await
        .map_err(refuse)?;
    live.tasks
        .spawn(watch(Arc::clone(live), config.clone(), files, marks));
    Ok(Some(config))
}

async fn watch(live: Arc<Live>, config: RustlsConfig, files: Files, marks: (Mark, Mark)) {
    let mut known = (files, marks);
    loop {
        tokio::select! {
            () = live.stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let Some(files) = Files::of(&live.snapshot()) else {
            continue;
        };
        // A file that is being replaced may be missing for a moment.
        let Ok(marks) = files.marks().await else {
            continue;
        };
        let now = (files, marks);
        if now == known {
            continue;
        }
        known = now;
        let (files, _) = &known;
        match config.reload_from_pem_file(&files.cert, &files.key).await {
            Ok(()) => tracing::info!("the certificate was read again"),
            Err(error) => {
                tracing::error!(%error, "the certificate was changed and cannot be used; the old one stays");
            }
        }
    }
}
