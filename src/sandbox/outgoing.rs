//! What stand-ins send: over a plain socket, because `reqwest` belongs to `web/`, whose refusals have no
//! place in a stand-in for somebody else's server.

use data_encoding::HEXLOWER;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// Sends the request, and gives the answer's status. Only plain HTTP to this machine is reached.
pub(super) async fn send(url: &Url, request: &str) -> Option<u16> {
    if url.scheme() != "http" {
        return None;
    }
    let address = url
        .socket_addrs(|| None)
        .ok()?
        .into_iter()
        .find(|address| address.ip().is_loopback())?;
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    // The status stands in the first bytes, the rest is of no interest.
    stream.take(4096).read_to_end(&mut answer).await.ok()?;
    let line = String::from_utf8_lossy(&answer);
    line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// A random (version 4) UUID.
pub(super) fn uuid() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness ids would repeat, which makes a stand-in useless but not unsafe.
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        tracing::warn!("a sandbox got no randomness for an id");
    }
    if let Some(version) = bytes.get_mut(6) {
        *version = (*version & 0x0f) | 0x40;
    }
    if let Some(variant) = bytes.get_mut(8) {
        *variant = (*variant & 0x3f) | 0x80;
    }
    let hex = HEXLOWER.encode(&bytes);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32)
    )
}
