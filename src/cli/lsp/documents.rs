//! What the editor has open, as it is typed: bounded, and whatever an edit says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use url::Url;

use super::text::Units;
use crate::daemon::Unsaved;

/// The longest text that is looked at, in bytes: files of Andon's hold at most 256 KiB, and schemas are read
/// up to more.
pub(super) const LONGEST: usize = 4 * 1024 * 1024;
/// How many texts may be open at once.
pub(super) const MOST_OPEN: usize = 256;

/// The open documents, by the path of their file.
#[derive(Debug, Default)]
pub(super) struct Documents {
    open: BTreeMap<PathBuf, Document>,
}

/// One that is open.
#[derive(Debug)]
struct Document {
    /// As the client writes it, which is how it wants to be answered.
    uri: String,
    /// `None` once it became too long, until the whole of it is sent again.
    text: Option<String>,
}

/// The file that a URI names; one without a file is none of ours.
pub(super) fn path(uri: &str) -> Option<PathBuf> {
    Url::parse(uri).ok()?.to_file_path().ok()
}

impl Documents {
    /// Takes what `textDocument/didOpen` says. Gives the file, or `None` where it is not looked at.
    pub(super) fn open(&mut self, params: &Json) -> Option<PathBuf> {
        let uri = params.pointer("/textDocument/uri")?.as_str()?;
        let text = params.pointer("/textDocument/text")?.as_str()?;
        let path = path(uri)?;
        if self.open.len() >= MOST_OPEN && !self.open.contains_key(&path) {
            return None;
        }
        let document = Document {
            uri: uri.to_owned(),
            text: (text.len() <= LONGEST).then(|| text.to_owned()),
        };
        self.open.insert(path.clone(), document);
        Some(path)
    }

    /// Takes what `textDocument/didChange` says.
    pub(super) fn change(&mut self, params: &Json, units: Units) -> Option<PathBuf> {
        let path = path(params.pointer("/textDocument/uri")?.as_str()?)?;
        let document = self.open.get_mut(&path)?;
        for change in params.get("contentChanges")?.as_array()? {
            document.change(change, units);
        }
        Some(path)
    }

    /// Takes what `textDocument/didClose` says.
    pub(super) fn close(&mut self, params: &Json) -> Option<PathBuf> {
        let path = path(params.pointer("/textDocument/uri")?.as_str()?)?;
        self.open.remove(&path).map(|_| path)
    }

    /// Whether no more can be opened.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= MOST_OPEN
    }

    /// The text of an open file.
    pub(super) fn text(&self, path: &Path) -> Option<&str> {
        self.open.get(path)?.text.as_deref()
    }

    /// How the client calls a file.
    pub(super) fn uri(&self, path: &Path) -> Option<String> {
        match self.open.get(path) {
            Some(document) => Some(document.uri.clone()),
            None => Url::from_file_path(path).ok().map(String::from),
        }
    }

    /// The files that are open.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.open.keys().map(PathBuf::as_path)
    }

    /// All texts below a folder.
    pub(super) fn below(&self, folder: &Path) -> Unsaved {
        let open = self.open.iter();
        open.filter(|(path, _)| path.starts_with(folder))
            .filter_map(|(path, document)| Some((path.clone(), document.text.clone()?)))
            .collect()
    }
}

impl Document {
    fn change(&mut self, change: &Json, units: Units) {
        let Some(new) = change.get("text").and_then(Json::as_str) else {
            return;
        };
        let Some(range) = change.get("range").filter(|range| !range.is_null()) else {
            self.text = (new.len() <= LONGEST).then(|| new.to_owned());
            return;
        };
        let Some(text) = &mut self.text else { return };
        let at = |key: &str| units.offset(text, range.get(key)?);
        let (Some(start), Some(end)) = (at("start"), at("end")) else {
            return;
        };
        text.replace_range(start..end.max(start), new);
        if text.len() > LONGEST {
            self.text = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const URI: &str = "file:///soc/mappings/a.yaml";

    fn opened(text: &str) -> Documents {
        let mut documents = Documents::default();
        let params = json!({ "textDocument": { "uri": URI, "text": text } });
        documents.open(&params).unwrap();
        documents
    }

    fn change(documents: &mut Documents, changes: &Json) {
        let params = json!({ "textDocument": { "uri": URI }, "contentChanges": changes });
        documents.change(&params, Units::Utf16).unwrap();
    }

    fn text(documents: &Documents) -> Option<&str> {
        documents.text(Path::new("/soc/mappings/a.yaml"))
    }

    #[test]
    fn an_edit_replaces_its_range_and_a_text_without_one_everything() {
        let mut documents = opened("from: é\nwhen: x\n");
        let range =
            json!({ "start": { "line": 0, "character": 6 }, "end": { "line": 1, "character": 4 } });
        change(&mut documents, &json!([{ "range": range, "text": "a" }]));
        assert_eq!(text(&documents), Some("from: a: x\n"));
        change(&mut documents, &json!([{ "text": "new" }]));
        assert_eq!(text(&documents), Some("new"));
    }

    #[test]
    fn a_text_that_grows_beyond_the_bound_is_let_go_until_it_is_sent_whole() {
        let mut documents = opened("a");
        let range =
            json!({ "start": { "line": 0, "character": 1 }, "end": { "line": 0, "character": 1 } });
        change(
            &mut documents,
            &json!([{ "range": range, "text": "x".repeat(LONGEST) }]),
        );
        assert_eq!(text(&documents), None);
        change(&mut documents, &json!([{ "range": range, "text": "y" }]));
        assert_eq!(text(&documents), None);
        change(&mut documents, &json!([{ "text": "short" }]));
        assert_eq!(text(&documents), Some("short"));
    }

    #[test]
    fn only_so_many_are_open_at_once() {
        let mut documents = Documents::default();
        let mut open = |number: usize| {
            let uri = format!("file:///soc/mappings/{number}.yaml");
            documents.open(&json!({ "textDocument": { "uri": uri, "text": "" } }))
        };
        assert!((0..MOST_OPEN).all(|number| open(number).is_some()));
        assert_eq!(open(MOST_OPEN), None);
    }

    proptest! {
        #[test]
        fn no_edit_is_too_odd(
            first in "[a\u{e9}\u{1d11e}:\r\n]{0,20}",
            edits in proptest::collection::vec((0_u64..6, 0_u64..9, 0_u64..6, 0_u64..9, "[b\u{1d11e}\n]{0,3}"), 0..8),
        ) {
            let mut documents = opened(&first);
            for (line, character, to_line, to, new) in edits {
                let range = json!({
                    "start": { "line": line, "character": character },
                    "end": { "line": to_line, "character": to },
                });
                change(&mut documents, &json!([{ "range": range, "text": new }]));
            }
            prop_assert!(text(&documents).is_some());
        }
    }
}
