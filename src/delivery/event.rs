//! One revision of an alert as one destination's event: rendered, cut, and made to fit.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::fit::{cut, fit, written};
use super::{Error, Way};
use crate::alert::Alert;
use crate::connector::{Deliver, Framing, Target, Use};
use crate::expr::{Scope, Value};
use crate::json;
use crate::kind::Kind;
use crate::ocsf::{self, Product};
use crate::shape::{Absent, Body, Request};

/// What most events have room in, in bytes.
const EVENT_BYTES: usize = 4_096;

/// An event as it would be sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rendered {
    /// Its bytes, without the framing that it may get in a batch; null where a secret goes.
    pub bytes: Vec<u8>,
    /// Keys left out because their value is absent.
    pub left_out: Vec<String>,
    /// Paths dropped so that it fits.
    pub dropped: Vec<String>,
}

/// What is needed to send one event, alone or in a batch.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) rendered: Rendered,
    /// In place of the bytes, where secrets have to be put in.
    pub(super) body: Option<Body>,
    /// The request without its body, where each event has its own.
    pub(super) request: Option<Request>,
    /// What `span` measures.
    pub(super) at: Option<Timestamp>,
    /// When the revision was made.
    pub(super) revised_at: Timestamp,
}

/// Renders one revision for one destination.
pub(super) fn render(way: &Way<'_>, alert: &Alert) -> Result<Event, Error> {
    let deliver = way.deliver;
    let failed = |source| Error::Shape {
        destination: way.connection.name.clone(),
        source,
    };
    let empty = || Error::Empty(way.connection.name.clone());
    let shown = alert.shown(|word| deliver.wants(word));
    let none = Map::new();
    let texts = shown.as_object().unwrap_or(&none);
    let at_once = can_be_written(deliver);
    let finding = match deliver.ocsf {
        Use::None => Finding::None,
        Use::Whole if at_once => Finding::Written(written_finding(way, alert)?),
        Use::Whole | Use::Parts => {
            Finding::Tree(with_finding(way, alert, |finding| finding.to_json()))
        }
    };
    let mut scope = Scope::new(&deliver.event_names);
    let mut set = |name: &str, value| {
        if let Some((slot, _)) = deliver.event_names.find(name) {
            scope.set(slot, value);
        }
    };
    set("settings", Value::from_json(&way.connection.settings));
    set("alert", Value::from_json(&shown));
    match &finding {
        Finding::None => {}
        Finding::Written(written) => set("ocsf", Value::Written(written)),
        Finding::Tree(tree) => set("ocsf", Value::from_json(tree)),
    }
    if at_once {
        let mut rendered = Rendered {
            bytes: Vec::with_capacity(EVENT_BYTES),
            ..Rendered::default()
        };
        let (bytes, left_out) = (&mut rendered.bytes, &mut rendered.left_out);
        let there = deliver.event.write(&scope, texts, bytes, left_out);
        if !there.map_err(failed)? {
            return Err(empty());
        }
        return Ok(Event {
            rendered,
            body: None,
            request: None,
            at: None,
            revised_at: alert.revised_at,
        });
    }
    let made = deliver
        .event
        .render(&scope, texts, Absent::LeftOut)
        .map_err(failed)?
        .ok_or_else(empty)?;
    let mut value = made.value;
    let mut secrets = made.secrets;
    let mut dropped = Vec::new();
    let mut bytes = if let Some(lines) = made.lines {
        lines.into_bytes()
    } else {
        let mut bytes = written(&value).ok_or_else(empty)?;
        if let Some(bound) = &deliver.cut
            && cut(&mut value, bytes.len(), bound)
        {
            bytes = written(&value).ok_or_else(empty)?;
        }
        if let Some(bound) = &deliver.fit {
            dropped = fit(&mut value, &mut secrets, &mut bytes, bound, bound.bytes);
        }
        bytes
    };
    bytes.shrink_to_fit();
    let at_most = deliver.fit.as_ref().map_or(u64::MAX, |fit| fit.bytes);
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > at_most {
        return Err(Error::TooLarge {
            destination: way.connection.name.clone(),
            bytes: bytes.len(),
            at_most,
        });
    }
    let request = match &deliver.target {
        Target::Call(call) if deliver.batch.framing == Framing::Single => Some(
            call.render(&scope, texts, way.connector.first_url().unwrap_or_default())
                .map_err(failed)?,
        ),
        Target::Call(_) | Target::File { .. } => None,
    };
    let at = spanned(way, &value);
    Ok(Event {
        body: (!secrets.is_empty()).then_some(Body::Json { value, secrets }),
        rendered: Rendered {
            bytes,
            left_out: made.left_out,
            dropped,
        },
        request,
        at,
        revised_at: alert.revised_at,
    })
}

/// The event at half its size, for a destination that says it is too large; none where nothing of it
/// can go.
pub(super) fn smaller(way: &Way<'_>, event: &Event) -> Option<Event> {
    let bound = way.deliver.fit.as_ref()?;
    let (mut value, mut secrets) = match &event.body {
        Some(Body::Json { value, secrets }) => (value.clone(), secrets.clone()),
        Some(_) => return None,
        None => (
            serde_json::from_slice(&event.rendered.bytes).ok()?,
            Vec::new(),
        ),
    };
    let mut rendered = event.rendered.clone();
    let half = u64::try_from(rendered.bytes.len() / 2).ok()?;
    let dropped = fit(&mut value, &mut secrets, &mut rendered.bytes, bound, half);
    rendered.dropped.extend(dropped);
    (rendered.bytes.len() < event.rendered.bytes.len()).then(|| Event {
        body: (!secrets.is_empty()).then_some(Body::Json { value, secrets }),
        rendered,
        ..event.clone()
    })
}

/// Whether nobody has to look into the event after it was made: then its bytes are written at once.
fn can_be_written(deliver: &Deliver) -> bool {
    deliver.cut.is_none()
        && deliver.fit.is_none()
        && deliver.batch.span.is_none()
        && (deliver.batch.framing != Framing::Single
            || matches!(deliver.target, Target::File { .. }))
        && (deliver.event.members().next().is_some() || deliver.event.as_expr().is_some())
        && deliver.event.secrets().is_empty()
}

/// The alert's finding, as far as the event needs it.
enum Finding {
    None,
    Written(String),
    Tree(Json),
}

fn written_finding(way: &Way<'_>, alert: &Alert) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(EVENT_BYTES);
    with_finding(way, alert, |finding| json::write(&mut bytes, finding))
        .ok()
        .and_then(|()| String::from_utf8(bytes).ok())
        .ok_or_else(|| Error::Empty(way.connection.name.clone()))
}

fn with_finding<T>(way: &Way<'_>, alert: &Alert, give: impl FnOnce(&ocsf::Finding<'_>) -> T) -> T {
    let product = Product {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let unknown;
    let kind = if let Some(kind) = way.snapshot.catalog.kinds.get(&alert.kind) {
        kind.as_ref()
    } else {
        // Its mapping may have lost the kind since; what is owed is delivered all the same.
        unknown = Kind {
            name: alert.kind.clone(),
            title: alert.kind.clone(),
            analytic: 1,
            types: Vec::new(),
            atlas: Vec::new(),
            owasp: Vec::new(),
            advice: String::new(),
        };
        &unknown
    };
    give(&ocsf::finding(alert, kind, &product))
}

/// What `span: { of }` gives for an event; none where it is no time.
fn spanned(way: &Way<'_>, event: &Json) -> Option<Timestamp> {
    let deliver = way.deliver;
    let (of, _) = deliver.batch.span.as_ref()?;
    let (slot, _) = deliver.event_names.find("event")?;
    let mut scope = Scope::new(&deliver.event_names);
    scope.set(slot, Value::from_json(event));
    match of.eval(&scope).ok()? {
        Value::Time(at) => Some(at),
        Value::Text(text) => text.parse().ok(),
        Value::Int(ms) => Timestamp::from_millisecond(ms).ok(),
        _ => None,
    }
}
