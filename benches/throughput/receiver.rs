//! A Splunk HEC receiver that counts: which rows arrived, how often, and when each first did.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Instant;

use tokio::net::TcpListener;
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

/// Listens on a free port of loopback until the tracker's runtime ends; gives the port.
pub async fn listen(arrivals: Arc<Arrivals>, tasks: &TaskTracker) -> io::Result<u16> {
    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n{\"text\":\"Success\",\"code\":0}";
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let connections = tasks.clone();
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let arrivals = Arc::clone(&arrivals);
            connections.spawn(async move {
                let mut connection = Connection::new(stream)?;
                while let Some(request) = connection.message().await? {
                    arrivals.take(&request.body);
                    connection.write(ANSWER).await?;
                }
                io::Result::Ok(())
            });
        }
    });
    Ok(port)
}
