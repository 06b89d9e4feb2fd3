//! A file of lines as a destination: appended, synced, and rotated by size.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// So many older files are kept beside the one being written: `name.1` is the newest of them.
const OLDER: u32 = 5;

/// Appends whole lines. What could be written only in part is taken away again, so that a line is
/// never torn; a line that an earlier crash tore is ended first. The file and its folders are made
/// where they are missing, readable by their owner alone.
pub(super) fn append(
    path: &Path,
    lines: &[u8],
    rotate: Option<u64>,
    sync: bool,
) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = open(path)?;
    let mut length = file.metadata()?.len();
    let more = u64::try_from(lines.len()).unwrap_or(u64::MAX);
    if rotate.is_some_and(|at_most| length > 0 && length.saturating_add(more) > at_most) {
        drop(file);
        turn(path)?;
        file = open(path)?;
        length = 0;
    }
    if length > 0 && !ends_a_line(&mut file)? {
        file.write_all(b"\n")?;
        length += 1;
    }
    let written = file
        .write_all(lines)
        .and_then(|()| if sync { file.sync_data() } else { Ok(()) });
    if written.is_err() {
        file.set_len(length)?;
    }
    written
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn ends_a_line(file: &mut File) -> std::io::Result<bool> {
    let mut last = [0_u8];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn older(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// `name` becomes `name.1`, that `name.2`, and so on; the oldest is written over.
fn turn(path: &Path) -> std::io::Result<()> {
    for number in (1..OLDER).rev() {
        let from = older(path, number);
        if from.exists() {
            std::fs::rename(&from, older(path, number + 1))?;
        }
    }
    std::fs::rename(path, older(path, 1))
}
