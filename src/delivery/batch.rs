//! How events share a request: what fits into one, and the bytes that they become.

use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::event::Event;
use crate::connector::{Deliver, Framing, Target};

/// The bounds of one batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) events: usize,
    pub(super) bytes: usize,
    pub(super) span: Option<Duration>,
    framing: Framing,
    /// Bytes around all events.
    around: usize,
}

/// A file without `batch:` takes so many lines at once.
const LINES: usize = 500;

impl Bounds {
    pub(super) fn of(deliver: &Deliver) -> Self {
        let batch = &deliver.batch;
        let framing = framing(deliver);
        let around = match framing {
            Framing::Array => open(deliver).len() + close(deliver).len(),
            Framing::Concatenated | Framing::Newline | Framing::Single => 0,
        };
        let events = if framing == batch.framing {
            batch.events
        } else {
            LINES
        };
        Self {
            events: events.max(1),
            bytes: usize::try_from(batch.bytes).unwrap_or(usize::MAX),
            span: batch.span.as_ref().map(|(_, at_most)| *at_most),
            framing,
            around,
        }
    }

    /// Whether an event is too large for a request of its own.
    pub(super) fn excludes(&self, event: &Event) -> bool {
        self.framing != Framing::Single
            && event
                .rendered
                .bytes
                .len()
                .saturating_add(self.around)
                .saturating_add(1)
                > self.bytes
    }
}

/// A batch while events are put into it, as far as its bounds go.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Filling {
    events: usize,
    bytes: usize,
    span: Option<(Timestamp, Timestamp)>,
}

impl Filling {
    /// Takes an event in, unless the batch is full for it.
    pub(super) fn take(&mut self, bounds: &Bounds, event: &Event) -> bool {
        // One more byte for each: the comma or the line break.
        let bytes = self
            .bytes
            .saturating_add(event.rendered.bytes.len())
            .saturating_add(1);
        let span = match (self.span, event.at) {
            (Some((from, to)), Some(at)) => Some((from.min(at), to.max(at))),
            (None, Some(at)) => Some((at, at)),
            (span, None) => span,
        };
        let too_long = bounds
            .span
            .zip(span)
            .is_some_and(|(at_most, (from, to))| to.duration_since(from).unsigned_abs() > at_most);
        let full = self.events >= bounds.events
            || bytes.saturating_add(bounds.around) > bounds.bytes
            || too_long;
        if self.events > 0 && full {
            return false;
        }
        *self = Self {
            events: self.events + 1,
            bytes,
            span,
        };
        true
    }

    pub(super) fn is_full(&self, bounds: &Bounds) -> bool {
        self.events >= bounds.events
    }
}

fn framing(deliver: &Deliver) -> Framing {
    match (&deliver.target, deliver.batch.framing) {
        (Target::File { .. }, Framing::Single | Framing::Concatenated) => Framing::Newline,
        (_, framing) => framing,
    }
}

fn open(deliver: &Deliver) -> String {
    match &deliver.batch.within {
        Some(key) => format!("{{{}:[", serde_json::Value::from(key.as_str())),
        None => "[".to_owned(),
    }
}

fn close(deliver: &Deliver) -> &'static str {
    match &deliver.batch.within {
        Some(_) => "]}",
        None => "]",
    }
}

/// The bytes of a batch, before compression.
pub(super) fn framed(deliver: &Deliver, events: &[&Event]) -> Vec<u8> {
    let framing = framing(deliver);
    let bytes: usize = events
        .iter()
        .map(|event| event.rendered.bytes.len() + 1)
        .sum();
    let mut out = Vec::with_capacity(bytes + 64);
    if framing == Framing::Array {
        out.extend_from_slice(open(deliver).as_bytes());
    }
    for (index, event) in events.iter().enumerate() {
        if framing == Framing::Array && index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(&event.rendered.bytes);
        // `{ lines }` ends its own lines.
        if framing == Framing::Newline && !event.rendered.bytes.ends_with(b"\n") {
            out.push(b'\n');
        }
    }
    if framing == Framing::Array {
        out.extend_from_slice(close(deliver).as_bytes());
    }
    out
}

/// What a batch is sent as.
pub(super) fn media_type(deliver: &Deliver) -> &'static str {
    match deliver.batch.framing {
        Framing::Newline => "application/x-ndjson",
        Framing::Concatenated | Framing::Array | Framing::Single => "application/json",
    }
}

/// Compressed at the fastest level: JSON shrinks by nine tenths, and the rest is not worth its time.
pub(super) fn gzipped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::new(1));
    std::io::Write::write_all(&mut encoder, bytes).ok()?;
    encoder.finish().ok()
}
