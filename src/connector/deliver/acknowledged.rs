//! `acknowledged:`: a destination that says later whether what it took is there, such as Splunk's indexers.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::diag::{Code, Faults, codes};
use crate::expr::{Expr, Names, Scope, Value};
use crate::shape::{CALL_KEYS, Call, Error, Offered, Reading, Request};
use crate::yaml::{self, Fields, Node};

/// A time in which nothing could be acknowledged.
const BAD_TIME: Code = Code("AND0466");

/// Splunk recommends to ask about every ten seconds.
const EVERY: Duration = Duration::from_secs(10);
/// Splunk recommends to send again after about five minutes.
const AGAIN_AFTER: Duration = Duration::from_mins(5);
/// Nobody is asked more often.
const LEAST: Duration = Duration::from_secs(1);

/// Acknowledgment after the answer, such as Splunk's indexer acknowledgment.
#[derive(Debug)]
pub struct Acknowledged {
    /// Whether it is used, over `settings`.
    only_if: Option<Expr>,
    /// The header that carries this connection's channel, a GUID.
    pub channel: Option<String>,
    /// Over the answer to a batch: its id.
    pub id: Expr,
    /// The request that asks, over `ids`.
    call: Call,
    /// Over that answer and `id`.
    pub holds: Expr,
    /// How often it is asked.
    every: Span,
    /// After how long a batch is sent again.
    again_after: Span,
    names: Names,
}

/// A span of time, or an expression over `settings` that gives one.
#[derive(Debug)]
enum Span {
    Fixed(Duration),
    Of(Box<Expr>),
}

impl Acknowledged {
    /// Whether these settings want it.
    pub fn is_used(&self, settings: &Json) -> bool {
        let scope = self.scope(settings);
        match &self.only_if {
            Some(only_if) => only_if.holds(&scope).unwrap_or(false),
            None => true,
        }
    }

    /// How often to ask, and after how long a batch is sent again; that is never before it was asked for.
    pub fn times(&self, settings: &Json) -> (Duration, Duration) {
        let scope = self.scope(settings);
        let every = self.every.over(&scope).unwrap_or(EVERY).max(LEAST);
        let again_after = self.again_after.over(&scope).unwrap_or(AGAIN_AFTER);
        (every, again_after.max(every))
    }

    /// The request that asks for `ids`. `first_url` is the setting that requests go to when they name no
    /// `base`.
    ///
    /// # Errors
    /// When an expression of it fails.
    pub fn request(
        &self,
        settings: &Json,
        ids: &[Json],
        first_url: &str,
    ) -> Result<Request, Error> {
        let ids = Json::Array(ids.to_vec());
        let mut scope = self.scope(settings);
        if let Some((slot, _)) = self.names.find("ids") {
            scope.set(slot, Value::from_json(&ids));
        }
        self.call.render(&scope, &Map::new(), first_url)
    }

    fn scope<'s>(&'s self, settings: &'s Json) -> Scope<'s> {
        let mut scope = Scope::new(&self.names);
        if let Some((slot, _)) = self.names.find("settings") {
            scope.set(slot, Value::from_json(settings));
        }
        scope
    }
}

impl Span {
    fn parse(
        fields: &Fields<'_>,
        key: &str,
        reading: &Reading<'_>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let node = fields.get(key)?;
        if node.as_text().is_some_and(|text| text.starts_with('=')) {
            let expr = reading.expr(node, faults)?;
            return Some(Self::Of(Box::new(expr)));
        }
        let span = fields.duration(key, faults)?;
        if span < LEAST {
            faults
                .error(BAD_TIME, node.place(), format!("`{key}` is too short"))
                .help(format!("write {key}: 10s; a second is the least"));
            return None;
        }
        Some(Self::Fixed(span))
    }

    fn over<'a>(&'a self, scope: &Scope<'a>) -> Option<Duration> {
        match self {
            Self::Fixed(span) => Some(*span),
            Self::Of(expr) => match expr.eval(scope).ok()? {
                Value::Duration(span) => Duration::try_from(span).ok(),
                Value::Text(text) => yaml::duration(text.trim()),
                _ => None,
            },
        }
    }
}

/// Reads `acknowledged:`. `names` are those of `answers`.
pub(super) fn acknowledged(
    node: &Node,
    names: &Names,
    offered: Offered<'_>,
    faults: &mut Faults,
) -> Option<Acknowledged> {
    let mut keys: Vec<&str> = CALL_KEYS.to_vec();
    keys.extend(["only_if", "channel", "id", "holds", "every", "again_after"]);
    let fields = Fields::of(node, "`acknowledged`", &keys, faults)?;
    let start = faults.errors();
    let reading = Reading::over(names);
    let only_if = fields
        .get("only_if")
        .and_then(|node| reading.condition(node, faults));
    let channel = fields.get("channel").and_then(|node| channel(node, faults));
    let id = fields
        .require("id", "write `id: =body.ackId`", faults)
        .and_then(|node| reading.expr(node, faults));
    let holds = fields
        .require(
            "holds",
            "say when a batch is acknowledged, such as `holds: body.acks[string(id)]`",
            faults,
        )
        .and_then(|node| reading.condition(node, faults));
    let every = Span::parse(&fields, "every", &reading, faults);
    let again_after = Span::parse(&fields, "again_after", &reading, faults);
    let call = Call::parse(&fields, &reading, offered, None, faults);
    (faults.errors() == start).then_some(())?;
    Some(Acknowledged {
        only_if,
        channel,
        id: id?,
        call: call?,
        holds: holds?,
        every: every.unwrap_or(Span::Fixed(EVERY)),
        again_after: again_after.unwrap_or(Span::Fixed(AGAIN_AFTER)),
        names: names.clone(),
    })
}

/// The header that the channel goes into, lower-case.
fn channel(node: &Node, faults: &mut Faults) -> Option<String> {
    let channel = Fields::of(node, "`channel`", &["header"], faults)?;
    let help = "write `channel: { header: X-Splunk-Request-Channel }`";
    let name = channel.required_text("header", help, faults)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.bytes().all(plain) {
        return Some(name.to_ascii_lowercase());
    }
    faults
        .error(
            codes::BAD_HEADER,
            node.place(),
            format!("`{name}` is no name of a header"),
        )
        .help(help);
    None
}
