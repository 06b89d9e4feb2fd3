//! `andon explain MAPPING SIGNAL`: why a mapping says what it says about a signal, what triage would do,
//! and what each destination would get. Sends nothing.

pub(super) mod given;
mod part;
mod story;
mod outlook;
mod request;
mod sent;
mod text;
mod text_sent;
pub(super) mod asked;
#[cfg(test)]
mod tests;

pub(super) use story::story;
pub(super) use text::why;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::{Ended, Format, Where, output, shown};
use crate::clock::Clock;
use crate::daemon;
use crate::live::Snapshot;
use crate::mapping::{Judgement, Mapping, Status};
use crate::signal::Signal;
use asked::{How, find, looked_up, mapping_name, open_alert, signals};
use outlook::Known;
use story::Story;

/// What was typed.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// A mapping, by its name or its file
    mapping: String,
    /// A file (a signal's data, a sample or a capture), for which no daemon is needed; or what the running
    /// daemon has stored: a signal (`sig_…`), or `last`, the newest of those that the mapping is about
    signal: String,
    /// What was looked up: a JSON file such as { "version": { … } }
    #[arg(long, value_name = "FILE")]
    look_up: Option<PathBuf>,
    /// The signal in the file, where it is not the one under `from:`
    #[arg(long = "as", value_name = "CONNECTOR/SIGNAL")]
    name: Option<String>,
    /// The connection that it would come through; the first that fits without it
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// What `now` is; without it the present, or when a stored signal was read
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
    /// Also show each request with its headers and its body; secrets by their names
    #[arg(long)]
    bytes: bool,
    /// Show nothing but the body that this destination would get, byte for byte; secrets by their names
    #[arg(long, value_name = "DESTINATION", conflicts_with_all = ["bytes", "format"])]
    send: Option<String>,
    /// For a person or for a script
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

/// Explains.
pub(crate) fn run(typed: &Typed, at: &Where) -> anyhow::Result<Ended> {
    let mut folder = at.folder(Path::new("."))?;
    let named = mapping_name(&typed.mapping, &mut folder)?;
    let (catalog, _) = daemon::load(&folder)?;
    let snapshot = Snapshot::to_look_at(catalog, &folder.path, Clock::system());
    let mapping = find(&snapshot.catalog, &named)?;
    let found = looked_up(typed.look_up.as_deref())?;
    let how = How {
        name: typed.name.as_deref(),
        connection: typed.connection.as_deref(),
        now: typed.now,
    };
    let signals = signals(at, &snapshot.catalog, mapping, &typed.signal, how)?;
    let told = |signal: &Signal| whole(at, &snapshot, mapping, signal, &found);
    let stories: Vec<Story> = signals.iter().map(told).collect();
    if let Some(destination) = &typed.send {
        return send(&snapshot, &stories, destination);
    }
    match typed.format {
        Format::Text => output::text(&text::all(&stories, typed.bytes)),
        Format::Json => output::line(&output::json(&serde_json::to_value(&stories)?)),
    }
    Ok(Ended::Fine)
}

/// The story with what triage would do and what each destination would get.
fn whole(
    at: &Where,
    snapshot: &Snapshot,
    mapping: &Mapping,
    signal: &Signal,
    found: &Map<String, Json>,
) -> Story {
    let mut story = story(&snapshot.catalog, mapping, signal, found);
    let judged = mapping.judge(signal, found);
    let key = match &judged {
        Ok(Judgement::Open(proposal)) => &proposal.key,
        Ok(Judgement::Close { key }) => key,
        Ok(Judgement::Nothing) | Err(_) => return story,
    };
    // What is on trial, or no longer in force, opens nothing.
    let known = if mapping.status == Status::Stable {
        open_alert(at, mapping, key)
    } else {
        Known::None
    };
    outlook::add(&mut story, snapshot, mapping, signal, &judged, known);
    story
}

/// Writes the bodies for one destination: byte for byte to a file or a pipe, and so that a terminal
/// obeys nothing in them to a person.
fn send(snapshot: &Snapshot, stories: &[Story], to: &str) -> anyhow::Result<Ended> {
    let mut why_not = None;
    let mut bodies = Vec::new();
    for sent in stories.iter().flat_map(|story| &story.send) {
        match &sent.goes {
            Some(goes) if sent.to == to => bodies.push(goes.body.as_str()),
            None if sent.to == to => why_not = why_not.or(sent.why_not.as_deref()),
            _ => {}
        }
    }
    if bodies.is_empty() {
        let shown = shown::text(to);
        let config = &snapshot.catalog.config;
        if config.connection(to).is_none() {
            bail!("no connection is called `{shown}`; `andon destinations` lists where alerts go");
        }
        match why_not {
            Some(why) => bail!("`{shown}` would get nothing: {}", shown::text(why)),
            None => {
                bail!("`{shown}` would get nothing: no alert comes of it, or no route leads there")
            }
        }
    }
    let all = bodies.join("\n");
    if std::io::stdout().is_terminal() {
        output::line(&output::harmless(&all));
    } else {
        output::text(&all);
    }
    Ok(Ended::Fine)
}
