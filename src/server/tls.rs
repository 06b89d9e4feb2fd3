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

/// A certificate in use, and what its files looked like when it was read.
pub(super) struct Certificate {
    /// What new connections are served with.
    pub(super) config: RustlsConfig,
    files: Files,
    marks: (Mark, Mark),
}

impl Certificate {
    /// The certificate that `andon.yaml` names, if it names one.
    ///
    /// # Errors
    /// When the files cannot be read, or do not make a certificate and its key.
    pub(super) async fn load(snapshot: &Snapshot) -> Result<Option<Self>, Error> {
        let Some(files) = Files::of(snapshot) else {
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
        Ok(Some(Self {
            config,
            files,
            marks,
        }))
    }

    /// Reads the certificate again if its files changed, or others are named now. `None` when they are
    /// as they were, or one is missing for a moment because it is being replaced.
    pub(super) async fn look(&mut self, snapshot: &Snapshot) -> Option<io::Result<()>> {
        let files = Files::of(snapshot)?;
        let marks = files.marks().await.ok()?;
        if files == self.files && marks == self.marks {
            return None;
        }
        (self.files, self.marks) = (files, marks);
        let Files { cert, key } = &self.files;
        Some(self.config.reload_from_pem_file(cert, key).await)
    }

    /// Looks now and then until the daemon stops. A certificate that cannot be used leaves the old one in
    /// place.
    pub(super) async fn watch(mut self, live: Arc<Live>) {
        loop {
            tokio::select! {
                () = live.stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            match self.look(&live.snapshot()).await {
                None => {}
                Some(Ok(())) => tracing::info!("the certificate was read again"),
                Some(Err(error)) => {
                    tracing::error!(%error, "the certificate was changed and cannot be used; the old one stays");
                }
            }
        }
    }
}
