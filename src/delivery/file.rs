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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn a_full_file_steps_aside_and_the_sixth_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/alerts.ndjson");
        for number in 0..8 {
            append(&path, format!("{number}\n").as_bytes(), Some(3), true).unwrap();
        }
        let kept: Vec<String> = (1..=6).map(|number| read(&older(&path, number))).collect();
        assert_eq!(read(&path), "7\n");
        assert_eq!(kept, ["6\n", "5\n", "4\n", "3\n", "2\n", ""]);
    }

    #[test]
    fn a_torn_line_is_ended_and_only_the_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts.ndjson");
        append(&path, b"{\"torn\":", None, false).unwrap();
        append(&path, b"{}\n", None, false).unwrap();
        assert_eq!(read(&path), "{\"torn\":\n{}\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
