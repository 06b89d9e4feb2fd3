//! The protocol's shapes (LSP 3.17) of what the other files find.

use serde_json::{Value as Json, json};

use super::complete::Offered;
use super::text::Units;
use crate::diag::{Diagnostic, Level};

/// How many offers one answer holds; what is typed further narrows them.
const MOST_OFFERS: usize = 500;

/// What the server can do.
pub(super) fn capabilities(units: Units) -> Json {
    json!({
        "capabilities": {
            "positionEncoding": units.name(),
            // 2: changes come as ranges.
            "textDocumentSync": { "openClose": true, "change": 2, "save": true },
            "completionProvider": { "triggerCharacters": [".", "?", "=", "\"", "'", "{", ":", " ", "/"] },
            "hoverProvider": true,
            "definitionProvider": true,
            "documentFormattingProvider": true,
        },
        "serverInfo": { "name": "andon", "version": env!("CARGO_PKG_VERSION") },
    })
}

/// Whether the client can be asked to tell of files that change.
pub(super) fn can_watch(initialize: &Json) -> bool {
    let path = "/capabilities/workspace/didChangeWatchedFiles/dynamicRegistration";
    initialize.pointer(path) == Some(&Json::Bool(true))
}

/// Asks the client to tell of every file that these are made of.
pub(super) fn watching() -> Json {
    let watchers = json!([{ "globPattern": "**/*.{yaml,yml,json,hbs}" }]);
    json!({ "registrations": [{
        "id": "files",
        "method": "workspace/didChangeWatchedFiles",
        "registerOptions": { "watchers": watchers },
    }] })
}

/// A fault where it is shown. The page of its code is shown by hovering, and by `andon code`.
pub(super) fn diagnostic(fault: &Diagnostic, units: Units) -> Json {
    let text = &fault.place.source.text;
    json!({
        "range": units.range(text, fault.place.span),
        "severity": match fault.level { Level::Error => 1, Level::Warning => 2 },
        "code": fault.code.0,
        "source": "andon",
        "message": message(fault),
    })
}

/// What is wrong, and what to write instead.
pub(super) fn message(fault: &Diagnostic) -> String {
    let mut said = fault.message.clone();
    if !fault.label.is_empty() {
        said.push_str(" (");
        said.push_str(&fault.label);
        said.push(')');
    }
    if let Some(help) = &fault.help {
        said.push_str("\nhelp: ");
        said.push_str(help);
    }
    said
}

/// The list of what may be typed. The best come first, in the order in which they were found.
pub(super) fn completions(offered: &Offered, text: &str, units: Units) -> Json {
    let range = units.range(text, offered.span);
    let items: Vec<Json> = offered
        .offers
        .iter()
        .take(MOST_OFFERS)
        .enumerate()
        .map(|(index, offer)| {
            let mut item = json!({
                "label": offer.label,
                "kind": offer.kind.number(),
                "sortText": format!("{}{index:04}", offer.rank),
                "textEdit": { "range": range, "newText": offer.insert },
            });
            if let Some(item) = item.as_object_mut() {
                if !offer.is.is_empty() {
                    item.insert("detail".to_owned(), json!(offer.is));
                }
                if !offer.about.is_empty() {
                    let about = json!({ "kind": "markdown", "value": offer.about });
                    item.insert("documentation".to_owned(), about);
                }
                if offer.insert.starts_with('?') {
                    item.insert("filterText".to_owned(), json!(offer.label));
                }
            }
            item
        })
        .collect();
    json!({ "isIncomplete": offered.offers.len() > MOST_OFFERS, "items": items })
}
