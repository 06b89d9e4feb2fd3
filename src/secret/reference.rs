//! Where a secret is read from, and the secrets that were read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::clock::Clock;
use crate::config::SecretRef;

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable `{name}`"),
            Self::File(path) => write!(f, "the file `{}`", path.display()),
        }
    }
}

/// Why a secret cannot be had. Names the reference, never what is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("cannot read `{setting}` of `{connection}` from {reference}")]
    Unreadable {
        /// The connection.
        connection: String,
        /// The setting.
        setting: String,
        /// Where the secret should be.
        reference: SecretRef,
        /// What the system says.
        source: std::io::Error,
    },
    /// The secret is not UTF-8 text.
    #[error("`{setting}` of `{connection}` in {reference} is not UTF-8 text")]
    NotText {
        /// The connection.
        connection: String,
        /// The setting.
        setting: String,
        /// Where the secret is.
        reference: SecretRef,
    },
    /// The file is too long to be a secret, or is none (a folder, a pipe).
    #[error("`{setting}` of `{connection}`: {reference} is not a file of at most {at_most} bytes")]
    NotASecretFile {
        /// The connection.
        connection: String,
        /// The setting.
        setting: String,
        /// Where the secret is.
        reference: SecretRef,
        /// The bound in bytes.
        at_most: u64,
    },
}

/// The longest file that is read as a secret, in bytes: several keys in rotation fit, a mistaken path does not.
const LONGEST: u64 = 64 * 1024;

/// A file is looked at for changes at most this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// All secrets of a configuration, by connection and setting. Has no `Debug` that shows one.
pub struct Secrets {
    refs: BTreeMap<(String, String), SecretRef>,
    folder: PathBuf,
    clock: Clock,
    read: Mutex<BTreeMap<(String, String), Read>>,
}

/// What was read, and what its file looked like then.
struct Read {
    secret: Option<SecretString>,
    /// It could not be read: that is tried again each time, and not taken for "not given".
    failed: bool,
    looked_at: Duration,
    seen: Option<Seen>,
}

/// What tells that a file was changed without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    modified: Option<std::time::SystemTime>,
    size: u64,
    inode: u64,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets")
            .field("refs", &self.refs)
            .finish_non_exhaustive()
    }
}

impl Secrets {
    /// Takes the references, by connection and setting; files are relative to `folder`. Nothing is read yet.
    pub fn new(refs: BTreeMap<(String, String), SecretRef>, folder: PathBuf, clock: Clock) -> Self {
        Self {
            refs,
            folder,
            clock,
            read: Mutex::new(BTreeMap::new()),
        }
    }

    /// The secret of that setting, as it is now. `None` when it was not given: no reference, an environment variable
    /// that is not set, or nothing in it.
    ///
    /// Fails when a file that is named cannot be read, so that a mistake is not taken for "not given".
    pub fn get(&self, connection: &str, setting: &str) -> Result<Option<SecretString>, Error> {
        let key = (connection.to_owned(), setting.to_owned());
        let Some(reference) = self.refs.get(&key) else {
            return Ok(None);
        };
        let now = self.clock.steady();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get_mut(&key).filter(|known| !known.failed) {
            let looked_lately = now.saturating_sub(known.looked_at) < LOOK_EVERY;
            if matches!(reference, SecretRef::Env(_)) || looked_lately {
                return Ok(known.secret.clone());
            }
            if let SecretRef::File(path) = reference
                && known.seen.is_some()
                && look(&self.folder.join(path)).ok().map(|(seen, _)| seen) == known.seen
            {
                known.looked_at = now;
                return Ok(known.secret.clone());
            }
        }
        // What was read is forgotten: a file that can no longer be read gives no secret.
        let (found, seen) = match reference {
            SecretRef::Env(name) => (from_env(name, connection, setting), None),
            SecretRef::File(path) => {
                let path = self.folder.join(path);
                let looked = look(&path);
                let seen = looked.as_ref().ok().map(|(seen, _)| *seen);
                (from_file(&path, looked, connection, setting), seen)
            }
        };
        read.insert(
            key,
            Read {
                secret: found.as_ref().ok().cloned().flatten(),
                failed: found.is_err(),
                looked_at: now,
                seen,
            },
        );
        found
    }

    /// Whether a secret is written as it has to be; `None` when it is not given.
    ///
    /// # Errors
    /// As [`Secrets::get`].
    pub fn fits(
        &self,
        connection: &str,
        setting: &str,
        pattern: &regex::Regex,
    ) -> Result<Option<bool>, Error> {
        let secret = self.get(connection, setting)?;
        Ok(secret.map(|secret| pattern.is_match(secret.expose_secret())))
    }

    /// Whether a file with a secret of that connection is no longer as it was when it was last read.
    pub fn changed(&self, connection: &str) -> bool {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        self.refs
            .iter()
            .filter(|((of, _), _)| of == connection)
            .any(|(key, reference)| match (reference, read.get(key)) {
                (SecretRef::File(path), Some(known)) => {
                    look(&self.folder.join(path)).ok().map(|(seen, _)| seen) != known.seen
                }
                // A variable does not change, and what nobody asked for is no reason.
                _ => false,
            })
    }

    /// Whether that setting has a secret now.
    pub fn is_given(&self, connection: &str, setting: &str) -> Result<bool, Error> {
        Ok(self.get(connection, setting)?.is_some())
    }
}

fn from_env(name: &str, connection: &str, setting: &str) -> Result<Option<SecretString>, Error> {
    match std::env::var(name) {
        Ok(text) => Ok(given(&text)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::NotText {
            connection: connection.to_owned(),
            setting: setting.to_owned(),
            reference: SecretRef::Env(name.to_owned()),
        }),
    }
}

fn from_file(
    path: &Path,
    looked: std::io::Result<(Seen, bool)>,
    connection: &str,
    setting: &str,
) -> Result<Option<SecretString>, Error> {
    let reference = || SecretRef::File(path.to_owned());
    let unreadable = |source| Error::Unreadable {
        connection: connection.to_owned(),
        setting: setting.to_owned(),
        reference: reference(),
        source,
    };
    let (seen, is_file) = looked.map_err(unreadable)?;
    if !is_file || seen.size > LONGEST {
        return Err(Error::NotASecretFile {
            connection: connection.to_owned(),
            setting: setting.to_owned(),
            reference: reference(),
            at_most: LONGEST,
        });
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Error::NotText {
        connection: connection.to_owned(),
        setting: setting.to_owned(),
        reference: reference(),
    })?;
    Ok(given(text))
}

/// What an editor or `echo` adds at the end is no part of a secret; nothing is not a secret.
fn given(text: &str) -> Option<SecretString> {
    let text = text.trim_end_matches(['\r', '\n']);
    (!text.is_empty()).then(|| SecretString::from(text))
}

fn look(path: &Path) -> std::io::Result<(Seen, bool)> {
    let found = std::fs::metadata(path)?;
    let seen = Seen {
        modified: found.modified().ok(),
        size: found.len(),
        inode: inode(&found),
    };
    Ok((seen, found.is_file()))
}

/// Secret mounts are rotated by swapping a link, which may leave time and size as they were.
#[cfg(unix)]
fn inode(found: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(found)
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    const MARKER: &str = "planted-marker-5a1e";

    fn secrets(reference: SecretRef, folder: &Path, clock: &Clock) -> Secrets {
        let refs = BTreeMap::from([(("soc".to_owned(), "token".to_owned()), reference)]);
        Secrets::new(refs, folder.to_owned(), clock.clone())
    }

    fn stopped() -> Clock {
        Clock::stopped("2026-11-23T08:00:00Z".parse().unwrap())
    }

    fn text(secrets: &Secrets) -> Option<String> {
        secrets
            .get("soc", "token")
            .unwrap()
            .map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn a_file_is_relative_to_the_folder_and_loses_its_last_line_break() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hec"), "abc\r\n").unwrap();
        let secrets = secrets(SecretRef::File("hec".into()), folder.path(), &stopped());
        assert_eq!(text(&secrets).as_deref(), Some("abc"));
    }

    #[test]
    fn a_changed_file_is_read_again_after_a_second_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hec");
        let clock = stopped();
        std::fs::write(&path, "first").unwrap();
        let secrets = secrets(SecretRef::File("hec".into()), folder.path(), &clock);
        assert_eq!(text(&secrets).as_deref(), Some("first"));
        std::fs::write(&path, "the second").unwrap();
        clock.advance(Duration::from_millis(999));
        assert_eq!(text(&secrets).as_deref(), Some("first"));
        clock.advance(Duration::from_millis(1));
        assert_eq!(text(&secrets).as_deref(), Some("the second"));
    }

    #[test]
    fn a_file_that_is_gone_gives_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hec");
        let clock = stopped();
        std::fs::write(&path, "first").unwrap();
        let secrets = secrets(SecretRef::File("hec".into()), folder.path(), &clock);
        assert!(text(&secrets).is_some());
        std::fs::remove_file(&path).unwrap();
        clock.advance(Duration::from_secs(2));
        assert!(matches!(
            secrets.get("soc", "token"),
            Err(Error::Unreadable { .. })
        ));
    }

    #[test]
    fn a_file_has_changed_until_it_was_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hec");
        let clock = stopped();
        let secrets = secrets(SecretRef::File("hec".into()), folder.path(), &clock);
        std::fs::write(&path, "first").unwrap();
        assert!(!secrets.changed("soc"), "nobody asked for it");
        let steps: [(&str, &dyn Fn()); 3] = [
            ("other", &|| std::fs::write(&path, "the second").unwrap()),
            ("gone", &|| std::fs::remove_file(&path).unwrap()),
            ("back", &|| std::fs::write(&path, "the third").unwrap()),
        ];
        drop(secrets.get("soc", "token"));
        for (how, step) in steps {
            assert!(!secrets.changed("soc"), "before it is {how}");
            step();
            assert!(secrets.changed("soc"), "{how}");
            assert!(!secrets.changed("pager"), "{how}");
            clock.advance(LOOK_EVERY);
            drop(secrets.get("soc", "token"));
        }
        assert_eq!(text(&secrets).as_deref(), Some("the third"));
    }

    #[test]
    fn nothing_in_it_is_not_given() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("hec"), "\n").unwrap();
        let clock = stopped();
        let empty = secrets(SecretRef::File("hec".into()), folder.path(), &clock);
        assert!(!empty.is_given("soc", "token").unwrap());
        assert!(!empty.is_given("soc", "other").unwrap());
        let unset = secrets(
            SecretRef::Env("ANDON_TEST_NEVER_SET".into()),
            folder.path(),
            &clock,
        );
        assert!(!unset.is_given("soc", "token").unwrap());
    }

    #[test]
    fn an_environment_variable_is_read() {
        // One that is there wherever tests run.
        let secrets = secrets(SecretRef::Env("PATH".into()), Path::new("."), &stopped());
        let path = std::env::var("PATH").unwrap();
        assert_eq!(text(&secrets), Some(path));
    }

    #[test]
    fn an_error_names_the_reference_and_never_the_content() {
        let folder = tempfile::tempdir().unwrap();
        let clock = stopped();
        let long = format!("{MARKER}{}", "x".repeat(70_000));
        std::fs::write(folder.path().join("long"), &long).unwrap();
        let mut binary = MARKER.as_bytes().to_vec();
        binary.push(0xff);
        std::fs::write(folder.path().join("binary"), &binary).unwrap();
        std::fs::create_dir(folder.path().join("a-folder")).unwrap();
        for name in ["long", "binary", "a-folder", "missing"] {
            let secrets = secrets(SecretRef::File(name.into()), folder.path(), &clock);
            let error = secrets.get("soc", "token").unwrap_err();
            let shown = format!("{error} {error:?} {secrets:?}");
            assert!(shown.contains(name), "{shown}");
            assert!(!shown.contains(MARKER), "{shown}");
        }
    }
}
