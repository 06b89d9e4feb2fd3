//! Platforms that send until they are answered 202, over whatever restarts lie between.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::chance::Chance;
use crate::support::Outcome;

/// How many send at once.
const SENDERS: u64 = 4;
const KEYS: u64 = 40;

/// What was answered 202.
#[derive(Default)]
pub struct Accepted {
    /// Signals, each of them by the number in its id.
    pub ids: Vec<u64>,
    /// How many of a key open or count, and do not resolve.
    pub counts: BTreeMap<String, u64>,
}

pub struct Load {
    pub stop: Arc<AtomicBool>,
    pub sent: Arc<AtomicU64>,
    senders: Vec<JoinHandle<Accepted>>,
    /// What is accepted so far, for whoever asks while it runs.
    pub so_far: Arc<Mutex<Vec<u64>>>,
}

/// One signal, as JSON: what it says follows from its number.
fn signal(number: u64) -> (String, bool, String) {
    let mut chance = Chance(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let key = format!("k{}", chance.below(KEYS));
    let over = chance.below(12) == 0;
    let status = if over { "resolved" } else { "firing" };
    let severity = if chance.below(3) == 0 { "high" } else { "low" };
    let level = chance.below(3);
    let body = format!(
        "{{\"id\":\"s{number}\",\"key\":\"{key}\",\"status\":\"{status}\",\"severity\":\"{severity}\",\"level\":{level}}}"
    );
    (key, over, body)
}

impl Load {
    /// So many signals a second in all, until it is stopped.
    pub fn start(port: u16, per_second: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let so_far = Arc::new(Mutex::default());
        let senders = (0..SENDERS)
            .map(|sender| {
                let (stop, sent, so_far) =
                    (Arc::clone(&stop), Arc::clone(&sent), Arc::clone(&so_far));
                std::thread::spawn(move || run(port, sender, per_second, &stop, &sent, &so_far))
            })
            .collect();
        Self {
            stop,
            sent,
            senders,
            so_far,
        }
    }

    /// No new signal is begun; what was begun is sent until it is answered.
    pub fn end(self) -> Outcome<Accepted> {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Accepted::default();
        for sender in self.senders {
            let one = sender.join().map_err(|_| "a sender panicked")?;
            all.ids.extend(one.ids);
            for (key, count) in one.counts {
                *all.counts.entry(key).or_default() += count;
            }
        }
        Ok(all)
    }
}

fn run(
    port: u16,
    sender: u64,
    per_second: u64,
    stop: &AtomicBool,
    sent: &AtomicU64,
    so_far: &Mutex<Vec<u64>>,
) -> Accepted {
    let mut accepted = Accepted::default();
    let mut connection = None;
    let began = Instant::now();
    for turn in 0_u64.. {
        let due = Duration::from_micros(turn * 1_000_000 * SENDERS / per_second.max(1));
        while began.elapsed() < due && !stop.load(Ordering::SeqCst) {
            let left = due.saturating_sub(began.elapsed());
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let number = turn * SENDERS + sender;
        let (key, over, body) = signal(number);
        loop {
            match post(&mut connection, port, &body) {
                Ok(202) => break,
                Ok(_) => {}
                Err(_) => connection = None,
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        sent.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut so_far) = so_far.lock() {
            so_far.push(number);
        }
        accepted.ids.push(number);
        *accepted.counts.entry(key).or_default() += u64::from(!over);
    }
    accepted
}

/// One request over a kept connection.
fn post(connection: &mut Option<TcpStream>, port: u16, body: &str) -> Outcome<u16> {
    let stream = if let Some(stream) = connection {
        stream
    } else {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        connection.insert(stream)
    };
    let length = body.len();
    stream.write_all(
        format!(
            "POST /v1/signals/local HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .as_bytes(),
    )?;
    let mut answer = Vec::new();
    let mut block = [0; 4_096];
    loop {
        let read = stream.read(&mut block)?;
        if read == 0 {
            return Err("the connection ended".into());
        }
        answer.extend_from_slice(&block[..read]);
        if let Some(status) = whole(&answer)? {
            return Ok(status);
        }
    }
}

/// The status of an answer that is there to its end.
fn whole(answer: &[u8]) -> Outcome<Option<u16>> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .ok_or("an answer without a length")?
        .trim()
        .parse()?;
    let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
    Ok((answer.len() >= end + 4 + length).then_some(status))
}
