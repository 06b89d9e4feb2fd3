//! One file: whether it is whole, what it holds, and the signals in it. Blocks on the disk.

use std::fs::File;
use std::io::Read as _;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::Refused;
use super::body::{is_cut_off, lenient};
use super::draw::{Cut, Draw, Drawn, Ready, digest};
use super::file::{Folder, Found, stat};
use super::open::{LONGEST_FILE, LONGEST_JSON, Member, member, rows};
use crate::catalog::Catalog;
use crate::connector::{Input, Open, SignalRule, Whole};
use crate::document::Document;
use crate::expr::Value;
use crate::live::Live;
use crate::signal::Raw;
use crate::untrusted::Untrusted;

/// The longest file that is kept with its signals, in bytes; of a longer one each keeps its own data.
const LONGEST_KEPT: usize = 1024 * 1024;
/// Bytes that are hashed at a time.
const CHUNK: usize = 64 * 1024;

/// What a file came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Its signals; none where no rule wants it.
    Read(Vec<Drawn>),
    /// It is written to while it is read.
    Moved,
    /// It is whole as a file, but lacks what it will have at the end.
    NotYet,
    /// The same, until a time.
    NotYetUntil(Timestamp),
    /// It ends in the middle.
    NotWhole,
}

/// SHA-256 of what is in a file; of one that is too long to be read, of what is known about it.
/// `None` when it changed meanwhile.
pub(super) fn hash(found: &Found) -> Option<[u8; 32]> {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    if found.size > LONGEST_FILE {
        context.update(format!("{} {} {}", found.path, found.size, found.modified).as_bytes());
    } else {
        let mut file = File::open(&found.full).ok()?;
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk).ok()? {
                0 => break,
                read => context.update(chunk.get(..read)?),
            }
        }
        if stat(&found.full) != Some((found.size, found.modified)) {
            return None;
        }
    }
    context.finish().as_ref().try_into().ok()
}

/// What a file holds, opened in one way.
struct Opened {
    bytes: Vec<u8>,
    body: Json,
    rows: Json,
    cut_off: bool,
}

/// Why it holds nothing.
enum Closed {
    Moved,
    NotYet,
    /// It may be whole later.
    NotWhole(String),
    /// It is none; with what is kept of it.
    Unreadable(String, Vec<u8>),
}

/// The signals of a file. `give_up`: nothing was written for so long that it never will be whole.
pub(super) fn draw(
    live: &Live,
    catalog: &Catalog,
    folder: &Folder<'_>,
    found: &Found,
    sha256: &[u8; 32],
    give_up: bool,
) -> Outcome {
    let hex = data_encoding::HEXLOWER.encode(sha256);
    let now = live.clock.now();
    let drawing = Drawing {
        live,
        draw: Draw {
            catalog,
            connection: folder.connection,
            received_at: now,
            now,
        },
        found,
        hex: &hex,
        file: json!({
            "path": found.path,
            "modified": found.modified.to_string(),
            "sha256": hex,
            "size": found.size,
        }),
    };
    let mut opened: Vec<(Open, Opened)> = Vec::new();
    let mut drawn = Vec::new();
    for (rule, file) in folder.rules_for(&found.path) {
        if !opened.iter().any(|(way, _)| *way == file.open) {
            match open(found, &file.open) {
                Ok(content) => opened.push((file.open.clone(), content)),
                Err(Closed::Moved) => return Outcome::Moved,
                Err(Closed::NotYet) => return Outcome::NotYet,
                Err(Closed::NotWhole(_)) if !give_up => return Outcome::NotWhole,
                Err(Closed::NotWhole(reason)) => {
                    return Outcome::Read(vec![drawing.unreadable(rule, reason, Vec::new())]);
                }
                Err(Closed::Unreadable(reason, bytes)) => {
                    return Outcome::Read(vec![drawing.unreadable(rule, reason, bytes)]);
                }
            }
        }
        let Some((_, content)) = opened.iter().find(|(way, _)| *way == file.open) else {
            continue;
        };
        if content.cut_off && !give_up {
            return Outcome::NotWhole;
        }
        let mut input = Input::new(&folder.connection.settings, now);
        input.body = Value::from_json(&content.body);
        input.rows = &content.rows;
        input.file = &drawing.file;
        if let Some(whole) = &file.whole
            && let Some(until) = not_whole(rule, whole, &input, found.modified, now)
        {
            return until.map_or(Outcome::NotYet, Outcome::NotYetUntil);
        }
        let wanted = match &file.only_if {
            None => true,
            Some(only_if) => {
                let scope = rule.scope(&input);
                only_if.holds(&scope).unwrap_or(false)
            }
        };
        if wanted {
            let signals = Draw::cut(rule, &input, || hex.clone())
                .into_iter()
                .map(|cut| drawing.ready(rule, cut))
                .collect();
            drawn.extend(drawing.bodies(signals, &content.bytes));
        }
    }
    if stat(&found.full) != Some((found.size, found.modified)) {
        return Outcome::Moved;
    }
    Outcome::Read(drawn)
}

/// When a file may be whole that is not: `None` when it is; else at a time, or when something is written.
#[expect(
    clippy::option_option,
    reason = "outer: whether it is still to wait for; inner: until when, if that is known"
)]
fn not_whole(
    rule: &SignalRule,
    whole: &Whole,
    input: &Input<'_>,
    modified: Timestamp,
    now: Timestamp,
) -> Option<Option<Timestamp>> {
    if let Some(has) = &whole.has {
        let scope = rule.scope(input);
        let slot = rule.names.find("row").map(|(slot, _)| slot);
        let ends = match (input.rows.as_array(), slot) {
            (Some(rows), Some(slot)) => rows.iter().any(|row| {
                let scope = scope.with_item(slot, Value::from_json(row));
                has.holds(&scope).unwrap_or(false)
            }),
            _ => has.holds(&scope).unwrap_or(false),
        };
        if ends {
            return None;
        }
    }
    match whole.or_quiet {
        None if whole.has.is_none() => None,
        None => Some(None),
        Some(quiet) => {
            let over = quiet_until(modified, quiet);
            (now < over).then_some(Some(over))
        }
    }
}

fn quiet_until(modified: Timestamp, quiet: Duration) -> Timestamp {
    modified.checked_add(quiet).unwrap_or(Timestamp::MAX)
}

fn open(found: &Found, way: &Open) -> Result<Opened, Closed> {
    let too_long = |at_most: u64| {
        Closed::Unreadable(
            format!("reading: the file is longer than {at_most} bytes"),
            Vec::new(),
        )
    };
    if found.size > LONGEST_FILE {
        return Err(too_long(LONGEST_FILE));
    }
    let file = File::open(&found.full).map_err(|_| Closed::Moved)?;
    let bytes = match way {
        Open::Zip { member: name } => match member(file, name) {
            Member::Here(bytes) => bytes,
            Member::NotYet => return Err(Closed::NotYet),
            Member::NoArchive => {
                let reason = "reading: the file is no zip archive, or not whole";
                return Err(Closed::NotWhole(reason.to_owned()));
            }
            Member::TooLong => return Err(too_long(LONGEST_JSON)),
        },
        Open::Json | Open::Jsonl => {
            if found.size > LONGEST_JSON {
                return Err(too_long(LONGEST_JSON));
            }
            let mut bytes = Vec::new();
            file.take(LONGEST_JSON)
                .read_to_end(&mut bytes)
                .map_err(|_| Closed::Moved)?;
            bytes
        }
    };
    let unreadable = |refused: &Refused, bytes: &[u8]| {
        let reason = format!("reading: {refused}");
        if is_cut_off(bytes) {
            return Closed::NotWhole(reason);
        }
        let kept = bytes.get(..LONGEST_KEPT).unwrap_or(bytes).to_vec();
        Closed::Unreadable(reason, kept)
    };
    let mut opened = Opened {
        bytes: Vec::new(),
        body: Json::Null,
        rows: Json::Null,
        cut_off: false,
    };
    if *way == Open::Jsonl {
        (opened.rows, opened.cut_off) =
            rows(&bytes).map_err(|refused| unreadable(&refused, &bytes))?;
    } else {
        opened.body = lenient(&bytes).map_err(|refused| unreadable(&refused, &bytes))?;
    }
    opened.bytes = bytes;
    Ok(opened)
}

/// What the signals of one file have in common.
struct Drawing<'d> {
    live: &'d Live,
    draw: Draw<'d>,
    found: &'d Found,
    hex: &'d str,
    file: Json,
}

impl Drawing<'_> {
    fn ready(&self, rule: &SignalRule, cut: Cut) -> Ready {
        let id = self.live.store.ids().next(self.draw.now);
        self.draw.ready(rule, cut, None, id)
    }

    fn raw(&self, bytes: Vec<u8>) -> Raw {
        let header = |name: &str, value: String| (name.to_owned(), value);
        Raw {
            body: Untrusted::new(bytes),
            headers: vec![
                header("file-modified", self.found.modified.to_string()),
                header("file-sha256", self.hex.to_owned()),
                header("file-size", self.found.size.to_string()),
            ],
            path: Some(self.found.path.clone()),
        }
    }

    fn bodies(&self, signals: Vec<Ready>, bytes: &[u8]) -> Vec<Drawn> {
        if signals.is_empty() {
            return Vec::new();
        }
        if bytes.len() <= LONGEST_KEPT {
            return vec![Drawn {
                raw: self.raw(bytes.to_vec()),
                signals,
            }];
        }
        signals
            .into_iter()
            .map(|ready| {
                let data = ready.judged.signal.data.as_data().to_string();
                Drawn {
                    raw: self.raw(data.into_bytes()),
                    signals: vec![ready],
                }
            })
            .collect()
    }

    /// The one stuck signal of a file that cannot be read.
    fn unreadable(&self, rule: &SignalRule, reason: String, bytes: Vec<u8>) -> Drawn {
        let cut = Cut {
            vendor_id: format!("?0:{}", digest(self.file.to_string().as_bytes())),
            at: Some(self.found.modified),
            data: Document::null(),
            whole: false,
            fault: Some(reason),
            mark: None,
        };
        Drawn {
            raw: self.raw(bytes),
            signals: vec![self.ready(rule, cut)],
        }
    }
}
