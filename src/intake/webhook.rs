//! Pushes: accepted over the raw bytes, parsed within bounds, kept in one write, answered after it.

use std::io::BufRead;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Refused;
use super::body::{LONGEST_BODY, decompressed, strict};
use super::draw::{Cut, Draw, Drawn, digest};
use super::keep::{self, Received};
use super::refused::RETRY_AFTER;
use crate::config::Connection;
use crate::connector::{Input, SignalRule, Unmatched, Unread, Way, Webhook};
use crate::document::Document;
use crate::expr::Value;
use crate::live::{Live, Snapshot};
use crate::secret::{self, Incoming, Refusal};
use crate::signal::{Raw, SignalId};
use crate::store;
use crate::untrusted::Untrusted;
use crate::web;

/// How many signals, and how many lines, one request may hold.
const MOST_SIGNALS: usize = 10_000;

/// A push as it came.
pub struct Arrival<'a> {
    /// The connection that the URL names.
    pub connection: &'a str,
    /// The last segment of the URL, where there is one.
    pub url_token: Option<&'a str>,
    /// Lower-case names, in the order they came.
    pub headers: &'a [(String, String)],
    /// As it came, perhaps compressed.
    pub body: Vec<u8>,
    /// A token of the API with `signals:write` was shown: what the connection accepts is not asked then.
    pub trusted_caller: bool,
}

/// What was kept of a push; it is durable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// One for each signal in the body, in its order.
    pub signals: Vec<Received>,
    /// No signal of the connection recognised itself in a body, or in a line of it.
    pub unmatched: bool,
}

impl Receipt {
    /// How many are new.
    pub fn new_signals(&self) -> usize {
        self.signals.iter().filter(|one| !one.repeat).count()
    }

    /// How many were there already.
    pub fn repeats(&self) -> usize {
        self.signals.iter().filter(|one| one.repeat).count()
    }

    /// How many are stuck.
    pub fn stuck(&self) -> usize {
        self.signals
            .iter()
            .filter(|one| one.stuck.is_some())
            .count()
    }
}

/// Takes a push. It is durable when this answers.
///
/// # Errors
/// When it is not authentic, not within bounds or not parseable, or when nothing more can be kept.
pub async fn receive(live: &Arc<Live>, arrival: Arrival<'_>) -> Result<Receipt, Refused> {
    let snapshot = live.snapshot();
    let Some((connection, webhook)) = pushed(&snapshot, arrival.connection) else {
        return Err(Refused::UnknownConnection);
    };
    let taken = take(live, &snapshot, connection, webhook, arrival).await;
    let meters = &live.meters;
    match &taken {
        Ok(receipt) => {
            let signals = u32::try_from(receipt.signals.len()).unwrap_or(u32::MAX);
            meters.request_signals.observe(f64::from(signals));
        }
        Err(refused) => meters.refused.add(&connection.name, refused.word(), 1),
    }
    taken
}

fn pushed<'s>(snapshot: &'s Snapshot, name: &str) -> Option<(&'s Connection, &'s Webhook)> {
    let connection = snapshot.catalog.config.connection(name)?;
    Some((connection, connection.connector.webhook.as_ref()?))
}

async fn take(
    live: &Arc<Live>,
    snapshot: &Arc<Snapshot>,
    connection: &Connection,
    webhook: &Webhook,
    arrival: Arrival<'_>,
) -> Result<Receipt, Refused> {
    live.store.room().map_err(|error| no_room(&error))?;
    if arrival.body.len() > LONGEST_BODY {
        return Err(Refused::TooLarge {
            at_most: LONGEST_BODY,
            of: "bytes",
        });
    }
    let now = live.clock.now();
    if !arrival.trusted_caller {
        accept(snapshot, connection, webhook, &arrival, now)?;
    }
    let header = |name: &str| {
        arrival
            .headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    let inflated = decompressed(&arrival.body, header("content-encoding"));
    let door = Door {
        live,
        draw: Draw {
            catalog: &snapshot.catalog,
            connection,
            received_at: now,
            now,
        },
        unmatched: webhook.unmatched,
        // Who has a token of the API is a person or a script that hears the answer.
        unreadable: if arrival.trusted_caller {
            Unread::Refuse
        } else {
            webhook.unreadable
        },
        header: web::header_object(arrival.headers),
        kept_headers: arrival
            .headers
            .iter()
            .filter(|(name, _)| is_kept(name))
            .cloned()
            .collect(),
    };
    let (drawn, unmatched) = match inflated {
        // What cannot be inflated is kept as it came.
        Err(refused) => door.unread(arrival.body, refused)?,
        Ok(inflated) => {
            let body = inflated.unwrap_or(arrival.body);
            if header("content-type").is_some_and(is_lines) {
                door.lines(body)?
            } else {
                door.whole(body)?
            }
        }
    };
    if drawn.iter().map(|body| body.signals.len()).sum::<usize>() > MOST_SIGNALS {
        return Err(Refused::TooLarge {
            at_most: MOST_SIGNALS,
            of: "signals",
        });
    }
    if unmatched > 0 && webhook.unmatched == Unmatched::Count {
        for _ in 0..unmatched {
            live.meters.signals.add(&connection.name, "unmatched", 1);
        }
    }
    let signals = if drawn.is_empty() {
        Vec::new()
    } else {
        keep::write(live, snapshot, drawn)
            .await
            .map_err(|error| no_room(&error))?
    };
    Ok(Receipt {
        signals,
        unmatched: unmatched > 0,
    })
}

fn accept(
    snapshot: &Snapshot,
    connection: &Connection,
    webhook: &Webhook,
    arrival: &Arrival<'_>,
    now: jiff::Timestamp,
) -> Result<(), Refused> {
    let incoming = Incoming {
        headers: arrival.headers,
        body: &arrival.body,
        url_token: arrival.url_token,
        now,
    };
    secret::check(
        &webhook.accepts,
        &connection.name,
        &snapshot.secrets,
        &incoming,
    )
    .map(drop)
    .map_err(|refusal| {
        tracing::warn!(connection = %connection.name, reason = %refusal, "a push was refused");
        match refusal {
            ours if ours.is_ours() => Refused::Ours,
            Refusal::Lacking { what } => Refused::Lacking { what },
            Refusal::NothingToCheckWith { .. } => Refused::NothingToCheckWith,
            _ => Refused::NotAccepted,
        }
    })
}

fn no_room(error: &store::Error) -> Refused {
    // What holds for all is said once, by the store and by the jobs; a log of every push could fill the disk.
    if error.may_pass() {
        tracing::debug!(%error, "a push could not be kept; it was answered 503");
    } else {
        tracing::warn!(%error, "a push could not be kept; it was answered 503");
    }
    Refused::Full {
        retry_after: RETRY_AFTER,
    }
}

/// What one request's bodies have in common.
struct Door<'d> {
    live: &'d Live,
    draw: Draw<'d>,
    unmatched: Unmatched,
    unreadable: Unread,
    header: Json,
    kept_headers: Vec<(String, String)>,
}

impl Door<'_> {
    fn id(&self) -> SignalId {
        self.live.store.ids().next(self.draw.now)
    }

    /// The body as one document.
    fn whole(&self, body: Vec<u8>) -> Result<(Vec<Drawn>, usize), Refused> {
        match strict(&body) {
            Ok(document) => {
                let (drawn, unmatched) = self.one(body, document);
                Ok((drawn.into_iter().collect(), unmatched))
            }
            Err(refused) => self.unread(body, refused),
        }
    }

    /// A body that nobody can read: kept as it is where the connector says so, and refused otherwise.
    fn unread(&self, body: Vec<u8>, refused: Refused) -> Result<(Vec<Drawn>, usize), Refused> {
        if self.unreadable == Unread::Refuse || !refused.is_unreadable() {
            return Err(refused);
        }
        let ready = self
            .draw
            .refused(digest(&body), refused.to_string(), self.id());
        Ok((vec![self.drawn(body, vec![ready])], 0))
    }

    /// The signals of one document, and how many documents nobody recognised (0 or 1).
    fn one(&self, bytes: Vec<u8>, mut document: Document) -> (Option<Drawn>, usize) {
        let (cuts, matched) = self.cut(&bytes, &document);
        let mut whole = cuts.iter().filter(|(_, cut)| cut.whole).count();
        let mut signals = Vec::with_capacity(cuts.len());
        for (rule, mut cut) in cuts {
            if cut.whole {
                whole -= 1;
                // The last that wants it need not copy it.
                cut.data = match whole {
                    0 => std::mem::take(&mut document),
                    _ => document.clone(),
                };
            }
            signals.push(self.draw.ready(rule, cut, None, self.id()));
        }
        if !matched && self.unmatched == Unmatched::Keep {
            let reason = "no signal of the connection recognises itself in it".to_owned();
            signals.push(self.draw.refused(digest(&bytes), reason, self.id()));
        }
        let drawn = (!signals.is_empty()).then(|| self.drawn(bytes, signals));
        (drawn, usize::from(!matched))
    }

    /// What each signal that recognises itself cuts out, and whether one does.
    fn cut(&self, bytes: &[u8], document: &Document) -> (Vec<(&SignalRule, Cut)>, bool) {
        let mut input = Input::new(&self.draw.connection.settings, self.draw.received_at);
        input.body = Value::from_place(document.root());
        input.text = std::str::from_utf8(bytes).unwrap_or_default();
        input.header = &self.header;
        input.whole = (!bytes.starts_with(b"\xef\xbb\xbf")).then_some(document);
        let mut cuts = Vec::new();
        let mut matched = false;
        for rule in &self.draw.connection.connector.signals {
            if recognises(rule, &input) {
                matched = true;
                self.lost(rule, &input);
                let found = Draw::cut(rule, &input, || digest(bytes));
                cuts.extend(found.into_iter().map(|cut| (rule, cut)));
            }
        }
        (cuts, matched)
    }

    /// Each line a document. A line that is none is kept to be looked at; a body in which none is one, is unread.
    fn lines(&self, body: Vec<u8>) -> Result<(Vec<Drawn>, usize), Refused> {
        let mut drawn = Vec::new();
        let mut unmatched = 0;
        let mut read = 0;
        let mut first_fault = None;
        let lines = BufRead::split(body.as_slice(), b'\n').map_while(Result::ok);
        let lines = lines.filter_map(trimmed);
        for (index, line) in lines.enumerate() {
            if index >= MOST_SIGNALS {
                return Err(Refused::TooLarge {
                    at_most: MOST_SIGNALS,
                    of: "lines",
                });
            }
            match strict(&line) {
                Ok(document) => {
                    read += 1;
                    let (one, missed) = self.one(line, document);
                    drawn.extend(one);
                    unmatched += missed;
                }
                Err(refused) => {
                    let reason = format!("line {}: {refused}", index + 1);
                    let ready = self.draw.refused(digest(&line), reason, self.id());
                    drawn.push(self.drawn(line, vec![ready]));
                    first_fault.get_or_insert(refused);
                }
            }
        }
        if read > 0 {
            return Ok((drawn, unmatched));
        }
        let detail = match first_fault {
            Some(refused) if !refused.is_unreadable() => return Err(refused),
            Some(_) => "none of its lines is JSON that can be read",
            None => "it has no line",
        };
        let detail = detail.to_owned();
        self.unread(body, Refused::NotParseable { detail })
    }

    fn drawn(&self, bytes: Vec<u8>, signals: Vec<super::draw::Ready>) -> Drawn {
        Drawn {
            raw: Raw {
                body: Untrusted::new(bytes),
                headers: self.kept_headers.clone(),
                path: None,
            },
            signals,
        }
    }

    /// What the sender says it left out is counted; nothing more can be done about it here.
    fn lost(&self, rule: &SignalRule, input: &Input<'_>) {
        let Some(lost) = &rule.lost else { return };
        let scope = rule.scope(input);
        if let Ok(Value::Int(lost)) = lost.eval(&scope)
            && let Ok(lost @ 1..) = u64::try_from(lost)
        {
            let connection = &self.draw.connection.name;
            self.live.meters.lost(connection, lost);
            tracing::warn!(%connection, signal = %rule.name, lost, "the sender left signals out");
        }
    }
}

/// Whether a body is this signal; an error is no.
pub(super) fn recognises(rule: &SignalRule, input: &Input<'_>) -> bool {
    match &rule.way {
        Way::Webhook { only_if: None } => true,
        Way::Webhook {
            only_if: Some(only_if),
        } => {
            let scope = rule.scope(input);
            only_if.holds(&scope).unwrap_or(false)
        }
        Way::Poll(_) | Way::File(_) | Way::Own(_) => false,
    }
}

/// A line without the blanks around it; none of an empty one. Most have none and are not copied.
fn trimmed(line: Vec<u8>) -> Option<Vec<u8>> {
    let inside = line.trim_ascii();
    if inside.len() == line.len() {
        return (!line.is_empty()).then_some(line);
    }
    (!inside.is_empty()).then(|| inside.to_vec())
}

/// Newline-delimited JSON, by the names it goes by.
fn is_lines(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    [
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
    ]
    .iter()
    .any(|known| media_type.eq_ignore_ascii_case(known))
}

/// Headers that are kept with a signal: they tell deliveries apart and prove nothing.
fn is_kept(name: &str) -> bool {
    matches!(
        name,
        "content-type" | "user-agent" | "x-request-id" | "traceparent"
    ) || name.strip_prefix("x-").is_some_and(|rest| {
        rest.ends_with("-delivery-id") || rest.ends_with("-timestamp") || rest.ends_with("-event")
    })
}
