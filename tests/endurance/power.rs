//! Power cuts: after `kill -9` the files are put back to what was synced, with some of what was not, and
//! the next daemon has to have every signal that was answered 202.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::chance::Chance;
use crate::load::Load;
use crate::receiver::{Kind, Receiver};
use crate::support::{Andon, Outcome, until};
use crate::{files, given, kill, verdict};

/// Power cuts in a plain `cargo test`; `cargo xtask power` says otherwise.
const CUTS: u64 = 8;
const RATE: u64 = 150;
const TROUBLE: u64 = 100;
/// What a disk writes whole: half a kilobyte.
const SECTOR: usize = 512;

/// The library that forgets what was not synced.
fn disk(folder: &Path) -> Outcome<PathBuf> {
    let library = folder.join("forget_unsynced.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/power/forget_unsynced.c");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let made = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .args([source, "-ldl"])
        .status()?;
    assert!(made.success(), "the disk cannot be compiled");
    Ok(library)
}

/// Puts the files back. Of what was written and not synced, each sector is there or not. Gives how many
/// sectors no sync had covered.
fn cut_the_power(folder: &Path, kept: &Path, chance: &mut Chance) -> Outcome<usize> {
    let mut unsynced = 0;
    for end in ["", "-wal"] {
        let (file, safe) = (
            folder.join(format!("data/andon.db{end}")),
            kept.join(format!("db{end}")),
        );
        let written = fs::read(&file).unwrap_or_default();
        let Ok(mut left) = fs::read(&safe) else {
            // Never synced: that it was made need not be known.
            if file.exists() {
                fs::remove_file(&file)?;
            }
            continue;
        };
        let often = chance.below(4);
        if written.len() > left.len() && often > 0 {
            let more =
                usize::try_from(chance.below(u64::try_from(written.len() - left.len())? + 1))?;
            left.resize(left.len() + more, 0);
        }
        for (place, sector) in left.chunks_mut(SECTOR).enumerate() {
            let new = written
                .get(place * SECTOR..)
                .and_then(|rest| rest.get(..sector.len()));
            if let Some(new) = new.filter(|new| *new != sector) {
                unsynced += 1;
                if chance.below(4) < often {
                    sector.copy_from_slice(new);
                }
            }
        }
        fs::write(&file, &left)?;
        fs::write(&safe, &left)?;
    }
    let shared = folder.join("data/andon.db-shm");
    if shared.exists() {
        fs::remove_file(shared)?;
    }
    Ok(unsynced)
}

struct Stage {
    folder: tempfile::TempDir,
    kept: PathBuf,
    library: PathBuf,
    life: Arc<AtomicU32>,
    log: Arc<Receiver>,
    pager: Arc<Receiver>,
}

impl Stage {
    fn new(chance: &mut Chance) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let kept = folder.path().join("kept");
        fs::create_dir_all(&kept)?;
        let life = Arc::new(AtomicU32::new(0));
        Ok(Self {
            library: disk(folder.path())?,
            log: Receiver::start(Kind::Log, &life, chance.below(1 << 30), TROUBLE, true)?,
            pager: Receiver::start(Kind::Pager, &life, chance.below(1 << 30), TROUBLE, true)?,
            kept,
            folder,
            life,
        })
    }

    fn config(&self) -> Outcome<String> {
        let (log, pager) = (self.log.port, self.pager.port);
        files::write(self.folder.path(), log, pager, files::ALL_PAGED, "")
    }

    fn environment(&self, deaf: bool) -> Vec<(&'static str, PathBuf)> {
        let mut all = vec![
            ("LD_PRELOAD", self.library.clone()),
            ("POWER_TRACK", self.folder.path().join("data/andon.db")),
            ("POWER_DISK", self.kept.clone()),
        ];
        if deaf {
            all.push(("POWER_DEAF", PathBuf::from("1")));
        }
        all
    }
}

fn borrowed<'a>(all: &'a [(&'static str, PathBuf)]) -> Vec<(&'static str, &'a Path)> {
    all.iter()
        .map(|(name, path)| (*name, path.as_path()))
        .collect()
}

#[test]
fn what_was_answered_survives_power_cuts() -> Outcome<()> {
    let cuts = given("ANDON_CUTS", CUTS);
    let mut chance = Chance(given("ANDON_SEED", 0x9017));
    let stage = Stage::new(&mut chance)?;
    let folder = stage.folder.path();
    let receivers = [&*stage.log, &*stage.pager];
    let config = stage.config()?;
    let environment = stage.environment(false);
    let mut andon = Andon::start_with(folder, &config, &borrowed(&environment))?;
    let port = andon.port;
    let load = Load::start(port, RATE);
    let mut unsynced = 0;
    for cut in 1..=cuts {
        std::thread::sleep(Duration::from_millis(20 + chance.below(900)));
        andon.kill()?;
        kill::next_life(&stage.life, &receivers)?;
        // What a sender was told by now; more may have been answered and not noted yet.
        let answered = load.so_far.lock().map_err(|_| "a sender panicked")?.clone();
        unsynced += cut_the_power(folder, &stage.kept, &mut chance)?;
        // A copy is looked at: the daemon itself shall find the files as they are.
        let look = folder.join("look");
        fs::create_dir_all(look.join("data"))?;
        for end in ["", "-wal"] {
            let name = format!("data/andon.db{end}");
            let _ = fs::remove_file(look.join(&name));
            if folder.join(&name).exists() {
                fs::copy(folder.join(&name), look.join(&name))?;
            }
        }
        let lost = verdict::lost(&look, &answered)?;
        assert!(
            lost.is_empty(),
            "cut {cut}: answered 202 and lost: {lost:?}"
        );
        andon = Andon::again_with(folder, port, &borrowed(&environment))?;
    }
    let accepted = load.end()?;
    verdict::delivered(folder, &receivers, Duration::from_secs(300))?;
    andon.kill()?;
    let verdict = verdict::of(folder, &accepted, &receivers)?;
    println!(
        "power cuts {cuts}, sectors unsynced at the cuts {unsynced}, signals answered 202 {}, lost {}, events seen {}, of them twice {}",
        accepted.ids.len(),
        verdict.lost,
        verdict.sightings,
        verdict.twice
    );
    assert!(verdict.broken.is_empty(), "{:#?}", verdict.broken);
    assert!(accepted.ids.len() > 50, "there was no load");
    Ok(())
}

/// The disk above forgets indeed: where it does not hear syncs, what was answered is gone.
#[test]
fn without_syncs_the_same_disk_loses_what_was_answered() -> Outcome<()> {
    let mut chance = Chance(7);
    let stage = Stage::new(&mut chance)?;
    let folder = stage.folder.path();
    let config = stage.config()?;
    // The store is made with syncs, so that only signals can be lost.
    let hears = stage.environment(false);
    let andon = Andon::start_with(folder, &config, &borrowed(&hears))?;
    let port = andon.kill()?;
    let deaf = stage.environment(true);
    let andon = Andon::again_with(folder, port, &borrowed(&deaf))?;
    let load = Load::start(port, RATE);
    until("signals are answered", Duration::from_secs(60), || {
        Ok((load.sent.load(Ordering::Relaxed) > 50).then_some(()))
    })?;
    load.stop.store(true, Ordering::SeqCst);
    let accepted = load.end()?;
    andon.kill()?;
    for end in ["", "-wal"] {
        let file = folder.join(format!("data/andon.db{end}"));
        match fs::read(stage.kept.join(format!("db{end}"))) {
            Ok(kept) => fs::write(file, kept)?,
            Err(_) => fs::remove_file(file)?,
        }
    }
    fs::remove_file(folder.join("data/andon.db-shm"))?;
    let lost = verdict::lost(folder, &accepted.ids)?;
    assert_eq!(
        lost.len(),
        accepted.ids.len(),
        "this disk forgets nothing, and would prove nothing"
    );
    Ok(())
}
