//! Without any load: how soon it is ready, what it holds, how large its file is. The yardstick is the
//! bare server, which has nothing to load.

use std::io;
use std::time::Duration;

use crate::Outcome;
use crate::candidate::{Candidate, Kind};
use crate::house::{House, free_port};
use crate::run::median;
use crate::settings::Settings;

/// How often each is started; the best counts, because only the machine can make one slower.
const STARTS: usize = 5;
/// When memory is looked at.
const SETTLED: Duration = Duration::from_secs(3);

/// A connection of each built-in connector. Those that call somebody find nobody.
const CONNECTIONS: &str = r#"connections:
  alertmanager: { connector: alertmanager, hook_token: { file: secret } }
  evidently: { connector: evidently, folder: reports }
  feast: { connector: feast, url: "http://127.0.0.1:PORT", reach: loopback, project: loans }
  file: { connector: file }
  generic: { connector: generic }
  inspect: { connector: inspect, folder: logs }
  mlflow: { connector: mlflow, url: "http://127.0.0.1:PORT", reach: loopback, webhook_secret: { file: secret } }
  pagerduty: { connector: pagerduty, url: "http://127.0.0.1:PORT", reach: loopback, routing_key: { file: secret } }
  sentinel: { connector: sentinel, url: "http://127.0.0.1:PORT", reach: loopback, dcr: dcr-0, token_url: "http://127.0.0.1:PORT/token", client_id: bench, client_secret: { file: secret } }
  splunk: { connector: splunk, url: "http://127.0.0.1:PORT", reach: loopback, token: { file: secret } }
routes:
  - to: [file, pagerduty, sentinel, splunk]
"#;

pub async fn table(settings: &Settings) -> Outcome<()> {
    println!(
        "{:<40} {:>10} {:>8} {:>12} {:>8}  hold",
        "idle", "start ms", "of bare", "resident MB", "of bare"
    );
    let closed = free_port()?;
    let connected = CONNECTIONS.replace("PORT", &closed.to_string());
    let mut yardstick: Option<(f64, f64)> = None;
    for (name, kind, files, hold) in [
        ("bare", Kind::Bare, "", ""),
        (
            "andon, all built-in connectors",
            Kind::Andon,
            "",
            "<= 100 ms (aim 50), <= 25 MB (aim 15)",
        ),
        (
            "the same, a connection of each",
            Kind::Andon,
            connected.as_str(),
            "the same",
        ),
    ] {
        let mut start = f64::INFINITY;
        for _ in 0..STARTS {
            let house = furnish(files)?;
            let candidate = Candidate::start(kind, closed, &house)?;
            start = start.min(candidate.started_in.as_secs_f64() * 1_000.0);
        }
        let mut resident = Vec::new();
        for _ in 0..settings.rounds {
            let house = furnish(files)?;
            let candidate = Candidate::start(kind, closed, &house)?;
            tokio::time::sleep(SETTLED).await;
            resident.push(candidate.resident_megabytes()?);
        }
        let Some(resident) = median(resident) else {
            continue;
        };
        let of_bare = yardstick.map_or_else(
            || ("-".to_owned(), "-".to_owned()),
            |(bare_start, bare_resident)| {
                (
                    format!("{:.1}", start / bare_start),
                    format!("{:.1}", resident / bare_resident),
                )
            },
        );
        println!(
            "{name:<40} {start:>10.1} {:>8} {resident:>12.1} {:>8}  {hold}",
            of_bare.0, of_bare.1
        );
        yardstick = yardstick.or(Some((start, resident)));
    }
    let binary = megabytes(env!("CARGO_BIN_EXE_andon"))?;
    println!(
        "{:<40} {binary:>10.1} MB, {:.2} of the 30 MB to hold (aim 20); stripped in a release build only",
        "the binary",
        binary / 30.0
    );
    println!(
        "\nStart: from the spawn until /readyz answers 200, the best of {STARTS}. Memory {} s after the start.",
        SETTLED.as_secs()
    );
    Ok(())
}

fn furnish(files: &str) -> io::Result<House> {
    let mut house = House::new()?;
    // That the platforms cannot be reached is meant.
    house.log = "error";
    house.put("secret", "0123456789abcdef0123456789abcdef")?;
    for folder in ["reports", "logs"] {
        std::fs::create_dir_all(house.path().join(folder))?;
    }
    house.configure(files)?;
    Ok(house)
}

fn megabytes(path: &str) -> io::Result<f64> {
    let bytes = usize::try_from(std::fs::metadata(path)?.len()).map_err(io::Error::other)?;
    Ok(crate::load::ratio(bytes, 1_000_000))
}
