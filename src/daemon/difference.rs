//! What differs between two sets of files: for the audit, and for whoever asked that they be read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use similar::TextDiff;

use super::Folder;
use crate::store::Digests;

/// The most of a difference that is kept, in bytes; the rest is counted.
const MOST: usize = 32_000;
/// Lines around a change.
const AROUND: usize = 2;
/// Stands for what is built into the program.
const BUILT_IN: &str = "(built in)";

/// What people wrote, by path.
#[derive(Debug, Clone)]
pub(super) struct Written(BTreeMap<String, Arc<[u8]>>);

/// Paths by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Paths {
    pub(super) added: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) removed: Vec<String>,
}

impl Written {
    pub(super) fn of(folder: &Folder) -> Self {
        let files = folder.written.iter();
        let mut files: BTreeMap<_, _> = files
            .map(|(path, file)| (path.to_owned(), Arc::clone(&file.bytes)))
            .collect();
        let config = folder.config.text.as_bytes();
        files.insert("andon.yaml".to_owned(), config.into());
        Self(files)
    }

    /// Their digests, in hexadecimal digits; the program's version stands for what is built in.
    pub(super) fn digests(&self) -> Digests {
        let mut digests: Digests = self
            .0
            .iter()
            .map(|(path, bytes)| {
                let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
                (
                    path.clone(),
                    data_encoding::HEXLOWER.encode(digest.as_ref()),
                )
            })
            .collect();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        digests.insert(BUILT_IN.to_owned(), version);
        digests
    }

    /// What was changed on the way to `after`, line by line as `diff -u` shows it.
    pub(super) fn lines_to(&self, after: &Self) -> String {
        let paths = Paths::between(&self.digests(), &after.digests());
        let all = paths
            .added
            .iter()
            .chain(&paths.changed)
            .chain(&paths.removed);
        let mut all: Vec<&String> = all.collect();
        all.sort_unstable();
        let mut out = String::new();
        for path in all {
            let text = |of: &Self| {
                of.0.get(path)
                    .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            };
            let (before, after) = (text(self), text(after));
            let name = |text: &Option<String>| match text {
                Some(_) => path.as_str(),
                None => "/dev/null",
            };
            let (from, to) = (name(&before), name(&after));
            let (before_text, after_text) = (
                before.as_deref().unwrap_or(""),
                after.as_deref().unwrap_or(""),
            );
            let difference = TextDiff::from_lines(before_text, after_text);
            let mut unified = difference.unified_diff();
            let _ = write!(out, "{}", unified.context_radius(AROUND).header(from, to));
        }
        shortened(out)
    }
}

impl Paths {
    pub(super) fn between(before: &Digests, after: &Digests) -> Self {
        let mut paths = Self::default();
        for (path, digest) in after {
            match before.get(path) {
                None => paths.added.push(path.clone()),
                Some(known) if known != digest => paths.changed.push(path.clone()),
                Some(_) => {}
            }
        }
        let gone = before.keys().filter(|path| !after.contains_key(*path));
        paths.removed = gone.cloned().collect();
        paths
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn shortened(text: String) -> String {
    if text.len() <= MOST {
        return text;
    }
    let end = (0..=MOST).rev().find(|end| text.is_char_boundary(*end));
    let kept = text.get(..end.unwrap_or(0)).unwrap_or_default();
    let left = text.len().saturating_sub(kept.len());
    format!("{kept}\n… {left} more bytes\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(files: &[(&str, &str)]) -> Written {
        let files = files.iter();
        Written(
            files
                .map(|(path, text)| ((*path).to_owned(), text.as_bytes().into()))
                .collect(),
        )
    }

    #[test]
    fn a_change_is_shown_line_by_line() {
        let before = written(&[
            ("andon.yaml", "a: 1\nb: 2\n"),
            ("mappings/x.yaml", "x: 1\n"),
        ]);
        let after = written(&[
            ("andon.yaml", "a: 1\nb: 3\n"),
            ("mappings/y.yaml", "y: 1\n"),
        ]);
        insta::assert_snapshot!(before.lines_to(&after), @r"
        --- andon.yaml
        +++ andon.yaml
        @@ -1,2 +1,2 @@
         a: 1
        -b: 2
        +b: 3
        --- mappings/x.yaml
        +++ /dev/null
        @@ -1 +0,0 @@
        -x: 1
        --- /dev/null
        +++ mappings/y.yaml
        @@ -0,0 +1 @@
        +y: 1
        ");
        let paths = Paths::between(&before.digests(), &after.digests());
        assert_eq!(
            (paths.added, paths.changed, paths.removed),
            (
                vec!["mappings/y.yaml".to_owned()],
                vec!["andon.yaml".to_owned()],
                vec!["mappings/x.yaml".to_owned()]
            )
        );
        assert!(Paths::between(&after.digests(), &after.digests()).is_empty());
    }

    #[test]
    fn a_large_change_is_cut_and_says_so() {
        let after = written(&[("mappings/x.yaml", &"ü: 1\n".repeat(20_000))]);
        let shown = written(&[]).lines_to(&after);
        assert!(
            shown.len() < MOST + 100 && shown.ends_with("more bytes\n"),
            "{}",
            shown.len()
        );
    }
}
