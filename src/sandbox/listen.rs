//! Listening, stopping, and cutting a connection in the middle of an exchange.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::fault::{self, Faults};

/// How long [`Running::stop`] waits for answers that are being written.
const DRAIN: Duration = Duration::from_secs(2);
/// How long a client may take for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// Where to listen.
#[derive(Debug, Clone)]
pub struct Listen {
    /// A loopback address; port 0 takes a free one.
    pub address: SocketAddr,
    /// With it the server speaks TLS, without it plain HTTP.
    pub tls: Option<Pem>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
        }
    }
}

/// A certificate chain and its key, both as PEM text.
#[derive(Clone)]
pub struct Pem {
    /// The server's certificate first.
    pub certificate: String,
    /// PKCS#8, SEC1 or PKCS#1.
    pub key: String,
}

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pem(…)")
    }
}

/// Why a stand-in did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Anything but loopback is refused: these servers hold no secrets worth keeping.
    #[error("a sandbox listens on loopback only, not on {0}")]
    NotLoopback(SocketAddr),
    /// The address is taken or not to be had.
    #[error("cannot listen on {0}")]
    Bind(SocketAddr, #[source] io::Error),
    /// The certificate or key is no PEM that can be used.
    #[error("cannot read the PEM of the sandbox's certificate")]
    Pem(#[source] rustls::pki_types::pem::Error),
    /// The certificate and key do not make a TLS server.
    #[error("cannot serve TLS with this certificate and key")]
    Tls(#[source] rustls::Error),
}

/// A stand-in that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Running<S> {
    url: String,
    recorded: Arc<S>,
    faults: Arc<Faults>,
    tracker: TaskTracker,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl<S> Running<S> {
    /// Its base URL without a final slash, such as `http://127.0.0.1:41234`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it received and holds.
    pub fn recorded(&self) -> &Arc<S> {
        &self.recorded
    }

    /// What shall go wrong with the next requests.
    pub fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// Stops listening, gives answers that are being written two seconds, and ends every task.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        // A client that keeps a connection open longer loses it with the runtime; nothing hangs on it.
        drop(tokio::time::timeout(DRAIN, self.tracker.wait()).await);
    }
}

/// What the tasks of one stand-in share.
#[derive(Debug, Clone, Default)]
pub(super) struct House {
    pub(super) tracker: TaskTracker,
    pub(super) stop: CancellationToken,
}

/// Serves `router` as `listen` says, with every request passing the fault script first.
pub(super) async fn start<S>(
    listen: &Listen,
    router: Router,
    recorded: Arc<S>,
    house: House,
) -> Result<Running<S>, Error> {
    if !listen.address.ip().is_loopback() {
        return Err(Error::NotLoopback(listen.address));
    }
    let refuse = |error| Error::Bind(listen.address, error);
    let tls = listen.tls.as_ref().map(acceptor).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listener = TcpListener::bind(listen.address).await.map_err(refuse)?;
    let url = format!("{scheme}://{}", listener.local_addr().map_err(refuse)?);
    let House { tracker, stop } = house;
    let faults = Arc::new(Faults::default());
    let service = fault::guard(router, faults.clone(), stop.clone())
        .into_make_service_with_connect_info::<Wire>();
    let stopped = stop.clone();
    tracker.spawn(async move {
        let served = axum::serve(Ear { listener, tls }, service)
            .with_graceful_shutdown(stopped.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::warn!(%error, "a sandbox server ended");
        }
    });
    Ok(Running {
        url,
        recorded,
        faults,
        tracker,
        _stop_on_drop: stop.clone().drop_guard(),
        stop,
    })
}

fn acceptor(pem: &Pem) -> Result<RustlsAcceptor, Error> {
    let chain = CertificateDer::pem_slice_iter(pem.certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::Pem)?;
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes()).map_err(Error::Pem)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(Error::Tls)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(
        RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(config)))
            .handshake_timeout(HANDSHAKE),
    )
}

/// Accepts connections, with TLS where asked for.
struct Ear {
    listener: TcpListener,
    tls: Option<RustlsAcceptor>,
}

impl axum::serve::Listener for Ear {
    type Io = Box<dyn Stream>;
    type Addr = Wire;

    async fn accept(&mut self) -> (Self::Io, Wire) {
        loop {
            let (tcp, _) = axum::serve::Listener::accept(&mut self.listener).await;
            // Without it an answer of two writes waits for the client's delayed acknowledgment.
            drop(tcp.set_nodelay(true));
            let wire = Wire::default();
            let line = Line {
                tcp,
                wire: wire.clone(),
            };
            let Some(tls) = &self.tls else {
                return (Box::new(line), wire);
            };
            // A handshake that fails is the client's business; the next one is waited for.
            if let Ok((stream, _)) = tls.accept(line, ()).await {
                return (Box::new(stream), wire);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Wire> {
        Ok(Wire::default())
    }
}

/// Plain or TLS: what an HTTP connection needs of its stream.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The handle with which a fault cuts the connection that a request came on.
#[derive(Debug, Clone, Default)]
pub(super) struct Wire(Arc<AtomicBool>);

impl Wire {
    /// From now on nothing more is read or written: the next attempt closes the connection.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn broken(&self) -> Option<io::Error> {
        self.0
            .load(Ordering::Acquire)
            .then(|| io::Error::from(io::ErrorKind::ConnectionReset))
    }
}

impl Connected<IncomingStream<'_, Ear>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Ear>) -> Self {
        stream.remote_addr().clone()
    }
}

struct Line {
    tcp: TcpStream,
    wire: Wire,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.wire.broken() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.tcp).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.wire.broken() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.tcp).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.wire.broken() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
