//! Making an event as small as its destination takes it, so that something of it arrives.

use serde_json::{Map, Value as Json};

use crate::connector::{Cut, Fit};
use crate::shape::SecretAt;

/// As JSON.
pub(super) fn written(value: &Json) -> Option<Vec<u8>> {
    serde_json::to_vec(value).ok()
}

/// Cuts each top-level value that is longer than the bound; one that is no text becomes the text of
/// its JSON. `whole` is the event's size: where that is within the bound, nothing can be over it.
/// Says whether something was cut.
pub(super) fn cut(event: &mut Json, whole: usize, bound: &Cut) -> bool {
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

/// Makes an event smaller until it has at most `at_most` bytes: its long texts are cut, then paths are
/// dropped in their order, and the note's path says which. The size is that of the event without its
/// secrets, which are short. Gives what was dropped.
pub(super) fn fit(
    event: &mut Json,
    secrets: &mut Vec<SecretAt>,
    bytes: &mut Vec<u8>,
    bound: &Fit,
    at_most: u64,
) -> Vec<String> {
    let at_most = usize::try_from(at_most).unwrap_or(usize::MAX);
    if bytes.len() <= at_most {
        return Vec::new();
    }
    if let Some(texts) = bound.texts {
        let each = usize::try_from(texts).unwrap_or(usize::MAX);
        shorten(event, "", each, bound);
        if let Some(written) = written(event) {
            *bytes = written;
        }
    }
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

/// Cuts every text that is longer, but those below the paths that stay whole.
fn shorten(value: &mut Json, path: &str, each: usize, bound: &Fit) {
    if bound.whole.iter().any(|whole| whole == path) {
        return;
    }
    match value {
        Json::String(text) if text.len() > each => {
            *text = shortened(std::mem::take(text), each, &bound.mark);
        }
        Json::Array(items) => {
            for item in items {
                shorten(item, path, each, bound);
            }
        }
        Json::Object(map) => {
            for (key, value) in map {
                let below = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                shorten(value, &below, each, bound);
            }
        }
        _ => {}
    }
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
