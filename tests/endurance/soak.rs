//! A long run at a steady rate with faults: memory and files flat, nothing leaked.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::load::Load;
use crate::receiver::{Kind, Receiver};
use crate::support::{Andon, Outcome};
use crate::{files, given, verdict};

/// Of a thousand requests at a destination, how many meet trouble.
const TROUBLE: u64 = 30;
/// A pager gets one alert at a time: one key in forty makes a dozen events a second, many times what
/// PagerDuty takes.
const PAGED: &str = "alert.fields.key == \"k0\"";
/// What a steady state may grow by from its first quarter to its last, in percent.
const FLAT: f64 = 10.0;

/// What is looked at, once in each part of the run.
struct Look {
    resident_mb: f64,
    database_mb: f64,
    log_mb: f64,
    threads: f64,
    files: f64,
    waiting: u64,
}

impl Look {
    fn at(andon: &Andon, folder: &Path) -> Outcome<Self> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", andon.pid()))?;
        let field = |name: &str| -> Outcome<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let word = line.and_then(|line| line.split_whitespace().next());
            Ok(word.ok_or("no such field")?.parse()?)
        };
        let megabytes = |end: &str| -> f64 {
            let file = folder.join(format!("data/andon.db{end}"));
            let bytes = std::fs::metadata(file).map_or(0, |file| file.len());
            u32::try_from(bytes / 1_000).map_or(f64::MAX, f64::from) / 1_000.0
        };
        let open = std::fs::read_dir(format!("/proc/{}/fd", andon.pid()))?.count();
        Ok(Self {
            resident_mb: field("VmRSS:")? / 1_000.0,
            threads: field("Threads:")?,
            files: f64::from(u32::try_from(open)?),
            database_mb: megabytes(""),
            log_mb: megabytes("-wal"),
            waiting: verdict::owed(folder)?,
        })
    }
}

/// By how many percent the last quarter lies over the second: what grows without end does, what has
/// found its level does not. The first quarter is retention's first round and is left out.
fn growth(looks: &[Look], what: impl Fn(&Look) -> f64) -> f64 {
    let quarter = (looks.len() / 4).max(1);
    let mean = |part: &[Look]| {
        let sum: f64 = part.iter().map(&what).sum();
        sum / f64::from(u32::try_from(part.len().max(1)).unwrap_or(1))
    };
    let before = mean(looks.get(quarter..2 * quarter).unwrap_or_default());
    let after = mean(&looks[looks.len() - quarter..]);
    (after / before.max(0.001) - 1.0) * 100.0
}

#[test]
#[ignore = "takes as long as it is told to: cargo xtask soak"]
fn memory_and_files_stay_flat_under_load_and_faults() -> Outcome<()> {
    let minutes = given("ANDON_MINUTES", 1);
    let rate = given("ANDON_RATE", 100);
    let folder = tempfile::tempdir()?;
    let life = Arc::new(AtomicU32::new(0));
    let log = Receiver::start(Kind::Log, &life, 1, TROUBLE, false)?;
    let pager = Receiver::start(Kind::Pager, &life, 2, TROUBLE, false)?;
    // A sixth of the run, so that retention's first round is over when the second quarter begins.
    let keep = (minutes * 60 / 6).max(5);
    let keep = format!("keep: {{ signals: {keep}s, at_most: 20GB }}\n");
    let config = files::write(folder.path(), log.port, pager.port, PAGED, &keep)?;
    let andon = Andon::start(folder.path(), &config)?;
    let load = Load::start(andon.port, rate);
    // Once a minute, or sixteen times in a short run.
    let every = Duration::from_secs((minutes * 60 / 16).clamp(3, 60));
    let began = Instant::now();
    let mut looks: Vec<Look> = Vec::new();
    println!(
        "   time  signals/s  events/s  resident MB  database MB  log MB  threads  files  waiting  lag s"
    );
    let (mut sent_before, mut seen_before, mut at_before) = (0, 0, began);
    while began.elapsed() < Duration::from_secs(minutes * 60) {
        std::thread::sleep(every);
        let look = Look::at(&andon, folder.path())?;
        let sent = load.sent.load(Ordering::Relaxed);
        let seen = log.events.load(Ordering::Relaxed);
        let seconds = at_before.elapsed().as_secs_f64();
        let per_second = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds;
        println!(
            "{:>5} s {:>10.0} {:>9.0} {:>12.1} {:>12.1} {:>7.1} {:>8} {:>6} {:>8} {:>6.1}",
            began.elapsed().as_secs(),
            per_second(sent - sent_before),
            per_second(seen - seen_before),
            look.resident_mb,
            look.database_mb,
            look.log_mb,
            look.threads,
            look.files,
            look.waiting,
            verdict::oldest(folder.path())?,
        );
        (sent_before, seen_before, at_before) = (sent, seen, Instant::now());
        looks.push(look);
        if let Ok(mut so_far) = load.so_far.lock() {
            so_far.clear();
        }
    }
    let accepted = load.end()?;
    verdict::delivered(folder.path(), &[&log, &pager], Duration::from_secs(400))?;
    let parts: [(&str, f64); 4] = [
        ("resident memory", growth(&looks, |look| look.resident_mb)),
        (
            "database and log",
            growth(&looks, |look| look.database_mb + look.log_mb),
        ),
        ("threads", growth(&looks, |look| look.threads)),
        ("open files", growth(&looks, |look| look.files)),
    ];
    println!(
        "{} signals answered 202; from the second quarter to the last:",
        accepted.ids.len()
    );
    for (what, by) in &parts {
        println!("  {what:<18} {by:>+6.1} %");
    }
    let troubles = log.troubles.load(Ordering::Relaxed) + pager.troubles.load(Ordering::Relaxed);
    println!("  {troubles} requests met trouble");
    if minutes < 10 {
        println!("  too short to judge: a steady state takes ten minutes or more");
        return Ok(());
    }
    let grown: Vec<_> = parts.iter().filter(|(_, by)| *by > FLAT).collect();
    assert!(grown.is_empty(), "not flat: {grown:?}");
    Ok(())
}
