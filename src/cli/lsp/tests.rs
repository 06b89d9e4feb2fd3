//! What is offered and told at places of files, without the protocol.

mod completion;
mod conversation;
mod stands;

use std::path::{Path, PathBuf};

use super::complete::{self, Offered};
use super::shelf::Shelf;
use super::stands::{Stands, stands};
use crate::catalog::Files;
use crate::daemon::{Folder, Unsaved};

/// The built-in files, and an `andon.yaml` with two connections.
const CONFIG: &str = "andon: config/v1
connections:
  registry: { connector: mlflow, url: \"https://mlflow.example.com\", webhook_secret: { env: SECRET } }
  reports: { connector: evidently, folder: reports }
  soc: { connector: splunk, url: \"https://hec.example.com\", token: { env: HEC } }
routes:
  - to: [soc]
";

/// A text without its mark `¦`, and where that was.
fn cursor(marked: &str) -> (String, usize) {
    let at = marked.find('¦').expect("a mark");
    (marked.replacen('¦', "", 1), at)
}

/// The built-in files with `andon.yaml` and one other.
fn folder(name: &str, text: &str) -> Folder {
    let root = Path::new("/soc");
    let unsaved: Unsaved = [("andon.yaml", CONFIG), (name, text)]
        .map(|(name, text)| (root.join(name), text.to_owned()))
        .into();
    let mut folder = Folder::under(root, None, &unsaved).unwrap();
    let mut files = Files::built_in();
    files.overlay(folder.written.clone());
    folder.files = files;
    folder
}

fn shelf_of<T>(name: &str, marked: &str, then: impl FnOnce(&Shelf<'_>, usize) -> T) -> T {
    let (text, at) = cursor(marked);
    let folder = folder(name, &text);
    let path: PathBuf = Path::new("/soc").join(name);
    then(&Shelf::new(&folder, &path, &text, at), at)
}

fn offered(name: &str, marked: &str) -> Offered {
    shelf_of(name, marked, complete::offers)
}

fn found(name: &str, marked: &str) -> Option<Stands> {
    shelf_of(name, marked, stands)
}

/// A file after the first offer so labelled was taken.
fn taken(name: &str, marked: &str, label: &str) -> String {
    let (mut text, _) = cursor(marked);
    let offered = offered(name, marked);
    let offer = offered.offers.iter().find(|offer| offer.label == label);
    let offer = offer.unwrap_or_else(|| panic!("no {label} in {:?}", labels(&offered)));
    text.replace_range(offered.span.start..offered.span.end, &offer.insert);
    text
}

fn labels(offered: &Offered) -> Vec<&str> {
    let mut sorted: Vec<_> = offered.offers.iter().collect();
    sorted.sort_by_key(|offer| offer.rank);
    sorted.iter().map(|offer| offer.label.as_str()).collect()
}
