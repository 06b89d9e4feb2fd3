//! A destination that does what networks and vendors do: it takes, refuses, hangs, cuts, and loses its
//! own answers, at random; and that knows of each event whether Andon could know that it was taken.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::chance::Chance;
use crate::support::{Outcome, text};

/// One sighting of one event.
pub struct Seen {
    pub alert: String,
    pub revision: u32,
    /// In which life of the daemon its connection was made.
    pub life: u32,
    /// The answer was written to the daemon, whole.
    pub answered: bool,
}

/// What a destination is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Log,
    Pager,
}

pub struct Receiver {
    pub port: u16,
    pub kind: Kind,
    pub life: Arc<AtomicU32>,
    /// Nothing goes wrong.
    pub calm: AtomicBool,
    /// Only counted: a soak would fill the memory.
    keep: bool,
    pub events: AtomicU64,
    pub requests: AtomicU64,
    pub troubles: AtomicU64,
    pub seen: Mutex<Vec<Seen>>,
    chance: Mutex<Chance>,
    /// Of a thousand requests, how many meet trouble.
    trouble: u64,
}

#[derive(Clone, Copy)]
enum What {
    Takes,
    Status(u16),
    Hangs,
    CutsAfterReading,
    LosesTheAnswer,
}

/// How long a connection that hangs is held: longer than the daemon waits.
const HANG: Duration = Duration::from_millis(2_500);

impl Receiver {
    pub fn start(
        kind: Kind,
        life: &Arc<AtomicU32>,
        seed: u64,
        trouble: u64,
        keep: bool,
    ) -> Outcome<Arc<Self>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let receiver = Arc::new(Self {
            port: listener.local_addr()?.port(),
            kind,
            life: Arc::clone(life),
            calm: AtomicBool::new(false),
            keep,
            events: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            troubles: AtomicU64::new(0),
            seen: Mutex::default(),
            chance: Mutex::new(Chance(seed)),
            trouble,
        });
        let ear = Arc::clone(&receiver);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let life = ear.life.load(Ordering::SeqCst);
                let ear = Arc::clone(&ear);
                std::thread::spawn(move || {
                    // A connection that breaks is what this is about.
                    let _ = ear.serve(&stream, life);
                });
            }
        });
        Ok(receiver)
    }

    /// Returns once every connection made before was accepted.
    pub fn catch_up(&self) -> Outcome<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.write_all(b"GET / HTTP/1.1\r\ncontent-length: 0\r\n\r\n")?;
        let _ = stream.read(&mut [0; 64])?;
        Ok(())
    }

    fn decide(&self) -> What {
        let Ok(mut chance) = self.chance.lock() else {
            return What::Takes;
        };
        if self.calm.load(Ordering::SeqCst) || chance.below(1_000) >= self.trouble {
            return What::Takes;
        }
        self.troubles.fetch_add(1, Ordering::Relaxed);
        match chance.below(10) {
            0..2 => What::Status(429),
            2..4 => What::Status(500),
            4 => What::Hangs,
            5..7 => What::CutsAfterReading,
            _ => What::LosesTheAnswer,
        }
    }

    fn serve(&self, stream: &TcpStream, life: u32) -> Outcome<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        let mut writer = stream;
        while let Some((method, body)) = request(&mut reader)? {
            if method == "GET" {
                writer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
                continue;
            }
            self.requests.fetch_add(1, Ordering::Relaxed);
            let what = self.decide();
            let (status, answer) = match what {
                What::Status(429) => ("429 Too Many Requests\r\nretry-after: 0", "{}"),
                What::Status(_) => ("500 Internal Server Error", "{}"),
                What::Hangs => {
                    std::thread::sleep(HANG);
                    return Ok(());
                }
                What::CutsAfterReading => return Ok(()),
                What::Takes | What::LosesTheAnswer => {
                    let taken = self.take(&body, life)?;
                    if matches!(what, What::LosesTheAnswer) {
                        return Ok(());
                    }
                    let answer = match self.kind {
                        Kind::Log => ("200 OK", "{\"text\":\"Success\",\"code\":0}"),
                        Kind::Pager => ("202 Accepted", "{}"),
                    };
                    self.answered(taken);
                    answer
                }
            };
            let length = answer.len();
            write!(
                writer,
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{answer}"
            )?;
        }
        Ok(())
    }

    fn take(&self, body: &[u8], life: u32) -> Outcome<std::ops::Range<usize>> {
        let mut bytes = Vec::new();
        if body.starts_with(&[0x1f, 0x8b]) {
            flate2::read::GzDecoder::new(body).read_to_end(&mut bytes)?;
        } else {
            bytes.extend_from_slice(body);
        }
        let mut events = Vec::new();
        for value in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>() {
            let value = value?;
            let id = match self.kind {
                Kind::Log => text(&value["event"]["metadata"]["uid"]),
                Kind::Pager => text(&value["id"]),
            };
            let (alert, revision) = id.rsplit_once('-').ok_or("an event without an id")?;
            events.push(Seen {
                alert: alert.to_owned(),
                revision: revision.parse()?,
                life,
                answered: false,
            });
        }
        let count = events.len();
        self.events
            .fetch_add(u64::try_from(count)?, Ordering::Relaxed);
        let mut seen = self.seen.lock().map_err(|_| "a receiver panicked")?;
        if self.keep {
            seen.extend(events);
        }
        Ok(seen.len() - if self.keep { count } else { 0 }..seen.len())
    }

    fn answered(&self, taken: std::ops::Range<usize>) {
        if let Ok(mut seen) = self.seen.lock() {
            for event in &mut seen[taken] {
                event.answered = true;
            }
        }
    }
}

/// The method and the body of the next request; none at the end of the connection.
fn request(reader: &mut impl BufRead) -> Outcome<Option<(String, Vec<u8>)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let method = line.split(' ').next().unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((method, body)))
}
