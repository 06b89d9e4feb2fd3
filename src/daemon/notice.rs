//! Tells the service manager how it goes, as sd_notify(3) does: a datagram to the socket that
//! `NOTIFY_SOCKET` names. Where nobody asked for it nothing is sent.

use std::ffi::OsStr;
use std::io;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr as Address, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use crate::live::Live;
use crate::store::Store;

/// How often the status is told where no watchdog asks for more.
const STATUS_EVERY: Duration = Duration::from_secs(30);

/// A way to the service manager.
#[derive(Debug)]
pub struct Notice {
    socket: UnixDatagram,
    to: Address,
    /// Unless it hears of us within this, it ends us (`WatchdogSec=`).
    watchdog: Option<Duration>,
}

impl Notice {
    /// The one that the environment names.
    pub fn from_env() -> Option<Self> {
        let name = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty())?;
        let number = |variable: &str| std::env::var(variable).ok()?.parse::<u64>().ok();
        let for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|usec| *usec > 0 && for_us);
        match Self::new(&name, watchdog.map(Duration::from_micros)) {
            Ok(notice) => Some(notice),
            Err(error) => {
                tracing::warn!(%error, "NOTIFY_SOCKET cannot be used; the service manager is told nothing");
                None
            }
        }
    }

    fn new(name: &OsStr, watchdog: Option<Duration>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        // Whoever does not read must not hold us up.
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            to: address(name)?,
            watchdog,
        })
    }

    /// Signals are taken at `listening`.
    pub fn ready(&self, listening: SocketAddr) {
        self.say(&format!("READY=1\nSTATUS=listening on {listening}"));
    }

    /// What was begun is finished now, and then the daemon ends.
    pub fn stopping(&self) {
        self.say("STOPPING=1\nSTATUS=finishing what was begun");
    }

    /// Feeds the watchdog twice in its time, as long as the store answers, until the daemon stops.
    pub async fn keep(self: Arc<Self>, live: Arc<Live>, listening: SocketAddr) {
        let every = self.watchdog.map_or(STATUS_EVERY, |within| within / 2);
        let mut beat = tokio::time::interval(every);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = live.stop.cancelled() => return,
                _ = beat.tick() => {}
            }
            let answers = tokio::select! {
                () = live.stop.cancelled() => return,
                answers = answers(&live.store, every / 2) => answers,
            };
            let is_fed = answers && self.watchdog.is_some();
            let fed = if is_fed { "WATCHDOG=1\n" } else { "" };
            let status = match live.store.room() {
                _ if !answers => "the store does not answer".to_owned(),
                Ok(()) => format!("listening on {listening}"),
                Err(error) => format!("signals are refused: {error}"),
            };
            self.say(&format!("{fed}STATUS={status}"));
        }
    }

    fn say(&self, what: &str) {
        if let Err(error) = self.socket.send_to_addr(what.as_bytes(), &self.to) {
            tracing::debug!(%error, "the service manager was not told");
        }
    }
}

/// Whether the store begins and ends a transaction in time. A full one answers too: starting again
/// would make no room.
async fn answers(store: &Store, within: Duration) -> bool {
    match tokio::time::timeout(within, store.write_lazily(|_| Ok(()))).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => error.is_full(),
        Err(_) => false,
    }
}

/// A path, or after `@` a name in the kernel's own space.
fn address(name: &OsStr) -> io::Result<Address> {
    match name.as_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', rest @ ..] => {
            use std::os::linux::net::SocketAddrExt as _;
            Address::from_abstract_name(rest)
        }
        [b'/', ..] => Address::from_pathname(name),
        _ => Err(io::Error::other(
            "it is neither a path nor an abstract name",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_and_abstract_names_are_sockets() {
        for (name, is_taken) in [
            ("/run/systemd/notify", true),
            ("@/org/freedesktop/systemd1/notify", true),
            ("vsock:2:1234", false),
            ("run/notify", false),
        ] {
            assert_eq!(address(OsStr::new(name)).is_ok(), is_taken, "{name}");
        }
    }

    #[test]
    fn nobody_there_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let notice = Notice::new(path.as_os_str(), None).unwrap();
        notice.stopping();
        let manager = UnixDatagram::bind(&path).unwrap();
        for _ in 0..10_000 {
            notice.stopping();
        }
        let mut said = [0; 64];
        let length = manager.recv(&mut said).unwrap();
        assert!(said[..length].starts_with(b"STOPPING=1\n"));
    }
}
