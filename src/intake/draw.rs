//! From what arrived to signals: cut out by the manifest, checked by the schema, judged by the mappings.
//! Pure; nothing is kept here.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::catalog::Catalog;
use crate::config::Connection;
use crate::connector::{Extracted, Input, SignalRule};
use crate::document::Document;
use crate::shape;
use crate::signal::{self, Change, Raw, Signal, SignalId, SignalName};
use crate::triage::{self, Judged};
use crate::untrusted::{self, Untrusted};

/// The same id after this long is a new sighting, unless the manifest says `again`.
const AGAIN: Duration = Duration::from_hours(24);
/// The longest reason that is kept, in graphemes.
const LONGEST_REASON: usize = 500;
/// What begins the vendor id of a signal that could not be cut out; the place among its items follows.
pub(super) const UNREAD: char = '?';
/// The name of what nobody recognised.
pub(super) const UNMATCHED: &str = "unmatched";

/// A body and the signals in it, ready to be kept.
#[derive(Debug)]
pub(super) struct Drawn {
    /// The body; shared by its signals.
    pub raw: Raw,
    /// In the order of the body.
    pub signals: Vec<Ready>,
}

/// A signal, ready to be kept.
#[derive(Debug)]
pub(super) struct Ready {
    /// The signal and what the mappings say. They were not asked when there is a `fault`.
    pub judged: Judged,
    /// Why it could not be read.
    pub fault: Option<Fault>,
    /// The same id after this long is a new sighting; `None`: it was told apart already.
    pub again: Option<Duration>,
    /// Its data are its body, Andon's own fields aside: they are kept once.
    pub whole: bool,
}

/// Why a signal could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its manifest or its schema failed on it.
    Stuck(String),
    /// Nobody knows what it is.
    Refused(String),
}

/// Makes signals of one connection out of what arrived at one instant.
#[derive(Clone, Copy)]
pub(super) struct Draw<'d> {
    pub catalog: &'d Catalog,
    pub connection: &'d Connection,
    /// When the bytes reached Andon.
    pub received_at: Timestamp,
    /// When they are read: `now`.
    pub now: Timestamp,
}

/// A signal that was cut out, before it has an id.
#[derive(Debug)]
pub(super) struct Cut {
    pub vendor_id: String,
    pub at: Option<Timestamp>,
    pub data: Document,
    /// `data` is the whole body.
    pub whole: bool,
    pub fault: Option<String>,
    /// Where a poll may stop next time.
    pub mark: Option<Json>,
}

impl Draw<'_> {
    /// All signals of one rule in what arrived. Items that fail are among them, with their fault; `digest` tells
    /// their bodies apart.
    pub fn cut(rule: &SignalRule, input: &Input<'_>, digest: impl Fn() -> String) -> Vec<Cut> {
        let failed = |index: usize, error: &shape::Error| Cut {
            vendor_id: format!("{UNREAD}{index}:{}", digest()),
            at: None,
            data: Document::null(),
            whole: false,
            fault: Some(said("reading", error)),
            mark: None,
        };
        match rule.extract(input) {
            Err(error) => vec![failed(0, &error)],
            Ok(items) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| match item {
                    Err(error) => failed(index, &error),
                    Ok(extracted) => checked(rule, extracted, input.whole),
                })
                .collect(),
        }
    }

    /// Gives a signal its id and Andon's own fields, and asks the mappings.
    pub fn ready(
        &self,
        rule: &SignalRule,
        cut: Cut,
        change: Option<Change>,
        id: SignalId,
    ) -> Ready {
        let again = rule.again.unwrap_or(AGAIN);
        let fault = cut.fault.clone().map(Fault::Stuck);
        let whole = cut.whole;
        let signal = self.signal(&rule.name, cut, change, id);
        let judged = match fault {
            None => triage::judge(self.catalog, signal, &BTreeMap::new(), None),
            Some(_) => unasked(signal),
        };
        Ready {
            judged,
            fault,
            again: Some(again),
            whole,
        }
    }

    /// What nobody knows, or nobody could read: kept to be looked at.
    pub fn refused(&self, digest: String, reason: String, id: SignalId) -> Ready {
        let cut = Cut {
            vendor_id: digest,
            at: None,
            data: Document::null(),
            whole: false,
            fault: None,
            mark: None,
        };
        Ready {
            judged: unasked(self.signal(UNMATCHED, cut, None, id)),
            fault: Some(Fault::Refused(reason)),
            again: Some(AGAIN),
            whole: false,
        }
    }

    pub fn signal(&self, name: &str, cut: Cut, change: Option<Change>, id: SignalId) -> Signal {
        let at = cut.at.unwrap_or(self.received_at);
        Signal {
            id,
            connection: self.connection.name.clone(),
            name: SignalName {
                connector: self.connection.connector.name.clone(),
                signal: name.to_owned(),
            },
            data: Untrusted::new(signal::with_own_fields(
                cut.data,
                at,
                &cut.vendor_id,
                change,
            )),
            vendor_id: cut.vendor_id,
            at,
            received_at: self.received_at,
            now: self.now,
            change,
            echo_of: None,
        }
    }
}

fn checked(rule: &SignalRule, extracted: Extracted, body: Option<&Document>) -> Cut {
    let data = match body {
        Some(body) if extracted.whole => body,
        _ => &extracted.data,
    };
    let data = data.root();
    let fault = rule
        .schema
        .as_ref()
        .filter(|schema| !schema.is_valid(data))
        .and_then(|schema| {
            let error = schema.iter_errors(data).next()?;
            let place = match error.instance_path().as_str() {
                "" => "data",
                path => path,
            };
            let what = format!("schema: {place}: {}", error.masked());
            Some(untrusted::log(&what, LONGEST_REASON))
        });
    Cut {
        vendor_id: extracted
            .vendor_id
            .unwrap_or_else(|| digest(data.to_string().as_bytes())),
        at: extracted.at,
        data: extracted.data,
        whole: extracted.whole,
        fault,
        mark: extracted.mark,
    }
}

fn unasked(signal: Signal) -> Judged {
    Judged {
        signal,
        said: Vec::new(),
        stuck: Vec::new(),
        waiting: Vec::new(),
        shadow: Vec::new(),
    }
}

/// The place among its items that a signal without data had, from its vendor id.
pub(super) fn unread_index(vendor_id: &str) -> Option<usize> {
    vendor_id
        .strip_prefix(UNREAD)?
        .split_once(':')?
        .0
        .parse()
        .ok()
}

/// What failed and with what, on one line and without what a sender could have put into it.
pub(super) fn said(what: &str, error: &dyn std::error::Error) -> String {
    let text = format!("{what}: {}", untrusted::with_causes(error));
    untrusted::log(&text, LONGEST_REASON)
}

/// SHA-256, in hexadecimal digits.
pub(super) fn digest(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    data_encoding::HEXLOWER.encode(digest.as_ref())
}
