//! A Splunk HEC receiver that counts: which rows arrived, how often, and when each first did.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::rows;
use crate::wire::Connection;

/// What arrived. Rows beyond `room` are counted but not told apart.
pub struct Arrivals {
    began: Instant,
    first: Vec<AtomicU32>,
    distinct: AtomicUsize,
}

impl Arrivals {
    pub fn new(began: Instant, room: usize) -> Self {
        Self {
            began,
            first: (0..room).map(|_| AtomicU32::new(0)).collect(),
            distinct: AtomicUsize::new(0),
        }
    }

    /// How many different rows arrived.
    pub fn distinct(&self) -> usize {
        self.distinct.load(Ordering::Relaxed)
    }

    /// When a row first arrived, in microseconds since `began`; none when it did not.
    pub fn at(&self, row: usize) -> Option<u32> {
        let at = self.first.get(row)?.load(Ordering::Relaxed);
        (at > 0).then_some(at)
    }

    fn take(&self, body: &[u8]) {
        let now = u32::try_from(self.began.elapsed().as_micros())
            .unwrap_or(u32::MAX)
            .max(1);
        for row in rows::named_in(body) {
            let Some(first) = self.first.get(row) else {
                continue;
            };
            if first
                .compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
            {
                self.distinct.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A receiver that listens on loopback until it is dropped.
pub struct Receiver {
    pub port: u16,
    _stop_on_drop: DropGuard,
}

impl Receiver {
    /// Listens on a free port.
    pub async fn start(arrivals: Arc<Arrivals>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let connections = TaskTracker::new();
        connections
            .clone()
            .spawn(stopped.run_until_cancelled_owned(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(serve(stream, Arc::clone(&arrivals)));
                }
            }));
        Ok(Self {
            port,
            _stop_on_drop: stop.drop_guard(),
        })
    }
}

/// Counts what one connection brings, until the other side closes it.
async fn serve(stream: TcpStream, arrivals: Arc<Arrivals>) -> io::Result<()> {
    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n{\"text\":\"Success\",\"code\":0}";
    let mut connection = Connection::new(stream)?;
    while let Some(request) = connection.message().await? {
        arrivals.take(&request.body);
        connection.write(ANSWER).await?;
    }
    Ok(())
}
