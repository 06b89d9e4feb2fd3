//! HTTP/1.1 by hand, for the generator and the receiver: as cheap as it gets, so that the program
//! under test is what is measured. Knows `Content-Length` and `chunked`, and keeps connections.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A kept connection and what was read of it beyond the last message.
pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// The first line of a message, and its body.
pub struct Message {
    pub first_line: String,
    pub body: Vec<u8>,
}

impl Message {
    /// The status of a response; 0 when this is none.
    pub fn status(&self) -> u16 {
        let status = self.first_line.split(' ').nth(1);
        status.and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Connection {
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            read: Vec::with_capacity(64 * 1024),
        })
    }

    pub async fn connect(port: u16) -> io::Result<Self> {
        Self::new(TcpStream::connect(("127.0.0.1", port)).await?)
    }

    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Sends one request with a JSON body, or with none where it is empty, and reads the answer.
    /// `more` are further header lines, each with its line end.
    pub async fn call(&mut self, line: &str, more: &str, body: &str) -> io::Result<Message> {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.write(request.as_bytes()).await?;
        self.message()
            .await?
            .ok_or_else(|| broken("closed without an answer"))
    }

    /// Reads one message; none when the other side closed between two.
    pub async fn message(&mut self) -> io::Result<Option<Message>> {
        let end = loop {
            if let Some(at) = find(&self.read, b"\r\n\r\n") {
                break at + 4;
            }
            if self.more().await? == 0 {
                return if self.read.is_empty() {
                    Ok(None)
                } else {
                    Err(broken("closed within a head"))
                };
            }
        };
        let head = String::from_utf8_lossy(self.read.get(..end).unwrap_or_default()).into_owned();
        self.read.drain(..end);
        let mut lines = head.split("\r\n");
        let first_line = lines.next().unwrap_or_default().to_owned();
        let mut length = 0;
        let mut chunked = false;
        for line in lines {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| broken("content-length"))?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = value.trim().eq_ignore_ascii_case("chunked");
            }
        }
        let body = if chunked {
            self.chunks().await?
        } else {
            self.take(length).await?
        };
        Ok(Some(Message { first_line, body }))
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = find(&self.read, b"\r\n") {
                    break at;
                }
                if self.more().await? == 0 {
                    return Err(broken("closed within a chunk"));
                }
            };
            let line = self.take(end + 2).await?;
            let size = std::str::from_utf8(&line)
                .ok()
                .and_then(|line| line.trim().split(';').next())
                .and_then(|size| usize::from_str_radix(size, 16).ok())
                .ok_or_else(|| broken("chunk size"))?;
            let chunk = self.take(size + 2).await?;
            body.extend_from_slice(chunk.get(..size).unwrap_or_default());
            if size == 0 {
                return Ok(body);
            }
        }
    }

    async fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.read.len() < length {
            if self.more().await? == 0 {
                return Err(broken("closed within a body"));
            }
        }
        let rest = self.read.split_off(length);
        Ok(std::mem::replace(&mut self.read, rest))
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.read.reserve(64 * 1024);
        self.stream.read_buf(&mut self.read).await
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}
