//! What each request about an open file is answered.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::complete;
use super::copies;
use super::documents;
use super::home::{Home, root_of};
use super::serve::Server;
use super::shapes;
use super::shelf::Shelf;
use super::stands::{Stands, stands};
use crate::diag::{Diagnostic, Source, Span, pages};
use crate::formats;

impl Server<'_> {
    /// The answer to a request; `None` where there is no such request.
    pub(super) fn answer(&mut self, method: &str, params: &Json) -> Option<Json> {
        let answer = match method {
            "textDocument/completion" => self.completion(params),
            "textDocument/hover" => self.hover(params),
            "textDocument/definition" => self.definition(params),
            "textDocument/formatting" => self.formatting(params),
            _ => return None,
        };
        Some(answer.unwrap_or(Json::Null))
    }

    /// Does something with the open file and the place that a request names.
    fn at_place<T>(
        &mut self,
        params: &Json,
        then: impl FnOnce(&Self, &Shelf<'_>, usize) -> Option<T>,
    ) -> Option<T> {
        let path = Self::path(params)?;
        let root = root_of(&path, &self.documents)?;
        if !self.homes.contains_key(&root) {
            let home = Home::read(&root, &self.documents).ok()?;
            self.homes.insert(root.clone(), home);
        }
        let text = self.documents.text(&path)?;
        let at = self.units.offset(text, params.get("position")?)?;
        let folder = self.homes.get(&root)?.around(&path, &self.documents);
        let shelf = Shelf::new(&folder, &path, text, at);
        then(self, &shelf, at)
    }

    fn path(params: &Json) -> Option<PathBuf> {
        documents::path(params.pointer("/textDocument/uri")?.as_str()?)
    }

    fn completion(&mut self, params: &Json) -> Option<Json> {
        let by_blank = params.pointer("/context/triggerCharacter") == Some(&json!(" "));
        self.at_place(params, |server, shelf, at| {
            // A blank asks where something new begins, and not behind every word.
            if by_blank && !begins_anew(shelf.page.text.get(..at)?) {
                return None;
            }
            let offered = complete::offers(shelf, at);
            Some(shapes::completions(
                &offered,
                &shelf.page.text,
                server.units,
            ))
        })
    }

    fn hover(&mut self, params: &Json) -> Option<Json> {
        self.at_place(params, |server, shelf, at| {
            let text = shelf.page.text.as_str();
            let faults = server.faults_at(Path::new(&shelf.page.shown), at);
            let stands = stands(shelf, at);
            let span = match (&stands, faults.first()) {
                (Some(stands), _) => stands.span,
                (None, Some(fault)) => fault.place.span,
                (None, None) => return None,
            };
            let mut told: Vec<String> = faults.iter().map(|fault| of_fault(fault)).collect();
            told.extend(stands.map(|stands| stands.told));
            Some(json!({
                "contents": { "kind": "markdown", "value": told.join("\n\n---\n\n") },
                "range": server.units.range(text, span),
            }))
        })
    }

    /// The faults that the client was told of at a place, where the text there is still the same.
    fn faults_at(&self, path: &Path, at: usize) -> Vec<&Diagnostic> {
        let told = self.told.values().filter_map(|told| told.get(path));
        let text = self.documents.text(path);
        told.flatten()
            .filter(|fault| Some(fault.place.source.text.as_str()) == text)
            .filter(|fault| fault.place.span.start <= at && at <= fault.place.span.end)
            .collect()
    }

    fn definition(&mut self, params: &Json) -> Option<Json> {
        self.at_place(params, |server, shelf, at| {
            let Stands { named, .. } = stands(shelf, at)?;
            let (page, span) = named?;
            let uri = server.documents.uri(&copies::file(&page.shown)?)?;
            Some(json!({ "uri": uri, "range": server.units.range(&page.text, span) }))
        })
    }

    /// What `andon fmt` makes of it: one edit of the whole, none where it is in order or cannot be read.
    fn formatting(&self, params: &Json) -> Option<Json> {
        let path = Self::path(params)?;
        let text = self.documents.text(&path)?;
        let source = Source::new(path.display().to_string(), text);
        let formatted = formats::format(&source).ok()?;
        if formatted == text {
            return Some(json!([]));
        }
        let whole = self.units.range(text, Span::new(0, text.len()));
        Some(json!([{ "range": whole, "newText": formatted }]))
    }
}

/// Whether a key, a value or an operand begins behind this text.
fn begins_anew(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim_end();
    line.is_empty() || line.ends_with([':', '-', '=', '<', '>', '&', '|', ',', '(', '[', '{', '!'])
}

/// What is wrong, and the page of its code.
fn of_fault(fault: &Diagnostic) -> String {
    let said = shapes::message(fault).replace('\n', "\n\n");
    let page = pages::page(fault.code.0);
    let page = page.map_or_else(String::new, |page| {
        format!("\n\n{}\n\n{}", pages::title(page), pages::body(page))
    });
    format!("**{}**: {said}{page}", fault.code)
}
