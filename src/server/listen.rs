//! Listening: connections bounded in number and in time, and an orderly end.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use axum_server::tls_rustls::RustlsAcceptor;
use axum_server::{Handle, Server};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::tls::Certificate;
use super::{callers, routes};
use crate::live::Live;

/// Connections that may be open at once; further ones are closed as they come.
const MOST_CONNECTIONS: usize = 1_000;
/// How long the head of a request may take, and how long a connection may be idle between two.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// How long what runs may still take when the daemon stops.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// What one connection buffers while it reads, in bytes. A head that is larger is refused (431).
const READ_BUFFER: usize = 64 * 1_024;
/// Requests that one HTTP/2 connection may have open.
const MOST_STREAMS: u32 = 100;
/// The largest head of an HTTP/2 request, in bytes.
const HEAD_BYTES: u32 = 32 * 1_024;

/// A server that listens.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    /// Where it listens; the port is the real one when 0 was asked for.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
}

/// Listens on `listen` until the daemon stops, and writes the local token beside the store. Returns
/// as soon as connections are taken; the tasks belong to `live.tasks`.
///
/// # Errors
/// When the address cannot be had, the certificate cannot be used, or the token cannot be written.
pub async fn serve(live: Arc<Live>, listen: SocketAddr) -> Result<Bound, Error> {
    let refuse = |source| Error::Listen {
        address: listen,
        source,
    };
    let certificate = Certificate::load(&live.snapshot()).await?;
    let listener = TcpListener::bind(listen).await.map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    // After binding, so that a second daemon that finds the port taken spoils no token.
    let local = callers::local_token(live.store.path())?;
    let router = routes::with_local_token(&live, Some(local));
    let handle = Handle::new();
    let door = Door {
        places: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
    };
    let server = Server::from_listener(listener).handle(handle.clone());
    let with_tls = certificate.is_some();
    let service = router.into_make_service();
    match certificate {
        None => {
            let server = bounded(server.acceptor(door));
            let stop = live.stop.clone();
            live.tasks
                .spawn(async move { ended(server.serve(service).await, &stop) });
        }
        Some(certificate) => {
            let acceptor = RustlsAcceptor::new(certificate.config.clone())
                .handshake_timeout(HANDSHAKE_WITHIN)
                .acceptor(door);
            let server = bounded(server.acceptor(acceptor));
            live.tasks.spawn(certificate.watch(Arc::clone(&live)));
            let stop = live.stop.clone();
            live.tasks
                .spawn(async move { ended(server.serve(service).await, &stop) });
        }
    }
    let stop = live.stop.clone();
    live.tasks.spawn(async move {
        stop.cancelled().await;
        handle.graceful_shutdown(Some(STOP_WITHIN));
    });
    Ok(Bound {
        address,
        tls: with_tls,
    })
}

fn bounded<A>(mut server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let http = server.http_builder();
    http.http1()
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(READ_BUFFER)
        .pipeline_flush(true);
    http.http2()
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .keep_alive_interval(Some(HEAD_WITHIN));
    server
        .first_request_timeout(HEAD_WITHIN)
        .accept_error_handler(|_, error| tracing::debug!(%error, "a connection was not taken"))
}

/// A daemon that nobody can reach stops, so that whoever supervises it sees that.
fn ended(how: io::Result<()>, stop: &CancellationToken) {
    if let Err(error) = how {
        tracing::error!(%error, "the server ended; the daemon stops");
        stop.cancel();
    }
}

/// Gives each connection a place, and none when all are taken.
#[derive(Debug, Clone)]
struct Door {
    places: Arc<Semaphore>,
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Line;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Line, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let taken = || {
            tracing::warn!("a connection was closed: as many are open as may be");
            io::Error::from(io::ErrorKind::ConnectionRefused)
        };
        let line = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| taken())
            .and_then(|place| {
                // Without it an answer of two writes waits for the client's delayed acknowledgment.
                stream.set_nodelay(true)?;
                Ok(Line {
                    stream,
                    _place: place,
                })
            });
        std::future::ready(line.map(|line| (line, service)))
    }
}

/// A connection and its place.
#[derive(Debug)]
struct Line {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
