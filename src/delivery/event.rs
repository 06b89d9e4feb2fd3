//! One revision of an alert as one destination's event: rendered, cut, and made to fit.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::{Error, Way};
use crate::alert::Alert;
use crate::connector::{Cut, Deliver, Fit, Framing, Target, Use};
use crate::expr::{Scope, Value};
use crate::kind::Kind;
use crate::ocsf::{self, Product};
use crate::shape::{Absent, Body, Request, SecretAt};

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
            dropped = fit(&mut value, &mut secrets, &mut bytes, bound);
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

fn written(value: &Json) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

/// The alert's finding, as far as the event needs it.
enum Finding {
    None,
    Written(String),
    Tree(Json),
}

fn written_finding(way: &Way<'_>, alert: &Alert) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(EVENT_BYTES);
    with_finding(way, alert, |finding| {
        serde_json::to_writer(&mut bytes, finding)
    })
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

/// Cuts each top-level value that is longer than the bound; one that is no text becomes the text of
/// its JSON. `whole` is the event's size: where that is within the bound, nothing can be over it.
/// Says whether something was cut.
fn cut(event: &mut Json, whole: usize, bound: &Cut) -> bool {
    let each = usize::try_from(bound.each).unwrap_or(usize::MAX);
    let Some(map) = event.as_object_mut().filter(|_| whole > each) else {
        return false;
    };
    let mut any = false;
    for value in map.values_mut() {
        let text = match value {
            Json::String(text) if text.len() > each => std::mem::take(text),
            Json::Array(_) | Json::Object(_) => {
                let text = value.to_string();
                if text.len() <= each {
                    continue;
                }
                text
            }
            _ => continue,
        };
        *value = Json::String(shortened(text, each, &bound.mark));
        any = true;
    }
    any
}

/// At most `at_most` bytes, the mark counted, cut between characters.
fn shortened(mut text: String, at_most: usize, mark: &str) -> String {
    let end = text.floor_char_boundary(at_most.saturating_sub(mark.len()));
    text.truncate(end);
    text.push_str(mark);
    text
}

/// Drops paths in their order until the event fits, and says at the note's path which. The size is
/// that of the event without its secrets, which are short.
fn fit(
    event: &mut Json,
    secrets: &mut Vec<SecretAt>,
    bytes: &mut Vec<u8>,
    bound: &Fit,
) -> Vec<String> {
    let at_most = usize::try_from(bound.bytes).unwrap_or(usize::MAX);
    let mut dropped = Vec::new();
    for path in &bound.drop {
        if bytes.len() <= at_most {
            break;
        }
        if !remove(event, path) {
            continue;
        }
        let below = format!("/{}", path.replace('.', "/"));
        secrets.retain(|secret| {
            secret
                .pointer
                .strip_prefix(&below)
                .is_none_or(|rest| !rest.is_empty() && !rest.starts_with('/'))
        });
        dropped.push(path.clone());
        if let Some(note) = &bound.note {
            put(event, note, Json::from(dropped.clone()));
        }
        if let Some(written) = written(event) {
            *bytes = written;
        }
    }
    dropped
}

fn parent<'j>(event: &'j mut Json, path: &str) -> Option<(&'j mut Map<String, Json>, String)> {
    let mut steps: Vec<&str> = path.split('.').collect();
    let last = steps.pop()?.to_owned();
    let mut at = event;
    for step in steps {
        at = at.get_mut(step)?;
    }
    Some((at.as_object_mut()?, last))
}

fn remove(event: &mut Json, path: &str) -> bool {
    parent(event, path).is_some_and(|(map, key)| map.shift_remove(&key).is_some())
}

fn put(event: &mut Json, path: &str, value: Json) {
    if let Some((map, key)) = parent(event, path) {
        map.insert(key, value);
    }
}
